"""`manual`, `grid` and `first`: order, repeats, parts of a space."""

import time
from itertools import product

import numpy as np
import pytest

from paceline.errors import SpaceError
from paceline.records import History, Params, Trial
from paceline.search import make_searcher
from paceline.space import Space
from paceline.testing import SPACES, imitate

RNG = np.random.default_rng(0)


def params_of(history: History) -> list[Params]:
    return [trial.params for trial in history]


def test_manual_keeps_its_order_and_drops_copies() -> None:
    space = SPACES["numbers"]()
    points = [space.sample(np.random.default_rng(i)) for i in (3, 1, 2, 1)]
    assert params_of(imitate(make_searcher("manual", space, seed=0, configurations=points), [2] * 5)) == points[:3]


def test_repeats_are_made_only_when_asked_for() -> None:
    space = Space({"a": ["p", "q"]})
    searcher = make_searcher("grid", space, seed=0, repeats=3)
    assert [p["a"] for p in params_of(imitate(searcher, [4] * 5))] == ["p", "p", "p", "q", "q", "q"]


def test_grid_is_the_cartesian_product() -> None:
    space = Space({"a": ["p", "q"], "n": {"low": 1, "high": 3}, "x": {"low": 0.0, "high": 1.0}})
    points = params_of(imitate(make_searcher("grid", space, seed=0, points=3), [7] * 10))
    expected = [{"a": a, "n": n, "x": x} for a, n, x in product("pq", (1, 2, 3), (0.0, 0.5, 1.0))]
    assert sorted(map(repr, points)) == sorted(map(repr, expected))


def test_grids_are_taken_in_turn_and_completed_with_defaults() -> None:
    space = SPACES["conditional"]()
    part = space.narrowed({"optimizer": ["sgd"], "layers": (0, 0), "rate": (1e-3, 1e-2)})
    mapping = {"optimizer": ["adam", "momentum"], "momentum": [0.8, 0.9]}
    points = params_of(imitate(make_searcher("grid", space, seed=0, points=2, grids=[mapping, part]), [4] * 5))
    default = space.default_point()
    assert [p["optimizer"] for p in points] == ["adam", "momentum", "momentum", "sgd", "sgd"]
    assert [p.get("momentum") for p in points] == [None, 0.8, 0.9, None, None]
    assert all(p["units"] == default["units"] and p["rate"] == default["rate"] for p in points[:3])
    assert [p["rate"] for p in points[3:]] == pytest.approx([1e-3, 1e-2])


def test_a_value_for_every_layer() -> None:
    space = SPACES["conditional"]()
    points = params_of(
        imitate(make_searcher("grid", space, seed=0, grids=[{"layers": [2], "units": [8, [8, 16]]}]), [9])
    )
    assert [p["units"] for p in points] == [[8, 8], [8, 16]]


def test_a_grid_that_leaves_the_space_says_where() -> None:
    searcher = make_searcher("grid", Space({"x": {"low": 0.0, "high": 1.0}}), seed=0, grids=[{"x": [0.5, 2.0]}])
    with pytest.raises(SpaceError, match=r"A grid leaves the space at \{'x': 2.0\}"):
        searcher.suggest(History(), 2, RNG)


def test_a_boundless_grid_is_not_listed_in_full() -> None:
    space = SPACES["sixty"]()
    assert len(make_searcher("grid", space, seed=0).suggest(History(), 5, RNG)) == 5


def test_first_come_first_and_only_once() -> None:
    space = Space({"a": ["p", "q", "r"]})
    first = [{"a": "r"}, {"a": "q"}, {"a": "r"}]
    for method in ("grid", "random", "sobol"):
        points = params_of(imitate(make_searcher(method, space, seed=0, first=first), [1] * 9))
        assert [p["a"] for p in points] == ["r", "q", "p"], method


def test_ten_thousand_trials_cost_little() -> None:
    """The promise is 1 ms a trial for all bookkeeping; searching may take a part of it."""
    space = SPACES["conditional"]()
    for method in ("random", "grid"):
        searcher = make_searcher(method, space, seed=0)
        trials: list[Trial] = []
        begin = time.process_time()
        while len(trials) < 10_000:
            new = searcher.suggest(History(tuple(trials)), 100, np.random.default_rng(len(trials)))
            if not new:
                break
            trials += [Trial(len(trials) + i, point, 0) for i, point in enumerate(new)]
        assert (time.process_time() - begin) / len(trials) < 1e-3
