"""A data set: raw rows, their target, and the parts they are divided into; and a fold: the arrays a net trains on.

    Dataset --fold()--> x_train, y_train, x_dev, y_dev, inputs, target

The law of this package: no value of a row outside of a fold's train rows reaches `x_train`, `inputs` or `target`. The
kinds of columns and the classes are read off the whole table; which inputs a column becomes (indicator, categories) is
planned on the split's train rows, once, so that all folds have the same inputs; all numbers are the fold's own.

What the rows are (a table, or another kind) only the data set's `Source` knows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from paceline.data.cells import content
from paceline.data.inputs import Inputs
from paceline.data.schema import Column, Label, Task, count_outputs
from paceline.data.source import Source
from paceline.data.split import PART_NAMES, Codes, Rows, Split, SplitSettings, k_folds, part_name
from paceline.data.table_source import TableSource
from paceline.data.target_encoder import TargetEncoder, fit_target
from paceline.errors import DataError
from paceline.records import task_name


@dataclass(frozen=True, eq=False)
class Subset:
    """Rows of a data set: `features` (raw rows) and `target` as in the data set, `rows` their numbers in it."""

    name: str
    features: Any
    target: pd.Series[Any] | pd.DataFrame
    rows: Rows

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class Fold:
    """What one training sees.

    Attributes:
        x_train: (n, *inputs.sample) of `inputs.dtype`, C-contiguous, finite; for a table (n, f) float32.
        y_train: (n, c) float32: 0/1 (binary, c=1), one-hot, multi-hot, or standardised numbers.
        x_dev: (m, *inputs.sample), scaled with train's numbers.
        y_dev: (m, c) float32.
        inputs: how rows are encoded; fitted on the train rows only.
        target: how targets are encoded; fitted on the train rows only.
        rows_train: (n,) row numbers in the data set.
        rows_dev: (m,) row numbers in the data set.
    """

    x_train: NDArray[Any]
    y_train: NDArray[np.float32]
    x_dev: NDArray[Any]
    y_dev: NDArray[np.float32]
    inputs: Inputs
    target: TargetEncoder
    rows_train: Rows
    rows_dev: Rows


@dataclass(frozen=True, eq=False)
class SplitKeys:
    """(rows,) what each row is divided by: codes of strata and groups, times; None where that isn't asked for."""

    strata: Codes | None = None
    groups: Codes | None = None
    times: NDArray[np.float64] | None = None

    def of(self, rows: Rows) -> dict[str, Any]:
        """The keys of some rows, codes numbered without gaps."""
        found: dict[str, Any] = {}
        for name, codes in (("strata", self.strata), ("groups", self.groups)):
            found[name] = None if codes is None else np.unique(codes[rows], return_inverse=True)[1]
        return found | {"times": None if self.times is None else self.times[rows]}


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows ready for training; made by `load`.

    Attributes:
        name: a short name.
        source: the raw rows, numbered from 0 (rows without a target are gone).
        target: a Series of labels or numbers, or a DataFrame with a column for each label or number.
        task: see `Task`.
        classes: labels in sorted order; label names for multi-label; () for regression.
        target_names: names of the target columns.
        notes: what was inferred, dropped or handled, a sentence each.
        split: row numbers of train, validation, test and train_dev.
        split_settings: how they were divided.
        split_keys: strata, groups and times of the rows.
        given: the parts ("dev", "test") that the user gave as rows of their own.
    """

    name: str
    source: Source[Any]
    target: pd.Series[Any] | pd.DataFrame
    task: Task
    classes: tuple[Label, ...]
    target_names: tuple[str, ...]
    notes: tuple[str, ...]
    split: Split
    split_settings: SplitSettings
    split_keys: SplitKeys
    given: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.source)

    @property
    def n_features(self) -> int:
        """How many values a raw row has: columns of a table, numbers of a picture."""
        return self.source.n_features

    @property
    def features(self) -> pd.DataFrame:
        """A table's clean values, one column a feature; DataError for rows of another kind."""
        return self._table("features").features

    @property
    def columns(self) -> tuple[Column, ...]:
        """Name and kind of each column of a table; DataError for rows of another kind."""
        return self._table("columns").columns

    def _table(self, asked: str) -> TableSource:
        if not isinstance(self.source, TableSource):
            raise DataError(
                f"Only a table has `{asked}`, but the rows of {self.name!r} are a {type(self.source).__name__}; "
                "`data.train.features` are raw rows of any kind."
            )
        return self.source

    @property
    def target_name(self) -> str:
        """The name of the target, or the names of several with commas."""
        return ", ".join(self.target_names)

    @property
    def n_outputs(self) -> int:
        """Outputs of a net for it: 1 for binary, C for classes and labels, one a target in regression."""
        return count_outputs(self.task, self.classes, self.target_names)

    @property
    def train(self) -> Subset:
        return self.part("train")

    @property
    def validation(self) -> Subset:
        """The validation rows; DataError if there are none."""
        return self.part("dev")

    @property
    def dev(self) -> Subset:
        """Another name of `validation`."""
        return self.validation

    @property
    def test(self) -> Subset:
        """The test rows; DataError if there are none."""
        return self.part("test")

    @property
    def train_dev(self) -> Subset:
        """Rows with train's distribution that aren't trained on; DataError if there are none."""
        return self.part("train_dev")

    def part(self, name: str) -> Subset:
        """The rows of one part: "train", "validation" (or "dev"), "test" or "train_dev"."""
        name = "dev" if name == "validation" else name
        rows: Rows = getattr(self.split, name)
        if not len(rows):
            usual = part_name(name)
            raise DataError(f"The data set {self.name!r} has no {usual} set; load it with split={{{usual!r}: 0.2}}.")
        return Subset(name, self.source.take(rows), self.target.iloc[rows], rows)

    @cached_property
    def layout(self) -> Any:
        """Which inputs a row becomes, as `Source.plan` finds it; the same in all folds."""
        return self.source.plan(self.split.train)

    def fold(self, index: int = 0, folds: int | None = None, standardize: str = "standard", seed: int = 0) -> Fold:
        """The arrays of one fold.

        Args:
            index: which fold, from 0.
            folds: None for the split's training and validation rows; k for k-fold cross-validation over both together,
                stratified, grouped or ordered like the split. Test rows are in no fold.
            standardize: "standard", "minmax", "robust" or "none".
            seed: of the shuffle into k folds.

        Raises:
            DataError: if there is no such fold, or no validation set.
        """
        return self._encoded(*self.fold_rows(index, folds, seed), standardize)

    def train_dev_fold(self, standardize: str = "standard", folds: int | None = None, seed: int = 0) -> Fold:
        """The arrays for a last training: training and validation rows together to learn from.

        The validation arrays hold the validation rows, but they are trained on too: their scores are no evidence.

        Args: folds, seed: of the cross-validation; without validation rows in the split, those of fold 0 are taken.

        Raises:
            DataError: if there is no validation set, and no folds.
        """
        rows = np.sort(np.concatenate([self.split.train, self.split.dev]))
        scored = self.split.dev if len(self.split.dev) else self.fold_rows(0, folds, seed)[1]
        return self._encoded(rows, scored, standardize)

    def _encoded(self, rows_train: Rows, rows_dev: Rows, standardize: str) -> Fold:
        inputs = self.source.fit(self.layout, rows_train, standardize)
        target = fit_target(self.task, self.classes, self.target_names, self.target.iloc[rows_train])
        return Fold(
            x_train=inputs.transform(self.source.take(rows_train)),
            y_train=target.encode(self.target.iloc[rows_train]),
            x_dev=inputs.transform(self.source.take(rows_dev)),
            y_dev=target.encode(self.target.iloc[rows_dev]),
            inputs=inputs,
            target=target,
            rows_train=rows_train,
            rows_dev=rows_dev,
        )

    def fold_rows(self, index: int, folds: int | None, seed: int) -> tuple[Rows, Rows]:
        """Row numbers of a fold's training and validation part; see `fold`."""
        if folds is None:
            if index != 0:
                raise DataError(f"Without `folds` there is only fold 0, but got index={index}.")
            return self.split.train, self.dev.rows
        rows = np.sort(np.concatenate([self.split.train, self.split.dev]))
        pairs = k_folds(len(rows), folds, seed, **self.split_keys.of(rows))
        if not 0 <= index < folds:
            raise DataError(f"`index` must lie between 0 and {folds - 1} for {folds} folds, but got {index}.")
        train, dev = pairs[index]
        return rows[train], rows[dev]

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over raw rows, target and split: equal data have equal fingerprints on every machine."""
        digest = hashlib.sha256()
        for piece in self.source.content():
            digest.update(piece)
        digest.update(f"{self.task}\0{self.target_names}\0{self.classes!r}\0".encode())
        targets = self.target if isinstance(self.target, pd.DataFrame) else self.target.to_frame()
        for name in targets.columns:
            for piece in content(targets[name]):
                digest.update(piece)
        for part in PART_NAMES:
            rows: Rows = getattr(self.split, part)
            digest.update(f"{part}\0{len(rows)}\0".encode())
            digest.update(rows.astype("<i8").tobytes())
        return digest.hexdigest()

    def describe(self) -> str:
        """A few lines for the terminal."""
        sizes = ", ".join(
            f"{part_name(part)} {len(rows):,}" for part in PART_NAMES if len(rows := getattr(self.split, part))
        )
        lines = [
            f"{self.name}: {len(self):,} rows, {self.source.describe()}",
            f"target   {self.target_name}: {task_name(self.task)}{self.describe_target()}",
            f"split    {sizes}",
        ]
        return "\n".join(lines + [f"note     {note}" for note in self.notes])

    def describe_target(self) -> str:
        """Classes with their shares, or the range of numbers."""
        if isinstance(self.target, pd.DataFrame):
            means = self.target.mean()
            return "".join(
                f", {name} {'' if self.classes else 'mean '}{means[name]:.3g}" for name in self.target.columns
            )
        if self.task is Task.REGRESSION:
            low, high = float(self.target.min()), float(self.target.max())
            return f", {low:.6g} to {high:.6g}, mean {float(self.target.mean()):.6g}"
        shares = self.target.value_counts(normalize=True)
        shown = [f"{label} {100 * float(shares[label]):.1f} %" for label in self.classes[:10]]
        more = f" and {len(self.classes) - 10} more" if len(self.classes) > 10 else ""
        return f", {len(self.classes)} classes ({', '.join(shown)}{more})"
