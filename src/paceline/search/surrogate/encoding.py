"""Rows of the unit cube as a kernel sees them: every place that means the same configuration is one point.

    number                    one column; lattices are moved to the middle of their cell (rounding inside the
                              kernel) and stretched so that the lowest and highest value lie at 0 and 1
    choice without an order   one-hot columns of a common length: two different values are at distance 1
    inactive                  a constant, 1/2, and a flag column that says so; slots of one condition share it
    study                     1 in this one, and `elsewhere` 0 for an earlier one: how far the two are apart is a
                              length-scale of its own, found like the others

All maps are over whole arrays: a search looks at thousands of places for each point it proposes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from paceline.space import Slot, Space
from paceline.space.values import token

Rows = NDArray[np.float64]

LISTED = 64
"""Lattices of at most so many values are moved to their cells; finer ones are treated as continuous."""


class Encoding:
    """The columns that a space's slots become.

    Attributes:
        cells: slot -> (values,) middle of the cell of each value, rising; only slots of a few values are there.
        smooth: (continuous slots,) numbers of the other slots.
        groups: (columns,) number of each column's length-scale: one a slot, one a condition, one for the study.

    Args:
        studies: whether places may be of another study; without it there is no such column.
    """

    def __init__(self, space: Space, *, studies: bool = False) -> None:
        self._space = space
        slots = space.slots
        self.cells = {i: _cells(slot) for i, slot in enumerate(slots) if _is_listed(slot)}
        self.smooth = np.array([i for i in range(len(slots)) if i not in self.cells], dtype=np.intp)
        self._starts: dict[str, int] = {}
        flags: dict[str, int] = {}
        for i, slot in enumerate(slots):
            self._starts.setdefault(slot.name, i)
            if slot.parameter.when or slot.parameter.per:
                flags.setdefault(repr((slot.parameter.when, slot.parameter.per, slot.index)), i)
        self._flags = list(flags.values())  # a slot of each condition
        self._studies = studies
        sizes = [slot.size for slot in slots] + [1] * (len(flags) + studies)
        self._first = np.cumsum([0, *sizes])
        self.groups = np.repeat(np.arange(len(sizes)), sizes)
        self._numbers = np.array([i for i, slot in enumerate(slots) if slot.is_numeric], dtype=np.intp)
        self._choices = [i for i, slot in enumerate(slots) if not slot.is_numeric]
        ends = np.array([_ends(slot) for slot in slots]).reshape(len(slots), 2)
        self._low, self._width = ends[:, 0], np.where(ends[:, 1] > ends[:, 0], ends[:, 1] - ends[:, 0], 1.0)

    def snapped(self, rows: Rows) -> Rows:
        """(rows, slots) the same configurations at the middle of their cells, and NaN where inactive."""
        result = np.clip(np.where(np.isnan(rows), 0.5, rows), 0.0, 1.0)
        for i, cells in self.cells.items():
            borders = (cells[1:] + cells[:-1]) / 2.0
            result[:, i] = cells[np.searchsorted(borders, result[:, i], side="right")]
        result[~self._active(result)] = np.nan
        return result

    def features(self, snapped: Rows) -> Rows:
        """(rows, columns) of snapped rows."""
        result = np.empty((len(snapped), len(self.groups)))
        active = ~np.isnan(snapped)
        numbers = self._numbers
        values = (snapped[:, numbers] - self._low[numbers]) / self._width[numbers]
        result[:, self._first[numbers]] = np.where(active[:, numbers], values, 0.5)
        for i in self._choices:
            first, size = self._first[i], self._space.slots[i].size
            hot = np.floor(np.where(active[:, i], snapped[:, i], -1.0)[:, None] * size) == np.arange(size)
            result[:, first : first + size] = np.where(active[:, i, None], hot, 0.5) / np.sqrt(2.0)
        after = self._first[len(self._space.slots) :]
        result[:, after[: len(self._flags)]] = active[:, self._flags]
        if self._studies:
            result[:, -1] = 1.0
        return result

    def elsewhere(self, features: Rows) -> Rows:
        """(rows, columns) the same configurations in an earlier study."""
        result = features.copy()
        result[:, -1] = 0.0
        return result

    def moved(self, features: Rows, places: Rows, still: NDArray[np.bool_]) -> Rows:
        """(rows, columns) the features with other values in the continuous slots.

        Args:
            places: (rows, continuous slots) in the unit cube.
            still: (rows, continuous slots) slots that are inactive; their values don't matter.
        """
        result = features.copy()
        values = (places - self._low[self.smooth]) / self._width[self.smooth]
        result[:, self._first[self.smooth]] = np.where(still, 0.5, values)
        return result

    def slopes(self, slopes: Rows) -> Rows:
        """(rows, continuous slots) slopes in the unit cube, of slopes (rows, columns) in the features."""
        return np.asarray(slopes[:, self._first[self.smooth]] / self._width[self.smooth])

    def _active(self, rows: Rows) -> NDArray[np.bool_]:
        """(rows, slots) whether each slot has a meaning."""
        result = np.ones((len(rows), len(self._space.slots)), dtype=bool)
        present: dict[str, NDArray[np.bool_]] = {}
        for name, parameter in self._space.parameters.items() if self._flags else ():
            here = np.ones(len(rows), dtype=bool)
            for parent, wanted in (parameter.when or {}).items():
                allowed = {token(value) for value in wanted}
                values, which = self._values(parent, rows)
                here &= present[parent] & np.array([token(value) in allowed for value in values], dtype=bool)[which]
            if parameter.per is not None:
                here &= present[parameter.per]
            present[name] = here
        for i, slot in enumerate(self._space.slots if self._flags else ()):
            result[:, i] = present[slot.name]
            if slot.parameter.per is not None:
                counts, which = self._values(slot.parameter.per, rows)
                result[:, i] &= np.array([count > slot.index for count in counts], dtype=bool)[which]
        return result

    def _values(self, name: str, rows: Rows) -> tuple[list[Any], NDArray[np.intp]]:
        """A parameter's different values, and (rows,) which of them each row has."""
        parameter = self._space.parameters[name]
        if name not in self._starts:  # it is Fixed
            return [parameter.default], np.zeros(len(rows), dtype=np.intp)
        places, which = np.unique(rows[:, self._starts[name]], return_inverse=True)
        return [parameter.from_unit(float(place)) for place in places], which


def _is_listed(slot: Slot) -> bool:
    count = slot.parameter.count
    return count is not None and (not slot.is_numeric or count <= LISTED)


def _cells(slot: Slot) -> Rows:
    return np.array([slot.parameter.to_unit(value) for value in slot.parameter.cut(1)])


def _ends(slot: Slot) -> tuple[float, float]:
    low, high = slot.parameter.from_unit(0.0), slot.parameter.from_unit(1.0)
    return slot.parameter.to_unit(low), slot.parameter.to_unit(high)
