"""What kind of column is this? Each raw column becomes a `Column` and clean values, or is dropped with a note.

The kinds are read from the whole table, as a person would who looks at its header; every *number* that enters
training (means, medians, categories worth a column) is learnt from train rows alone, in `encoders.py`.
Clean values: numeric -> float32/float64, boolean -> float32 0/1, date -> datetime64, category -> categorical of text;
missing cells are NaN, NaT or no category.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from paceline.data.cells import (
    FALSE,
    TRUE,
    all_of,
    date_days,
    days,
    flags,
    is_number,
    missing_cells,
    numbers,
    text,
    texts,
)
from paceline.data.schema import KINDS, Column, several
from paceline.errors import DataError, did_you_mean

DROP = "drop"
ID_ROWS = 20  # with fewer rows, texts that differ in every row aren't yet suspicious
ID_NAMES = frozenset(["id", "index", "row", "row_id", "rowid", "rownames", "rownumber", "row_number"])
DATE_LIKE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}([ T]\d{1,2}:\d{2}.*)?")
DATE_FORMATS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%m/%d/%y",
    "%d.%m.%y",
)
TIME_FORMATS = ("", " %H:%M", " %H:%M:%S")


def read_columns(
    raw: pd.DataFrame, declared: Mapping[str, str]
) -> tuple[tuple[Column, ...], pd.DataFrame, tuple[str, ...]]:
    """Columns, clean values (same rows) and notes of a table without its target.

    Args:
        raw: the features as read; column names are distinct strings.
        declared: column name -> kind that the user demands, or "drop".

    Raises:
        DataError: for a name or kind in `declared` that doesn't exist, a cell that isn't of the declared kind,
            or if no column is left.
    """
    for name, kind in declared.items():
        if name not in raw.columns:
            raise DataError(f"`columns` names {name!r}, which is no feature{did_you_mean(name, raw.columns)}")
        if kind not in (*KINDS, DROP):
            raise DataError(f"`columns` gives {name!r} the kind {kind!r}{did_you_mean(kind, (*KINDS, DROP))}")
    columns: list[Column] = []
    clean: dict[str, pd.Series[Any]] = {}
    notes: list[str] = []
    for name in raw.columns:
        if declared.get(name) == DROP:
            notes.append(f"Column {name!r} is dropped, as asked.")
            continue
        column, values = read_column(raw[name], declared.get(name))
        problem = reason_to_drop(column, values, raw[name], asked=name in declared)
        if problem:
            notes.append(f"Column {name!r} is dropped: {problem}.")
            continue
        columns.append(column)
        clean[name] = values
        if column.note:
            notes.append(f"Column {name!r} {column.note}.")
    if not columns:
        reasons = " " + " ".join(notes) if notes else ""
        raise DataError(f"A table needs at least one usable feature beside its target, but none is left.{reasons}")
    return tuple(columns), pd.DataFrame(clean), tuple(notes)


def read_column(raw: pd.Series[Any], kind: str | None) -> tuple[Column, pd.Series[Any]]:
    """One column, of the given kind or of the kind its cells suggest, and its clean values."""
    note, form = "", ""
    if kind is None:
        kind, note, form = guess_kind(raw)
    elif kind == "date":
        form, note = guess_date_format(raw)
    name = str(raw.name)
    values: pd.Series[Any]
    if kind == "numeric":
        read = numbers(raw)
        infinite = int(np.isnan(read).sum() - missing_cells(raw).sum())
        if infinite > 0:
            note = join_notes(note, f"has {infinite} infinite values (or beyond ±3.4e38), treated as missing")
        values = pd.Series(read, name=name)
    elif kind == "boolean":
        values = pd.Series(flags(raw), name=name)
    elif kind == "date":
        ticks = np.round(days(raw, form) * 86_400_000_000)
        stamps = np.where(np.isnan(ticks), np.iinfo(np.int64).min, ticks).astype(np.int64)  # int64's least is NaT
        values = pd.Series(stamps.view("datetime64[us]"), name=name)
    else:
        codes, words = texts(raw)
        values = pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(words, dtype=object)), name=name)
    return Column(name, kind, note, form), values


def guess_kind(raw: pd.Series[Any]) -> tuple[str, str, str]:
    """Kind, note and date format that the cells of a column suggest."""
    dtype = raw.dtype
    if pd.api.types.is_complex_dtype(dtype) or isinstance(dtype, pd.PeriodDtype | pd.IntervalDtype):
        raise DataError(f"Column {raw.name!r} has the type {dtype}; turn it into numbers, text or dates first.")
    if pd.api.types.is_timedelta64_dtype(dtype):
        raise DataError(f"Column {raw.name!r} has the type {dtype}; turn it into numbers (.dt.total_seconds()) first.")
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return "date", "", "ISO8601"
    if pd.api.types.is_bool_dtype(dtype):
        return "boolean", "", ""
    if pd.api.types.is_numeric_dtype(dtype):
        return "numeric", "", ""
    if isinstance(dtype, pd.CategoricalDtype):
        return "category", "", ""
    _, words = texts(raw)
    lowered = {word.lower() for word in words}
    # {"1", "0"} are numbers, but {"True", "False"} and {"yes", "no"} are flags
    if len(lowered) == 2 and lowered <= TRUE | FALSE and len(lowered & TRUE) == 1 and not lowered & {"0", "1"}:
        return "boolean", "", ""
    numeric = sum(is_number(word) for word in words)
    if words and numeric == len(words):
        return "numeric", "", ""
    if all_of(words, lambda word: DATE_LIKE.fullmatch(word) is not None):
        form, note = guess_date_format(raw)
        if form:
            return "date", note, form
    if numeric > 0.5 * len(words) and len(words) > 10:
        stray = next(word for word in words if not is_number(word))
        return "category", f"is read as categories because {stray!r}, for one, isn't a number", ""
    return "category", "", ""


def guess_date_format(raw: pd.Series[Any]) -> tuple[str, str]:
    """The first known format that reads every date of a column (or ""), and a note if another would, too."""
    if pd.api.types.is_datetime64_any_dtype(raw.dtype):
        return "ISO8601", ""
    _, words = texts(raw)
    if not np.isnan(date_days(words, "ISO8601")).any():
        return "ISO8601", ""
    fitting = []
    for day, time in product(DATE_FORMATS, TIME_FORMATS):
        parsed = pd.to_datetime(pd.Series(words, dtype=object), format=day + time, errors="coerce")
        if not parsed.isna().any():
            fitting.append(day + time)
    if not fitting:
        return "", ""
    other = f" ({fitting[1]} would fit, too)" if len(fitting) > 1 else ""
    return fitting[0], f"holds dates read as {fitting[0]}{other}"


def reason_to_drop(column: Column, values: pd.Series[Any], raw: pd.Series[Any], *, asked: bool) -> str:
    """Why a column can't help any net, or "". What the user declared is dropped only if it says nothing at all."""
    missing = values.isna().to_numpy()
    present = values[~missing]
    if not len(present):
        return "all its values are missing"
    if not missing.any() and bool((present.iloc[0] == present).all()):
        return f"it has the same value in every row ({text(raw.iloc[0])})"
    if asked or len(present) < ID_ROWS:
        return ""
    mend = f'columns={{"{column.name}": "{column.kind}"}} keeps it'
    if column.kind == "category" and present.nunique() == len(present):
        return f"it looks like an ID or free text, which isn't supported (its text differs in every row); {mend}"
    named_id = column.name.strip().lower() in ID_NAMES
    if column.kind == "numeric" and named_id and not missing.any() and counts_rows(np.asarray(present)):
        return f"it looks like a row index; {mend}"
    return ""


def counts_rows(values: NDArray[Any]) -> bool:
    """Whether the values are consecutive whole numbers in any order."""
    ordered = np.sort(values)
    return bool((np.diff(ordered) == 1).all())


def join_notes(*phrases: str) -> str:
    return " and ".join(phrase for phrase in phrases if phrase)


def check_names(names: list[str], what: str) -> None:
    """DataError if two columns share a name."""
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise DataError(f"Column names must differ, but {what} has {several(twice)} more than once.")
