"""All that was said of one model's answers to one kind of prompt, by source and by time.

Scores are counted in thousandths, as whole numbers, so that what is taken back leaves no trace. They lie in panes of
`PANE_S`, are kept for `KEPT_PANES` and count less with age, by half every `HALF_LIFE_S`.

With the sums stands how far the feedback is counted in them: the offset of the last record of each partition, and those
before it that still wait for their response. It is one value, so that after a crash both are of the same moment, and a
record that is read again is not counted again.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import exp, log
from typing import Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from router.quality.consensus import Voice, consensus_of, margin_of
from router.quality.flaws import PENALTY
from router.quality.rules import ALL_OF, FeedbackRules
from router.quality.table import Cell
from schemas.message import Count, utc_from_ms
from schemas.quality import KindQuality, ModelQuality, QualityCounts, SourceQuality
from schemas.vocabulary import FeedbackKind, Flaw

PANE_S: Final = 21_600
"""Six hours: quality changes with versions of models, not by the minute."""
KEPT_PANES: Final = 84
"""Three weeks; then a score counts an eighth."""
HALF_LIFE_S: Final = 7 * 86_400.0
THOUSAND: Final = 1000
VOICE_WEIGHT: Final = 20.0
"""A source is heard by itself from so many answers on: fewer say too little to tell taste from chance."""
MOST_SOURCES: Final = 32
"""Of one tenant and kind in a cell; those that come later are kept together, so that names cost no memory."""
MOST_IN_CELL: Final = 128
"""Sources of all tenants: the cell is one record of the changelog, of 250 kB at most. Those of further tenants are kept
together."""
MOST_VOICES: Final = 4
"""Of one tenant and kind, those with most to say, so that names buy no votes; the rest is heard as one."""
MOST_TOLD: Final = 8

_Offset = Annotated[int, Field(ge=-1, le=2**63 - 1)]
_Pane = Annotated[int, Field(ge=0, le=2**31)]


class Source(NamedTuple):
    """Who says something; the name is `ALL_OF` for those that are kept together."""

    tenant: str
    kind: FeedbackKind
    name: str

    def __str__(self) -> str:
        return f"{self.tenant}/{self.name}"


CASCADES_JUDGE: Final = Source(ALL_OF, FeedbackKind.JUDGE, "cascade")
"""The judge of the policy `cascade`, whose verdicts workers count for all tenants."""


SHADOWS_JUDGE: Final = Source(ALL_OF, FeedbackKind.JUDGE, "shadow")
"""The judge of shadow answers, whose verdicts are on their topic."""


@dataclass(slots=True)
class _Sum:
    count: int = 0
    thousandths: int = 0


class _Stored(BaseModel):
    """A cell as the table keeps it, JSON."""

    model_config = ConfigDict(frozen=True)

    offsets: dict[Annotated[int, Field(ge=0)], _Offset]
    waiting: dict[Annotated[int, Field(ge=0)], list[_Offset]]
    counts_to: _Offset
    sources: list[tuple[str, FeedbackKind, str, dict[_Pane, tuple[Count, Count]]]]
    answers: dict[_Pane, Count]
    flaws: dict[_Pane, dict[Flaw, Count]]
    seen: dict[str, Count]


@dataclass(slots=True)
class QualityCell:
    """The scores of one cell. Not for several threads."""

    cell: Cell
    offsets: dict[int, int] = field(default_factory=dict)
    """Of the last feedback record that was counted here, by partition."""
    waiting: dict[int, frozenset[int]] = field(default_factory=dict)
    """Offsets before it that were not counted anywhere by then."""
    counts_to: int = -1
    """The offset of the last record of workers' counts."""
    _sources: dict[Source, dict[int, _Sum]] = field(default_factory=dict)
    _answers: Counter[int] = field(default_factory=Counter)
    _flaws: defaultdict[int, Counter[Flaw]] = field(default_factory=lambda: defaultdict(Counter))
    _seen: dict[str, int] = field(default_factory=dict)
    """The last sequence of each worker's counts: a record that was sent twice counts once."""

    def has_counted(self, partition: int, offset: int) -> bool:
        """Say whether the feedback record is in the sums, if it is of this cell at all."""
        return offset <= self.offsets.get(partition, -1) and offset not in self.waiting.get(partition, frozenset())

    def count_to(self, partition: int, offset: int, waiting: Iterable[int]) -> None:
        """Note that a record is counted, and which before the last one are not yet."""
        last = self.offsets[partition] = max(offset, self.offsets.get(partition, -1))
        self.waiting[partition] = frozenset(one for one in waiting if one < last)

    def place_of(self, source: Source) -> Source:
        """Return what a source's scores are kept under: itself, or all that have no place of their own."""
        if source in self._sources:
            return source
        same = sum(other.tenant == source.tenant and other.kind == source.kind for other in self._sources)
        if len(self._sources) >= MOST_IN_CELL and source._replace(name=ALL_OF) not in self._sources:
            return Source(ALL_OF, source.kind, ALL_OF)
        if same >= MOST_SOURCES or len(self._sources) >= MOST_IN_CELL:
            return source._replace(name=ALL_OF)
        return source

    def add(self, source: Source, pane: int, thousandths: int) -> None:
        """Count a score, at the place that `place_of` gave."""
        one = self._sources.setdefault(source, {}).setdefault(pane, _Sum())
        one.count += 1
        one.thousandths += thousandths

    def take_back(self, source: Source, pane: int, thousandths: int) -> None:
        """Undo `add`; of a pane that is not kept any more there is nothing to undo."""
        one = self._sources.get(source, {}).get(pane)
        if one is None:
            return
        one.count -= 1
        one.thousandths -= thousandths
        if one.count == 0:
            del self._sources[source][pane]

    def count_answers(self, counts: QualityCounts, offset: int) -> bool:
        """Add what a worker has counted; False if that is in already, or older than what is kept."""
        worker = f"{counts.worker}/{counts.epoch}"
        if offset <= self.counts_to or counts.sequence <= self._seen.get(worker, -1):
            return False
        self.counts_to = offset
        self._seen.pop(worker, None)
        self._seen[worker] = counts.sequence
        while len(self._seen) > MOST_WORKERS:
            del self._seen[next(iter(self._seen))]
        pane = pane_of(counts.as_of.timestamp())
        self._answers[pane] += counts.answers
        self._flaws[pane].update(counts.flaws)
        judge = self.place_of(CASCADES_JUDGE)
        for count, thousandths in ((counts.judged_good, THOUSAND), (counts.judged_bad, 0)):
            for _ in range(count):
                self.add(judge, pane, thousandths)
        return True

    def expire(self, now_s: float) -> bool:
        """Forget panes that are too old, or of the future, and say whether there were any."""
        kept = range(pane_of(now_s) - KEPT_PANES + 1, pane_of(now_s) + 2)
        old = [(source, pane) for source, panes in self._sources.items() for pane in panes if pane not in kept]
        for source, pane in old:
            del self._sources[source][pane]
        for source in [source for source, panes in self._sources.items() if not panes]:
            del self._sources[source]
        gone = [pane for pane in {*self._answers, *self._flaws} if pane not in kept]
        for pane in gone:
            self._answers.pop(pane, None)
            self._flaws.pop(pane, None)
        return bool(old or gone)

    def told(self, rules: FeedbackRules, now_s: float) -> ModelQuality:
        """Return what the cell says now."""
        aged = {
            source: _aged(panes, now_s)
            for source, panes in self._sources.items()
            if not rules.ignores(source.tenant, source.name)
        }
        voices, members = _voices(aged, rules)
        consensus = consensus_of(list(voices.values()))
        answers = sum(count * _age(pane, now_s) for pane, count in self._answers.items())
        lost = sum(
            count * PENALTY.get(flaw, 0.0) * _age(pane, now_s)
            for pane, flaws in self._flaws.items()
            for flaw, count in flaws.items()
        )
        return ModelQuality(
            request_model=self.cell.model,
            task=self.cell.task,
            difficulty=self.cell.band,
            form=self.cell.form,
            as_of=utc_from_ms(int(now_s * 1000)),
            mean=consensus.mean,
            weight=consensus.weight,
            margin=min(1.0, margin_of(consensus.mean, consensus.weight)),
            count=sum(one.count for one in aged.values()),
            by_kind=_by_kind(aged),
            sources=tuple(_most_said(voices, members, consensus.outvoted)),
            usable=min(1.0, max(0.0, 1 - lost / answers)) if answers else 1.0,
            answers=answers,
            flaws=dict(sum(self._flaws.values(), Counter())),
        )

    def dump(self) -> bytes:
        """Return the cell for the changelog."""
        stored = _Stored(
            offsets=self.offsets,
            waiting={partition: sorted(offsets) for partition, offsets in self.waiting.items() if offsets},
            counts_to=self.counts_to,
            sources=[
                (*source, {pane: (one.count, one.thousandths) for pane, one in panes.items()})
                for source, panes in self._sources.items()
            ],
            answers=dict(self._answers),
            flaws={pane: dict(flaws) for pane, flaws in self._flaws.items()},
            seen=self._seen,
        )
        return stored.model_dump_json().encode()

    @classmethod
    def load(cls, cell: Cell, value: bytes) -> "QualityCell":
        """Read what `dump` wrote.

        Raises:
            ValueError: it did not.
        """
        stored = _Stored.model_validate_json(value)
        return cls(
            cell,
            offsets=dict(stored.offsets),
            waiting={partition: frozenset(offsets) for partition, offsets in stored.waiting.items()},
            counts_to=stored.counts_to,
            _sources={
                Source(tenant, kind, name): {pane: _Sum(*one) for pane, one in panes.items()}
                for tenant, kind, name, panes in stored.sources
            },
            _answers=Counter(stored.answers),
            _flaws=defaultdict(Counter, {pane: Counter(flaws) for pane, flaws in stored.flaws.items()}),
            _seen=dict(stored.seen),
        )


MOST_WORKERS: Final = 64


@dataclass(frozen=True, slots=True)
class _Aged:
    """What a source has said, as it counts today."""

    count: int
    weight: float
    total: float

    def __add__(self, other: "_Aged") -> "_Aged":
        return _Aged(self.count + other.count, self.weight + other.weight, self.total + other.total)

    @property
    def mean(self) -> float:
        return min(1.0, max(0.0, self.total / self.weight)) if self.weight else 0.0


_NOTHING: Final = _Aged(0, 0.0, 0.0)


def pane_of(at_s: float) -> int:
    """Return the pane that holds a moment, in seconds since 1970."""
    return int(at_s // PANE_S)


def _age(pane: int, now_s: float) -> float:
    """Return what a score of the pane counts now."""
    age_s = max(0.0, now_s - (pane + 1) * PANE_S)
    return exp(-log(2) * age_s / HALF_LIFE_S)


def _aged(panes: Mapping[int, _Sum], now_s: float) -> _Aged:
    ages = [(_age(pane, now_s), one) for pane, one in panes.items()]
    return _Aged(
        sum(one.count for _, one in ages),
        sum(age * one.count for age, one in ages),
        sum(age * one.thousandths for age, one in ages) / THOUSAND,
    )


def _voices(aged: Mapping[Source, _Aged], rules: FeedbackRules) -> tuple[dict[Source, Voice], dict[Source, _Aged]]:
    """Return who is heard: of each tenant and kind the sources with most to say, and all others as one."""
    heard: dict[Source, _Aged] = {}
    groups: defaultdict[tuple[str, FeedbackKind], list[Source]] = defaultdict(list)
    for source in sorted(aged, key=lambda source: -aged[source].weight):
        group = groups[source.tenant, source.kind]
        alone = source.name != ALL_OF and aged[source].weight >= VOICE_WEIGHT and len(group) < MOST_VOICES
        group.append(source)
        place = source if alone else source._replace(name=ALL_OF)
        heard[place] = heard.get(place, _NOTHING) + aged[source]
    voices = {
        source: Voice(f"{source.kind} {source}", one.mean, one.weight * rules.weights.get(source.kind, 0.0))
        for source, one in heard.items()
    }
    return voices, heard


def _by_kind(aged: Mapping[Source, _Aged]) -> dict[FeedbackKind, KindQuality]:
    kinds: dict[FeedbackKind, _Aged] = {}
    for source, one in aged.items():
        kinds[source.kind] = kinds.get(source.kind, _NOTHING) + one
    return {kind: KindQuality(count=one.count, mean=one.mean) for kind, one in sorted(kinds.items())}


def _most_said(
    voices: Mapping[Source, Voice], heard: Mapping[Source, _Aged], outvoted: frozenset[str]
) -> Iterable[SourceQuality]:
    order = sorted(voices, key=lambda source: (voices[source].name not in outvoted, -heard[source].weight))
    for source in order[:MOST_TOLD]:
        yield SourceQuality(
            source=str(source),
            kind=source.kind,
            count=heard[source].count,
            mean=heard[source].mean,
            outvoted=voices[source].name in outvoted,
        )
