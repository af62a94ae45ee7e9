"""What several sources say together, where some of them may be wrong: by a bug, by spite, or by another taste.

A voice is one source with enough to say, or several with little that are heard as one. How often it speaks does not
buy it more: of three voices or more, none weighs more than the middle one (of four the second heaviest). The reference
is their weighted median, which voices with less than half of the weight cannot move beyond what others say. A voice
that is further from it than `TOLERANCE` and its own margin is outvoted, and does not count, provided that those that
stay have more than half of the weight. The others' weighted mean is the result.

So honest voices that agree outvote fewer others that say anything, a thousand times as often; two of them let one move
the mean by half of the tolerance at most. Between two voices nothing can tell who is right: they count by their weight.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

from router.quality.table import SIGMAS

TOLERANCE: Final = 0.15
"""How far honest sources may be apart, by taste. A judgement, no measurement."""
FEWEST: Final = 3
"""Voices, for a majority to be one."""


@dataclass(frozen=True, slots=True)
class Voice:
    """What one source says, or several that are heard together."""

    name: str
    mean: float
    weight: float
    """In answers."""

    @property
    def margin(self) -> float:
        """Half of the 80 % interval around the mean."""
        return margin_of(self.mean, self.weight)


@dataclass(frozen=True, slots=True)
class Consensus:
    """What is believed."""

    mean: float
    weight: float
    outvoted: frozenset[str]


def margin_of(mean: float, weight: float) -> float:
    """Return half of the 80 % interval around the mean of scores from 0 to 1, never less than that of one more score.

    The variance is that of a mean that has seen one good and one bad answer besides, so that few that agree do not seem
    to be sure.
    """
    shrunk = (mean * weight + 1) / (weight + 2)
    return SIGMAS * sqrt(shrunk * (1 - shrunk) / (weight + 1))


def consensus_of(voices: Sequence[Voice]) -> Consensus:
    """Return what the voices say together; without a voice the weight is 0."""
    voices = [voice for voice in voices if voice.weight > 0]
    if not voices:
        return Consensus(0.0, 0.0, frozenset())
    if len(voices) < FEWEST:
        return _mean_of(voices, {voice.name: voice.weight for voice in voices}, frozenset())
    cap = sorted(voice.weight for voice in voices)[len(voices) // 2]
    weights = {voice.name: min(voice.weight, cap) for voice in voices}
    reference = _median(voices, weights)
    outvoted = frozenset(voice.name for voice in voices if abs(voice.mean - reference) > TOLERANCE + voice.margin)
    kept = [voice for voice in voices if voice.name not in outvoted]
    if 2 * sum(weights[voice.name] for voice in kept) <= sum(weights.values()):
        return _mean_of(voices, weights, frozenset())
    return _mean_of(kept, weights, outvoted)


def _mean_of(voices: Sequence[Voice], weights: dict[str, float], outvoted: frozenset[str]) -> Consensus:
    weight = sum(weights[voice.name] for voice in voices)
    mean = sum(weights[voice.name] * voice.mean for voice in voices) / weight
    return Consensus(min(1.0, max(0.0, mean)), weight, outvoted)


def _median(voices: Sequence[Voice], weights: dict[str, float]) -> float:
    """Return the mean at half of the weight; between two of them if half lies there."""
    half, reached = sum(weights.values()) / 2, 0.0
    rising = sorted(voices, key=lambda voice: voice.mean)
    for place, voice in enumerate(rising):
        reached += weights[voice.name]
        if reached > half:
            return voice.mean
        if reached == half:
            return (voice.mean + rising[place + 1].mean) / 2
    return rising[-1].mean
