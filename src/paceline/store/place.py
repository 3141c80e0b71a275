"""Where a study is kept: a file, this process's memory, or a database server; and how to connect to it.

`where` is the path of an SQLite file, ":memory:", or an SQLAlchemy URL of SQLite or PostgreSQL.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from paceline.errors import MissingExtraError, StudyError

MEMORY = ":memory:"
HEADER = b"SQLite format 3\0"  # the first 16 bytes of every database file that isn't empty
PATIENCE = 10.0  # seconds to wait for SQLite's short internal locks (recovery after a crash, a backup)


@dataclass(frozen=True, slots=True)
class Place:
    """A resolved `where`.

    Attributes:
        label: for messages; without a password.
        file: the SQLite file (symbolic links followed, so that a study has one lock file), or None.
        url: of the database server, or None.
    """

    label: str
    file: Path | None = None
    url: URL | None = None

    @classmethod
    def of(cls, where: str | Path) -> "Place":
        """Resolve `where`; touches nothing."""
        if str(where) == MEMORY:
            return cls(MEMORY)
        if "://" not in str(where):
            return cls(str(where), file=Path(where).expanduser().resolve())
        try:
            url = make_url(str(where))
        except (ArgumentError, ValueError):
            raise StudyError(f"{str(where).split('://')[0]}://... isn't a database URL; see SQLAlchemy's.") from None
        backend = "postgresql" if url.drivername == "postgres" else url.get_backend_name()
        if backend == "sqlite":
            return cls.of(url.database or MEMORY)
        if backend != "postgresql":
            raise StudyError(f"a study is kept in SQLite or PostgreSQL, but got a URL of {backend!r}.")
        return cls(url.render_as_string(hide_password=True), url=url.set(drivername="postgresql+psycopg"))

    def engine(self, *, read_only: bool, immutable: bool = False) -> Engine:
        """An engine whose connections suit one reader or the one writer. `immutable`: nobody writes to the file."""
        if self.url is not None:
            try:
                engine = create_engine(self.url, poolclass=NullPool)
            except ModuleNotFoundError:
                raise MissingExtraError(
                    "a study in PostgreSQL needs psycopg, so install it with: pip install 'paceline[postgres]'"
                ) from None
            return engine.execution_options(postgresql_readonly=True) if read_only else engine

        def connect() -> sqlite3.Connection:
            options = "?mode=ro" if read_only else "?mode=rwc"
            address = MEMORY if self.file is None else self.file.as_uri() + options + "&immutable=1" * immutable
            # One thread at a time: the store sees to it. Transactions are begun below, where we choose their kind.
            return sqlite3.connect(
                address, uri=self.file is not None, timeout=PATIENCE, check_same_thread=False, isolation_level=None
            )

        engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)

        @event.listens_for(engine, "connect")
        def settle(connection: Any, _: object) -> None:
            connection.execute("PRAGMA foreign_keys = ON")
            if not read_only:
                connection.execute("PRAGMA journal_mode = WAL")  # readers and the writer never wait for each other
                connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last batches, never order

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

        return engine

    @contextmanager
    def sentences(self, doing: str) -> Iterator[None]:
        """Turns what the database and the file system complain about into one sentence: "can't be <doing>: why"."""
        try:
            yield
        except DBAPIError as error:
            raise StudyError(f"{self.label} can't be {doing}: {_first_line(error.orig)}.") from None
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise StudyError(f"{self.label} can't be {doing}: {_first_line(error)}.") from None
        except OSError as error:
            raise StudyError(f"{self.label} can't be {doing}: {error.strerror or error}.") from None
        except UnicodeDecodeError:  # from the driver, as it is, where a damaged file's text isn't text
            raise StudyError(f"{self.label} can't be {doing}: its text is damaged.") from None

    def check_file(self) -> None:
        """Refuse what is visibly no SQLite file, before anything is made beside it."""
        if self.file is None or not self.file.exists():
            return
        if self.file.is_dir():
            inside = sorted(self.file.glob("*.db"))
            hint = f"; did you mean {str(inside[0])!r}?" if inside else "."
            raise StudyError(f"{self.label} is a folder, but a study is a file{hint}")
        with self.sentences("opened"), self.file.open("rb") as file:
            head = file.read(len(HEADER))
        if head not in (b"", HEADER):
            raise StudyError(f"{self.label} isn't a study: it doesn't begin like an SQLite file.")


def _first_line(error: object) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
