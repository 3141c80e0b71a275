"""Random search: independent draws on each parameter's own scale, without repeats."""

import numpy as np

from paceline.records import History, Params
from paceline.search.base import Searcher
from paceline.search.encoded_history import Past
from paceline.search.unique_batch import Fresh
from paceline.space import Space


class Random(Searcher):
    """Independent draws, `space.sample(rng)`.

    Source: Bergstra & Bengio (2012), "Random search for hyper-parameter optimization".
    """

    def __init__(self, space: Space, *, seed: int = 0) -> None:
        self.space = space
        self._past = Past(space)

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        return Fresh(self.space, self._past.known(history), count).fill(rng)
