"""TPE: propose where good trials are dense and the others aren't.

    l(x)    Parzen density of the best share of trials
    g(x)    of the others, and of the running ones ("constant liar": as if they turned out bad)
    next    of many draws from l, the one with the highest log l(x) - log g(x)

Expected improvement grows with that ratio. Densities are over whole configurations (multivariate), so two
parameters that are good only together are found; how conditional parameters take part is explained in `parzen`.
Trials of unlike length are ordered by `ranking`, and diverged ones belong to g.
"""

import math

import numpy as np

from paceline.records import History, Params
from paceline.search.base import Searcher
from paceline.search.history import EncodedHistory
from paceline.search.methods.variation import begin
from paceline.search.options import check_float, check_int
from paceline.search.ranking import Observations, observations
from paceline.search.surrogate.parzen import Parzen
from paceline.search.unique_batch import UniqueBatch
from paceline.space import Space

MAX_GOOD = 25
"""l is made of at most so many trials: in a long study only the very best should attract."""


class Tpe(Searcher):
    """Multivariate tree-structured Parzen estimator.

    Args:
        startup: so many Sobol points begin the study.
        candidates: draws that a proposal is chosen from (a quarter as many more for each further one of a batch).
        good: share of trials that l is made of.
        width: standard deviation of a kernel on [0, 1] when there is one; more are narrower.

    Source: Bergstra et al. (2011), "Algorithms for hyper-parameter optimization"; Falkner et al. (2018), "BOHB", for
    the multivariate form; Watanabe (2023), "Tree-structured Parzen estimator", for bandwidths.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        startup: int = 10,
        candidates: int = 64,
        good: float = 0.2,
        width: float = 0.15,
    ) -> None:
        self.space = space
        self._seed = seed
        self._startup = check_int("startup", startup, 2)
        self._candidates = check_int("candidates", candidates, 1)
        self._good = check_float("good", good, 0.0, 1.0, open_low=True)
        self._width = check_float("width", width, 0.0, open_low=True)
        self._encoded = EncodedHistory(space)

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        batch = UniqueBatch(self.space, self._encoded.known(history), count)
        begin(batch, self.space, len(history), self._startup, self._seed)
        known = observations(history, self._encoded)
        if len(known) - known.broken >= 2 and not batch.full:
            self._propose(batch, known, rng)
        return batch.fill(rng)

    def _propose(self, batch: UniqueBatch, known: Observations, rng: np.random.Generator) -> None:
        few = min(math.ceil(self._good * len(known)), MAX_GOOD, len(known) - known.broken)
        good = Parzen(known.units[:few], self.space.slots, self._width)
        others = np.vstack([known.units[few:], known.pending])
        bad = Parzen(others, self.space.slots, self._width)

        draws = good.sample(self._candidates + self._candidates * (batch.missing - 1) // 4, rng)
        points = [self.space.from_unit(row) for row in draws]
        rows = np.array([self.space.to_unit(point) for point in points])
        gain, loss = good.log_density(rows), bad.log_density(rows)
        for taken in range(len(points)):
            if batch.full:
                return
            pick = int(np.argmax(gain - loss))
            if batch.offer(points[pick]):  # it is pending now, as one more kernel of g
                lie = bad.log_kernels(rows, rows[pick : pick + 1])[:, 0]
                loss = np.logaddexp(loss, lie - math.log(len(others) + taken + 1))
            gain[pick] = -np.inf
