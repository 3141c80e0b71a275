"""The rows of a table: clean cells, one column a feature, each of a known kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from paceline.data.cells import content
from paceline.data.encoders import STANDARDIZE, Encoder, fit, plan
from paceline.data.schema import KINDS, Column
from paceline.data.source import Source
from paceline.data.split import Rows
from paceline.data.table_inputs import TableInputs
from paceline.errors import DataError, did_you_mean


@dataclass(frozen=True, eq=False)
class TableSource(Source[tuple[Encoder, ...]]):
    """A table; its layout is an encoder for each column, without numbers as yet.

    Attributes:
        features: clean values, one column a feature, rows numbered from 0.
        columns: name and kind of each feature.
        input_names: all feature columns of the user's table in order, dropped ones too.
    """

    features: pd.DataFrame
    columns: tuple[Column, ...]
    input_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.features)

    @property
    def sample(self) -> tuple[int, ...]:
        return (len(self.columns),)

    def take(self, rows: Rows) -> pd.DataFrame:
        return self.features.iloc[rows]

    def plan(self, rows: Rows) -> tuple[Encoder, ...]:
        return tuple(plan(column, self.features[column.name].iloc[rows]) for column in self.columns)

    def fit(self, layout: tuple[Encoder, ...], rows: Rows, standardize: str) -> TableInputs:
        if standardize not in STANDARDIZE:
            raise DataError(f"There is no standardize={standardize!r}{did_you_mean(standardize, STANDARDIZE)}")
        features = self.features.iloc[rows]
        encoders = tuple(fit(encoder, features[encoder.name], standardize) for encoder in layout)
        return TableInputs(standardize, self.input_names, encoders)

    def content(self) -> Iterator[bytes]:
        for column in self.columns:
            yield f"{column.name}\0{column.kind}\0".encode()
            yield from content(self.features[column.name])

    def describe(self) -> str:
        counts = [(kind, sum(column.kind == kind for column in self.columns)) for kind in KINDS]
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in counts if count)
        return f"{self.n_features:,} {'feature' if self.n_features == 1 else 'features'} ({kinds})"
