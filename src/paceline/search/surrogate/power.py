"""Numbers that span decades, evenly spread: Yeo and Johnson's power map, by the exponent that suits them best.

Objectives are mixed on this scale (see `scalarised`): a count of parameters has most to say about nets that differ
tenfold, wherever they lie.
"""

import numpy as np
from numpy.typing import NDArray

from paceline.search.surrogate.targets import standardised

Array = NDArray[np.float64]

SPAN, TRIED = 4.0, 33
"""Exponents within 1 ± 4 are tried, so many at a time, three times ever closer."""


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
