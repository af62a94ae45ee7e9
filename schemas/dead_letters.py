"""`llm.dead-letters.v1`: the original bytes, key and headers of what could not be understood, and why.

The value of a dead letter is the value of the original record, byte for byte (null stays null), so that replaying it is
copying it. What Turnout has to say about it stands in headers beside the original ones.

One that has been replayed is followed by a marker on the same topic: a null value with the one header `REPLAYED`.
"""

from dataclasses import dataclass

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
        return [*self.headers, *((name, text.encode()) for name, text in own.items())]
