"""Outer folds: each row is in the test set of exactly one fold; the others are training and validation there.

    fold 0   test test | . . . . . . . .        .  divided anew into training and validation, as the split says
    fold 1   . . | test test | . . . . .
    ...

For nested cross-validation, which puts a whole search into each fold. It takes the place of the split: rows of the
old test part take part like all others. Nothing of a fold's test rows reaches its training: an outer fold is a data
set of its own, whose inputs are planned on its own train rows.

In order of time a model may only be tested on what comes after its rows. So the rows are cut into one block more than
there are folds, and each block but the first is once the test part, after training on all blocks before it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from paceline.data.cells import text
from paceline.data.dataset import Dataset
from paceline.data.schema import Task
from paceline.data.split import Rows, Split, SplitSettings, k_folds, make_split
from paceline.data.target import class_codes
from paceline.errors import DataError
from paceline.seeds import seed_for


def outer_fold(data: Dataset, index: int, folds: int) -> Dataset:
    """The data set as one outer fold sees it.

    The test parts are those of scikit-learn's StratifiedKFold, KFold, StratifiedGroupKFold or GroupKFold with shuffle
    and the split's seed, or of TimeSeriesSplit. The other rows are divided into train, dev and train_dev by the split's
    own settings; shares are shares of these rows.

    Args:
        index: which fold, from 0.
        folds: how many.

    Raises:
        DataError: the rows can't be divided so, or parts were given as rows of their own.
    """
    if not 0 <= index < folds:
        raise DataError(f"`outer_fold` must lie between 0 and {folds - 1} for {folds} outer folds, but got {index}.")
    check_outer(data, folds)
    seed = data.split_settings.seed
    rest, test = k_folds(len(data), folds, seed, **data.split_keys.of(np.arange(len(data))))[index]
    inner = replace(data.split_settings, test=0, seed=seed_for(seed, "outer", index))
    found = divided(data, np.sort(rest), inner)
    note = f"Outer fold {index} of {folds} (counted from 0): {len(test)} rows were set apart to test on."
    return replace(data, split=replace(found, test=test), notes=(*data.notes, note))


def without_test(data: Dataset) -> Dataset:
    """The data set with all rows divided into training and validation, as `load(..., test=0)` does."""
    settings = replace(data.split_settings, test=0)
    return replace(data, split=divided(data, np.arange(len(data)), settings), split_settings=settings)


def divided(data: Dataset, rows: Rows, settings: SplitSettings) -> Split:
    """Some rows of a data set in parts, by the keys that the whole of it is divided by."""
    home = np.zeros(len(rows), dtype=np.bool_)
    if data.split_keys.strata is not None and (codes := codes_of(data)) is not None:
        home = np.asarray((np.bincount(codes[rows]) == 1)[codes[rows]])
    found = make_split(len(rows), settings, home=home, **data.split_keys.of(rows))
    return Split(rows[found.train], rows[found.dev], rows[found.test], rows[found.train_dev])


def codes_of(data: Dataset) -> NDArray[np.int64] | None:
    """(rows,) class of each row; None where the target isn't one class."""
    if data.task not in (Task.BINARY, Task.CLASSES):
        return None
    return class_codes(data.target, data.classes)


def check_outer(data: Dataset, folds: int) -> None:
    """Refuse data that can't be divided into so many outer folds.

    Raises:
        DataError: a sentence with the rule and the number that breaks it.
    """
    if isinstance(folds, bool) or not isinstance(folds, int) or folds < 2:
        raise DataError(f"`outer_folds` must be a whole number of at least 2, but got {folds!r}.")
    if data.given:
        raise DataError(
            f"with `outer_folds` every row is tested once, so no part can be rows of its own, but the {data.given[0]} "
            f"rows of {data.name!r} are; put them into the table, or leave `outer_folds` out."
        )
    groups, strata = data.split_keys.groups, data.split_keys.strata
    what, most = ("rows", len(data)) if groups is None else ("groups", len(np.unique(groups)))
    if folds > most:
        raise DataError(f"`outer_folds` can be at most the number of {what}, {most}, but got {folds}.")
    codes = codes_of(data)
    if strata is None or codes is None:
        return
    counts = np.bincount(codes, minlength=len(data.classes))
    rarest = int(counts.argmin())
    if folds > counts[rarest]:
        raise DataError(
            f"each of the `outer_folds` must test every class, so {folds} need as many rows of each, but class "
            f"{text(data.classes[rarest])!r} has {counts[rarest]}; use fewer folds, or a split with `stratify: false`."
        )
