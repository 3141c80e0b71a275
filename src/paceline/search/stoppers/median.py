"""Stopper `median`: a trial ends when its best so far is worse than the middle trial's at the same epoch.

All trials of this and earlier cohorts are compared, those that were stopped before with the best that they had reached.
So the rule stays mild: it asks for the upper half of everything tried, not of the survivors alone.
"""

from collections.abc import Iterator

from paceline.records import History
from paceline.search.base import Cohort, Decision, Stopper
from paceline.search.options import check_int
from paceline.search.stoppers.rungs import (
    COHORT,
    equal_cohorts,
    known_until,
    median,
    members,
    regular_rungs,
    running,
    value_at,
)


class Median(Stopper):
    """The median rule.

    Args:
        epochs: epochs of a whole training.
        warmup_epochs: no trial ends before this epoch; a fifth of `epochs` by default, at least 1.
        warmup_trials: no trial ends while fewer trials than this are known.
        every: epochs between rungs; a tenth of `epochs` by default, at least 1.
        size: trials that start together.

    Source: Golovin et al. (2017), "Google Vizier", with the best so far in place of running averages.
    """

    def __init__(
        self,
        *,
        epochs: int,
        warmup_epochs: int | None = None,
        warmup_trials: int = 5,
        every: int | None = None,
        size: int = COHORT,
    ) -> None:
        self._warmup = check_int("warmup_epochs", max(1, epochs // 5) if warmup_epochs is None else warmup_epochs, 1)
        self._warmup_trials = check_int("warmup_trials", warmup_trials, 1)
        self._every = check_int("every", max(1, epochs // 10) if every is None else every, 1)
        self._size = check_int("size", size, 1)

    def cohorts(self, trials: int | None, epochs: int) -> Iterator[Cohort]:
        return equal_cohorts(trials, self._size, regular_rungs(epochs, self._warmup, self._every), "cohort")

    def decide(self, history: History, cohort: Cohort, epoch: int) -> Decision:
        known = known_until(history, cohort)
        if len(known) < self._warmup_trials or epoch < self._warmup:
            return Decision()
        middle = median([value_at(trial, epoch, history.goal) for trial in known])
        return Decision(
            {
                trial.number: f"worse than the median of {len(known)} at epoch {epoch}"
                for trial in running(members(history, cohort))
                if value_at(trial, epoch, history.goal) > middle
            }
        )
