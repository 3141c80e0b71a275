"""Fronts, crowding and the order of NSGA-II, against brute force, a hand example and Optuna."""

from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pareto_quality import area

from paceline.pareto import cost_table, crowding, front_of, fronts, in_own_units, measured, nondominated, preferred
from paceline.records import Status, Trial

few = st.sampled_from([0.0, 1.0, 2.0, 3.0, np.inf])
tables = st.tuples(st.integers(0, 14), st.integers(1, 4)).flatmap(lambda shape: arrays(np.float64, shape, elements=few))
pairs = st.integers(0, 14).flatmap(lambda n: arrays(np.float64, (n, 2), elements=few))


def dominates(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((a <= b).all() and (a < b).any())


def brute_fronts(values: np.ndarray) -> list[int]:
    """By the definition, one front after the other."""
    found, left, number = [-1] * len(values), set(range(len(values))), 0
    while left:
        outer = {i for i in left if not any(dominates(values[j], values[i]) for j in left)}
        for i in outer:
            found[i] = number
        left, number = left - outer, number + 1
    return found


@given(st.one_of(tables, pairs))
def test_fronts_are_those_of_the_definition(values: np.ndarray) -> None:
    expected = brute_fronts(values)
    assert fronts(values).tolist() == expected
    assert nondominated(values).tolist() == [front == 0 for front in expected]


@given(st.integers(0, 10_000))
def test_the_sweep_of_two_objectives_agrees_with_peeling(seed: int) -> None:
    values = np.random.default_rng(seed).random((60, 2)).round(1)
    again = np.column_stack([values, np.zeros(60)])  # a third objective that says nothing
    assert np.array_equal(fronts(values), fronts(again))


def test_fronts_are_those_of_optuna() -> None:
    pytest.importorskip("optuna")
    rank = import_module("optuna.study._multi_objective")._fast_non_domination_rank
    rng = np.random.default_rng(0)
    for objectives in (2, 3):
        values = rng.random((80, objectives)).round(1)
        assert np.array_equal(fronts(values), rank(values))


def test_crowding_by_hand() -> None:
    """Deb et al. (2002), figure 1: half the perimeter of the box between a member's neighbours, by the front's span."""
    values = np.array([[0.0, 10.0], [1.0, 6.0], [2.0, 5.0], [4.0, 0.0]])
    assert crowding(values).tolist() == [np.inf, 2 / 4 + 5 / 10, 3 / 4 + 6 / 10, np.inf]
    assert crowding(values[[2, 0, 3, 1]]).tolist() == [1.35, np.inf, np.inf, 1.0]
    assert crowding(np.array([[1.0, 1.0]])).tolist() == [np.inf]
    assert crowding(np.empty((0, 2))).tolist() == []


def test_the_order_is_front_then_the_best_by_the_first_then_the_lonely() -> None:
    values = np.array([[3.0, 5.0], [2.0, 5.0], [4.0, 0.0], [1.0, 6.0], [0.0, 10.0]])
    assert preferred(values).tolist() == [4, 2, 1, 3, 0]


@given(pairs)
def test_the_order_is_a_permutation_by_front_that_one_of_the_best_leads(values: np.ndarray) -> None:
    order = preferred(values)
    assert sorted(order.tolist()) == list(range(len(values)))
    ranks = fronts(values)[order]
    assert (np.diff(ranks) >= 0).all()
    if len(values):
        assert values[order[0], 0] == values[:, 0].min()


def test_wide_spans_are_measured_by_their_logarithms() -> None:
    assert measured(np.array([1.0, 10.0, 15.0])).tolist() == [1.0, 10.0, 15.0]
    wide = 10.0 ** np.arange(11)
    assert measured(np.append(wide, np.inf)) == pytest.approx(np.log(np.append(wide, 1e10)))
    assert measured(np.append(wide, 0.5)).tolist() == [*wide, 0.5]
    assert measured(np.array([1e6] + [1.0] * 30)).max() == 1e6  # one large number isn't a wide span
    assert measured(np.array([np.inf, np.inf])).tolist() == [0.0, 0.0]


def trial(number: int, score: float | None, *costs: float, status: Status = Status.FINISHED) -> Trial:
    return Trial(number, {}, 0, status=status, score=score, costs=costs)


def test_the_front_of_trials() -> None:
    trials = [
        trial(0, 0.5, 10.0),
        trial(1, 0.3, 20.0),
        trial(2, 0.3, 15.0),  # dominates 1
        trial(3, 0.3, 15.0),  # equals 2
        trial(4, 0.6, 10.0),
        trial(5, 0.0, 0.0, status=Status.DIVERGED),
        trial(6, float("nan"), 1.0),
        trial(7, None),
        trial(8, 0.9, 1.0, status=Status.STOPPED),
    ]
    assert [t.number for t in front_of(trials, "minimize")] == [2, 0, 8]
    assert [t.number for t in front_of(trials, "maximize")] == [8]
    assert [t.number for t in front_of([trial(0, 0.5), trial(1, 0.4), trial(2, 0.4)], "minimize")] == [1]
    assert front_of([], "minimize") == []


def test_costs_that_some_trials_lack_count_as_the_worst() -> None:
    assert cost_table([trial(0, 1.0, 2.0, 3.0), trial(1, 1.0), trial(2, 1.0, 4.0)]).tolist() == [
        [2.0, 3.0], [np.inf, np.inf], [4.0, np.inf],
    ]  # fmt: skip
    assert in_own_units(["parameters", "auc"], ()) == {}


def brute_area(points: np.ndarray, reference: np.ndarray) -> float:
    """Unit cells of a grid whose lower left corner is dominated, for whole numbers."""
    return float(
        sum(
            any(p[0] <= x and p[1] <= y for p in points)
            for x in range(int(reference[0]))
            for y in range(int(reference[1]))
        )
    )


@given(st.integers(0, 12).flatmap(lambda n: arrays(np.float64, (n, 2), elements=st.integers(0, 9).map(float))))
def test_the_area_is_that_of_counted_cells(points: np.ndarray) -> None:
    reference = np.array([7.0, 8.0])
    assert area(points, reference) == brute_area(points, reference)


def test_the_area_is_that_of_optuna() -> None:
    pytest.importorskip("optuna")
    compute = import_module("optuna._hypervolume").compute_hypervolume
    points = np.random.default_rng(1).random((50, 2))
    reference = np.array([0.9, 1.1])
    inside = points[(points < reference).all(axis=1)]
    assert area(points, reference) == pytest.approx(compute(inside, reference))
