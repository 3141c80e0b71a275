"""Predictions as a table: a row for each row of the file, in its order."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from paceline.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from paceline.model import Model


def predicted(model: "Model", source: str, *, proba: bool) -> "pd.DataFrame":
    """(rows, targets) predictions, with the classes' probabilities beside them if asked.

    Raises:
        DataError: the file can't be read, or lacks a column; ModelError: probabilities of a regression.
    """
    import pandas as pd

    from paceline.data import TableInputs
    from paceline.data.loading import open_source

    # Categories keep their spelling: 02134 in a file of numbers alone would be read as 2134.
    encoders = model.inputs.encoders if isinstance(model.inputs, TableInputs) else ()
    kinds = {encoder.name: "category" for encoder in encoders if encoder.kind == "category"}
    rows = open_source(source, None, kinds).frame
    rows = rows.set_axis([str(name).strip() for name in rows.columns], axis=1)
    names = list(model.target.names)
    values = model.predict(rows)
    table = pd.DataFrame(values.reshape(len(rows), -1), columns=names)
    if proba:
        shares = model.predict_proba(rows)
        table = pd.concat([table, pd.DataFrame(shares, columns=[f"p({label})" for label in model.classes])], axis=1)
    return table


def write_table(table: "pd.DataFrame", out: Path | None, *, source: str) -> None:
    """As CSV to a file or to standard output."""
    if out is None:
        table.to_csv(sys.stdout, index=False)
        return
    if Path(source).exists() and out.resolve() == Path(source).resolve():
        raise DataError(f"predictions must not replace the rows they are made from, but --out is {str(out)!r} too.")
    if out.is_dir():
        raise DataError(f"predictions are written to a file, but {str(out)!r} is a folder.")
    if not out.parent.is_dir():
        raise DataError(f"predictions need a folder to be written to, but {str(out.parent)!r} doesn't exist.")
    table.to_csv(out, index=False)
    print(f"{len(table):,} predictions are in {out}")
