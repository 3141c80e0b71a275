"""Bayesian optimisation: fit a model to what is known, and try the place that promises most.

    targets      scores, without a long tail                     (`targets`)
    features     configurations as columns                       (`encoding`)
    model        Gaussian process, fitted anew from the history; as long as results are few, one drawn about the
                 likeliest, because they leave open what matters (`gaussian_process`)
    acquisition  expected improvement, by its logarithm          (`acquisition`)
    optimizer         its highest hill over numbers and choices       (`candidates`)

Running trials, and the earlier picks of a batch, take part as imagined results that equal the mean expected there: they
lower the doubt around them and so send the next pick elsewhere. What is to be improved on is the lowest *mean* at
a known place, because the lowest result is partly luck. With a long history most proposals know only the results near
the best, and stay near it (`region`); one in three, and judgements of the whole space, see a thinned history.
What a stopper takes for a probe is a random draw.

An earlier study can take part: its results are places at a distance, which the model learns like its other lengths.
If the two studies agree, the distance is short and much is known from the start; if they don't, it grows, and
the earlier results fade. Scores of both are standardize each by themselves, because their data may differ.

Nothing is kept between calls but the reading of the history: starts and draws are functions of the history and rng.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from paceline.errors import SettingsError, did_you_mean
from paceline.records import History, Params
from paceline.search.base import Calibration, Searcher
from paceline.search.history import EncodedHistory
from paceline.search.methods.variation import begin, completed
from paceline.search.options import check_float, check_int
from paceline.search.ranking import Observations, has_costs, observations
from paceline.search.stoppers.control_trials import CONTROL_EVERY
from paceline.search.surrogate.acquisition import (
    Acquisition,
    confidence_bound,
    log_expected_improvement,
    log_probability_of_improvement,
)
from paceline.search.surrogate.acquisition_optimizer import AcquisitionOptimizer, pool
from paceline.search.surrogate.encoding import Encoding
from paceline.search.surrogate.gaussian_process import MAX_FIT_ROWS, Posterior, fit, sample_posterior
from paceline.search.surrogate.one_core import one_core
from paceline.search.surrogate.scalarize import scalarize, suggest_scalarized
from paceline.search.surrogate.targets import all_finished, compress_tail, standardize, targets
from paceline.search.surrogate.trust_region import box, cube, nearest, size_after
from paceline.search.unique_batch import UniqueBatch
from paceline.space import Space

Rows = NDArray[np.float64]

ACQUISITIONS = ("logei", "pi", "ucb")

MAX_RESULTS = 300
"""Trials that the model knows at most: its cost grows with their cube."""

ROAMING = 1.0 / 3.0
"""Share of the proposals that see the whole space although the history is long: the best may not be in the region."""

MAX_EARLIER = 100
"""Results of an earlier study that the model knows at most."""

STARTUP, STARTUP_AFTER_EARLIER = 10, 5
"""Sobol points that begin a study; where an earlier one is known, its best run first and fewer are needed."""

LEADERS = 5
"""Places of the lowest mean whose neighbours are looked at."""

FIRST_PICK, LATER_PICKS = (5, 6), (1, 1)
"""(climbers, rounds) of a optimizer; later picks of a batch are cheaper, which showed in no figure but the time."""


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
        candidates: Sobol points that a optimizer begins from, beside the neighbours of the best.
        earlier: (configuration, loss) of an earlier search of the same kind, lower is better, on whatever scale;
            configurations outside the space are left out.

    Source: Jones et al. (1998), "Efficient global optimization"; Hvarfner et al. (2024), "Vanilla Bayesian
    optimization performs great in high dimensions", for the prior; Ginsbourger et al. (2010), "Kriging is
    well-suited to parallelize optimization", for batches; Swersky et al. (2013), "Multi-task Bayesian optimization",
    for earlier studies.
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
        self._earlier = _read(earlier, space)
        usual = STARTUP_AFTER_EARLIER if len(self._earlier) else STARTUP
        self._startup = check_int("startup", usual if startup is None else startup, 2)
        self._acquisition = _acquisition(acquisition, check_float("kappa", kappa, 0.0))
        self._candidates = check_int("candidates", candidates, 1)
        self._encoding = Encoding(space, studies=len(self._earlier) > 0)
        self._past = EncodedHistory(space)

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        stops = not all_finished(history.trials)
        if has_costs(history):
            return suggest_scalarized(lambda *mix: self._suggest(*mix, stops=stops), history, count, rng)
        return self._suggest(history, count, rng, stops=stops)

    def _suggest(self, history: History, count: int, rng: np.random.Generator, *, stops: bool) -> list[Params]:
        """Args: history: without costs; stops: whether trials are stopped early, which a mix of objectives hides."""
        fresh = UniqueBatch(self.space, self._past.known(history), count)
        begin(fresh, self.space, len(history), self._startup, self._seed)
        known = observations(history, self._past)
        enough = len(known) - known.broken >= 2 or len(self._earlier) > 1
        if enough and len(self.space.slots) > 0 and not fresh.full:
            with one_core():
                self._propose(fresh, history, known, rng, stops=stops)
        return fresh.fill(rng)

    def calibration(self, history: History) -> Calibration | None:
        """The model's own cross-validation, leaving one result out at a time; None for fewer than 3 results."""
        history = scalarize(history) if has_costs(history) else history
        known = observations(history, self._past)
        if len(known) - known.broken < 3 or len(self.space.slots) == 0:
            return None
        with one_core():
            rows, posterior = self._model(history, known)
            mean, sd = posterior.leave_one_out()
        judged = rows < len(known) - known.broken  # the targets of the broken are made up
        off = np.abs((posterior.targets - mean) / sd)[: len(rows)][judged]
        within = [float(np.mean(off <= ndtri(0.5 + share / 2.0))) for share in (0.5, 0.9)]
        return Calibration(int(judged.sum()), *within)

    def loo_means(self, history: History) -> dict[int, float]:
        """Position of a result in the history -> what the others let expect there: a target, of which less is better.

        Of more than 300 results the best 150 and some of the rest are there. {} for fewer than 3.
        """
        known = observations(history, self._past)
        if len(known) < 3 or len(self.space.slots) == 0:
            return {}
        with one_core():
            rows, posterior = self._model(history, known)
            means = posterior.leave_one_out()[0]
        return dict(zip(known.numbers[rows].tolist(), means.tolist(), strict=False))  # results of an earlier study last

    def outlook(self, history: History, rng: np.random.Generator) -> Outlook | None:
        """What one more trial can be expected to gain; None for fewer than 3 results, or if the space is used up."""
        known = observations(history, self._past)
        if len(known) - known.broken < 3 or len(self.space.slots) == 0:
            return None
        with one_core():
            optimizer = self._hunt(history, known, (), log_expected_improvement, rng, everywhere=True)
            found = optimizer.find(*FIRST_PICK)
        return Outlook(optimizer.gain(found[0]), float(np.sqrt(optimizer.noise))) if len(found) else None

    def _model(
        self, history: History, known: Observations, rows: NDArray[np.intp] | None = None,
        rng: np.random.Generator | None = None,
    ) -> tuple[NDArray[np.intp], Posterior]:  # fmt: skip
        """The rows of the observations that the model knows, and the model; results of an earlier study come last.

        Args: rng: the model is the likeliest one without it, and with it one of those that agree with few results.
        """
        rows = thinned(len(known), MAX_RESULTS) if rows is None else rows
        features = self._features(known.units[rows])
        goals = standardize(targets(history, known)[rows]) if len(rows) else np.zeros(0)
        if len(self._earlier):
            if len(known) == known.broken:  # nothing of this study's own says how bad a divergence is
                goals = np.full(len(rows), self._earlier.targets.max())
            then = self._encoding.elsewhere(self._features(self._earlier.units))
            features, goals = np.vstack([features, then]), np.append(goals, self._earlier.targets)
        parameters = fit(features, self._encoding.groups, goals)
        if rng is not None and len(goals) <= MAX_FIT_ROWS:
            parameters = sample_posterior(parameters, features, self._encoding.groups, goals, rng)
        return rows, Posterior.given(parameters, self._encoding.groups, features, goals)

    def _features(self, units: Rows) -> Rows:
        return self._encoding.features(self._encoding.snapped(units))

    def _propose(
        self, fresh: UniqueBatch, history: History, known: Observations, rng: np.random.Generator, *, stops: bool
    ) -> None:
        optimizer = self._hunt(history, known, fresh.points, self._acquisition, rng)
        effort = FIRST_PICK
        while not fresh.full:
            is_probe = stops and (len(history) + len(fresh.points)) % CONTROL_EVERY == 0
            if is_probe and fresh.offer(self.space.sample(rng)):  # or probes would be of one kind: what it likes
                continue
            found = optimizer.find(*effort)
            pick = next((row for row in found if fresh.offer(self.space.from_unit(row))), None)
            if pick is None:
                return
            optimizer.fantasize(pick)
            effort = LATER_PICKS

    def _hunt(
        self, history: History, known: Observations, points: Sequence[Params], acquisition: Acquisition,
        rng: np.random.Generator, *, everywhere: bool = False,
    ) -> AcquisitionOptimizer:  # fmt: skip
        """A optimizer in what is known, with the running trials and some points more as imagined results."""
        local = len(known) > MAX_RESULTS and not everywhere and rng.random() >= ROAMING
        rows = nearest(known.units, known.units[0], MAX_RESULTS) if local else None
        rows, posterior = self._model(history, known, rows, rng=None if everywhere else rng)
        units = np.vstack([known.units[rows], self._earlier.units])
        means = posterior.predict(self._features(units))[0]
        leaders = completed(units[np.argsort(means, kind="stable")[:LEADERS]], rng)
        begun = np.array([self.space.to_unit(point) for point in points])
        pending = np.vstack([known.pending, begun.reshape(len(points), len(self.space.slots))])
        for place in self._features(pending):
            posterior = posterior.extended(place)
        here = np.append(means[: len(rows)], posterior.targets[len(units) :])  # an imagined result is the mean there
        best = float(here.min() if len(here) else means.min())
        taken = self._encoding.snapped(np.vstack([known.units, pending]))
        ends = cube(len(self.space.slots))
        if local:
            in_time = np.argsort(
                known.numbers, kind="stable"
            )  # observations is sorted best first: a row is its ranking
            size = size_after(in_time[MAX_RESULTS:].astype(np.float64), len(ends))
            ends = box(self.space, known.units[0], size, self._encoding.lengths(posterior.parameters.lengths))
        places = pool(self.space, leaders, self._candidates, rng, ends)
        return AcquisitionOptimizer(self._encoding, posterior, acquisition, best, taken, places, ends)


@dataclass(frozen=True)
class Earlier:
    """Results of an earlier search.

    Attributes:
        units: (results, slots) rows of the unit cube, best first; NaN where inactive.
        targets: (results,) of mean 0 and variance 1.
    """

    units: Rows
    targets: Rows

    def __len__(self) -> int:
        return len(self.units)


def _read(earlier: Sequence[tuple[Params, float]], space: Space) -> Earlier:
    """What of an earlier search lies in the space; results that aren't finite count as its worst."""
    if not isinstance(earlier, Sequence) or not all(map(_is_result, earlier)):
        raise SettingsError(f"Option 'earlier' must be a list of pairs (configuration, loss), but got {earlier!r:.80}.")
    inside = [(params, float(loss)) for params, loss in earlier if space.contains(params)]
    losses = np.array([loss for _, loss in inside])
    finite = np.isfinite(losses)
    if not finite.any():
        return Earlier(np.zeros((0, len(space.slots))), np.zeros(0))
    losses = np.where(finite, losses, losses[finite].max())
    order = np.argsort(losses, kind="stable")
    order = order[thinned(len(order), MAX_EARLIER)]
    return Earlier(np.array([space.to_unit(inside[i][0]) for i in order]), standardize(compress_tail(losses[order])))


def _is_result(pair: object) -> bool:
    return isinstance(pair, Sequence) and len(pair) == 2 and isinstance(pair[0], Mapping) and isinstance(pair[1], Real)


def thinned(count: int, most: int) -> NDArray[np.intp]:
    """Places in a list of results, best first: all, or the best part and an even share of the rest."""
    if count <= most:
        return np.arange(count)
    half = most // 2
    return np.append(np.arange(half), np.linspace(half, count - 1, most - half).astype(np.intp))


def _acquisition(name: object, kappa: float) -> Acquisition:
    if name == "logei":
        return log_expected_improvement
    if name == "pi":
        return log_probability_of_improvement
    if name == "ucb":
        return confidence_bound(kappa)
    raise SettingsError(f"There is no acquisition {name!r}{did_you_mean(name, ACQUISITIONS)}")
