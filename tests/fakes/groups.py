"""Consumer groups: who is a member, which generation it is, who has which partitions, and what is committed.

Rebalances are eager, as those of aiokafka: every member gives up what it has, joins again, and is assigned anew. A
member that is silent for its session timeout, or that does not join again in time, is no member any more, and what it
commits afterwards is refused. All of it is the coordinator's side, at once; the way to it is `tests.fakes.link`.
"""

from asyncio import Future
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from streams.kafka.placement import Role, placed
from streams.ports import TopicPartition
from tests.fakes.loop import VirtualLoop


class Beat(Enum):
    """What the coordinator says to a heartbeat."""

    FINE = auto()
    REBALANCE = auto()
    """Give up what you have, and join again."""
    UNKNOWN = auto()
    """You are no member."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a member has joined to."""

    member: str
    generation: int
    partitions: tuple[TopicPartition, ...]


@dataclass(frozen=True, slots=True)
class Commit:
    """One partition's committed offset, from when on, and by whom."""

    at_s: float
    partition: TopicPartition
    offset: int
    metadata: str
    member: str


@dataclass(slots=True)
class _Session:
    name: str
    timeout_s: float
    rebalance_s: float
    heard_s: float
    joining: "Future[Assignment] | None" = None


Assign = Callable[[Sequence[str], Sequence[TopicPartition], Mapping[str, tuple[TopicPartition, ...]]], Sequence[int]]
"""Gives, for each partition, the number of the member that gets it; the last argument is who had what before."""


def spread(members: Sequence[str], partitions: Sequence[TopicPartition], _before: object) -> Sequence[int]:
    """Give each member as many partitions as the others."""
    return [number % len(members) for number in range(len(partitions))]


def by_weight(weights: Mapping[str, int]) -> Assign:
    """Return what spreads partitions by the weights of their topics, as the control group does."""

    def assign(
        members: Sequence[str], partitions: Sequence[TopicPartition], before: Mapping[str, tuple[TopicPartition, ...]]
    ) -> Sequence[int]:
        roles = [
            Role(
                name=f"{tp.topic}|{tp.partition}",
                weight=weights.get(tp.topic, 1),
                candidates=tuple(members),
                holder=next((member for member in members if tp in before.get(member, ())), None),
            )
            for tp in partitions
        ]
        found = placed(roles, members)
        return [members.index(found[f"{tp.topic}|{tp.partition}"]) for tp in partitions]

    return assign


@dataclass(slots=True)
class Group:
    """One group, at its coordinator."""

    loop: VirtualLoop
    partitions: tuple[TopicPartition, ...]
    assign: Assign = spread
    generation: int = 0
    committed: dict[TopicPartition, Commit] = field(default_factory=dict)
    history: list[Commit] = field(default_factory=list)
    """Every commit that was accepted, in order."""
    assignments: dict[str, tuple[TopicPartition, ...]] = field(default_factory=dict)
    """By member, in the present generation."""
    _sessions: dict[str, _Session] = field(default_factory=dict)
    _rebalancing_since_s: float | None = None
    _members: int = 0

    @property
    def is_stable(self) -> bool:
        return self._rebalancing_since_s is None

    def join(self, member: str | None, name: str, timeout_s: float, rebalance_s: float) -> "Future[Assignment]":
        """Take part in the next generation: as a new member, or as the one that it is.

        The future is done when all have joined, or the others' time is up.
        """
        if member is None or member not in self._sessions:
            self._members += 1
            member = f"{name}#{self._members}"
            self._sessions[member] = _Session(name, timeout_s, rebalance_s, self.loop.time())
            self.loop.in_the_world(timeout_s, self._look_at, member)
        session = self._sessions[member]
        session.heard_s = self.loop.time()
        session.joining = self.loop.create_future()
        joining = session.joining
        self._rebalance()
        self._complete()
        return joining

    def sync(self, member: str, generation: int) -> bool:
        """Say whether the member may take up what it was assigned: not if the group has gone on since."""
        if member not in self._sessions or generation != self.generation:
            return False
        self._sessions[member].heard_s = self.loop.time()
        return True

    def heartbeat(self, member: str, generation: int) -> Beat:
        session = self._sessions.get(member)
        if session is None:
            return Beat.UNKNOWN
        session.heard_s = self.loop.time()
        return Beat.FINE if self.is_stable and generation == self.generation else Beat.REBALANCE

    def commit(self, member: str, generation: int, offsets: Mapping[TopicPartition, tuple[int, str]]) -> bool:
        """Commit offsets with their metadata; say whether that was accepted."""
        if member not in self._sessions or generation != self.generation:
            return False
        for tp, (offset, metadata) in offsets.items():
            self.committed[tp] = Commit(self.loop.time(), tp, offset, metadata, member)
            self.history.append(self.committed[tp])
        return True

    def leave(self, member: str) -> None:
        """Take no part any more."""
        if (session := self._sessions.pop(member, None)) is not None:
            if session.joining is not None:
                session.joining.cancel()
            self._rebalance()
            self._complete()

    def grow(self, partitions: tuple[TopicPartition, ...]) -> None:
        """Assign these from now on; every member joins again."""
        self.partitions = partitions
        self._rebalance()

    def _rebalance(self) -> None:
        if self._rebalancing_since_s is None:
            self._rebalancing_since_s = self.loop.time()
            longest_s = max((session.rebalance_s for session in self._sessions.values()), default=0.0)
            self.loop.in_the_world(longest_s, self._go_on_without, self.generation)

    def _go_on_without(self, generation: int) -> None:
        """Stop waiting for whoever has not joined again."""
        if generation == self.generation and not self.is_stable:
            for member in [member for member, session in self._sessions.items() if session.joining is None]:
                del self._sessions[member]
            self._complete()

    def _look_at(self, member: str) -> None:
        """End the session of a member that is silent for too long; one that waits for a generation need not speak."""
        session = self._sessions.get(member)
        if session is None:
            return
        left_s = session.heard_s + session.timeout_s - self.loop.time()
        if session.joining is not None:
            left_s = session.timeout_s
        if left_s > 0:
            self.loop.in_the_world(left_s, self._look_at, member)
        else:
            self.leave(member)

    def _complete(self) -> None:
        """Begin the next generation if everybody has joined."""
        if self.is_stable or any(session.joining is None for session in self._sessions.values()):
            return
        self._rebalancing_since_s = None
        self.generation += 1
        members = sorted(self._sessions, key=lambda member: (self._sessions[member].name, member))
        owners = self.assign(members, self.partitions, self.assignments) if members else ()
        self.assignments = {
            member: tuple(tp for tp, owner in zip(self.partitions, owners, strict=True) if owner == number)
            for number, member in enumerate(members)
        }
        for member, partitions in self.assignments.items():
            session = self._sessions[member]
            joining, session.joining, session.heard_s = session.joining, None, self.loop.time()
            if joining is not None and not joining.done():
                joining.set_result(Assignment(member, self.generation, partitions))
