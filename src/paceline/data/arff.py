"""ARFF, the text format of Weka and OpenML: a header that types each attribute, then comma-separated rows.

    @relation weather
    @attribute outlook {sunny, 'light rain'}
    @attribute temperature numeric
    @data
    sunny, 21.5        % a comment
    'light rain', ?

Dense rows of nominal, numeric, string and date attributes are read; sparse rows and nested relations are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from paceline.data.cells import number_of
from paceline.data.schema import several
from paceline.errors import DataError, did_you_mean

NUMERIC = ("numeric", "real", "integer")
JAVA_TO_STRPTIME = {"yyyy": "%Y", "yy": "%y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
ISO = "yyyy-MM-dd'T'HH:mm:ss"
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(frozen=True, slots=True)
class Attribute:
    """One column: its name, "numeric", "string", "date" or "nominal", the values of a nominal, the format of a date."""

    name: str
    kind: str
    values: tuple[str, ...] = ()
    format: str = ""


def read_arff(lines: Iterable[str], what: str) -> pd.DataFrame:
    """The table in an ARFF file; nominal attributes become categoricals, dates datetimes.

    Args:
        lines: of the file.
        what: the file's name, for messages.

    Raises:
        DataError: names the line that breaks a rule.
    """
    numbered = (
        (number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("%")
    )
    attributes = read_header(numbered, what)
    cells: list[list[str | None]] = []
    for number, line in numbered:
        where = f"{what}, line {number}"
        if line.lstrip().startswith("{"):
            raise DataError(f"{where}: sparse ARFF rows can't be read; save the table with dense rows or as CSV.")
        row = split_row(line, where)
        if len(row) != len(attributes):
            raise DataError(f"{where}: a row must have {len(attributes)} values, but got {len(row)}.")
        for attribute, cell in zip(attributes, row, strict=True):
            check_cell(attribute, cell, where)
        cells.append(row)
    columns = {
        attribute.name: typed([row[place] for row in cells], attribute, what)
        for place, attribute in enumerate(attributes)
    }
    return pd.DataFrame(columns)


def read_header(numbered: Iterator[tuple[int, str]], what: str) -> list[Attribute]:
    """The attributes; leaves the iterator at the first row."""
    attributes: list[Attribute] = []
    for number, line in numbered:
        word, rest = halves(line)
        keyword = word.lower()
        if keyword == "@data":
            if not attributes:
                raise DataError(f"{what} declares no @attribute before @data.")
            names = [attribute.name for attribute in attributes]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise DataError(f"Column names must differ, but {what} has {several(twice)} more than once.")
            return attributes
        if keyword == "@attribute":
            attributes.append(read_attribute(rest, f"{what}, line {number}"))
        elif keyword != "@relation":
            raise DataError(f"{what}, line {number}: expected @relation, @attribute or @data, but got {word!r}.")
    raise DataError(f"{what} is no ARFF file: it has no @data line.")


def read_attribute(text: str, where: str) -> Attribute:
    """'outlook {sunny, rain}' -> Attribute("outlook", "nominal", ("sunny", "rain"))."""
    named = re.match(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s{]+)\s*(.*)""", text, re.DOTALL)
    if named is None or not named[2].strip():
        raise DataError(f"{where}: an @attribute needs a name and a type, but got {text!r}.")
    name = split_row(named[1], where)[0] or "?"
    kind = without_comment(named[2]).strip()
    if kind.startswith("{"):
        if not kind.endswith("}"):
            raise DataError(f"{where}: the values of {name!r} must end with '}}'.")
        values = split_row(kind[1:-1], where, missing=False)
        return Attribute(name, "nominal", tuple(value or "" for value in values))
    word, rest = halves(kind)
    lowered = word.lower()
    if lowered in NUMERIC:
        return Attribute(name, "numeric")
    if lowered == "string":
        return Attribute(name, "string")
    if lowered == "date":
        pattern = split_row(rest, where)[0] if rest else None
        return Attribute(name, "date", format=strptime_format(pattern or ISO))
    known = (*NUMERIC, "string", "date")
    raise DataError(f"{where}: {name!r} has the type {word!r}, which can't be read{did_you_mean(lowered, known)}")


def halves(text: str) -> tuple[str, str]:
    """The first word, and what follows it."""
    word, *rest = text.split(None, 1)
    return word, rest[0].strip() if rest else ""


def strptime_format(java: str) -> str:
    """Java's date pattern as Python's: "yyyy-MM-dd" -> "%Y-%m-%d"."""
    parts = re.findall(r"'[^']*'|yyyy|yy|MM|dd|HH|mm|ss|.", java)
    return "".join(JAVA_TO_STRPTIME.get(part, part.strip("'")) for part in parts)


def split_row(line: str, where: str, *, missing: bool = True) -> list[str | None]:
    """The values of a row: split at commas (or tabs), unquoted, unescaped; None for an unquoted "?"."""
    line = line.strip()
    if not any(mark in line for mark in "'\"\\%\t"):
        return [None if missing and value.strip() == "?" else value.strip() for value in line.split(",")]
    values: list[str | None] = []
    word, quoted, quote, position = "", False, "", 0
    while position <= len(line):
        mark = line[position] if position < len(line) else ","
        if quote:
            if position == len(line):
                raise DataError(f"{where}: the quote {quote} isn't closed.")
            if mark == "\\" and position + 1 < len(line):
                position += 1
                word += ESCAPES.get(line[position], line[position])
            elif mark == quote:
                quote = ""
            else:
                word += mark
        elif mark in "'\"" and not word.strip():
            word, quoted, quote = "", True, mark
        elif mark in ",\t" or mark == "%":
            if mark != "\t" or word.strip() or quoted:  # tabs that only align columns aren't separators
                values.append(
                    None if missing and not quoted and word.strip() == "?" else word if quoted else word.strip()
                )
            word, quoted = "", False
            if mark == "%":
                break
        elif not (quoted and mark == " "):
            word += mark
        position += 1
    return values


def without_comment(text: str) -> str:
    """The text up to a % outside of quotes."""
    quote = ""
    for position, mark in enumerate(text):
        if quote:
            quote = "" if mark == quote else quote
        elif mark in "'\"":
            quote = mark
        elif mark == "%":
            return text[:position]
    return text


def check_cell(attribute: Attribute, cell: str | None, where: str) -> None:
    """DataError for a cell that its attribute doesn't allow."""
    if cell is None:
        return
    if attribute.kind == "numeric" and number_of(cell) is None:
        raise DataError(f"{where}: {attribute.name!r} is numeric, but got {cell!r}.")
    if attribute.kind == "nominal" and cell not in attribute.values:
        hint = did_you_mean(cell, attribute.values)
        raise DataError(f"{where}: {cell!r} isn't among the values of {attribute.name!r}{hint}")


def typed(cells: list[str | None], attribute: Attribute, what: str) -> pd.Series[Any]:
    """One column in the type of its attribute."""
    if attribute.kind == "numeric":
        return pd.Series([np.nan if cell is None else float(cell) for cell in cells], dtype=np.float64)
    if attribute.kind == "nominal":
        return pd.Series(pd.Categorical(cells, categories=list(dict.fromkeys(attribute.values))))
    if attribute.kind == "string":
        return pd.Series(cells, dtype=object)
    try:
        return pd.to_datetime(pd.Series(cells, dtype=object), format=attribute.format)
    except ValueError as error:
        raise DataError(f"{what}: a date of {attribute.name!r} isn't written as {attribute.format}.") from error
