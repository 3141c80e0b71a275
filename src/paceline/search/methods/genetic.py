"""Two evolutionary methods: `genetic` keeps the best, `evolution` lets everyone age.

    genetic      population = the best trials so far (elitism);
                 child = crossover of two tournament winners, then mutation
    evolution    population = the latest trials, however good (ageing, or "regularised");
                 child = mutation of one tournament winner

Both read their population off the history, so there are no generations to wait for: each child descends
from what is known when it is asked for. Where there are costs beside the score, "best" is by front and crowding (see
`ranking`), which makes the tournaments and the elitism those of NSGA-II.
"""

import numpy as np

from paceline.records import History, Params
from paceline.search.base import Searcher
from paceline.search.history import EncodedHistory
from paceline.search.methods.variation import Rows, begin, breed, completed, crossed, mutated
from paceline.search.options import check_float, check_int
from paceline.search.ranking import observations
from paceline.search.unique_batch import UniqueBatch
from paceline.space import Space


class Genetic(Searcher):
    """Genetic algorithm with elitism.

    Args:
        population: the parents are the best so many trials; as many Sobol points begin the study.
        tournament: a parent is the best of so many drawn from the population.
        crossover: probability that a child has two parents; each slot then comes from either.
        mutation: expected number of slots that a child changes.
        spread: standard deviation of a change on [0, 1].

    Source: Goldberg & Deb (1991) on tournaments; Syswerda (1989) on uniform crossover.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        population: int = 10,
        tournament: int = 3,
        crossover: float = 0.7,
        mutation: float = 1.0,
        spread: float = 0.1,
    ) -> None:
        self.space = space
        self._seed = seed
        self._population = check_int("population", population, 2)
        self._tournament = check_int("tournament", tournament, 1)
        self._crossover = check_float("crossover", crossover, 0.0, 1.0)
        self._mutation = check_float("mutation", mutation, 0.0, open_low=True)
        self._spread = check_float("spread", spread, 0.0, open_low=True)
        self._encoded = EncodedHistory(space)

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        batch = UniqueBatch(self.space, self._encoded.known(history), count)
        begin(batch, self.space, len(history), self._population, self._seed)
        known = observations(history, self._encoded)
        parents = known.units[: len(known) - known.broken][: self._population]
        if len(parents) < 2:
            return batch.fill(rng)
        return breed(batch, self.space, rng, lambda: self._child(parents, rng))

    def _child(self, parents: Rows, rng: np.random.Generator) -> Rows:
        child = completed(_winner(parents, self._tournament, rng), rng)
        if rng.random() < self._crossover:
            child = crossed(child, completed(_winner(parents, self._tournament, rng), rng), 0.5, rng)
        return mutated(child, _chosen(child, self._mutation, rng), self._spread, self.space, rng)


class Evolution(Searcher):
    """Regularised evolution: trials die of age, so a lucky score doesn't rule for ever.

    Args:
        population: the latest so many trials are alive; as many Sobol points begin the study.
        tournament: the parent is the best of so many drawn from the population.
        mutation: expected number of slots that a child changes.
        spread: standard deviation of a change on [0, 1].

    Source: Real et al. (2019), "Regularized evolution for image classifier architecture search".
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        population: int = 16,
        tournament: int = 12,
        mutation: float = 1.0,
        spread: float = 0.15,
    ) -> None:
        self.space = space
        self._seed = seed
        self._population = check_int("population", population, 2)
        self._tournament = check_int("tournament", tournament, 1)
        self._mutation = check_float("mutation", mutation, 0.0, open_low=True)
        self._spread = check_float("spread", spread, 0.0, open_low=True)
        self._encoded = EncodedHistory(space)

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        batch = UniqueBatch(self.space, self._encoded.known(history), count)
        begin(batch, self.space, len(history), self._population, self._seed)
        known = observations(history, self._encoded)
        whole_ones = len(known) - known.broken
        alive = np.sort(np.argsort(known.numbers[:whole_ones], kind="stable")[-self._population :])
        parents = known.units[:whole_ones][alive]  # still best first
        if len(parents) == 0:
            return batch.fill(rng)
        return breed(batch, self.space, rng, lambda: self._child(parents, rng))

    def _child(self, parents: Rows, rng: np.random.Generator) -> Rows:
        child = completed(_winner(parents, self._tournament, rng), rng)
        return mutated(child, _chosen(child, self._mutation, rng), self._spread, self.space, rng)


def _winner(parents: Rows, tournament: int, rng: np.random.Generator) -> Rows:
    """(slots,) the best of a few, drawn without replacement; rows come best first."""
    row: Rows = parents[rng.permutation(len(parents))[:tournament].min()]
    return row


def _chosen(row: Rows, expected: float, rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(slots,) which slots change: each by chance, at least one."""
    which = rng.random(len(row)) < expected / max(len(row), 1)
    if len(row):
        which[rng.integers(len(row))] |= not which.any()
    return which
