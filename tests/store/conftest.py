"""Places that a study is kept in; each test of the store runs in every one of them.

PostgreSQL takes part where PACELINE_TEST_POSTGRES holds the URL of an empty database that may be written to.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import paceline
from paceline.records import StudyRecord
from paceline.store import MEMORY, Store, open_store

RECORD = StudyRecord("beans", {"trials": 3, "net": "dense"}, {"python": "3.11"}, "minimize")


@pytest.fixture
def postgres() -> Iterator[str]:
    """URL of an empty schema of its own, dropped afterwards."""
    address = os.environ.get("PACELINE_TEST_POSTGRES")
    if not address:
        pytest.skip("PACELINE_TEST_POSTGRES isn't set: no PostgreSQL server to test with")
    psycopg = pytest.importorskip("psycopg")
    name = f"paceline_test_{os.getpid()}"
    with psycopg.connect(address, autocommit=True) as server:
        server.execute(f"CREATE SCHEMA {name}")
        try:
            yield f"{address}?options=-csearch_path%3D{name}"
        finally:
            server.execute(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture(params=["file", "memory", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    if request.param == "file":
        return tmp_path / "beans.db"
    return MEMORY if request.param == "memory" else str(request.getfixturevalue("postgres"))


@pytest.fixture
def store(where: str | Path) -> Iterator[Store]:
    """A study that has begun."""
    with open_store(where, create=True) as store:
        store.begin(RECORD)
        yield store


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    """The file of a study that has begun, and is closed."""
    path = tmp_path / "study.db"
    with open_store(path, create=True) as store:
        store.begin(RECORD)
    return path


@pytest.fixture
def python() -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts another Python process with a script and its arguments; ended after the test."""
    started: list[subprocess.Popen[str]] = []
    environment = os.environ | {"PYTHONPATH": str(Path(paceline.__file__).parents[1])}

    def start(script: str, *arguments: object) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", script, *map(str, arguments)]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()
