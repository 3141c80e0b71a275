"""Opening a study: for its one writer, or for any number of readers; refusing what isn't one."""

import json
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import Connection, inspect, select, update
from sqlalchemy.exc import DBAPIError

from paceline.errors import NoStudyError, StudyError
from paceline.store.codec import Layout
from paceline.store.lock import FileLock, lock_schema
from paceline.store.place import MEMORY, Place
from paceline.store.schema import METADATA, STUDY, VERSION
from paceline.store.store import Store
from paceline.store.upgrade import trial_columns, upgrade


def open_store(where: str | Path, *, create: bool) -> Store:
    """Open a study for its one writer.

    Args:
        where: path of an SQLite file, ":memory:", or an SQLAlchemy URL of SQLite or PostgreSQL.
        create: whether a missing store is made (with its folder); one that is there is opened either way, and
            `Store.begin` refuses to begin a second study in it.

    Raises:
        StudyError: missing (without `create`), not a study, written by a newer Paceline, damaged, out of reach,
            or being written by another process.
        MissingExtraError: PostgreSQL without psycopg.
    """
    place = Place.of(where)
    place.check_file()
    if not create:
        _check_there(place)
    with ExitStack() as resources:
        if place.file is not None:
            with place.sentences("written"):
                place.file.parent.mkdir(parents=True, exist_ok=True)
                resources.callback(FileLock(place.file).release)
        connection = _connect(place, resources, read_only=False)
        with place.sentences("written"), connection.begin():
            if place.url is not None:
                lock_schema(connection, place.label)
            layout = _layout(place, connection)
            if layout is None and not create:
                raise _no_study(place)
            if layout is not None:
                layout = layout.extended()
                connection.execute(update(STUDY).values(columns=json.dumps(layout.names)))
                upgrade(connection)
        return Store(place, connection, resources.pop_all(), layout, read_only=False)


def read_store(where: str | Path) -> Store:
    """Open a study to read it, also while its writer works; neither waits for the other.

    Raises:
        StudyError: missing, not a study, written by a newer Paceline, damaged or out of reach.
        MissingExtraError: PostgreSQL without psycopg.
    """
    place = Place.of(where)
    if place.label == MEMORY:
        raise StudyError("a study in ':memory:' can be read only through the store that writes it.")
    place.check_file()
    _check_there(place)
    with ExitStack() as resources:
        connection = _connect(place, resources, read_only=True)
        with place.sentences("read"), connection.begin():
            layout = _layout(place, connection)
            if layout is None:
                raise _no_study(place)
            columns = trial_columns(connection)
        return Store(place, connection, resources.pop_all(), layout, read_only=True, columns=columns)


def _connect(place: Place, resources: ExitStack, *, read_only: bool) -> Connection:
    with place.sentences("opened"):
        try:
            connection = _touched(place.engine(read_only=read_only).connect(), place)
        except DBAPIError:
            # SQLite reads a WAL file only with its two side files, which it can't make in a read-only folder;
            # where no such file lies there, no writer is at work, and the file may be read as it stands.
            if not read_only or place.file is None or Path(f"{place.file}-wal").exists():
                raise
            connection = _touched(place.engine(read_only=True, immutable=True).connect(), place)
    resources.callback(connection.close)
    return connection


def _touched(connection: Connection, place: Place) -> Connection:
    """The connection, after a first look at the file (SQLite opens it only then); closed if that fails."""
    try:
        if place.file is not None:
            connection.exec_driver_sql("PRAGMA schema_version").close()
            connection.rollback()
    except BaseException:
        connection.close()
        raise
    return connection


def _layout(place: Place, connection: Connection) -> Layout | None:
    """The measured columns of the study in here, or None where nothing is in here yet."""
    present = set(inspect(connection).get_table_names())
    ours = set(METADATA.tables)
    foreign = present - ours if place.url is None else set()  # a server's schema may hold other things too
    if not present & ours and not foreign:
        return None
    not_ours = StudyError(f"{place.label} is a database, but not a study of Paceline.")
    if not ours <= present or not {"version", "columns"} <= {
        column["name"] for column in inspect(connection).get_columns(STUDY.name)
    }:
        raise not_ours
    row = connection.execute(select(STUDY.c.version, STUDY.c.columns)).first()
    if row is None:
        raise not_ours
    if not isinstance(row.version, int) or row.version > VERSION:
        raise StudyError(
            f"{place.label} was written by a newer Paceline (store version {row.version}, this one knows {VERSION}); "
            "update with: pip install -U paceline"
        )
    try:
        return Layout(json.loads(row.columns))
    except (ValueError, TypeError):
        raise not_ours from None


def _check_there(place: Place) -> None:
    if place.label == MEMORY or (place.file is not None and not place.file.exists()):
        raise StudyError(f"no study is at {place.label}.")


def _no_study(place: Place) -> NoStudyError:
    return NoStudyError(f"{place.label} holds no study yet.")
