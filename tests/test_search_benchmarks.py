"""The benchmarks of search and stoppers count right: optima are optima, runs are kept, epochs are those trained."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import search_quality
import stopper_quality
from curve_tables import Curves
from kept import Run, collect, forget, imported, known
from search_contestants import asked, contestants
from search_tasks import ACKLEY_AT, FUNCTIONS, task
from stopper_runs import Rows, advanced, order, spent

from paceline.records import History, Params, Status, Trial
from paceline.space import Space

HARTMANN_AT = (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573)
OPTIMA: dict[str, Params] = {
    "branin": {"x": math.pi, "y": 2.275},
    "hartmann6": {f"x{i}": x for i, x in enumerate(HARTMANN_AT)},
    "ackley5": {f"x{i}": float(x) for i, x in enumerate(ACKLEY_AT)},
    "mixed": {"x": 0.3, "rate": 1e-3, "n": 6, "kind": "a", "flag": True},
    "conditional": {
        "rate": 10**-1.5, "optimizer": "momentum", "momentum": 0.9, "layers": 2, "width": 128, "second": 32,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_optimum_has_no_regret_and_neighbours_have(name: str) -> None:
    on = task(name)
    best = OPTIMA[name]
    assert on.regret(best) == pytest.approx(0.0, abs=1e-6)
    for near in on.space.neighbours(best, np.random.default_rng(0), count=50):
        assert on.regret(near) > 0.0
    draws = [on.regret(on.space.sample(np.random.default_rng(i))) for i in range(400)]
    assert np.median(draws) == pytest.approx(1.0, abs=0.2)


def test_readings_are_repeats_and_alike_for_everyone() -> None:
    on = replace(task("branin"), repeats=3, reading=lambda params, repeat: float(repeat))
    readings = [on.read({}, 7, number) for number in range(40)]
    assert set(readings) == {0.0, 1.0, 2.0}
    assert readings == [on.read({"x": 1.0}, 7, number) for number in range(40)]
    assert readings != [on.read({}, 8, number) for number in range(40)]


@pytest.mark.parametrize("method", [m for m in contestants() if m in ("random", "tpe", "optuna_tpe", "skopt_gp")])
def test_contestants_call_as_often_as_they_may_with_valid_configurations(method: str) -> None:
    space = task("conditional").space
    asked: list[Params] = []

    def call(params: Params) -> float:
        space.validate(params)
        asked.append(params)
        return float(len(asked))

    contestants()[method](space, call, 11, 0)
    assert len(asked) == 11
    assert {p["optimizer"] for p in asked} == {"sgd", "momentum", "adam"}


def test_optuna_is_asked_for_active_slots_only() -> None:
    class Trial:
        """Answers with the first value of everything."""

        def __init__(self) -> None:
            self.names: list[str] = []

        def suggest_float(self, name: str, low: float, high: float) -> float:
            self.names.append(name)
            return low

        def suggest_int(self, name: str, low: int, high: int) -> int:
            self.names.append(name)
            return low

        def suggest_categorical(self, name: str, choices: list[int]) -> int:
            self.names.append(name)
            return choices[0]

    trial = Trial()
    params = asked(trial, task("conditional").space)
    assert trial.names == ["rate", "optimizer", "layers", "width"]
    assert params == {"rate": 1e-5, "optimizer": "sgd", "layers": 1, "width": 8}


# The cache


def test_a_benchmark_goes_on_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "deeper" / "runs.jsonl"
    wanted = [("branin", "random", seed, 5) for seed in range(3)]
    first = collect(wanted[:2], {}, search_quality.run, file)
    with file.open("a") as lines:
        lines.write('{"task": "branin", "met')  # killed here
    made: list[Any] = []

    def run(*key: Any) -> Run:
        made.append(key)
        return search_quality.run(*key)

    found = collect(wanted, search_quality.cached(file), run, file)
    assert made == wanted[2:]
    assert found[:2] == first
    assert list(search_quality.cached(file).values()) == found


def test_runs_of_other_code_are_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "runs.jsonl"
    collect([("branin", "random", 0, 5)], {}, search_quality.run, file)
    assert len(search_quality.cached(file)) == 1
    monkeypatch.setattr(search_quality, "mark", lambda method: "other")
    assert search_quality.cached(file) == {}


def test_what_a_method_imports_is_in_its_mark() -> None:
    names = {path.name for path in imported(["paceline.search.methods.tpe"], ("paceline.search", "paceline.space"))}
    assert {"tpe.py", "parzen.py", "unique_batch.py", "variation.py"} <= names
    assert "genetic.py" not in names
    assert search_quality.mark("tpe") != search_quality.mark("genetic")


def test_runs_are_made_in_pieces_and_made_again(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"

    def make(name: str, seed: int) -> Run:
        return {"name": name, "seed": seed, "time": len(file.read_text()) if file.exists() else 0}

    wanted = [(name, seed) for name in "ab" for seed in range(3)]
    assert collect(wanted, {}, make, file, minutes=0.0) == []
    first = collect(wanted, {}, make, file)
    assert [(one["name"], one["seed"]) for one in first] == wanted
    assert forget(file, lambda one: one["name"] == "b") == 3
    have = known(file, ("name", "seed"))
    assert list(have.values()) == first[:3]
    second = collect(wanted, have, make, file)
    assert second[:3] == first[:3]
    assert second[3]["time"] != 0
    assert list(known(file, ("name", "seed")).values()) == second


def test_of_equal_keys_the_last_line_holds(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    collect([("a",)], {}, lambda name: {"name": name, "value": 1}, file)
    collect([("a",)], {}, lambda name: {"name": name, "value": 2}, file)
    assert known(file, ("name",)) == {("a",): {"name": "a", "value": 2}}
    assert known(file, ("name",), lambda one: one["value"] < 2) == {("a",): {"name": "a", "value": 1}}
    assert known(None, ("name",)) == {}


# Figures


def run_of(task: str, method: str, seed: int, regret: float) -> dict[str, Any]:
    return {
        "task": task, "method": method, "seed": seed, "evaluations": 10, "regret": {"10": regret},
        "milliseconds": 1.0, "late_milliseconds": 2.0,
    }  # fmt: skip


def test_wins_and_means() -> None:
    runs = [run_of("t", "random", seed, 0.5) for seed in range(4)]
    runs += [run_of("t", "tpe", seed, regret) for seed, regret in enumerate((0.1, 0.2, 0.5, 0.8))]
    found = search_quality.summary(runs, "tpe", ["t"])
    assert found["wins"]["random"]["mean"] == 2.5 / 4
    assert found["regret"]["10"]["mean"] == pytest.approx(0.4)
    assert 0.1 <= found["regret"]["10"]["low"] < 0.4 < found["regret"]["10"]["high"] <= 0.8
    assert search_quality.summary(runs, "random", ["t"])["wins"] == {}


def test_only_methods_that_ran_everywhere_are_compared_and_untimed_runs_have_no_time() -> None:
    runs = [run_of(name, "random", seed, 0.5) for name in "ab" for seed in range(2)]
    runs += [run_of("a", "tpe", 0, 0.1) | {"milliseconds": None, "late_milliseconds": None}]
    assert search_quality.ran_on_all(runs, ["random", "tpe"], ["a", "b"]) == ["random"]
    assert search_quality.ran_on_all(runs, ["random", "tpe"], ["a"]) == ["random", "tpe"]
    found = search_quality.summary(runs, "tpe", ["a"])
    assert (found["seeds"], found["milliseconds"]) == (1, None)
    runs += [run_of("a", "tpe", 1, 0.1)]
    assert search_quality.summary(runs, "tpe", ["a"])["milliseconds"] == 1.0


def test_rows_of_the_last_result_are_kept_where_they_compare() -> None:
    def row(method: str, tasks: int = 2, at: str = "100") -> dict[str, Any]:
        return {"method": method, "tasks": tasks, "regret": {at: {"mean": 0.5}}}

    last = [row("tpe"), row("bayes"), row("grid", tasks=3), row("random", at="50")]
    assert search_quality.kept_rows(last, [row("bayes")]) == [row("tpe")]
    assert search_quality.kept_rows(last, []) == []


# Stoppers


def table_of(losses: list[list[float]]) -> Curves:
    space = Space({"x": {"low": 0.0, "high": 1.0}})
    rows = [{"x": i / len(losses)} for i in range(len(losses))]
    return Curves("test", space, rows, np.array(losses))


def test_epochs_are_counted_up_to_the_reading() -> None:
    rows = [[0.9, 0.8, 0.7]] * 99 + [[0.9, 0.1, 0.7]]
    curves = table_of(rows)
    assert curves.target == 0.1
    for seed in range(3):
        place = order(curves, seed).index(99)
        assert spent(curves, "random", "none", seed) == 3 * place + 2


def test_diverged_rows_cost_only_their_epochs() -> None:
    rows = [[math.inf, math.inf, math.inf]] * 60 + [[0.9, math.inf, math.inf]] * 39 + [[0.5, 0.4, 0.3]]
    curves = table_of(rows)
    before = order(curves, 0)
    before = before[: before.index(99)]
    assert spent(curves, "random", "none", 0) == sum(1 if row < 60 else 2 for row in before) + 3


def test_a_stopped_best_row_is_missed() -> None:
    """Halving looks at epoch 1, where the best row is the worst."""
    curves = table_of([[0.5, 0.5, 0.5]] * 99 + [[0.9, 0.9, 0.1]])
    assert spent(curves, "random", "halving", 0) is None
    assert spent(curves, "random", "none", 0) is not None


def test_a_row_is_given_once_and_near_what_was_asked_for() -> None:
    curves = table_of([[1.0, 1.0]] * 40)
    rows = Rows(curves, "sobol", 0)
    given: list[int] = []
    while len(given) < 40:
        done = tuple(Trial(i, curves.rows[row], 0) for i, row in enumerate(given))
        given += rows.next(History(done), 8)
    assert sorted(given) == list(range(40))
    rows = Rows(curves, "sobol", 0)
    assert rows._nearest({"x": 0.26}) == 10
    assert rows._nearest({"x": 0.26}) == 11


def test_advancing_ends_at_rung_target_or_divergence() -> None:
    losses = np.array([0.9, 0.8, 0.2, math.inf])
    start = Trial(0, {"x": 0.0}, 0)
    to_rung, reached = advanced(start, losses, 2, 0.1)
    assert (to_rung.status, to_rung.curve, to_rung.epoch, reached) == (Status.RUNNING, (0.9, 0.8), 2, 2)
    assert advanced(to_rung, losses, 4, 0.3)[1] == 3
    gone, reached = advanced(to_rung, losses, 4, 0.1)
    assert (gone.status, gone.score, reached) == (Status.DIVERGED, 0.2, 4)


def test_a_saving_compares_the_same_seeds_and_misses_cost_the_whole_table() -> None:
    curves = table_of([[0.5, 0.5]] * 100)
    runs = [{"method": "random", "stopper": "none", "seed": seed, "epochs": 100} for seed in range(4)]
    runs += [{"method": "bayes", "stopper": "asha", "seed": seed, "epochs": 20 + seed} for seed in range(2)]
    runs += [{"method": "random", "stopper": "asha", "seed": 9, "epochs": None}]
    base, own, other = stopper_quality.rows_of(curves, runs)
    assert base["saving"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
    assert own["saving"]["mean"] == pytest.approx(100 / 20.5)
    assert (own["saving"]["low"], own["saving"]["high"]) == pytest.approx((100 / 21, 100 / 20))
    assert (other["saving"], other["missed"], other["mean_epochs"]) == (None, 1, 200.0)


def test_a_stoppers_run_is_marked_by_method_and_stopper() -> None:
    assert stopper_quality.mark("random", "asha") != stopper_quality.mark("random", "curve")
    assert stopper_quality.mark("random", "asha") != stopper_quality.mark("bayes", "asha")
    halving = {path.name for path in imported(["paceline.search.stoppers.asha"], ("paceline.search",))}
    assert {"asha.py", "rungs.py", "halving.py"} <= halving
