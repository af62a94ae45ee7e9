"""Dead letters as `turnout replay` sees them: which ones are meant, and what is sent again.

A dead letter is its original record with headers of Turnout's behind the original ones. Once it has been replayed, a
*marker* on the same topic says so: a null value and the header `turnout-replayed`, the letter's place.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from schemas import dead_letters
from streams.cli.partitions import ReadRecord
from streams.codec import Headers


@dataclass(frozen=True, slots=True, order=True)
class LetterPlace:
    """Where a record stands on the dead-letter topic, written PARTITION:OFFSET."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "LetterPlace":
        """Read PARTITION:OFFSET.

        Raises:
            ValueError: it is something else.
        """
        if not re.fullmatch(r"[0-9]{1,9}:[0-9]{1,18}", text):
            raise ValueError(f"{text!r} is not PARTITION:OFFSET, such as 0:42")
        partition, offset = map(int, text.split(":"))
        return cls(partition, offset)


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter."""

    record: ReadRecord
    code: str
    reason: str
    request_id: str | None
    tenant: str | None
    """Whose key the original had shown."""
    origin: str
    """TOPIC-PARTITION-OFFSET of the original record."""
    origin_topic: str
    origin_partition: int | None
    is_cut: bool
    """Whether the original was too large for a dead letter, so that there is nothing to send again."""

    @classmethod
    def of(cls, record: ReadRecord) -> "Letter | None":
        """Return the record as a dead letter, or None if it is none, such as a marker."""
        # Turnout's own stand behind the original ones, which may have the same names: nothing before is believed.
        codes = [place for place, (name, _) in enumerate(record.headers) if name == dead_letters.CODE]
        if not codes:
            return None
        named = {name: value.decode(errors="replace") for name, value in record.headers[codes[-1] :]}
        topic, partition, offset = (
            named.get(name, "?") for name in (dead_letters.TOPIC, dead_letters.PARTITION, dead_letters.OFFSET)
        )
        return cls(
            record=record,
            code=named[dead_letters.CODE],
            reason=named.get(dead_letters.REASON, ""),
            request_id=named.get(dead_letters.REQUEST_ID),
            tenant=named.get(dead_letters.TENANT),
            origin=f"{topic}-{partition}-{offset}",
            origin_topic=topic,
            origin_partition=int(partition) if partition.isascii() and partition.isdecimal() else None,
            is_cut=dead_letters.ORIGINAL_BYTES in named,
        )

    @property
    def place(self) -> LetterPlace:
        """Where it stands."""
        return LetterPlace(self.record.partition, self.record.offset)

    def original_key(self) -> bytes | None:
        """Return the key of the original record; a dead letter without one is keyed by its origin."""
        # aiokafka sends no record with neither key nor value
        is_original = self.record.key != self.origin.encode() or self.record.value is None
        return self.record.key if is_original else None

    def replay_headers(self, replay_signature: Sequence[tuple[str, bytes]] = ()) -> Headers:
        """Return the original headers, where the copy comes from, and what vouches for its tenant."""
        original = [
            (name, value) for name, value in self.record.headers if not name.startswith(dead_letters.OWN_PREFIX)
        ]
        return [*original, (dead_letters.REPLAY_OF, str(self.place).encode()), *replay_signature]

    def marker_headers(self) -> Headers:
        """Return what marks it as replayed."""
        return [(dead_letters.REPLAYED, str(self.place).encode())]


def replayed_place(record: ReadRecord) -> LetterPlace | None:
    """Return which dead letter the record marks as replayed; None if it is no marker."""
    named = dict(record.headers)
    # the original of a dead letter may have had a header of this name
    if dead_letters.REPLAYED not in named or dead_letters.CODE in named:
        return None
    try:
        return LetterPlace.parse(named[dead_letters.REPLAYED].decode(errors="replace"))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters are meant: those that meet every condition given. Times are ms since 1970."""

    codes: Collection[str] = ()
    request_ids: Collection[str] = ()
    places: Collection[LetterPlace] = ()
    since_ms: int | None = None
    until_ms: int | None = None

    def holds(self, letter: Letter) -> bool:
        """Say whether this one is meant."""
        written_ms = letter.record.timestamp_ms
        return (
            (not self.codes or letter.code in self.codes)
            and (not self.request_ids or letter.request_id in self.request_ids)
            and (not self.places or letter.place in self.places)
            and (self.since_ms is None or written_ms >= self.since_ms)
            and (self.until_ms is None or written_ms < self.until_ms)
        )
