"""Where to look next: how much each place is worth, by what a model expects there and how unsure it is.

With z = (best - mean) / sd, lower being better, φ and Φ the normal density and distribution:

    logei   log of E[max(best - f, 0)] = log sd + log(φ(z) + z Φ(z))
    pi      log of P(f < best)         = log Φ(z)
    ucb     κ sd - mean

Logarithms keep a slope where the plain figures underflow to zero, which is nearly everywhere once a study has
found a good place. Each function also gives its slopes in mean and sd.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, log_ndtr, ndtr

Array: TypeAlias = NDArray[np.float64]

Acquisition: TypeAlias = Callable[[Array, Array, float], tuple[Array, Array, Array]]
"""(mean, sd, best) -> value, slope in mean, slope in sd; each of the shape of mean. sd must be above 0."""

FAR = -50.0
"""Below this z the series is exact to 1e-14, and above it the closed form loses less than 1e-12."""

TERMS = 6


def log_expected_improvement(mean: Array, sd: Array, best: float) -> tuple[Array, Array, Array]:
    """Logarithm of expected improvement, finite for every finite z.

    Source: Ament et al. (2023), "Unexpected improvements to expected improvement for Bayesian optimization".
    """
    z = (best - mean) / sd
    gain, slope = log_gain(z)
    return np.log(sd) + gain, -slope / sd, (1.0 - slope * z) / sd


def log_probability_of_improvement(mean: Array, sd: Array, best: float) -> tuple[Array, Array, Array]:
    """Logarithm of the probability of any improvement.

    Source: Kushner (1964), "A new method of locating the maximum point of an arbitrary multipeak curve".
    """
    z = (best - mean) / sd
    slope = np.sqrt(2.0 / np.pi) / erfcx(np.minimum(-z, 1e100) / np.sqrt(2.0))  # φ / Φ
    return np.asarray(log_ndtr(z)), -slope / sd, -slope * z / sd


def confidence_bound(kappa: float) -> Acquisition:
    """The lower end of an interval of `kappa` standard deviations, turned so that more is better.

    Source: Srinivas et al. (2010), "Gaussian process optimization in the bandit setting".
    """

    def bound(mean: Array, sd: Array, best: float) -> tuple[Array, Array, Array]:
        return kappa * sd - mean, np.full_like(mean, -1.0), np.full_like(sd, kappa)

    return bound


def log_gain(z: Array) -> tuple[Array, Array]:
    """log h and its slope, h(z) = φ(z) + z Φ(z), for any z without overflow, underflow or cancellation.

    For z < -1, h / φ = 1 - |z| m(|z|) with Mills' ratio m = Φ / φ. Far out the two terms cancel, and the series
    1/z² - 3/z⁴ + 15/z⁶ - ... takes their place. The slope is Φ / h.
    """
    z = np.asarray(z, dtype=np.float64)
    near = np.maximum(z, -1.0)
    h = np.exp(-0.5 * near**2) / np.sqrt(2.0 * np.pi) + near * ndtr(near)
    left = np.minimum(z, -1.0)
    mills = np.sqrt(np.pi / 2.0) * erfcx(-left / np.sqrt(2.0))
    share = np.where(left < FAR, _series(np.minimum(left, FAR)), 1.0 + np.maximum(left, FAR) * mills)
    log_density = -0.5 * left**2 - 0.5 * np.log(2.0 * np.pi)
    value = np.where(z > -1.0, np.log(h), log_density + np.log(share))
    return value, np.where(z > -1.0, ndtr(near) / h, mills / share)


def _series(z: Array) -> Array:
    """h / φ far to the left."""
    inverse = 1.0 / (z * z)
    total = np.zeros_like(z)
    term = np.ones_like(z)
    for k in range(1, TERMS + 1):
        term = term * inverse * (2 * k - 1)
        total += term if k % 2 else -term
    return total
