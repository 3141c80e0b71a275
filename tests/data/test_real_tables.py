"""Tables as users have them; skipped where the shared data isn't there."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from paceline.data import Dataset, Task, load

TABLES = Path(__file__).parents[2].parent / "shared" / "data" / "tables"


def real(name: str) -> Path:
    if not (TABLES / name).exists():
        pytest.skip(f"no {TABLES / name}")
    return TABLES / name


def check(data: Dataset) -> None:
    for fold in (data.fold(), data.fold(2, folds=5)):
        for x, y in ((fold.x_train, fold.y_train), (fold.x_dev, fold.y_dev)):
            assert x.dtype == y.dtype == np.float32 and x.flags.c_contiguous
            assert np.isfinite(x).all() and np.isfinite(y).all()
            assert x.shape == (len(y), len(fold.inputs.feature_names)) and y.shape[1] == data.n_outputs


def test_adult() -> None:
    start = time.perf_counter()
    data = load(real("adult.csv"), target="target")
    data.fold()
    taken = time.perf_counter() - start
    check(data)
    assert len(data) == 48_842 and data.task is Task.BINARY and data.classes == ("<=50K", ">50K")
    assert [column.kind for column in data.columns].count("category") == 8
    assert int(data.features.isna().sum().sum()) == 6465
    assert {name for name in data.fold().inputs.feature_names if name.endswith("missing")} == {
        "workclass missing",
        "occupation missing",
        "native-country missing",
    }
    assert taken < 4  # 0.3 s on a quiet core


def test_adult_as_text_is_adult() -> None:
    data = load(real("adult.csv"))
    raw = pd.read_csv(real("adult.csv"), dtype=str, keep_default_na=False).iloc[:2000]
    fold = data.fold()
    assert np.array_equal(fold.inputs.transform(raw), fold.inputs.transform(data.features.iloc[:2000]))
    assert np.array_equal(fold.target.encode(raw["target"]), fold.target.encode(data.target.iloc[:2000]))


def test_dry_bean() -> None:
    data = load(real("dry_bean.csv"), target="target")
    check(data)
    assert data.n_outputs == 7 and len(data.columns) == 16
    for part in (data.train, data.dev, data.test):
        exact = data.target.value_counts() * len(part) / len(data)
        assert ((part.target.value_counts() - exact).abs() < 1).all()


def test_california_housing() -> None:
    data = load(real("california_housing.parquet"), target="target")
    check(data)
    assert data.task is Task.REGRESSION and (data.features.dtypes == np.float32).all()


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("abalone", Task.REGRESSION),
        ("credit_g", Task.BINARY),
        ("letter", Task.CLASSES),
        ("phoneme", Task.BINARY),
        ("r_concrete", Task.REGRESSION),
        ("segment", Task.CLASSES),
        ("vehicle", Task.CLASSES),
    ],
)
def test_the_task_is_found(name: str, task: Task) -> None:
    data = load(real(f"{name}.parquet"))
    check(data)
    assert data.task is task
