"""Stopper `curve`: a trial ends when its learning curve, drawn on, will hardly beat the best.

    stop    if P(value at the last epoch < the best value attained by anyone) < 5 %

The forecast and its uncertainty are those of `extrapolation`. How wrong such forecasts were for the trials that did
train to the end (the median of their errors) is added to the uncertainty, so where early readings mislead the rule
grows careful by itself. The best tenth of all trials at the rung is never stopped.
"""

import math
from collections.abc import Iterator

import numpy as np

from paceline.records import History, Status, Trial
from paceline.search.base import Cohort, Decision, Stopper
from paceline.search.options import check_float, check_int
from paceline.search.stoppers.extrapolation import MIN_VALUES, forecast
from paceline.search.stoppers.rungs import equal_cohorts, known_until, members, regular_rungs, running, value_at

REMEMBERED = 100
"""The latest so many whole trainings tell how wrong forecasts are."""


class Curve(Stopper):
    """Stopping by extrapolated learning curves.

    Args:
        epochs: epochs of a whole training.
        chance: a trial ends when its probability to beat the best falls below this.
        protect: share of the best trials at a rung that are never stopped.
        warmup_epochs: the first look; a tenth of `epochs` by default, at least 4.
        every: epochs between looks; a twentieth of `epochs` by default, at least 1.
        size: trials that start together; small cohorts, because each learns from those before it.

    Source: after Domhan, Springenberg & Hutter (2015), "Speeding up automatic hyperparameter optimization of deep
    neural networks by extrapolation of learning curves", with least squares in place of MCMC.
    """

    def __init__(
        self,
        *,
        epochs: int,
        chance: float = 0.05,
        protect: float = 0.1,
        warmup_epochs: int | None = None,
        every: int | None = None,
        size: int = 16,
    ) -> None:
        self._chance = check_float("chance", chance, 0.0, 1.0)
        self._protect = check_float("protect", protect, 0.0, 1.0)
        self._warmup = check_int(
            "warmup_epochs", max(MIN_VALUES, epochs // 10) if warmup_epochs is None else warmup_epochs, 1
        )
        self._every = check_int("every", max(1, epochs // 20) if every is None else every, 1)
        self._size = check_int("size", size, 1)

    def cohorts(self, trials: int | None, epochs: int) -> Iterator[Cohort]:
        return equal_cohorts(trials, self._size, regular_rungs(epochs, self._warmup, self._every), "cohort")

    def decide(self, history: History, cohort: Cohort, epoch: int) -> Decision:
        goal, last = history.goal, cohort.rungs[-1]
        known, here = known_until(history, cohort), running(members(history, cohort))
        if not here:
            return Decision()
        values = sorted(value_at(t, epoch, goal) for t in known)
        guarded = values[max(1, math.ceil(self._protect * len(values))) - 1]
        attained = min(value_at(t, len(t.curve) if t.ended else epoch, goal) for t in known)
        mean, sd = forecast([_losses(t, goal) for t in here], epoch, last)
        sd = np.hypot(sd, _typical_error(known, epoch, last, goal))
        stop = {}
        for trial, expected, spread in zip(here, mean, sd, strict=True):
            chance = _chance_below(attained, expected, spread)
            if chance < self._chance and value_at(trial, epoch, goal) > guarded:
                stop[trial.number] = f"{chance:.1%} chance to beat the best, by its curve at epoch {epoch}"
        return Decision(stop)


def _typical_error(known: list[Trial], epoch: int, last: int, goal: str) -> float:
    """Standard deviation (by the median, so that a few wild curves don't rule) of forecasts made at this epoch."""
    whole_ones = [t for t in known if t.status is Status.FINISHED and len(t.curve) > epoch][-REMEMBERED:]
    mean, _ = forecast([_losses(t, goal) for t in whole_ones], epoch, last)
    final = np.array([value_at(t, len(t.curve), goal) for t in whole_ones])
    usable = np.isfinite(mean) & np.isfinite(final)
    return 1.4826 * float(np.median(np.abs(mean - final)[usable])) if usable.any() else 0.0


def _chance_below(best: float, expected: float, spread: float) -> float:
    """P(normal < best); 1 where there is no forecast, or nobody has attained anything."""
    if math.isnan(expected) or math.isinf(best):
        return 1.0
    return 0.5 * math.erfc((expected - best) / (max(spread, 1e-300) * math.sqrt(2.0)))


def _losses(trial: Trial, goal: str) -> list[float]:
    return [-value for value in trial.curve] if goal == "maximize" else list(trial.curve)
