"""How trials and studies end: budgets, targets, used-up spaces, divergence, failures, early stopping."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_studies import ONE_SHAPE, SMALL, interrupt_after, untrained

from paceline.data import Dataset
from paceline.errors import StudyError
from paceline.pack.trials import PreparedTrial
from paceline.records import COLUMNS, EndReason, Status
from paceline.seeds import seed_for
from paceline.store import open_store
from paceline.study import StudyInterrupted, resume, tune
from paceline.summary import Summary
from paceline.testing.executors import Rows, falling

pytestmark = pytest.mark.compiles

FEW: dict[str, Any] = SMALL | {"stopper": "none", "stopper_options": {"size": 4}}


def test_the_time_budget_ends_the_search(digits: Dataset) -> None:
    study = tune(digits, **FEW | {"epochs": 2000}, minutes=1e-4)
    sentence = "the time limit of 0.0001 minutes was reached"
    assert study.state == "finished"
    assert study.summary.ended == sentence
    assert len(study.trials) == 8  # the two cohorts that were in flight
    assert {(trial.status, trial.reason) for trial in study.trials} == {(Status.STOPPED, sentence)}
    assert all(trial.epoch < 2000 for trial in study.trials)


def test_a_resumed_study_has_what_is_left_of_its_time(digits: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    with pytest.raises(StudyInterrupted):
        tune(digits, **FEW | {"epochs": 2000}, minutes=5.0, out=folder, progress=interrupt_after(0))
    with open_store(str(folder / "study.db"), create=False) as store:
        before = store.study().summary.seconds
        assert 0 < before < 200
        store.update_study(summary=Summary(seconds=299.9))
    again = resume(folder, data=digits)
    assert again.summary.ended == "the time limit of 5 minutes was reached"
    assert 299.9 < again.summary.seconds < 330


@pytest.mark.parametrize(("metric", "target"), [("error", 0.5), ("accuracy", 0.5)])
def test_the_target_score_ends_the_search(metric: str, target: float, digits: Dataset) -> None:
    study = untrained(digits, **FEW, trials=40, metric=metric, target_score=target)
    assert len(study.trials) < 40
    assert study.best is not None and study.best.score is not None
    reached = study.best.score <= target if metric == "error" else study.best.score >= target
    assert reached
    assert study.summary.ended.endswith(f"reached the target score {target:g}")
    again = untrained(digits, **FEW, trials=40, metric=metric, target_score=target)
    assert [trial.number for trial in again.trials] == [trial.number for trial in study.trials]


@pytest.mark.parametrize("method", ["grid", "random"])
def test_a_used_up_space_ends_the_search(method: str, digits: Dataset) -> None:
    space = {"activation": ["relu", "tanh"], "dropout": [0.0, 0.2, 0.4]}
    study = untrained(digits, **FEW | {"space": space, "epochs": 2}, trials=30, method=method)
    points = {(trial.params["activation"], trial.params["dropout"]) for trial in study.trials}
    assert len(study.trials) == len(points) == 6
    assert study.summary.ended == "the search space is used up"


def test_a_study_whose_trials_all_diverge_says_so_and_no_more(digits: Dataset, tmp_path: Any) -> None:
    changes = {"space": {"learning_rate": [1e6, 2e6, 3e6]}, "params": ONE_SHAPE | {"optimizer": "sgd"}}
    study = tune(digits, **FEW | changes, trials=3, out=tmp_path / "study")
    assert study.state == "finished"
    assert {trial.status for trial in study.trials} == {Status.DIVERGED}
    assert all(trial.reason == f"diverged in epoch {trial.epoch}" for trial in study.trials)
    assert study.best is None
    assert study.summary.best is None and study.summary.retrain is None and study.summary.tied is None
    assert study.summary.stopped == {"diverged": 3}
    assert list(study.frame()["status"]) == ["diverged"] * 3
    assert (tmp_path / "study" / "report.html").stat().st_size > 0
    with pytest.raises(StudyError, match="has no model: no trial ended with a finite score"):
        study.model()
    with pytest.raises(StudyError, match="has no model: no trial ended with a finite score"):
        study.evaluate_test()


def failing_third(trial: PreparedTrial, epochs: int) -> Rows:
    if trial.seed == seed_for(0, "trial", 2):
        raise RuntimeError("no memory left.\nmore")
    return falling(trial, epochs)


def test_a_trial_that_can_not_be_run_fails_alone(digits: Dataset) -> None:
    study = untrained(digits, failing_third, **SMALL, trials=12)
    failed = study.trials[2]
    assert (failed.status, failed.reason) == (Status.FAILED, "could not be run: no memory left.")
    assert failed.ended_by is EndReason.FAILED
    assert all(trial.status in (Status.FINISHED, Status.STOPPED) for trial in study.trials if trial.number != 2)
    assert study.best is not None and study.best.number != 2
    assert study.summary.stopped["failed"] == 1


def test_early_stopping_finishes_trials(digits: Dataset) -> None:
    study = tune(digits, **FEW | {"params": ONE_SHAPE | {"patience": 1}, "epochs": 30}, trials=6)
    early = [trial for trial in study.trials if trial.epoch < 30]
    assert early
    for trial in early:
        assert trial.status is Status.FINISHED
        assert trial.reason == f"early stopping after epoch {trial.epoch}"
        assert trial.ended_by is EndReason.EARLY_STOPPING
        assert trial.best_epoch == trial.epoch - 1 and trial.score == trial.curve[-2]
    assert study.summary.stopped["finished: early stopping"] == len(early)


@pytest.mark.parametrize("select", ["best", "last"])
def test_trials_are_judged_at_the_selected_epoch(select: str, digits: Dataset) -> None:
    study = tune(digits, **FEW, trials=6, select=select)
    for trial in study.trials:
        best = min(trial.curve)
        assert trial.score == (best if select == "best" else trial.curve[-1])
        assert trial.best_epoch == (trial.curve.index(best) + 1 if select == "best" else 9)
    scores = [trial.score for trial in study.trials if trial.score is not None]
    assert study.best is not None and study.best.score == min(scores)
    # The model is of the same epoch: its dev error is the retrained seed's score.
    dev_error = study.model().evaluate(digits.dev)["error"]
    assert dev_error == pytest.approx(min(study.summary.retrain.scores), abs=1e-6)


def without_a_last_value(trial: PreparedTrial, epochs: int) -> Rows:
    """A dev part may hold one class only as far as its AUC goes; here no metric is a number after the second epoch."""
    rows = falling(trial, epochs)
    rows[2:, COLUMNS.index("error")] = np.nan
    return rows


def test_a_metric_that_is_no_number_at_the_last_epoch_is_no_score(digits: Dataset) -> None:
    last = untrained(digits, without_a_last_value, **FEW, trials=3, select="last")
    assert {trial.status for trial in last.trials} == {Status.FINISHED}
    assert [(trial.score, trial.score_sd) for trial in last.trials] == [(None, None)] * 3
    assert last.best is None and last.summary.problems == ()
    best = untrained(digits, without_a_last_value, **FEW, trials=3)
    assert {trial.best_epoch for trial in best.trials} == {2} and best.best is not None
