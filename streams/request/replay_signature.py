"""Replays of dead letters whose tenant has keys: the key was not kept, so the one who replays vouches for the tenant.

A dead letter says whose key the original had shown. `turnout replay` signs a copy of it with a secret that only it and
the workers have, and a worker takes the signature for the tenant's key. It covers all that matters: the tenant, the
letter (and by that the id of the answer), the partition, the value or what it refers to, and the moment. It holds for
as long as workers remember ids, so what is copied from the topic and written again is found to be answered already, or
is too late.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

import orjson
from pydantic import SecretStr

from router.tenancy.admission import Presented, Vouched
from schemas.dead_letters import REPLAY_OF, REPLAY_SIGNATURE, REPLAY_TENANT
from streams.codec import Delivery, Headers, shown_reference
from streams.config.settings import Settings
from streams.request.api_keys import presented_key

LEAST_S = 60.0
"""How long a signature holds at least, seconds; workers remember ids for longer, by default for ten minutes."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a dead letter, on its way to a partition of the requests topic. `place` is the letter's."""

    tenant: str
    place: str
    partition: int
    value: bytes | None
    reference: str | None = None
    """What the copy refers to in place of a value."""


@dataclass(frozen=True, slots=True)
class ReplaySignature:
    """Signs copies, and knows its own signatures."""

    key: SecretStr
    holds_s: float

    @classmethod
    def of(cls, settings: Settings) -> "ReplaySignature | None":
        """Return it as set, if it is."""
        key = settings.replay_key
        return None if key is None else cls(key, settings.duplicate_horizon_s)

    def headers(self, copy: Copy, now_s: float) -> Headers:
        """Return what vouches for the copy's tenant, beside the header that says where the copy comes from."""
        signed_ms = int(now_s * 1000)
        signature = f"{signed_ms}:{self._sign(copy, signed_ms)}"
        return [(REPLAY_TENANT, copy.tenant.encode()), (REPLAY_SIGNATURE, signature.encode())]

    def vouched_for(self, delivery: Delivery, now_s: float) -> Vouched | Presented:
        """Return the tenant of a record that carries a signature, if it holds."""
        named = dict(delivery.headers)
        place, tenant, signature = (
            (named.get(name) or b"").decode(errors="replace") for name in (REPLAY_OF, REPLAY_TENANT, REPLAY_SIGNATURE)
        )
        if not re.fullmatch(r"[0-9]{13}:[0-9a-f]{64}", signature):
            return Presented.FORGED
        at, _, presented = signature.partition(":")
        reference = None if delivery.value else shown_reference(delivery.headers)
        copy = Copy(tenant, place, delivery.origin.partition, delivery.value, reference)
        if not hmac.compare_digest(self._sign(copy, int(at)), presented):
            return Presented.FORGED
        return Vouched(tenant) if abs(now_s - int(at) / 1000) <= max(self.holds_s, LEAST_S) else Presented.FORGED

    def _sign(self, copy: Copy, signed_ms: int) -> str:
        digest = hashlib.sha256(copy.value or b"").hexdigest()
        refers_to = [] if copy.reference is None else [copy.reference]
        text = orjson.dumps(["turnout-replay", copy.tenant, copy.place, copy.partition, digest, signed_ms, *refers_to])
        return hmac.new(self.key.get_secret_value().encode(), text, hashlib.sha256).hexdigest()


def presented(delivery: Delivery, replay_signature: ReplaySignature | None, now_s: float) -> str | Vouched | Presented:
    """Return what a record shows for its tenant: a signature, else the digest of a key, or what stands in its place."""
    if all(name != REPLAY_SIGNATURE for name, _ in delivery.headers):
        return presented_key(delivery.headers)
    return Presented.FORGED if replay_signature is None else replay_signature.vouched_for(delivery, now_s)
