"""Stopper `none`: every trial trains to the end.

Trials are proposed a few at a time, so that a method that learns knows of all but the last few: of a hundred trials in
cohorts of 32, two of which are under way at a time, it would propose the first 64 blindly.
"""

from collections.abc import Iterator

from paceline.records import History
from paceline.search.base import Cohort, Decision, Stopper
from paceline.search.options import check_int
from paceline.search.stoppers.rungs import equal_cohorts

SIZE = 8
"""Enough for a few lanes; give `size` more for a device that trains many at once."""


class NoStopping(Stopper):
    """Stops nobody; `size` trials are proposed together."""

    def __init__(self, *, epochs: int, size: int = SIZE) -> None:
        self._size = check_int("size", size, 1)

    def cohorts(self, trials: int | None, epochs: int) -> Iterator[Cohort]:
        return equal_cohorts(trials, self._size, (epochs,), "cohort")

    def decide(self, history: History, cohort: Cohort, epoch: int) -> Decision:
        return Decision()
