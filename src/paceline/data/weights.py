"""Class weights: how much a row of each class counts in the loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paceline.data.cells import number_of, text
from paceline.data.dataset import Dataset, Fold
from paceline.data.schema import Label, Task
from paceline.data.target import class_codes, label_key, read_labels
from paceline.errors import HyperparameterError, did_you_mean

Data = Dataset | Fold | Sequence[Any] | NDArray[Any]


def class_weights(spec: str | Mapping[Any, float] | None, data: Data) -> NDArray[np.float32]:
    """(C,) float32 weights in the order of the sorted classes; a binary target has two.

    Args:
        spec: None: all 1. "balanced": n / (C · rows of the class), as scikit-learn has it. A dict: class -> weight,
            1 for a class that it doesn't name.
        data: a data set (its train rows are counted), a fold (its train rows), or labels.

    Raises:
        HyperparameterError: for another spec, a class that doesn't exist, a weight that isn't a finite number ≥ 0,
            or weights for a target that isn't one of several classes.
    """
    task, classes, codes = labelled(data)
    if spec is None:
        return np.ones(len(codes) if task is Task.REGRESSION else len(classes), dtype=np.float32)
    if task not in (Task.BINARY, Task.CLASSES):
        raise HyperparameterError(f"`class_weight` needs a target with one class a row, but the task is {task}.")
    if isinstance(spec, Mapping):
        return given_weights(spec, classes)
    if spec != "balanced":
        raise HyperparameterError(f'`class_weight` must be None, "balanced" or a dict of weights, but got {spec!r}.')
    counts = np.bincount(codes, minlength=len(classes))
    present = np.maximum(counts, 1)  # a class without a train row is in no loss; its weight never counts
    return np.where(counts > 0, len(codes) / (len(classes) * present), 1.0).astype(np.float32)


def given_weights(spec: Mapping[Any, float], classes: tuple[Label, ...]) -> NDArray[np.float32]:
    """(C,) the weights of a dict, 1 for classes it doesn't name."""
    weights = np.ones(len(classes), dtype=np.float32)
    known = {label_key(label, classes): place for place, label in enumerate(classes)}
    for label, weight in spec.items():
        place = known.get(label_key(label, classes))
        if place is None:
            hint = did_you_mean(text(label), [text(one) for one in classes])
            raise HyperparameterError(f"`class_weight` names {label!r}, which is no class{hint}")
        value = None if isinstance(weight, bool) else number_of(text(weight))
        if value is None or not np.isfinite(value) or value < 0:
            raise HyperparameterError(
                f"A class weight must be a finite number of 0 or more, but {label!r} has {weight!r}."
            )
        weights[place] = value
    return weights


def labelled(data: Data) -> tuple[Task, tuple[Label, ...], NDArray[np.int64]]:
    """Task, classes and (rows,) class of each train row; for regression the codes are a zero a target."""
    if isinstance(data, Dataset | Fold):
        about = data if isinstance(data, Dataset) else data.target
        if about.task not in (Task.BINARY, Task.CLASSES):
            return about.task, about.classes, np.zeros(about.n_outputs, dtype=np.int64)
        if isinstance(data, Dataset):
            return about.task, about.classes, class_codes(data.target.iloc[data.split.train], about.classes)
        y = data.y_train
        codes = y[:, 0].astype(np.int64) if about.task is Task.BINARY else y.argmax(axis=1)
        return about.task, about.classes, codes
    import pandas as pd

    column = pd.Series(np.asarray(data)).infer_objects()
    classes, labels = read_labels(column, had_missing=False)
    return Task.CLASSES, classes, class_codes(labels, classes)
