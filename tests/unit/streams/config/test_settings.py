"""The settings: where they come from, that a mistake is named with its variable and fix, that secrets stay secret."""

import os
import traceback
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from schemas.topics import Topic
from streams.config.env_file import SettingsError
from streams.config.load_settings import load_settings
from streams.config.settings import Settings
from streams.config.settings_page import settings_table

SECRET = "sk-very-secret"  # noqa: S105 - made up


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith("TURNOUT_"):
            monkeypatch.delenv(name)


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / "worker.env"


def the_complaint(env_file: Path | None = None, **overrides: object) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(env_file, **overrides)
    return str(caught.value)


def test_a_worker_starts_without_any_setting() -> None:
    settings = load_settings()
    assert (settings.brokers, settings.group, settings.catalogue) == (
        "127.0.0.1:9092", "turnout", Path("catalogue.toml"),
    )  # fmt: skip
    assert settings.worker_id.endswith(f"-{os.getpid()}")
    assert settings.api_key_for("openai", has_own_url=False) is None


def test_an_override_wins_over_the_environment_over_the_file_over_the_default(
    monkeypatch: pytest.MonkeyPatch, env_file: Path
) -> None:
    env_file.write_text("TURNOUT_GROUP=file\nTURNOUT_PARTITIONS=3\nTURNOUT_LINGER_MS=30\n")
    monkeypatch.setenv("TURNOUT_GROUP", "environment")
    monkeypatch.setenv("TURNOUT_PARTITIONS", "4")
    settings = load_settings(env_file, group="override")
    assert (settings.group, settings.partitions, settings.linger_ms, settings.replication) == ("override", 4, 30, 1)


def test_an_option_that_was_not_given_overrides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNOUT_GROUP", "environment")
    assert load_settings(group=None).group == "environment"


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNOUT_WEB_PORT", "")
    monkeypatch.setenv("TURNOUT_PARTITIONS", "")
    assert (load_settings().web_port, load_settings().partitions) == (None, 8)


def test_lists_and_keys_are_read_from_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNOUT_BROKERS", "kafka-1:9092, [::1]:9093")
    monkeypatch.setenv("TURNOUT_REPLY_TO_ALLOWED", "team-a.answers, team-b.answers,")
    monkeypatch.setenv("TURNOUT_API_KEY", "sk-all")
    monkeypatch.setenv("TURNOUT_API_KEYS", '{"openai": "sk-openai"}')
    monkeypatch.setenv("TURNOUT_PROVIDER_BASE_URL", "http://127.0.0.1:8080/v1/")
    monkeypatch.setenv("TURNOUT_LOG_LEVEL", "DEBUG")
    settings = load_settings()
    assert settings.brokers == "kafka-1:9092,[::1]:9093"
    assert settings.reply_to_allowed == ("team-a.answers", "team-b.answers")
    assert settings.api_key_for("openai", has_own_url=True) == SecretStr("sk-openai")
    assert settings.api_key_for("google", has_own_url=False) == SecretStr("sk-all")
    assert settings.provider_base_url == "http://127.0.0.1:8080/v1"
    assert settings.log_level == "debug"


def test_a_topic_has_the_prefix_of_its_cluster() -> None:
    assert load_settings().topic(Topic.REQUESTS) == "llm.requests.v1"
    assert load_settings(topic_prefix="staging.").topic(Topic.COSTS) == "staging.llm.costs.v1"


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_settings().partitions = 9  # type: ignore[misc]  # that it cannot is the claim


def test_variables_of_the_tests_the_sandbox_and_kubernetes_are_no_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TURNOUT_TEST_BROKER", "TURNOUT_KAFKA_CACHE", "TURNOUT_PORT", "TURNOUT_SERVICE_HOST"):
        monkeypatch.setenv(name, "tcp://10.0.0.1:6066")
    load_settings()


MISTAKES = {
    "misspelt": ("TURNOUT_BROKER", "kafka:9092", "TURNOUT_BROKER is no setting; did you mean TURNOUT_BROKERS?"),
    "lower case": ("turnout_broker", "kafka:9092", "turnout_broker is no setting; did you mean TURNOUT_BROKERS?"),
    "unlike anything": ("TURNOUT_ZZZZZZZZZZZZ", "1", "TURNOUT_ZZZZZZZZZZZZ is no setting; remove it."),
    "no number": ("TURNOUT_PARTITIONS", "many", "TURNOUT_PARTITIONS must be a whole number."),
    "no whole number": ("TURNOUT_PARTITIONS", "1.5", "TURNOUT_PARTITIONS must be a whole number."),
    "too small": ("TURNOUT_PARTITIONS", "0", "TURNOUT_PARTITIONS must be 1 or more."),
    "too large": ("TURNOUT_WEB_PORT", "65536", "TURNOUT_WEB_PORT must be 65535 or less."),
    "no time": ("TURNOUT_DEFAULT_DEADLINE_S", "0", "TURNOUT_DEFAULT_DEADLINE_S must be more than 0."),
    "time with a unit": ("TURNOUT_DRAIN_S", "30s", "TURNOUT_DRAIN_S must be a number."),
    "not finite": ("TURNOUT_DRAIN_S", "nan", "TURNOUT_DRAIN_S must be a finite number."),
    "percent for a share": ("TURNOUT_LOG_SAMPLE", "10", "TURNOUT_LOG_SAMPLE must be 1 or less."),
    "secret that can be guessed": (
        "TURNOUT_REPLAY_KEY",
        "sesame",
        "TURNOUT_REPLAY_KEY must have 32 characters or more; `openssl rand -hex 32` makes one.",
    ),
    "no truth": ("TURNOUT_IDEMPOTENCE", "maybe", "TURNOUT_IDEMPOTENCE must be true or false."),
    "unknown word": ("TURNOUT_LOG_FORMAT", "xml", "TURNOUT_LOG_FORMAT must be 'json' or 'console'."),
    "unknown protocol": (
        "TURNOUT_KAFKA_SECURITY_PROTOCOL",
        "TLS",
        "TURNOUT_KAFKA_SECURITY_PROTOCOL must be 'PLAINTEXT', 'SSL', 'SASL_PLAINTEXT' or 'SASL_SSL'.",
    ),
    "unknown mechanism": (
        "TURNOUT_KAFKA_SASL_MECHANISM",
        "GSSAPI",
        "TURNOUT_KAFKA_SASL_MECHANISM must be 'PLAIN', 'SCRAM-SHA-256' or 'SCRAM-SHA-512'.",
    ),
    "no such file": (
        "TURNOUT_KAFKA_CA_FILE",
        "/no/such/file.pem",
        "TURNOUT_KAFKA_CA_FILE must be the path of an existing file.",
    ),
    "no topic name": (
        "TURNOUT_GROUP",
        "my group",
        "TURNOUT_GROUP must consist of letters, digits, dots, underscores and hyphens.",
    ),
    "no topic name in a list": (
        "TURNOUT_REPLY_TO_ALLOWED",
        "good,not good",
        "TURNOUT_REPLY_TO_ALLOWED (entry 2) must consist of letters, digits, dots, underscores and hyphens.",
    ),
    "answers become requests": (
        "TURNOUT_REPLY_TO_ALLOWED",
        "llm.requests.v1",
        "TURNOUT_REPLY_TO_ALLOWED names llm.requests.v1, a topic of Turnout's own; remove it.",
    ),
    "long prefix": ("TURNOUT_TOPIC_PREFIX", "x" * 201, "TURNOUT_TOPIC_PREFIX must have at most 200 characters."),
    "CA without SSL": (
        "TURNOUT_KAFKA_CA_FILE",
        __file__,
        (
            "TURNOUT_KAFKA_CA_FILE has no effect without SSL; "
            "set TURNOUT_KAFKA_SECURITY_PROTOCOL to SASL_SSL or SSL, or remove it."
        ),
    ),
    "user without SASL": (
        "TURNOUT_KAFKA_SASL_USERNAME",
        "me",
        (
            "TURNOUT_KAFKA_SASL_USERNAME has no effect without SASL; "
            "set TURNOUT_KAFKA_SECURITY_PROTOCOL to SASL_SSL, or remove it."
        ),
    ),
    "SASL without a mechanism": (
        "TURNOUT_KAFKA_SECURITY_PROTOCOL",
        "SASL_SSL",
        "TURNOUT_KAFKA_SASL_MECHANISM is missing; TURNOUT_KAFKA_SECURITY_PROTOCOL SASL_SSL needs it.",
    ),
}


@pytest.mark.parametrize(("name", "value", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_its_variable_and_its_fix(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    assert the_complaint() == sentence


@pytest.mark.parametrize(
    "brokers", ["kafka", "kafka:", ":9092", "kafka:0", "kafka:65536", "kafka:9092,", "kafka://kafka:9092", "a b:1"]
)
def test_brokers_are_host_and_port(brokers: str) -> None:
    assert the_complaint(brokers=brokers) == (
        "TURNOUT_BROKERS must be HOST:PORT, or several with commas between them, such as 127.0.0.1:9092."
    )


def test_an_override_that_is_no_setting_is_a_programming_error() -> None:
    with pytest.raises(TypeError, match="brokrs"):
        load_settings(brokrs="kafka:9092")


def test_sasl_needs_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNOUT_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("TURNOUT_KAFKA_SASL_MECHANISM", "PLAIN")
    monkeypatch.setenv("TURNOUT_KAFKA_SASL_USERNAME", "me")
    assert the_complaint() == (
        "TURNOUT_KAFKA_SASL_PASSWORD is missing; TURNOUT_KAFKA_SECURITY_PROTOCOL SASL_PLAINTEXT needs it."
    )
    monkeypatch.setenv("TURNOUT_KAFKA_SASL_PASSWORD", SECRET)
    assert load_settings().kafka_sasl_password == SecretStr(SECRET)


def test_a_file_may_hold_comments_exports_quotes_and_what_is_not_turnouts(env_file: Path) -> None:
    env_file.write_text(
        "\ufeffTURNOUT_GROUP=first\n\n# a comment\nexport TURNOUT_WORKER_ID='one'\n"
        'TURNOUT_API_KEYS={"openai": "sk-$a"}\nCOMPOSE_PROJECT_NAME=x\n'
    )
    settings = load_settings(env_file)
    assert (settings.group, settings.worker_id) == ("first", "one")
    assert settings.api_keys == {"openai": SecretStr("sk-$a")}


def test_an_unknown_variable_in_a_file_is_named_with_the_file(env_file: Path) -> None:
    env_file.write_text("TURNOUT_PARTITION=3\n")
    assert the_complaint(env_file) == (
        f"TURNOUT_PARTITION in {env_file} is no setting; did you mean TURNOUT_PARTITIONS?"
    )


@pytest.mark.parametrize("line", ["TURNOUT BROKERS=kafka:9092", "TURNOUT_GROUP", "TURNOUT_GROUP='x"])
def test_a_line_of_a_file_that_sets_nothing_is_named(env_file: Path, line: str) -> None:
    env_file.write_text(f"TURNOUT_LINGER_MS=1\n\n{line}\n")
    assert the_complaint(env_file) == f"{env_file}: line 3 is not NAME=value; mend it."


def test_a_file_that_is_not_there_is_named(env_file: Path) -> None:
    assert the_complaint(env_file) == f"{env_file} cannot be read (No such file or directory); name an existing file."


def test_a_file_that_is_not_utf_8_is_named(env_file: Path) -> None:
    env_file.write_bytes(b"TURNOUT_GROUP=\xff\n")
    assert the_complaint(env_file) == f"{env_file} is not UTF-8; save the file as UTF-8."


def test_secrets_show_in_no_text_of_the_settings() -> None:
    settings = load_settings(
        api_key=SECRET,
        api_keys={"openai": SECRET},
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="PLAIN",
        kafka_sasl_username="me",
        kafka_sasl_password=SECRET,
    )
    assert settings.api_key_for("openai", has_own_url=False) == SecretStr(SECRET)
    for text in (repr(settings), str(settings), settings.model_dump_json(), repr(settings.model_dump())):
        assert SECRET not in text


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "TURNOUT_API_KEY",
            f"{SECRET}\n",
            "TURNOUT_API_KEY must be the bare key: no spaces, line breaks or letters beyond ASCII.",
        ),
        (
            "TURNOUT_API_KEYS",
            SECRET,
            'TURNOUT_API_KEYS must be a JSON object of provider names and keys, such as {"openai": "sk-..."}.',
        ),
        (
            "TURNOUT_API_KEYS",
            f'["{SECRET}"]',
            'TURNOUT_API_KEYS must be a JSON object of provider names and keys, such as {"openai": "sk-..."}.',
        ),
        (
            "TURNOUT_API_KEYS",
            f'{{"openai": ["{SECRET}"]}}',
            'TURNOUT_API_KEYS (entry "openai") must be text in quotes.',
        ),
        (
            "TURNOUT_API_KEYS",
            f'{{"openai": "{SECRET} "}}',
            'TURNOUT_API_KEYS (entry "openai") must be the bare key: no spaces, line breaks or letters beyond ASCII.',
        ),
        (
            "TURNOUT_PROVIDER_BASE_URL",
            f"https://me:{SECRET}@host/v1",
            "TURNOUT_PROVIDER_BASE_URL must not hold a user or password; put the key into TURNOUT_API_KEYS.",
        ),
        (
            "TURNOUT_KAFKA_SASL_PASSWORD",
            SECRET,
            (
                "TURNOUT_KAFKA_SASL_PASSWORD has no effect without SASL; "
                "set TURNOUT_KAFKA_SECURITY_PROTOCOL to SASL_SSL, or remove it."
            ),
        ),
        ("TURNOUT_API_KEI", SECRET, "TURNOUT_API_KEI is no setting; did you mean TURNOUT_API_KEY?"),
    ],
)
def test_secrets_show_in_no_error_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value) == sentence
    assert caught.value.__context__ is None
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_the_bare_constructors_error_hides_values_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNOUT_API_KEY", f"{SECRET} x")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert SECRET not in str(caught.value)


def test_the_table_tells_every_setting_and_nothing_of_this_machine() -> None:
    rows = {row.name: row for row in settings_table()}
    assert len(rows) == len(Settings.model_fields)
    assert all(row.description.endswith(".") for row in rows.values())
    assert rows["TURNOUT_PARTITIONS"].default == "8"
    assert rows["TURNOUT_IDEMPOTENCE"].default == "true"
    assert rows["TURNOUT_LOG_FORMAT"].default == "json"
    for name in ("WORKER_ID", "DATA_DIR", "API_KEY", "API_KEYS", "REPLY_TO_ALLOWED", "TOPIC_PREFIX"):
        assert rows[f"TURNOUT_{name}"].default == ""
