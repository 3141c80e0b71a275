"""Stopper `patience`: a trial ends when its own curve has stopped improving."""

import math
from collections.abc import Iterator, Sequence

from paceline.records import History
from paceline.search.base import Cohort, Decision, Stopper
from paceline.search.options import check_float, check_int
from paceline.search.stoppers.rungs import COHORT, equal_cohorts, members, regular_rungs, running


class Patience(Stopper):
    """Ends a trial whose best epoch lies `patience` epochs back; other trials don't matter.

    Args:
        epochs: epochs of a whole training.
        patience: epochs without improvement.
        min_delta: an improvement must be larger than this, in the metric's own unit.
        every: epochs between looks; a twenty-fifth of `epochs` by default, at least 1.
        size: trials that start together.
    """

    def __init__(
        self,
        *,
        epochs: int,
        patience: int = 10,
        min_delta: float = 0.0,
        every: int | None = None,
        size: int = COHORT,
    ) -> None:
        self._patience = check_int("patience", patience, 1)
        self._min_delta = check_float("min_delta", min_delta, 0.0)
        self._every = check_int("every", max(1, epochs // 25) if every is None else every, 1)
        self._size = check_int("size", size, 1)

    def cohorts(self, trials: int | None, epochs: int) -> Iterator[Cohort]:
        return equal_cohorts(trials, self._size, regular_rungs(epochs, self._patience + 1, self._every), "cohort")

    def decide(self, history: History, cohort: Cohort, epoch: int) -> Decision:
        sign = -1.0 if history.goal == "maximize" else 1.0
        return Decision(
            {
                trial.number: f"no improvement for {self._patience} epochs at epoch {epoch}"
                for trial in running(members(history, cohort))
                if _longest_wait([sign * value for value in trial.curve[:epoch]], self._min_delta) >= self._patience
            }
        )


def _longest_wait(losses: Sequence[float], min_delta: float) -> int:
    """Most epochs in a row that passed without an improvement by more than `min_delta`.

    >>> _longest_wait([3.0, 2.0, 2.5, float("nan"), 1.0, 1.0], 0.0)
    2
    """
    best, wait, longest = math.inf, 0, 0
    for loss in losses:
        if loss < best - min_delta:
            best, wait = loss, 0
        else:
            wait += 1
            longest = max(longest, wait)
    return longest
