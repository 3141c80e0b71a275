"""A study's model on rows that it wasn't trained on: confusion matrix (validation), test score with an interval.

accuracy   Wilson's interval of a share
rmse       percentile interval of a bootstrap over rows; of several targets the mean of each one's own rmse, as
           scikit-learn has it, both in the score and in every resample
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paceline.data import Dataset, Subset, Task
from paceline.model import Model
from paceline.seeds import generator
from paceline.study.setup import Setup
from paceline.summary import DevPredictions, TestResult

Z95 = 1.959963984540054
BOOTSTRAPS = 2000
SHOWN_RESIDUALS = 2000


def on_dev(setup: Setup, model: Model) -> DevPredictions:
    """The model on its validation rows: a confusion matrix, or actual against predicted numbers of the first target.

    Where cross-validation has no validation set, the rows are those of fold 0, which it wasn't trained on either.
    """
    part = dev_part(setup)
    predicted = model.predict(part.features)
    if setup.data.task is Task.REGRESSION:
        actual = np.asarray(part.target, np.float64).reshape(len(part), -1)[:, 0]
        shown = np.linspace(0, len(part) - 1, min(len(part), SHOWN_RESIDUALS)).astype(np.int64)
        values = predicted.reshape(len(part), -1)[:, 0]
        return DevPredictions(
            target=setup.data.target_names[0],
            actual=tuple(actual[shown].tolist()),
            predicted=tuple(values[shown].tolist()),
        )
    if setup.data.task is Task.MULTILABEL:
        return DevPredictions()
    labels = [str(plain(label)) for label in setup.data.classes]
    place = {label: index for index, label in enumerate(labels)}
    truth = model.target.encode(part.target)
    true = (truth[:, 0] > 0.5).astype(int) if setup.data.task is Task.BINARY else truth.argmax(axis=1)
    matrix = np.zeros((len(labels), len(labels)), np.int64)
    for row, label in zip(true, predicted, strict=True):
        matrix[row, place[str(plain(label))]] += 1
    return DevPredictions(labels=tuple(labels), confusion=tuple(map(tuple, matrix.tolist())))


def dev_part(setup: Setup) -> Subset:
    """The validation rows of the retrained model: the split's, or where it has none those of fold 0."""
    data, settings = setup.data, setup.settings
    if len(data.split.dev):
        return data.dev
    rows = data.fold_rows(0, settings.folds, settings.seed)[1]
    return Subset("dev", data.features.iloc[rows], data.target.iloc[rows], rows)


def plain(value: Any) -> Any:
    """A label as JSON data."""
    return value.item() if isinstance(value, np.generic) else value


def on_test(data: Dataset, model: Model, seed: int) -> TestResult:
    """Metrics on the test rows with a 95 % interval: Wilson's for accuracy, bootstrap for rmse."""
    part = data.test
    metrics = model.evaluate(part)
    found = TestResult(rows=len(part), metrics=metrics)
    if "accuracy" in metrics:
        interval = wilson(round(metrics["accuracy"] * len(part)), len(part))
        return dataclasses.replace(found, interval=interval, of="accuracy", interval_kind="Wilson 95 %")
    predicted = np.asarray(model.predict(part.features), np.float64).reshape(len(part), -1)
    squared = (predicted - np.asarray(part.target, np.float64).reshape(len(part), -1)) ** 2
    interval = rmse_interval(squared, metrics["rmse"], generator(seed, "bootstrap"))
    return dataclasses.replace(found, interval=interval, of="rmse", interval_kind="bootstrap 95 %")


def wilson(hits: int, rows: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927).

    >>> tuple(round(bound, 4) for bound in wilson(9, 10))
    (0.5958, 0.9821)
    """
    share, z2 = hits / rows, Z95 * Z95
    centre = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    half = Z95 / (1 + z2 / rows) * math.sqrt(share * (1 - share) / rows + z2 / (4 * rows * rows))
    return max(0.0, centre - half), min(1.0, centre + half)


def rmse_interval(squared: NDArray[np.float64], estimate: float, rng: np.random.Generator) -> tuple[float, float]:
    """95 % interval of an rmse that holds the estimate itself.

    The root is concave, so resampled values lie a little low. With many targets and few rows even the upper end of
    the percentiles can lie below the estimate; the interval then ends at it.
    """
    low, high = bootstrap_root_mean(squared, rng)
    return min(low, estimate), max(high, estimate)


def bootstrap_root_mean(squared: NDArray[np.float64], rng: np.random.Generator) -> tuple[float, float]:
    """95 % percentile interval of the root of the mean of `squared` (rows,) or (rows, targets): of several targets
    the mean of their roots. Rows are drawn, all targets of a row together."""
    table = squared.reshape(len(squared), -1)
    draws = (table[rng.integers(0, len(table), len(table))] for _ in range(BOOTSTRAPS))
    low, high = np.quantile([np.sqrt(draw.mean(axis=0)).mean() for draw in draws], [0.025, 0.975])
    return float(low), float(high)
