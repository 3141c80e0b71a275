"""What stores of earlier versions lack: read as missing, and added when one is written to again.

version 2    trials.costs
version 3    trials.ended_by, which `codec` works out for older rows
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, inspect, null, text, update

from paceline.store.schema import STUDY, TRIALS, VERSION


def trial_columns(connection: Connection) -> list[ColumnElement[Any]]:
    """The columns of `trials`, NULL in place of those that this store hasn't got."""
    present = {column["name"] for column in inspect(connection).get_columns(TRIALS.name)}
    return [column if column.name in present else null().label(column.name) for column in TRIALS.columns]


def upgrade(connection: Connection) -> None:
    """Bring a store to today's version; its rows stay as they are."""
    present = {column["name"] for column in inspect(connection).get_columns(TRIALS.name)}
    for column in TRIALS.columns:
        if column.name not in present:
            kind = column.type.compile(connection.dialect)
            connection.execute(text(f"ALTER TABLE {TRIALS.name} ADD COLUMN {column.name} {kind}"))
    connection.execute(update(STUDY).values(version=VERSION))
