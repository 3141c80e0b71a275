"""Scores as a Gaussian process wants them: without a long tail, of mean 0 and variance 1, lower is better.

Scores of one metric may lie within a hair of each other at the good end and ten thousand times further apart at the
bad one. What lies far above the median is drawn in by a logarithm; the better half is left as it is, because a map
that makes the whole look normal bends the hill around the optimum too. Where trials weren't trained equally long only
their places can be compared (see `standing`), and the targets are normal quantiles of the ranks.

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

LINEAR = 3.0
"""Scores further above the median than 3 times its distance from the best have their excess logged."""


def targets(history: History, known: Evidence) -> Array:
    """(observed,) targets in the order of `known`, which is best first."""
    judged = known.numbers[: len(known) - known.broken]
    if any(history.trials[i].status is Status.STOPPED and history.trials[i].curve for i in judged):
        good = ranks(np.arange(len(judged), dtype=np.float64))
    else:
        good = eased(history.losses()[judged])
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


def eased(scores: Array) -> Array:
    """The scores with a shorter bad tail, in units of the distance from the least to the median, which is 0.

    Up to `LINEAR` units above the median nothing but the unit changes; what is further above is logged.
    """
    scaled = scores / max(float(np.abs(scores).max()), 1e-300)  # so that no difference overflows
    middle = np.median(scaled)
    unit = middle - scaled.min()
    if unit <= 1e-12:  # half of all are equally good, or equal but for rounding
        unit = scaled.max() - middle
    if unit <= 1e-12:
        return np.zeros_like(scaled)
    off = (scaled - middle) / unit
    return np.asarray(np.where(off > LINEAR, LINEAR + np.log1p(np.maximum(off - LINEAR, 0.0)), off))
