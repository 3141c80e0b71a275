"""From a configuration and a fold to a job that lanes can train, and from its state back to plain weights."""

from collections.abc import Hashable
from dataclasses import dataclass

import jax
import numpy as np
from numpy.typing import NDArray

from paceline.hyperparameters import Hyperparameters, loss_name
from paceline.net.dense import DenseShape
from paceline.net.initializers import Weights, initial_weights
from paceline.pack.lanes import Job
from paceline.pack.shapes import (
    INPUTS,
    OUTPUTS,
    ROWS,
    pad_weights,
    padded,
    shape_of,
    step_up,
    unpad_statistics,
    unpad_weights,
)
from paceline.training.hyper import Hyper, encode
from paceline.training.program import State, initial_state
from paceline.training.step import Data

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Arrays:
    """One fold, padded and on the device; made once and shared by all trials.

    Attributes:
        data: padded arrays.
        task: "binary", "classes", "multilabel" or "regression".
        inputs, outputs: real columns.
        train_rows, dev_rows: real rows.
        shares: (outputs,) mean of each target column over the train rows, for the chance loss.
    """

    data: Data
    task: str
    inputs: int
    outputs: int
    train_rows: int
    dev_rows: int
    shares: Array


def put_arrays(
    x_train: Array, y_train: Array, x_dev: Array, y_dev: Array, *, task: str, target_scale: float = 1.0
) -> Arrays:
    """Pad a fold's arrays and put them on the device.

    Args:
        x_train (n, f), y_train (n, c), x_dev (m, f), y_dev (m, c): float32.
        target_scale: what regression errors are multiplied by to be in the target's unit.
    """
    inputs, outputs = step_up(INPUTS, x_train.shape[1]), step_up(OUTPUTS, y_train.shape[1])
    rows, dev_rows = step_up(ROWS, len(x_train)), step_up(ROWS, len(x_dev))
    data = Data(
        x_train=jax.device_put(padded(x_train, rows, inputs)),
        y_train=jax.device_put(padded(y_train, rows, outputs)),
        x_dev=jax.device_put(padded(x_dev, dev_rows, inputs)),
        y_dev=jax.device_put(padded(y_dev, dev_rows, outputs)),
        n_train=jax.device_put(np.int32(len(x_train))),
        n_dev=jax.device_put(np.int32(len(x_dev))),
        target_scale=jax.device_put(np.float32(target_scale)),
    )
    shares = y_train.mean(axis=0, dtype=np.float64).astype(np.float32)
    return Arrays(data, task, x_train.shape[1], y_train.shape[1], len(x_train), len(x_dev), shares)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A trial on a fold, ready to train.

    Attributes:
        shape: its program; hyper: its run-time data; arrays: its fold; config: what it was made from.
    """

    config: Hyperparameters
    shape: DenseShape
    hyper: Hyper
    arrays: Arrays
    seed: int

    def first_state(self, weights: Weights | None = None) -> State:
        """The state before the first epoch, from `weights` or freshly drawn ones."""
        if weights is None:
            weights = initial_weights(self.config, self.arrays.inputs, self.arrays.outputs, self.seed)
        padded_weights = pad_weights(self.shape, self.config, weights, self.arrays.inputs)
        return initial_state(padded_weights, self.shape.layers, self.shape.width)

    def job(
        self, key: Hashable, state: State, to_epoch: int, priority: tuple[int, ...] = (0,), *, in_parts: bool = False
    ) -> Job:
        rows = self.arrays.train_rows
        return Job(key, self.shape, state, self.arrays.data, self.hyper, to_epoch, rows, priority, in_parts)

    def weights(self, state: State, *, best: bool) -> tuple[Weights, list[dict[str, Array]]]:
        """Plain (weights, running statistics) of a state: at the best epoch, or at the last."""
        weights = state.best_weights if best else state.moving.weights
        statistics = state.best_statistics if best else state.moving.statistics
        return (
            unpad_weights(self.shape, self.config, weights, self.arrays.inputs, self.arrays.outputs),
            unpad_statistics(self.config, statistics),
        )


def prepare(
    config: Hyperparameters,
    arrays: Arrays,
    *,
    seed: int,
    epochs: int,
    metric: str,
    class_weights: Array | None = None,
    auc: bool = False,
) -> Prepared:
    """Everything about a trial that its curve depends on, in the form that programs take.

    Args: auc: measure the area under the ROC curve, also where the metric is another.
    """
    shape = shape_of(
        config,
        inputs=arrays.inputs,
        outputs=arrays.outputs,
        train_rows=arrays.train_rows,
        dev_rows=arrays.dev_rows,
        task=arrays.task,
        auc=auc or metric == "auc",
    )
    hyper = encode(
        config,
        task=arrays.task,
        metric=metric,
        seed=seed,
        epochs=epochs,
        rows=arrays.train_rows,
        inputs=arrays.inputs,
        outputs=arrays.outputs,
        padded_outputs=shape.outputs,
        class_weights=class_weights,
        chance_loss=chance_loss(loss_name(config, arrays.task), arrays.shares),
    )
    return Prepared(config, shape, hyper, arrays, seed)


def chance_loss(loss: str, shares: Array) -> float:
    """Loss of a net that knows the class shares and nothing else; 1 for standardised numbers."""
    p = np.clip(shares.astype(np.float64), 1e-7, 1 - 1e-7)
    if loss == "cross_entropy":
        return float(-(p * np.log(p)).sum())
    if loss == "sigmoid":
        return float(-(p * np.log(p) + (1 - p) * np.log1p(-p)).sum())
    return 1.0
