"""CMA-ES: a normal distribution that moves, stretches and turns towards the better half of each generation.

Numbers are searched by the `cmaes` package in the unit cube. Choices are searched beside it by a probability for each
value, moved towards the values of the better half at every generation and kept above a margin so that
none is lost. Integers and steps are numbers whose draws are also moved to a neighbouring value now and then (the
same margin), or a narrow distribution would stay in one cell. An inactive number counts as lying at the mean: it pulls
nowhere.

No state is kept: the trials after the start-up, cut into generations by their numbers, are told to a new
distribution each time; the first generation with a member still running ends the replay. Trials of unlike length are
ordered by `ranking`. A distribution that has shrunk to nothing is begun anew elsewhere.
"""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from paceline.records import History, Params
from paceline.search.base import Searcher
from paceline.search.history import EncodedHistory
from paceline.search.methods.variation import begin, breed, completed
from paceline.search.options import check_float, check_int
from paceline.search.ranking import ranking
from paceline.search.unique_batch import UniqueBatch
from paceline.space import Space

if TYPE_CHECKING:
    from cmaes import CMA

Rows = NDArray[np.float64]

LEARNING = 0.3
"""How far a generation moves the probabilities of choices towards its better half."""


class CmaEs(Searcher):
    """Covariance matrix adaptation evolution strategy.

    Args:
        population: trials a generation; 4 + 3 log(slots) by default.
        startup: so many Sobol points begin the study, and the best of them is the first mean; by default one
            generation.
        sigma: first standard deviation on [0, 1].

    Source: Hansen (2016), "The CMA evolution strategy: a tutorial"; margins after Hamano et al. (2022), "CMA-ES with
    margin".
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        population: int | None = None,
        startup: int | None = None,
        sigma: float = 0.2,
    ) -> None:
        self.space = space
        self._seed = seed
        usual = 4 + int(3 * math.log(max(len(space.slots), 1)))
        self._population = usual if population is None else check_int("population", population, 4)
        self._startup = self._population if startup is None else check_int("startup", startup, 1)
        self._sigma = check_float("sigma", sigma, 0.0, 1.0, open_low=True)
        self._numeric = np.array([i for i, slot in enumerate(space.slots) if slot.is_numeric], dtype=int)
        self._choices = [i for i, slot in enumerate(space.slots) if not slot.is_numeric]
        self._encoded = EncodedHistory(space)

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        batch = UniqueBatch(self.space, self._encoded.known(history), count)
        begin(batch, self.space, len(history), self._startup, self._seed)
        inside = self._encoded.inside(history)
        units, places = self._encoded.units(history)[inside], ranking(history)[inside]
        if batch.full or not np.isfinite(places[: self._startup]).any():
            return batch.fill(rng)
        start = completed(units[np.nanargmin(places[: self._startup])], np.random.default_rng(self._seed))
        generations = list(self._generations(units, places))
        normal = self._normal(start, generations, int(rng.integers(2**31)))
        shares = self._shares(start, generations)
        return breed(batch, self.space, rng, lambda: self._draw(normal, shares, rng))

    def _generations(self, units: Rows, places: NDArray[np.float64]) -> Iterator[Rows]:
        """(population, slots) rows of each complete generation, best first."""
        for first in range(self._startup, len(units) - self._population + 1, self._population):
            members = slice(first, first + self._population)
            if np.isnan(places[members]).any():
                return
            yield units[members][np.argsort(places[members], kind="stable")]

    def _normal(self, start: Rows, generations: list[Rows], seed: int) -> "CMA | None":
        """The distribution of the numbers after all generations; None where the space has no numbers."""
        if len(self._numeric) == 0:
            return None
        restarts = np.random.default_rng(self._seed)
        normal = self._new(start[self._numeric], seed)
        for rows in generations:
            numbers = rows[:, self._numeric]
            numbers = np.where(np.isnan(numbers), normal.mean, numbers)
            normal.tell([(row, float(place)) for place, row in enumerate(numbers)])
            if normal.should_stop():
                normal = self._new(restarts.random(len(self._numeric)), seed)
        return normal

    def _new(self, mean: Rows, seed: int) -> "CMA":
        from cmaes import CMA

        bounds = np.tile([0.0, 1.0], (len(mean), 1))
        return CMA(mean=mean, sigma=self._sigma, bounds=bounds, population_size=self._population, seed=seed)

    def _shares(self, start: Rows, generations: list[Rows]) -> dict[int, Rows]:
        """Slot of a choice -> probabilities of its values after all generations."""
        ranks = np.arange(1, self._population + 1)
        weights = np.maximum(np.log((self._population + 1) / 2) - np.log(ranks), 0.0)
        weights /= weights.sum()
        shares: dict[int, Rows] = {}
        for i in self._choices:
            size = self.space.slots[i].size
            share = 0.5 / size + 0.5 * _one_hot(start[i : i + 1], size)[0]
            for rows in generations:
                votes = weights @ _one_hot(rows[:, i], size)
                share = (1.0 - LEARNING * votes.sum()) * share + LEARNING * votes
                share = np.maximum(share, 1.0 / (size * self._population))
                share /= share.sum()
            shares[i] = share
        return shares

    def _draw(self, normal: "CMA | None", shares: dict[int, Rows], rng: np.random.Generator) -> Rows:
        row = np.full(len(self.space.slots), np.nan)
        if normal is not None:
            row[self._numeric] = normal.ask()
        for i in self._numeric:
            values = self.space.slots[i].parameter.count
            if values is not None and rng.random() < 1.0 / self._population:
                row[i] = np.clip(row[i] + rng.choice([-1.0, 1.0]) / values, 0.0, 1.0)
        for i, share in shares.items():
            row[i] = (rng.choice(len(share), p=share) + 0.5) / len(share)
        return row


def _one_hot(column: Rows, size: int) -> Rows:
    """(rows, size) ones at the values of a choice's column; a row of zeros where inactive."""
    values = np.floor(np.nan_to_num(column, nan=-1.0) * size)
    return np.asarray(values[:, None] == np.arange(size), dtype=np.float64)
