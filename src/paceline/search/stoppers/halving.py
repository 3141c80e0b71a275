"""Successive halving, and Hyperband, which hedges over how early to be strict.

A bracket with η = 3 and 27 epochs; its survivors train on from where they are:

    epoch      1    3    9   27
    trials    27    9    3    1

Hyperband runs the brackets from strict (many trials, short looks) to none (few trials, all to the end),
because early readings may mislead, and starts anew until the trials are used up:

    27 at 1, 3, 9, 27     12 at 3, 9, 27     6 at 9, 27     4 at 27        (27 epochs, η = 3)

Hedging alone costs most of what it insures, so this one also looks whether early readings do mislead
(`stoppers.control_trials`). A rung that misleads stops nobody; at one that doesn't, trials are compared with those of
all earlier brackets too.
"""

from collections.abc import Iterator
from itertools import count

from paceline.errors import SettingsError
from paceline.records import History, Status
from paceline.search.base import Cohort, Decision, Stopper
from paceline.search.options import check_int
from paceline.search.stoppers.control_trials import CONTROL_TRIALS, rank_correlates, spare_control_trials
from paceline.search.stoppers.rungs import geometric_rungs, halvings, known_until, members, ranked, running


class Halving(Stopper):
    """Successive halving, synchronous: at each rung the best 1/η of a cohort go on.

    Args:
        epochs: epochs of a whole training.
        eta: η, one trial of this many goes on.
        min_epochs: the first comparison is not before this epoch.
        size: trials a cohort; by default as many as leave one at the end.

    Source: Jamieson & Talwalkar (2016), "Non-stochastic best arm identification and hyperparameter optimization".
    """

    def __init__(self, *, epochs: int, eta: int = 3, min_epochs: int = 1, size: int | None = None) -> None:
        self._eta, self._least = checked(epochs, eta, min_epochs)
        self._size = None if size is None else check_int("size", size, 1)

    def cohorts(self, trials: int | None, epochs: int) -> Iterator[Cohort]:
        steps = halvings(epochs, self._least, self._eta)
        size = self._eta**steps if self._size is None else self._size
        for number, now in enumerate(_portions(trials, size)):
            yield _bracket(number, now, steps, epochs, self._eta, f"halving {number + 1}")

    def decide(self, history: History, cohort: Cohort, epoch: int) -> Decision:
        return keep_best_share(history, cohort, epoch, self._eta)


class Hyperband(Stopper):
    """All brackets of successive halving in turn.

    Args:
        epochs: epochs of a whole training, Hyperband's R.
        eta: η, one trial of this many goes on.
        min_epochs: the first comparison of the strictest bracket is not before this epoch.
        control_trials: first trials that show whether early readings can be believed; 0 for the published rule.

    Source: Li et al. (2018), "Hyperband: a novel bandit-based approach to hyperparameter optimization".
    """

    def __init__(self, *, epochs: int, eta: int = 3, min_epochs: int = 1, control_trials: int = CONTROL_TRIALS) -> None:
        self._eta, self._least = checked(epochs, eta, min_epochs)
        self._control_trials = check_int("control_trials", control_trials, 0)

    def cohorts(self, trials: int | None, epochs: int) -> Iterator[Cohort]:
        strictest = halvings(epochs, self._least, self._eta)
        left = trials
        for number in count():
            if left is not None and left <= 0:
                return
            steps = strictest - number % (strictest + 1)
            size = -(-(strictest + 1) * self._eta**steps // (steps + 1))
            now = size if left is None else min(size, left)
            yield _bracket(number, now, steps, epochs, self._eta, f"bracket {steps}")
            left = None if left is None else left - now

    def decide(self, history: History, cohort: Cohort, epoch: int) -> Decision:
        is_correlated = rank_correlates(history, cohort, epoch, self._control_trials)
        if is_correlated is False:
            return Decision()
        stop = dict(keep_best_share(history, cohort, epoch, self._eta).stop)
        if is_correlated:
            stop = {**outside_best_share_of_all(history, cohort, epoch, self._eta), **stop}
        return Decision(spare_control_trials(stop, cohort, epoch, self._control_trials))


def keep_best_share(history: History, cohort: Cohort, epoch: int, eta: int) -> Decision:
    """After the k-th rung, size / η^k trials of the cohort are left; those that ended by themselves hold their rank."""
    order = ranked(members(history, cohort), epoch, history.goal)
    kept = max(1, cohort.size // eta ** (cohort.rungs.index(epoch) + 1))
    return Decision(
        {
            trial.number: f"rank {rank} of {len(order)} at epoch {epoch}"
            for rank, trial in enumerate(order, start=1)
            if rank > kept and not trial.ended
        }
    )


def outside_best_share_of_all(history: History, cohort: Cohort, epoch: int, eta: int) -> dict[int, str]:
    """Running trials of a cohort that aren't among the best 1/η of all that have been at this rung, and why."""
    # Who ended by itself before the rung (its own early stopping, a divergence) counts as having been there.
    known = known_until(history, cohort)
    seen = [t for t in known if len(t.curve) >= epoch or t.status is not Status.STOPPED]
    order = ranked(seen, epoch, history.goal)
    places = {trial.number: place for place, trial in enumerate(order, start=1)}
    kept = max(1, len(order) // eta)
    return {
        trial.number: f"rank {places[trial.number]} of {len(order)} at epoch {epoch}"
        for trial in running(members(history, cohort))
        if places[trial.number] > kept
    }


def checked(epochs: int, eta: int, min_epochs: int) -> tuple[int, int]:
    """η and the first rung, if they are within their ranges; else a SettingsError."""
    check_int("eta", eta, 2)
    check_int("min_epochs", min_epochs, 1)
    if min_epochs > epochs:
        raise SettingsError(f"`min_epochs <= epochs` must hold, but got {min_epochs=}, {epochs=}.")
    return eta, min_epochs


def _portions(trials: int | None, size: int) -> Iterator[int]:
    while trials is None or trials > 0:
        now = size if trials is None else min(size, trials)
        yield now
        trials = None if trials is None else trials - now


def _bracket(number: int, size: int, steps: int, epochs: int, eta: int, label: str) -> Cohort:
    # A cut cohort is compared less often, and later: comparing a handful at the first epoch would leave one by chance.
    steps = min(steps, halvings(size, 1, eta))
    return Cohort(number, size, geometric_rungs(epochs, steps, eta), label=label)
