"""What a cohort may know of the others: cohort k sees the cohorts up to k - lag as they ended.

The lag is the stopper's number of cohorts in flight: two, so that lanes have work while the last trials of a cohort
are awaited; one where a population's births must be numbered in order. Fixed as it is, it makes a study repeatable
whichever lane finishes first. Trials are numbered in the order of their cohorts and those within the horizon have
ended, so the settled part of a history only grows at its end and is never made anew: a cohort costs its own size and
a copy of a list, not a walk over the study.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from paceline.records import History, Trial


class Horizon:
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

    def settled(self, cohort: int) -> list[Trial]:
        """The trials that a cohort may know the outcome of."""
        return self._settled[: self._seen_by[cohort]]

    def for_proposing(self, cohort: int) -> History:
        """What a cohort is proposed from: settled trials, and of the cohorts since then the configurations alone."""
        known = self.settled(cohort)
        for number in range(len(known), len(self._trials)):
            trial = self._trials[number]
            known.append(Trial(trial.number, trial.params, trial.seed, cohort=trial.cohort, origin=trial.origin))
        return History(known, self._goal)

    def for_judging(self, cohort: int, own: Sequence[Trial]) -> History:
        """What a cohort is judged by: settled trials and its own."""
        return History([*self.settled(cohort), *own], self._goal)
