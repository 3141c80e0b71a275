"""A trust region: with a long history a model of the whole space is too dear and too coarse, so it is one of a box.

    centre   the best place
    size     a share of each axis that begins at 0.8, doubles after 3 bests in a row, halves after a number of trials
             without one that grows with the slots, and begins anew when it has become too small to matter
    rows     the results nearest to the centre, which are all that the model knows
    box      of that size in numbers, longer along axes on which little changes; choices stay free

The size is a function of the history: going through it in order replays what happened to the region.

Source: Eriksson et al. (2019), "Scalable global optimization via local Bayesian optimization" (TuRBO), with one region.
"""

import numpy as np
from numpy.typing import NDArray

from paceline.space import Space

Rows = NDArray[np.float64]

FIRST, LEAST, LARGEST = 0.8, 0.5**7, 1.6

WINS = 3

LOSSES = 8
"""Trials without a new best that halve the region, or twice the slots: fewer may be one batch, proposed together."""


def size_after(standings: Rows, slots: int) -> float:
    """The region's size after some results.

    Args:
        standings: (trials,) of the results since the region began, in the order of the trials; lower is better.
        slots: of the space.
    """
    size, best, wins, losses = FIRST, np.inf, 0, 0
    patience = max(LOSSES, 2 * slots)
    for ranking in standings.tolist():
        won = ranking < best
        best = min(best, ranking)
        wins, losses = (wins + 1, 0) if won else (0, losses + 1)
        if wins == WINS:
            size, wins = min(2.0 * size, LARGEST), 0
        elif losses == patience:
            size, losses = size / 2.0, 0
        if size < LEAST:
            size = FIRST
    return size


def cube(slots: int) -> Rows:
    """(slots, 2) the ends of the whole space."""
    return np.tile([0.0, 1.0], (slots, 1))


def nearest(units: Rows, centre: Rows, most: int) -> NDArray[np.intp]:
    """Rows of units (rows, slots) that are nearest to a place (slots,), in their old order; NaN lies in the middle."""
    away = np.nan_to_num(units, nan=0.5) - np.nan_to_num(centre, nan=0.5)
    return np.sort(np.argsort((away**2).sum(axis=1), kind="stable")[:most])


def box(space: Space, centre: Rows, size: float, lengths: Rows) -> Rows:
    """(slots, 2) lower and upper ends.

    Args:
        centre: (slots,); NaN, an inactive slot, lies in the middle.
        size: from `size_after`.
        lengths: (slots,) of the model.
    """
    numeric = np.array([slot.is_numeric for slot in space.slots], dtype=bool)
    half = np.full(len(numeric), 1.0)
    if numeric.any():
        logs = np.log(lengths[numeric])
        half[numeric] = 0.5 * size * np.exp(logs - logs.mean())
    cells = np.array([1.0 / (slot.parameter.count or np.inf) for slot in space.slots])
    half = np.maximum(half, cells)  # a lattice's neighbours stay within reach
    middle = np.nan_to_num(centre, nan=0.5)
    return np.asarray(np.clip(np.column_stack([middle - half, middle + half]), 0.0, 1.0))
