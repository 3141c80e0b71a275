"""Programs one after the other: as long as little has been trained, configurations share what has to be compiled.

    programs in use  <=  FIRST + training done and begun, in units of what compiling a program costs

Layers, widths and batch size decide which compiled program trains a configuration, and a program takes seconds. On a
small table an epoch takes hundredths of one, so a search whose first two dozen draws ask for six programs compares
nothing before all six are there. So a proposal beyond the limit takes those hyperparameters from a configuration whose
program is in use, and keeps all others. Compiling then never costs much more than training, and where an epoch takes
as long as a program nothing is changed.

What is compiled already, or stored from another study, plays no part: proposals are functions of the history.
"""

from collections.abc import Callable, Collection, Hashable, Sequence

import numpy as np

from paceline.records import History, Params, Status
from paceline.search.past import Past
from paceline.space import Space

Need = Callable[[Params], tuple[Hashable, float]]
"""Configuration -> (the program that trains it, what an epoch of it costs; compiling a program costs 1)."""

FIRST = 2
"""Programs that need no training to pay for them."""


class FewPrograms:
    """Keeps the programs of a search few.

    Args:
        space: of the search.
        need: what a configuration asks for.
        deciding: hyperparameters that decide about the program; others may too, and are left alone.
        wanted: configurations to come, whose programs count as in use from the start.
    """

    def __init__(self, space: Space, need: Need, deciding: Collection[str], wanted: Sequence[Params] = ()) -> None:
        self._space = space
        self._need = need
        self._deciding = np.array([slot.name in deciding for slot in space.slots], dtype=bool)
        self._wanted = wanted
        self._needs: dict[str, tuple[Hashable, float]] = {}  # by key; saves time alone

    def shared(self, points: Sequence[Params], history: History, past: Past, rng: np.random.Generator) -> list[Params]:
        """The proposals, moved where they ask for a program too many; none is in the history or there twice.

        Args: points: proposals of the method, new and different from each other; past: a reader of its space.
        """
        in_use: dict[Hashable, Params] = {}
        paid = 0.0
        for key, trial in zip(past.keys(history), history.trials, strict=True):
            if key is not None:
                program, epoch = self._needed(key, trial.params)
                in_use.setdefault(program, trial.params)
                paid += epoch * (1 if trial.status is Status.RUNNING else max(1, len(trial.curve)))
        for point in self._wanted:
            in_use.setdefault(self._needed(self._space.key(point), point)[0], point)
        known, taken = past.known(history), {self._space.key(point) for point in points}
        result = []
        for point in points:
            program, epoch = self._needed(self._space.key(point), point)
            if program not in in_use and len(in_use) >= FIRST + int(paid):
                point = self._moved(point, in_use, known, taken, rng)
                program, epoch = self._needed(self._space.key(point), point)
                taken.add(self._space.key(point))
            in_use.setdefault(program, point)
            paid += epoch
            result.append(point)
        return result

    def _moved(
        self, point: Params, in_use: dict[Hashable, Params], known: Collection[str | None], taken: Collection[str],
        rng: np.random.Generator,
    ) -> Params:  # fmt: skip
        """The point with the deciding hyperparameters of one whose program is in use; itself if that can't be."""
        row = self._space.to_unit(point)
        donors = list(in_use.values())
        for place in rng.permutation(len(donors)):
            there = np.where(self._deciding, self._space.to_unit(donors[place]), row)
            moved = self._space.from_unit(there)
            key = self._space.key(moved)
            if key not in known and key not in taken and self._needed(key, moved)[0] in in_use:
                return moved
        return point

    def _needed(self, key: str, params: Params) -> tuple[Hashable, float]:
        if key not in self._needs:
            self._needs[key] = self._need(params)
        return self._needs[key]
