"""Objects over real sockets, from a server that checks every signature by its own reading of the rules."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from streams.blobs.s3 import S3Blobs
from streams.blobs.store import blob_store
from streams.config.env_file import SettingsError
from streams.config.settings import Settings
from streams.ports import BlobRefusedError, BlobStoreAwayError
from streams.providers.aws_signature import AwsKey, Signer
from streams.providers.connections import Connections
from streams.providers.proxies import Proxies
from tests.s3_server import ACCESS_KEY, SECRET_KEY, S3Server, s3_server

DIRECTLY = Connections({}, Proxies({}))
AWSS_OWN = AwsKey("AKIAIOSFODNN7EXAMPLE", SecretStr("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))


@pytest.fixture
def server() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


def settings(server: S3Server, **fields: object) -> Settings:
    return Settings.model_validate(
        {
            "dataref_url": "s3://bucket/turnout",
            "dataref_endpoint": server.url,
            "dataref_region": "eu-central-1",
            "dataref_key": f"{ACCESS_KEY}:{SECRET_KEY}",
            "max_dataref_bytes": 2000,
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("method", "url", "headers", "body", "signature"),
    [
        (
            "GET",
            "https://examplebucket.s3.amazonaws.com/test.txt",
            {"range": "bytes=0-9"},
            b"",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT",
            "https://examplebucket.s3.amazonaws.com/test%24file.text",
            {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            b"Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET",
            "https://examplebucket.s3.amazonaws.com/?lifecycle",
            {},
            b"",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
    ],
)
def test_signatures_are_those_of_awss_own_examples(
    method: str, url: str, headers: dict[str, str], body: bytes, signature: str
) -> None:
    """Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header", the examples."""
    at_s = datetime(2013, 5, 24, tzinfo=UTC).timestamp()
    signed = Signer(AWSS_OWN, "us-east-1", "s3").headers(method, url, headers, body, at_s)
    assert signed["authorization"].rpartition("Signature=")[2] == signature


async def test_what_is_written_is_read(server: S3Server) -> None:
    async with blob_store(settings(server), DIRECTLY, time.time) as store:
        assert store is not None
        reference = await store.put("responses/t~1/0/7.json", "đường ray".encode(), "acme")
        assert reference == "s3://bucket/turnout/acme/responses/t~1/0/7.json"
        assert await store.get(store.name_in(reference, "acme")) == "đường ray".encode()
    assert list(server.objects) == ["turnout/acme/responses/t~1/0/7.json"]


@pytest.mark.parametrize("size", [2000, 2001])
async def test_an_object_is_read_up_to_the_bound(server: S3Server, size: int) -> None:
    server.objects["turnout/1"] = b"x" * size
    async with blob_store(settings(server), DIRECTLY, time.time) as store:
        assert store is not None
        if size <= 2000:
            assert len(await store.get("1")) == size
            return
        with pytest.raises(BlobRefusedError, match="TURNOUT_MAX_DATAREF_BYTES"):
            await store.get("1")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, BlobRefusedError),
        (307, BlobRefusedError),
        (400, BlobRefusedError),
        (403, BlobRefusedError),
        (404, BlobRefusedError),
        (429, BlobStoreAwayError),
        (500, BlobStoreAwayError),
        (503, BlobStoreAwayError),
    ],
)
async def test_what_passes_is_told_from_what_does_not_and_no_redirect_is_followed(
    server: S3Server, status: int, error: type[Exception]
) -> None:
    async with blob_store(settings(server), DIRECTLY, time.time) as store:
        assert store is not None
        server.statuses = [status]
        with pytest.raises(error):
            await store.get("1")
        server.statuses = [status]
        with pytest.raises(error):
            await store.put("1", b"x", None)
    assert len(server.asked) == 2


async def test_a_wrong_key_is_refused_and_shown_nowhere(server: S3Server) -> None:
    wrong = settings(server, dataref_key=f"{ACCESS_KEY}:another-secret")
    async with blob_store(wrong, DIRECTLY, time.time) as store:
        assert store is not None
        with pytest.raises(BlobRefusedError, match="TURNOUT_DATAREF_KEY may not have it") as refused:
            await store.get("1")
    assert "another-secret" not in str(refused.value)
    assert {status for *_, status in server.asked} == {403}


async def test_a_server_that_is_not_there_is_away(server: S3Server) -> None:
    async with blob_store(settings(server, dataref_endpoint="http://127.0.0.1:1"), DIRECTLY, time.time) as store:
        assert isinstance(store, S3Blobs)
        with pytest.raises(BlobStoreAwayError, match="connection refused"):
            await store.get("1")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"dataref_url": "http://bucket/x"}, "must be s3://BUCKET/PREFIX, or file:///FOLDER"),
        ({"dataref_url": "s3://"}, "must be s3://BUCKET/PREFIX"),
        ({"dataref_url": "s3://bucket/../other"}, "must be s3://BUCKET/PREFIX"),
        ({"dataref_url": "file://blobs"}, "whole path of a folder"),
        ({"dataref_url": "file:///nowhere/at/all"}, "there is no folder"),
        ({"dataref_key": "no-colon"}, "must be ID:SECRET"),
    ],
)
async def test_a_store_that_cannot_be_used_is_named_at_the_start(
    server: S3Server, fields: dict[str, object], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        async with blob_store(settings(server, **fields), DIRECTLY, time.time):
            pass


async def test_a_store_over_http_beyond_this_machine_is_told_of(server: S3Server) -> None:
    for endpoint, count in (("http://minio.example:9000", 1), ("https://minio.example", 0), (server.url, 0)):
        with capture_logs() as logged:
            async with blob_store(settings(server, dataref_endpoint=endpoint), DIRECTLY, time.time):
                pass
        assert ["in the clear" in str(line["event"]) for line in logged] == [True] * count


async def test_without_an_url_there_is_no_store_and_a_folder_is_one(server: S3Server, tmp_path: Path) -> None:
    async with blob_store(settings(server, dataref_url=None), DIRECTLY, time.time) as store:
        assert store is None
    async with blob_store(settings(server, dataref_url=f"file://{tmp_path}"), DIRECTLY, time.time) as store:
        assert store is not None
        assert await store.get(store.name_in(await store.put("1", b"x", None), None)) == b"x"
