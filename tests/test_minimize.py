"""`pl.minimize`: results repeat, failures are noted and left alone, workers can't be hung or killed to any harm."""

import math
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import paceline as pl
from paceline.calls import Workers, attempt
from paceline.search import METHODS

LINE = {"x": {"low": -5.0, "high": 5.0}}
EIGHT = {"n": {"low": 1, "high": 8}}


def bowl(p: dict[str, Any]) -> float:
    return float((p["x"] - 2.0) ** 2)


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`minimized`, as a module that other processes can import too."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    import minimized

    return minimized


def where_functions_are() -> dict[str, str]:
    """The environment of a program that can import `minimized`, and whatever is imported here."""
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}


# The result


def test_the_least_value_is_found_and_told_as_scipy_and_skopt_do() -> None:
    found = pl.minimize(bowl, LINE, method="tpe", calls=40, seed=1)
    assert isinstance(found, pl.Minimum)
    assert found.fun == min(found.func_vals) == bowl(found.x or {})
    assert found.fun < 0.1
    assert found.x == found.x_iters[int(np.argmin(found.func_vals))]
    assert (found.nfev, found.nit, found.success, found.status) == (40, 40, True, 0)
    assert found.message == "All 40 calls are made."
    assert len(found.x_iters) == len(found.func_vals) == 40
    assert found.failures == {}
    assert found.space == pl.Space(LINE)
    assert found.specs["function"] == "paceline.minimize"
    assert found.specs["args"]["method"] == "tpe"
    assert "x_iters" not in repr(found)
    assert found.experiments is None


def test_controlled_experiments_are_compared_at_the_end() -> None:
    rng = np.random.default_rng(0)
    told: list[object] = []
    found = pl.minimize(
        lambda p: float(p["n"] + rng.normal(0.0, 0.1)), EIGHT, method="manual", batch=3,
        method_options={"base": {"n": 3}, "factors": {"n": [2, 5]}, "repeats": 4},
        callback=lambda now: told.append(now.experiments),
    )  # fmt: skip
    assert [p["n"] for p in found.x_iters] == [3, 2, 5] * 4
    assert found.experiments is not None and set(told) == {None}
    assert [arm["verdict"] for arm in found.experiments["arms"]] == ["better", "worse"]
    assert (found.experiments["next"]["factor"], found.experiments["next"]["value"]) == ("n", 2)


@pytest.mark.parametrize("method", [m for m in METHODS if m not in ("manual", "grid")])
def test_every_method_minimises(method: str) -> None:
    space = {"x": {"low": -5.0, "high": 5.0}, "kind": ["a", "b"], "y": {"low": 0, "high": 9, "when": {"kind": "b"}}}
    found = pl.minimize(lambda p: abs(p["x"]) + p.get("y", 3), space, method=method, calls=12)
    assert found.nfev == 12
    assert len({pl.Space.key(p) for p in found.x_iters}) == 12
    assert found.fun == min(abs(p["x"]) + p.get("y", 3) for p in found.x_iters)


def test_auto_is_what_the_number_of_calls_asks_for() -> None:
    def chosen(calls: int) -> str:
        found = pl.minimize(bowl, LINE, calls=calls, callback=lambda _: True)
        return str(found.specs["args"]["method"])

    assert chosen(1000) == "bayes"
    assert chosen(1001) == "tpe"


def test_options_reach_the_method() -> None:
    found = pl.minimize(bowl, LINE, method="grid", method_options={"points": 11})
    assert sorted(p["x"] for p in found.x_iters) == [float(x) for x in range(-5, 6)]
    assert found.fun == 0.0


# Repeatable


def same(one: pl.Minimum, other: pl.Minimum) -> bool:
    return one.x_iters == other.x_iters and np.array_equal(one.func_vals, other.func_vals) and one.x == other.x


def test_a_seed_is_a_result() -> None:
    one, again, other = (pl.minimize(bowl, LINE, method="tpe", calls=20, seed=seed) for seed in (3, 3, 4))
    assert same(one, again)
    assert not same(one, other)


def test_workers_change_nothing_in_equal_batches(functions: ModuleType) -> None:
    def result(func: Callable[[Any], float], workers: int) -> pl.Minimum:
        return pl.minimize(func, LINE, method="tpe", calls=24, batch=4, workers=workers)

    alone = result(functions.bowl, 1)
    assert alone.nit == 6
    assert same(alone, result(functions.late_first, 3))


def test_the_batch_is_as_large_as_there_are_workers_and_the_last_is_cut(functions: ModuleType) -> None:
    sizes: list[int] = []
    found = pl.minimize(
        functions.bowl, LINE, method="random", calls=5, workers=2, callback=lambda so_far: sizes.append(so_far.nfev)
    )
    assert sizes == [2, 4, 5]
    assert found.nfev == 5


# Failures


def test_failed_calls_have_reasons_and_the_best_of_the_others_is_returned() -> None:
    answers: dict[int, Any] = {1: ValueError("too small\nsecond line"), 2: math.nan, 3: -math.inf, 4: None, 5: "4.0"}
    answers |= {6: np.float32(6.0), 7: np.array([7.0]), 8: True}
    asked: list[int] = []

    def func(p: dict[str, Any]) -> Any:
        asked.append(p["n"])
        if isinstance(answers[p["n"]], Exception):
            raise answers[p["n"]]
        return answers[p["n"]]

    found = pl.minimize(func, EIGHT, method="tpe", calls=100)
    assert sorted(asked) == list(range(1, 9))
    reasons = {found.x_iters[i]["n"]: reason for i, reason in found.failures.items()}
    assert reasons == {
        1: "ValueError: too small",
        2: "returned nan",
        3: "returned -inf",
        4: "returned None, which isn't a number",
        5: "returned '4.0', which isn't a number",
    }
    assert (found.x, found.fun, found.status) == ({"n": 8}, 1.0, 3)
    assert found.message == "No point was left to propose after 8 calls."
    assert [v == math.inf for v in found.func_vals] == [i in found.failures for i in range(8)]


def test_nothing_but_failures_is_no_success() -> None:
    def func(p: dict[str, Any]) -> float:
        raise SystemExit

    found = pl.minimize(func, LINE, method="tpe", calls=15)
    assert (found.x, found.fun, found.success, found.status) == (None, math.inf, False, 4)
    assert found.message == "No call succeeded of 15 calls; the last one: SystemExit."
    assert len({p["x"] for p in found.x_iters}) == 15


def test_ctrl_c_is_not_a_failure() -> None:
    def func(p: dict[str, Any]) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pl.minimize(func, LINE, calls=3, method="random")


def test_a_function_may_change_its_configuration() -> None:
    def func(p: dict[str, Any]) -> float:
        p["units"].append(0)
        return float(sum(p.pop("units")))

    space = {"layers": {"low": 1, "high": 3}, "units": {"choices": [8, 16], "per": "layers"}}
    found = pl.minimize(func, space, method="genetic", calls=100)
    assert found.nfev == 2 + 4 + 8
    assert found.x == {"layers": 1, "units": [8]}


# Workers


def test_a_call_that_hangs_is_killed_and_noted(functions: ModuleType) -> None:
    begin = time.monotonic()
    found = pl.minimize(functions.hangs_on_the_left, EIGHT, method="random", calls=8, workers=2, timeout=0.4)
    assert time.monotonic() - begin < 60.0
    assert {found.x_iters[i]["n"]: reason for i, reason in found.failures.items()} == {
        1: "took longer than 0.4 s",
        2: "took longer than 0.4 s",
    }
    assert found.x == {"n": 3}
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_what_a_killed_call_has_started_ends_too(functions: ModuleType, tmp_path: Path) -> None:
    note = tmp_path / "sleeper"
    space = {"file": {"value": str(note)}}
    found = pl.minimize(functions.starts_a_sleeper, space, calls=1, timeout=3.0, method="random")
    assert found.failures == {0: "took longer than 3 s"}
    sleeper = int(note.read_text())
    until = time.monotonic() + 10.0
    while _runs(sleeper) and time.monotonic() < until:
        time.sleep(0.02)
    assert not _runs(sleeper)


def test_no_call_outlives_a_killed_program(tmp_path: Path) -> None:
    note = tmp_path / "sleeper"
    script = (
        "import paceline as pl, minimized\n"
        f"pl.minimize(minimized.starts_a_sleeper, {{'file': {{'value': {str(note)!r}}}}}, calls=1, timeout=600)"
    )
    program = subprocess.Popen([sys.executable, "-c", script], env=where_functions_are())
    until = time.monotonic() + 120.0
    while not (note.exists() and note.read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    program.kill()
    program.wait()
    sleeper, until = int(note.read_text()), time.monotonic() + 10.0
    while _runs(sleeper) and time.monotonic() < until:
        time.sleep(0.02)
    assert not _runs(sleeper)


def _runs(number: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_worker_that_dies_costs_one_call(functions: ModuleType) -> None:
    found = pl.minimize(functions.dies_on_the_left, EIGHT, method="random", calls=8, workers=2)
    assert {found.x_iters[i]["n"]: reason for i, reason in found.failures.items()} == {
        1: "its process died (exit code 7)",
        2: "its process died (exit code -11)",
    }
    assert found.x == {"n": 3}


def test_workers_are_kept_and_end_with_the_search(functions: ModuleType) -> None:
    found = pl.minimize(functions.process_number, LINE, method="random", calls=12, workers=2)
    numbers = {int(value) for value in found.func_vals}
    assert 1 <= len(numbers) <= 2
    assert os.getpid() not in numbers
    assert not multiprocessing.active_children()


def test_busy_workers_end_with_an_interrupt(functions: ModuleType) -> None:
    caller = Workers(functions.hangs_on_the_left, 1)

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    caller._wait = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt), caller:
        caller.run([{"n": 1}])
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("how", [{"workers": 2}, {"timeout": 5.0}])
def test_a_lambda_stays_in_its_process(how: dict[str, Any]) -> None:
    with pytest.raises(pl.SettingsError) as caught:
        pl.minimize(lambda p: p["x"], LINE, method="random", **how)
    assert "must be defined with `def` at the top of a module, but got <function" in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "guard", "words"),
    [
        ("from minimized import bowl", "if True:", '`if __name__ == "__main__":`.'),
        ("from minimized import bowl", "if __name__ == '__main__':", "6 calls"),
        ("def bowl(p):\n    return p['x']", "if __name__ == '__main__':", "6 calls"),
    ],
    ids=["without a guard", "with a guard", "with its own function"],
)
def test_scripts(function: str, guard: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "script.py"
    call = f"print(pl.minimize(bowl, {LINE!r}, method='random', calls=6, workers=2).message)"
    file.write_text(f"import paceline as pl\n{function}\n{guard}\n    {call}\n")
    done = subprocess.run(
        [sys.executable, file], capture_output=True, text=True, timeout=120, env=where_functions_are()
    )
    assert words in (done.stdout or done.stderr.splitlines()[-1])


def test_a_function_that_workers_cannot_find_is_told() -> None:
    script = (
        f"import paceline as pl\ndef f(p): return p['x']\npl.minimize(f, {LINE!r}, calls=4, workers=2, method='random')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert "can't load it (AttributeError" in done.stderr.splitlines()[-1]


# Where it begins and ends


def test_first_points_are_called_first() -> None:
    points = [{"x": 1.5}, {"x": -4.0}]
    found = pl.minimize(bowl, LINE, method="tpe", calls=5, x0=points)
    assert found.x_iters[:2] == points
    assert found.nfev == 5
    assert pl.minimize(bowl, LINE, method="tpe", calls=1, x0=points[0]).x_iters == points[:1]


def test_points_with_values_are_not_called_but_learned_from() -> None:
    asked: list[float] = []

    def func(p: dict[str, Any]) -> float:
        asked.append(p["x"])
        return 100.0

    known = [{"x": float(x)} for x in np.linspace(-5, 5, 21)]
    values = [bowl(p) for p in known]
    values[3] = math.nan
    found = pl.minimize(func, LINE, method="tpe", calls=10, x0=known, y0=values)
    assert found.nfev == len(asked) == 10
    assert len(found.x_iters) == 31
    assert (found.x, found.fun) == ({"x": 2.0}, 0.0)
    assert found.failures == {3: "y0 was nan"}
    assert not set(asked) & {p["x"] for p in known}
    assert np.median(np.abs(np.array(asked) - 2.0)) < 2.0
    assert pl.minimize(bowl, LINE, method="tpe", calls=1, x0={"x": 2.0}, y0=-1.0).fun == -1.0


def _third(so_far: pl.Minimum) -> bool:
    assert (so_far.status, so_far.message) == (-1, f"Under way, after {so_far.nfev} call{'s'[: so_far.nfev - 1]}.")
    return so_far.nfev == 3


def _third_by_exception(so_far: pl.Minimum) -> None:
    if so_far.nfev == 3:
        raise StopIteration


@pytest.mark.parametrize("callback", [_third, _third_by_exception, lambda so_far: np.bool_(so_far.nfev == 3)])
def test_a_callback_can_end_it(callback: Callable[[pl.Minimum], object]) -> None:
    found = pl.minimize(bowl, LINE, method="random", calls=9, callback=callback)
    assert (found.nfev, found.status, found.success) == (3, 1, True)
    assert found.message == "The callback ended the search after 3 calls."


def test_a_callback_that_answers_anything_else_does_not() -> None:
    seen: list[pl.Minimum] = []
    found = pl.minimize(bowl, LINE, method="random", calls=4, callback=lambda so_far: seen.append(so_far) or "on")
    assert found.nfev == 4
    assert [len(one.x_iters) for one in seen] == [1, 2, 3, 4]


def test_minutes_end_it() -> None:
    def func(p: dict[str, Any]) -> float:
        time.sleep(0.03)
        return bowl(p)

    found = pl.minimize(func, LINE, method="random", calls=10_000, minutes=0.1 / 60)
    assert 1 <= found.nfev <= 5
    assert (found.status, found.success) == (2, True)
    assert found.message.startswith("The time was up after ")


# What is refused


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"calls": 0}, "'calls' must be a whole number of at least 1, but got 0"),
        ({"workers": 0}, "'workers' must be a whole number of at least 1, but got 0"),
        ({"batch": 1.5}, "'batch' must be a whole number of at least 1, but got 1.5"),
        ({"timeout": 0}, "'timeout' must be a number above 0, but got 0"),
        ({"minutes": -1}, "'minutes' must be a number above 0, but got -1"),
        ({"seed": -1}, "'seed' must be a whole number of at least 0, but got -1"),
        ({"method": "bays"}, "There is no method 'bays'"),
        ({"method": "tpe", "method_options": {"candidats": 3}}, "did you mean 'candidates'?"),
        ({"func": 3}, "must be a function of a configuration, but got 3"),
        ({"x0": {"x": 9.0}}, "'x' must be"),
        ({"x0": 9.0}, "A configuration must be a mapping of names to values, but got 9.0"),
        ({"x0": [{"x": 1.0}, {"x": 2.0}], "calls": 1}, "a call for each first point, but got calls=1 for 2 points"),
        ({"y0": 1.0}, "one value for each point of `x0`, but got 1 for 0"),
        ({"x0": {"x": 1.0}, "y0": [1.0, 2.0]}, "one value for each point of `x0`, but got 2 for 1"),
        ({"x0": {"x": 1.0}, "y0": "low"}, "The values of `y0` must be numbers, but got 'low'"),
        ({"space": {"x": {"low": 2.0, "high": 1.0}}}, "low < high"),
    ],
)
def test_wrong_arguments_are_told(arguments: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"func": bowl, "space": LINE, "method": "random"} | arguments
    with pytest.raises(pl.UserError) as caught:
        pl.minimize(given.pop("func"), given.pop("space"), **given)
    assert words in str(caught.value)


def test_a_value_with_a_broken_repr_is_a_failure() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    assert "which isn't a number" in attempt(lambda p: Broken(), {}).reason
