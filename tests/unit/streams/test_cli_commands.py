import sys
from pathlib import Path

import aiokafka.codec
import orjson
import pytest

from streams.cli import COMMANDS, EXTRAS, main
from streams.cli.worker import _children

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _beside_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["turnout", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    code = ended.value.code
    assert isinstance(code, int)
    return code


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, name, "--help") == 0
    assert f"turnout {name}" in capsys.readouterr().out


def test_the_help_names_every_command_and_no_arguments_are_a_call_for_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch) == 2
    shown = capsys.readouterr()
    assert all(f"  {name} " in shown.out + shown.err for name in COMMANDS)


def test_a_misspelt_command_is_guessed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "wroker") == 2
    assert "Did you mean 'worker'" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(EXTRAS))
def test_a_command_without_its_extra_says_what_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, COMMANDS[name].partition(":")[0], None)
    assert call(monkeypatch, name, "--port", "1") == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.endswith(f'pip install "turnout[{EXTRAS[name]}]".\n')
    assert shown.err.count("\n") == 1
    assert call(monkeypatch, "--help") == 0


def test_what_reads_kafka_says_which_codecs_it_lacks_before_it_connects(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(aiokafka.codec, "cramjam", None)  # what an import that fails leaves there
    for arguments in (("worker",), ("tail", "requests"), ("replay",), ("health",), ("dashboard",)):
        assert call(monkeypatch, *arguments, "--brokers", "127.0.0.1:1") == 2
        assert capsys.readouterr().err == (
            "Records compressed with lz4, snappy, zstd could not be read: a library is missing; install it with: "
            'pip install "aiokafka[lz4,snappy,zstd]".\n'
        )


def test_a_wrong_setting_ends_with_two_and_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TURNOUT_GRUOP", "x")
    assert call(monkeypatch, "check") == 2
    assert capsys.readouterr().err == "TURNOUT_GRUOP is no setting; did you mean TURNOUT_GROUP?\n"


def test_check_shows_models_prices_and_chains(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TURNOUT_API_KEY", "sk-secret")
    assert call(monkeypatch, "check") == 0
    shown = capsys.readouterr()
    assert "claude-sonnet-4.5" in shown.out
    assert "gemini-2.5-flash -> deepseek-v3.2 -> gpt-4.1" in shown.out
    assert shown.err == (
        "catalogue.toml is right: 4 models of 4 providers; savings are measured against gpt-4.1.\n"
        "The pipeline is open: no tenant has a key, so whoever may write requests may spend.\n"
    )


def test_check_says_where_requests_are_to_wait_though_no_provider_has_batches(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = (ROOT / "catalogue.toml").read_text().replace('# lane = "live"', 'lane = "auto"')
    text += '\n[tenants.night]\nlane = "batch"\n[tenants.day]\nlane = "live"\n'
    catalogue = tmp_path / "catalogue.toml"
    catalogue.write_text(text)
    assert call(monkeypatch, "check", "--catalogue", str(catalogue)) == 0
    assert "No provider has batches" not in capsys.readouterr().err
    catalogue.write_text(text.replace("\nbatch = true", "\n"))
    assert call(monkeypatch, "check", "--catalogue", str(catalogue)) == 0
    assert (
        "No provider has batches, so nothing waits in spite of lane, tenants.night.lane; set `batch` of a provider, "
        'or `lane` to "live".\n'
    ) in capsys.readouterr().err


def test_check_says_what_shadow_calls_there_are_and_for_how_much(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("TURNOUT_API_KEY", "sk-secret")
    catalogue = tmp_path / "shadows.toml"
    catalogue.write_text(
        (ROOT / "catalogue.toml").read_text()
        + '[shadow_calls]\nshare = 0.01\nbudget_usd_per_day = 5\nmodels = ["deepseek-v3.2", "gpt-4.1"]\n'
        + 'judge = "claude-sonnet-4.5"\n'
        + "[experiments.cheaper]\nshare = 0.02\nquality_slack = 0.15\nshadow = true\n"
    )
    assert call(monkeypatch, "check", "--catalogue", str(catalogue)) == 0
    assert (
        "Answered requests have shadow calls: 1.0% of them is asked of deepseek-v3.2 or gpt-4.1, 2.0% of whom "
        "experiment cheaper chooses; claude-sonnet-4.5 judges, for up to 5 USD a day together.\n"
    ) in capsys.readouterr().err
    assert call(monkeypatch, "check", "--catalogue", str(catalogue), "--json") == 0
    told = orjson.loads(capsys.readouterr().out)["catalogue"]["shadow_calls"]
    assert (told["judge"], [one["name"] for one in told["experiments"]]) == ("claude-sonnet-4.5", ["cheaper"])


def test_check_gives_a_program_exact_prices_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TURNOUT_API_KEYS", '{"openai": "sk-secret"}')
    assert call(monkeypatch, "check", "--json") == 0
    shown = capsys.readouterr().out
    assert "sk-secret" not in shown
    report = orjson.loads(shown)
    assert report["catalogue"]["models"][0]["price"]["input_usd_per_mtok"] == "4.00"
    assert report["catalogue"]["chains"]["balanced"] == ["deepseek-v3.2", "gemini-2.5-flash"]
    assert [provider["has_key"] for provider in report["providers"]] == [True, False, False, False]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("send",), "give either a prompt or --file"),
        (("send", "a", "--file", "b"), "give either a prompt or --file"),
        (("send", "a", "--tag", "b"), "NAME=VALUE"),
        (("send", "a", "--max-tokens", "0"), "max_tokens"),
        (("send", "a", "--cache-ttl-s", "-1"), "cache.ttl_s"),
        (("send", "a", "--lane", "batch"), "lane: `batch` goes with a `deadline`"),
        (("send", "a", "--max-cost-usd", "much"), "max_cost_usd"),
        (("send", "--file", "nowhere.jsonl"), "nowhere.jsonl cannot be read"),
        (("send", "a", "--tier", "best"), "powerful"),
        (("tail", "responses", "--from", "yesterday"), "beginning"),
        (("tail", "answers"), "responses"),
        (("worker", "--processes", "0"), "processes"),
        (("worker", "--catalogue", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_a_wrong_option_ends_with_two_and_is_named(
    arguments: tuple[str, ...], word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, *arguments) == 2
    assert word in capsys.readouterr().err


def test_a_proxy_that_is_none_is_named_before_a_worker_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://me:secret@proxy:1080")
    monkeypatch.delenv("https_proxy", raising=False)
    assert call(monkeypatch, "check") == 2
    said = capsys.readouterr().err
    assert said.startswith("HTTPS_PROXY must be the URL of an http or https proxy")
    assert "secret" not in said


@pytest.mark.parametrize(("control", "option"), [(None, []), (True, ["--control"]), (False, ["--no-control"])])
def test_workers_of_a_supervisor_keep_or_keep_nothing_as_it_was_told(
    *, control: bool | None, option: list[str]
) -> None:
    commands = _children("host", 2, None, {"brokers": "kafka:9092", "control": control})
    assert commands.keys() == {"host-1", "host-2"}
    assert [part for part in commands["host-1"] if part.endswith("control")] == option
