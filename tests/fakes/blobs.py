"""A store of blobs in memory, behind the same rules for references as the real ones."""

from streams.blobs.names import Prefix, placed
from streams.ports import BlobRefusedError, BlobStoreAwayError


class MemoryBlobs:
    """Payloads below one prefix, until the store is away."""

    def __init__(self, prefix: str = "s3://bucket/turnout/") -> None:
        self.payloads: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.is_away = False
        self._prefix = Prefix(prefix)

    def reference_to(self, name: str) -> str:
        return self._prefix.reference_to(name)

    def name_in(self, reference: str, tenant: str | None) -> str:
        """Return the name in a reference."""
        return self._prefix.name_in(reference, tenant)

    async def get(self, name: str) -> bytes:
        """Return the payload."""
        self.asked.append(name)
        self._look()
        if name not in self.payloads:
            raise BlobRefusedError("is not there")
        return self.payloads[name]

    async def put(self, name: str, content: bytes, tenant: str | None) -> str:
        """Keep the payload."""
        self._look()
        name = placed(name, tenant)
        self.payloads[name] = content
        return self.reference_to(name)

    def _look(self) -> None:
        if self.is_away:
            raise BlobStoreAwayError("the store cannot be reached: connection refused")
