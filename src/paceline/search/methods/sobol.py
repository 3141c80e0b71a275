"""Sobol search: scrambled quasi-random points, which leave no hole and no clump.

The sequence is a function of the seed given at construction; the point to go on with is the length of the
history. Points that a discrete space rounds onto a known one are skipped.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from paceline.records import History, Params
from paceline.search.base import Searcher
from paceline.search.history import EncodedHistory
from paceline.search.unique_batch import UniqueBatch
from paceline.space import Space

if TYPE_CHECKING:
    from scipy.stats.qmc import Sobol as Sequence

SKIPPED = 256
"""So many points of the sequence in vain, and random draws complete the batch."""


class Sobol(Searcher):
    """Owen-scrambled Sobol points in the unit cube of all slots.

    Source: Sobol' (1967); scrambling by Owen (1998), as in scipy.stats.qmc.
    """

    draws_freely = False  # moved points would leave holes

    def __init__(self, space: Space, *, seed: int = 0) -> None:
        self.space = space
        self._seed = seed
        self._encoded = EncodedHistory(space)

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        batch = UniqueBatch(self.space, self._encoded.known(history), count)
        for row in sobol_points(len(self.space.slots), len(history), count + SKIPPED, self._seed):
            if batch.full:
                break
            batch.offer(self.space.from_unit(row))
        return batch.fill(rng)


def sobol_points(slots: int, start: int, count: int, seed: int) -> NDArray[np.float64]:
    """Points `start` to `start + count` of the scrambled sequence: (count, slots) in [0, 1)."""
    if slots == 0:
        return np.zeros((count, 0))
    sequence = _sequence(slots, seed)
    if start:
        sequence.fast_forward(start)
        return np.asarray(sequence.random(count), dtype=np.float64)
    # scipy warns of a first draw that is no power of two.
    return np.asarray(sequence.random(1 << (count - 1).bit_length()), dtype=np.float64)[:count]


def _sequence(slots: int, seed: int) -> "Sequence":
    from scipy.stats import qmc

    return qmc.Sobol(slots, scramble=True, rng=np.random.default_rng(seed))
