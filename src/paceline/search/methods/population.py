"""Population based training: trials that do badly give way to copies of good ones, weights and all.

    every `interval` epochs:  the worst fifth of the population ends; each place goes to a copy of one of the best fifth
                              (weights, optimiser state, epoch), whose numbers are moved a little or drawn anew

A member that survives stays the same trial; a copy is a new trial that begins where its parent stands. So the outcome
is a schedule: the settings along the line of parents of the best trial. Choices (optimiser, activation, ...) and
everything that is part of a program's shape are inherited, so a copy is a copy of arrays and nothing is compiled.

The method proposes and stops, so it has two faces: the searcher draws the first members, its `stopper` does the rest.
"""

import math
from collections.abc import Collection, Iterator

import numpy as np

from paceline.errors import SettingsError
from paceline.records import History, Params, Trial
from paceline.search.base import Clone, Cohort, Decision, Searcher, Stopper
from paceline.search.history import EncodedHistory
from paceline.search.methods.variation import begin, completed, reflected
from paceline.search.options import check_float, check_int
from paceline.search.stoppers.rungs import members
from paceline.search.unique_batch import UniqueBatch
from paceline.seeds import generator
from paceline.space import Space


class Population(Searcher):
    """Population based training.

    Args:
        size: members trained side by side; fewer if the study's trials don't suffice.
        interval: epochs between successions; default a tenth of the training.
        share: of the members, so many give way and so many are copied.
        resample: probability that a number of a copy is drawn anew from its range.
        spread: standard deviation of the step of the other numbers, on the parameter's scale mapped to [0, 1].

    Source: Jaderberg et al. (2017), "Population based training of neural networks".
    """

    single_objective = True
    draws_freely = False  # copies inherit the shapes of the first members, so these must have all kinds
    no_stopper = "method 'population' ends trials itself"

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        size: int = 20,
        interval: int | None = None,
        share: float = 0.2,
        resample: float = 0.1,
        spread: float = 0.08,
    ) -> None:
        self.space = space
        self.seed = seed
        self.size = check_int("size", size, 2)
        self.interval = None if interval is None else check_int("interval", interval, 1)
        self.share = check_float("share", share, 0.0, 0.5, open_low=True)
        self.resample = check_float("resample", resample, 0.0, 1.0)
        self.spread = check_float("spread", spread, 0.0, open_low=True)
        self._encoded = EncodedHistory(space)

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        """First members: Sobol points for the first population, random draws for later ones."""
        batch = UniqueBatch(self.space, self._encoded.known(history), count)
        begin(batch, self.space, len(history), self.size, self.seed)
        return batch.fill(rng)

    def stopper(self, epochs: int, inherited: Collection[str] = ()) -> "Succession":
        """What ends members and has others succeed them.

        Args:
            epochs: of a whole training.
            inherited: parameters that a copy may not change, besides all choices.

        Raises:
            SettingsError: the interval isn't shorter than the training.
        """
        return Succession(self, epochs, inherited)


class Succession(Stopper):
    """The stopper's face of `Population`."""

    in_flight = 1  # the next population begins when all of this one has ended, so that clones are numbered in order

    def __init__(self, population: Population, epochs: int, inherited: Collection[str]) -> None:
        interval = population.interval or max(1, epochs // 10)
        if interval >= epochs:
            raise SettingsError(f"`interval < epochs` must hold, but got {interval=}, {epochs=}.")
        self._population, self._space = population, population.space
        self._rungs = (*range(interval, epochs, interval), epochs)
        self._moved = np.array(
            [slot.is_numeric and slot.name not in inherited for slot in self._space.slots], dtype=bool
        )

    def cohorts(self, trials: int | None, epochs: int) -> Iterator[Cohort]:
        """Populations, one after the other; clones count against `trials` too."""
        left, index = trials, 0
        while left is None or left > 0:
            size = self._population.size if left is None else min(self._population.size, self._affordable(left))
            yield Cohort(index, size, self._rungs, label=f"population {index}")
            index += 1
            left = None if left is None else left - size - self._changing(size) * (len(self._rungs) - 1)

    def decide(self, history: History, cohort: Cohort, epoch: int) -> Decision:
        alive = [trial for trial in members(history, cohort) if not trial.ended]
        order = sorted(alive, key=lambda trial: (now(trial, epoch, history.goal), trial.number))
        changing = self._changing(cohort.size)
        places = cohort.size - len(order)  # of members that have diverged or failed
        worst = order[len(order) - min(max(changing - places, 0), len(order) - 1) :] if len(order) > 1 else []
        parents = [trial for trial in order[: max(changing, 1)] if math.isfinite(now(trial, epoch, history.goal))]
        if not parents:
            return Decision()
        rng = generator(self._population.seed, "births", cohort.number, epoch)
        clones = []
        for _ in range(min(changing, places + len(worst))):
            parent = parents[int(rng.integers(len(parents)))]
            clones.append(Clone(parent.number, self._copy(parent, rng)))
        reasons = {
            trial.number: f"gave way at epoch {epoch} to a copy of a better member" for trial in worst[: len(clones)]
        }
        return Decision(reasons, tuple(clones))

    def _changing(self, size: int) -> int:
        return max(1, int(self._population.share * size)) if size > 1 else 0

    def _affordable(self, trials: int) -> int:
        """The largest population whose clones, too, are among so many trials."""
        later = len(self._rungs) - 1
        return next(size for size in range(trials, 0, -1) if size + later * self._changing(size) <= trials or size == 1)

    def _copy(self, parent: Trial, rng: np.random.Generator) -> Params:
        """A parent's settings with its numbers moved or drawn anew."""
        row = completed(self._space.to_unit(parent.params), rng)
        step = rng.normal(0.0, self._population.spread, len(row))
        anew, draws = rng.random(len(row)) < self._population.resample, rng.random(len(row))
        moved = np.where(anew, draws, [reflected(value) for value in row + step])
        return self._space.from_unit(np.where(self._moved, moved, row))


def now(trial: Trial, epoch: int, goal: str) -> float:
    """A member's metric after an epoch, turned so that lower is better; inf where it isn't finite."""
    value = trial.curve[epoch - 1] if len(trial.curve) >= epoch else math.nan
    sign = -1.0 if goal == "maximize" else 1.0
    return sign * value if math.isfinite(value) else math.inf
