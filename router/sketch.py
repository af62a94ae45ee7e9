"""A mergeable sketch of latencies: OpenTelemetry's base-2 exponential histogram at scale 6.

Bucket `i` holds the values in (2 ** (i / 64), 2 ** ((i + 1) / 64)]. A quantile is answered with the point of its bucket
that is relatively as far from both ends, so it is off by at most `RELATIVE_ERROR` of what an exact count would give.
Merging adds counts: exact, and in any order. Source: OpenTelemetry data model, ExponentialHistogram.
"""

from collections.abc import Iterable
from math import ceil, floor, log2

SCALE = 6
_RATIO: float = 2.0 ** (2.0**-SCALE)
RELATIVE_ERROR: float = (_RATIO - 1) / (_RATIO + 1)
"""0.54 %."""
_BUCKETS_PER_DOUBLING = 2**SCALE


class Sketch:
    """Counts of positive values (milliseconds, say) by bucket. Values below 1 count as 1."""

    __slots__ = ("buckets", "count")

    def __init__(self) -> None:
        self.buckets: dict[int, int] = {}
        self.count = 0

    def add(self, value: float) -> None:
        """Count one value."""
        bucket = ceil(log2(value) * _BUCKETS_PER_DOUBLING) - 1 if value > 1 else -1
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1
        self.count += 1

    def quantile(self, q: float) -> float | None:
        """Return the value below which a share `q` (0 to 1) of all lie, or None of nothing."""
        return merged_quantile((self,), q)


def merged_quantile(sketches: Iterable[Sketch], q: float) -> float | None:
    """Return the quantile `q` of several sketches taken together, or None of nothing."""
    total: dict[int, int] = {}
    count = 0
    for sketch in sketches:
        count += sketch.count
        for bucket, hits in sketch.buckets.items():
            total[bucket] = total.get(bucket, 0) + hits
    rank = floor(q * (count - 1)) if count else -1
    for bucket in sorted(total):
        rank -= total[bucket]
        if rank < 0:
            return _RATIO**bucket * 2 * _RATIO / (1 + _RATIO)
    return None
