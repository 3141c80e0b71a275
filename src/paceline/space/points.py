"""A point of a space from values that were meant for another one."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from paceline.space.space import Space


def point_of(space: Space, values: Mapping[str, Any]) -> dict[str, Any]:
    """The point with those of the values that the space holds; elsewhere middles of scales and first choices.

    >>> point_of(Space({"l1": {"low": 0.0, "high": 0.5}, "l2": {"low": 0.0, "high": 0.5}}), {"l1": 0.1, "l2": 7.0})
    {'l1': 0.1, 'l2': 0.25}
    """
    place, exact = np.full(len(space.slots), np.nan), {}
    for index, slot in enumerate(space.slots):
        if slot.name in values and slot.parameter.fault(values[slot.name]) is None:
            place[index] = slot.parameter.to_unit(values[slot.name])
            if slot.parameter.per is None:
                exact[slot.name] = values[slot.name]  # from_unit rounds in the last digit
    return {name: exact.get(name, value) for name, value in space.from_unit(place).items()}
