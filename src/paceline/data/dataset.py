"""A data set: a clean table, its target, and the parts it is divided into; and a fold: the arrays a net trains on.

    Dataset --fold()--> x_train, y_train, x_dev, y_dev, recipe

The law of this package: no value of a row outside of a fold's train rows reaches `x_train` or `recipe`. The kinds
of columns and the classes are read off the whole table; which inputs a column becomes (indicator, categories) is
planned on the split's train rows, once, so that all folds have the same inputs; all numbers are the fold's own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from paceline.data.cells import days_of, texts
from paceline.data.encoders import Encoder, plan
from paceline.data.recipe import Recipe, fit_recipe
from paceline.data.schema import KINDS, Column, Label, Task
from paceline.data.split import PART_NAMES, Codes, Rows, Split, SplitSettings, k_folds
from paceline.errors import DataError


@dataclass(frozen=True, eq=False)
class Subset:
    """Rows of a data set: `features` and `target` as in the data set, `rows` their numbers in it."""

    name: str
    features: pd.DataFrame
    target: pd.Series[Any] | pd.DataFrame
    rows: Rows

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class Fold:
    """What one training sees.

    Attributes:
        x_train: (n, f) float32, C-contiguous, finite.
        y_train: (n, c) float32: 0/1 (binary, c=1), one-hot, multi-hot, or standardised numbers.
        x_dev: (m, f) float32, scaled with train's numbers.
        y_dev: (m, c) float32.
        recipe: how rows and targets are encoded; fitted on the train rows only.
        rows_train: (n,) row numbers in the data set.
        rows_dev: (m,) row numbers in the data set.
    """

    x_train: NDArray[np.float32]
    y_train: NDArray[np.float32]
    x_dev: NDArray[np.float32]
    y_dev: NDArray[np.float32]
    recipe: Recipe
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
    """A table ready for training; made by `load`.

    Attributes:
        name: a short name.
        features: clean values, one column a feature, rows numbered from 0 (rows without a target are gone).
        target: a Series of labels or numbers, or a DataFrame with a column for each label or number.
        columns: name and kind of each feature.
        task: see `Task`.
        classes: labels in sorted order; label names for multi-label; () for regression.
        target_names: names of the target columns.
        notes: what was inferred, dropped or handled, a sentence each.
        split: row numbers of train, dev, test and train_dev.
        split_settings: how they were divided.
        input_names: all feature columns of the source in order, dropped ones too.
        split_keys: strata, groups and times of the rows.
        given: the parts ("dev", "test") that the user gave as rows of their own.
    """

    name: str
    features: pd.DataFrame
    target: pd.Series[Any] | pd.DataFrame
    columns: tuple[Column, ...]
    task: Task
    classes: tuple[Label, ...]
    target_names: tuple[str, ...]
    notes: tuple[str, ...]
    split: Split
    split_settings: SplitSettings
    input_names: tuple[str, ...]
    split_keys: SplitKeys
    given: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.features)

    @property
    def target_name(self) -> str:
        """The name of the target, or the names of several with commas."""
        return ", ".join(self.target_names)

    @property
    def n_outputs(self) -> int:
        """Outputs of a net for it: 1 for binary, C for classes and labels, one a target in regression."""
        if self.task is Task.BINARY:
            return 1
        return len(self.target_names) if self.task is Task.REGRESSION else len(self.classes)

    @property
    def train(self) -> Subset:
        return self.part("train")

    @property
    def dev(self) -> Subset:
        """The dev rows; DataError if there are none."""
        return self.part("dev")

    @property
    def test(self) -> Subset:
        """The test rows; DataError if there are none."""
        return self.part("test")

    @property
    def train_dev(self) -> Subset:
        """Rows with train's distribution that aren't trained on; DataError if there are none."""
        return self.part("train_dev")

    def part(self, name: str) -> Subset:
        """The rows of one part: "train", "dev", "test" or "train_dev"."""
        rows: Rows = getattr(self.split, name)
        if not len(rows):
            raise DataError(f"The data set {self.name!r} has no {name} part; load it with split={{{name!r}: 0.2}}.")
        return Subset(name, self.features.iloc[rows], self.target.iloc[rows], rows)

    @cached_property
    def layout(self) -> tuple[Encoder, ...]:
        """Which inputs each column becomes; the same in all folds."""
        return tuple(plan(column, self.features[column.name].iloc[self.split.train]) for column in self.columns)

    def fold(self, index: int = 0, folds: int | None = None, standardize: str = "standard", seed: int = 0) -> Fold:
        """The arrays of one fold.

        Args:
            index: which fold, from 0.
            folds: None for the split's train and dev rows; k for k-fold cross-validation over both together,
                stratified, grouped or ordered like the split. Test rows are in no fold.
            standardize: "standard", "minmax", "robust" or "none".
            seed: of the shuffle into k folds.

        Raises:
            DataError: if there is no such fold, or no dev part.
        """
        return self._encoded(*self.fold_rows(index, folds, seed), standardize)

    def whole(self, standardize: str = "standard", folds: int | None = None, seed: int = 0) -> Fold:
        """The arrays for a last training: train and dev rows together to learn from.

        The dev arrays hold the dev rows, but these are learnt from too: their scores are no evidence.

        Args: folds, seed: of the cross-validation; where the split has no dev rows, those of its fold 0 are taken.

        Raises:
            DataError: if there is no dev part, and no folds.
        """
        rows = np.sort(np.concatenate([self.split.train, self.split.dev]))
        scored = self.split.dev if len(self.split.dev) else self.fold_rows(0, folds, seed)[1]
        return self._encoded(rows, scored, standardize)

    def _encoded(self, rows_train: Rows, rows_dev: Rows, standardize: str) -> Fold:
        recipe = fit_recipe(
            task=self.task,
            classes=self.classes,
            target_names=self.target_names,
            input_names=self.input_names,
            layout=self.layout,
            features=self.features.iloc[rows_train],
            target=self.target.iloc[rows_train],
            standardize=standardize,
        )
        return Fold(
            x_train=recipe.transform(self.features.iloc[rows_train]),
            y_train=recipe.encode_target(self.target.iloc[rows_train]),
            x_dev=recipe.transform(self.features.iloc[rows_dev]),
            y_dev=recipe.encode_target(self.target.iloc[rows_dev]),
            recipe=recipe,
            rows_train=rows_train,
            rows_dev=rows_dev,
        )

    def fold_rows(self, index: int, folds: int | None, seed: int) -> tuple[Rows, Rows]:
        """Row numbers of a fold's train and dev part; see `fold`."""
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
        """sha256 over columns, values, target and split: equal data have equal fingerprints on every machine."""
        digest = hashlib.sha256()
        for column in self.columns:
            digest.update(f"{column.name}\0{column.kind}\0".encode())
            for piece in content(self.features[column.name]):
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
        kinds = [(kind, sum(column.kind == kind for column in self.columns)) for kind in KINDS]
        features = ", ".join(f"{count} {kind}" for kind, count in kinds if count)
        sizes = ", ".join(f"{part} {len(rows):,}" for part in PART_NAMES if len(rows := getattr(self.split, part)))
        lines = [
            f"{self.name}: {len(self):,} rows, {len(self.columns)} features ({features})",
            f"target   {self.target_name}: {self.task}{self.describe_target()}",
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


def content(values: pd.Series[Any]) -> list[bytes]:
    """A clean column as bytes that don't depend on the machine: little-endian numbers, or sorted texts and codes."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        numbers = days_of(values)
    elif pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.to_numpy(dtype=np.float64)
    else:
        codes, words = texts(values)
        return ["\0".join(words).encode(), codes.astype("<i4").tobytes()]
    return [np.where(np.isnan(numbers), np.nan, numbers + 0.0).astype("<f8").tobytes()]  # one NaN, one zero
