"""`pl.minimize` of functions that return several numbers."""

import math
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import paceline as pl

LINE = {"x": {"low": -5.0, "high": 5.0}}


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    import minimized

    return minimized


def two(p: dict[str, Any]) -> tuple[float, float]:
    """Schaffer (1985): everything from 0 to 2 is on the front."""
    return p["x"] ** 2, (p["x"] - 2.0) ** 2


@pytest.mark.parametrize("method", ["auto", "tpe", "genetic", "random"])
def test_the_front_is_found(method: str) -> None:
    found = pl.minimize(two, LINE, method=method, calls=30, seed=2)
    assert found.func_vals.shape == (30, 2)
    assert found.func_vals.tolist() == [list(two(p)) for p in found.x_iters]
    assert found.x is not None
    assert found.fun == found.func_vals[:, 0].min() == two(found.x)[0]
    assert found.pareto[0] == int(np.argmin(found.func_vals[:, 0]))
    values = found.func_vals
    beaten = [any((b <= a).all() and (b < a).any() for b in values) for a in values]
    assert sorted(found.pareto) == [i for i in range(30) if not beaten[i]]
    inside = sum(0 <= found.x_iters[i]["x"] <= 2 for i in found.pareto)
    assert inside >= len(found.pareto) - 2
    assert found.func_vals[found.pareto, 0].tolist() == sorted(found.func_vals[found.pareto, 0].tolist())


def test_of_one_objective_the_front_is_the_best() -> None:
    found = pl.minimize(lambda p: p["x"] ** 2, LINE, method="random", calls=9)
    assert found.func_vals.shape == (9,)
    assert found.pareto == [int(np.argmin(found.func_vals))]
    lost = pl.minimize(lambda p: math.nan, LINE, method="random", calls=2)
    assert (lost.pareto, lost.func_vals.tolist()) == ([], [math.inf, math.inf])


def test_lists_are_as_good_and_a_single_one_is_a_number() -> None:
    found = pl.minimize(lambda p: list(two(p)), LINE, method="random", calls=4)
    assert found.func_vals.shape == (4, 2)
    assert pl.minimize(lambda p: [p["x"] ** 2], LINE, method="random", calls=4).func_vals.shape == (4,)


def test_failures_among_several() -> None:
    answers: list[Any] = [
        ValueError("no"),
        (1.0, 2.0),
        (1.0, math.nan),
        (1.0, 2.0, 3.0),
        4.0,
        (1.0, "a"),
        (),
        np.ones(2),
    ]
    left = iter([*answers, (0.5, 3.0)])

    def func(p: dict[str, Any]) -> Any:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    found = pl.minimize(func, LINE, method="tpe", calls=9)
    assert list(found.failures.values()) == [
        "ValueError: no",
        "returned (1.0, nan)",
        "returned 3 numbers, where the first call that succeeded returned 2",
        "returned 1 number, where the first call that succeeded returned 2",
        "returned (1.0, 'a'), which isn't a number or several",
        "returned (), which isn't a number or several",
        "returned array([1., 1.]), which isn't a number",
    ]
    assert found.pareto == [8, 1]
    assert np.isinf(found.func_vals[list(found.failures)]).all()


def test_known_values_of_first_points() -> None:
    first = [{"x": 0.0}, {"x": 2.0}]
    found = pl.minimize(two, LINE, method="genetic", calls=3, x0=first, y0=[(0.0, 4.0), (4.0, 0.0)])
    assert found.func_vals[:2].tolist() == [[0.0, 4.0], [4.0, 0.0]]
    assert (found.nfev, len(found.x_iters)) == (3, 5)
    one = pl.minimize(two, LINE, method="genetic", calls=1, x0={"x": 0.0}, y0=[(0.0, 4.0)])
    assert one.func_vals[0].tolist() == [0.0, 4.0]


def test_workers_return_several_too(functions: ModuleType) -> None:
    here = pl.minimize(functions.two_bowls, LINE, method="random", calls=4, batch=2)
    there = pl.minimize(functions.two_bowls, LINE, method="random", calls=4, batch=2, workers=2)
    assert there.func_vals.tolist() == here.func_vals.tolist()
    assert there.func_vals.shape == (4, 2)


def test_a_method_for_one_objective_says_so_at_the_first_result() -> None:
    with pytest.raises(pl.UserError, match="'population' copies the best by the metric alone"):
        pl.minimize(two, LINE, method="population", calls=9)
