"""How commands speak of what others wrote."""

import sys

import pytest
from rich.text import Text

from streams.cli.speech import PlainConsole, empty_table, print_json, print_text, say

CLEAR = "\x1b[2J"


def test_a_table_takes_no_command_from_its_cells_and_keeps_its_own_colours() -> None:
    console = PlainConsole(force_terminal=True, width=80, color_system="standard", highlight=False, markup=False)
    table = empty_table(f"ti{CLEAR}tle", ["na\x9bme"])
    table.add_row(Text(f"ten{CLEAR}ant", "red"))
    table.add_row(f"mo{CLEAR}del")
    with console.capture() as captured:
        console.print(table, f"sen{CLEAR}tence")
    shown = captured.get()
    assert CLEAR not in shown
    assert "\x9b" not in shown
    assert "\x1b[31m" in shown
    assert all(f"{word}\ufffd[2J" in shown for word in ("ti", "ten", "mo", "sen"))


def test_a_sentence_takes_no_command_from_what_it_repeats(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"Line 1 is not sent: {CLEAR}")
    assert capsys.readouterr().err == "Line 1 is not sent: \\x1b[2J.\n"


def test_json_is_safe_to_look_at_and_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"id": "a\x9b2Jb"})
    assert capsys.readouterr().out == '{"id":"a\\u009b2Jb"}\n'


def test_an_answer_is_escaped_on_a_terminal_and_whole_in_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    print_text(f"a{CLEAR}\nb")
    assert capsys.readouterr().out == f"a{CLEAR}\nb\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_text(f"a{CLEAR}\nb")
    assert capsys.readouterr().out == "a\\x1b[2J\nb\n"
