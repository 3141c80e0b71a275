"""What stoppers share: where rungs lie, a trial's value at a rung, the order there, and cutting a study into cohorts.

value at a rung   the best of the curve up to it, as the study's score is its best epoch's; NaN counts as worst
order             by value, equals by trial number; diverged and failed trials last; where there are costs beside the
                  value, by front and crowding of both (see `pareto`), and who has no value comes last
"""

import math
from collections.abc import Iterator

import numpy as np

from paceline.pareto import cost_table, preferred
from paceline.records import History, Status, Trial
from paceline.search.base import Cohort

LOOKED_BACK = 1000
"""Trials before its cohort that a running one is compared with at most."""

COHORT = 32
"""Trials that start together where nothing else sets the number."""


def value_at(trial: Trial, epoch: int, goal: str) -> float:
    """Best of the first `epoch` epochs, turned so that lower is better; inf for none, diverged and failed."""
    if trial.status in (Status.DIVERGED, Status.FAILED):
        return math.inf
    sign = -1.0 if goal == "maximize" else 1.0
    values = [sign * value for value in trial.curve[:epoch] if not math.isnan(value)]
    return min(values, default=math.inf)


def ranked(trials: list[Trial], epoch: int, goal: str) -> list[Trial]:
    """The trials from best to worst by their values at a rung, and by their costs where they have any."""
    last = (Status.DIVERGED, Status.FAILED)
    order = sorted(trials, key=lambda t: (t.status in last, value_at(t, epoch, goal), t.number))
    if not any(trial.costs for trial in trials):
        return order
    values = [value for trial in order if math.isfinite(value := value_at(trial, epoch, goal))]
    sound = order[: len(values)]
    traded = preferred(np.column_stack([values, cost_table(sound)]))
    return [sound[index] for index in traded] + order[len(values) :]


def members(history: History, cohort: Cohort) -> list[Trial]:
    """All trials of a cohort, ended ones included. Cohorts are numbered in the order of their trials, so the last
    trials of a history tell."""
    found = []
    for trial in reversed(history.trials):
        if trial.cohort < cohort.number:
            break
        if trial.cohort == cohort.number:
            found.append(trial)
    return found[::-1]


def known_until(history: History, cohort: Cohort) -> list[Trial]:
    """The trials of this and earlier cohorts; of a long study the latest, so that a look costs no walk over it."""
    latest = history.trials[-(LOOKED_BACK + cohort.size) :]
    return [trial for trial in latest if trial.cohort <= cohort.number]


def running(trials: list[Trial]) -> list[Trial]:
    """Those that may be stopped."""
    return [trial for trial in trials if trial.status is Status.RUNNING]


def halvings(epochs: int, least: int, eta: int) -> int:
    """How often `epochs` can be divided by η without falling below `least` epochs.

    >>> halvings(27, 1, 3), halvings(30, 1, 3), halvings(2, 1, 3)
    (3, 3, 0)
    """
    count = 0
    while least * eta ** (count + 1) <= epochs:
        count += 1
    return count


def geometric_rungs(epochs: int, count: int, eta: int) -> tuple[int, ...]:
    """`count` rungs that divide `epochs` by powers of η, and `epochs` itself.

    >>> geometric_rungs(30, 3, 3)
    (1, 3, 10, 30)
    """
    return (*(max(1, round(epochs / eta**k)) for k in range(count, 0, -1)), epochs)


def regular_rungs(epochs: int, first: int, every: int) -> tuple[int, ...]:
    """Rungs at `first`, `first + every`, ... and at the end.

    >>> regular_rungs(10, 3, 4)
    (3, 7, 10)
    """
    return (*range(first, epochs, every), epochs)


def equal_cohorts(trials: int | None, size: int, rungs: tuple[int, ...], label: str) -> Iterator[Cohort]:
    """Cohorts of `size`, the last cut so that they sum to `trials`; without end where that is None."""
    number = 0
    while trials is None or trials > 0:
        now = size if trials is None else min(size, trials)
        yield Cohort(number, now, rungs, label=f"{label} {number + 1}")
        trials = None if trials is None else trials - now
        number += 1


def median(values: list[float]) -> float:
    """Median where some values may be infinite: of an even number, the better of the two in the middle.

    >>> median([3.0, 1.0, float("inf"), 2.0])
    2.0
    """
    return float(np.sort(values)[(len(values) - 1) // 2])
