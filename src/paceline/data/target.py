"""What is to be predicted? The task, the classes and the clean target, from raw column(s) and the user's word.

one column   numbers with many values -> regression; text, flags, few whole numbers -> binary or classes
several      all 0/1 -> multi-label; numbers -> regression with an output each
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from paceline.data.cells import FALSE, TRUE, all_of, flags, is_number, missing_cells, number_of, numbers, text, texts
from paceline.data.schema import Label, Task, several
from paceline.errors import DataError, nearest
from paceline.records import task_name

MAX_COUNTING_CLASSES = 20  # whole numbers with at most so many values are classes
MANY = 100  # and up to so many if they count from 0 or 1 without a gap and none of them is rare
LEAST_ROWS = 10


@dataclass(frozen=True, eq=False)
class Target:
    """A clean target.

    Attributes:
        task: see `Task`.
        values: rows that have a target: a Series of labels or float64, or a DataFrame of float64 (several columns).
        classes: labels in sorted order; label names for multi-label; () for regression.
        names: names of the target columns.
        present: (rows,) whether a row of the table has a target.
        notes: what was inferred or dropped.
    """

    task: Task
    values: pd.Series[Any] | pd.DataFrame
    classes: tuple[Label, ...]
    names: tuple[str, ...]
    present: NDArray[np.bool_]
    notes: tuple[str, ...]


def read_target(raw: pd.DataFrame, task: Task | str | None) -> Target:
    """Reads the target column(s).

    Args:
        raw: the target columns as read.
        task: what the user says it is, or None to infer it.

    Raises:
        DataError: if the task is unknown or doesn't fit, or too few rows or a single class are left.
    """
    asked = None if task is None or task == CLASSIFICATION else check_task(task)
    names = tuple(str(name) for name in raw.columns)
    present = ~np.any([missing_target(raw[name]) for name in raw.columns], axis=0)
    labelled = raw[present]
    notes = []
    whole = f"Target {names[0]!r}" if len(names) == 1 else f"Target columns {several(list(names))}"
    if not present.any():
        raise DataError(f"{whole} must have values, but all {len(raw)} are missing.")
    if not present.all():
        notes.append(f"{int((~present).sum())} rows are dropped because their target is missing.")
    if len(labelled) < LEAST_ROWS:
        raise DataError(f"At least {LEAST_ROWS} rows with a target are needed, but there are {len(labelled)}.")
    if task == CLASSIFICATION:
        asked = classification_of(labelled)
    if len(names) > 1:
        found, several_values = several_columns(labelled, asked)
        if asked is None:
            notes.append(f"The task is {task_name(found)} because the {len(names)} target columns hold {HELD[found]}.")
        classes: tuple[Label, ...] = names if found is Task.MULTILABEL else ()
        return Target(found, several_values.reset_index(drop=True), classes, names, present, tuple(notes))
    column = labelled[raw.columns[0]]
    column = column.infer_objects()
    if asked is None:
        found, why = guess_task(column)
        other = "regression" if found is not Task.REGRESSION else "classification"
        numeric = found is Task.REGRESSION or all_of(texts(column)[1], is_number)
        notes.append(
            f"The task is {task_name(found)} because {why}"
            + (f'; pass task="{other}" to change this.' if numeric else ".")
        )
    else:
        found = asked
    if found is Task.MULTILABEL:
        raise DataError(f"A multilabel target needs two or more columns of 0 and 1, but {names[0]!r} is one.")
    values: pd.Series[Any]
    if found is Task.REGRESSION:
        values = pd.Series(numbers(column).astype(np.float64), name=names[0])
        if float(values.min()) == float(values.max()):
            raise DataError(f"A target must vary, but {names[0]!r} is {text(values.iloc[0])} in every row.")
        return Target(found, values, (), names, present, tuple(notes))
    labels, values = read_labels(column, had_missing=not present.all())
    check_classes(found, labels, values, names[0])
    return Target(found, values.reset_index(drop=True), labels, names, present, tuple(notes))


HELD = {Task.MULTILABEL: "only 0 and 1", Task.REGRESSION: "numbers"}


CLASSIFICATION = "classification"
"""Binary, multiclass or multilabel, as the target is."""


def check_task(task: Task | str) -> Task:
    """The task of a name; "multiclass" is another spelling of "classes"."""
    if task == "multiclass":
        return Task.CLASSES
    if task not in list(Task):
        known = [CLASSIFICATION, "multiclass", *map(str, Task)]
        rule = f"`task` must be one of {', '.join(known)}"
        raise DataError(f"{rule}, but got the unknown task {task!r}{nearest(task, known) or '.'}")
    return Task(task)


def classification_of(labelled: pd.DataFrame) -> Task:
    """Which kind of classification suits the target column(s)."""
    if len(labelled.columns) > 1:
        return Task.MULTILABEL
    return Task.BINARY if len(texts(labelled.iloc[:, 0])[1]) <= 2 else Task.CLASSES


def missing_target(column: pd.Series[Any]) -> NDArray[np.bool_]:
    """(rows,) whether a row has no target; an infinite number is none."""
    missing = missing_cells(column)
    if pd.api.types.is_float_dtype(column.dtype):
        missing = missing | np.isnan(numbers(column))
    return missing


def several_columns(labelled: pd.DataFrame, asked: Task | None) -> tuple[Task, pd.DataFrame]:
    """Task and float64 values of several target columns."""
    words = {name: texts(labelled[name])[1] for name in labelled.columns}
    binary = all(all_of(found, lambda word: word.lower() in TRUE | FALSE) for found in words.values())
    if asked in (Task.BINARY, Task.CLASSES):
        raise DataError(
            f"The task {asked} needs one target column, but {len(words)} are given: {several(list(words))}."
        )
    if asked is Task.MULTILABEL or (asked is None and binary):
        read = {name: flags(labelled[name]).astype(np.float64) for name in labelled.columns}
        return Task.MULTILABEL, pd.DataFrame(read)
    return Task.REGRESSION, pd.DataFrame(
        {name: numbers(labelled[name]).astype(np.float64) for name in labelled.columns}
    )


def guess_task(column: pd.Series[Any]) -> tuple[Task, str]:
    """The task that a target column without missing values suggests, and why."""
    codes, words = texts(column)
    count = len(words)
    kind = Task.BINARY if count <= 2 else Task.CLASSES
    if isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(column.dtype):
        return kind, f"the target holds {count} categories"
    if not all_of(words, is_number):
        if count > MAX_COUNTING_CLASSES and count > 0.5 * len(column):
            raise DataError(
                f"A target is a number or one of a few classes, but {column.name!r} holds {count} different texts "
                f"in {len(column)} rows, such as {words[0]!r}."
            )
        return kind, f"the target holds {count} different texts"
    values = np.array([float(word) for word in words])
    if count <= 2:
        return kind, f"the target holds {count} different numbers"
    sizes = np.bincount(codes[codes >= 0], minlength=count)
    if is_counting(values, sizes, real=pd.api.types.is_float_dtype(column.dtype)):
        return kind, f"the target holds only {count} different whole numbers"
    return Task.REGRESSION, f"the target holds {count} different numbers"


def is_counting(values: NDArray[np.float64], sizes: NDArray[np.int64], *, real: bool) -> bool:
    """Whether the distinct numbers of a target look like numbered classes; real: they are written as floats."""
    count, span = len(values), values.max() - values.min() + 1
    if (values != np.round(values)).any() or sizes.sum() < 2 * count:
        return False
    if count <= (MAX_COUNTING_CLASSES // 2 if real else MAX_COUNTING_CLASSES):
        return bool(count <= MAX_COUNTING_CLASSES // 2 and not real) or bool(span <= 2 * count)
    gapless = span == count and values.min() in (0, 1)
    return bool(not real and count <= MANY and gapless and sizes.min() >= 10 and sizes.max() <= 20 * sizes.min())


def read_labels(column: pd.Series[Any], *, had_missing: bool) -> tuple[tuple[Label, ...], pd.Series[Any]]:
    """Classes in sorted order and the label of each row, in the type that the user wrote them in."""
    dtype = column.dtype
    codes, words = texts(column)
    labels: list[Label]
    if pd.api.types.is_bool_dtype(dtype):
        labels = [word == "True" for word in words]
    elif pd.api.types.is_integer_dtype(dtype):
        labels = [int(word) for word in words]
    elif pd.api.types.is_float_dtype(dtype):
        # whole numbers beside empty cells were read as floats
        whole = had_missing and all("." not in word and "e" not in word for word in words)
        labels = [int(word) if whole else float(word) for word in words]
    else:
        labels = list(words)
        if all_of(words, is_number):  # the texts "10" and "9": the order of numbers, not of the alphabet
            order = sorted(words, key=float)
            values = pd.Series([words[code] for code in codes], name=column.name, dtype="str")
            return tuple(order), values
    order_of = sorted(range(len(labels)), key=lambda place: labels[place])
    found = np.empty(len(labels), dtype=object)
    found[:] = labels
    values = pd.Series(found[codes], name=column.name).infer_objects()
    return tuple(labels[place] for place in order_of), values


def check_classes(task: Task, labels: tuple[Label, ...], values: pd.Series[Any], name: str) -> None:
    """DataError unless the number of classes fits the task."""
    if len(labels) < 2:
        raise DataError(f"Classes need at least two different labels, but {name!r} is {labels[0]!r} in every row.")
    if task is Task.BINARY and len(labels) > 2:
        raise DataError(f'A binary target has two classes, but {name!r} has {len(labels)}; use task="multiclass".')
    if len(labels) > MAX_COUNTING_CLASSES and len(labels) > 0.5 * len(values):
        raise DataError(
            f"Classes must have rows to learn from, but {name!r} has {len(labels)} classes in {len(values)} rows."
        )


def class_codes(
    values: Sequence[object] | NDArray[Any] | pd.Series[Any] | pd.DataFrame, classes: tuple[Label, ...]
) -> NDArray[np.int64]:
    """(rows,) position of each label in `classes`; 3, 3.0 and "3" are one label, as are True and "true".

    Raises:
        DataError: for a missing label or one that is no class.
    """
    values = values.iloc[:, 0] if isinstance(values, pd.DataFrame) else values
    column = values if isinstance(values, pd.Series) else pd.Series(np.asarray(values))
    codes, words = texts(column)
    if (codes < 0).any():
        raise DataError(f"Every row needs a label, but row {int(np.argmin(codes))} has none.")
    known = {label_key(label, classes): place for place, label in enumerate(classes)}
    table = np.full(len(words), -1, dtype=np.int64)
    for place, word in enumerate(words):
        key = label_key(word, classes)
        if key not in known:
            raise DataError(f"{word!r} is no class of the target{nearest(word, [text(one) for one in classes])}")
        table[place] = known[key]
    return table[codes]


def label_key(label: object, classes: tuple[Label, ...]) -> str:
    """What two spellings of one label share."""
    word = text(label)
    if isinstance(classes[0], bool):
        return str(word.lower() in TRUE) if word.lower() in TRUE | FALSE else word
    if not isinstance(classes[0], str):
        value = number_of(word)
        return word if value is None else repr(value)
    return word
