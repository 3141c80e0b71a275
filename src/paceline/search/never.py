"""Stopper `none`: every trial trains to the end."""

from collections.abc import Iterator

from paceline.records import History
from paceline.search.base import Cohort, Decision, Stopper
from paceline.search.options import whole
from paceline.search.rungs import COHORT, equal_cohorts


class Never(Stopper):
    """Stops nobody; `size` trials are proposed together."""

    def __init__(self, *, epochs: int, size: int = COHORT) -> None:
        self._size = whole("size", size, 1)

    def cohorts(self, trials: int | None, epochs: int) -> Iterator[Cohort]:
        return equal_cohorts(trials, self._size, (epochs,), "cohort")

    def decide(self, history: History, cohort: Cohort, epoch: int) -> Decision:
        return Decision()
