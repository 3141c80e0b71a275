"""What isn't a study is refused in one sentence, and nothing is left behind or lost."""

import gc
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from subprocess import Popen

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paceline.errors import MissingExtraError, StudyError
from paceline.records import COLUMNS, EndReason, Status, StudyRecord, Trial
from paceline.store import MEMORY, open_store, read_store
from paceline.store.place import Place

RECORD = StudyRecord("beans", {}, {}, "minimize")
OPENERS = [
    pytest.param(lambda where: open_store(where, create=True), id="create"),
    pytest.param(lambda where: open_store(where, create=False), id="resume"),
    pytest.param(read_store, id="read"),
]
opened_in_any_way = pytest.mark.parametrize("opening", OPENERS)
opened_where_it_must_be_there = pytest.mark.parametrize("opening", OPENERS[1:])


def refusal(opening: Callable[[str | Path], object], where: str | Path) -> str:
    """The one sentence that `opening` refuses `where` with."""
    with pytest.raises(StudyError) as caught:
        opening(where)
    message = str(caught.value)
    assert "\n" not in message
    assert ". " not in message
    assert str(where) in message
    return message


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@opened_where_it_must_be_there
def test_missing(opening: Callable[..., object], tmp_path: Path) -> None:
    assert "no study is at" in refusal(opening, tmp_path / "runs" / "none.db")
    assert list(tmp_path.iterdir()) == []


@opened_in_any_way
def test_folder(opening: Callable[..., object], study_file: Path) -> None:
    message = refusal(opening, study_file.parent)
    assert "is a folder" in message
    assert repr(str(study_file)) in message


@opened_in_any_way
def test_foreign_file(opening: Callable[..., object], tmp_path: Path) -> None:
    path = tmp_path / "beans.csv"
    path.write_text("area,class\n1,2\n")
    assert "isn't a study" in refusal(opening, path)
    assert [file.name for file in tmp_path.iterdir()] == ["beans.csv"]
    assert path.read_text() == "area,class\n1,2\n"


@opened_in_any_way
@pytest.mark.parametrize(
    "table",
    ["customers (id)", "trials (trial_id)", "study (id)", "study (version, columns)"],
)
def test_foreign_database(opening: Callable[..., object], tmp_path: Path, table: str) -> None:
    path = tmp_path / "other.db"
    change(path, f"CREATE TABLE {table}")
    assert "not a study" in refusal(opening, path)


@opened_in_any_way
def test_foreign_database_with_our_names(opening: Callable[..., object], tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    change(path, "CREATE TABLE study (id)", "CREATE TABLE trials (id)", "CREATE TABLE measurements (id)")
    assert "not a study" in refusal(opening, path)


@opened_in_any_way
def test_newer_version(opening: Callable[..., object], study_file: Path) -> None:
    change(study_file, "UPDATE study SET version = 4", "ALTER TABLE trials ADD COLUMN colour TEXT")
    assert "newer Paceline (store version 4, this one knows 3)" in refusal(opening, study_file)


@opened_where_it_must_be_there
def test_a_store_of_version_1_opens_and_writing_to_it_adds_what_it_lacks(
    opening: Callable[..., object], study_file: Path
) -> None:
    old = Trial(0, {"x": 1}, 7, score=0.5, curve=(0.5,))
    new = Trial(1, {"x": 2}, 8, score=0.4, curve=(0.4,), costs=(1300.0, -0.25, float("inf")))
    with open_store(study_file, create=False) as store:
        store.save([old], [])
    change(study_file, "ALTER TABLE trials DROP COLUMN costs", "UPDATE study SET version = 1")
    with opening(study_file) as store:  # type: ignore[attr-defined]
        assert store.trials() == [old] == [store.best("minimize")]
        assert store.trial(0) == old
    with open_store(study_file, create=False) as store:
        store.save([new], [])
    with opening(study_file) as store:  # type: ignore[attr-defined]
        assert store.trials() == [old, new]
        assert store.trials(curves=False)[1].costs == new.costs


@opened_where_it_must_be_there
def test_a_store_of_version_2_says_what_ended_its_trials(opening: Callable[..., object], study_file: Path) -> None:
    ends = [
        (Status.FINISHED, "all epochs", EndReason.ALL_EPOCHS),
        (Status.FINISHED, "early stopping after epoch 7", EndReason.EARLY_STOPPING),
        (Status.STOPPED, "rank 8 of 27 at epoch 3", EndReason.PRUNED),
        (Status.STOPPED, "the time budget of 5 minutes ended", EndReason.TIME_LIMIT),
        (Status.DIVERGED, "diverged in epoch 2", EndReason.DIVERGED),
        (Status.FAILED, "could not be run: no memory", EndReason.FAILED),
        (Status.RUNNING, "", None),
    ]
    trials = [Trial(n, {}, n, status=s, reason=why, ended_by=by) for n, (s, why, by) in enumerate(ends)]
    with open_store(study_file, create=False) as store:
        store.save(trials, [])
    change(study_file, "ALTER TABLE trials DROP COLUMN ended_by", "UPDATE study SET version = 2")
    with opening(study_file) as store:  # type: ignore[attr-defined]
        assert store.trials() == trials
    with open_store(study_file, create=False) as store:
        store.save([replace(trials[6], status=Status.STOPPED, reason="x", ended_by=EndReason.PRUNED)], [])
    with opening(study_file) as store:  # type: ignore[attr-defined]
        assert [trial.ended_by for trial in store.trials()] == [*(by for _, _, by in ends[:6]), EndReason.PRUNED]


@opened_in_any_way
def test_damaged_head(opening: Callable[..., object], study_file: Path) -> None:
    data = bytearray(study_file.read_bytes())
    data[16:4096] = bytes(4080)
    study_file.write_bytes(data)
    refusal(opening, study_file)


@opened_where_it_must_be_there
def test_nothing_begun(opening: Callable[..., object], tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    with open_store(path, create=True) as store, pytest.raises(StudyError, match="holds no study yet"):
        store.study()
    assert "holds no study yet" in refusal(opening, path)
    with open_store(path, create=True) as store:  # a crash between opening and beginning is mended so
        store.begin(RECORD)


def test_missing_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "today" / "beans.db"
    with open_store(path, create=True) as store:
        store.begin(RECORD)
    with read_store(path) as store:
        assert store.study() == RECORD


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refusal(lambda where: open_store(where, create=True), tmp_path / "file" / "beans.db")


def test_a_reader_writes_nothing(study_file: Path) -> None:
    with read_store(study_file) as store, pytest.raises(StudyError, match="for reading only"):
        store.save([Trial(0, {}, 0)], [])


def test_memory_has_no_other_reader() -> None:
    with open_store(MEMORY, create=True) as store:
        store.begin(RECORD)
        refusal(read_store, MEMORY)
        with open_store(MEMORY, create=True) as other:  # each is a study of its own
            other.begin(RECORD)


@pytest.mark.parametrize("column, value", [("params", "'{'"), ("params", "'1,2'"), ("status", "'lost'")])
def test_a_damaged_row(study_file: Path, column: str, value: str) -> None:
    with open_store(study_file, create=False) as store:
        store.save([Trial(0, {}, 0)], [])
    change(study_file, f"UPDATE trials SET {column} = {value}")
    with read_store(study_file) as store, pytest.raises(StudyError, match="is damaged"):
        store.trials()
    assert gc.isenabled()  # it rests while trials are listed


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_a_study_error_or_none(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever bytes change, reading ends in records or in a StudyError, never in another exception."""
    path = tmp_path / "whole.db"
    if not path.exists():
        with open_store(path, create=True) as store:
            store.begin(RECORD)
            store.save([Trial(number, {"width": number}, 0, score=0.5, curve=(0.5,)) for number in range(99)], [])
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    try:
        with read_store(damaged) as store:
            store.study(), store.trials(), store.count(), store.best("minimize"), store.measurements()
    except StudyError as error:
        assert "\n" not in str(error)


@pytest.fixture
def guest_folder() -> Iterator[Path]:
    """A folder that the guest may read but not write."""
    folder = Path(tempfile.mkdtemp(prefix="paceline-test-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_read_only_folder(guest_folder: Path, python: Callable[..., "Popen[str]"]) -> None:
    """It can be read (also though SQLite would make files beside it), and writing is refused in a sentence."""
    path = guest_folder / "study.db"
    with open_store(path, create=True) as store:
        store.begin(RECORD)
    for file in guest_folder.iterdir():
        file.chmod(0o444)
    guest_folder.chmod(0o555)
    script = """
import os, sys
from paceline.errors import StudyError
from paceline.store import MEMORY, open_store, read_store
open_store(MEMORY, create=True).close()  # imports all that a guest mightn't be allowed to read
if os.geteuid() == 0:  # nothing is read-only to root
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
print(read_store(sys.argv[1]).study().name)
for where in (sys.argv[1], sys.argv[1] + "-new.db", "/proc/none/study.db"):
    try:
        open_store(where, create=True)
    except StudyError as error:
        print(error)
"""
    out, err = python(script, path).communicate(timeout=60)
    assert err == ""
    name, *refusals = out.splitlines()
    assert name == "beans"
    assert len(refusals) == 3
    assert all("can't be written" in sentence for sentence in refusals)


def test_urls_name_the_same_places(tmp_path: Path) -> None:
    assert Place.of(f"sqlite:///{tmp_path}/a.db").file == tmp_path / "a.db"
    assert Place.of("sqlite://") == Place.of("sqlite:///:memory:") == Place.of(MEMORY)
    place = Place.of("postgres://me:secret@host/beans")
    assert place.label == "postgres://me:***@host/beans"
    with pytest.raises(StudyError, match="SQLite or PostgreSQL, but got a URL of 'mysql'"):
        Place.of("mysql://host/beans")
    with pytest.raises(StudyError, match="isn't a database URL"):
        Place.of("postgresql://host:port/beans")


def test_postgres_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"paceline\[postgres\]"):
        open_store("postgresql://localhost/beans", create=True)


def test_a_server_out_of_reach() -> None:
    pytest.importorskip("psycopg")
    message = refusal(lambda where: open_store(where, create=True), "postgresql://localhost:1/beans")
    assert "can't be opened" in message


def test_columns_of_an_older_store_are_extended_by_its_writer(study_file: Path) -> None:
    change(study_file, 'UPDATE study SET columns = \'["error", "loss"]\'')
    with read_store(study_file) as store:
        assert store.measurements() == []
    with open_store(study_file, create=False):
        pass
    with closing(sqlite3.connect(study_file)) as connection:
        (names,) = connection.execute("SELECT columns FROM study").fetchone()
    assert names.startswith('["error", "loss", "train_loss"')
    assert names.count(",") == len(COLUMNS) - 1
