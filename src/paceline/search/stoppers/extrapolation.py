"""Drawing learning curves on: least squares over a small family of falling laws.

    loss(t) = a + b s(t),  b >= 0        s(t) = t^-c  (power law)   or   exp(-c t / last)  (exponential)

With the exponent c on a grid every law is linear in a and b, so all curves are fitted with all laws by a few
matrix products. A curve's laws are weighed by their likelihood (residuals to the power -n/2); the mean of
their predictions is the forecast, and its variance is that of the fits plus the laws' disagreement. Later epochs
weigh more, in proportion to t: the beginning of a training is its least lawful part.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from paceline.search.surrogate.one_core import one_core

Matrix = NDArray[np.float64]

MIN_VALUES = 4
"""Finite values that a curve needs before it is drawn on."""

_POWERS = (0.25, 0.5, 1.0, 2.0)
_RATES = (1.0, 3.0, 6.0, 12.0, 25.0, 50.0)
_TINY = 1e-12


def forecast(curves: Sequence[Sequence[float]], epoch: int, last: int) -> tuple[Matrix, Matrix]:
    """Each curve's value at the last epoch, from its first `epoch` values.

    Args:
        curves: losses, lower is better; longer ones are cut, values that aren't finite left out.
        epoch: epochs to look at.
        last: the epoch to forecast.

    Returns:
        mean, sd: (curves,); NaN for a curve with fewer than `MIN_VALUES` finite values.
    """
    losses = np.full((len(curves), epoch), np.nan)
    for row, curve in zip(losses, curves, strict=True):
        row[: len(curve)] = curve[:epoch]
    finite = np.isfinite(losses)
    count = finite.sum(axis=1)
    usable = count >= MIN_VALUES
    mean, sd = np.full(len(curves), np.nan), np.full(len(curves), np.nan)
    if usable.any():
        with one_core():
            mean[usable], sd[usable] = _fitted(losses[usable], finite[usable], last)
    return mean, sd


def _laws(epochs: int, last: int) -> tuple[Matrix, Matrix]:
    """(laws, epochs) values of s(t) at t = 1, ..., epochs, and (laws,) at the last epoch."""
    t = np.append(np.arange(1.0, epochs + 1.0), float(last))
    power = t ** -np.array(_POWERS)[:, None]
    exponential = np.exp(-np.array(_RATES)[:, None] * t / last)
    both = np.vstack([power, exponential])
    return both[:, :-1], both[:, -1]


def _fitted(losses: Matrix, finite: NDArray[np.bool_], last: int) -> tuple[Matrix, Matrix]:
    """Forecasts of (curves, epochs) losses with at least `MIN_VALUES` finite values each."""
    laws, at_end = _laws(losses.shape[1], last)
    count = finite.sum(axis=1, keepdims=True)
    weights = np.where(finite, np.arange(1.0, losses.shape[1] + 1.0), 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    # In units of its own mean and deviation a curve's squares don't cancel.
    filled = np.where(finite, losses, 0.0)
    centre = (weights * filled).sum(axis=1, keepdims=True)
    away = np.where(finite, filled - centre, 0.0)
    scale = np.maximum(np.sqrt((weights * away**2).sum(axis=1, keepdims=True)), _TINY * (1.0 + np.abs(centre)))
    y = away / scale

    law_mean = weights @ laws.T  # (curves, laws), as all below
    law_variance = np.maximum(weights @ (laws**2).T - law_mean**2, _TINY)
    covariance = (weights * y) @ laws.T
    slope = np.maximum(covariance / law_variance, 0.0)
    residual = (weights * y**2).sum(axis=1, keepdims=True) - 2 * slope * covariance + slope**2 * law_variance
    residual = np.maximum(residual, _TINY)
    step = at_end - law_mean
    prediction = slope * step
    noise = residual * count / np.maximum(count - 3, 1)
    variance = noise * (1.0 + 1.0 / count + step**2 / (count * law_variance))

    likelihood = -0.5 * count * np.log(residual)
    share = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    mean = (share * prediction).sum(axis=1, keepdims=True)
    spread = (share * (variance + (prediction - mean) ** 2)).sum(axis=1, keepdims=True)
    return (centre + scale * mean)[:, 0], (scale * np.sqrt(spread))[:, 0]
