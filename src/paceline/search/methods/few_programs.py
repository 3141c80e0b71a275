"""Few programs at first, all architectures in the end: a wrapper around any method that draws freely.

    programs in use  <=  FIRST_PROGRAMS  +  earlier trials // TRIALS_PER_PROGRAM
                                         +  place in the batch // BATCH_PER_PROGRAM
                                         +  seconds of training / seconds of compiling

Layers, widths and batch size, the *deciding* hyperparameters, are an architecture, and each needs a compiled program,
which takes seconds. On a small table an epoch takes milliseconds, so a search whose first two dozen draws ask for six
programs compares nothing before all six are there. So a proposal that asks for a program beyond the limit takes the
deciding hyperparameters of a configuration whose program is in use, and keeps all others. Where training takes as long
as compiling, nothing is moved. Seconds are estimates, functions of configurations and of epochs trained, never of a
clock.

The first three terms are a floor that needs no training. Within a batch a program is dearer than between batches,
because a batch is compared when all of its trials are there, and so waits for every program that one of them asks for.

A method that has seen two architectures do well may never ask for a third. So where the space has at most `MAX_LISTED`
architectures, the floor is a lower limit too: as long as fewer programs are in use, a proposal takes an architecture
whose program is not. From `MAX_TRIALS` trials on nothing is moved: the floor is beyond a hundred programs then, and a
long history need not be read for it.

What is compiled already, or stored from another study, plays no part: proposals are functions of the history.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence

import numpy as np

from paceline.records import History, Params, Status
from paceline.search.base import Searcher, Wrapper
from paceline.search.history import EncodedHistory
from paceline.search.methods.architectures import architectures_of
from paceline.space import Space

Need = Callable[[Params], tuple[Hashable, float]]
"""Configuration -> (the program that trains it, seconds that an epoch of it takes / seconds that a program takes)."""

FIRST_PROGRAMS = 2
"""Programs that need no training to pay for them."""

TRIALS_PER_PROGRAM, BATCH_PER_PROGRAM = 4, 10
"""So many trials of earlier batches, or proposals of the same batch, bring one more program."""

MAX_LISTED = 32
"""A space with at most so many architectures has them all tried."""

MAX_TRIALS = 400
"""Trials of a long study, in which nothing is moved any more."""

TRIES = 64
"""Draws of the space in which a new architecture is looked for."""


class FewPrograms(Wrapper):
    """A method whose proposals ask for few programs at first.

    Args:
        searcher: any method that draws freely.
        need: what a configuration asks for.
        deciding: hyperparameters that decide about the program; others may too, and are left alone.
    """

    def __init__(self, searcher: Searcher, need: Need, deciding: Collection[str]) -> None:
        super().__init__(searcher)
        self._need = need
        self._deciding = np.array([slot.name in deciding for slot in self.space.slots], dtype=bool)
        possible = architectures_of(self.space, deciding)
        self._lists = possible is not None and possible <= MAX_LISTED
        self._needs: dict[str, tuple[Hashable, float]] = {}  # by key; saves time alone
        self._encoded = EncodedHistory(self.space)

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        points = self.searcher.suggest(history, count, rng)
        if len(history) >= MAX_TRIALS or not self._deciding.any():
            return points
        return self._moved(points, history, rng)

    def _moved(self, points: Sequence[Params], history: History, rng: np.random.Generator) -> list[Params]:
        """The proposals, moved where that is due; none is in the history or there twice."""
        in_use: dict[Hashable, Params] = {}
        trained = 0.0  # in programs' worth of compiling
        for key, trial in zip(self._encoded.keys(history), history.trials, strict=True):
            if key is not None:
                program, epoch = self._needed(key, trial.params)
                in_use.setdefault(program, trial.params)
                trained += epoch * (1 if trial.status is Status.RUNNING else max(1, len(trial.curve)))
        batch = _Batch(self.space, self._deciding, self._encoded.known(history), points)
        result = []
        for place, point in enumerate(points):
            floor = FIRST_PROGRAMS + len(history) // TRIALS_PER_PROGRAM + place // BATCH_PER_PROGRAM
            key = self.space.key(point)
            is_new = self._needed(key, point)[0] not in in_use
            if is_new and len(in_use) >= floor + int(trained):
                point = self._like_one_in_use(point, in_use, batch, rng)
            elif not is_new and self._lists and len(in_use) < floor:
                point = self._like_a_new_one(point, in_use, batch, rng)
            program, epoch = self._needed(self.space.key(point), point)
            batch.taken.add(self.space.key(point))
            in_use.setdefault(program, point)
            trained += epoch
            result.append(point)
        return result

    def _like_one_in_use(
        self, point: Params, in_use: Mapping[Hashable, Params], batch: "_Batch", rng: np.random.Generator
    ) -> Params:
        """The point with an architecture whose program is in use; itself if that can't be."""
        donors = list(in_use.values())
        found = batch.moves(point, (donors[place] for place in rng.permutation(len(donors))))
        return next((moved for key, moved in found if self._needed(key, moved)[0] in in_use), point)

    def _like_a_new_one(
        self, point: Params, in_use: Mapping[Hashable, Params], batch: "_Batch", rng: np.random.Generator
    ) -> Params:
        """The point with an architecture whose program is not in use; itself if draws of the space show none."""
        found = batch.moves(point, (self.space.sample(rng) for _ in range(TRIES)))
        return next((moved for key, moved in found if self._needed(key, moved)[0] not in in_use), point)

    def _needed(self, key: str, params: Params) -> tuple[Hashable, float]:
        if key not in self._needs:
            self._needs[key] = self._need(params)
        return self._needs[key]


class _Batch:
    """Which points are taken, and what a point becomes with another's architecture."""

    def __init__(
        self, space: Space, deciding: np.ndarray[tuple[int], np.dtype[np.bool_]], known: Collection[str | None],
        points: Sequence[Params],
    ) -> None:  # fmt: skip
        self._space, self._deciding, self._known = space, deciding, known
        self.taken = {space.key(point) for point in points}

    def moves(self, point: Params, donors: Iterable[Params]) -> Iterable[tuple[str, Params]]:
        """The point with the deciding hyperparameters of each donor, where it is a new point; and its key."""
        row = self._space.to_unit(point)
        for donor in donors:
            moved = self._space.from_unit(np.where(self._deciding, self._space.to_unit(donor), row))
            key = self._space.key(moved)
            if key not in self._known and key not in self.taken:
                yield key, moved
