"""A warm start: what is carried over, what runs first, and that a resumed study needs the older one no more."""

import shutil
from pathlib import Path

import pytest
from small_studies import SMALL, SPACE, interrupt_after, outcome

from paceline.data import Dataset
from paceline.errors import SettingsError, StudyError
from paceline.net.dense.hyperparameters import DenseHyperparameters
from paceline.search.surrogate.earlier import MAX_EARLIER
from paceline.space import Space
from paceline.study import Study, StudyInterrupted, resume, tune
from paceline.study.warm import earlier_of, placed, translated_results
from paceline.summary import WarmStart

pytestmark = pytest.mark.compiles

FEW = SMALL | {"trials": 8, "epochs": 3, "stopper": "none", "retrain": 1}


@pytest.fixture(scope="module")
def older(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return tune(digits, **FEW, seed=5, name="older", out=tmp_path_factory.mktemp("older") / "study")


def best_three(study: Study) -> list[dict[str, object]]:
    ranked = sorted(study.trials, key=lambda trial: trial.score if trial.score is not None else 9.0)
    return [trial.params for trial in ranked[:3]]


@pytest.mark.parametrize("method", ["random", "genetic", "tpe", "bayes", "coarse_to_fine"])
def test_the_best_run_first(method: str, older: Study, digits: Dataset) -> None:
    study = tune(digits, **FEW | {"trials": 5}, method=method, warm_start=older)
    assert [trial.params for trial in study.trials[:3]] == best_three(older)
    assert [trial.origin for trial in study.trials[:3]] == ["warm start"] * 3
    assert {trial.origin for trial in study.trials[4:]} == {method}
    results = 8 if method == "bayes" else 0
    assert study.summary.warm_start == WarmStart("older", 3, results)


def test_a_population_can_begin_warm(older: Study, digits: Dataset) -> None:
    options = {"size": 4, "interval": 1}
    study = tune(
        digits, **FEW | {"trials": None, "minutes": 0.05}, method="population", method_options=options, warm_start=older
    )
    assert [trial.params for trial in study.trials[:3]] == best_three(older)


def test_a_resumed_study_equals_a_whole_one_though_the_older_is_gone(
    older: Study, digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.study.loop.WAIT_SECONDS", 0.001)
    assert older.folder is not None
    copy = shutil.copytree(older.folder, tmp_path / "copy")
    settings = FEW | {"method": "bayes", "method_options": {"startup": 2}, "trials": 12}
    whole = tune(digits, **settings, warm_start=older.folder)
    with pytest.raises(StudyInterrupted):
        tune(digits, **settings, warm_start=copy, out=tmp_path / "new", progress=interrupt_after(5))
    shutil.rmtree(copy)
    assert outcome(resume(tmp_path / "new", data=digits)) == outcome(whole)
    cold = tune(digits, **settings)
    assert [trial.params for trial in cold.trials[4:]] != [trial.params for trial in whole.trials[4:]]


def test_configurations_are_carried_over_by_what_they_mean() -> None:
    space = Space(
        {
            "optimizer": ["adam", "momentum"],
            "momentum": {"low": 0.5, "high": 0.99, "when": {"optimizer": ["momentum"]}},
            "layers": [1, 2],
            "units": {"choices": [32, 64], "per": "layers"},
            "dropout": {"low": 0.0, "high": 0.5},
        }
    )
    usual = {"optimizer": "adam", "layers": 2, "units": [32, 32], "dropout": 0.0}
    assert placed({"units": 32}, space, DenseHyperparameters()) == usual
    assert (
        placed({"units": [32, 32], "momentum": 0.3}, space, DenseHyperparameters()) == usual
    )  # momentum says nothing of adam
    assert placed({"units": 48}, space, DenseHyperparameters()) is None
    assert placed({"optimizer": "momentum", "units": 32, "momentum": 0.3}, space, DenseHyperparameters()) is None
    earlier = {"from": "x", "results": [[{"units": 48}, -2.0], [{"units": 32}, 0.0], [{"units": [32, 32]}, 1.0]]}
    assert translated_results(earlier, space, DenseHyperparameters()) == [(usual, 0.0)]


def test_what_is_kept_is_small_and_best_first(older: Study) -> None:
    many = [trial for trial in older.trials for _ in range(40)]
    found = earlier_of(older.record, many)
    losses = [loss for _, loss in found["results"]]
    assert len(losses) == MAX_EARLIER and losses == sorted(losses)
    assert found["results"][0][0] == SMALL["params"] | best_three(older)[0]


def test_bad_warm_starts_are_refused(older: Study, digits: Dataset, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="holds no study"):
        tune(digits, **FEW, warm_start=tmp_path)
    with pytest.raises(SettingsError, match="'manual' runs its own list"):
        tune(digits, **FEW, method="manual", method_options={"configurations": best_three(older)}, warm_start=older)
    narrow = SPACE | {"dropout": {"low": 0.501, "high": 0.6}}
    with pytest.raises(SettingsError, match="no configuration of the study 'older' lies in"):
        tune(digits, **FEW | {"space": narrow}, warm_start=older)
    with pytest.raises(StudyError, match="no trial of the study 'older' has a score"):
        earlier_of(older.record, [])
