"""Reading a history: every trial is turned into a key and a row of the unit cube once.

Searchers are asked again and again about a history that only grows at its end. `Past` remembers what it made of
each configuration (recognised as the same object, so a changed history is read anew); it saves time and never
changes an answer. Configurations that lie outside the space (a user's own first points, a study with a former
space) have no key and a row of NaN: they can't be proposed, and no model learns from them.
"""

from collections.abc import Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from paceline.records import History, Params, Trial
from paceline.space import Space


class Past:
    """The configurations of a history as seen from one space."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._params: list[Params] = []
        self._keys: list[str | None] = []
        self._rows: list[NDArray[np.float64] | None] = []

    def keys(self, history: History) -> list[str | None]:
        """Canonical hash of each trial's configuration; None where it isn't in the space."""
        self._read(history.trials)
        return self._keys[: len(history)]

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
        same = 0
        for known, trial in zip(self._params, trials, strict=False):
            if known is not trial.params:
                break
            same += 1
        if same == len(trials):
            return
        del self._params[same:], self._keys[same:], self._rows[same:]
        for trial in islice(trials, same, None):
            inside = self._space.contains(trial.params)
            self._params.append(trial.params)
            self._keys.append(self._space.key(trial.params) if inside else None)
            self._rows.append(None)
