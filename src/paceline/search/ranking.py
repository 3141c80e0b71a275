"""Where each trial stands when not all were trained equally long.

A stopper leaves trials at every rung, and an error after 3 epochs can't be put beside one after 81. All methods
that learn from scores use one rule, which needs neither a model of learning curves nor enough trials a rung:

    1. Trials trained to their end are ordered by score.
    2. Going down the rungs, a trial stopped at epoch e is put where it stood *at epoch e* among those that were
       trained further: if 4 of them were better or equal at e, it follows the fourth of the order so far.
    3. It never precedes the best trial that was trained further, however well it began.
    4. Diverged and failed trials, and scores that aren't finite, share the last place.

The result are places, not scores, so methods built on it are also blind to the metric's scale. BOHB instead
learns from the highest budget with enough trials and ignores the rest.

Where there are costs beside the score, that order is one objective among several: trials are ordered by front and
crowding then (see `pareto`), for which a stopped trial counts with the score of the trial that it follows.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paceline.pareto import cost_table, preferred
from paceline.records import History, Status, Trial
from paceline.search.history import EncodedHistory

_BROKEN = (Status.DIVERGED, Status.FAILED)


def ranking(history: History) -> NDArray[np.float64]:
    """(trials,) places: 0 for the best; all broken trials share the last; NaN for trials without a result yet."""
    return _placed(history, _traded if has_costs(history) else _merged)


def ranking_by_score(history: History) -> NDArray[np.float64]:
    """The same where only the score counts, whatever the costs."""
    return _placed(history, _merged)


def has_costs(history: History) -> bool:
    """Whether there is more than the score to be kept low."""
    return any(trial.costs for trial in history)


def _placed(history: History, ordered: Callable[[list[Trial], float], NDArray[np.int64]]) -> NDArray[np.float64]:
    sign = -1.0 if history.goal == "maximize" else 1.0
    places = np.full(len(history), np.nan)
    broken = [i for i, t in enumerate(history) if _is_broken(t)]
    judged = [i for i, t in enumerate(history) if is_judged(t)]
    trials = [history.trials[i] for i in judged]
    order = ordered(trials, sign)
    places[np.array(judged, dtype=int)[order]] = np.arange(len(order))
    places[broken] = len(order)
    return places


def is_judged(trial: Trial) -> bool:
    """Whether a trial has ended with a result that others can be compared with."""
    return trial.ended and trial.score is not None and not _is_broken(trial)


def _is_broken(trial: Trial) -> bool:
    if trial.status in _BROKEN:
        return True
    return trial.ended and trial.score is not None and not math.isfinite(trial.score)


def _merged(trials: list[Trial], sign: float) -> NDArray[np.int64]:
    """(trials,) indices of the trials, best first, by the rule above."""
    scores = np.array([sign * (t.score or 0.0) for t in trials])
    lengths = _lengths(trials)
    if np.isinf(lengths).all():
        return np.argsort(scores, kind="stable")
    best = _best_so_far(trials, scores, sign)
    last, *shorter = sorted(set(lengths.tolist()), reverse=True)
    order = np.flatnonzero(lengths == last)
    order = order[np.argsort(scores[order], kind="stable")]
    for length in shorter:
        values = best[:, int(length) - 1]
        joining = np.flatnonzero(lengths == length)
        ahead = np.searchsorted(np.sort(values[order]), values[joining], side="right")
        places = np.concatenate([np.arange(len(order)), np.maximum(ahead, 1) - 0.5])
        both = np.concatenate([order, joining])
        order = both[np.lexsort((both, values[both], places))]
    return order


def _traded(trials: list[Trial], sign: float) -> NDArray[np.int64]:
    """(trials,) indices of the trials, best first, where there are costs."""
    levels, scores = merged_scores(trials, sign)
    costs = cost_table(trials)
    return preferred(np.column_stack([levels, costs]), np.column_stack([scores, costs]))


def merged_scores(trials: list[Trial], sign: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Judged trials by score alone, however long they were trained.

    Returns:
        (trials,) levels, lower is better, equal only for equal scores after equally long training; and (trials,)
        turned scores, for a stopped trial the score of the trial that it follows.
    """
    ends = _lengths(trials).tolist()
    levels, scores = np.empty(len(trials)), np.empty(len(trials))
    first: dict[tuple[float, float], int] = {}
    followed = math.inf
    for level, index in enumerate(_merged(trials, sign).tolist()):
        trial, end = trials[index], ends[index]
        own = sign * (trial.score or 0.0)
        if end == max(ends):
            followed = own
        elif end < math.inf:
            own = min((sign * value for value in trial.curve if not math.isnan(value)), default=math.inf)
        levels[index] = first.setdefault((end, own), level)
        scores[index] = followed
    return levels, scores


def _lengths(trials: Sequence[Trial]) -> NDArray[np.float64]:
    """(trials,) epochs of the stopped ones, infinite for those that came to their end."""
    return np.array([len(t.curve) if t.status is Status.STOPPED and t.curve else math.inf for t in trials])


def _best_so_far(trials: Sequence[Trial], scores: NDArray[np.float64], sign: float) -> NDArray[np.float64]:
    """(trials, longest stopped curve) best of the curve up to each epoch; the score where there is no curve."""
    width = max(len(t.curve) for t in trials if t.status is Status.STOPPED)
    values = np.full((len(trials), width), np.nan)
    for row, trial in enumerate(trials):
        curve = trial.curve[:width]
        values[row, : len(curve)] = curve
        if not curve:
            values[row] = sign * scores[row]  # turned once more below
    values *= sign
    return np.minimum.accumulate(np.where(np.isnan(values), np.inf, values), axis=1)


@dataclass(frozen=True)
class Observations:
    """What a method learns from.

    Attributes:
        units: (observed, slots) unit-cube rows of the trials with a result, best first; NaN where inactive.
        numbers: (observed,) their positions in the history.
        broken: how many of the last rows are diverged or failed trials.
        pending: (pending, slots) rows of the running trials.
    """

    units: NDArray[np.float64]
    numbers: NDArray[np.int64]
    broken: int
    pending: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.units)


def observations(history: History, encoded: EncodedHistory) -> Observations:
    """The history sorted for learning; trials outside the space are left out."""
    inside = encoded.inside(history)
    units = encoded.units(history)
    places = np.where(inside, ranking(history), np.nan)
    numbers = np.argsort(places, kind="stable")[: int(np.isfinite(places).sum())]
    broken = sum(_is_broken(history.trials[i]) for i in numbers)
    running = np.array([t.status is Status.RUNNING for t in history], dtype=bool)
    return Observations(units[numbers], numbers, broken, units[running & inside])
