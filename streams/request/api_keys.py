"""Tenants' keys at the edge: made once, hashed as soon as they are read, and kept out of everything that is written."""

import hashlib
import secrets
from collections.abc import Sequence

from router.tenancy.admission import Presented
from streams.codec import KEY_HEADER

PREFIX = "turnout-"
"""So that scanners for leaked secrets can tell a key of ours."""
KEY_BYTES = 32
MAX_KEY_BYTES = 512

Headers = Sequence[tuple[str, bytes]]


def make_key() -> str:
    """Return a new key of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(KEY_BYTES)


def key_digest(key: bytes) -> str:
    """Return what the catalogue knows a key by: SHA-256, 64 hexadecimal digits."""
    return hashlib.sha256(key).hexdigest()


def presented_key(headers: Headers) -> str | Presented:
    """Return the digest of the key that a record's headers carry, or what stands in its place."""
    values = [value for name, value in headers if name.lower() == KEY_HEADER]
    if not values:
        return Presented.NOTHING
    scheme, _, key = (values[0] or b"").partition(b" ")
    if len(values) > 1 or scheme.lower() != b"bearer" or not key.strip() or len(key) > MAX_KEY_BYTES:
        return Presented.MALFORMED
    return key_digest(key.strip())
