"""Rows of the unit cube as population methods treat them: begun, completed, crossed, mutated, made points again.

A row has one number a slot; a choice sits in the middle of its share of [0, 1], so copying a number copies
the choice. Inactive slots (NaN) are completed with uniform draws before anything is done to a row: a parameter
that a change of its parent switches on starts at random.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from paceline.records import Params
from paceline.search.methods.sobol import sobol_points
from paceline.search.unique_batch import UniqueBatch
from paceline.space import Space

Rows = NDArray[np.float64]

TRIES = 20
"""Children bred in vain (known points) before a place of the batch is drawn at random."""


def begin(batch: UniqueBatch, space: Space, start: int, until: int, seed: int) -> None:
    """The first `until` points of a study: a Sobol sequence, gone on with at trial `start`."""
    if start < until:
        for row in sobol_points(len(space.slots), start, until - start, seed):
            batch.offer(space.from_unit(row))


def breed(batch: UniqueBatch, space: Space, rng: np.random.Generator, child: Callable[[], Rows]) -> list[Params]:
    """Fill a batch with children, each bred anew until it is a new point; then with random draws."""
    misses = 0
    while not batch.full and misses < TRIES:
        misses = 0 if batch.offer(space.from_unit(child())) else misses + 1
    return batch.fill(rng)


def completed(rows: Rows, rng: np.random.Generator) -> Rows:
    """The rows with uniform draws in place of NaN."""
    return np.where(np.isnan(rows), rng.random(rows.shape), rows)


def crossed(one: Rows, other: Rows, share: float, rng: np.random.Generator) -> Rows:
    """(slots,) uniform crossover: each slot from `other` with probability `share`."""
    return np.where(rng.random(len(one)) < share, other, one)


def mutated(row: Rows, which: NDArray[np.bool_], spread: float, space: Space, rng: np.random.Generator) -> Rows:
    """(slots,) the row with some slots changed: numbers by a normal step, at least one value; choices redrawn."""
    result = row.copy()
    for index in np.flatnonzero(which):
        slot = space.slots[index]
        values = slot.parameter.count
        if not slot.is_numeric and values is not None:
            result[index] = (row[index] + rng.integers(1, max(values, 2)) / values) % 1.0
            continue
        step = rng.normal(0.0, spread)
        if values is not None:
            step = np.copysign(max(abs(step), 1.0 / values), step)
        result[index] = reflected(row[index] + step)
    return result


def reflected(x: float) -> float:
    """x folded back into [0, 1] at its ends, so that steps don't heap up there."""
    x = abs(x) % 2.0
    return 2.0 - x if x > 1.0 else x
