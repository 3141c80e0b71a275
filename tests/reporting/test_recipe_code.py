"""The recipe is Python that asks for just what the trial was."""

import dataclasses
import math
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from paceline.records import StudyRecord, Trial
from paceline.reporting import recipe_code


def run(code: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the recipe with a paceline that only writes down how it is called."""
    seen: dict[str, Any] = {}
    result = SimpleNamespace(metric="error", score=0.1, model=None)

    def load(source: Any, **options: Any) -> str:
        seen.update(source=source, load=options)
        return "data"

    def train(data: Any, *, epochs: int, seed: int, metric: Any = None, **params: Any) -> Any:
        seen.update(epochs=epochs, seed=seed, metric=metric, params=params)
        return result

    def train_many(data: Any, configs: Any, *, epochs: int, seeds: Any, metric: Any = None, standardize: str) -> Any:
        seen.update(epochs=epochs, seed=seeds[0], metric=metric, params=configs[0], standardize=standardize)
        return [result]

    monkeypatch.setitem(sys.modules, "paceline", SimpleNamespace(load=load, train=train, train_many=train_many))
    exec(compile(code, "recipe", "exec"), {})
    return seen


def test_it_asks_for_the_trial_with_all_digits(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = fake.trials[4]
    seen = run(recipe_code(fake.record, trial), monkeypatch)
    assert seen["params"] == {"patience": 9, **trial.params}
    assert (seen["source"], seen["load"]) == ("dry_bean.csv", {"target": "Class", "split": {"test": 0.2}})
    assert (seen["epochs"], seen["seed"], seen["metric"]) == (27, trial.seed, "error")


def test_lists_none_infinities_and_quotes_survive(monkeypatch: pytest.MonkeyPatch) -> None:
    params = {"units": [64, 32], "clip_norm": math.inf, "weight_decay": None, "class_weight": {'it\'s "x"\n': 2.0}}
    record = StudyRecord("s", {"data": "a'b\\c.csv", "epochs": 3, "standardize": "robust"}, {}, "minimize")
    seen = run(recipe_code(record, Trial(0, params, seed=5)), monkeypatch)
    assert seen["params"] == params and seen["source"] == "a'b\\c.csv" and seen["standardize"] == "robust"


def test_files_of_rows_are_given_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"data": "a.csv", "split": {"dev": "dev.csv", "test": 0, "seed": 3}, "columns": {"zip": "category"}}
    seen = run(recipe_code(StudyRecord("s", settings, {}, "minimize"), Trial(0, {}, seed=5)), monkeypatch)
    assert seen["load"] == {"columns": {"zip": "category"}, "validation": "dev.csv", "split": {"test": 0, "seed": 3}}


def test_data_from_python_are_left_to_fill_in(fake: Any) -> None:
    record = dataclasses.replace(fake.record, settings={**fake.record.settings, "data": None})
    code = recipe_code(record, fake.trials[0])
    assert "# The study got its data set 'dry_bean' from Python" in code
    compile(code, "recipe", "exec")
