"""What happened in one play, as plain data: all that the checker may look at. It knows nothing of the product."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

ANSWER = "answer"
"""A record is answered by one response."""
LETTER = "letter"
"""It becomes a dead letter, and nothing else."""
BOTH = "both"
"""It becomes a dead letter, and its id is refused."""


@dataclass(frozen=True, slots=True)
class Published:
    """A record that a client has written to the requests topic."""

    at_s: float
    partition: int
    offset: int
    case: str
    """Records of one case are one request: together they have one answer."""
    tenant: str
    """Who wrote it, whatever it claims."""
    deadline_s: float
    expects: str
    is_plain: bool
    """Nothing is wrong with it: it is answered by a model, unless a limit, trouble or its deadline is in the way."""
    ttl_s: int | None = None
    """An answer will do that is no older; None: it does not ask for the answer cache."""
    question: str = ""
    """Of those that ask for the cache: the same word is the same question."""


@dataclass(frozen=True, slots=True)
class Written:
    """A record that a worker has written."""

    at_s: float
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    writer: str


@dataclass(frozen=True, slots=True)
class Committed:
    """An offset of the requests topic that was committed."""

    at_s: float
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Called:
    """A call, as its provider saw it."""

    key: str
    model: str
    caller: str
    began_s: float
    ended_s: float
    fate: str


@dataclass(frozen=True, slots=True)
class Charged:
    """A line of the providers' invoice."""

    at_s: float
    key: str
    """The call's idempotency key; of a line of a batch its name there."""
    nano_usd: int


@dataclass(frozen=True, slots=True)
class Created:
    """A batch, as its provider saw it."""

    at_s: float
    our_id: str
    """Our name for it, which it may not keep."""
    caller: str
    lines: tuple[str, ...]
    """By their names."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that was done to a worker or a model."""

    from_s: float
    to_s: float
    whom: str
    what: str


@dataclass(frozen=True, slots=True)
class Forgot:
    """A tenant whose answers were to be forgotten."""

    at_s: float
    tenant: str


@dataclass(frozen=True, slots=True)
class Left:
    """What a worker held at the end, when nothing was under way any more."""

    worker: str
    reserved: tuple[str, ...]
    """The calls that money is reserved for, by the ids of their cost events."""
    in_flight: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What a tenant may have at the most; None: no limit."""

    budget_nano_usd: int | None = None
    per_minute: int | None = None
    at_a_time: int | None = None
    is_shadow: bool = False


@dataclass(slots=True)
class History:
    """One play."""

    seed: int
    began_s: float
    tenants: dict[str, Limits]
    secrets: tuple[str, ...]
    """The tenants' keys."""
    max_in_flight: int
    session_s: float
    client_gives_up_s: float
    """For so long a worker's client tries to send a record over a link that is cut."""
    ended_s: float = 0.0
    published: list[Published] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    committed: list[Committed] = field(default_factory=list)
    called: list[Called] = field(default_factory=list)
    charged: list[Charged] = field(default_factory=list)
    forgot: list[Forgot] = field(default_factory=list)
    created: list[Created] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    tried_ahead: set[tuple[str, str]] = field(default_factory=set)
    """The write-ahead records that each worker's client has tried to send, by event id; some are lost on their way."""
    tried_to_wait: dict[tuple[str, str], float] = field(default_factory=dict)
    """When each worker's client last tried to write down that a request waits, by the event id of its call."""
    defects: list[str] = field(default_factory=list)
    """What workers logged as errors, and workers that ended though nothing was done to them."""

    def hash(self) -> str:
        """Return a digest of all of it: the same for the same play."""
        digest = hashlib.sha256()
        parts: tuple[Iterable[object], ...] = (
            self.published,
            self.written,
            self.committed,
            self.called,
            self.charged,
            self.forgot,
            self.created,
            self.troubles,
            self.left,
            self.defects,
        )
        for part in parts:
            for one in part:
                digest.update(repr(one).encode())
        return digest.hexdigest()
