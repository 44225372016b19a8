"""Medians, how sure they are, and whether a promise was reached. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from statistics import median

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A median, with the order statistics between which the true one lies; `confidence` is how surely, whatever the distribution."""

    median: float
    low: float
    high: float
    confidence: float

    def reached(self, target: float) -> bool:
        """The whole interval must be there: a lucky median is not enough."""
        return self.high <= target


def interval(values: Sequence[float]) -> Interval:
    """
    The narrowest pair of order statistics, equally far from both ends, that holds the median with 95 %; with fewer than six values
    there is none, and the pair is the least and the greatest.

    Source: the sign test; P(x(k) < median < x(n+1-k)) = 1 - 2 * sum of C(n, i) / 2^n for i below k.
    """
    ordered = sorted(values)
    count = len(ordered)
    rank = 1
    while rank < (count + 1) // 2 and _confidence(count, rank + 1) >= CONFIDENCE:
        rank += 1
    return Interval(median(ordered), ordered[rank - 1], ordered[count - rank], _confidence(count, rank))


def _confidence(count: int, rank: int) -> float:
    return 1 - 2 * sum(comb(count, i) for i in range(rank)) / 2**count


def paired(ours: Sequence[float], theirs: Sequence[float]) -> Interval:
    """Of ratios taken pair by pair: what was measured one after the other shared the same disturbances."""
    return interval([a / b for a, b in zip(ours, theirs, strict=True)])


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]
