"""Lanes that train nothing, and how much memory a process holds: what the benchmarks of bookkeeping share."""

import resource
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

ONE_SHAPE = {"layers": 2, "units": 64, "batch_size": 64}


class Instant:
    """Stands in for the lanes: a submitted job is trained already, its scores drawn by its trial's number.

    Attributes:
        steps: trial-steps that would have been trained; programs: none are made; compiling: always 0.
    """

    def __init__(self) -> None:
        from paceline.pack.programs import Programs

        self.programs = Programs()
        self.steps = 0
        self.compiling = 0
        self._done: list[Any] = []

    @property
    def open_jobs(self) -> int:
        return len(self._done)

    def submit(self, jobs: Iterable[Any]) -> None:
        self._done += [self._trained(job) for job in jobs]

    def collect(self, timeout: float | None = None) -> list[Any]:
        done, self._done = self._done, []
        return done

    def stop(self) -> None:
        """Nothing runs."""

    def _trained(self, job: Any) -> Any:
        """What a lane would hand back: a curve that falls to the trial's own level."""
        from paceline.pack.lanes import Done
        from paceline.records import COLUMNS

        first = int(job.state.epoch)
        epochs = np.arange(first + 1, job.to_epoch + 1)
        level = 0.02 + 0.3 * (0.4142136 * job.key[0] % 1)
        rows = np.full((len(epochs), len(COLUMNS)), np.nan, np.float32)
        rows[:, : COLUMNS.index("f1") + 1] = (level + 0.5 / epochs)[:, None]
        rows[:, COLUMNS.index("learning_rate")] = 1e-3
        self.steps += len(epochs) * -(-job.rows // job.shape.batch)
        return Done(job.key, job.state._replace(epoch=np.int32(job.to_epoch)), rows, first + 1)


def peak_megabytes() -> float:
    """Most memory that this process has held so far."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def megabytes() -> float:
    """Memory that this process holds now; where the system doesn't say, the most that it has held."""
    try:
        text = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return peak_megabytes()
    return int(text.partition("VmRSS:")[2].split()[0]) / (1 << 10)
