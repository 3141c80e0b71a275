"""Several things to be kept low at once: who is beaten by nobody, and whom to prefer among the others.

    a dominates b   a is nowhere worse than b and somewhere better
    front 0         those that nobody dominates: the Pareto front
    front k         those that are dominated only by members of the fronts before
    crowding        how far apart the neighbours of a member lie within its front; lonely ones show more of it

The order of NSGA-II is by front, then by crowding. One thing is added: within a front the best by the first objective
(the study's metric) comes first, so a choice of one is never anybody else.

Source: Deb et al. (2002), "A fast and elitist multiobjective genetic algorithm: NSGA-II".
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paceline.records import METRICS, Trial, loss_of

Array = NDArray[np.float64]

WIDE = 20.0
"""An objective of 1 and more is measured by its logarithm if its 90 % quantile is so many times its 10 % quantile."""


def fronts(values: Array) -> NDArray[np.int64]:
    """(points,) number of the front that each row of values (points, objectives) belongs to; equal rows share one."""
    return _swept(values) if values.shape[1] == 2 else _peeled(values)


def _swept(values: Array) -> NDArray[np.int64]:
    """Of two objectives: in the order of the first, a point need only be compared with the latest of each front,
    which is its lowest in the second; and whoever is dominated by a front is so by all before it."""
    found = np.zeros(len(values), dtype=np.int64)
    latest: list[tuple[float, float]] = []
    for index in np.lexsort((values[:, 1], values[:, 0])).tolist():
        point = (float(values[index, 0]), float(values[index, 1]))
        low, high = 0, len(latest)
        while low < high:
            middle = (low + high) // 2
            if latest[middle][1] <= point[1] and latest[middle] != point:
                low = middle + 1
            else:
                high = middle
        latest[low : low + 1] = [point]
        found[index] = low
    return found


def _peeled(values: Array) -> NDArray[np.int64]:
    """Of any number of objectives: the front is taken off again and again."""
    found = np.zeros(len(values), dtype=np.int64)
    left, number = np.arange(len(values)), 0
    while len(left):
        outer = nondominated(values[left])
        found[left[outer]] = number
        left, number = left[~outer], number + 1
    return found


def nondominated(values: Array) -> NDArray[np.bool_]:
    """(points,) which rows of values (points, objectives) no other dominates; equal rows stand or fall together."""
    found = np.zeros(len(values), dtype=bool)
    kept = np.empty((0, values.shape[1]))
    for index in np.lexsort(values.T[::-1]).tolist():  # whoever dominates a row comes before it
        row = values[index]
        if not ((kept <= row).all(axis=1) & (kept < row).any(axis=1)).any():
            found[index] = True
            kept = np.vstack([kept, row])
    return found


def crowding(values: Array) -> Array:
    """(points,) sum over the objectives of the distance between a point's two neighbours, by the objective's span.

    Args:
        values: (points, objectives) of one front. The ends of each objective are infinitely lonely.
    """
    total = np.zeros(len(values))
    for column in values.T:
        order = np.argsort(column, kind="stable")
        span = column[order[-1]] - column[order[0]] if len(order) else 0.0
        if span > 0.0:
            total[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / span
        total[order[:1]] = total[order[-1:]] = np.inf
    return total


def preferred(values: Array, measures: Array | None = None) -> NDArray[np.int64]:
    """(points,) the rows from the most to the least preferred; equals stay in their order.

    Args:
        values: (points, objectives) what is compared; each lower is better.
        measures: the same objectives in numbers whose differences mean something, for the crowding; default `values`.
    """
    front = fronts(values)
    distances = np.apply_along_axis(measured, 0, values if measures is None else measures) if len(values) else values
    lonely, first = np.zeros(len(values)), np.zeros(len(values), dtype=bool)
    for number in range(int(front.max(initial=-1)) + 1):
        members = np.flatnonzero(front == number)
        lonely[members] = crowding(distances[members])
        first[members[np.lexsort(values[members].T[::-1])[0]]] = True
    return np.lexsort((-lonely, ~first, front))


def measured(column: Array) -> Array:
    """(points,) the objective's numbers, or, where they are large and spread widely (sizes of nets), their logarithms.

    Numbers below 1 stay as they are: they may come as near to 0 as they like, and one that does would push all others
    together. What isn't finite counts as the worst.
    """
    finite = np.isfinite(column)
    if not finite.any():
        return np.zeros_like(column)
    known = np.where(finite, column, column[finite].max())
    low, high = np.quantile(column[finite], [0.1, 0.9])
    return np.log(known) if known.min() >= 1.0 and high > WIDE * low else known


def cost_table(trials: Sequence[Trial]) -> Array:
    """(trials, costs) of the trials; inf where one has none."""
    width = max((len(trial.costs) for trial in trials), default=0)
    table = np.full((len(trials), width), np.inf)
    for row, trial in zip(table, trials, strict=True):
        row[: len(trial.costs)] = trial.costs
    return table


def front_of(trials: Sequence[Trial], goal: str) -> list[Trial]:
    """The trials that no other dominates in score and costs, best score first; of equal ones the one given first.

    Without costs that is the best trial alone. Diverged and failed trials and scores that aren't finite take no part.
    """
    sign = -1.0 if goal == "maximize" else 1.0
    order = sorted((t for t in trials if np.isfinite(loss_of(t, sign))), key=lambda t: (loss_of(t, sign), t.costs))
    values = np.column_stack([[loss_of(trial, sign) for trial in order], cost_table(order)])
    kept: list[Trial] = []
    seen: set[tuple[float, ...]] = set()
    for trial, row, best in zip(order, values.tolist(), nondominated(values), strict=True):
        if best and tuple(row) not in seen:
            seen.add(tuple(row))
            kept.append(trial)
    return kept


def in_own_units(objectives: Sequence[str], costs: Sequence[float]) -> dict[str, float]:
    """Objective -> its value as people know it: a metric that is maximised is turned back.

    >>> in_own_units(["parameters", "auc"], (1300.0, -0.9))
    {'parameters': 1300.0, 'auc': 0.9}
    """
    return {
        name: -cost if METRICS.get(name) == "maximize" else cost for name, cost in zip(objectives, costs, strict=False)
    }


def front_document(trials: Sequence[Trial], goal: str, objectives: Sequence[str]) -> dict[str, Any] | None:
    """The front as JSON data, best score first: {"objectives", "front": [{"trial", "score", "costs"}]}.

    None for a study of one objective.
    """
    if not objectives:
        return None
    front = [
        {"trial": trial.number, "score": trial.score, "costs": in_own_units(objectives, trial.costs)}
        for trial in front_of(trials, goal)
    ]
    return {"objectives": list(objectives), "front": front}
