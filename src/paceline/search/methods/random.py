"""Random search: independent draws on each parameter's own scale, without repeats."""

import numpy as np

from paceline.records import History, Params
from paceline.search.base import Searcher
from paceline.search.history import EncodedHistory
from paceline.search.unique_batch import UniqueBatch
from paceline.space import Space


class Random(Searcher):
    """Independent draws, `space.sample(rng)`.

    Source: Bergstra & Bengio (2012), "Random search for hyper-parameter optimization".
    """

    def __init__(self, space: Space, *, seed: int = 0) -> None:
        self.space = space
        self._encoded = EncodedHistory(space)

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        return UniqueBatch(self.space, self._encoded.known(history), count).fill(rng)
