"""Runs one contestant of a race: starts its processes, reads what they say, ends them.

    events of all its processes -> the least error so far and when it was reached; trials and epochs counted

A contestant that ends itself at its target is waited for, all others are ended as soon as one epoch is as good; and
everyone when time is over. Processes end with all that they started (Ray starts many), because each has a process
group of its own.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from peers.race import Job, write_arrays, write_job
from peers.trials import Arrays

HERE = Path(__file__).parent
LOOK_SECONDS = 0.1
TOLERANCE = 1e-6
"""Errors are shares of equal rows, in float32 on one side."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """What is run.

    Attributes:
        commands: of Python, one a process; "{folder}" stands for the race's folder.
        ends_itself: it is told the target and stops on its own; how long that takes can be seen in `Found.seconds`.
    """

    commands: tuple[tuple[str, ...], ...]
    ends_itself: bool = False


@dataclass(slots=True)
class Found:
    """What a contestant found.

    Attributes:
        path: [seconds since the start, least error so far] at each improvement.
        trials, epochs_trained: counted up to the end.
        seconds: from start to end.
        ended: by "target", "time" or "itself".
    """

    path: list[list[float]] = field(default_factory=list)
    epochs_trained: int = 0
    seconds: float = 0.0
    ended: str = ""
    seen: set[str] = field(default_factory=set)

    @property
    def best(self) -> float | None:
        return self.path[-1][1] if self.path else None

    def take(self, source: str, event: dict[str, Any]) -> None:
        self.epochs_trained += 1
        self.seen.add(f"{source} {event['trial']}")
        if self.best is None or event["error"] < self.best:
            self.path.append([event["seconds"], event["error"]])

    def reached(self, target: float | None) -> bool:
        return target is not None and self.best is not None and self.best <= target + TOLERANCE

    def to_dict(self) -> dict[str, Any]:
        rest = {name: value for name, value in asdict(self).items() if name != "seen"}
        return {"best": self.best, "trials": len(self.seen), **rest}


def race(who: Contestant, folder: Path, job: Job, arrays: Arrays, target: float | None) -> Found:
    """Run a contestant; the job's times are counted from now.

    Raises:
        RuntimeError: a process failed; the message holds the end of what it printed.
    """
    write_arrays(folder, arrays)
    began = time.time()
    job = replace(job, began=began, ends=began + job.ends - job.began)
    write_job(folder, job)
    found = Found()
    with processes(who, folder) as running:
        reader = Reader(folder, found)
        while True:
            time.sleep(LOOK_SECONDS)
            reader.read()
            alive = [process for process in running if process.poll() is None]
            failed = [process for process in running if process.poll() not in (None, 0)]
            if failed:
                raise RuntimeError(f"{' '.join(who.commands[0])} failed:\n{last_words(folder)}")
            if not alive:
                found.ended = "target" if found.reached(target) else "itself"
                break
            if found.reached(target) and not who.ends_itself:
                found.ended = "target"
                break
            if time.time() > job.ends:
                found.ended = "target" if found.reached(target) else "time"
                break
        found.seconds = time.time() - began
        reader.read()
    found.path = [step for step in found.path if step[0] <= job.ends - job.began]
    return found


class Reader:
    """Follows the files of events, whole lines only."""

    def __init__(self, folder: Path, found: Found) -> None:
        self._folder, self._found = folder, found
        self._read: dict[Path, int] = {}

    def read(self) -> None:
        """Take in what is new, in order of time."""
        new: list[tuple[str, dict[str, Any]]] = []
        for path in sorted(self._folder.glob("events-*.jsonl")):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                whole, newline, _ = file.read().rpartition(b"\n")
            self._read[path] = self._read.get(path, 0) + len(whole) + len(newline)
            new += [(path.stem, json.loads(line)) for line in whole.splitlines()]
        for source, event in sorted(new, key=lambda one: float(one[1]["seconds"])):
            self._found.take(source, event)


@contextlib.contextmanager
def processes(who: Contestant, folder: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The contestant's processes, each the head of a group; at the end all groups are ended."""
    cache = folder / "cache"
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PACELINE_CACHE": str(cache),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH")))),
        "RAY_DISABLE_IMPORT_WARNING": "1",
    }
    running: list[subprocess.Popen[bytes]] = []
    try:
        for number, command in enumerate(who.commands):
            with (folder / f"said-{number}.txt").open("wb") as said:
                running.append(
                    subprocess.Popen(
                        [sys.executable, *(part.replace("{folder}", str(folder)) for part in command)],
                        cwd=HERE,
                        env=environment,
                        stdout=said,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                )
        yield running
    finally:
        end(running)


def end(running: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Ask, wait a little, insist."""
    for ask in (signal.SIGTERM, signal.SIGKILL):
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, ask)
        deadline = time.time() + 10.0
        while time.time() < deadline and any(process.poll() is None for process in running):
            time.sleep(LOOK_SECONDS)
    for process in running:
        process.wait()


def last_words(folder: Path) -> str:
    return "\n".join(file.read_text(encoding="utf-8", errors="replace")[-2000:] for file in folder.glob("said-*.txt"))


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
