"""Scores as a Gaussian process wants them: without a long tail, of mean 0 and variance 1, lower is better.

Scores of one metric may lie within a hair of each other at the good end and ten thousand times further apart at the
bad one. What lies far above the median is drawn in by a logarithm; the better half is left as it is, because a map
that makes the whole look normal bends the score around the optimum too. Diverged and failed trials get the worst
target of the others, and 0 where there are no others.

Where trials weren't trained equally long their scores can't be compared, but their ranks can (see `ranking`): targets
are then normal quantiles of the ranks.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from paceline.records import History, Status, Trial
from paceline.search.ranking import Observations

Array = NDArray[np.float64]

LINEAR = 3.0
"""Scores further above the median than 3 times its distance from the best have their excess logged."""


def targets(history: History, known: Observations) -> Array:
    """(observed,) targets in the order of `known`, which is best first."""
    trials = [history.trials[i] for i in known.numbers[: len(known) - known.broken]]
    if not trials:
        return np.zeros(len(known))
    if all_finished(trials):
        sign = -1.0 if history.goal == "maximize" else 1.0
        good = compress_tail(np.array([sign * (trial.score or 0.0) for trial in trials]))
    else:
        good = normal_scores(np.arange(len(trials), dtype=np.float64))
    return standardize(np.append(good, np.full(known.broken, good.max())))


def all_finished(trials: Iterable[Trial]) -> bool:
    """Whether all were trained to their end."""
    return not any(trial.status is Status.STOPPED and trial.curve for trial in trials)


def standardize(values: Array) -> Array:
    """Mean 0 and variance 1; all 0 where all are equal but for rounding."""
    scale = np.abs(values).max()
    if scale == 0.0:
        return np.zeros_like(values)
    off = values / scale
    off = off - off.mean()
    spread = off.std()
    return np.asarray(off / spread) if spread > 1e-12 else np.zeros_like(off)


def normal_scores(scores: Array) -> Array:
    """Normal quantiles of the ranks; equal scores share their mean rank.

    Source: Salinas et al. (2020), "A quantile-based approach for hyperparameter transfer learning".
    """
    return np.asarray(ndtri((rankdata(scores) - 0.5) / len(scores)))


def compress_tail(scores: Array) -> Array:
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
