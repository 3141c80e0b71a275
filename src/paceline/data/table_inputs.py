"""How rows of a table become inputs of a net: an encoder for each column, learnt from train rows only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from paceline.data.encoders import ENCODERS, Encoder
from paceline.data.infer import check_names
from paceline.data.inputs import Inputs, register_inputs
from paceline.data.schema import several
from paceline.errors import DataError, did_you_mean


@register_inputs
@dataclass(frozen=True, slots=True)
class TableInputs(Inputs):
    """Encodes the rows of a table.

    Attributes:
        standardize: "standard", "minmax", "robust" or "none".
        input_names: all feature columns of the user's table, in order, dropped ones too.
        encoders: one for each column in use.
    """

    kind: ClassVar[str] = "table"
    standardize: str
    input_names: tuple[str, ...]
    encoders: tuple[Encoder, ...]

    @property
    def sample(self) -> tuple[int, ...]:
        return (len(self.feature_names),)

    @property
    def dtype(self) -> str:
        return "float32"

    @property
    def feature_names(self) -> tuple[str, ...]:
        """A name for each of the f inputs."""
        return tuple(name for encoder in self.encoders for name in encoder.feature_names)

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
            raise DataError(
                f"The rows must have all columns of the training data; missing columns: {several(missing)}{hint}"
            )
        return frame

    def name_array(self, values: NDArray[Any]) -> pd.DataFrame:
        """An (n, columns) array as a table; pictures and the like are flattened as they were in training."""
        flat = values.reshape(len(values), -1) if values.ndim > 2 else values
        used = [encoder.name for encoder in self.encoders]
        for names in (list(self.input_names), used):
            if flat.ndim == 2 and flat.shape[1] == len(names):
                return pd.DataFrame(flat, columns=names)
        raise DataError(f"Rows must be an array of shape (n, {len(self.input_names)}), but got {values.shape}.")

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "standardize": self.standardize,
            "input_names": list(self.input_names),
            "encoders": [{"kind": encoder.kind, **listed(asdict(encoder))} for encoder in self.encoders],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TableInputs:
        encoders: list[Encoder] = []
        for part in data["encoders"]:
            fields = {key: tuple(value) if isinstance(value, list) else value for key, value in part.items()}
            make: Any = ENCODERS[part["kind"]]
            encoders.append(make(**{key: value for key, value in fields.items() if key != "kind"}))
        return cls(data["standardize"], tuple(data["input_names"]), tuple(encoders))


def listed(fields: dict[str, Any]) -> dict[str, Any]:
    """The same with lists for tuples, as JSON has it."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in fields.items()}
