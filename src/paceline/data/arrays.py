"""Arrays into tables: features become columns x0, x1, ...; pictures and the like are flattened."""

from typing import Any

import numpy as np
import pandas as pd

from paceline.errors import DataError


def frame_of(features: Any, target: Any) -> tuple[pd.DataFrame, tuple[str, ...], tuple[str, ...]]:
    """A table, the names of its target columns, and notes.

    Args:
        features: (n, ...) array, or a DataFrame.
        target: (n,) or (n, targets) array, Series or DataFrame.

    Raises:
        DataError: for arrays without rows, of different lengths, or sparse ones.
    """
    notes: tuple[str, ...] = ()
    if isinstance(features, pd.DataFrame):
        frame = features.reset_index(drop=True)
    else:
        values = as_array(features, "features")
        if values.ndim != 2:
            flat = values.reshape(len(values), -1)
            notes = (f"Features of shape {values.shape} are flattened to {flat.shape}.",)
            values = flat
        frame = pd.DataFrame(values, columns=[f"x{place}" for place in range(values.shape[1])])
    targets = as_array(target, "target")
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    if targets.ndim > 2:
        raise DataError(f"A target must have the shape (n,) or (n, targets), but got {targets.shape}.")
    if len(targets) != len(frame):
        raise DataError(f"Features and target must have as many rows, but got {len(frame)} and {len(targets)}.")
    given = names_of(target)
    if targets.ndim == 1:
        wanted = [given[0] if len(given) == 1 else "target"]
        columns = [target.reset_index(drop=True)] if isinstance(target, pd.Series) else [targets]
    else:
        wanted = list(given) or [f"target {place}" for place in range(targets.shape[1])]
        columns = [targets[:, place] for place in range(targets.shape[1])]
    taken = {str(name) for name in frame.columns}
    names = tuple(name if name not in taken else f"{name} (given)" for name in wanted)
    return pd.concat([frame, pd.DataFrame(dict(zip(names, columns, strict=True)))], axis=1), names, notes


def names_of(target: Any) -> tuple[str, ...]:
    """The names that a Series or DataFrame brings along."""
    if isinstance(target, pd.Series):
        return () if target.name is None else (str(target.name),)
    return tuple(str(name) for name in target.columns) if isinstance(target, pd.DataFrame) else ()


def as_array(values: Any, what: str) -> "np.ndarray[Any, np.dtype[Any]]":
    """The values as an array with rows; DataError for none, or a sparse one."""
    if hasattr(values, "tocsr"):
        raise DataError(f"The {what} must be dense, but got a sparse matrix; .toarray() makes it dense.")
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"The {what} must have rows of one length.") from error
    if array.ndim == 0 or not len(array):
        raise DataError(f"The {what} must have rows, but got the shape {array.shape}.")
    return array
