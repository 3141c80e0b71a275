"""Searching and stopping where there is more than the score to be kept low."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pareto_quality import area

from paceline.errors import SettingsError
from paceline.pareto import front_of
from paceline.records import History, Params, Status, Trial
from paceline.search import Cohort, check_objectives, make_searcher, make_stopper
from paceline.search.experiments.importance import importances
from paceline.search.methods.bayes import Bayes
from paceline.search.ranking import merged_scores, ranking, ranking_by_score
from paceline.search.surrogate.scalarize import PARTS, SHARE, normalized, scalarize, suggest_scalarized
from paceline.space import Space
from paceline.testing import imitate, race

SQUARE = Space({"x": {"low": 0.0, "high": 1.0}, "y": {"low": 0.0, "high": 1.0}, "z": {"low": 0.0, "high": 1.0}})
LEARNERS = ("bayes", "tpe", "genetic", "evolution", "coarse_to_fine", "cmaes", "differential")


def valley(p: Params) -> tuple[float, float]:
    """The front is the line from (0, 0) to (1, 0) in x and z = 1/2: a circle's quarter, hollow towards the corner."""
    off = 2.0 * p["y"] + 4.0 * abs(p["z"] - 0.5)
    angle = 0.5 * np.pi * p["x"]
    return float((1 + off) * np.sin(angle)), float((1 + off) * np.cos(angle))


def trial(
    number: int, score: float, *costs: float, status: Status = Status.FINISHED, curve: tuple[float, ...] = ()
) -> Trial:
    return Trial(number, {"x": number}, 0, status=status, epoch=len(curve), score=score, curve=curve, costs=costs)


def stopped(number: int, score: float, *costs: float) -> Trial:
    return trial(number, score, *costs, status=Status.STOPPED, curve=(score,))


def order(*trials: Trial) -> list[int]:
    places = ranking(History(trials))
    return [int(i) for i in np.argsort(places, kind="stable") if np.isfinite(places[i])]


# Standing


def test_fronts_come_one_after_the_other_and_the_best_by_score_first() -> None:
    trials = (trial(0, 0.4, 10.0), trial(1, 0.3, 30.0), trial(2, 0.1, 40.0), trial(3, 0.2, 40.0), trial(4, 0.4, 20.0))
    assert order(*trials) == [2, 0, 1, 3, 4]
    assert ranking_by_score(History(trials)).tolist() == [3.0, 2.0, 0.0, 1.0, 4.0]


def test_of_equal_scores_the_lower_cost_dominates() -> None:
    assert order(trial(0, 0.1, 50.0), trial(1, 0.1, 20.0)) == [1, 0]
    equal = (trial(0, 0.1, 20.0), trial(1, 0.1, 20.0), trial(2, 0.2, 30.0))
    assert order(*equal) == [0, 1, 2]


def test_a_stopped_trial_is_compared_at_its_own_length() -> None:
    """0.3 after one epoch is worse than the first was then (0.2), though the second ended at 0.4."""
    whole = (trial(0, 0.05, 50.0, curve=(0.2, 0.05)), trial(1, 0.4, 30.0, curve=(0.5, 0.4)))
    assert order(*whole, stopped(2, 0.3, 40.0))[0] == 0
    assert order(*whole, stopped(2, 0.3, 60.0))[-1] == 2  # follows the first, at a higher cost: dominated
    assert set(order(*whole, stopped(2, 0.3, 20.0))[:2]) == {0, 2}  # before the second, at a lower cost: dominates it


def test_where_none_was_trained_to_its_end_the_longest_have_their_own_scores() -> None:
    trials = [stopped(0, 0.2), stopped(1, 0.1), replace(stopped(2, 0.05), curve=(0.15, 0.05))]
    levels, scores = merged_scores(trials, 1.0)
    assert levels.tolist() == [2.0, 1.0, 0.0]
    assert scores.tolist() == [0.05, 0.05, 0.05]
    assert merged_scores(trials[:2], 1.0)[1].tolist() == [0.2, 0.1]


def test_broken_trials_share_the_last_place_whatever_they_cost() -> None:
    trials = (trial(0, 0.5, 90.0), trial(1, 0.0, 1.0, status=Status.DIVERGED), trial(2, float("inf"), 1.0))
    assert ranking(History(trials)).tolist() == [0.0, 1.0, 1.0]


@given(st.integers(0, 30), st.sampled_from(["none", "hyperband", "asha"]))
def test_costs_that_say_nothing_leave_the_order_of_scores(seed: int, name: str) -> None:
    history = race(make_stopper(name, epochs=9), trials=25, epochs=9, crossing=True, seed=seed)
    level = History(tuple(replace(t, costs=(3.0,)) for t in history))
    assert np.array_equal(ranking(level), ranking(history), equal_nan=True)


def test_importance_is_that_of_the_score() -> None:
    history = imitate(make_searcher("random", SQUARE, seed=0), [60], mishaps=False)
    costly = History(tuple(replace(t, costs=(t.params["x"],)) for t in history))
    assert importances(SQUARE, costly) == importances(SQUARE, history)


# Stoppers


@pytest.mark.parametrize("name", ["halving", "hyperband", "asha"])
def test_rungs_keep_small_nets_that_are_worse_but_not_beaten(name: str) -> None:
    sizes = (100.0, 100.0, 10.0, 1000.0, 100.0, 1000.0, 1000.0, 1000.0, 1000.0)
    errors = (0.20, 0.30, 0.40, 0.10, 0.50, 0.11, 0.12, 0.13, 0.14)
    running = [
        trial(number, error, size, status=Status.RUNNING, curve=(error,))
        for number, (error, size) in enumerate(zip(errors, sizes, strict=True))
    ]
    options = {} if name == "halving" else {"control_trials": 0}  # a study's first trials would not be stopped
    cohort, stopper = Cohort(0, 9, (1, 3, 9)), make_stopper(name, epochs=9, **options)
    kept = {0, 1, 2, 3, 4, 5, 6, 7, 8} - stopper.decide(History(tuple(running)), cohort, 1).stop.keys()
    assert kept == {0, 2, 3}
    alone = History(tuple(replace(t, costs=()) for t in running))
    assert {0, 1, 2, 3, 4, 5, 6, 7, 8} - stopper.decide(alone, cohort, 1).stop.keys() == {3, 5, 6}


def test_who_has_no_value_at_a_rung_comes_last_however_small() -> None:
    nan = float("nan")
    running = [
        trial(i, v, c, status=Status.RUNNING, curve=(v,))
        for i, (v, c) in enumerate([(nan, 1.0), (0.9, 5.0), (0.5, 9.0)])
    ]
    stop = make_stopper("halving", epochs=3).decide(History(tuple(running)), Cohort(0, 3, (1, 3)), 1).stop
    assert stop == {1: "rank 2 of 3 at epoch 1", 0: "rank 3 of 3 at epoch 1"}


# Mixes


def test_a_mix_by_hand() -> None:
    """Two trials on the front lie at 0 and 1 of either objective."""
    trials = (trial(0, 0.0, 5.0), trial(1, 1.0, 3.0), Trial(2, {}, 0), trial(3, 9.0, 9.0, status=Status.FAILED))
    found = scalarize(History(trials), np.array([0.75, 0.25]))
    assert [t.score for t in found.trials[:2]] == pytest.approx([0.25 + SHARE * 0.25, 0.75 + SHARE * 0.75])
    assert all(t.costs == () for t in found)
    assert [t.status for t in found] == [Status.FINISHED, Status.FINISHED, Status.RUNNING, Status.FAILED]
    assert found.trials[0].params is trials[0].params


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), min_size=2, max_size=20), st.floats(0.01, 0.99))
def test_the_lowest_mix_is_never_dominated(pairs: list[tuple[int, int]], weight: float) -> None:
    history = History(tuple(trial(i, float(a), 10.0**b) for i, (a, b) in enumerate(pairs)))
    best = scalarize(history, np.array([weight, 1 - weight])).best()
    assert best is not None
    score, (cost,) = history.trials[best.number].score or 0.0, history.trials[best.number].costs
    assert not any(a <= score and 10.0**b <= cost and (a, 10.0**b) != (score, cost) for a, b in pairs)


def test_the_front_spans_the_unit_interval_and_the_others_lie_beyond() -> None:
    front = np.array([True, True, True, False, False])
    column = normalized(np.array([1e2, 1e3, 1e4, 1e5, np.inf]), front)
    assert column[[0, 2]].tolist() == [0.0, 1.0]
    assert 0.0 < column[1] < 1.0 < column[3] == column[4]
    assert 0.3 < normalized(np.logspace(2, 6, 41), np.full(41, True))[20] < 0.7  # nearly as on a logarithmic scale
    assert normalized(np.array([2.0, 2.0, 4.0]), np.array([True, True, False])).tolist() == [0.0, 0.0, 1.0]
    assert normalized(np.array([2.0, 2.0]), np.array([True, True])).tolist() == [0.0, 0.0]
    assert normalized(np.array([]), np.array([], dtype=bool)).tolist() == []


def test_a_batch_is_proposed_by_a_few_mixes_that_know_of_each_other() -> None:
    told: list[History] = []

    def suggest(history: History, count: int, rng: np.random.Generator) -> list[Params]:
        told.append(history)
        return [{"x": len(history) + i} for i in range(count)]

    history = History(tuple(trial(i, float(i), 9.0 - i) for i in range(8)))
    found = suggest_scalarized(suggest, history, 27, np.random.default_rng(0))
    assert [p["x"] for p in found] == list(range(8, 35))
    assert len(told) == PARTS
    assert [len(h) for h in told] == [8, 15, 22, 29]
    assert len({tuple(t.score for t in h.trials[:8]) for h in told}) == PARTS
    assert suggest_scalarized(suggest, history, 0, np.random.default_rng(0)) == []


def test_a_space_that_is_used_up_ends_the_batch() -> None:
    history = History((trial(0, 1.0, 1.0),))
    assert suggest_scalarized(lambda h, count, rng: [{"x": 1}], history, 9, np.random.default_rng(0)) == [{"x": 1}]


# Methods


def searched(method: str, seed: int, calls: int) -> History:
    searcher = make_searcher(method, SQUARE, seed=seed)
    done: list[Trial] = []
    while len(done) < calls:
        for point in searcher.suggest(History(tuple(done)), 1, np.random.default_rng([seed, len(done)])):
            first, second = valley(point)
            done.append(Trial(len(done), point, 0, status=Status.FINISHED, score=first, costs=(second,)))
    return History(tuple(done))


def share(history: History) -> float:
    """Of the area between the front and (2, 2)."""
    points = np.array([[t.score, *t.costs] for t in history])
    return area(points, np.array([2.0, 2.0])) / (4.0 - np.pi / 4.0)


@pytest.mark.parametrize("method", LEARNERS)
def test_learning_finds_more_of_the_front_than_drawing(method: str) -> None:
    calls, seeds = (30, 2) if method == "bayes" else (100, 5)
    drawn = np.mean([share(searched("random", seed, calls)) for seed in range(seeds)])
    assert np.mean([share(searched(method, seed, calls)) for seed in range(seeds)]) > drawn + 0.04


@pytest.mark.parametrize("method", ["bayes", "genetic", "tpe"])
def test_both_ends_of_the_front_are_found(method: str) -> None:
    history = searched(method, 1, 40 if method == "bayes" else 60)
    first = front_of(list(history)[:30] if method == "bayes" else list(history), "minimize")
    assert min(t.score or 0.0 for t in first) < 0.3
    assert min(t.costs[0] for t in first) < 0.3
    assert len(front_of(list(history), "minimize")) >= 4


def test_the_model_of_bayes_is_judged_by_a_mix() -> None:
    bayes = Bayes(SQUARE)
    found = bayes.calibration(searched("random", 0, 30))
    assert found is not None
    assert found.trials == 30


def test_how_long_trials_were_trained_is_known_after_mixing() -> None:
    history = imitate(make_searcher("random", SQUARE, seed=0), [30], costs=2)
    assert [len(t.curve) for t in scalarize(history)] == [len(t.curve) for t in history]


def test_a_method_for_one_objective_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"'population' copies the best by the metric alone.* but got 2"):
        check_objectives("population", 2)
    check_objectives("population", 1)
    check_objectives("genetic", 3)
