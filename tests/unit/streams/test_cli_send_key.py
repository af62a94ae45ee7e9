"""`turnout send` shows the tenant's key that stands in a file, and never says it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka.structs import RecordMetadata, TopicPartition
from pydantic import SecretStr

from streams.cli import main
from streams.cli.prompts import Prompt
from streams.cli.sending import Outbox, Receipt, RecordKey
from streams.config.key_files import read_key
from streams.request.api_keys import key_digest, presented_key


class Recorder:
    """A producer that keeps what it is given."""

    def __init__(self) -> None:
        self.headers: list[Any] = []

    async def send(self, topic: str, *, headers: object, **_: object) -> "asyncio.Future[RecordMetadata]":
        self.headers.append(headers)
        done: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        done.set_result(RecordMetadata(topic, 0, TopicPartition(topic, 0), 7, 0, 0, None))
        return done

    async def flush(self) -> None:
        await asyncio.sleep(0)


async def prompts() -> AsyncIterator[Prompt]:
    yield Prompt("r-1", "acme", b"{}")


@pytest.mark.parametrize("key", ["turnout-abc", None])
def test_each_record_shows_the_key_as_workers_read_it(key: str | None) -> None:
    async def play() -> tuple[list[Any], list[Receipt]]:
        shown = None if key is None else SecretStr(key)
        recorder, receipts = Recorder(), list[Receipt]()
        outbox = Outbox(recorder, "requests", RecordKey.REQUEST_ID, None, receipts.append, lambda *_: None, shown)
        await outbox.publish(prompts())
        await asyncio.sleep(0)
        return recorder.headers, receipts

    (headers,), (receipt,) = asyncio.run(play())
    assert receipt.offset == 7
    assert ("content-type", b"application/json") in headers
    assert presented_key(headers) == (key_digest(key.encode()) if key else presented_key([]))


@pytest.mark.parametrize("content", [b"turnout-abc", b"turnout-abc\n", b"\xef\xbb\xbf turnout-abc \r\n"])
def test_a_file_holds_the_key_and_blanks_around_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    assert read_key(path).get_secret_value() == "turnout-abc"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty; it must hold the bare key"),
        (b"the secret key", "must hold the bare key alone"),
        (b"secret\nsecret", "must hold the bare key alone"),
        ("schlüssel-secret".encode(), "must hold the bare key alone"),
        (b"secret" * 10_000, "must hold the bare key alone"),
        (None, "cannot be read: No such file or directory"),
    ],
)
@pytest.mark.parametrize("by_setting", [True, False])
def test_what_is_no_key_file_is_named_and_not_shown(
    tmp_path: Path,
    content: bytes | None,
    complaint: str,
    by_setting: bool,  # noqa: FBT001 - a parameter of the test
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(sys, "argv", ["turnout", "send", "Hello", *(() if by_setting else ("--key-file", str(path)))])
    if by_setting:
        monkeypatch.setenv("TURNOUT_TENANT_KEY_FILE", str(path))
    with pytest.raises(SystemExit) as ended:
        main()
    said = " ".join(capsys.readouterr().err.split())
    assert ended.value.code == 2
    assert "secret" not in said
    assert "TURNOUT_TENANT_KEY_FILE" in said
    assert complaint.partition(":")[0] in said
