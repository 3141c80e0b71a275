"""A history that only grows at its end: shared instead of copied, and read once.

    HistoryView       the first n trials of a list that all histories of a study share, and a tail of running ones
    EncodedHistory    the configurations of a history as keys and as rows of the unit cube

A study asks its searcher thousands of times, each time about a slightly longer history. A copy for each question
would make the cost of a study grow with the square of its trials; a `HistoryView` costs its tail. `EncodedHistory`
remembers what it made of each configuration, recognised as the same object or by the shared list that it stands in, so
a changed history is read anew: it saves time and never changes an answer. Configurations outside the space (a user's
own first points, a study with a former space) have no key and a row of NaN: they can't be proposed, and no model learns
from them.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain, islice
from typing import overload

import numpy as np
from numpy.typing import NDArray

from paceline.records import History, Params, Trial
from paceline.space import Space


class HistoryView(Sequence[Trial]):
    """So many first trials of a shared list, then those of a tail.

    Attributes:
        shared: a list to which trials may be appended, while those that it has stay as they are.
        first: how many of its trials belong to this sequence.
        tail: the rest.
    """

    __slots__ = ("first", "shared", "tail")

    def __init__(self, shared: list[Trial], first: int, tail: Sequence[Trial] = ()) -> None:
        self.shared, self.first, self.tail = shared, first, tail

    def __len__(self) -> int:
        return self.first + len(self.tail)

    def __iter__(self) -> Iterator[Trial]:
        return chain(islice(self.shared, self.first), self.tail)

    @overload
    def __getitem__(self, at: int) -> Trial: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Trial]: ...
    def __getitem__(self, at: int | slice) -> Trial | Sequence[Trial]:
        if isinstance(at, slice):
            start, stop, step = at.indices(len(self))
            if start == 0 and step == 1 and stop <= self.first:
                return HistoryView(self.shared, max(stop, 0))
            return [self[i] for i in range(start, stop, step)]
        if not -len(self) <= at < len(self):
            raise IndexError(at)
        at %= len(self)
        return self.shared[at] if at < self.first else self.tail[at - self.first]


class EncodedHistory:
    """The configurations of a history as seen from one space."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._params: list[Params] = []
        self._keys: list[str | None] = []
        self._rows: list[NDArray[np.float64] | None] = []
        self._known: set[str | None] = set()  # the keys once more, for asking
        self._begins = HistoryView([], 0)  # with these configurations

    def keys(self, history: History) -> list[str | None]:
        """Canonical hash of each trial's configuration; None where it isn't in the space."""
        self._read(history.trials)
        return self._keys[: len(history)]

    def known(self, history: History) -> AbstractSet[str | None]:
        """The keys without order, to be asked whether a point is among them; good until the next question."""
        self._read(history.trials)
        return self._known if len(history) == len(self._keys) else set(self._keys[: len(history)])

    def units(self, history: History) -> NDArray[np.float64]:
        """(trials, slots) unit-cube coordinates; NaN where inactive, and everywhere for a trial outside the space."""
        keys = self.keys(history)
        nowhere = np.full(len(self._space.slots), np.nan)
        for index, key in enumerate(keys):
            if self._rows[index] is None:
                self._rows[index] = nowhere if key is None else self._space.to_unit(self._params[index])
        rows = [row for row in self._rows[: len(keys)] if row is not None]
        return np.array(rows, dtype=np.float64).reshape(len(keys), len(self._space.slots))

    def inside(self, history: History) -> NDArray[np.bool_]:
        """(trials,) whether the configuration lies in the space."""
        return np.array([key is not None for key in self.keys(history)], dtype=bool)

    def _read(self, trials: Sequence[Trial]) -> None:
        same = self._same(trials)
        if same < len(trials) and same < len(self._keys):
            del self._params[same:], self._keys[same:], self._rows[same:]
            self._known = set(self._keys)
            self._begins = HistoryView(self._begins.shared, min(same, self._begins.first))
        for place in range(same, len(trials)):
            params = trials[place].params
            key = self._space.key(params) if self._space.contains(params) else None
            self._params.append(params)
            self._keys.append(key)
            self._rows.append(None)
            self._known.add(key)
        if isinstance(trials, HistoryView) and (trials.first > self._looked_at(trials)):
            self._begins = HistoryView(trials.shared, trials.first)

    def _same(self, trials: Sequence[Trial]) -> int:
        """How many of the trials, from the first on, have the remembered configurations."""
        both = min(len(trials), len(self._params))
        return next((i for i in range(self._looked_at(trials), both) if self._params[i] is not trials[i].params), both)

    def _looked_at(self, trials: Sequence[Trial]) -> int:
        """How many of them stand in the shared list that was read before, and so need no look."""
        if isinstance(trials, HistoryView) and trials.shared is self._begins.shared:
            return min(trials.first, self._begins.first)
        return 0
