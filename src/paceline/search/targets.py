"""Scores as a Gaussian process wants them: evenly spread, of mean 0 and variance 1, lower is better.

Scores of one metric may lie within a hair of each other at the good end and ten thousand times further apart at the
bad one. Yeo and Johnson's power map, by the exponent under which the result looks most normal, keeps their order
and much of what their differences say. Where trials weren't trained equally long only their places can be compared
(see `standing`), and the targets are normal quantiles of the ranks.

Ranks are for that case alone: they tear apart the nearly equal scores around an optimum, the model takes that
for noise, and goes on looking there for ever. Diverged and failed trials get the worst target of the others.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from paceline.records import History, Status
from paceline.search.standing import Evidence

Array = NDArray[np.float64]

SPAN, TRIED = 4.0, 33
"""Exponents within 1 ± 4 are tried, so many at a time, three times ever closer."""


def targets(history: History, known: Evidence) -> Array:
    """(observed,) targets in the order of `known`, which is best first."""
    judged = known.numbers[: len(known) - known.broken]
    if any(history.trials[i].status is Status.STOPPED and history.trials[i].curve for i in judged):
        good = ranks(np.arange(len(judged), dtype=np.float64))
    else:
        good = power(history.losses()[judged])
    return standardised(np.append(good, np.full(known.broken, good[-1])))


def standardised(values: Array) -> Array:
    """Mean 0 and variance 1; all 0 where all are equal but for rounding."""
    scale = np.abs(values).max()
    if scale == 0.0:
        return np.zeros_like(values)
    off = values / scale
    off = off - off.mean()
    spread = off.std()
    return np.asarray(off / spread) if spread > 1e-12 else np.zeros_like(off)


def ranks(scores: Array) -> Array:
    """Normal quantiles of the ranks; equal scores share their mean rank.

    Source: Salinas et al. (2020), "A quantile-based approach for hyperparameter transfer learning".
    """
    return np.asarray(ndtri((rankdata(scores) - 0.5) / len(scores)))


def power(scores: Array) -> Array:
    """Yeo and Johnson's map of the standardised scores, by the most likely exponent."""
    z = standardised(scores)
    return yeo_johnson(z, likeliest_exponent(z))


def yeo_johnson(z: Array, exponent: float) -> Array:
    """((z + 1)^e - 1) / e above 0, and the same of -z with 2 - e, turned, below.

    Source: Yeo and Johnson (2000), "A new family of power transformations to improve normality or symmetry".
    """

    def one_side(log: Array, e: float) -> Array:
        return log if abs(e) < 1e-8 else np.asarray(np.expm1(e * log) / e)

    above, below = np.log1p(np.maximum(z, 0.0)), np.log1p(np.maximum(-z, 0.0))
    return one_side(above, exponent) - one_side(below, 2.0 - exponent)


def likeliest_exponent(z: Array) -> float:
    """The exponent of the highest likelihood of a normal distribution, to three digits; 1 where all are equal."""
    stretch = float((np.sign(z) * np.log1p(np.abs(z))).sum())
    best, span = 1.0, SPAN
    for _ in range(3 if z.any() else 0):
        tried = best + np.linspace(-span, span, TRIED)
        spread = np.array([yeo_johnson(z, exponent).var() for exponent in tried])
        likely = -0.5 * len(z) * np.log(np.maximum(spread, 1e-300)) + (tried - 1.0) * stretch
        best = float(tried[np.argmax(likely)])
        span *= 2.0 / (TRIED - 1)
    return best
