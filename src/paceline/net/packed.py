"""Numbers by name in one vector: a call of a compiled program costs time for each argument, so they travel together.

table = PackedNumbers(values_of, float)          # values_of(config) -> {"rate": 0.1, ...}, always the same names
table.pack(values_of(config))                    # (n,) array, outside of the program
table.read(vector).rate                          # () array, inside
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


class ArgumentReader:
    """Reads a packed vector by name: `reader.rate` is a () array."""

    __slots__ = ("_places", "_vector")

    def __init__(self, places: Mapping[str, int], vector: Any) -> None:
        self._places, self._vector = places, vector

    def __getattr__(self, name: str) -> Any:
        try:
            return self._vector[self._places[name]]
        except KeyError:
            raise AttributeError(name) from None


class PackedNumbers:
    """The layout of a vector of named numbers.

    Attributes:
        names: in the order of the vector.
    """

    def __init__(self, example: Mapping[str, float], kind: type[np.generic]) -> None:
        """Args: example: any values under the names; kind: of the vector, e.g. numpy.float32."""
        self.names = tuple(example)
        self._places = {name: place for place, name in enumerate(self.names)}
        self._kind = kind

    def pack(self, values: Mapping[str, float]) -> NDArray[Any]:
        """(len(names),) the values, in any order."""
        return np.array([values[name] for name in self.names], self._kind)

    def read(self, vector: Any) -> ArgumentReader:
        """The numbers of a vector, by name."""
        return ArgumentReader(self._places, vector)

    def number(self, vector: Any, name: str) -> Any:
        """One number of a vector."""
        return vector[self._places[name]]
