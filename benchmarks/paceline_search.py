"""A race's search by Paceline: `tune` in a process of its own, starting with an empty cache of programs.

python paceline_search.py FOLDER TABLE METHOD [TARGET]

The table is read from its file, as a user would; the split is the one that the other contestants were handed. What was
measured is read from the study's own store a few times a second, so an epoch counts from when anyone could have
seen it. The study ends by itself at the target score or at the end of its time.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from peers.race import Events, Job, read_job

READING_SHARE, LONGEST = 0.02, 1.0
"""So much of the time may go into reading the store; but it is read every so many seconds."""


class Watcher:
    """A progress callback that passes on what is new in a study's store."""

    def __init__(self, folder: Path, events: Events) -> None:
        self._file, self._events = folder / "study" / "study.db", events
        self._told: dict[int, int] = {}
        self._next = 0.0
        self._store: Any = None

    def __call__(self, progress: Any) -> None:
        if time.monotonic() >= self._next:
            began = time.monotonic()
            self.tell()
            now = time.monotonic()
            self._next = now + min((now - began) / READING_SHARE, LONGEST)

    def tell(self) -> None:
        from paceline.records import COLUMNS
        from paceline.store import read_store

        if self._store is None:
            self._store = read_store(str(self._file))
        for block in self._store.measurements():
            new = block.values[self._told.get(block.trial, 0) :, COLUMNS.index("error")]
            for error in new[np.isfinite(new)].tolist():
                self._events.tell(block.trial, error)
            self._told[block.trial] = len(block.values)


def main(folder: Path, table: Path, method: str, target: float | None) -> None:
    import paceline

    job: Job = read_job(folder)
    watcher = Watcher(folder, Events(folder, job, "paceline"))
    data = paceline.load(table)
    study = paceline.tune(
        data,
        space=job.space,
        method=method,
        stopper="hyperband",
        epochs=job.epochs,
        minutes=max(job.seconds_left, 0.1) / 60,
        target_score=target,
        retrain=0,
        refit=False,
        seed=job.seed,
        metric="error",
        out=folder / "study",
        progress=watcher,
    )
    watcher.tell()
    print(study.summary)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]) if len(sys.argv) > 4 else None)
