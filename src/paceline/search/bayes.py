"""Bayesian optimisation: fit a model to what is known, and try the place that promises most.

    targets      scores, evenly spread                           (`targets`)
    features     configurations as columns                       (`encoding`)
    model        Gaussian process, fitted anew from the history  (`gaussian_process`)
    acquisition  expected improvement, by its logarithm          (`acquisition`)
    hunt         its highest hill over numbers and choices       (`candidates`)

Running trials, and the earlier picks of a batch, take part as imagined results that equal the mean expected there: they
lower the doubt around them and so send the next pick elsewhere. What is to be improved on is the lowest *mean* at
a known place, because the lowest result is partly luck. A long history is thinned to its best part and an even
share of the rest, so that a proposal stays quick.

Nothing is kept between calls but the reading of the history: starts and draws are functions of the history and rng.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from paceline.errors import SettingsError, did_you_mean
from paceline.records import History, Params
from paceline.search.acquisition import (
    Acquisition,
    confidence_bound,
    log_expected_improvement,
    log_probability_of_improvement,
)
from paceline.search.base import Searcher
from paceline.search.candidates import Hunt, pool
from paceline.search.encoding import Encoding
from paceline.search.fresh import Fresh
from paceline.search.gaussian_process import Posterior, fit
from paceline.search.one_core import one_core
from paceline.search.options import number, whole
from paceline.search.past import Past
from paceline.search.standing import Evidence, evidence
from paceline.search.targets import standardised, targets
from paceline.search.variation import begin, completed
from paceline.space import Space

Rows = NDArray[np.float64]

ACQUISITIONS = ("logei", "pi", "ucb")

MOST = 300
"""Trials that the model knows at most: its cost grows with their cube."""

LEADERS = 5
"""Places of the lowest mean whose neighbours are looked at."""

FIRST_PICK, LATER_PICKS = (5, 6), (1, 1)
"""(climbers, rounds) of a hunt; later picks of a batch are cheaper, which showed in no figure but the time."""


@dataclass(frozen=True)
class Calibration:
    """How often results fell into the intervals that the model gave them, each foretold from all others.

    Attributes:
        trials: results that were foretold.
        within_50: share of them in the middle interval of 50 %; about 0.5 for an honest model.
        within_90: the same of 90 %.
    """

    trials: int
    within_50: float
    within_90: float


class Bayes(Searcher):
    """Gaussian process and expected improvement.

    Args:
        startup: so many Sobol points begin the study.
        acquisition: "logei" expected improvement, "pi" probability of improvement, "ucb" confidence bound.
        kappa: standard deviations of the confidence bound.
        candidates: Sobol points that a hunt begins from, beside the neighbours of the best.

    Source: Jones et al. (1998), "Efficient global optimization"; Hvarfner et al. (2024), "Vanilla Bayesian
    optimization performs great in high dimensions", for the prior; Ginsbourger et al. (2010), "Kriging is
    well-suited to parallelize optimization", for batches.
    """

    slow = True

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        startup: int = 10,
        acquisition: str = "logei",
        kappa: float = 2.0,
        candidates: int = 512,
    ) -> None:
        self.space = space
        self._seed = seed
        self._startup = whole("startup", startup, 2)
        self._acquisition = _acquisition(acquisition, number("kappa", kappa, 0.0))
        self._candidates = whole("candidates", candidates, 1)
        self._encoding = Encoding(space)
        self._past = Past(space)

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        fresh = Fresh(self.space, self._past.known(history), count)
        begin(fresh, self.space, len(history), self._startup, self._seed)
        known = evidence(history, self._past)
        if len(known) - known.broken >= 2 and len(self.space.slots) > 0 and not fresh.full:
            with one_core():
                self._propose(fresh, history, known, rng)
        return fresh.fill(rng)

    def calibration(self, history: History) -> Calibration | None:
        """The model's own cross-validation, leaving one result out at a time; None for fewer than 3 results."""
        known = evidence(history, self._past)
        if len(known) - known.broken < 3 or len(self.space.slots) == 0:
            return None
        with one_core():
            rows, posterior = self._model(history, known)
            mean, sd = posterior.left_out()
        judged = rows < len(known) - known.broken  # the targets of the broken are made up
        off = np.abs((posterior.targets - mean) / sd)[judged]
        within = [float(np.mean(off <= ndtri(0.5 + share / 2.0))) for share in (0.5, 0.9)]
        return Calibration(int(judged.sum()), *within)

    def _model(self, history: History, known: Evidence) -> tuple[NDArray[np.intp], Posterior]:
        """The rows of the evidence that the model knows, and the model."""
        rows = np.arange(len(known))
        if len(known) > MOST:
            half = MOST // 2
            rest = np.linspace(half, len(known) - 1, MOST - half).astype(np.intp)
            rows = np.concatenate([rows[:half], rest])
        features = self._features(known.units[rows])
        goals = standardised(targets(history, known)[rows])
        hyper = fit(features, self._encoding.groups, goals)
        return rows, Posterior.given(hyper, self._encoding.groups, features, goals)

    def _features(self, units: Rows) -> Rows:
        return self._encoding.features(self._encoding.snapped(units))

    def _propose(self, fresh: Fresh, history: History, known: Evidence, rng: np.random.Generator) -> None:
        rows, posterior = self._model(history, known)
        means = posterior.predict(posterior.features)[0]
        leaders = completed(known.units[rows[np.argsort(means, kind="stable")[:LEADERS]]], rng)
        begun = np.array([self.space.to_unit(point) for point in fresh.points])
        pending = np.vstack([known.pending, begun.reshape(len(fresh.points), len(self.space.slots))])
        for place in self._features(pending):
            posterior = posterior.extended(place)
        taken = self._encoding.snapped(np.vstack([known.units, pending]))
        places = pool(self.space, leaders, self._candidates, rng)
        hunt = Hunt(self._encoding, posterior, self._acquisition, taken, places)
        effort = FIRST_PICK
        while not fresh.full:
            found = hunt.find(*effort)
            pick = next((row for row in found if fresh.offer(self.space.from_unit(row))), None)
            if pick is None:
                return
            hunt.imagine(pick)
            effort = LATER_PICKS


def _acquisition(name: object, kappa: float) -> Acquisition:
    if name == "logei":
        return log_expected_improvement
    if name == "pi":
        return log_probability_of_improvement
    if name == "ucb":
        return confidence_bound(kappa)
    raise SettingsError(f"There is no acquisition {name!r}{did_you_mean(name, ACQUISITIONS)}")
