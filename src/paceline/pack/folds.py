"""A fold's arrays: what a trial must know of them, and how they are padded for programs. The arrays stay with the
executor that trains on them; a trial names them by a handle."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paceline.net.base import Family, Spec
from paceline.net.ladders import OUTPUTS, ROWS, step_up
from paceline.training.step import Data

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FoldArrays:
    """One fold as it comes from a data set.

    Attributes:
        x_train (n, *sample), x_dev (m, *sample): inputs of one dtype.
        y_train (n, c), y_dev (m, c): one-hot classes, 0/1 labels or standardised numbers, float32.
        task: "binary", "classes", "multilabel" or "regression".
        target_scale: (c,) or (1,), what a target's errors are multiplied by to be in its unit.
    """

    x_train: NDArray[np.generic]
    y_train: Array
    x_dev: NDArray[np.generic]
    y_dev: Array
    task: str
    target_scale: tuple[float, ...] = (1.0,)

    @property
    def spec(self) -> Spec:
        x, y = self.x_train, self.y_train
        return Spec(x.shape[1:], str(x.dtype), y.shape[1], self.task, len(x), len(self.x_dev))


@dataclass(frozen=True, eq=False)
class FoldData:
    """What a trial must know of a fold whose arrays an executor holds.

    Attributes:
        handle: what the executor calls it.
        spec: sizes, real.
        most_rows: training and dev rows of the largest of the folds that are trained together. Programs are made for
            it, so that folds that differ by a row share theirs.
        shares: (outputs,) mean of each target column over the train rows, for the chance loss.
    """

    handle: str
    spec: Spec
    most_rows: tuple[int, int]
    shares: Array

    @property
    def capacity(self) -> tuple[int, int]:
        """Padded training and dev rows."""
        return step_up(ROWS, self.most_rows[0]), step_up(ROWS, self.most_rows[1])


def fold_data(handle: str, arrays: FoldArrays, most_rows: tuple[int, int] = (0, 0)) -> FoldData:
    """What there is to know of a fold; `most_rows` counts only where it is more than the fold's own rows."""
    spec = arrays.spec
    most = max(most_rows[0], spec.train_rows), max(most_rows[1], spec.dev_rows)
    shares = arrays.y_train.mean(axis=0, dtype=np.float64).astype(np.float32)
    return FoldData(handle, spec, most, shares)


def padded_data(family: Family, fold: FoldData, arrays: FoldArrays) -> Data:
    """The arrays in the corners of the larger ones of a program; numpy."""
    spec, outputs = fold.spec, step_up(OUTPUTS, fold.spec.outputs)
    train_rows, dev_rows = fold.capacity
    sample = family.sample(spec)
    scale = np.ones(outputs, np.float32)
    scale[: spec.outputs] = arrays.target_scale
    return Data(
        x_train=_padded(arrays.x_train, train_rows, *sample),
        y_train=_padded(arrays.y_train, train_rows, outputs),
        x_dev=_padded(arrays.x_dev, dev_rows, *sample),
        y_dev=_padded(arrays.y_dev, dev_rows, outputs),
        n_train=np.int32(spec.train_rows),
        n_dev=np.int32(spec.dev_rows),
        target_scale=scale,
    )


def _padded(array: NDArray[np.generic], *sizes: int) -> NDArray[np.generic]:
    result = np.zeros(sizes, array.dtype)
    result[tuple(slice(size) for size in array.shape)] = array
    return result


def chance_loss(loss: str, shares: Array) -> float:
    """Loss of a net that knows the class shares and nothing else; 1 for standardised numbers."""
    p = np.clip(shares.astype(np.float64), 1e-7, 1 - 1e-7)
    if loss == "cross_entropy":
        return float(-(p * np.log(p)).sum())
    if loss == "sigmoid":
        return float(-(p * np.log(p) + (1 - p) * np.log1p(-p)).sum())
    return 1.0
