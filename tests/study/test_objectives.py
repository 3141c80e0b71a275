"""Studies of several objectives: the front, its costs, resuming, and what is refused."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_studies import interrupt_after, outcome, untrained

from paceline.data import Dataset, load
from paceline.errors import SettingsError
from paceline.pack.trials import PreparedTrial
from paceline.records import COLUMNS, Trial
from paceline.store import read_store
from paceline.study import Study, StudyInterrupted, load_study
from paceline.study.front import BATCHES
from paceline.study.public import go_on
from paceline.testing import StubExecutor
from paceline.testing.executors import Rows, falling

SPACE = {
    "learning_rate": {"low": 1e-4, "high": 1e-1, "scale": "log"},
    "units": {"low": 9, "high": 16},  # one program
}
FEW: dict[str, Any] = {
    "space": SPACE,
    "params": {"layers": 1, "batch_size": 64, "norm": "none"},
    "epochs": 9,
    "n_jobs": 2,
    "retrain": 1,
    "refit": False,
    "method": "genetic",
    "trials": 40,
    "objectives": ["parameters", "f1"],
}


@pytest.fixture(scope="module")
def study(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return untrained(digits, **FEW, out=tmp_path_factory.mktemp("front") / "study")


def values(trial: Trial) -> tuple[float, ...]:
    return (trial.score if trial.score is not None else math.inf, *trial.costs)


@pytest.mark.compiles
def test_the_front_is_not_dominated_and_holds_the_best(study: Study) -> None:
    found = study.pareto()
    assert list(found.columns[:6]) == ["trial", "status", "epoch", "score", "parameters", "f1"]
    front = [study.trials[number] for number in found["trial"]]
    for one in front:
        assert not any(
            all(a <= b for a, b in zip(values(other), values(one), strict=True)) and values(other) != values(one)
            for other in study.trials
        )
    beaten = [t for t in study.trials if t.number not in set(found["trial"])]
    for one in beaten:
        assert any(all(a <= b for a, b in zip(values(other), values(one), strict=True)) for other in front)
    assert study.best is not None
    assert study.best.number == found["trial"][0] == study.summary.best.trial
    assert found["score"].is_monotonic_increasing
    assert study.summary.pareto.objectives == ("parameters", "f1")
    assert [member.trial for member in study.summary.pareto.front] == found["trial"].tolist()


@pytest.mark.compiles
def test_costs_are_sizes_and_metrics_at_the_chosen_epoch(study: Study) -> None:
    frame = study.frame()
    assert (frame["parameters"] == (61 + 1) * frame["units"] + (frame["units"] + 1) * 10).all()
    assert study.folder is not None
    with read_store(study.folder / "study.db") as store:
        measured = {block.trial: block.values for block in store.measurements()}
    for trial in study.trials:
        assert frame["f1"][trial.number] == measured[trial.number][trial.best_epoch - 1, COLUMNS.index("f1")]
        assert trial.costs == (frame["parameters"][trial.number], -frame["f1"][trial.number])
    assert load_study(study.folder).trials == study.trials


@pytest.mark.compiles
def test_the_front_is_timed_and_nothing_else(study: Study) -> None:
    times = study.summary.inference
    assert times.batches == BATCHES
    assert set(times.microseconds) == {str(number) for number in study.pareto()["trial"]}
    assert all(0 < each < 1e6 for row in times.microseconds.values() for each in row)
    assert study.pareto()["us_a_row_1"].tolist() == [times.microseconds[str(n)][0] for n in study.pareto()["trial"]]


@pytest.mark.usefixtures("telling_often")
def test_resume_equals_uninterrupted(study: Study, digits: Dataset, tmp_path: Path) -> None:
    with pytest.raises(StudyInterrupted) as caught:
        untrained(digits, **FEW | {"n_jobs": 1}, out=tmp_path / "study", progress=interrupt_after(9))
    assert len(caught.value.study.trials) < 40
    assert len(caught.value.study.pareto()) >= 1
    again = go_on(tmp_path / "study", None, digits, lambda _: StubExecutor())
    assert isinstance(again, Study) and outcome(again) == outcome(study)
    assert '"pareto"' in outcome(again)


def test_folds_and_an_auc_that_nothing_else_asks_for(digits: Dataset) -> None:
    breast = load("breast-cancer")
    few = FEW | {"trials": 3, "epochs": 2, "folds": 2, "stopper": "none", "objectives": ["auc", "operations"]}
    found = untrained(breast, **few)
    for trial in found.trials:
        auc, operations = trial.costs
        assert -1.0 <= auc < -0.2
        units = trial.params["units"]
        assert operations == units * (len(breast.columns) + 1)


def test_an_older_study_of_several_objectives_is_a_start(study: Study, digits: Dataset) -> None:
    found = untrained(digits, **FEW | {"trials": 4, "epochs": 2, "stopper": "none"}, older=study)
    older = {trial.params["units"] for trial in study.trials}
    assert {trial.params["units"] for trial in found.trials[:3]} <= older


def test_of_one_objective_the_front_is_the_best(whole: Study) -> None:
    assert whole.best is not None
    assert whole.pareto()["trial"].tolist() == [whole.best.number]
    assert whole.summary.pareto is None
    assert whole.summary.inference is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"objectives": ["parameter"]}, "parameters"),
        ({"objectives": ["parameters", "parameters"]}, "names 'parameters' twice"),
        ({"objectives": ["error"]}, "'error' is the metric itself"),
        ({"objectives": ["rmse"]}, "'rmse' doesn't suit a classes target"),
        ({"stop_at_noise": True}, "`stop_at_noise` judges one objective, but `objectives` names parameters, f1 too"),
        ({"method": "population", "stopper": "none"}, "'population' copies the best by the metric alone"),
    ],
)
def test_objectives_that_make_no_sense_are_refused(changes: dict[str, Any], words: str, digits: Dataset) -> None:
    with pytest.raises(SettingsError, match=words):
        untrained(digits, **FEW | changes)


def test_trials_that_end_without_a_score_have_no_costs(digits: Dataset) -> None:
    found = untrained(digits, diverging_at_once, **FEW | {"trials": 3, "epochs": 2})
    assert found.best is None and [trial.costs for trial in found.trials] == [()] * 3
    assert found.pareto()["trial"].tolist() == []


def test_a_study_without_a_score_has_the_columns_of_its_objectives(digits: Dataset) -> None:
    found = untrained(digits, diverging_at_once, **FEW | {"trials": 2})
    assert found.frame()["parameters"].isna().all() and found.frame()["f1"].isna().all()
    assert list(found.pareto().columns[:6]) == ["trial", "status", "epoch", "score", "parameters", "f1"]


def diverging_at_once(trial: PreparedTrial, epochs: int) -> Rows:
    return np.full_like(falling(trial, epochs), np.nan)


@pytest.mark.usefixtures("telling_often")
def test_a_study_that_has_no_trial_yet_has_columns(digits: Dataset) -> None:
    with pytest.raises(StudyInterrupted) as stopped:
        untrained(digits, **FEW, progress=interrupt_after(0))
    empty = dataclasses.replace(stopped.value.study, trials=[])
    assert list(empty.frame().columns) == [
        "trial",
        "status",
        "epoch",
        "score",
        "parameters",
        "f1",
        "best_epoch",
        "reason",
    ]
    assert len(empty.pareto()) == 0
