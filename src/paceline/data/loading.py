"""`load`: from a file, a table, arrays or a name to a `Dataset`, in the order

read -> find the target -> read its task -> read the kinds of columns -> divide the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from paceline.data.arrays import frame_of
from paceline.data.builtin import DATASETS, read_builtin
from paceline.data.cells import text, texts
from paceline.data.dataset import Dataset, SplitKeys
from paceline.data.infer import check_names, read_column, read_columns
from paceline.data.read import READERS, Table, read_path
from paceline.data.schema import Task, several
from paceline.data.split import PART_NAMES, Codes, Split, SplitSettings, make_split, part_name
from paceline.data.table_source import TableSource
from paceline.data.target import Target, class_codes, read_target
from paceline.errors import DataError, did_you_mean

TARGET_NAMES = ("target", "label", "class", "y")
TENTHS = 10  # a number that rows are stratified by is cut into so many ranks


def load(
    source: Any,
    *,
    target: Any = None,
    task: Task | str | None = None,
    columns: Mapping[str, str] | None = None,
    split: SplitSettings | Mapping[str, Any] | None = None,
    seed: int = 0,
    validation: Any = None,
    test: Any = None,
    dev: Any = None,
    name: str | None = None,
) -> Dataset:
    """Reads a table, says what it is, and divides its rows.

    Args:
        source: a path (CSV, TSV, Parquet, Feather, Excel, JSON lines, ARFF, npz), a DataFrame, an (n, features)
            array, or the name of a built-in data set: digits, breast-cancer, wine, iris, diabetes.
        target: the target column, or several (labels or numbers to predict together), or an array of targets beside
            an array or DataFrame. Without it, the one column called target, label, class or y.
        task: "classification" (binary or multiclass), "multilabel" or "regression"; None infers it.
        columns: column -> "numeric", "category", "boolean", "date" or "drop" where the guess is wrong.
        split: how rows are divided, e.g. {"validation": 0.2, "test": 1000, "group": "patient"}; the keys are the fields
            of SplitSettings, and "validation" is another spelling of "dev".
        seed: of the split, unless `split` has its own.
        validation: a fraction or number of rows, or the validation rows themselves (a path, DataFrame or (X, y)).
        test: the same for the test rows.
        dev: another spelling of `validation`.
        name: for reports; default: the file's name.

    Raises:
        DataError: a sentence about what can't be used, and how to mend it.
        MissingExtraError: for Excel without openpyxl.
    """
    if columns is not None and not isinstance(columns, Mapping):
        raise DataError(f"`columns` must be a dict of column names and kinds, but got {columns!r}.")
    if dev is not None and validation is not None:
        raise DataError("`dev` and `validation` are two names of one argument; give only `validation`.")
    dev = validation if dev is None else dev
    declared = dict(columns or {})
    settings = read_settings(split, seed, dev, test)
    table = open_source(source, target, declared)
    raw = clean_names(table.frame, repr(table.name))
    targets = table.target or find_target(raw, target, table.name)
    notes = list(table.notes)
    given = dict(table.parts)
    for part, rows in (("dev", dev), ("test", test)):
        if rows is not None and not is_size(rows):
            given[part] = open_part(rows, target, targets, declared)
    frames, origin = [raw], [np.zeros(len(raw), dtype=np.int64)]
    for code, part in enumerate(("dev", "test"), 1):
        if part in given:
            frames.append(match_columns(clean_names(given[part], f"the {part_name(part)} table"), raw, part, notes))
            origin.append(np.full(len(given[part]), code, dtype=np.int64))
    whole = pd.concat(frames, ignore_index=True) if len(frames) > 1 else raw.reset_index(drop=True)
    answer = read_target(whole[list(targets)], task)
    notes += answer.notes
    features = whole.drop(columns=list(targets))
    input_names = tuple(features.columns)
    if not answer.present.all():
        whole, features = (frame[answer.present].reset_index(drop=True) for frame in (whole, features))
    group = None if settings.group is None else known_column(whole, settings.group, "group")
    if group is not None and group not in declared and group in features.columns:
        features = features.drop(columns=group)
        notes.append(f'Column {group!r} groups the rows and is no feature; columns={{"{group}": "category"}} keeps it.')
    found, clean, column_notes = read_columns(features, declared)
    notes += column_notes
    parts = np.concatenate(origin)[answer.present]
    keys = split_keys(whole, answer, settings)
    return Dataset(
        name=name or table.name,
        source=TableSource(clean, found, input_names),
        target=answer.values,
        task=answer.task,
        classes=answer.classes,
        target_names=answer.names,
        notes=(*notes, *single_rows(answer, keys)),
        split=divide_rows(parts, settings, answer, keys, given),
        split_settings=settings,
        split_keys=keys,
        given=tuple(part for part in ("dev", "test") if part in given),
    )


def is_size(rows: Any) -> bool:
    return isinstance(rows, int | float | np.integer | np.floating)


def read_settings(split: Any, seed: int, dev: Any, test: Any) -> SplitSettings:
    """Split settings from the three ways to give them."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise DataError(f"`seed` must be a whole number, 0 or more, but got {seed!r}.")
    if split is None:
        settings = SplitSettings(seed=int(seed))
    elif isinstance(split, SplitSettings):
        settings = replace(split, seed=split.seed or int(seed))
    elif isinstance(split, Mapping):
        known = [one.name for one in fields(SplitSettings)]
        if "dev" in split and "validation" in split:
            raise DataError("'dev' and 'validation' are two names of one setting of `split`; give only 'validation'.")
        split = {"dev" if key == "validation" else key: value for key, value in split.items()}
        for key in split:
            if key not in known:
                raise DataError(f"`split` has no setting {key!r}{did_you_mean(key, [*known, 'validation'])}")
        settings = SplitSettings(**{"seed": int(seed), **split})
    else:
        raise DataError(f"`split` must be SplitSettings or a dict of them, but got {split!r}.")
    sizes = {part: rows for part, rows in (("dev", dev), ("test", test)) if rows is not None and is_size(rows)}
    settings = replace(settings, **sizes)
    if settings.time is not None and (settings.group or settings.stratify_by or settings.stratify):
        raise DataError("A split by `time` follows the order of rows, so it can't be grouped or stratified as well.")
    return settings


def open_source(source: Any, target: Any, declared: Mapping[str, str]) -> Table:
    """The table that `source` means."""
    as_text = [column for column, kind in declared.items() if kind == "category"]
    if isinstance(source, str) and source in DATASETS and not Path(source).exists():
        return Table(source, read_builtin(source), ("target",))
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        if isinstance(source, str) and not path.suffix and not path.exists():
            near = did_you_mean(source, DATASETS)
            raise DataError(f"There is no file and no built-in data set {source!r}{near}")
        return read_path(path, as_text)
    if isinstance(source, pd.DataFrame):
        if not len(source):
            raise DataError(f"A table must have rows, but this DataFrame has the shape {source.shape}.")
        if target is None or names_columns(target, source):
            return Table("table", source.reset_index(drop=True))
        frame, names, notes = frame_of(source, target)
        return Table("table", frame, names, notes)
    if source is None or isinstance(source, Mapping | bytes | set):
        kinds = ", ".join(READERS)
        raise DataError(
            f"A table is a path ({kinds}), a DataFrame, an array or a name, but got {type(source).__name__}."
        )
    if target is None or isinstance(target, str):
        raise DataError("An array of features needs its targets: load(X, target=y).")
    frame, names, notes = frame_of(source, target)
    return Table("arrays", frame, names, notes)


def names_columns(target: Any, frame: pd.DataFrame) -> bool:
    """Whether `target` names columns, rather than holding a value for each row."""
    if isinstance(target, str):
        return True
    if not isinstance(target, list | tuple) or not all(isinstance(one, str | int) for one in target):
        return False
    known = {str(column) for column in frame.columns}
    return len(target) != len(frame) or all(str(one) in known for one in target)


def open_part(rows: Any, target: Any, targets: Sequence[str], declared: Mapping[str, str]) -> pd.DataFrame:
    """Rows that the user gives as a part of their own: a path, a DataFrame or (X, y), with targets."""
    if isinstance(rows, tuple):
        if len(rows) != 2:
            raise DataError(f"Rows given as arrays are (X, y), but got {len(rows)} arrays.")
        frame, names, _ = frame_of(*rows)
        return frame.rename(columns=dict(zip(names, targets, strict=False)))
    names_target = isinstance(target, str | None) or names_columns(target, pd.DataFrame(columns=list(targets)))
    if not isinstance(rows, str | Path | pd.DataFrame) or not names_target:
        raise DataError("Beside arrays, validation and test rows must be given as (X, y).")
    return open_source(rows, None, declared).frame


def clean_names(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """The frame with texts as column names; DataError if two are alike."""
    names = [str(column).strip() for column in frame.columns]
    check_names(names, what)
    return frame.set_axis(names, axis=1)


def find_target(raw: pd.DataFrame, target: Any, what: str) -> tuple[str, ...]:
    """The names of the target columns.

    Raises:
        DataError: if none is named and none, or more than one, bears a usual name; or a name is unknown.
    """
    if target is None:
        usual = [column for column in raw.columns if column.lower() in TARGET_NAMES]
        if len(usual) == 1:
            return (usual[0],)
        names = several(list(raw.columns), limit=12)
        raise DataError(f"`target` must name the column of {what!r} that is to be predicted; its columns are {names}.")
    if not isinstance(target, str | list | tuple):
        raise DataError(f"The target of a file is the name of a column or a list of names, but got {target!r}.")
    wanted = [target] if isinstance(target, str) else [str(one) for one in target]
    if not wanted:
        raise DataError("`target` must name at least one column, but the list is empty.")
    check_names(wanted, "`target`")
    return tuple(known_column(raw, one, "target") for one in wanted)


def known_column(frame: pd.DataFrame, column: str, role: str) -> str:
    if column not in frame.columns:
        raise DataError(
            f"There is no column {column!r} to be the {role}{did_you_mean(column, list(frame.columns)[:40])}"
        )
    return column


def match_columns(frame: pd.DataFrame, raw: pd.DataFrame, part: str, notes: list[str]) -> pd.DataFrame:
    """The given rows with the columns of the train table."""
    missing = [column for column in raw.columns if column not in frame.columns]
    if missing:
        rule = f"The {part_name(part)} rows must have the columns of the training table"
        raise DataError(f"{rule}; missing columns: {several(missing)}.")
    extra = [column for column in frame.columns if column not in raw.columns]
    if extra:
        notes.append(
            f"Columns {several(extra)} of the {part_name(part)} rows aren't in the training table and are ignored."
        )
    return frame[list(raw.columns)]


def split_keys(whole: pd.DataFrame, answer: Target, settings: SplitSettings) -> SplitKeys:
    """Strata, groups and times of all rows, as the settings ask."""
    strata: list[Codes] = []
    by_class = answer.task in (Task.BINARY, Task.CLASSES)
    if settings.stratify or (settings.stratify is None and by_class and settings.time is None):
        strata.append(target_strata(answer))
    if settings.stratify_by is not None:
        strata.append(column_strata(whole[known_column(whole, settings.stratify_by, "stratify_by")]))
    groups = times = None
    if settings.group is not None:
        groups = texts(whole[settings.group])[0]
        refuse_missing(groups < 0, settings.group, "group")
    if settings.time is not None:
        column, values = read_column(whole[known_column(whole, settings.time, "time")], None)
        if column.kind not in ("numeric", "date"):
            raise DataError(f"`time` must be dates or numbers, but column {settings.time!r} holds text.")
        refuse_missing(values.isna().to_numpy(), settings.time, "time")
        times = np.asarray(values).astype(np.float64)
    crossed = np.unique(np.stack(strata), axis=1, return_inverse=True)[1] if strata else None
    return SplitKeys(crossed, groups, times)


def refuse_missing(missing: NDArray[np.bool_], column: str, role: str) -> None:
    if missing.any():
        raise DataError(
            f"Every row needs a value to be split by {role}, but {column!r} has none in row {int(missing.argmax())}."
        )


def target_strata(answer: Target) -> Codes:
    """(rows,) the class, the set of labels, or the tenth of the target's ranks."""
    if isinstance(answer.values, pd.DataFrame):
        if answer.task is Task.REGRESSION:
            raise DataError("`stratify` works with one target, but there are several numbers to predict.")
        return np.unique(answer.values.to_numpy(), axis=0, return_inverse=True)[1]
    if answer.task is Task.REGRESSION:
        return tenths(answer.values)
    return class_codes(answer.values, answer.classes)


def column_strata(column: pd.Series[Any]) -> Codes:
    """(rows,) a code for each value, missing ones together; numbers with many values are cut into tenths."""
    if pd.api.types.is_float_dtype(column.dtype) and column.nunique() > 2 * TENTHS:
        return np.where(column.isna().to_numpy(), TENTHS, tenths(column))
    return texts(column)[0] + 1


def tenths(values: pd.Series[Any]) -> Codes:
    ranks = values.rank(method="average", pct=True).fillna(0).to_numpy()
    return np.minimum((ranks * TENTHS).astype(np.int64), TENTHS - 1)


def singles(answer: Target, keys: SplitKeys) -> NDArray[np.bool_]:
    """(rows,) whether a row is the only one of its class."""
    if keys.strata is None or answer.task not in (Task.BINARY, Task.CLASSES):
        return np.zeros(len(answer.values), dtype=np.bool_)
    codes = class_codes(answer.values, answer.classes)
    return np.asarray((np.bincount(codes) == 1)[codes])


def single_rows(answer: Target, keys: SplitKeys) -> tuple[str, ...]:
    """A note on classes with a single row."""
    lonely = singles(answer, keys)
    if not lonely.any() or keys.groups is not None:
        return ()
    labels = several([text(label) for label in np.asarray(answer.values)[lonely]])
    return (f"Classes with a single row ({labels}) are only trained on; they aren't in the validation and test set.",)


def divide_rows(
    parts: NDArray[np.int64], settings: SplitSettings, answer: Target, keys: SplitKeys, given: Mapping[str, Any]
) -> Split:
    """The split of all rows: parts is 0 for rows still to be divided, 1 and 2 for given validation and test rows."""
    main = np.flatnonzero(parts == 0)
    home = singles(answer, keys)[main]
    rest = replace(settings, dev=0 if "dev" in given else settings.dev, test=0 if "test" in given else settings.test)
    found = make_split(len(main), rest, home=home, **keys.of(main))
    placed = {part: main[getattr(found, part)] for part in PART_NAMES}
    for code, part in enumerate(("dev", "test"), 1):
        if part in given:
            placed[part] = np.flatnonzero(parts == code)
            if not len(placed[part]):
                raise DataError(f"The given {part} rows have no target.")
    return Split(**placed)
