"""What `train` and `train_many` refuse: calls that name no run, and seeds and epochs that are none."""

from typing import Any

import numpy as np
import pytest

from paceline.data import Dataset, load
from paceline.errors import SettingsError
from paceline.runs import train, train_many


@pytest.fixture(scope="module")
def iris() -> Dataset:
    return load("iris")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seeds": [-1]}, "a seed must be a whole number from 0 to 4294967295, but got -1."),
        ({"seeds": [1.5]}, "but got 1.5."),
        ({"seeds": [True]}, "but got True."),
        ({"seeds": [2**32]}, "but got 4294967296."),
        ({"seeds": []}, "`seeds` must be a list of at least one"),
        ({"seeds": 3}, "`seeds` must be a list of at least one, e.g. [0], but got 3."),
        ({"params": []}, "`params` must be a list of at least one"),
        ({"params": {"units": 8}}, "`params` must be a list of at least one"),
        ({"epochs": True}, "`epochs >= 1` must hold, but got epochs=True."),
        ({"epochs": 0}, "`epochs >= 1` must hold, but got epochs=0."),
    ],
)
def test_train_many_refuses(iris: Dataset, changes: dict[str, Any], words: str) -> None:
    arguments: dict[str, Any] = {"params": [{"units": 8}], "epochs": 1} | changes
    with pytest.raises(SettingsError) as caught:
        train_many(iris, **arguments)
    assert words in str(caught.value)


@pytest.mark.parametrize("seed", [-1, 0.5, None, "1", True])
def test_train_refuses_such_seeds(iris: Dataset, seed: Any) -> None:
    with pytest.raises(SettingsError, match="a seed must be a whole number"):
        train(iris, epochs=1, seed=seed)


@pytest.mark.compiles
def test_seeds_of_numpy_are_seeds(iris: Dataset) -> None:
    runs = train_many(iris, [{"units": 8, "layers": 1}], epochs=1, seeds=np.arange(2))  # type: ignore[arg-type]
    assert [run.seed for run in runs] == [0, 1]
