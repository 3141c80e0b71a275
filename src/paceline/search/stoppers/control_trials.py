"""Do early readings foretell late ones? A stopper that compares trials early asks those that nobody picked.

    probes       the first trials of a study and now and then one more; they aren't stopped before the rung below the
                 end, whatever they read
    unpicked     probes, and the members of cohorts of which nobody was stopped before a rung
    foretold     the rank correlation, over the unpicked, of values at a rung with values at a later one

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

PROBES = 6
"""Enough to tell a correlation of 0.8 from none, and few enough to be paid for by what stopping saves."""

RENEWED = 48
"""Each trial of such a number is a probe too, so that no false belief lasts."""

BELIEVED = 0.6
"""Rank correlation from which on a rung's readings are believed."""

LEAST = 5
"""Unpicked trials at the later rung, from which on they are asked."""


def foretold(history: History, cohort: Cohort, epoch: int, probes: int) -> bool | None:
    """Whether readings at this rung of a cohort tell what comes of a trial.

    The latest rung that enough unpicked trials have come to says it; None where there is none, or no probes.

    Args:
        probes: how many of a study's first trials are; with 0 there are none at all.
    """
    if probes == 0:
        return None
    ended = [t for t in known_until(history, cohort) if t.status in (Status.FINISHED, Status.STOPPED)]
    first_stop = _first_stops(ended)
    for late in reversed([rung for rung in cohort.rungs if rung > epoch]):
        unpicked = [
            trial
            for trial in ended
            if len(trial.curve) >= late
            and (
                first_stop.get(trial.cohort, late) >= late
                or (_is_probe(trial.number, probes) and late < cohort.rungs[-1])
            )
        ]
        if len(unpicked) >= LEAST:
            early = [value_at(trial, epoch, history.goal) for trial in unpicked]
            return _rank_correlation(early, [value_at(trial, late, history.goal) for trial in unpicked]) >= BELIEVED
    return None


def without_probes(stop: Mapping[int, str], cohort: Cohort, epoch: int, probes: int) -> dict[int, str]:
    """What a stopper says, but for the probes, who go on to the rung below the end."""
    return {number: why for number, why in stop.items() if epoch >= cohort.rungs[-2] or not _is_probe(number, probes)}


def _is_probe(number: int, probes: int) -> bool:
    return number < probes or (probes > 0 and number % RENEWED == 0)


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
