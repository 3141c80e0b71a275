"""What `train` and `train_many` refuse, and what a run that fails leaves behind."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from paceline.data import Dataset, load
from paceline.errors import EngineError, SettingsError
from paceline.net import family
from paceline.pack.executor import Done
from paceline.pack.trials import PreparedTrial, prepare
from paceline.runs import RawRun, put_fold, train, train_many, train_stages
from paceline.testing import StubExecutor
from paceline.testing.executors import falling


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


class OneByOne(StubExecutor):
    """Hands over one outcome at a time, as lanes do."""

    def collect(self, timeout: float | None = None) -> list[Done]:
        done, self._done = self._done[:1], self._done[1:]
        return done


def test_a_run_that_fails_is_told_and_leaves_nothing_behind(iris: Dataset) -> None:
    """One executor serves search, retraining and refit: what comes next must not meet the outcomes of what failed."""
    kind = family("dense")

    def sometimes(trial: PreparedTrial, epochs: int) -> NDArray[np.float32]:
        if trial.seed == 1:
            raise RuntimeError("no memory")
        return falling(trial, epochs)

    executor = OneByOne(sometimes)
    fold = put_fold(executor, kind, iris.fold(), "classes")

    def runs(seeds: list[int]) -> list[RawRun]:
        trials = [prepare(kind, kind.resolve({}), fold, seed=seed, epochs=3, metric="error") for seed in seeds]
        return train_stages(executor, [(trials, 3)])

    with pytest.raises(EngineError, match="a trial could not be trained: no memory"):
        runs([0, 1, 2])
    assert executor.open_jobs == 0
    [run] = runs([2])
    assert run.epochs == 3 and run.measurements.tobytes() == runs([0, 2])[1].measurements.tobytes()
