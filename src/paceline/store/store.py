"""A study at rest: what was tried and what was measured, saved a batch at a time.

A batch is one transaction, so after a crash at any moment the store holds whole batches and nothing else, and a
reader in another process sees whole batches while the writer works. A store has one connection, which for
PostgreSQL is also the one that holds the writer's lock: a store that lost its lock can't write either.
"""

import gc
import json
import struct
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import RLock
from types import TracebackType
from typing import Any, Self

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from paceline.errors import StudyError
from paceline.records import COLUMNS, Measurements, Status, StudyRecord, Trial
from paceline.store.codec import Layout, legible, to_json, trial_row, trials_from
from paceline.store.place import Place
from paceline.store.schema import MEASUREMENTS, METADATA, STUDY, TRIALS, VERSION
from paceline.summary import Summary

PORTION = 512  # rows decoded by one call of the JSON parser, which costs more than a small configuration
LARGEST = 1.7976931348623157e308
RUINED = (Status.DIVERGED.value, Status.FAILED.value)
STATES = ("running", "interrupted", "finished")


class Store:
    """One study. Made by `open_store` (may write) and `read_store`; a context manager, closed at its end.

    All methods may be called from any thread, and raise StudyError when the store is closed, damaged or out of reach.
    """

    def __init__(
        self, place: Place, connection: Connection, resources: ExitStack, layout: Layout | None, *, read_only: bool,
        columns: list[ColumnElement[Any]] | None = None,
    ) -> None:  # fmt: skip
        self._place = place
        self._connection = connection
        self._resources = resources
        self._layout = layout  # None: no study has begun
        self._read_only = read_only
        self._columns = list(TRIALS.columns) if columns is None else columns
        self._guard = RLock()  # one connection, so one thread at a time

    def begin(self, record: StudyRecord) -> None:
        """Begin a new study.

        Raises:
            StudyError: the store holds one already, or the record isn't JSON data.
        """
        row = {
            "id": 1,
            "version": VERSION,
            "columns": json.dumps(COLUMNS),
            "name": legible(record.name),
            "goal": record.goal,
            "state": _known_state(record.state),
            "settings": to_json(record.settings, "settings"),
            "environment": to_json(record.environment, "environment"),
            "summary": to_json(record.summary.to_json(), "summary"),
        }
        if self._layout is not None:
            raise StudyError(f"{self._place.label} already holds a study; resume it, or give the new one another name.")
        with self._writing() as connection:
            METADATA.create_all(connection, checkfirst=False)
            connection.execute(insert(STUDY), row)
        self._layout = Layout(COLUMNS)

    def study(self) -> StudyRecord:
        """What is known of the study itself."""
        ((_, _, _, name, goal, state, *documents),) = self._rows(select(STUDY))
        with self._decoding():
            settings, environment, summary = (json.loads(document) for document in documents)
            return StudyRecord(name, settings, environment, goal, Summary.from_json(summary), state)

    def update_study(self, *, summary: Summary | None = None, state: str | None = None) -> None:
        """Replace the summary or the state ("running", "interrupted", "finished"), or both."""
        values: dict[str, Any] = {}
        if summary is not None:
            values["summary"] = to_json(summary.to_json(), "summary")
        if state is not None:
            values["state"] = _known_state(state)
        self._begun()
        if values:
            with self._writing() as connection:
                connection.execute(update(STUDY).values(values))

    def save(self, trials: Sequence[Trial], measurements: Sequence[Measurements]) -> None:
        """Save a batch in one transaction: all of it, or nothing.

        Args:
            trials: new ones are added, known ones (by number) replaced.
            measurements: each replaces the stored blocks of its trial and fold that begin within it.
        """
        layout = self._begun()
        rows = [trial_row(trial) for trial in trials]
        blocks = [layout.row(block) for block in measurements]
        covered = [
            {"of_trial": block.trial, "of_fold": block.fold, "first": block.first_epoch, "last": block.last_epoch}
            for block in measurements
        ]
        with self._writing() as connection:
            if rows:
                connection.execute(self._upsert(TRIALS), rows)
            if blocks:
                connection.execute(COVERED, covered)
                connection.execute(self._upsert(MEASUREMENTS), blocks)

    def trials(self, *, curves: bool = True) -> list[Trial]:
        """All trials in order of number, equal to what was saved; without their curves (`()`) faster."""
        chosen = select(*(column for column in self._columns if curves or column.name != "curve"))
        listed: list[Trial] = []
        with self._reading(chosen.order_by(TRIALS.c.number)) as result, self._decoding(), _collector_resting():
            for rows in result.partitions(PORTION):  # few rows in hand at a time: less memory, less garbage to sort
                listed += trials_from(rows)
        return listed

    def trial(self, number: int) -> Trial:
        """One trial.

        Raises:
            StudyError: there is none of that number.
        """
        found = self._one(select(*self._columns).where(TRIALS.c.number == number))
        if found is None:
            raise StudyError(f"{self._place.label} has no trial {number}; it has {sum(self.count().values())}.")
        return found

    def count(self) -> dict[Status, int]:
        """How many trials there are of each status; 0 where there are none."""
        rows = self._rows(select(TRIALS.c.status, func.count()).group_by(TRIALS.c.status))
        with self._decoding():
            return dict.fromkeys(Status, 0) | {Status(status): number for status, number in rows}

    def best(self, goal: str) -> Trial | None:
        """The trial with the best finite score (the first of equals) that neither diverged nor failed, or None."""
        score = TRIALS.c.score
        usable = score.between(-LARGEST, LARGEST) & TRIALS.c.status.not_in(RUINED)
        order = score.desc() if goal == "maximize" else score.asc()
        first = select(TRIALS.c.number).where(usable).order_by(order, TRIALS.c.number).limit(1).scalar_subquery()
        return self._one(select(*self._columns).where(TRIALS.c.number == first))

    def measurements(self, trial: int | Collection[int] | None = None, fold: int | None = None) -> list[Measurements]:
        """Measured epochs, one block per (trial, fold), in that order; of one trial, several or one fold if asked."""
        layout = self._begun()
        chosen = select(MEASUREMENTS)
        if fold is not None:
            chosen = chosen.where(MEASUREMENTS.c.fold == fold)
        chosen = chosen.order_by(MEASUREMENTS.c.trial, MEASUREMENTS.c.fold, MEASUREMENTS.c.first_epoch)
        if trial is None:
            rows = self._rows(chosen)
        else:
            wanted = [trial] if isinstance(trial, int) else sorted(trial)
            portions = (wanted[at : at + PORTION] for at in range(0, len(wanted), PORTION))  # SQL takes no endless list
            rows = [row for some in portions for row in self._rows(chosen.where(MEASUREMENTS.c.trial.in_(some)))]
        with self._decoding():
            return layout.merged(rows)

    def last_epochs(self) -> dict[tuple[int, int], int]:
        """(trial, fold) -> its last measured epoch."""
        last = func.max(MEASUREMENTS.c.first_epoch + MEASUREMENTS.c.epochs - 1)
        key = (MEASUREMENTS.c.trial, MEASUREMENTS.c.fold)
        return {(trial, fold): epoch for trial, fold, epoch in self._rows(select(*key, last).group_by(*key))}

    def close(self) -> None:
        """Let go of the file and of the writer's lock; a second call does nothing."""
        with self._guard, self._place.sentences("closed"):
            self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begun(self) -> Layout:
        if self._layout is None:
            raise StudyError(f"{self._place.label} holds no study yet.")
        return self._layout

    def _one(self, query: Select[Any]) -> Trial | None:
        rows = self._rows(query)
        with self._decoding():
            return next(trials_from(rows), None)

    def _rows(self, query: Select[Any]) -> Sequence[Sequence[Any]]:
        with self._reading(query) as result:
            return result.all()

    @contextmanager
    def _reading(self, query: Select[Any]) -> Iterator[CursorResult[Any]]:
        self._begun()
        with self._guard, self._place.sentences("read"):
            self._open()
            with self._connection.begin(), self._connection.execute(query) as result:
                yield result

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if self._read_only:
            raise StudyError(f"{self._place.label} was opened for reading only.")
        with self._guard, self._place.sentences("written"):
            self._open()
            with self._connection.begin():
                yield self._connection

    @contextmanager
    def _decoding(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, KeyError, TypeError, struct.error) as error:
            raise StudyError(f"{self._place.label} is damaged: a row of it can't be decoded ({error}).") from None

    def _open(self) -> None:
        if self._connection.closed:
            raise StudyError(f"{self._place.label} is closed.")

    def _upsert(self, table: Table) -> Insert:
        return UPSERTS[self._connection.dialect.name, table.name]


@contextmanager
def _collector_resting() -> Iterator[None]:
    """Without the garbage collector, which takes a third of the time of a long list to find that all of it is alive.

    The records hold no cycles, so nothing is kept longer; of two threads in here the first to come puts it back.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _known_state(state: str) -> str:
    if state not in STATES:
        raise StudyError(f"the state of a study is one of {', '.join(STATES)}, but got {state!r}.")
    return state


def _upsert_of(dialect: Any, table: Table) -> Insert:
    """INSERT that updates the row where its primary key is there already; SQL has no common word for it."""
    statement = dialect.insert(table)
    others = {column.name: statement.excluded[column.name] for column in table.columns if not column.primary_key}
    upsert: Insert = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=others)
    return upsert


UPSERTS = {
    (name, table.name): _upsert_of(dialect, table)
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
    for table in (TRIALS, MEASUREMENTS)
}
COVERED = delete(MEASUREMENTS).where(
    MEASUREMENTS.c.trial == bindparam("of_trial"),
    MEASUREMENTS.c.fold == bindparam("of_fold"),
    MEASUREMENTS.c.first_epoch.between(bindparam("first"), bindparam("last")),
)
