"""How targets become the arrays that a net is trained on, and the net's outputs become labels, numbers, probabilities.

    target   --encode()-->  y (n, outputs)  ~  z (n, outputs)  --decode(), probabilities()-->  what the user reads

It is the same for all kinds of inputs, is learnt from train rows only, and travels with the model as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from paceline.data.cells import flags, numbers
from paceline.data.schema import Label, Task, count_outputs
from paceline.data.target import class_codes
from paceline.errors import DataError, ModelError


@dataclass(frozen=True, slots=True)
class TargetEncoder:
    """Encodes targets and decodes outputs.

    Attributes:
        task: see `Task`.
        classes: labels in sorted order; label names for multi-label; () for regression.
        names: names of the target columns.
        mean: a mean for each regression target, of the fold's train rows; () otherwise.
        scale: a standard deviation for each regression target; () otherwise.
    """

    task: Task
    classes: tuple[Label, ...]
    names: tuple[str, ...]
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()

    @property
    def n_outputs(self) -> int:
        """Outputs of the net: 1 for binary, C for classes and labels, one a target in regression."""
        return count_outputs(self.task, self.classes, self.names)

    def encode(self, target: pd.Series[Any] | pd.DataFrame | NDArray[Any] | Sequence[Any]) -> NDArray[np.float32]:
        """(n, c) float32: 0/1 (binary), one-hot (classes), multi-hot (labels), standardised numbers (regression).

        Raises:
            DataError: for a missing target, a label that is no class, or a wrong number of columns.
        """
        if self.task in (Task.BINARY, Task.CLASSES):
            codes = class_codes(target, self.classes)
            if self.task is Task.BINARY:
                return codes.astype(np.float32)[:, None]
            hot = np.zeros((len(codes), len(self.classes)), dtype=np.float32)
            hot[np.arange(len(codes)), codes] = 1
            return hot
        frame = self.target_frame(target)
        if self.task is Task.MULTILABEL:
            values = np.stack([flags(frame[name]) for name in frame.columns], axis=1).astype(np.float64)
        else:
            values = np.stack([numbers(frame[name]).astype(np.float64) for name in frame.columns], axis=1)
            values = (values - np.asarray(self.mean)) / np.asarray(self.scale)
        if np.isnan(values).any():
            raise DataError(f"Every row needs a target, but row {int(np.isnan(values).any(axis=1).argmax())} has none.")
        return np.ascontiguousarray(values, dtype=np.float32)

    def target_frame(self, target: pd.Series[Any] | pd.DataFrame | NDArray[Any] | Sequence[Any]) -> pd.DataFrame:
        """The targets as (n, targets); columns go by name in a table and by order in an array."""
        names = list(self.names)
        if isinstance(target, pd.DataFrame) and set(names) <= set(target.columns):
            return target[names]
        values = np.asarray(target)
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or values.shape[1] != len(names):
            raise DataError(f"Targets must have the shape (n, {len(names)}), but got {values.shape}.")
        return pd.DataFrame(values, columns=names)

    def decode(self, z: NDArray[Any]) -> NDArray[Any]:
        """Labels or numbers.

        Args:
            z: (n, outputs) raw outputs of the net.

        Returns:
            (n,) labels; (n, labels) 0/1 for multi-label; (n,) or (n, targets) numbers for regression.
        """
        if self.task is Task.REGRESSION:
            values = z.astype(np.float64) * np.array(self.scale) + np.array(self.mean)
            result: NDArray[Any] = values[:, 0] if values.shape[1] == 1 else values
            return result
        if self.task is Task.MULTILABEL:
            return (z > 0).astype(np.int64)
        labels = np.array(self.classes)
        named: NDArray[Any] = labels[(z[:, 0] > 0).astype(np.int64) if self.task is Task.BINARY else z.argmax(axis=1)]
        return named

    def probabilities(self, z: NDArray[Any], loss: str) -> NDArray[np.float64]:
        """(n, classes) in the order of `classes`; (n, labels) for multi-label.

        Args:
            z: (n, outputs) raw outputs of the net.
            loss: what it was trained with: "cross_entropy" makes a softmax of the outputs, any other a sigmoid of each.

        Raises:
            ModelError: for regression, which has none.
        """
        if self.task is Task.REGRESSION:
            raise ModelError("a regression model predicts numbers, not probabilities; use `predict`.")
        z = z.astype(np.float64)
        if self.task is Task.CLASSES and loss == "cross_entropy":
            exps = np.exp(z - z.max(axis=1, keepdims=True))
            return np.asarray(exps / exps.sum(axis=1, keepdims=True))
        p = 1 / (1 + np.exp(-np.clip(z, -500, 500)))
        if self.task is Task.BINARY:
            return np.concatenate([1 - p, p], axis=1)
        if self.task is Task.CLASSES:  # one sigmoid a class: scaled so that a row sums to 1
            return np.asarray(p / np.maximum(p.sum(axis=1, keepdims=True), 1e-300))
        return np.asarray(p)

    def to_json(self) -> dict[str, Any]:
        """The encoder as plain JSON data; `from_json` gives an equal one back."""
        return {
            "task": str(self.task),
            "classes": list(self.classes),
            "names": list(self.names),
            "mean": list(self.mean),
            "scale": list(self.scale),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> TargetEncoder:
        """The encoder that `to_json` wrote.

        Raises:
            ModelError: a part is missing or damaged.
        """
        try:
            return TargetEncoder(
                task=Task(data["task"]),
                classes=tuple(data["classes"]),
                names=tuple(data["names"]),
                mean=tuple(data["mean"]),
                scale=tuple(data["scale"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"The model's target is damaged: {type(error).__name__} {error}.") from error


def fit_target(
    task: Task, classes: tuple[Label, ...], names: tuple[str, ...], target: pd.Series[Any] | pd.DataFrame
) -> TargetEncoder:
    """The encoder of one fold.

    Args:
        target: targets of the fold's train rows, and no others.
    """
    if task is not Task.REGRESSION:
        return TargetEncoder(task, classes, names)
    values = target.to_numpy(dtype=np.float64).reshape(len(target), -1)
    mean = tuple(float(value) for value in values.mean(axis=0))
    scale = tuple(float(value) if value > 0 else 1.0 for value in values.std(axis=0))
    return TargetEncoder(task, classes, names, mean, scale)
