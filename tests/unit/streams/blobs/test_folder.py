"""Payloads in a folder of real files: no link is followed, nothing waits for ever, nothing is half written."""

import os
from pathlib import Path

import pytest

from streams.blobs.folder import FolderBlobs
from streams.ports import BlobRefusedError, BlobStoreAwayError

MOST = 1000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "blobs" / "in").mkdir(parents=True)
    (tmp_path / "secret").write_bytes(b"secret")
    return tmp_path / "blobs"


async def test_what_is_written_is_read_and_written_over(folder: Path) -> None:
    store = FolderBlobs(folder, MOST)
    for content in (b"first", b"second", b""):
        reference = await store.put("responses/t/0/7.json", content, "acme")
        assert reference == f"file://{folder}/acme/responses/t/0/7.json"
        assert await store.get(store.name_in(reference, "acme")) == content
    assert [path.name for path in (folder / "acme/responses/t/0").iterdir()] == ["7.json"], "and no draft is left"


@pytest.mark.parametrize("size", [MOST, MOST + 1])
async def test_a_payload_is_read_up_to_the_bound(folder: Path, size: int) -> None:
    (folder / "in/1").write_bytes(b"x" * size)
    store = FolderBlobs(folder, MOST)
    if size <= MOST:
        assert len(await store.get("in/1")) == size
        return
    with pytest.raises(BlobRefusedError, match="TURNOUT_MAX_DATAREF_BYTES"):
        await store.get("in/1")


async def test_no_link_leads_out(folder: Path) -> None:
    (folder / "link").symlink_to(folder.parent / "secret")
    (folder / "up").symlink_to(folder.parent)
    (folder / "in/loop").symlink_to("loop")
    store = FolderBlobs(folder, MOST)
    for name in ("link", "up/secret", "in/loop"):
        with pytest.raises(BlobRefusedError):
            await store.get(name)
    with pytest.raises(BlobStoreAwayError):
        await store.put("up/written", b"x", None)
    assert not (folder.parent / "written").exists()


async def test_what_is_no_file_is_refused_and_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    store = FolderBlobs(folder, MOST)
    for name in ("pipe", "in", "missing", "in/missing/1", "secret"):
        with pytest.raises(BlobRefusedError):
            await store.get(name)


async def test_a_volume_that_is_gone_is_away(folder: Path) -> None:
    store = FolderBlobs(folder / "not-mounted", MOST)
    with pytest.raises(BlobStoreAwayError):
        await store.get("in/1")
    with pytest.raises(BlobStoreAwayError):
        await store.put("1", b"x", None)
