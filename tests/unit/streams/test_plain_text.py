"""What others write, shown: the sequences are those that terminals act on."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.plain_text import on_lines, on_one_line, plain_json, without_controls

COMMANDS = [
    "\x1b[2J",  # ECMA-48: clear the screen
    "\x1b]0;title\x07",  # xterm: set the title
    "\x1b]52;c;aGk=\x07",  # xterm: write the clipboard
    "\x9b31m",  # C1: CSI as one character
    "\x08\x08rm",
    "\r",
    "\x7f",
    "\u202etxt.exe",  # Unicode TR 36: right-to-left override
    "\u2066hidden\u2069",
    "\u2028",
    "\ud83d",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_what_commands_a_terminal_is_escaped(command: str) -> None:
    for shown in (on_lines(f"a{command}b"), on_one_line(f"a{command}b"), without_controls(f"a{command}b")):
        assert not any(character in shown for character in command if not character.isprintable())
        assert shown.startswith("a")
        assert shown.endswith("b")
        shown.encode()


def test_a_line_is_one_line() -> None:
    assert on_one_line("a\nlevel=error b\tc") == r"a\nlevel=error b\tc"
    assert on_lines("a\n\tb") == "a\n\tb"


@pytest.mark.parametrize("text", ["plain", "Zürich 東京", "👩‍💻 family", "a\u00a0b", "नमस्ते", "\u3000"])
def test_words_of_every_language_stay(text: str) -> None:
    assert on_lines(text) == on_one_line(text) == without_controls(text) == text


@given(st.text())
def test_json_keeps_its_value_and_holds_no_control(text: str) -> None:
    written = plain_json(orjson.dumps({text: [text]}))
    assert orjson.loads(written) == {text: [text]}
    assert on_one_line(written.decode()) == written.decode()
