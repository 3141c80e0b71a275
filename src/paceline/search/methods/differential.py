"""Differential evolution: steps are differences between members of the population, so they fit its shape.

    mutant = x + F (best - x) + F (a - b)          child = each slot from the mutant with probability CR, else from x

The population has fixed places. Trial number i is a child of the member in place i mod size and takes its place if it
stands better; a replay of the history therefore ends in the same population. With Hyperband the order that
trials are compared by already spans all rungs (see `ranking`), which makes the pair DEHB.

Where there are costs beside the score, "best" is any of the better half, drawn anew for each child: steps towards one
end of a front would leave the rest of it alone.
"""

import numpy as np

from paceline.records import History, Params
from paceline.search.base import Searcher
from paceline.search.history import EncodedHistory
from paceline.search.methods.variation import Rows, begin, breed, completed
from paceline.search.options import check_float, check_int
from paceline.search.ranking import has_costs, ranking
from paceline.search.unique_batch import UniqueBatch
from paceline.space import Space


class Differential(Searcher):
    """Differential evolution, current-to-best/1/bin.

    Args:
        population: places; as many Sobol points begin the study.
        factor: F, length of the steps; drawn for each child within a half around it.
        crossover: CR, share of slots that a child takes from the mutant.

    Source: Storn & Price (1997); Awad, Mallik & Hutter (2021), "DEHB".
    """

    def __init__(
        self, space: Space, *, seed: int = 0, population: int = 8, factor: float = 0.5, crossover: float = 0.8
    ) -> None:
        self.space = space
        self._seed = seed
        self._population = check_int("population", population, 4)
        self._factor = check_float("factor", factor, 0.0, 2.0, open_low=True)
        self._crossover = check_float("crossover", crossover, 0.0, 1.0)
        self._encoded = EncodedHistory(space)

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        batch = UniqueBatch(self.space, self._encoded.known(history), count)
        begin(batch, self.space, len(history), self._population, self._seed)
        members, places = self._members(history)
        if len(members) < 4:
            return batch.fill(rng)
        rows = self._encoded.units(history)[members]
        order = np.argsort(places, kind="stable")
        leaders = order[: len(order) // 2] if has_costs(history) else order[:1]

        def child() -> Rows:
            target = rows[(len(history) + len(batch.points)) % len(rows)]
            best = rows[leaders[rng.integers(len(leaders))] if len(leaders) > 1 else leaders[0]]
            return self._child(rows, target, best, rng)

        return breed(batch, self.space, rng, child)

    def _members(self, history: History) -> tuple[list[int], list[float]]:
        """Position in the history, and ranking, of the member in each place that isn't empty."""
        stand = np.where(self._encoded.inside(history), ranking(history), np.nan)
        held: dict[int, int] = {}
        for index in np.flatnonzero(np.isfinite(stand)).tolist():
            place = index % self._population
            if place not in held or stand[index] < stand[held[place]]:
                held[place] = index
        members = [held[place] for place in sorted(held)]
        return members, [float(stand[index]) for index in members]

    def _child(self, rows: Rows, target: Rows, best: Rows, rng: np.random.Generator) -> Rows:
        a, b = completed(rows[rng.permutation(len(rows))[:2]], rng)
        x, top = completed(target, rng), completed(best, rng)
        factor = self._factor * rng.uniform(0.5, 1.5)
        mutant = x + factor * (top - x) + factor * (a - b)
        outside = (mutant < 0.0) | (mutant > 1.0)
        mutant = np.where(outside, rng.random(len(mutant)), mutant)
        taken = rng.random(len(x)) < self._crossover
        if len(x):
            taken[rng.integers(len(x))] = True
        return np.where(taken, mutant, x)
