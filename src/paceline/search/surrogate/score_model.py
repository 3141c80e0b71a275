"""A Gaussian process of the scores in a history: fitted anew from it, and what it says about the trials it knows.

    model = ScoreModel(space)
    rows, posterior = model.fit(history, model.observations(history))
    model.loo_means(history)       each result predicted from all others
    model.calibration(history)     how often results lie in the intervals predicted for them

Nothing is kept between calls but the reading of the history, so equal histories have equal models.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from paceline.records import History, Params
from paceline.search.base import Calibration
from paceline.search.history import EncodedHistory
from paceline.search.ranking import Observations, has_costs, observations
from paceline.search.surrogate.earlier import earlier_results, thinned
from paceline.search.surrogate.encoding import Encoding
from paceline.search.surrogate.gaussian_process import Posterior, fit
from paceline.search.surrogate.one_core import one_core
from paceline.search.surrogate.scalarize import scalarize
from paceline.search.surrogate.targets import standardize, targets
from paceline.space import Space

Rows = NDArray[np.float64]

MAX_RESULTS = 300
"""Trials that the model knows at most: its cost grows with their cube."""

MIN_RESULTS = 3
"""Results that a statement about the model takes."""


class ScoreModel:
    """The model of one space.

    Args:
        earlier: (configuration, loss) pairs of an earlier search; see `earlier`.

    Attributes:
        space: see above; encoding: how its configurations become columns.
        earlier: the earlier results that lie in the space.
        history: the reader of histories.
    """

    def __init__(self, space: Space, earlier: Sequence[tuple[Params, float]] = ()) -> None:
        self.space = space
        self.earlier = earlier_results(earlier, space)
        self.encoding = Encoding(space, studies=len(self.earlier) > 0)
        self.history = EncodedHistory(space)

    def observations(self, history: History) -> Observations:
        """The trials of a history that the model can learn from."""
        return observations(history, self.history)

    def features(self, units: Rows) -> Rows:
        """(rows, columns) of (rows, slots) in the unit cube."""
        return self.encoding.features(self.encoding.snapped(units))

    def fit(self, history: History, known: Observations) -> tuple[NDArray[np.intp], Posterior]:
        """The rows of the observations that the model knows, and the model; results of an earlier study come last.

        Of a long history it knows the better half of `MAX_RESULTS`, and an even share of the rest.
        """
        rows = thinned(len(known), MAX_RESULTS)
        features = self.features(known.units[rows])
        goals = standardize(targets(history, known)[rows]) if len(rows) else np.zeros(0)
        if len(self.earlier):
            if len(known) == known.broken:  # nothing of this study's own says how bad a divergence is
                goals = np.full(len(rows), self.earlier.targets.max())
            then = self.encoding.elsewhere(self.features(self.earlier.units))
            features, goals = np.vstack([features, then]), np.append(goals, self.earlier.targets)
        groups = self.encoding.groups
        return rows, Posterior.given(fit(features, groups, goals), groups, features, goals)

    def loo_means(self, history: History) -> dict[int, float]:
        """Position of a result in the history -> its mean by leave-one-out: a target, of which less is better.

        Of more than 300 results the best 150 and some of the rest are there. {} for fewer than 3.
        """
        known = self.observations(history)
        if len(known) < MIN_RESULTS or len(self.space.slots) == 0:
            return {}
        with one_core():
            rows, posterior = self.fit(history, known)
            means = posterior.leave_one_out()[0]
        return dict(zip(known.numbers[rows].tolist(), means.tolist(), strict=False))  # results of an earlier study last

    def calibration(self, history: History) -> Calibration | None:
        """The model's own cross-validation, leaving one result out at a time; None for fewer than 3 results."""
        history = scalarize(history) if has_costs(history) else history
        known = self.observations(history)
        if len(known) - known.broken < MIN_RESULTS or len(self.space.slots) == 0:
            return None
        with one_core():
            rows, posterior = self.fit(history, known)
            mean, sd = posterior.leave_one_out()
        judged = rows < len(known) - known.broken  # the targets of the broken are made up
        off = np.abs((posterior.targets - mean) / sd)[: len(rows)][judged]
        within = [float(np.mean(off <= ndtri(0.5 + share / 2.0))) for share in (0.5, 0.9)]
        return Calibration(int(judged.sum()), *within)
