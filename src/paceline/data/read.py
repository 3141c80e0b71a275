"""Files into tables: CSV, TSV, Parquet, Feather, Excel, JSON lines, ARFF and npz, by the file's extension.

A reader returns what stands in the file; what it means is decided later, alike for all formats (infer.py).
"""

import csv
import gzip
import json
import re
import warnings
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO, cast
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from paceline.data.arff import read_arff
from paceline.data.arrays import frame_of
from paceline.data.cells import MISSING, all_of, is_number
from paceline.data.infer import check_names
from paceline.errors import DataError, MissingExtraError, UserError

DELIMITERS = ",;\t|"
DECIMAL_COMMA = re.compile(r"(?:^|;)-?\d+,\d+(?:;|$)", re.MULTILINE)
DECIMAL_POINT = re.compile(r"\d\.\d")


@dataclass(frozen=True, eq=False)
class Table:
    """A table as read.

    Attributes:
        name: a short name for reports.
        frame: features and target columns.
        target: names of the target columns, () if still to be found.
        notes: what the reader noticed.
        parts: rows that the source itself sets apart: "dev" or "test" -> a table like `frame`.
    """

    name: str
    frame: pd.DataFrame
    target: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    parts: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def read_path(path: Path, as_text: list[str]) -> Table:
    """Reads a file by its extension.

    Args:
        path: the file.
        as_text: columns whose cells must keep their spelling ("02134").

    Raises:
        DataError: if the file is missing, empty, damaged, of an unknown kind, or without rows.
        MissingExtraError: for Excel files without openpyxl.
    """
    if path.is_dir():
        raise DataError(f"A table must be a file, but {str(path)!r} is a folder.")
    if not path.exists():
        raise DataError(f"There is no file {str(path)!r}{nearest_file(path)}")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = suffixes[-1:] == [".gz"]
    suffix = (suffixes[-2:-1] if packed else suffixes[-1:]) or [""]
    reader = READERS.get(suffix[0])
    if reader is None or (packed and suffix[0] not in TEXT_FORMATS):
        raise DataError(f"The table {path.name!r} has an unknown extension; known: {', '.join(READERS)}.")
    if path.stat().st_size == 0:
        raise DataError(f"The file {path.name!r} is empty.")
    try:
        table = reader(path, as_text)
    except UserError:
        raise
    except (OSError, ValueError, EOFError, KeyError, BadZipFile, csv.Error, zlib.error) as error:
        # The first sentence says what is wrong; a second may advise to unpickle.
        reason = str(error).strip().split(". ")[0].splitlines() or [type(error).__name__]
        raise DataError(f"The file {path.name!r} can't be read as {suffix[0][1:]}: {reason[0].rstrip('.')}.") from error
    if not len(table.frame):
        raise DataError(f"The file {path.name!r} has a header but no rows.")
    return table


def nearest_file(path: Path) -> str:
    """The end of the sentence "There is no file ...": a similar name in the folder."""
    folder = path.parent
    if not folder.is_dir():
        return f"; the folder {str(folder)!r} doesn't exist either."
    near = get_close_matches(path.name, [entry.name for entry in folder.iterdir() if entry.is_file()], n=1, cutoff=0.6)
    return f"; did you mean {str(folder / near[0])!r}?" if near else "."


def stem(path: Path) -> str:
    return path.name.removesuffix(".gz").rsplit(".", 1)[0]


def encoding_of(path: Path) -> str:
    """ "utf-8-sig" or "utf-16" by the first bytes; DataError for what is no text."""
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
        head = file.read(4096)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if b"\x00" in head:
        raise DataError(f"The file {path.name!r} isn't text, in spite of its extension.")
    return "utf-8-sig"


def open_text(path: Path, encoding: str) -> TextIO:
    if path.suffix.lower() == ".gz":
        return cast(TextIO, gzip.open(path, "rt", encoding=encoding, newline=""))
    return path.open(encoding=encoding, newline="")


def with_encoding(path: Path, read: Callable[[str], Table]) -> Table:
    """Reads as UTF-8 (or UTF-16), and as Windows' Western European if that fails."""
    encoding = encoding_of(path)
    try:
        return read(encoding)
    except UnicodeDecodeError:
        table = read("cp1252" if encoding == "utf-8-sig" else "latin-1")
    notes = (*table.notes, f"The file {path.name!r} isn't UTF-8; it is read as Windows-1252.")
    return Table(table.name, table.frame, notes=notes)


def read_delimited(path: Path, as_text: list[str]) -> Table:
    return with_encoding(path, lambda encoding: read_delimited_as(path, as_text, encoding))


def read_delimited_as(path: Path, as_text: list[str], encoding: str) -> Table:
    """CSV, TSV and their like; the separator is the one of , ; tab | that gives the header the most columns."""
    with open_text(path, encoding) as file:
        sample = file.read(65_536)
    lines = [line for line in sample.splitlines() if line.strip()]
    if not lines:
        raise DataError(f"The file {path.name!r} is empty.")
    tabs = path.suffixes[0].lower() in (".tsv", ".tab")
    by_columns = {mark: len(next(csv.reader([lines[0]], delimiter=mark))) for mark in DELIMITERS}
    separator = "\t" if tabs else max(by_columns, key=lambda mark: by_columns[mark])
    with open_text(path, encoding) as file:
        header = next(row for row in csv.reader(file, delimiter=separator, skipinitialspace=True) if row)
    named = [name.strip() for name in header]
    check_names([name for name in named if name], f"{path.name!r}")
    if all_of(named, is_number) and named != [str(place) for place in range(len(named))]:
        raise DataError(f"The first line of {path.name!r} must name the columns, but it holds only numbers.")
    names = [name or f"column {place}" for place, name in enumerate(named)]
    comma = separator == ";" and DECIMAL_COMMA.search(sample) and not DECIMAL_POINT.search(sample)
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            frame = pd.read_csv(
                path,
                sep=separator,
                header=0,
                names=names,
                index_col=False,
                encoding=encoding,
                skipinitialspace=True,
                dtype={name: str for name in as_text if name in names},
                na_values=sorted(MISSING),
                keep_default_na=False,
                decimal="," if comma else ".",
                low_memory=False,
            )
        except pd.errors.ParserWarning as error:
            raise DataError(
                f"A row of {path.name!r} has more values than the header has names ({len(names)})."
            ) from error
        except pd.errors.ParserError as error:
            reason = str(error).replace("Error tokenizing data. C error: ", "").strip()
            raise DataError(f"The file {path.name!r} isn't a table: {reason.rstrip('.')}.") from error
    if named[0] == "" and len(names) > 1 and frame[names[0]].equals(pd.Series(range(len(frame)))):
        return Table(
            stem(path), frame.drop(columns=names[0]), notes=("The first column is dropped: it looks like a row index.",)
        )
    return Table(stem(path), frame)


def read_parquet(path: Path, as_text: list[str]) -> Table:
    return without_index(path, pd.read_parquet(path))


def read_feather(path: Path, as_text: list[str]) -> Table:
    return without_index(path, pd.read_feather(path))


def without_index(path: Path, frame: pd.DataFrame) -> Table:
    """The table with rows numbered from 0; an index with a meaning is mentioned."""
    named = [str(name) for name in frame.index.names if name is not None]
    notes = (f"The index {', '.join(named)} of {path.name!r} isn't used as a feature.",) if named else ()
    return Table(stem(path), frame.reset_index(drop=True), notes=notes)


def read_excel(path: Path, as_text: list[str]) -> Table:
    """The first sheet of a workbook."""
    if find_spec("openpyxl") is None:
        raise MissingExtraError("Excel files need openpyxl; install it with: pip install 'paceline[excel]'.")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="openpyxl")  # it complains of styles that it doesn't know
        with pd.ExcelFile(path, engine="openpyxl") as book:
            sheet = book.sheet_names[0]
            header = pd.read_excel(book, sheet_name=sheet, header=None, nrows=1, dtype=object)
            if not len(header):
                raise DataError(f"The first sheet of {path.name!r} is empty.")
            written = [str(name).strip() for name in header.iloc[0].dropna()]
            check_names(written, f"{path.name!r}")
            kept = {name: str for name in as_text if name in written}
            frame = pd.read_excel(
                book, sheet_name=sheet, na_values=sorted(MISSING), keep_default_na=False, dtype=cast(Any, kept)
            )
            others = len(book.sheet_names) - 1
    notes = (f"Of {path.name!r} only the first sheet, {sheet!r}, is read.",) if others else ()
    return Table(stem(path), frame, notes=notes)


def read_json_lines(path: Path, as_text: list[str]) -> Table:
    return with_encoding(path, lambda encoding: read_json_lines_as(path, encoding))


def read_json_lines_as(path: Path, encoding: str) -> Table:
    """One object a line."""
    rows: list[dict[str, Any]] = []
    with open_text(path, encoding) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise DataError(
                    f"{path.name!r}, line {number}: not JSON ({error.msg} at column {error.colno})."
                ) from error
            if not isinstance(row, dict):
                raise DataError(
                    f"{path.name!r}, line {number}: a line must be an object, but got {line.strip()[:40]!r}."
                )
            rows.append(row)
    return Table(stem(path), pd.DataFrame(rows))


def read_arff_file(path: Path, as_text: list[str]) -> Table:
    def read(encoding: str) -> Table:
        with open_text(path, encoding) as file:
            return Table(stem(path), read_arff(file, repr(path.name)))

    return with_encoding(path, read)


X_NAMES, Y_NAMES = ("x", "data", "features"), ("y", "target", "targets", "labels")
PART_NAMES = {"dev": ("dev", "val", "valid", "validation"), "test": ("test",)}


def read_npz(path: Path, as_text: list[str]) -> Table:
    """Arrays X and y, or x_train, y_train and the like for test and dev; in any case of letters. Never unpickles."""
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        raise DataError(f"The file {path.name!r} must hold named arrays (numpy.savez), but it holds a single one.")
    with loaded as file:
        names = {name.lower(): name for name in file.files}
        pairs = {"": find_pair(names, "")} | {part: find_pair(names, part) for part in ("train", "dev", "test")}
        main = pairs[""] or pairs["train"]
        if main is None:
            known = ", ".join(sorted(file.files))
            raise DataError(f"An npz file must hold X and y, or x_train and y_train, but {path.name!r} holds: {known}.")
        arrays = {part: (file[pair[0]], file[pair[1]]) for part, pair in pairs.items() if pair is not None}
    used = {name for pair in pairs.values() if pair is not None for name in pair}
    unused = sorted(set(names.values()) - used)
    frame, target, notes = frame_of(*arrays["" if pairs[""] else "train"])
    if unused:
        notes = (*notes, f"The arrays {', '.join(unused)} of {path.name!r} aren't used.")
    given = {part: frame_of(*arrays[part])[0] for part in PART_NAMES if part in arrays}
    return Table(stem(path), frame, target, notes, given)


def find_pair(names: Mapping[str, str], part: str) -> tuple[str, str] | None:
    """The names of a part's features and target, or None; part "" means the whole table."""
    words = PART_NAMES.get(part, (part,))
    features = [names[key] for one in X_NAMES for word in words if (key := f"{one}_{word}".rstrip("_")) in names]
    targets = [names[key] for one in Y_NAMES for word in words if (key := f"{one}_{word}".rstrip("_")) in names]
    return (features[0], targets[0]) if features and targets else None


READERS: dict[str, Callable[[Path, list[str]], Table]] = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".tab": read_delimited,
    ".txt": read_delimited,
    ".parquet": read_parquet,
    ".pq": read_parquet,
    ".feather": read_feather,
    ".xlsx": read_excel,
    ".xlsm": read_excel,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".arff": read_arff_file,
    ".npz": read_npz,
}
TEXT_FORMATS = frozenset(
    suffix for suffix in READERS if suffix in {".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson", ".arff"}
)
