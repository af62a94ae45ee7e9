"""`llm.dead-letters.v1`: the original bytes, key and headers of what could not be understood, and why.

The value of a dead letter is the value of the original record, byte for byte (null stays null), so that replaying it is
copying it. What Turnout has to say about it stands in headers beside the original ones.

One that has been replayed is followed by a marker on the same topic: a null value with the one header `REPLAYED`.
"""

import hashlib
from dataclasses import dataclass, replace

REASON = "turnout-reason"
"""A sentence that names the field and the fix."""
CODE = "turnout-code"
"""One word for a program: not_utf8, not_json, empty, invalid_request, too_large, internal_error."""
TOPIC = "turnout-original-topic"
PARTITION = "turnout-original-partition"
OFFSET = "turnout-original-offset"
TIMESTAMP_MS = "turnout-original-timestamp-ms"
REQUEST_ID = "turnout-request-id"
"""Present when an id could be read; a rejected response of that id was published too."""
TENANT = "turnout-tenant"
"""Present when the original showed a key that held: the tenant whose key it is."""
ORIGINAL_BYTES = "turnout-original-bytes"
"""Of a letter whose original no record can hold: how large its value was. Such a letter is cut, and is not replayed."""
ORIGINAL_SHA256 = "turnout-original-sha256"
"""Of the same: the SHA-256 of the whole value, 64 hexadecimal digits."""
KEPT_BYTES = 16_384
"""Of a cut letter: so much is kept of its value's begin, and of its headers in whole ones."""
OWN_PREFIX = "turnout-"
"""What a header of ours begins with; a replay leaves them out."""
OVERHEAD_BYTES = 8192
"""Room for our headers and for the key of a record that had none: a dead letter is larger than its original."""

REPLAYED = "turnout-replayed"
"""Of a marker: the dead letter that has been replayed, PARTITION:OFFSET."""
REPLAY_OF = "turnout-replay-of"
"""Of a request: the dead letter that it is a copy of, PARTITION:OFFSET."""
REPLAY_TENANT = "turnout-replay-tenant"
"""Of a request: the tenant that whoever replayed it vouches for."""
REPLAY_SIGNATURE = "turnout-replay-signature"
"""And what proves that they did: the moment, in ms since 1970, and an HMAC-SHA256 of all that matters."""

Headers = tuple[tuple[str, bytes], ...]
_HEADER_BYTES = 8
"""A header's lengths; more than they take."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An unreadable record, where it stood, and why it could not be read."""

    value: bytes | None
    headers: Headers
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    code: str
    reason: str
    request_id: str | None
    tenant: str | None = None
    key: bytes | None = None
    original_bytes: int | None = None
    """How large the value was; None: it is whole."""
    original_sha256: str | None = None

    @property
    def size(self) -> int:
        """Bytes of the original as a record, a few too many for each header."""
        headers = sum(len(name.encode()) + len(value or b"") + _HEADER_BYTES for name, value in self.headers)
        return len(self.value or b"") + len(self.key or b"") + headers

    def within(self, most_bytes: int) -> "DeadLetter":
        """Return what of it fits: itself, or one that is cut and says so. Compression can hide any size."""
        if self.size <= most_bytes:
            return self
        value = self.value or b""
        room, headers = KEPT_BYTES, []
        for name, content in self.headers:
            room -= len(name.encode()) + len(content or b"") + _HEADER_BYTES
            if room < 0:
                break
            headers.append((name, content))
        return replace(
            self,
            value=self.value and value[:KEPT_BYTES],
            key=self.key and self.key[:KEPT_BYTES],
            headers=tuple(headers),
            reason=f"{self.reason}; the record has {self.size} bytes, more than the {most_bytes} that a dead letter "
            f"holds, so that no more than {KEPT_BYTES} of its value are kept",
            original_bytes=len(value),
            original_sha256=hashlib.sha256(value).hexdigest(),
        )

    def record_headers(self) -> list[tuple[str, bytes]]:
        """Return the headers of the dead letter: the original ones, then Turnout's."""
        own = {
            CODE: self.code,
            REASON: self.reason,
            TOPIC: self.topic,
            PARTITION: str(self.partition),
            OFFSET: str(self.offset),
            TIMESTAMP_MS: str(self.timestamp_ms),
        }
        if self.request_id is not None:
            own[REQUEST_ID] = self.request_id
        if self.tenant is not None:
            own[TENANT] = self.tenant
        if self.original_bytes is not None:
            own[ORIGINAL_BYTES] = str(self.original_bytes)
        if self.original_sha256 is not None:
            own[ORIGINAL_SHA256] = self.original_sha256
        return [
            *((str(name), value) for name, value in self.headers),
            *((name, text.encode()) for name, text in own.items()),
        ]
