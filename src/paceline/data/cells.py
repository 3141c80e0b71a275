"""Cells: from what is written in a column to what it means.

The same four readers serve a typed table (numbers, timestamps, booleans) and the raw text of a CSV row, so
that a row predicts alike however it arrives:

    numbers(column)  -> float, NaN where missing or infinite
    flags(column)    -> 0, 1 or NaN
    days(column)     -> days since 1970-01-01, NaN where missing
    texts(column)    -> codes (-1 where missing) and the distinct texts in sorted order
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from paceline.errors import DataError

Floats = NDArray[np.float32] | NDArray[np.float64]

# fmt: off
MISSING = frozenset([
    "", "#N/A N/A", "?", "#N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
    "N/A", "NA", "NAN", "NULL", "NaN", "NaT", "None", "n/a", "nan", "null",
])
# fmt: on
"""Texts that mean "no value": those of pandas, and the question mark of the UCI tables."""

TRUE = frozenset(["true", "yes", "y", "t", "1"])
FALSE = frozenset(["false", "no", "n", "f", "0"])

LARGEST = float(np.finfo(np.float32).max)
EXACT_IN_FLOAT32 = frozenset(["int8", "uint8", "int16", "uint16", "float16", "float32"])
MICROSECONDS_PER_DAY = 86_400_000_000


def text(value: object) -> str:
    """A cell as text: 3, 3.0 and " 3 " are all "3"."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float | np.floating) and float(value).is_integer() and abs(float(value)) < 1e15:
        return str(int(value))
    return str(value)


def texts(column: pd.Series[Any]) -> tuple[NDArray[np.int64], list[str]]:
    """(rows,) codes into the distinct texts, -1 where missing; and those texts, sorted.

    Raises:
        DataError: if cells hold lists or tables instead of values.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        raw_codes, raw = np.asarray(column.cat.codes), list(column.cat.categories)
    else:
        try:
            factors = pd.factorize(column)
        except TypeError as error:
            kind = type(
                next((cell for cell in column if isinstance(cell, list | dict | set | np.ndarray)), column[0])
            ).__name__
            raise DataError(f"A cell must hold one value, but column {column.name!r} holds a {kind}.") from error
        raw_codes, raw = np.asarray(factors[0]), list(factors[1])
    written = [text(value) for value in raw]
    used = np.bincount(raw_codes[raw_codes >= 0], minlength=len(written)) > 0  # a categorical may list more
    distinct = sorted({word for word, here in zip(written, used, strict=True) if here} - MISSING)
    number = {word: code for code, word in enumerate(distinct)}
    codes = np.array([number.get(word, -1) for word in written] + [-1], dtype=np.int64)
    return codes[raw_codes], distinct


def numbers(column: pd.Series[Any]) -> Floats:
    """(rows,) floats, NaN where missing or infinite (or beyond float32, ±3.4e38).

    Raises:
        DataError: names the first text that isn't a number, and its row.
    """
    dtype = column.dtype
    if pd.api.types.is_bool_dtype(dtype) or not pd.api.types.is_numeric_dtype(dtype):
        codes, words = texts(column)
        return finite(lookup(codes, words, [number_of(word) for word in words], column, "isn't a number"))
    narrow = str(dtype).lower() in EXACT_IN_FLOAT32
    return finite(column.to_numpy(dtype=np.float32 if narrow else np.float64, na_value=np.nan))


def finite(values: Floats) -> Floats:
    """The values with NaN for whatever float32 can't hold; the same array if there is nothing to replace."""
    with np.errstate(invalid="ignore"):
        beyond = np.isinf(values) if values.dtype == np.float32 else np.abs(values) > LARGEST
    return np.where(beyond, values.dtype.type(np.nan), values) if beyond.any() else values


def flags(column: pd.Series[Any]) -> NDArray[np.float32]:
    """(rows,) 0, 1 or NaN. Reads true/false, yes/no, y/n, t/f, 1/0 in any case.

    Raises:
        DataError: names the first text that is none of these, and its row.
    """
    if column.dtype == np.bool_:
        return column.to_numpy(dtype=np.float32)
    codes, words = texts(column)
    meant = [1.0 if word.lower() in TRUE else 0.0 if word.lower() in FALSE else None for word in words]
    return lookup(codes, words, meant, column, "is neither true nor false").astype(np.float32)


def days(column: pd.Series[Any], form: str) -> NDArray[np.float64]:
    """(rows,) days since 1970-01-01 UTC with the time of day as fraction; NaN where missing.

    Args:
        form: how text is written: "ISO8601" or a strptime pattern.

    Raises:
        DataError: names the first text that isn't such a date, and its row.
    """
    if not pd.api.types.is_datetime64_any_dtype(column.dtype):
        codes, words = texts(column)
        stamps = date_days(words, form)
        meant = [None if np.isnan(stamp) else float(stamp) for stamp in stamps]
        return lookup(codes, words, meant, column, f"isn't a date as the others are ({form})")
    return days_of(column)


def date_days(words: list[str], form: str) -> NDArray[np.float64]:
    """(words,) days since 1970-01-01 of dates written in `form`; NaN for what isn't one."""
    parsed = pd.to_datetime(pd.Series(words, dtype=object), format=form, errors="coerce", utc=True)
    stamps = days_of(parsed)
    for place in np.flatnonzero(np.isnan(stamps)):  # a typed date, turned to text by an object column, is ISO
        iso = pd.to_datetime(words[place], format="ISO8601", errors="coerce", utc=True)
        stamps[place] = np.nan if pd.isna(iso) else days_of(pd.Series([iso]))[0]
    return stamps


def days_of(stamps: pd.Series[Any]) -> NDArray[np.float64]:
    """(rows,) days since 1970-01-01 UTC of a datetime column, NaN for NaT."""
    if isinstance(stamps.dtype, pd.DatetimeTZDtype):
        stamps = stamps.dt.tz_convert("UTC").dt.tz_localize(None)
    ticks = stamps.to_numpy().astype("datetime64[us]")
    return np.where(np.isnat(ticks), np.nan, ticks.astype(np.int64) / MICROSECONDS_PER_DAY)


def number_of(word: str) -> float | None:
    """The number that a text means, or None. Underscores and digits of other scripts aren't numbers here."""
    try:
        return float(word) if word.isascii() and "_" not in word else None
    except ValueError:
        return None


def is_number(word: str) -> bool:
    """Whether a text means a number."""
    return number_of(word) is not None


def lookup(
    codes: NDArray[np.int64], words: list[str], meant: list[float | None], column: pd.Series[Any], complaint: str
) -> NDArray[np.float64]:
    """(rows,) the meaning of each cell; NaN where missing; DataError for the first cell without a meaning."""
    table = np.array([np.nan if value is None else value for value in meant] + [np.nan], dtype=np.float64)
    unread = np.array([value is None for value in meant] + [False])
    if unread.any() and unread[codes].any():
        row = int(np.argmax(unread[codes]))
        raise DataError(f"Column {column.name!r}, row {row}: {words[codes[row]]!r} {complaint}.")
    return table[codes]


def all_of(words: list[str], test: Callable[[str], bool]) -> bool:
    """Whether there are words and each passes the test."""
    return bool(words) and all(test(word) for word in words)


def missing_cells(raw: pd.Series[Any]) -> NDArray[np.bool_]:
    """(rows,) whether nothing is written in a cell."""
    if pd.api.types.is_numeric_dtype(raw.dtype):
        return raw.isna().to_numpy(dtype=np.bool_)
    return np.asarray(texts(raw)[0] < 0)


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
