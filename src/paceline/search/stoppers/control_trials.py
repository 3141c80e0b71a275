"""Do early readings agree with late ones? A stopper that compares trials early asks trials that nobody selected.

    control trials     the first trials of a study, and now and then one more; they aren't stopped before the rung below
                       the end, whatever they read
    unselected         control trials, and the members of cohorts of which nobody was stopped before a rung
    rank correlates    the rank correlation, over the unselected, of values at a rung with values at a later one is high

Trials that were let on because they read well can't tell: their readings lie close together. On four tables of real
learning curves (benchmarks/curve_tables.py) the ranks of all rows at epoch 2 of 50 and at the end correlate by
0.8, those of the best third at epoch 2 by anything from -0.2 to 0.8; where early readings mislead, all rows by -0.7.
"""

from collections.abc import Mapping

import numpy as np
from scipy.stats import rankdata

from paceline.records import History, Status, Trial
from paceline.search.base import Cohort
from paceline.search.stoppers.rungs import known_until, value_at

CONTROL_TRIALS = 6
"""Enough to tell a correlation of 0.8 from none, and few enough to be paid for by what stopping saves."""

CONTROL_EVERY = 48
"""Each trial of such a number is a control trial too, so that no false belief lasts."""

MIN_CORRELATION = 0.6
"""Rank correlation from which on a rung's readings are believed."""

MIN_TRIALS = 5
"""Unselected trials at the later rung, from which on they are asked."""


def rank_correlates(history: History, cohort: Cohort, epoch: int, first: int) -> bool | None:
    """Whether readings at this rung of a cohort tell what comes of a trial.

    The latest rung that enough unselected trials have come to says it; None where there is none, or no control trials.

    Args:
        first: how many of a study's first trials are control trials; with 0 there are none at all.
    """
    if first == 0:
        return None
    ended = [t for t in known_until(history, cohort) if t.status in (Status.FINISHED, Status.STOPPED)]
    first_stop = _first_stops(ended)
    for late in reversed([rung for rung in cohort.rungs if rung > epoch]):
        unselected = [
            trial
            for trial in ended
            if len(trial.curve) >= late
            and (
                first_stop.get(trial.cohort, late) >= late
                or (_is_control_trial(trial.number, first) and late < cohort.rungs[-1])
            )
        ]
        if len(unselected) >= MIN_TRIALS:
            early = [value_at(trial, epoch, history.goal) for trial in unselected]
            then = [value_at(trial, late, history.goal) for trial in unselected]
            return _rank_correlation(early, then) >= MIN_CORRELATION
    return None


def spare_control_trials(stop: Mapping[int, str], cohort: Cohort, epoch: int, first: int) -> dict[int, str]:
    """What a stopper says, but for the control trials, which go on to the rung below the end."""
    return {
        number: why for number, why in stop.items() if epoch >= cohort.rungs[-2] or not _is_control_trial(number, first)
    }


def _is_control_trial(number: int, first: int) -> bool:
    return number < first or (first > 0 and number % CONTROL_EVERY == 0)


def _first_stops(ended: list[Trial]) -> dict[int, int]:
    """Cohort -> the epoch at which the first of its trials was stopped."""
    found: dict[int, int] = {}
    for trial in ended:
        if trial.status is Status.STOPPED:
            found[trial.cohort] = min(found.get(trial.cohort, len(trial.curve)), len(trial.curve))
    return found


def _rank_correlation(a: list[float], b: list[float]) -> float:
    """Spearman's; 1 where all of either are equal, because then nothing speaks against the readings.

    >>> _rank_correlation([1.0, 2.0, float("inf")], [0.1, 0.2, 0.3]), _rank_correlation([1.0, 2.0], [5.0, 4.0])
    (1.0, -1.0)
    """
    x, y = (rankdata(values) - (len(values) + 1) / 2 for values in (a, b))
    scale = float(np.sqrt((x @ x) * (y @ y)))
    return round(float(x @ y) / scale, 12) if scale > 0 else 1.0
