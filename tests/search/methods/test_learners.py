"""Methods that learn from scores: they beat random draws, each in its own way, and are quick enough."""

import math
import time
from collections.abc import Callable

import numpy as np
import pytest
from mixed_problem import MIXED, mixed_loss
from scipy import integrate

from paceline.errors import SettingsError
from paceline.records import History, Params, Status, Trial
from paceline.search import make_searcher
from paceline.search.methods.coarse_to_fine import CoarseToFine
from paceline.search.methods.variation import reflected
from paceline.search.surrogate.parzen import Parzen
from paceline.space import Space
from paceline.testing import SPACES

LEARNERS = ("bayes", "coarse_to_fine", "tpe", "genetic", "evolution", "cmaes", "differential")


def study(
    method: str, space: Space, loss: Callable[[Params], float], trials: int, seed: int, **options: object
) -> History:
    """Asked one by one, told at once."""
    searcher = make_searcher(method, space, seed=seed, **options)
    done: list[Trial] = []
    while len(done) < trials:
        for point in searcher.suggest(History(tuple(done)), 1, np.random.default_rng([seed, len(done)])):
            done.append(Trial(len(done), point, 0, status=Status.FINISHED, score=loss(point)))
    return History(tuple(done))


def best_score(history: History) -> float:
    best = history.best()
    assert best is not None
    assert best.score is not None
    return best.score


@pytest.mark.slow
@pytest.mark.parametrize("method", LEARNERS)
def test_learning_beats_drawing(method: str) -> None:
    """Mean of the logarithm of the best of 60, 5 seeds; the margin is a factor of two."""

    def mean_log(name: str) -> float:
        return float(np.mean([math.log(best_score(study(name, MIXED, mixed_loss, 60, seed))) for seed in range(5)]))

    assert mean_log(method) < mean_log("random") - math.log(2.0)


@pytest.mark.parametrize("method", LEARNERS)
def test_a_good_region_is_returned_to(method: str) -> None:
    """The last 15 of 60 lie nearer to the best than the first 15 do."""
    space = SPACES["numbers"]()
    history = study(method, space, lambda p: (p["x"] - 0.5) ** 2 + (math.log10(p["rate"]) + 2.0) ** 2, 60, seed=1)
    losses = history.losses()
    if method == "bayes":  # has long found the very bottom, and explores every other time
        assert np.quantile(losses[-15:], 0.4) < 1e-4 * np.median(losses[:15])
    else:
        assert np.median(losses[-15:]) < 0.3 * np.median(losses[:15])


@pytest.mark.parametrize("method", LEARNERS)
def test_two_thousand_trials_are_learned_from_within_a_second(method: str) -> None:
    space = Space(
        {f"x{i}": {"low": 0.0, "high": 1.0} for i in range(8)} | {"c": ["a", "b", "c"], "n": {"low": 1, "high": 9}}
    )
    rng = np.random.default_rng(0)
    trials = tuple(
        Trial(i, space.sample(rng), 0, status=Status.FINISHED, score=float(rng.random()), curve=(1.0,) * 30)
        for i in range(2000)
    )
    searcher = make_searcher(method, space, seed=0)
    seconds = {}
    for length in (200, 2000):
        history = History(trials[:length])
        tries = []
        for _ in range(4):  # the quickest counts: the others tell what else the machine does
            begin = time.process_time()
            searcher.suggest(history, 1, rng)
            tries.append(time.process_time() - begin)
        seconds[length] = min(tries)
    assert seconds[200] < 0.15
    assert seconds[2000] < 1.0


@pytest.mark.parametrize(
    ("method", "options", "words"),
    [
        ("tpe", {"good": 0.0}, "'good' must be a number above 0, at most 1, but got 0.0"),
        ("tpe", {"candidats": 3}, "did you mean 'candidates'?"),
        ("genetic", {"crossover": 1.5}, "'crossover' must be a number at least 0, at most 1, but got 1.5"),
        ("differential", {"population": 3}, "'population' must be a whole number of at least 4, but got 3"),
        ("cmaes", {"sigma": True}, "'sigma' must be a number above 0, at most 1, but got True"),
        ("coarse_to_fine", {"size": 1}, "'size' must be a whole number of at least 2, but got 1"),
    ],
)
def test_wrong_options_are_told(method: str, options: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make_searcher(method, MIXED, seed=0, **options)
    assert words in str(caught.value)


# coarse_to_fine


def test_rounds_shrink_around_the_incumbent() -> None:
    space = SPACES["numbers"]()
    history = study("coarse_to_fine", space, lambda p: abs(p["x"] - 0.5) + abs(math.log10(p["rate"]) + 2.0), 60, seed=0)
    searcher = make_searcher("coarse_to_fine", space, seed=0)
    assert isinstance(searcher, CoarseToFine)
    rounds = searcher.rounds(history)
    assert [(r.number, r.first) for r in rounds] == [(i, 10 * i) for i in range(6)]
    assert rounds[0].ranges == {"x": (-1.0, 1.0), "rate": (1e-5, 0.1)}
    for one in rounds[1:]:
        incumbent = History(history.trials[: one.first]).best()
        assert incumbent is not None
        for name, (low, high) in one.ranges.items():
            assert low <= incumbent.params[name] <= high
    low, high = rounds[-1].ranges["x"]
    assert high - low < 0.5


def test_rounds_do_not_change_with_what_follows() -> None:
    history = study("coarse_to_fine", MIXED, mixed_loss, 45, seed=2)
    searcher = CoarseToFine(MIXED, seed=2)
    whole = searcher.rounds(history)
    assert searcher.rounds(History(history.trials[:25])) == whole[:3]
    assert [sum(r.shares["kind"].values()) for r in whole] == pytest.approx([1.0] * 5)
    assert whole[-1].shares["kind"]["a"] > 0.5
    assert CoarseToFine(MIXED).rounds(History()) == []


# tpe


def test_parzen_densities_integrate_to_one() -> None:
    space = Space({"x": {"low": 0.0, "high": 1.0}})
    for rows in (np.zeros((0, 1)), np.array([[0.02], [0.5], [np.nan]])):
        density = Parzen(rows, space.slots, 0.15)
        total, _ = integrate.quad(
            lambda x, d=density: float(np.exp(d.log_density(np.array([[x]])))[0]), 0, 1, limit=200
        )
        assert total == pytest.approx(1.0, abs=1e-6)


def test_parzen_draws_follow_its_density() -> None:
    space = Space({"x": {"low": 0.0, "high": 1.0}, "c": ["a", "b", "c"]})
    density = Parzen(np.array([[0.1, 0.5], [0.8, 1 / 6], [0.9, np.nan]]), space.slots, 0.15)
    draws = density.sample(40_000, np.random.default_rng(0))
    for value in (1 / 6, 3 / 6, 5 / 6):
        mass = 0.0
        for low in np.arange(0.0, 1.0, 0.1):
            share = np.mean((np.abs(draws[:, 1] - value) < 1 / 6) & (draws[:, 0] >= low) & (draws[:, 0] < low + 0.1))
            grid = np.array([[x, value] for x in np.linspace(low, low + 0.1, 41)])
            expected = np.trapezoid(np.exp(density.log_density(grid)), grid[:, 0]) / 3.0
            assert share == pytest.approx(expected, abs=0.008)
            mass += expected
        assert 0.1 < mass < 0.6


def test_a_running_trial_is_kept_away_from() -> None:
    """Constant liar: with a running trial at the optimum, proposals move off it."""
    space = Space({"x": {"low": 0.0, "high": 1.0}})
    xs = np.linspace(0.0, 1.0, 30)
    done = tuple(
        Trial(i, {"x": float(x)}, 0, status=Status.FINISHED, score=abs(float(x) - 0.5)) for i, x in enumerate(xs)
    )
    liars = tuple(Trial(30 + i, {"x": 0.5 + 0.001 * i}, 0) for i in range(8))
    searcher = make_searcher("tpe", space, seed=0)

    def distance(history: History) -> float:
        rngs = map(np.random.default_rng, range(20))
        return float(np.mean([abs(searcher.suggest(history, 1, rng)[0]["x"] - 0.5) for rng in rngs]))

    assert distance(History(done + liars)) > 1.3 * distance(History(done))


# the evolutionary ones


def test_reflection_stays_inside_and_keeps_distance() -> None:
    assert [reflected(x) for x in (0.3, -0.2, 1.3, 2.4, -1.5)] == pytest.approx([0.3, 0.2, 0.7, 0.4, 0.5])


def test_genetic_keeps_the_best_and_evolution_lets_it_die() -> None:
    """One superb early trial, then a flood of poor ones elsewhere: only elitism goes on from it."""
    space = Space({"x": {"low": 0.0, "high": 1.0}, "y": {"low": 0.0, "high": 1.0}})
    rng = np.random.default_rng(0)
    first = Trial(0, {"x": 0.05, "y": 0.05}, 0, status=Status.FINISHED, score=0.0)
    rest = tuple(
        Trial(
            i,
            {"x": 0.8 + 0.2 * rng.random(), "y": 0.8 + 0.2 * rng.random()},
            0,
            status=Status.FINISHED,
            score=1.0 + rng.random(),
        )
        for i in range(1, 40)
    )
    history = History((first, *rest))

    def near(method: str) -> float:
        points = make_searcher(method, space, seed=0).suggest(history, 40, rng)
        return float(np.mean([p["x"] < 0.5 for p in points]))

    assert near("genetic") > 0.3
    assert near("evolution") == 0.0


def test_differential_members_give_way_only_to_better_ones() -> None:
    from paceline.search.methods.differential import Differential

    space = Space({"x": {"low": 0.0, "high": 1.0}})
    scores = [4.0, 3.0, 2.0, 1.0, 5.0, 2.5, 9.0, 0.5]
    history = History(tuple(Trial(i, {"x": i / 10}, 0, status=Status.FINISHED, score=s) for i, s in enumerate(scores)))
    members, _ = Differential(space, population=4)._members(history)
    assert members == [0, 5, 2, 7]


def test_cmaes_goes_on_where_the_replay_ends() -> None:
    """Told the same generations directly, the package's own distribution has the same mean as our draws."""
    from cmaes import CMA

    space = Space({f"x{i}": {"low": 0.0, "high": 1.0} for i in range(4)})
    history = study("cmaes", space, lambda p: sum((v - 0.6) ** 2 for v in p.values()), 8 + 8 * 5, seed=3)
    units = np.array([space.to_unit(t.params) for t in history])
    losses = history.losses()
    start = units[:8][np.argmin(losses[:8])]
    normal = CMA(mean=start, sigma=0.2, bounds=np.tile([0.0, 1.0], (4, 1)), population_size=8, seed=0)
    for first in range(8, 48, 8):
        normal.tell([(units[i], losses[i]) for i in range(first, first + 8)])
    searcher = make_searcher("cmaes", space, seed=3)
    draws = np.array([space.to_unit(p) for p in searcher.suggest(history, 600, np.random.default_rng(0))])
    assert np.abs(draws.mean(axis=0) - normal.mean).max() < 0.03
    assert np.abs(normal.mean - 0.6).max() < 0.2


def test_a_shrunk_cmaes_begins_anew() -> None:
    space = Space({"x": {"low": 0.0, "high": 1.0}})
    searcher = make_searcher("cmaes", space, seed=0)
    done: list[Trial] = []
    while len(done) < 600:
        for point in searcher.suggest(History(tuple(done)), 4, np.random.default_rng(len(done))):
            done.append(Trial(len(done), point, 0, status=Status.FINISHED, score=(point["x"] - 0.3) ** 2))
    away = [abs(t.params["x"] - 0.3) > 0.05 for t in done]
    assert not any(away[100:200])
    assert any(away[200:])
