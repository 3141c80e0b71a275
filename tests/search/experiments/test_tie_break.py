"""Ties are broken by the best predicted score, and never by anything but an equal."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paceline as pl
from paceline.records import History, Status, Trial
from paceline.search.experiments.tie_break import select_best
from paceline.space import Space

LINE = Space({"x": {"low": 0.0, "high": 1.0}})


def finished(number: int, x: float, score: float | None, **more: object) -> Trial:
    return replace(Trial(number, {"x": x}, 0, status=Status.FINISHED, score=score), **more)  # type: ignore[arg-type]


def number_of(trials: list[Trial], goal: str = "minimize", space: Space = LINE) -> int | None:
    best = select_best(History(trials, goal), space)
    return None if best is None else best.number


LUCK = [(0.1, 0.2), (0.05, 0.9), (0.15, 0.8), (0.02, 0.9), (0.7, 0.3), (0.75, 0.2), (0.8, 0.25), (0.65, 0.35)]
"""(x, score): a lucky reading at .1 among bad ones, and as good a one at .75 among good ones."""


def test_a_lucky_reading_among_bad_ones_is_left() -> None:
    trials = [finished(i, x, score) for i, (x, score) in enumerate(LUCK)]
    assert number_of(trials) == 5
    assert number_of([replace(t, score=-t.score) for t in trials if t.score is not None], "maximize") == 5
    moved = [*trials[:5], replace(trials[5], score=0.21), *trials[6:]]
    assert number_of(moved) == 0  # a better reading, even by a hair, isn't doubted


def test_broken_neighbours_count_as_bad_and_running_ones_not() -> None:
    places = [(0.2, 0.1), (0.8, 0.1), (0.5, 0.3), (0.45, 0.35), (0.55, 0.3)]
    trials = [finished(i, x, score) for i, (x, score) in enumerate(places)]
    near = [Trial(5, {"x": 0.19}, 0), Trial(6, {"x": 0.21}, 0), Trial(7, {"x": 0.22}, 0)]
    before = number_of(trials)
    assert number_of([*trials, *near]) == before
    for number, x in ((1, 0.2), (0, 0.8)):
        diverged = [
            Trial(5 + i, {"x": x + off}, 0, status=Status.DIVERGED) for i, off in enumerate((-0.02, 0.01, 0.02))
        ]
        assert number_of([*trials, *diverged]) == number


def test_what_is_no_equal_isn_t_asked_about() -> None:
    assert number_of([]) is None
    assert number_of([Trial(0, {"x": 0.5}, 0)]) is None
    assert number_of([finished(0, 0.5, math.nan), finished(1, 0.2, None)]) is None
    ruined = Trial(0, {"x": 0.3}, 0, status=Status.DIVERGED, score=0.1)
    assert number_of([ruined, finished(1, 0.5, 0.1), finished(2, 0.6, 0.3)]) == 1
    outside = [finished(0, 1.5, 0.1), finished(1, 0.5, 0.1), finished(2, 0.6, 0.3), finished(3, 0.55, 0.2)]
    assert number_of(outside) == 1
    assert number_of([outside[0], replace(outside[0], number=1), *outside[2:]]) == 0
    assert number_of([finished(0, 0.5, 0.1)] * 2, space=Space({})) == 0
    costly = [finished(i, x, score, costs=(1.0,)) for i, (x, score) in enumerate(LUCK)]
    assert number_of(costly) == 0


def test_very_many_equals_are_no_burden() -> None:
    """Of more results than the model knows, the best half of those that it knows are asked about."""
    trials = [finished(i, i / 1000, 0.0) for i in range(400)] + [finished(400, 0.01, 1.0), finished(401, 0.03, 1.0)]
    best = number_of(trials)
    assert best is not None and 40 < best < 400


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0.1, 0.2, 0.3, None])), max_size=20), st.booleans())
def test_no_expectation_beats_a_better_reading(results: list[tuple[float, float | None]], largest: bool) -> None:
    history = History([finished(i, x, s) for i, (x, s) in enumerate(results)], "maximize" if largest else "minimize")
    best, found = history.best(), select_best(history, LINE)
    assert (best is None) == (found is None)
    assert best is None or found is None or found.score == best.score
    assert found == select_best(history, LINE)


@pytest.mark.parametrize("coarse", [0.05, 0.1])
def test_of_coarse_readings_a_better_place_is_taken(coarse: float) -> None:
    """60 random places of a bowl whose readings have noise and are rounded, as errors on a few dev rows are."""
    first, own = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        places = rng.random((60, 2))
        truth = ((places - [0.3, 0.6]) ** 2).sum(axis=1)
        readings = np.round((truth + 0.05 * rng.normal(size=60)).clip(min=0) / coarse) * coarse
        trials = [
            Trial(i, {"x": float(x), "y": float(y)}, 0, status=Status.FINISHED, score=float(reading))
            for i, ((x, y), reading) in enumerate(zip(places, readings, strict=True))
        ]
        history = History(trials)
        best, found = history.best(), select_best(history, Space({n: {"low": 0.0, "high": 1.0} for n in "xy"}))
        assert best is not None and found is not None
        first.append(truth[best.number])
        own.append(truth[found.number])
    assert np.mean(own) < 0.5 * np.mean(first)


def test_minimize_returns_the_one_among_good_ones() -> None:
    values = dict(zip([0.1, 0.05, 0.15, 0.7, 0.75, 0.8], [1.0, 9.0, 8.0, 2.0, 1.0, 1.5], strict=True))
    points = [{"x": x} for x in values]
    seen: list[pl.Minimum] = []
    found = pl.minimize(
        lambda p: values.get(p["x"], 9.0), {"x": {"low": 0.0, "high": 1.0}}, method="random", calls=6, x0=points,
        callback=seen.append,
    )  # fmt: skip
    assert (found.x, found.fun, found.pareto) == ({"x": 0.75}, 1.0, [4])
    assert seen[0].x == {"x": 0.1}  # on the way the first of equals will do
