"""Several objectives as one, with weights drawn anew: what a model of one number searches by.

    u = objective, evenly spread, the front on [0, 1]      (each by itself)
    mix = max(w u) + 0.05 sum(w u)                         (Tchebycheff's distance, augmented)
    w   = drawn evenly from all weights that sum to 1

The lowest mix under given weights is a place on the front, and every place on it, also where the front is hollow,
is the lowest mix under some weights. So a searcher that minimises another mix each time walks along the front. A large
batch is cut into a few parts with weights of their own.

Source: Knowles (2006), "ParEGO: a hybrid algorithm with on-line landscape approximation for expensive multiobjective
optimization problems".
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from paceline.pareto import cost_table, measured, nondominated
from paceline.records import History, Params, Status, Trial
from paceline.search.ranking import is_judged, merged_scores
from paceline.search.surrogate.targets import standardize

Array = NDArray[np.float64]

SHARE = 0.05
"""Of the plain sum in a mix: of two places that are equally far off in the worst objective, the better one wins."""

PARTS = 4
"""Mixes that one batch is proposed by at most; each costs a model."""


SPAN, TRIED = 4.0, 33
"""Exponents within 1 ± 4 are tried, so many at a time, three times ever closer."""


def suggest_scalarized(
    suggest: Callable[[History, int, np.random.Generator], list[Params]],
    history: History,
    count: int,
    rng: np.random.Generator,
) -> list[Params]:
    """A batch by a searcher that knows one number a trial.

    Args:
        suggest: as `Searcher.suggest`; it is told of the batch's earlier parts as running trials.
        history: with costs; count, rng: as for `Searcher.suggest`.
    """
    objectives = 1 + max(len(trial.costs) for trial in history)
    points: list[Params] = []
    for part in np.array_split(np.arange(count), min(count, PARTS) or 1):
        weights = rng.dirichlet(np.ones(objectives))
        start = len(history)
        pending = [Trial(start + number, point, 0) for number, point in enumerate(points)]
        found = suggest(History((*scalarize(history, weights), *pending)), len(part), rng)
        points += found
        if len(found) < len(part):
            break
    return points


def scalarize(history: History, weights: Array | None = None) -> History:
    """The history with one number a trial, lower is better, as if each trial had been trained to its end.

    Curves stay as they are, in the metric's unit: how long a trial was trained is read from them.

    Args:
        weights: (objectives,) the score's first; default equal ones.
    """
    sign = -1.0 if history.goal == "maximize" else 1.0
    judged = [index for index, trial in enumerate(history) if is_judged(trial)]
    trials = [replace(trial, costs=()) if trial.costs else trial for trial in history]
    known = [history.trials[index] for index in judged]
    values = np.column_stack([merged_scores(known, sign)[1], cost_table(known)])
    if weights is None:
        weights = np.full(values.shape[1], 1.0 / values.shape[1])
    front = nondominated(values)
    parts = np.column_stack([normalized(column, front) for column in values.T]) * weights[: values.shape[1]]
    for index, part in zip(judged, parts, strict=True):
        mix = float(part.max() + SHARE * part.sum())
        trials[index] = replace(trials[index], status=Status.FINISHED, score=mix)
    return History(tuple(trials))


def normalized(column: Array, front: NDArray[np.bool_]) -> Array:
    """(trials,) an objective, spread by the power under which it looks most normal, with the front on [0, 1].

    Args:
        column: (trials,) what isn't finite counts as the worst.
        front: (trials,) which trials nobody dominates; if they are all equal here, all trials are put on [0, 1].
    """
    spread = power_map(measured(column)) if len(column) else column
    for some in (spread[front], spread):
        if len(some) and np.ptp(some) > 0.0:
            return np.asarray((spread - some.min()) / np.ptp(some))
    return np.zeros_like(spread)


def power_map(scores: Array) -> Array:
    """Yeo and Johnson's map of the standardize scores, by the most likely exponent."""
    z = standardize(scores)
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
