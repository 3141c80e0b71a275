"""Cross-validation needs no dev part beside its folds: all rows that aren't test rows take part in it."""

import numpy as np
import pytest
from small_studies import SMALL

from paceline.data import Dataset, load
from paceline.errors import DataError
from paceline.reporting import recipe_code
from paceline.study import Study, tune


@pytest.fixture(scope="module", params=["wine", "diabetes"])
def data(request: pytest.FixtureRequest) -> Dataset:
    return load(request.param, split={"dev": 0})


@pytest.fixture(scope="module")
def study(data: Dataset) -> Study:
    return tune(data, **SMALL | {"refit": True, "epochs": 4}, folds=5, trials=3, seed=3)


@pytest.mark.compiles
def test_the_winner_is_retrained_on_fold_0_and_refitted_on_all_rows(data: Dataset, study: Study) -> None:
    summary = study.summary
    assert study.state == "finished" and summary.problems == ()
    assert summary.refit is not None and summary.refit.rows == len(data.split.train)
    assert summary.retrain is not None and None not in summary.retrain.scores
    assert summary.split is not None and summary.split.dev == 0


@pytest.mark.compiles
def test_the_dev_predictions_are_those_of_fold_0(data: Dataset, study: Study) -> None:
    rows = data.fold_rows(0, 5, 3)[1]
    dev = study.summary.dev
    assert dev is not None
    if data.classes:
        assert np.sum(dev.confusion) == len(rows)
        counts = data.target.iloc[rows].value_counts()
        assert np.sum(dev.confusion, axis=1).tolist() == [counts[label] for label in data.classes]
    else:
        assert list(dev.actual) == data.target.iloc[rows].tolist() and dev.target == data.target_name


@pytest.mark.compiles
def test_without_a_refit_the_model_is_that_of_fold_0(data: Dataset) -> None:
    study = tune(data, **SMALL | {"epochs": 4}, folds=5, trials=2, seed=3)
    dev = data.fold_rows(0, 5, 3)[1]
    metric = study.record.environment["metric"]
    assert study.summary.retrain is not None
    scores = study.model().evaluate(data.features.iloc[dev], data.target.iloc[dev])
    best = min(score for score in study.summary.retrain.scores if score is not None)
    assert scores[metric] == pytest.approx(best, rel=1e-4)


def test_without_folds_a_dev_part_is_asked_for(data: Dataset) -> None:
    with pytest.raises(DataError, match="has no validation set"):
        tune(data, **SMALL, trials=1)
    with pytest.raises(DataError, match="has no validation set"):
        data.train_dev_fold()


@pytest.mark.compiles
def test_the_recipe_of_the_report_has_validation_rows_to_train_with() -> None:
    data = load("wine", split={"dev": 0})
    study = tune(data, **SMALL | {"epochs": 2}, folds=3, trials=1)
    assert study.best is not None
    settings = {**study.record.settings, "data": "wine", "split": {"dev": 0, "test": 0.2}}
    record = type(study.record)(study.name, settings, study.record.environment, study.record.goal)
    code = recipe_code(record, study.best)
    assert "'test': 0.2" in code and "'dev'" not in code
