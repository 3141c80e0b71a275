"""ASHA: halving without waiting; a trial is compared at each rung with everyone who has been there before.

Asynchronous by nature: on a cluster each trial goes on, or not, the moment it reaches a rung, so the outcome depends on
who came first, and a study says so. Here the cohorts are small and in order, which makes it repeatable:
a trial goes on if it is among the best 1/η of all values ever seen at the rung, this cohort's and
all earlier ones'. Those that were stopped before stay stopped, even if they would now be promoted. Rungs whose readings
mislead, as the first trials show, stop nobody.
"""

from collections.abc import Iterator

from paceline.records import History
from paceline.search.base import Cohort, Decision, Stopper
from paceline.search.options import check_int
from paceline.search.stoppers.control_trials import CONTROL_TRIALS, rank_correlates, spare_control_trials
from paceline.search.stoppers.halving import checked, outside_best_share_of_all
from paceline.search.stoppers.rungs import equal_cohorts, geometric_rungs, halvings

SIZE = 8
"""Trials that start together: about as many as a few lanes train at once."""


class Asha(Stopper):
    """Asynchronous successive halving, in its stopping form.

    Args:
        epochs: epochs of a whole training.
        eta: η, one trial of this many goes on.
        min_epochs: the first rung.
        size: trials that start together.
        control_trials: first trials that show whether early readings can be believed; 0 for the published rule.

    Source: Li et al. (2020), "A system for massively parallel hyperparameter tuning".
    """

    def __init__(
        self, *, epochs: int, eta: int = 3, min_epochs: int = 1, size: int = SIZE, control_trials: int = CONTROL_TRIALS
    ) -> None:
        self._eta, self._least = checked(epochs, eta, min_epochs)
        self._size = check_int("size", size, 1)
        self._control_trials = check_int("control_trials", control_trials, 0)

    def cohorts(self, trials: int | None, epochs: int) -> Iterator[Cohort]:
        steps = halvings(epochs, self._least, self._eta)
        return equal_cohorts(trials, self._size, geometric_rungs(epochs, steps, self._eta), "cohort")

    def decide(self, history: History, cohort: Cohort, epoch: int) -> Decision:
        if rank_correlates(history, cohort, epoch, self._control_trials) is False:
            return Decision()
        stop = outside_best_share_of_all(history, cohort, epoch, self._eta)
        return Decision(spare_control_trials(stop, cohort, epoch, self._control_trials))
