"""ASHA: halving without waiting; a trial is compared at each rung with everyone who has been there before.

Asynchronous by nature: on a cluster each trial goes on, or not, the moment it reaches a rung, so the outcome depends on
who came first, and a study says so. Here the cohorts are small and in order, which makes it repeatable:
a trial goes on if it is among the best 1/η of all values ever seen at the rung, this cohort's and
all earlier ones'. Those that were stopped before stay stopped, even if they would now be promoted.
"""

from collections.abc import Iterator

from paceline.records import History, Status
from paceline.search.base import Cohort, Decision, Stopper
from paceline.search.halving import checked
from paceline.search.options import whole
from paceline.search.rungs import equal_cohorts, geometric_rungs, halvings, known_until, members, ranked, running

SIZE = 8
"""Trials that start together: about as many as a few lanes train at once."""


class Asha(Stopper):
    """Asynchronous successive halving, in its stopping form.

    Args:
        epochs: epochs of a whole training.
        eta: η, one trial of this many goes on.
        min_epochs: the first rung.
        size: trials that start together.

    Source: Li et al. (2020), "A system for massively parallel hyperparameter tuning".
    """

    def __init__(self, *, epochs: int, eta: int = 3, min_epochs: int = 1, size: int = SIZE) -> None:
        self._eta, self._least = checked(epochs, eta, min_epochs)
        self._size = whole("size", size, 1)

    def cohorts(self, trials: int | None, epochs: int) -> Iterator[Cohort]:
        steps = halvings(epochs, self._least, self._eta)
        return equal_cohorts(trials, self._size, geometric_rungs(epochs, steps, self._eta), "cohort")

    def decide(self, history: History, cohort: Cohort, epoch: int) -> Decision:
        # Who ended by itself before the rung (its own early stopping, a divergence) counts as having been there.
        known = known_until(history, cohort)
        seen = [t for t in known if len(t.curve) >= epoch or t.status is not Status.STOPPED]
        order = ranked(seen, epoch, history.goal)
        places = {trial.number: place for place, trial in enumerate(order, start=1)}
        kept = max(1, len(order) // self._eta)
        return Decision(
            {
                trial.number: f"rank {places[trial.number]} of {len(order)} at epoch {epoch}"
                for trial in running(members(history, cohort))
                if places[trial.number] > kept
            }
        )
