"""What a study can search with: metrics, tasks, methods, stoppers, spaces."""

from typing import Any

import pytest
from small_studies import ONE_SHAPE, SMALL, SPACE, untrained

from paceline.data import Dataset, load
from paceline.errors import SettingsError, SpaceError
from paceline.records import EndReason, Status
from paceline.search import STOPPERS
from paceline.settings import StudySettings
from paceline.study import tune
from paceline.study.setup import set_up
from paceline.testing import StubExecutor

pytestmark = pytest.mark.compiles

FEW: dict[str, Any] = SMALL | {"trials": 5, "epochs": 3, "stopper": "none", "retrain": 1}


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", pytest.param("auc", marks=pytest.mark.slow), "f1"])
def test_metrics_that_are_maximised(metric: str, digits: Dataset) -> None:
    study = tune(digits, **FEW, metric=metric)
    scores = [trial.score for trial in study.trials if trial.score is not None]
    assert study.record.goal == "maximize"
    assert study.best is not None and study.best.score == max(scores)
    assert all(0 <= score <= 1 for score in scores) and max(scores) > 0.3
    assert all(trial.score == max(trial.curve) for trial in study.trials)


def test_regression(tmp_path: Any) -> None:
    diabetes = load("diabetes")
    study = tune(diabetes, **FEW | {"epochs": 9, "retrain": 2}, out=tmp_path / "study")
    assert study.record.environment["metric"] == "rmse"
    assert study.best is not None and study.best.score is not None
    target = diabetes.dev.target
    assert 20 < study.best.score < 1.2 * float(((target - target.mean()) ** 2).mean() ** 0.5)
    dev = study.summary.dev
    assert len(dev.actual) == len(dev.predicted) == len(diabetes.split.dev)
    chosen = min(study.summary.retrain.scores)
    errors = [(actual - guess) ** 2 for actual, guess in zip(dev.actual, dev.predicted, strict=True)]
    assert (sum(errors) / len(errors)) ** 0.5 == pytest.approx(chosen, rel=1e-4)
    test = study.evaluate_test()
    assert test["interval_kind"] == "bootstrap 95 %" and test["of"] == "rmse"
    low, high = test["interval"]
    assert low < test["metrics"]["rmse"] < high
    assert study.evaluate_test()["interval"] == [low, high]


def test_a_metric_of_another_task_is_refused(digits: Dataset) -> None:
    with pytest.raises(SettingsError, match="'rmse' doesn't suit a classes target"):
        tune(digits, **FEW, metric="rmse")


def test_manual_tries_the_list_in_order(digits: Dataset) -> None:
    wanted = [{"learning_rate": rate, "dropout": 0.1} for rate in (0.003, 0.03, 0.0003)]
    study = untrained(digits, **FEW, method="manual", method_options={"configurations": wanted})
    assert [trial.params for trial in study.trials] == wanted
    assert {trial.origin for trial in study.trials} == {"manual"}


def test_a_trial_says_who_proposed_it(digits: Dataset) -> None:
    wished = {"learning_rate": 0.003, "dropout": 0.1}
    usual = untrained(digits, **FEW, method="bayes")
    assert [trial.origin for trial in usual.trials] == ["default", *["bayes"] * (len(usual.trials) - 1)]
    asked = untrained(digits, **FEW, method="random", method_options={"first": [wished]})
    assert [trial.origin for trial in asked.trials] == ["first", *["random"] * (len(asked.trials) - 1)]
    assert asked.trials[0].params == wished


def test_a_trial_says_what_ended_it(digits: Dataset) -> None:
    study = untrained(digits, **SMALL, trials=12, method_options={"first": [{"learning_rate": 0.1, "dropout": 0.0}]})
    assert {trial.ended_by for trial in study.trials} == {EndReason.ALL_EPOCHS, EndReason.PRUNED}
    for trial in study.trials:
        assert (trial.ended_by is EndReason.PRUNED) == (trial.status is Status.STOPPED)


def test_sobol_spreads_more_evenly_than_its_neighbours_repeat(digits: Dataset) -> None:
    study = untrained(digits, **FEW | {"trials": 8, "epochs": 1}, method="sobol")
    halves = sorted(int(trial.params["dropout"] >= 0.25) for trial in study.trials)
    assert halves == [0] * 4 + [1] * 4  # a base-2 sequence fills both halves equally


@pytest.mark.parametrize("stopper", STOPPERS)
def test_every_stopper_ends_every_trial(stopper: str, digits: Dataset) -> None:
    options = {"patience": {"patience": 1}, "curve": {}}.get(stopper, {})
    study = untrained(
        digits, **FEW | {"trials": 12, "epochs": 9, "stopper": stopper, "stopper_options": options, "n_jobs": 3}
    )
    assert len(study.trials) == 12
    assert all(trial.status in (Status.FINISHED, Status.STOPPED) for trial in study.trials)
    assert all(trial.reason for trial in study.trials)
    assert all(trial.epoch == 9 for trial in study.trials if trial.status is Status.FINISHED)
    assert all(len(trial.curve) == trial.epoch for trial in study.trials)
    assert any(trial.status is Status.FINISHED for trial in study.trials)
    if stopper in ("median", "halving", "hyperband", "asha"):
        assert any(trial.status is Status.STOPPED for trial in study.trials)


def test_class_weights_change_the_training(digits: Dataset) -> None:
    plain = tune(digits, **FEW)
    weighted = tune(digits, **FEW | {"params": ONE_SHAPE | {"class_weight": "balanced"}}, metric="loss")
    assert weighted.summary.best.config["class_weight"] == "balanced"
    assert [t.params for t in weighted.trials] == [t.params for t in plain.trials]
    same = tune(digits, **FEW, metric="loss")
    assert [t.score for t in weighted.trials] != [t.score for t in same.trials]


def names_searched(data: Dataset, **params: Any) -> set[str]:
    return set(set_up(StudySettings(params=params), data, StubExecutor()).space.names)


def test_fixed_hyperparameters_leave_the_default_space(digits: Dataset) -> None:
    every = names_searched(digits)
    assert {"learning_rate", "optimizer", "momentum", "units"} <= every
    assert names_searched(digits, units=32, layers=1) == every - {"units", "layers"}
    assert names_searched(digits, optimizer="adam") == every - {"optimizer", "momentum"}
    assert names_searched(digits, optimizer="momentum") == every - {"optimizer"}
    fixed = set_up(StudySettings(params={"optimizer": "momentum"}), digits, StubExecutor()).space.parameters["momentum"]
    assert fixed.when is None


def test_the_default_space_is_searched_around_what_is_fixed(digits: Dataset) -> None:
    fixed = ONE_SHAPE | {"norm": "none"}
    study = untrained(digits, **FEW | {"space": None, "params": fixed, "trials": 6, "epochs": 1})
    for trial in study.trials:
        assert not set(trial.params) & set(fixed)
        assert ("momentum" in trial.params) == (trial.params["optimizer"] == "momentum")
    assert study.summary.best.config["units"] in (16, (16,), [16])


def test_conditions_and_values_by_layer(digits: Dataset) -> None:
    space = {
        "layers": {"low": 1, "high": 2},
        "units": {"choices": [8, 16], "per": "layers"},
        "optimizer": ["adam", "momentum"],
        "momentum": {"low": 0.5, "high": 0.9, "when": {"optimizer": ["momentum"]}},
    }
    study = untrained(digits, **FEW | {"space": space, "params": {"batch_size": 64}, "trials": 10, "epochs": 2})
    assert {trial.params["layers"] for trial in study.trials} == {1, 2}
    for trial in study.trials:
        assert len(trial.params["units"]) == trial.params["layers"]
        assert ("momentum" in trial.params) == (trial.params["optimizer"] == "momentum")
        assert trial.status is Status.FINISHED
    assert study.best is not None
    sizes = [layer["kernel"].shape[1] for layer in study.model().params]
    assert sizes == [*study.best.params["units"], 10]


def test_a_space_of_unknown_names_is_refused_before_anything_is_made(digits: Dataset, tmp_path: Any) -> None:
    with pytest.raises(SpaceError, match=r"names 'learning_rat'.*'learning_rate'"):
        tune(digits, **FEW | {"space": {"learning_rat": SPACE["learning_rate"]}}, out=tmp_path / "study")
    assert not (tmp_path / "study").exists()
