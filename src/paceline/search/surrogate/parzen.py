"""A Parzen window density over rows of the unit cube: one kernel a known row, and a uniform one for all else.

A kernel is a product over slots: for a number a normal curve cut off at 0 and 1, for a choice its own value
with a high probability and the others sharing the rest. Where the kernel's row had a slot inactive it knows nothing,
and is uniform there; where the judged row has a slot inactive the factor is 1. All densities are relative to
the uniform one.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from paceline.space import Slot

Rows = NDArray[np.float64]


class Parzen:
    """An even mixture of a kernel at each row and a uniform one.

    Args:
        rows: (kernels, slots) centres; NaN where inactive.
        slots: the space's slots.
        width: standard deviation of the numbers' kernels for one row; it shrinks with more of them.
    """

    def __init__(self, rows: Rows, slots: Sequence[Slot], width: float) -> None:
        self._rows = rows
        self._slots = slots
        narrow = width * max(len(rows), 1) ** (-1.0 / (len(slots) + 4))  # Scott's rule
        # A kernel narrower than the cells of a lattice would never leave its own.
        self._widths = [max(narrow, 0.5 / (slot.parameter.count or np.inf)) for slot in slots]
        self._leak = 1.0 / (len(rows) + 2)

    def sample(self, count: int, rng: np.random.Generator) -> Rows:
        """(count, slots) draws."""
        slots = self._slots
        drawn = rng.random((count, len(slots)))
        kernels = rng.integers(0, len(self._rows) + 1, count)
        centres = np.vstack([self._rows, np.full(len(slots), np.nan)])[kernels]
        for j, slot in enumerate(slots):
            known = ~np.isnan(centres[:, j])
            at = centres[known, j]
            if slot.is_numeric:
                drawn[known, j] = _cut_normal(at, self._widths[j], drawn[known, j])
            else:
                leaves = rng.random(len(at)) < self._leak
                steps = rng.integers(1, max(slot.size, 2), len(at)) / slot.size
                drawn[known, j] = np.where(leaves, (at + steps) % 1.0, at)
        return drawn

    def log_density(self, rows: Rows) -> NDArray[np.float64]:
        """(rows,) log densities."""
        from scipy.special import logsumexp

        kernels = self.log_kernels(rows, self._rows)
        uniform = np.zeros((len(rows), 1))
        return np.asarray(logsumexp(np.hstack([kernels, uniform]), axis=1) - np.log(len(self._rows) + 1))

    def log_kernels(self, rows: Rows, centres: Rows) -> Rows:
        """(rows, centres) logarithm of this mixture's kernel, put at other centres."""
        result = np.zeros((len(rows), len(centres)))
        for j, slot in enumerate(self._slots):
            active = np.flatnonzero(~np.isnan(rows[:, j]))
            known = np.flatnonzero(~np.isnan(centres[:, j]))
            if len(active) and len(known):
                here, at = rows[active, j][:, None], centres[known, j][None, :]
                log = _log_normal(here, at, self._widths[j]) if slot.is_numeric else self._log_choice(here, at, slot)
                result[np.ix_(active, known)] += log
        return result

    def _log_choice(self, here: Rows, at: Rows, slot: Slot) -> Rows:
        same = np.log((1.0 - self._leak) * slot.size)
        other = np.log(self._leak * slot.size / max(slot.size - 1, 1))
        return np.asarray(np.where(np.abs(here - at) < 0.5 / slot.size, same, other))


def _log_normal(x: Rows, centre: Rows, width: float) -> Rows:
    """Logarithm of a normal density, cut off at 0 and 1 and scaled up to integrate to 1 between them."""
    from scipy.special import ndtr

    inside = ndtr((1.0 - centre) / width) - ndtr(-centre / width)
    return np.asarray(-0.5 * ((x - centre) / width) ** 2 - np.log(inside * width * np.sqrt(2.0 * np.pi)))


def _cut_normal(centre: NDArray[np.float64], width: float, u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles u of those normal curves."""
    from scipy.special import ndtr, ndtri

    low, high = ndtr(-centre / width), ndtr((1.0 - centre) / width)
    return np.asarray(np.clip(centre + width * ndtri(low + u * (high - low)), 0.0, 1.0))
