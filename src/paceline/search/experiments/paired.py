"""The arithmetic of controlled experiments: is an arm better than the base, or was it the seeds?

    score of base, repeat r   =  level of base  +  luck of seed r  +  rest
    score of arm,  repeat r   =  level of arm   +  luck of seed r  +  rest'

    unpaired:  mean of arm - mean of base, whose variance holds the luck of the seeds twice
    paired:    mean of (arm - base) within each repeat, from which it is gone

The paired interval is the narrower, the more luck the seed brings and the more of it the two share. Where they share
none it is a little wider, because it has half the degrees of freedom.

Source: Student (1908), "The probable error of a mean"; Welch (1947), "The generalization of Student's problem when
several different population variances are involved"; Holm (1979), "A simple sequentially rejective multiple test
procedure".
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

Scores = NDArray[np.float64]

LEVEL = 0.95
POWER = 0.8
MAX_REPEATS = 1000
ROUNDING = 1e-6
"""Of the scores: differences within it of each other are equal, for scores are measured in 32 bits."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far one mean lies above another.

    Attributes:
        mean: the difference, in the scores' own unit.
        low, high: its 95 % t-interval; NaN where there are too few scores for one.
        p: two-sided probability of such a difference if there were none; NaN likewise.
    """

    mean: float
    low: float
    high: float
    p: float

    @property
    def width(self) -> float:
        return self.high - self.low


def paired(arm: Scores, base: Scores) -> Difference:
    """Mean of `arm - base` within pairs.

    Where all differences are equal, the t test has no spread to go by (seeds that agree by chance, on few dev rows,
    would look like certainty), so `p` is then that of the sign test, 2^(1 - pairs).

    Args:
        arm, base: (pairs,) scores, those of one seed at one place.
    """
    differences = arm - base
    count, mean = len(differences), float(differences.mean())
    if count < 2:
        return Difference(mean, math.nan, math.nan, math.nan)
    if np.ptp(differences) <= ROUNDING * float(np.abs([arm, base]).max()):
        return Difference(mean, mean, mean, 1.0 if mean == 0.0 else 2.0 ** (1 - count))
    return _by_t(mean, float(differences.std(ddof=1)) / math.sqrt(count), count - 1)


def unpaired(arm: Scores, base: Scores) -> Difference:
    """Difference of the means of two independent samples, with variances of their own (Welch).

    Args:
        arm, base: (scores,) each, in any order.
    """
    mean = float(arm.mean() - base.mean())
    if min(len(arm), len(base)) < 2:
        return Difference(mean, math.nan, math.nan, math.nan)
    parts = np.array([arm.var(ddof=1) / len(arm), base.var(ddof=1) / len(base)])
    total = float(parts.sum())
    if total == 0.0:
        return Difference(mean, mean, mean, 1.0 if mean == 0.0 else 0.0)
    freedom = total**2 / float((parts**2 / np.array([len(arm) - 1, len(base) - 1])).sum())
    return _by_t(mean, math.sqrt(total), freedom)


def _by_t(mean: float, error: float, freedom: float) -> Difference:
    half = float(stdtrit(freedom, (1 + LEVEL) / 2)) * error
    return Difference(mean, mean - half, mean + half, 2 * float(stdtr(freedom, -abs(mean) / error)))


def holm(probabilities: Sequence[float]) -> list[float]:
    """Adjusted so that the chance of *any* false alarm among them is kept, whatever their dependence.

    NaN stays NaN and doesn't count.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted = list(probabilities)
    known = sorted((p, place) for place, p in enumerate(probabilities) if not math.isnan(p))
    largest = 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - rank)))
        adjusted[place] = largest
    return adjusted


def repeats_needed(mean: float, sd: float) -> int | None:
    """Repeats after which a true difference is seen (an interval away from 0) in four of five experiments.

    The usual approximation by t quantiles; None where more than 1000 would be needed.

    Args:
        mean: the true difference.
        sd: standard deviation of the differences within pairs.
    """
    if mean == 0.0:
        return None
    counts = np.arange(2, MAX_REPEATS + 1)
    reach = (stdtrit(counts - 1, (1 + LEVEL) / 2) + stdtrit(counts - 1, POWER)) * sd / np.sqrt(counts)
    enough = np.flatnonzero(reach <= abs(mean))
    return int(counts[enough[0]]) if len(enough) else None
