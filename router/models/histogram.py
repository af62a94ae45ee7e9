"""A mergeable histogram of latencies: OpenTelemetry's base-2 exponential histogram at scale 6.

Bucket `i` holds the values in (2 ** (i / 64), 2 ** ((i + 1) / 64)]. A quantile is answered with the point of its bucket
that is relatively as far from both ends, so it is off by at most `RELATIVE_ERROR` of what an exact count would give.
Merging adds counts: exact, and in any order. Source: OpenTelemetry data model, ExponentialHistogram.
"""

from collections import deque
from collections.abc import Iterable
from math import ceil, floor, log2

SCALE = 6
_RATIO: float = 2.0 ** (2.0**-SCALE)
RELATIVE_ERROR: float = (_RATIO - 1) / (_RATIO + 1)
"""0.54 %."""
_BUCKETS_PER_DOUBLING = 2**SCALE


class Histogram:
    """Counts of positive values (milliseconds, say) by bucket. Values below 1 count as 1."""

    __slots__ = ("buckets", "count")

    def __init__(self) -> None:
        self.buckets: dict[int, int] = {}
        self.count = 0

    def add(self, value: float, times: int = 1) -> None:
        """Count one value, or the same one several times."""
        self.add_to_bucket(bucket_of(value), times)

    def add_to_bucket(self, bucket: int, times: int) -> None:
        """Count values by their bucket, as another histogram has them."""
        self.buckets[bucket] = self.buckets.get(bucket, 0) + times
        self.count += times

    def quantile(self, q: float) -> float | None:
        """Return the value below which a share `q` (0 to 1) of all lie, or None of nothing."""
        return merged_quantile((self,), q)


def bucket_of(value: float) -> int:
    """Return the bucket that holds a value."""
    return ceil(log2(value) * _BUCKETS_PER_DOUBLING) - 1 if value > 1 else -1


def merged_quantile(sketches: Iterable[Histogram], q: float) -> float | None:
    """Return the quantile `q` of several sketches taken together, or None of nothing."""
    return merged_quantiles(sketches, (q,))[0]


def merged_quantiles(sketches: Iterable[Histogram], qs: Iterable[float]) -> list[float | None]:
    """Return the quantiles `qs`, in ascending order, of several sketches taken together; None of nothing."""
    total: dict[int, int] = {}
    count = 0
    for histogram in sketches:
        count += histogram.count
        for bucket, hits in histogram.buckets.items():
            total[bucket] = total.get(bucket, 0) + hits
    ranks = deque(floor(q * (count - 1)) for q in qs)
    if not count:
        return [None] * len(ranks)
    found: list[float | None] = []
    below = 0
    for bucket in sorted(total):
        below += total[bucket]
        while ranks and ranks[0] < below:
            ranks.popleft()
            found.append(_RATIO**bucket * 2 * _RATIO / (1 + _RATIO))
    return found
