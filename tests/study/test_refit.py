"""The delivered model: the winner trained on train and validation rows together, for as long as the seeds' runs say."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_studies import SMALL

from paceline.data import Dataset
from paceline.model import load_model
from paceline.net import Family
from paceline.pack.folds import FoldArrays, FoldData
from paceline.runs import train_arrays
from paceline.settings import StudySettings
from paceline.study import Study, tune
from paceline.study.public import begin
from paceline.study.refit import last_good_epoch
from paceline.testing import StubExecutor

pytestmark = pytest.mark.compiles

REFIT: dict[str, Any] = SMALL | {"refit": True, "trials": 4}


def test_the_refitted_model_is_the_winner_trained_on_both_parts(digits: Dataset, tmp_path: Path) -> None:
    study = tune(digits, **REFIT, out=tmp_path / "study")
    best, refit = study.best, study.summary.refit
    assert best is not None and 1 <= refit.epochs <= SMALL["epochs"]
    assert refit.rows == len(digits.split.train) + len(digits.split.dev)
    fold, epochs = digits.train_dev_fold(), refit.epochs
    config = study.model().config
    assert config.patience is None
    # One epoch's schedule is the study's, so train for all epochs and compare at the one that was chosen: a constant
    # rate makes both the same.
    assert config.schedule == "constant"
    alone = train_arrays(
        config, fold.x_train, fold.y_train, fold.x_dev, fold.y_dev, task="classes", seed=best.seed, epochs=epochs
    )
    for ours, theirs in zip(study.model().params, alone.last.params, strict=True):
        for name, array in ours.items():
            np.testing.assert_array_equal(array, theirs[name])
    saved = load_model(tmp_path / "study")
    np.testing.assert_array_equal(saved.outputs(digits.test.features), study.model().outputs(digits.test.features))


def test_the_dev_evidence_stays_that_of_a_model_that_never_saw_dev_rows(digits: Dataset) -> None:
    plain, refitted = tune(digits, **SMALL, trials=4), tune(digits, **REFIT)
    assert plain.summary.refit is None
    assert refitted.summary.dev == plain.summary.dev
    assert refitted.summary.retrain == plain.summary.retrain


def test_a_plateau_schedule_is_not_refitted(digits: Dataset) -> None:
    study = tune(digits, **REFIT | {"params": SMALL["params"] | {"schedule": "plateau"}})
    assert study.summary.refit.epochs == 0 and "follows the validation score" in study.summary.refit.reason
    chosen = min(study.summary.retrain.scores)
    assert study.model().evaluate(digits.dev)["error"] == pytest.approx(chosen, abs=1e-6)


def test_select_last_refits_for_all_epochs(digits: Dataset) -> None:
    assert tune(digits, **REFIT | {"select": "last"}).summary.refit.epochs == SMALL["epochs"]


def test_whole_learns_from_both_parts_and_shows_dev_rows_the_same_way(digits: Dataset) -> None:
    whole = digits.train_dev_fold()
    assert set(whole.rows_train) == set(digits.split.train) | set(digits.split.dev)
    np.testing.assert_allclose(whole.x_train.mean(axis=0), 0.0, atol=1e-5)
    np.testing.assert_array_equal(whole.x_dev, whole.inputs.transform(digits.dev.features))


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=8), min_size=1, max_size=5))
def test_the_refit_epoch_is_no_worse_than_two_standard_errors(curves: list[list[float]]) -> None:
    length = min(map(len, curves))
    chosen = last_good_epoch(curves)
    means = [np.mean([curve[epoch] for curve in curves]) for epoch in range(length)]
    lowest = int(np.argmin(means))
    spreads = [np.std([curve[epoch] for curve in curves], ddof=1) for epoch in range(lowest, length) if len(curves) > 1]
    error = 2 * np.mean(spreads) / len(curves) ** 0.5 if spreads else 0.0
    assert lowest + 1 <= chosen <= length
    assert means[chosen - 1] <= means[lowest] + error + 1e-12
    assert all(mean > means[lowest] + error - 1e-12 for mean in means[chosen:])


def test_epochs_without_a_finite_score_are_never_chosen() -> None:
    assert last_good_epoch([[1.0, 0.5, float("nan")], [1.0, 0.5, 0.5]]) == 2


def test_where_no_epoch_is_finite_in_all_runs_none_is_chosen() -> None:
    assert last_good_epoch([[1.0, float("nan")], [float("nan"), 1.0]]) == 0


class Watching(StubExecutor):
    """Knows which folds it holds, and the most at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.held: set[str] = set()
        self.most: list[int] = []

    def put_fold(self, family: Family, arrays: FoldArrays, most_rows: tuple[int, int] = (0, 0)) -> FoldData:
        fold = super().put_fold(family, arrays, most_rows)
        self.held.add(fold.handle)
        self.most.append(len(self.held))
        return fold

    def drop_fold(self, fold: FoldData) -> None:
        self.held.discard(fold.handle)


def test_the_search_s_arrays_are_freed_before_those_of_all_rows_are_taken_in(digits: Dataset) -> None:
    watching = Watching()
    asked = {name: value for name, value in REFIT.items() if name != "space"}
    settings = StudySettings(search=REFIT["space"], **asked, folds=3)
    study = begin(settings, digits, None, executors=lambda _: watching)
    assert isinstance(study, Study) and study.summary.refit is not None and study.summary.refit.epochs
    assert watching.most == [1, 2, 3, 4, 2], "three folds, that of retraining, then all rows beside the latter alone"
