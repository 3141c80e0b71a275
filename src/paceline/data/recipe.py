"""The recipe: how rows of a table become inputs of a net, and labels its targets; learnt from train rows only.

It travels with the model as JSON, so a raw CSV row is encoded years later exactly as it was in training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from paceline.data.cells import flags, numbers
from paceline.data.encoders import ENCODERS, STANDARDIZE, Encoder, fit
from paceline.data.infer import check_names
from paceline.data.schema import Label, Task, several
from paceline.data.target import class_codes
from paceline.errors import DataError, ModelError, did_you_mean

VERSION = 1


@dataclass(frozen=True, slots=True)
class Recipe:
    """Encodes rows and targets.

    Attributes:
        task: see `Task`.
        classes: labels in sorted order; label names for multi-label; () for regression.
        target_names: names of the target columns.
        target_mean: a mean for each regression target, of the fold's train rows; () otherwise.
        target_scale: a standard deviation for each regression target; () otherwise.
        standardize: "standard", "minmax", "robust" or "none".
        input_names: all feature columns of the user's table, in order, dropped ones too.
        encoders: one for each column in use.
    """

    task: Task
    classes: tuple[Label, ...]
    target_names: tuple[str, ...]
    target_mean: tuple[float, ...]
    target_scale: tuple[float, ...]
    standardize: str
    input_names: tuple[str, ...]
    encoders: tuple[Encoder, ...]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """A name for each of the f inputs."""
        return tuple(name for encoder in self.encoders for name in encoder.feature_names)

    @property
    def n_outputs(self) -> int:
        """Outputs of the net: 1 for binary, C for classes and labels, one a target in regression."""
        if self.task is Task.BINARY:
            return 1
        return len(self.target_names) if self.task is Task.REGRESSION else len(self.classes)

    def transform(
        self, rows: pd.DataFrame | NDArray[Any] | Mapping[str, Any] | Sequence[Mapping[str, Any]]
    ) -> NDArray[np.float32]:
        """(n, f) float32, C-contiguous and finite.

        Args:
            rows: a table with the training table's columns (typed or all text; others are ignored), an array with
                its columns in order, or one or several {column: value}. Missing and unknown values are fine.

        Raises:
            DataError: for a column that is missing, or a cell that isn't of its column's kind.
        """
        frame = self.as_frame(rows)
        widths = [len(encoder.feature_names) for encoder in self.encoders]
        out = np.empty((len(frame), sum(widths)), dtype=np.float32)
        start = 0
        for encoder, width in zip(self.encoders, widths, strict=True):
            encoder.encode(frame[encoder.name], out[:, start : start + width])
            start += width
        return out

    def as_frame(
        self, rows: pd.DataFrame | NDArray[Any] | Mapping[str, Any] | Sequence[Mapping[str, Any]]
    ) -> pd.DataFrame:
        """The rows as a table that has every column in use."""
        if isinstance(rows, Mapping):
            scalar = all(isinstance(value, str) or not hasattr(value, "__len__") for value in rows.values())
            rows = [rows] if scalar else pd.DataFrame(dict(rows))
        if isinstance(rows, pd.DataFrame):
            frame = rows.set_axis([str(name) for name in rows.columns], axis=1)
        elif isinstance(rows, Sequence) and len(rows) and all(isinstance(row, Mapping) for row in rows):
            frame = pd.DataFrame([dict(row) for row in rows])
        else:
            frame = self.name_array(np.asarray(rows))
        check_names(list(frame.columns), "the table")
        missing = [encoder.name for encoder in self.encoders if encoder.name not in frame.columns]
        if missing:
            hint = did_you_mean(missing[0], frame.columns) if len(frame.columns) else "."
            raise DataError(f"The model was trained with the columns {several(missing)}, which the rows lack{hint}")
        return frame

    def name_array(self, values: NDArray[Any]) -> pd.DataFrame:
        """An (n, columns) array as a table; pictures and the like are flattened as they were in training."""
        flat = values.reshape(len(values), -1) if values.ndim > 2 else values
        used = [encoder.name for encoder in self.encoders]
        for names in (list(self.input_names), used):
            if flat.ndim == 2 and flat.shape[1] == len(names):
                return pd.DataFrame(flat, columns=names)
        raise DataError(f"Rows must be an array of shape (n, {len(self.input_names)}), but got {values.shape}.")

    def encode_target(
        self, target: pd.Series[Any] | pd.DataFrame | NDArray[Any] | Sequence[Any]
    ) -> NDArray[np.float32]:
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
            values = (values - np.asarray(self.target_mean)) / np.asarray(self.target_scale)
        if np.isnan(values).any():
            raise DataError(f"Every row needs a target, but row {int(np.isnan(values).any(axis=1).argmax())} has none.")
        return np.ascontiguousarray(values, dtype=np.float32)

    def target_frame(self, target: pd.Series[Any] | pd.DataFrame | NDArray[Any] | Sequence[Any]) -> pd.DataFrame:
        """The targets as (n, targets); columns go by name in a table and by order in an array."""
        names = list(self.target_names)
        if isinstance(target, pd.DataFrame) and set(names) <= set(target.columns):
            return target[names]
        values = np.asarray(target)
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or values.shape[1] != len(names):
            raise DataError(f"Targets must have the shape (n, {len(names)}), but got {values.shape}.")
        return pd.DataFrame(values, columns=names)

    def to_json(self) -> dict[str, Any]:
        """The recipe as plain JSON data; `from_json` gives an equal one back."""
        return {
            "version": VERSION,
            "task": str(self.task),
            "classes": list(self.classes),
            "target_names": list(self.target_names),
            "target_mean": list(self.target_mean),
            "target_scale": list(self.target_scale),
            "standardize": self.standardize,
            "input_names": list(self.input_names),
            "encoders": [{"kind": encoder.kind, **listed(asdict(encoder))} for encoder in self.encoders],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Recipe:
        """The recipe that `to_json` wrote.

        Raises:
            ModelError: if a part is missing or of another version.
        """
        if data.get("version") != VERSION:
            raise ModelError(f"A recipe of version {VERSION} can be read, but this one has {data.get('version')!r}.")
        try:
            encoders: list[Encoder] = []
            for part in data["encoders"]:
                fields = {key: tuple(value) if isinstance(value, list) else value for key, value in part.items()}
                make: Any = ENCODERS[part["kind"]]
                encoders.append(make(**{key: value for key, value in fields.items() if key != "kind"}))
            return Recipe(
                task=Task(data["task"]),
                classes=tuple(data["classes"]),
                target_names=tuple(data["target_names"]),
                target_mean=tuple(data["target_mean"]),
                target_scale=tuple(data["target_scale"]),
                standardize=data["standardize"],
                input_names=tuple(data["input_names"]),
                encoders=tuple(encoders),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"The model's recipe is damaged: {type(error).__name__} {error}.") from error


def listed(fields: dict[str, Any]) -> dict[str, Any]:
    """The same with lists for tuples, as JSON has it."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in fields.items()}


def fit_recipe(
    *,
    task: Task,
    classes: tuple[Label, ...],
    target_names: tuple[str, ...],
    input_names: tuple[str, ...],
    layout: tuple[Encoder, ...],
    features: pd.DataFrame,
    target: pd.Series[Any] | pd.DataFrame,
    standardize: str,
) -> Recipe:
    """The recipe of one fold.

    Args:
        layout: what `encoders.plan` made of each column.
        features: clean features of the fold's train rows, and no others.
        target: their targets.

    Raises:
        DataError: if `standardize` is unknown.
    """
    if standardize not in STANDARDIZE:
        raise DataError(f"There is no standardize={standardize!r}{did_you_mean(standardize, STANDARDIZE)}")
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    if task is Task.REGRESSION:
        values = target.to_numpy(dtype=np.float64).reshape(len(target), -1)
        mean = tuple(float(value) for value in values.mean(axis=0))
        scale = tuple(float(value) if value > 0 else 1.0 for value in values.std(axis=0))
    encoders = tuple(fit(encoder, features[encoder.name], standardize) for encoder in layout)
    return Recipe(task, classes, target_names, mean, scale, standardize, input_names, encoders)
