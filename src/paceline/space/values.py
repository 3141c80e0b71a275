"""Values as JSON data, and when two of them are the same value.

A point may come from Python, a study file or a database, so 1, 1.0 and numpy's 1 are one value, 0.0 and -0.0
are one value, a tuple is a list; but True isn't 1, because JSON keeps them apart.
"""

import json
import math
import sys
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

LARGEST = sys.float_info.max


def plain(value: Any) -> Any:
    """The value as plain Python data: numpy scalars and arrays, tuples and mappings become JSON's own types."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value


def is_json(value: Any) -> bool:
    """Whether plain data can be written as JSON and read back equal: no NaN, no infinity, string keys."""
    if value is None or isinstance(value, str | bool | int):
        return True
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list):
        return all(is_json(item) for item in value)
    return isinstance(value, dict) and all(isinstance(k, str) and is_json(item) for k, item in value.items())


def is_number(value: Any) -> bool:
    """Whether it is an int or float within the range of 64-bit floats; a bool is not a number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST


def canonical(value: Any) -> Any:
    """One representative of all equal values: whole floats become ints, keys are sorted."""
    value = plain(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [canonical(item) for item in value]
    if isinstance(value, dict):
        return {key: canonical(value[key]) for key in sorted(value, key=str)}
    return value


def token(value: Any) -> Hashable:
    """A hashable that is equal for equal values and only for those."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return ("bool", bool(value))
    if value is None or isinstance(value, int | float | np.number):
        return value  # Python's own 1 == 1.0 and 0.0 == -0.0, with equal hashes
    return ("json", json.dumps(canonical(value), default=repr))
