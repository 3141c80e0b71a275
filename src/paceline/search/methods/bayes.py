"""Bayesian optimisation: fit a model of the score to the results so far, and try the configuration that promises most.

    first       a few Sobol points
    y           scores of mean 0 and variance 1, the bad tail compressed             (`targets`)
    x           configurations as columns of numbers                                 (`encoding`)
    model       Gaussian process of y at x, fitted anew from the history             (`score_model`)
    pending     running trials and earlier picks of the batch join the model as fantasies: results equal to its mean
    best        the lowest *mean* at a tried place; the lowest result is partly luck
    next        argmax of log expected improvement on `best`, over the whole space   (`acquisition_optimizer`)

With several objectives each part of a batch minimises another weighted mix of them (`scalarize`). An earlier study
can take part in the model (`earlier`). Nothing is kept between calls but the reading of the history: starts of the
search for the argmax are functions of the history and rng.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paceline.errors import SettingsError, did_you_mean
from paceline.records import History, Params
from paceline.search.base import Calibration, Searcher
from paceline.search.methods.variation import begin, completed
from paceline.search.options import check_float, check_int
from paceline.search.ranking import Observations, has_costs
from paceline.search.surrogate.acquisition import (
    Acquisition,
    confidence_bound,
    log_expected_improvement,
    log_probability_of_improvement,
)
from paceline.search.surrogate.acquisition_optimizer import AcquisitionOptimizer, initial_candidates
from paceline.search.surrogate.one_core import one_core
from paceline.search.surrogate.scalarize import suggest_scalarized
from paceline.search.surrogate.score_model import MIN_RESULTS, ScoreModel
from paceline.search.unique_batch import UniqueBatch
from paceline.space import Space

ACQUISITIONS = ("logei", "pi", "ucb")

STARTUP, STARTUP_AFTER_EARLIER = 10, 5
"""Sobol points that begin a study; where an earlier one is known, its best run first and fewer are needed."""

LEADERS = 5
"""Places of the lowest mean whose neighbours are looked at."""

FIRST_PICK, LATER_PICKS = (5, 6), (1, 1)
"""(starts, rounds) of the search for the argmax; later picks of a batch are cheaper, which showed in no figure but the
time."""


@dataclass(frozen=True)
class Outlook:
    """Whether going on is worth it; both in units of the targets, whose variance is 1.

    Attributes:
        gain: the largest expected improvement of a single trial, anywhere in the space.
        noise: standard deviation of one result about what is expected there: what another seed changes.
    """

    gain: float
    noise: float


class Bayes(Searcher):
    """Gaussian process and expected improvement.

    Args:
        startup: so many Sobol points begin the study; 10 by default, or 5 with `earlier`.
        acquisition: "logei" expected improvement, "pi" probability of improvement, "ucb" confidence bound.
        kappa: standard deviations of the confidence bound.
        candidates: Sobol points that the search for the argmax begins from, beside the neighbours of the best.
        earlier: (configuration, loss) of an earlier search of the same kind, lower is better, on whatever scale;
            configurations outside the space are left out.

    Source: Jones et al. (1998), "Efficient global optimization"; Hvarfner et al. (2024), "Vanilla Bayesian
    optimization performs great in high dimensions", for the prior; Ginsbourger et al. (2010), "Kriging is
    well-suited to parallelize optimization", for batches.
    """

    slow = True
    learns_from_earlier = True
    begins_with_usual = True

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        startup: int | None = None,
        acquisition: str = "logei",
        kappa: float = 2.0,
        candidates: int = 512,
        earlier: Sequence[tuple[Params, float]] = (),
    ) -> None:
        self.space = space
        self._seed = seed
        self._model = ScoreModel(space, earlier)
        usual = STARTUP_AFTER_EARLIER if len(self._model.earlier) else STARTUP
        self._startup = check_int("startup", usual if startup is None else startup, 2)
        self._acquisition = _acquisition(acquisition, check_float("kappa", kappa, 0.0))
        self._candidates = check_int("candidates", candidates, 1)

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        if has_costs(history):
            return suggest_scalarized(self._suggest, history, count, rng)
        return self._suggest(history, count, rng)

    def _suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        """As `suggest`, of a history without costs."""
        batch = UniqueBatch(self.space, self._model.history.known(history), count)
        begin(batch, self.space, len(history), self._startup, self._seed)
        known = self._model.observations(history)
        enough = len(known) - known.broken >= 2 or len(self._model.earlier) > 1
        if enough and len(self.space.slots) > 0 and not batch.full:
            with one_core():
                self._propose(batch, history, known, rng)
        return batch.fill(rng)

    def _propose(self, batch: UniqueBatch, history: History, known: Observations, rng: np.random.Generator) -> None:
        """Fill the batch with one argmax after the other, as long as there is a new one."""
        optimizer = self._optimizer(history, known, batch.points, self._acquisition, rng)
        effort = FIRST_PICK
        while not batch.full:
            found = optimizer.maximize(*effort)
            pick = next((row for row in found if batch.offer(self.space.from_unit(row))), None)
            if pick is None:
                return
            optimizer.fantasize(pick)
            effort = LATER_PICKS

    def _optimizer(
        self,
        history: History,
        known: Observations,
        points: Sequence[Params],
        acquisition: Acquisition,
        rng: np.random.Generator,
    ) -> AcquisitionOptimizer:
        """The acquisition over the space, by a model with the running trials and some points more as fantasies."""
        model = self._model
        rows, posterior = model.fit(history, known)
        units = np.vstack([known.units[rows], model.earlier.units])
        means = posterior.predict(model.features(units))[0]
        leaders = completed(units[np.argsort(means, kind="stable")[:LEADERS]], rng)
        begun = np.array([self.space.to_unit(point) for point in points])
        pending = np.vstack([known.pending, begun.reshape(len(points), len(self.space.slots))])
        for place in model.features(pending):
            posterior = posterior.extended(place)
        here = np.append(means[: len(rows)], posterior.targets[len(units) :])  # a fantasy is the mean at its place
        best = float(here.min() if len(here) else means.min())
        tried = model.encoding.snapped(np.vstack([known.units, pending]))
        candidates = initial_candidates(self.space, leaders, self._candidates, rng)
        return AcquisitionOptimizer(model.encoding, posterior, acquisition, best, tried, candidates)

    def outlook(self, history: History, rng: np.random.Generator) -> Outlook | None:
        """What one more trial can be expected to gain; None for fewer than 3 results, or if the space is used up."""
        known = self._model.observations(history)
        if len(known) - known.broken < MIN_RESULTS or len(self.space.slots) == 0:
            return None
        with one_core():
            optimizer = self._optimizer(history, known, (), log_expected_improvement, rng)
            found = optimizer.maximize(*FIRST_PICK)
        if len(found) == 0:
            return None
        return Outlook(optimizer.expected_improvement(found[0]), float(np.sqrt(optimizer.noise)))

    def calibration(self, history: History) -> Calibration | None:
        return self._model.calibration(history)


def _acquisition(name: object, kappa: float) -> Acquisition:
    if name == "logei":
        return log_expected_improvement
    if name == "pi":
        return log_probability_of_improvement
    if name == "ucb":
        return confidence_bound(kappa)
    raise SettingsError(f"There is no acquisition {name!r}{did_you_mean(name, ACQUISITIONS)}")
