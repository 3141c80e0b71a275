"""What a cohort may know of the others: cohort k sees the cohorts up to k - lag as they ended.

The lag is the stopper's number of cohorts in flight: two, so that lanes have work while the last trials of a cohort
are awaited; one where a population's clones must be numbered in order. Fixed as it is, it makes a study repeatable
whichever lane finishes first. Trials are numbered in the order of their cohorts and those within it have
ended, so the settled part of a history only grows at its end and all histories share it: a cohort costs its own size,
not a walk over the study.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from paceline.records import History, Trial
from paceline.search import HistoryView


class VisibleHistory:
    """The settled trials of a study.

    Args:
        trials: number -> latest record, in order of number; grows while the study runs.
        goal: "minimize" or "maximize".
        lag: cohorts in flight at a time.
    """

    def __init__(self, trials: Mapping[int, Trial], goal: str, lag: int) -> None:
        self._trials, self._goal, self._lag = trials, goal, lag
        self._settled: list[Trial] = []
        self._seen_by: dict[int, int] = {}

    def settle(self, cohort: int) -> None:
        """Take in, as they are now, all trials that a cohort may know; called in order, before each cohort starts."""
        while (number := len(self._settled)) in self._trials and self._trials[number].cohort <= cohort - self._lag:
            self._settled.append(self._trials[number])
        self._seen_by[cohort] = len(self._settled)

    def settled(self, cohort: int, tail: Sequence[Trial] = ()) -> History:
        """The trials that a cohort may know the outcome of, and a tail of others."""
        return History(HistoryView(self._settled, self._seen_by[cohort], tail), self._goal)

    def for_proposing(self, cohort: int) -> History:
        """What a cohort is proposed from: settled trials, and of the cohorts since then the configurations alone."""
        since = [self._trials[number] for number in range(self._seen_by[cohort], len(self._trials))]
        tail = [Trial(t.number, t.params, t.seed, cohort=t.cohort, origin=t.origin) for t in since]
        return self.settled(cohort, tail)

    def for_judging(self, cohort: int, own: Sequence[Trial]) -> History:
        """What a cohort is judged by: settled trials and its own."""
        return self.settled(cohort, own)
