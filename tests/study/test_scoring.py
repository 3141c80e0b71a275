"""The test score's interval is of the score that is shown: with several targets the mean of each one's own rmse."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import root_mean_squared_error
from small_studies import SMALL

from paceline.data import load
from paceline.reporting.page import report_html
from paceline.study import Study, tune
from paceline.study.scoring import bootstrap_root_mean, rmse_interval

shapes = st.tuples(st.integers(1, 12), st.integers(1, 5))
errors = shapes.flatmap(lambda shape: arrays(np.float64, shape, elements=st.floats(-1e6, 1e6)))


@settings(max_examples=60, deadline=None)
@given(errors, st.integers(0, 2**32 - 1))
def test_the_interval_holds_the_rmse_of_sklearn(residuals: np.ndarray, seed: int) -> None:
    estimate = float(root_mean_squared_error(residuals, np.zeros_like(residuals)))
    low, high = rmse_interval(residuals**2, estimate, np.random.default_rng(seed))
    assert low <= estimate <= high


def test_of_one_target_it_is_the_percentile_interval() -> None:
    squared = np.random.default_rng(0).normal(size=(200, 1)) ** 2
    estimate = float(np.sqrt(squared.mean()))
    low, high = rmse_interval(squared, estimate, np.random.default_rng(1))
    assert low < estimate < high and (low, high) == bootstrap_root_mean(squared, np.random.default_rng(1))


def test_a_target_of_large_numbers_doesn_t_drown_the_others() -> None:
    squared = np.random.default_rng(0).normal(size=(400, 2)) ** 2 * [1.0, 1e6]
    low, high = bootstrap_root_mean(squared, np.random.default_rng(1))
    mean = np.sqrt(squared.mean(axis=0)).mean()
    assert low < mean < high and mean == pytest.approx(500, rel=0.1)
    assert np.sqrt(squared.mean()) > high, "the pooled root is another figure"


@pytest.fixture(scope="module")
def study() -> Study:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    table = pd.DataFrame(x, columns=["a", "b", "c"])
    table["small"] = x @ [1.0, 2.0, 0.0] + 0.1 * rng.normal(size=300)
    table["large"] = 1000 * (x @ [0.0, 1.0, -1.0]) + 50 * rng.normal(size=300)
    return tune(load(table, target=["small", "large"]), **SMALL | {"epochs": 4}, trials=2)


@pytest.mark.compiles
def test_a_study_of_two_targets_reports_an_interval_around_its_score(study: Study) -> None:
    found = study.evaluate_test()
    assert found["interval"][0] < found["metrics"]["rmse"] < found["interval"][1]


@pytest.mark.compiles
def test_the_drawing_of_residuals_names_its_target(study: Study) -> None:
    assert study.summary.dev is not None and study.summary.dev.target == "small"
    assert "Target small, on " in report_html(study.record, study.trials, [], None)
