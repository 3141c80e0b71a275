"""The task and the classes that a target suggests, and targets that are none."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from paceline.data import Task, load
from paceline.data.target import class_codes, read_target
from paceline.errors import DataError
from paceline.records import task_name

RNG = np.random.default_rng(0)


def read(cells: Any, task: str | None = None) -> Any:
    return read_target(pd.DataFrame({"t": cells}), task)


@pytest.mark.parametrize(
    ("cells", "task", "classes"),
    [
        (["b", "a"] * 10, Task.BINARY, ("a", "b")),
        (["b", "a", "c", "a"] * 5, Task.CLASSES, ("a", "b", "c")),
        ([True, False] * 10, Task.BINARY, (False, True)),
        ([True, False, None] * 10, Task.BINARY, (False, True)),
        ([1, 0] * 10, Task.BINARY, (0, 1)),
        ([-1, 1] * 10, Task.BINARY, (-1, 1)),
        ([10, 9, 2] * 10, Task.CLASSES, (2, 9, 10)),
        (["10", "9", "2"] * 10, Task.CLASSES, ("2", "9", "10")),
        ([1.0, 2.0, np.nan] * 10, Task.BINARY, (1, 2)),
        ([0.0, 1.0, 2.0] * 10, Task.CLASSES, (0.0, 1.0, 2.0)),
        ([0.5, 1.5] * 10, Task.BINARY, (0.5, 1.5)),
        (list(range(10)) * 3, Task.CLASSES, tuple(range(10))),
        (list(range(26)) * 12, Task.CLASSES, tuple(range(26))),
        (pd.Categorical(["x", "y"] * 10, categories=["z", "y", "x"]), Task.BINARY, ("x", "y")),
        (RNG.normal(size=50), Task.REGRESSION, ()),
        (np.arange(50), Task.REGRESSION, ()),
        (RNG.integers(17, 90, 2000), Task.REGRESSION, ()),
        (np.arange(50).astype(str), Task.REGRESSION, ()),
        (RNG.choice([0.1, 0.2, 0.35], 50), Task.REGRESSION, ()),
        ([10, 200, 3000, 40, 5, 6, 71, 82, 93, 104, 9999, 12] * 4, Task.REGRESSION, ()),
    ],
)
def test_task_and_classes(cells: Any, task: Task, classes: tuple[Any, ...]) -> None:
    found = read(cells)
    assert found.task is task
    assert found.classes == classes
    assert [type(label) for label in found.classes] == [type(label) for label in classes]
    assert any(f"The task is {task_name(task)} because" in note for note in found.notes)


def test_the_user_overrules() -> None:
    assert read([1, 2, 3] * 10, "regression").task is Task.REGRESSION
    assert read(np.arange(40) // 2, "classes").task is Task.CLASSES
    two = read([0, 1] * 10, "classes")
    assert two.task is Task.CLASSES and two.classes == (0, 1) and not two.notes


@pytest.mark.parametrize(
    ("cells", "task", "words"),
    [
        ([None] * 20, None, "all 20 are missing"),
        (["?"] * 20, None, "all 20 are missing"),
        ([1, 2] * 4, None, "At least 10 rows with a target are needed, but there are 8"),
        (["a"] * 20, None, "two different labels, but 't' is 'a' in every row"),
        ([2.5] * 20, "regression", "must vary, but 't' is 2.5"),
        ([f"text {row}" for row in range(40)], None, "holds 40 different texts in 40 rows"),
        (["a", "b", "c", "d"] * 9, "binary", 'has 4; use task="multiclass"'),
        (["a", "b"] * 9, "regression", "'a' isn't a number"),
        (np.arange(40), "classes", "40 classes in 40 rows"),
        ([0, 1] * 9, "multilabel", "two or more columns"),
        ([0, 1] * 9, "clasification", "the unknown task 'clasification'; did you mean 'classification'?"),
    ],
)
def test_targets_that_are_none(cells: Any, task: str | None, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read(cells, task)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("cells", "word", "task"),
    [
        ([0, 1] * 9, "classification", Task.BINARY),
        ([0, 1, 2] * 9, "classification", Task.CLASSES),
        ([0, 1] * 9, "multiclass", Task.CLASSES),
    ],
)
def test_the_usual_names_of_tasks_are_understood(cells: Any, word: str, task: Task) -> None:
    assert read(cells, word).task is task


def test_rows_without_a_target_are_dropped_with_a_note() -> None:
    y = np.where(np.arange(60) % 6 == 0, np.nan, RNG.normal(size=60))
    y[1] = np.inf
    x = np.arange(60.0) ** 2
    data = load(pd.DataFrame({"x": x, "y": y}))
    assert len(data) == 49 and "11 rows are dropped because their target is missing." in data.notes
    assert np.array_equal(data.features["x"], x[np.isfinite(y)]) and np.array_equal(data.target, y[np.isfinite(y)])
    assert data.features.index.equals(data.target.index)


def test_several_targets() -> None:
    x = pd.DataFrame({"x": RNG.normal(size=60), "a": RNG.integers(0, 2, 60), "b": RNG.choice([True, False], 60)})
    data = load(x, target=["b", "a"])
    assert (data.task, data.classes, data.n_outputs) == (Task.MULTILABEL, ("b", "a"), 2)
    assert np.array_equal(data.fold().y_train, x[["b", "a"]].iloc[data.split.train].astype(np.float32))
    real = load(x.assign(b=RNG.normal(size=60)), target=["b", "a"])
    assert (real.task, real.classes, real.n_outputs) == (Task.REGRESSION, (), 2)
    np.testing.assert_allclose(real.fold().y_train.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(real.fold().y_train.std(axis=0), 1, atol=1e-5)
    with pytest.raises(DataError, match="needs one target column, but 2 are given"):
        load(x, target=["b", "a"], task="classes")
    with pytest.raises(DataError, match="'c' isn't a number"):
        load(x.assign(b="c"), target=["b", "a"])


def test_encoding_of_each_task() -> None:
    x = RNG.normal(size=(60, 1))
    binary = load(x, target=["b", "a"] * 30).fold().target
    assert binary.encode(["a", "b", "b"]).tolist() == [[0], [1], [1]]
    classes = load(x, target=[3, 1, 2] * 20).fold().target
    assert classes.encode([3, 1]).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert classes.encode(["3", " 1"]).tolist() == classes.encode([3.0, 1.0]).tolist()
    for encoder, labels, words in ((classes, [1, 4], "'4' is no class"), (binary, ["a", None], "row 1 has none")):
        with pytest.raises(DataError, match=words):
            encoder.encode(labels)


def test_spellings_of_one_label() -> None:
    assert class_codes(np.array([True, False]), (False, True)).tolist() == [1, 0]
    assert class_codes(["true", "False", "1"], (False, True)).tolist() == [1, 0, 1]
    assert class_codes(["1.0", "2"], (1, 2)).tolist() == [0, 1]
    assert class_codes(["0.5"], (0.25, 0.5)).tolist() == [1]
