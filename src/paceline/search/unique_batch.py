"""Never the same point twice: a batch under way, which refuses what is known.

    batch = UniqueBatch(space, encoded.known(history), count)
    for point in my_ideas:
        batch.offer(point)              # False: known already
    return batch.fill(rng)              # random draws complete the batch

A finite space is used up to its last point: when draws hit known points again and again, the unseen
ones are listed instead. So no method ends early, and none loops for ever.
"""

from collections.abc import Set as AbstractSet
from itertools import islice

import numpy as np

from paceline.records import Params
from paceline.space import Space

MISSES = 200
"""So many known points in a row, and a finite space is listed instead of drawn from."""

LISTED = 50_000
"""Unseen points listed at most before one of them is drawn: keeps memory flat in large spaces."""


class UniqueBatch:
    """A batch of up to `count` configurations, different from each other and from all known ones."""

    def __init__(self, space: Space, known: AbstractSet[str | None], count: int) -> None:
        self._space = space
        self._known = known  # of a long study: asked, never copied
        self._keys: set[str] = set()
        self._count = count
        self.points: list[Params] = []

    @property
    def missing(self) -> int:
        """How many more points are wanted."""
        return self._count - len(self.points)

    @property
    def full(self) -> bool:
        """Whether no more points are wanted."""
        return self.missing <= 0

    def offer(self, params: Params) -> bool:
        """Take a configuration into the batch, unless it is known or the batch is full."""
        key = self._space.key(params)
        if self.full or not self._is_new(key):
            return False
        self._keys.add(key)
        self.points.append(params)
        return True

    def _is_new(self, key: str) -> bool:
        return key not in self._known and key not in self._keys

    def fill(self, rng: np.random.Generator) -> list[Params]:
        """Complete the batch with random draws; shorter than `count` only if the space is used up."""
        misses = 0
        while not self.full and misses < MISSES:
            misses = 0 if self.offer(self._space.sample(rng)) else misses + 1
        if not self.full and self._space.size is not None:
            self._list_the_rest(rng)
        return self.points

    def _list_the_rest(self, rng: np.random.Generator) -> None:
        # A finite space has no range to cut, so its grid is all of it.
        unseen = (point for point in self._space.grid(1) if self._is_new(self._space.key(point)))
        rest = list(islice(unseen, max(LISTED, self._count)))
        for index in rng.permutation(len(rest)):
            if self.full:
                return
            self.offer(rest[index])
