"""`bayes`: the contract, what it finds, its batches, its encodings and its targets."""

import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from mixed_problem import MIXED, mixed_loss

from paceline.errors import SettingsError
from paceline.records import History, Params, Status, Trial
from paceline.search import make_searcher, make_stopper
from paceline.search.history import EncodedHistory
from paceline.search.methods.bayes import Bayes, Calibration
from paceline.search.ranking import observations
from paceline.search.surrogate.acquisition import log_expected_improvement
from paceline.search.surrogate.acquisition_optimizer import AcquisitionOptimizer, initial_candidates
from paceline.search.surrogate.encoding import Encoding
from paceline.search.surrogate.gaussian_process import Posterior, fit
from paceline.search.surrogate.score_model import ScoreModel
from paceline.search.surrogate.targets import compress_tail, normal_scores, standardize, targets
from paceline.seeds import generator
from paceline.space import Float, Int, Space
from paceline.testing import SPACES, SearcherContract, race

pytestmark = pytest.mark.compiles


class TestBayes(SearcherContract):
    make = staticmethod(lambda space: make_searcher("bayes", space, seed=0, startup=6, candidates=64))


def told(space: Space, count: int, seed: int = 0) -> History:
    """A history of random points of the mixed space."""
    rng = np.random.default_rng(seed)
    points = [space.sample(rng) for _ in range(count)]
    return History(
        tuple(Trial(i, p, 0, status=Status.FINISHED, score=mixed_loss(p)) for i, p in enumerate(points)),
    )


def study(method: str, trials: int, seed: int, batch: int = 1) -> list[float]:
    searcher = make_searcher(method, MIXED, seed=seed)
    done: list[Trial] = []
    while len(done) < trials:
        for point in searcher.suggest(History(tuple(done)), batch, np.random.default_rng([seed, len(done)])):
            done.append(Trial(len(done), point, 0, status=Status.FINISHED, score=mixed_loss(point)))
    return [float(t.score or 0.0) for t in done]


# What it finds


def test_it_beats_the_density_method_and_draws() -> None:
    """Mean of the logarithm of the best of 40, 3 seeds."""

    def mean_log(method: str) -> float:
        return float(np.mean([math.log(min(study(method, 40, seed))) for seed in range(3)]))

    ours = mean_log("bayes")
    assert ours < mean_log("tpe") - math.log(2.0)
    assert ours < mean_log("random") - math.log(10.0)


def test_batches_cost_little_quality() -> None:
    """Eight at a time, the best of 48 is still far better than the best of 48 draws."""
    assert min(study("bayes", 48, 0, batch=8)) < 0.25 * min(study("random", 48, 0))


@pytest.mark.parametrize("acquisition", ["logei", "pi", "ucb"])
def test_every_acquisition_returns_to_a_good_region(acquisition: str) -> None:
    searcher = make_searcher("bayes", MIXED, seed=0, acquisition=acquisition)
    history = told(MIXED, 60)
    found = [mixed_loss(p) for p in searcher.suggest(history, 4, np.random.default_rng(0))]
    assert np.median(found) < np.quantile(history.losses(), 0.05)


def test_a_batch_is_spread() -> None:
    """Eight picks lie much further apart than the first picks of eight calls, which all climb the same hill."""
    space = SPACES["numbers"]()
    rng = np.random.default_rng(0)
    points = [space.sample(rng) for _ in range(15)]
    loss = [p["x"] ** 2 + (math.log10(p["rate"]) + 3.0) ** 2 + 0.2 * rng.normal() for p in points]
    history = History(
        tuple(
            Trial(i, p, 0, status=Status.FINISHED, score=s) for i, (p, s) in enumerate(zip(points, loss, strict=True))
        )
    )
    searcher = make_searcher("bayes", space, seed=0)

    def apart(picks: list[Params]) -> float:
        units = np.array([space.to_unit(p) for p in picks])
        return float(np.median(np.linalg.norm(units[:, None] - units[None, :], axis=2)[np.triu_indices(8, 1)]))

    single = [searcher.suggest(history, 1, np.random.default_rng(i))[0] for i in range(8)]
    assert apart(searcher.suggest(history, 8, rng)) > 3.0 * apart(single)


def test_running_trials_are_kept_away_from() -> None:
    space = Space({"x": {"low": 0.0, "high": 1.0}})
    scores = {0.0: 0.3, 0.2: 0.05, 0.35: 0.08, 0.5: -0.02, 0.65: 0.06, 0.8: 0.08, 1.0: 0.27}
    done = tuple(Trial(i, {"x": x}, 0, status=Status.FINISHED, score=s) for i, (x, s) in enumerate(scores.items()))
    searcher = make_searcher("bayes", space, seed=0, startup=2)
    free = searcher.suggest(History(done), 1, np.random.default_rng(0))[0]["x"]
    again = searcher.suggest(History(done), 1, np.random.default_rng(1))[0]["x"]
    busy = History((*done, Trial(7, {"x": free}, 0)))
    away = searcher.suggest(busy, 1, np.random.default_rng(1))[0]["x"]
    assert abs(again - free) < 0.01 < 0.02 < abs(away - free)  # other draws of the lengths move it a little


# Its parts


def test_a_hunt_finds_the_highest_hill_of_a_grid() -> None:
    """Against judging every point."""
    space = Space({"a": {"choices": list(range(10))}, "b": {"low": 1, "high": 8}, "c": ["p", "q", "r"]})
    encoding = Encoding(space)
    points = list(space.grid(1))
    units = np.array([space.to_unit(p) for p in points])
    rng = np.random.default_rng(0)
    some = rng.permutation(len(points))[:25]
    loss = np.array([(p["a"] - 6) ** 2 / 20 + (p["b"] - 3) ** 2 / 10 + (p["c"] != "q") for p in points])
    features = encoding.features(encoding.snapped(units))
    goals = standardize(loss[some])
    posterior = Posterior.given(fit(features[some], encoding.groups, goals), encoding.groups, features[some], goals)
    best = float(posterior.predict(features[some])[0].min())
    worth = log_expected_improvement(*posterior.predict(features), best)[0]
    worth[some] = -np.inf
    known = encoding.snapped(units[some])
    optimizer = AcquisitionOptimizer(encoding, posterior, log_expected_improvement, best, known, rng.random((5, 3)))
    found = space.from_unit(optimizer.maximize(5, 12)[0])
    assert worth[points.index(found)] == worth.max()


def test_a_hunt_over_numbers_ends_on_a_peak() -> None:
    space = SPACES["numbers"]()
    encoding = Encoding(space)
    rng = np.random.default_rng(1)
    units = rng.random((20, 2))
    goals = standardize(np.sum((units - 0.4) ** 2, axis=1))
    posterior = Posterior.given(fit(units, encoding.groups, goals), encoding.groups, units, goals)
    best = float(posterior.predict(units)[0].min())
    fine = np.stack(np.meshgrid(np.linspace(0, 1, 301), np.linspace(0, 1, 301)), axis=-1).reshape(-1, 2)
    highest = log_expected_improvement(*posterior.predict(fine), best)[0].max()
    places = initial_candidates(space, units[:5], 64, rng)
    optimizer = AcquisitionOptimizer(encoding, posterior, log_expected_improvement, best, units, places)
    row = optimizer.maximize(5, 6)[:1]
    assert log_expected_improvement(*posterior.predict(row), best)[0][0] >= highest - 1e-3


@pytest.mark.parametrize("name", [*SPACES, "lattices"])
def test_encoding_tells_points_apart_as_the_space_does(name: str) -> None:
    """Snapping, activity and decoding agree with the space's own, point by point."""
    lattices = Space(
        {
            "layers": {"choices": [1, 3]},
            "width": {"low": 1, "high": 5000, "scale": "log"},
            "step": Float(0.1, 0.9, step=0.1),
            "log": Int(1, 40, scale="log"),
            "deep": {"low": 0.0, "high": 1.0, "per": "layers", "when": {"width": [7, 8, 9]}},
            "fixed": {"value": 2, "when": {"log": [1, 2, 3, 4]}},
            "last": {"choices": ["a", "b"], "when": {"fixed": [2]}},
        }
    )
    space = lattices if name == "lattices" else SPACES[name]()
    encoding = Encoding(space)
    rng = np.random.default_rng(0)
    rows = rng.random((300, len(space.slots)))
    if name == "lattices":
        rows[:, 1] = rng.uniform(0.2, 0.3, 300)
    snapped = encoding.snapped(rows)
    points = [space.from_unit(row) for row in snapped]
    own = np.array([space.to_unit(p) for p in points])
    listed = list(encoding.cells)
    assert np.array_equal(snapped[:, listed], own[:, listed], equal_nan=True)
    assert np.array_equal(np.isnan(snapped), np.isnan(own))
    assert np.array_equal(encoding.snapped(own), own, equal_nan=True)
    features = encoding.features(encoding.snapped(own))
    assert encoding.features(encoding.snapped(own[:0])).shape == (0, features.shape[1])
    keys = [space.key(p) for p in points]
    for i, j in rng.integers(300, size=(500, 2)):
        assert (keys[i] == keys[j]) == np.array_equal(features[i], features[j])


def test_what_a_choice_and_an_inactive_slot_become() -> None:
    encoding = Encoding(MIXED)
    units = np.array([MIXED.to_unit({"x": 0.2, "rate": 1e-5, "n": 9, "kind": kind, **bent}) for kind, bent in (
        ("b", {"bent": 0.25}), ("c", {}))])  # fmt: skip
    features = encoding.features(units)
    hot = 1.0 / math.sqrt(2.0)
    assert features[0] == pytest.approx([0.2, 0.0, 1.0, 0.0, hot, 0.0, 0.0, 0.25, 1.0])
    assert features[1] == pytest.approx([0.2, 0.0, 1.0, 0.0, 0.0, hot, 0.0, 0.5, 0.0])
    assert encoding.groups.tolist() == [0, 1, 2, 3, 3, 3, 3, 4, 5]


def test_only_the_bad_tail_is_bent() -> None:
    rng = np.random.default_rng(0)
    for scores in (rng.normal(size=50), rng.exponential(size=80) * 1e-3, -(rng.random(60) ** 4) * 1e6):
        rising = np.sort(scores)
        goals = compress_tail(rising)
        assert (np.diff(goals) > 0).all()
        assert goals[0] == pytest.approx(-1.0) and np.median(goals) == pytest.approx(0.0, abs=1e-12)
        straight = goals <= 3.0
        assert straight.sum() > 40
        assert goals[straight] == pytest.approx(
            (rising[straight] - np.median(rising)) / (np.median(rising) - rising[0])
        )
    assert compress_tail(np.array([0.0, 1.0, 2.0, 2.0, 1e6]))[-1] == pytest.approx(
        3.0 + math.log(5e5 - 1 - 3 + 1), abs=1e-3
    )
    assert compress_tail(np.array([5.0, 5.0, 5.0, 7.0])).tolist() == [0.0, 0.0, 0.0, 1.0], "most are equally good"
    assert compress_tail(np.zeros(4)).tolist() == [0.0] * 4


def test_targets_put_the_broken_last_and_the_stopped_by_their_place() -> None:
    space = Space({"x": {"low": 0.0, "high": 1.0}})
    trials = [Trial(i, {"x": i / 10}, 0, status=Status.FINISHED, score=float(i), curve=(9.0, i)) for i in range(5)]
    broken = Trial(5, {"x": 0.9}, 0, status=Status.DIVERGED, score=-5.0)
    goals = targets(known := History((*trials, broken)), observations(known, EncodedHistory(space)))
    assert goals[-1] == goals[-2] == goals.max()
    assert (goals.mean(), goals.std()) == pytest.approx((0.0, 1.0))
    stopped = replace(trials[0], number=5, params={"x": 0.95}, status=Status.STOPPED, score=8.0, curve=(8.0,))
    goals = targets(known := History((*trials, stopped)), observations(known, EncodedHistory(space)))
    assert goals == pytest.approx(standardize(normal_scores(np.arange(6.0))))


def test_scores_within_a_hair_and_of_any_size_are_spread() -> None:
    assert standardize(np.full(4, 0.1)).tolist() == [0.0] * 4
    assert standardize(np.array([1.0, 1.0 + 1e-9])) == pytest.approx([-1.0, 1.0], abs=1e-6)
    assert standardize(np.array([1e308, -1e308])) == pytest.approx([1.0, -1.0])
    assert np.isfinite(compress_tail(np.array([0.1, 0.2, 0.3, 1e300]))).all()


# Its own judgement


def test_calibration_of_an_easy_function() -> None:
    rng = np.random.default_rng(0)
    space = SPACES["numbers"]()
    points = [space.sample(rng) for _ in range(120)]
    loss = [p["x"] ** 2 + 0.3 * math.log10(p["rate"]) + 0.1 * rng.normal() for p in points]
    trials = tuple(
        Trial(i, p, 0, status=Status.FINISHED, score=s) for i, (p, s) in enumerate(zip(points, loss, strict=True))
    )
    searcher = Bayes(space)
    found = searcher.calibration(History(trials))
    assert found is not None
    assert found.trials == 120
    assert abs(found.within_50 - 0.5) < 0.15
    assert abs(found.within_90 - 0.9) < 0.08
    assert searcher.calibration(History(trials[:2])) is None
    broken = tuple(Trial(i, space.sample(rng), 0, status=Status.FAILED) for i in range(120, 130))
    assert getattr(searcher.calibration(History(trials + broken)), "trials", 0) == 120
    assert Calibration(1, 0.5, 0.9) == Calibration(1, 0.5, 0.9)


# Laws


def test_histories_under_hyperband_are_learned_from() -> None:
    history = race(make_stopper("hyperband", epochs=27), trials=60, epochs=27, crossing=True)
    space = Space({"x": {"low": 0, "high": 99}})
    searcher = make_searcher("bayes", space, seed=0)
    points = searcher.suggest(history, 5, np.random.default_rng(0))
    assert len({space.key(p) for p in points}) == 5


ASK = """
import numpy as np
from paceline.records import History, Status, Trial
from paceline.search import make_searcher
from paceline.space import Space
space = Space({f"x{i}": {"low": 0.0, "high": 1.0} for i in range(6)})
rng = np.random.default_rng(0)
points = [space.sample(rng) for _ in range(300)]
trials = [Trial(i, p, 0, status=Status.FINISHED, score=sum((v - 0.3) ** 2 for v in p.values()))
          for i, p in enumerate(points)]
print(make_searcher("bayes", space, seed=0).suggest(History(tuple(trials)), 2, np.random.default_rng(0)))
"""


def test_bits_do_not_depend_on_the_number_of_threads() -> None:
    def asked(threads: int) -> str:
        environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
        done = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    assert asked(1) == asked(4) != ""


def test_a_batch_is_quick() -> None:
    """The model is fitted once for all of it; a single point is timed in test_learners."""
    space = Space(
        {f"x{i}": {"low": 0.0, "high": 1.0} for i in range(8)} | {"c": ["a", "b", "c"], "n": {"low": 1, "high": 9}}
    )
    rng = np.random.default_rng(0)
    trials = [Trial(i, space.sample(rng), 0, status=Status.FINISHED, score=float(rng.random())) for i in range(200)]
    searcher = make_searcher("bayes", space, seed=0)
    searcher.suggest(History(tuple(trials)), 1, rng)
    begin = time.process_time()
    searcher.suggest(History(tuple(trials)), 32, rng)
    assert time.process_time() - begin < 1.5


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"acquisition": "logie"}, "There is no acquisition 'logie'; did you mean 'logei'?"),
        ({"acquisition": 3}, "There is no acquisition 3; known: logei, pi, ucb."),
        ({"startup": 1}, "'startup' must be a whole number of at least 2, but got 1"),
        ({"kappa": -1.0}, "'kappa' must be a number at least 0, but got -1.0"),
        ({"candidats": 5}, "did you mean 'candidates'?"),
        ({"earlier": 3}, "'earlier' must be a list of pairs (configuration, loss), but got 3."),
        ({"earlier": [({"a": 1},)]}, "pairs (configuration, loss), but got [({'a': 1},)]."),
        ({"earlier": ["ab"]}, "pairs (configuration, loss), but got ['ab']."),
    ],
)
def test_wrong_options_are_told(options: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make_searcher("bayes", MIXED, seed=0, **options)
    assert words in str(caught.value)


def searched(space: Space, loss: Callable[[Params], float], count: int, seed: int, **options: Any) -> list[Trial]:
    searcher = Bayes(space, seed=seed, **options)
    trials: list[Trial] = []
    while len(trials) < count:
        (point,) = searcher.suggest(History(tuple(trials)), 1, generator(seed, "search", len(trials)))
        trials.append(Trial(len(trials), point, 0, status=Status.FINISHED, score=loss(point)))
    return trials


def test_the_distance_of_an_earlier_study_is_learnt() -> None:
    """The same problem on another scale is told at once; another problem must not keep it from the optimum."""
    space = Space({name: {"low": 0.0, "high": 1.0} for name in "abcdef"})

    def loss(p: Params, at: float) -> float:
        return sum((1 + i) * (p[name] - at) ** 2 for i, name in enumerate("abcdef"))

    def best(found: list[Trial]) -> float:
        return min(trial.score or 0.0 for trial in found)

    old = searched(space, lambda p: 5.0 + 100.0 * loss(p, 0.2), 40, 7)
    earlier = [(trial.params, float(trial.score or 0.0)) for trial in old]
    same = searched(space, lambda p: loss(p, 0.2), 8, 1, earlier=earlier)
    other = searched(space, lambda p: loss(p, 0.8), 25, 1, earlier=earlier)
    cold = searched(space, lambda p: loss(p, 0.8), 25, 1)
    assert best(same) < 0.1 * best(cold[:8])
    assert best(other) < 2.0 * best(cold) + 0.01


def test_what_lies_outside_the_space_isn_t_learnt_from() -> None:
    space = Space({"x": {"low": 0.0, "high": 1.0}})
    outside = [({"x": 3.0}, 0.0), ({"y": 0.5}, 1.0), ({"x": 0.5}, float("nan"))]
    told = searched(space, lambda p: abs(p["x"] - 0.4), 9, 0, earlier=outside, startup=4)
    untold = searched(space, lambda p: abs(p["x"] - 0.4), 9, 0, startup=4)
    assert [trial.params for trial in told] == [trial.params for trial in untold]


@pytest.mark.parametrize("status", [Status.DIVERGED, Status.FAILED])
@pytest.mark.parametrize("count", [1, 3, 12])
def test_a_warm_start_whose_first_trials_all_break_goes_on(status: Status, count: int) -> None:
    """Nothing but the earlier study says what is good; where trials broke is as bad as its worst."""
    space = Space({"x": {"low": 0.0, "high": 1.0}})
    earlier = [({"x": (i + 0.5) / 20}, (i + 0.5) / 20) for i in range(20)]  # the less, the better
    bayes = Bayes(space, startup=2, earlier=earlier)
    broken = [Trial(i, {"x": 0.01 * i}, i, status=status, epoch=1, score=float("nan")) for i in range(count)]
    history = History(tuple(broken))
    points = bayes.suggest(history, 4, np.random.default_rng(0))
    assert len(points) == 4
    if count == 12:  # the whole of the good end broke
        assert min(point["x"] for point in points) > 0.11
    assert set(ScoreModel(space, earlier).loo_means(history)) == (set() if count < 3 else set(range(count)))


def test_trials_that_all_break_leave_a_model_nothing_to_say() -> None:
    space = Space({"x": {"low": 0.0, "high": 1.0}})
    history = History(tuple(Trial(i, {"x": 0.1 * i}, i, status=Status.DIVERGED) for i in range(6)))
    known = observations(history, EncodedHistory(space))
    assert targets(history, known).tolist() == [0.0] * 6
    assert set(ScoreModel(space).loo_means(history)) == set(range(6))
