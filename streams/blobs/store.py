"""Makes the store of the settings."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from streams.blobs.folder import FolderBlobs
from streams.blobs.names import SEGMENT
from streams.blobs.s3 import S3Blobs
from streams.config.env_file import SettingsError
from streams.config.settings import Settings
from streams.ports import BlobStore
from streams.providers.aws_signature import AwsKey, Signer
from streams.providers.connections import Connections
from streams.providers.endpoints import is_private
from streams.providers.transport import AiohttpTransport

log = structlog.get_logger()


@asynccontextmanager
async def blob_store(
    settings: Settings, connections: Connections, clock: Callable[[], float]
) -> AsyncIterator[BlobStore | None]:
    """Give the store; None if `dataref_url` is not set.

    Raises:
        SettingsError: it cannot be used; one sentence with the variable and the fix.
    """
    url = settings.dataref_url
    if url is None:
        yield None
    elif url.startswith("file://"):
        yield _folder(url, settings.max_dataref_bytes)
    else:
        prefix, endpoint, signer = _bucket(settings, url)
        async with AiohttpTransport(settings.max_dataref_bytes, connections) as transport:
            yield S3Blobs(transport, endpoint, prefix, signer, clock)


def _folder(url: str, most_bytes: int) -> FolderBlobs:
    folder = Path(url.removeprefix("file://"))
    if not folder.is_absolute() or ".." in folder.parts or "%" in url:
        raise SettingsError(
            "TURNOUT_DATAREF_URL must be file:///FOLDER with the whole path of a folder, or s3://BUCKET/PREFIX."
        )
    if not folder.is_dir():
        raise SettingsError(f"TURNOUT_DATAREF_URL: there is no folder {folder}; make it, or mount it.")
    return FolderBlobs(folder, most_bytes)


def _bucket(settings: Settings, url: str) -> tuple[str, str, Signer | None]:
    prefix = url.removeprefix("s3://").rstrip("/")
    if not url.startswith("s3://") or not all(map(SEGMENT.fullmatch, prefix.split("/"))):
        raise SettingsError("TURNOUT_DATAREF_URL must be s3://BUCKET/PREFIX, or file:///FOLDER.")
    region = settings.dataref_region
    endpoint = settings.dataref_endpoint or f"https://s3.{region}.amazonaws.com"
    if not is_private(endpoint):  # the signature shows no key, but what is sent can be read
        log.warning("payloads cross the network in the clear: TURNOUT_DATAREF_ENDPOINT is http")
    if settings.dataref_key is None:
        return f"{prefix}/", endpoint, None
    key = AwsKey.parsed(settings.dataref_key)
    if key is None:
        raise SettingsError("TURNOUT_DATAREF_KEY must be ID:SECRET, or ID:SECRET:TOKEN.")
    return f"{prefix}/", endpoint, Signer(key, region, "s3")
