"""Several processes at one study: one writer, any number of readers, and `kill -9` at any moment."""

import os
import random
import signal
import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from subprocess import Popen

import numpy as np
import pytest

from paceline.errors import StudyError
from paceline.records import COLUMNS, Measurements, Trial
from paceline.store import open_store, read_store

Start = Callable[..., "Popen[str]"]
BATCH = 40
WRITER = f"""
import sys
import numpy as np
from paceline.records import COLUMNS, Measurements, Trial
from paceline.store import open_store

with open_store(sys.argv[1], create=False) as store:
    print("writing", flush=True)
    done = sum(store.count().values())
    while done < int(sys.argv[2]):
        numbers = range(done, done + {BATCH})
        values = np.full((3, len(COLUMNS)), done, dtype=np.float32)
        store.save(
            [Trial(number, {{"batch": done}}, 0) for number in numbers],
            [Measurements(number, 0, 1, values) for number in numbers],
        )
        done += {BATCH}
    if len(sys.argv) > 3:
        sys.stdin.read()
"""


def started(process: "Popen[str]") -> "Popen[str]":
    """The process, once it writes."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line == "writing\n", process.communicate()[1]
    return process


def check_whole_batches(path: Path) -> int:
    with read_store(path) as store:
        trials, blocks = store.trials(), store.measurements()
    while len(blocks) < len(trials):  # saved between the two looks
        trials.pop()
    assert len(trials) % BATCH == 0
    assert [trial.number for trial in trials] == list(range(len(trials)))
    assert [trial.params["batch"] for trial in trials] == [n // BATCH * BATCH for n in range(len(trials))]
    return len(trials)


def test_the_second_writer_is_refused(study_file: Path, python: Start) -> None:
    first = started(python(WRITER, study_file, 0, "wait"))
    expected = f"process {first.pid} on {socket.gethostname()}; a study has one writer"
    for create in (True, False):
        with pytest.raises(StudyError, match=f"is being written by {expected}"):
            open_store(study_file, create=create)
    link = study_file.parent / "link.db"
    link.symlink_to(study_file)
    with pytest.raises(StudyError, match="is being written by"):
        open_store(f"sqlite:///{link}", create=False)
    with read_store(study_file) as store:
        assert store.trials() == []
    first.communicate("")
    with open_store(study_file, create=False) as store, pytest.raises(StudyError, match=f"process {os.getpid()} "):
        open_store(study_file, create=False)  # of one process, too
    open_store(study_file, create=False).close()


def test_a_reader_sees_whole_batches_while_the_writer_writes(study_file: Path, python: Start) -> None:
    writer = started(python(WRITER, study_file, 40 * BATCH))
    seen: list[int] = []
    with read_store(study_file) as store:
        while not seen or seen[-1] < 40 * BATCH:
            seen.append(sum(store.count().values()))
            assert seen[-1] % BATCH == 0
            epochs = store.last_epochs()
            assert len(epochs) % BATCH == 0
            assert len(epochs) >= seen[-1]
            assert len(store.trials(curves=False)) % BATCH == 0
            assert writer.poll() in (None, 0)
    assert seen == sorted(seen)
    assert writer.communicate()[1] == ""
    assert check_whole_batches(study_file) == 40 * BATCH


def test_a_reader_in_the_middle_of_a_look_does_not_stop_the_writer(study_file: Path) -> None:
    with open_store(study_file, create=False) as store, closing(sqlite3.connect(study_file)) as reader:
        store.save([Trial(0, {}, 0)], [])
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM trials").fetchone() == (1,)
        before = time.monotonic()
        store.save([Trial(1, {}, 0)], [])
        assert time.monotonic() - before < 5  # it would wait for ten seconds, and then fail
        assert reader.execute("SELECT count(*) FROM trials").fetchone() == (1,)  # the look is of one moment
        assert len(store.trials()) == 2


@pytest.mark.slow
def test_kill_9_leaves_whole_batches_and_no_lock(study_file: Path, python: Start) -> None:
    moments = random.Random(0)
    done = [0]
    for _ in range(6):
        writer = started(python(WRITER, study_file, 10**9))
        time.sleep(moments.uniform(0.0, 0.15))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        done.append(check_whole_batches(study_file))
        assert done[-1] >= done[-2]
        with closing(sqlite3.connect(study_file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert done[-1] > 0
    values = np.zeros((1, len(COLUMNS)), dtype=np.float32)
    with open_store(study_file, create=False) as store:
        store.save([Trial(done[-1], {}, 0)], [Measurements(done[-1], 0, 1, values)])
        assert sum(store.count().values()) == done[-1] + 1


def test_postgres_has_one_writer(postgres: str) -> None:
    with open_store(postgres, create=True):
        with pytest.raises(StudyError, match=f"is being written by process {os.getpid()} on"):
            open_store(postgres, create=True)
        with pytest.raises(StudyError, match="holds no study yet"):
            read_store(postgres)
    open_store(postgres, create=True).close()
