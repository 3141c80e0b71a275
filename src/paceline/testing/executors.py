"""An executor that trains nothing: a submitted job is done at once, with an invented curve.

It keeps the contract of `pack.executor`, so a study runs on it as on any other, thousands of trials a second. A curve
is a function of configuration, seed and fold alone: a resumed study repeats.
"""

from __future__ import annotations

import zlib
from bisect import bisect
from collections.abc import Callable, Hashable, Iterable
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from paceline.net.base import Family
from paceline.pack.epoch_status import epoch_status
from paceline.pack.executor import Done, Executor, Job, empty_result
from paceline.pack.folds import FoldArrays, FoldData, fold_data
from paceline.pack.programs import CompileStats
from paceline.pack.trials import PreparedTrial
from paceline.records import COLUMNS
from paceline.training.program import RUNNING, State

Rows = NDArray[np.float32]
Curve = Callable[[PreparedTrial, int], Rows]
"""(trial, epochs) -> (epochs, len(COLUMNS)) measurements from the first epoch on."""

REGRESSION_COLUMNS = ("rmse", "mae", "r2")


def digest_of(trial: PreparedTrial) -> int:
    """A 32-bit number without any pattern, made of all that a trial's curve depends on."""
    return zlib.crc32(f"{trial.config!r} {trial.seed} {trial.fold.handle} {trial.spec}".encode())


def falling(trial: PreparedTrial, epochs: int) -> Rows:
    """A curve that falls to a level of the trial's own, between .02 and .32."""
    level = 0.02 + 0.3 * digest_of(trial) / 2**32
    values = level + 0.5 / np.arange(1, epochs + 1)
    rows = np.full((epochs, len(COLUMNS)), np.nan, np.float32)
    regression = trial.spec.task == "regression"
    for place, name in enumerate(COLUMNS):
        if name in ("train_loss", "loss") or (name in REGRESSION_COLUMNS) == regression:
            rows[:, place] = 1 - values if name in ("balanced_accuracy", "f1", "auc", "r2") else values
    rows[:, COLUMNS.index("learning_rate")] = 1e-3
    return rows


def with_mishaps(trial: PreparedTrial, epochs: int) -> Rows:
    """Like `falling`, but an eighth of the trials diverges and an eighth can't be trained.

    Raises:
        RuntimeError: for the latter.
    """
    rows, fate = falling(trial, epochs), digest_of(trial) % 8
    if fate == 0:
        rows[digest_of(trial) % 3 :, COLUMNS.index("train_loss")] = np.inf
    if fate == 1:
        raise RuntimeError("invented failure")
    return rows


class StubExecutor(Executor):
    """Trains nothing.

    Args: curve: what is measured of a trial; see `falling` and `with_mishaps`.
    """

    def __init__(self, curve: Curve = falling) -> None:
        self.steps = 0
        self._curve = curve
        self._stats = CompileStats()
        self._done: list[Done] = []
        self._known: dict[Hashable, tuple[PreparedTrial, Rows]] = {}
        self._placed: dict[Hashable, State] = {}
        self._numbered = 0

    @property
    def stats(self) -> CompileStats:
        return self._stats

    @property
    def compiling(self) -> int:
        return 0

    @property
    def open_jobs(self) -> int:
        return len(self._done)

    def put_fold(self, family: Family, arrays: FoldArrays, most_rows: tuple[int, int] = (0, 0)) -> FoldData:
        self._numbered += 1
        return fold_data(f"fold {self._numbered}", arrays, most_rows)

    def drop_fold(self, fold: FoldData) -> None:
        """There is nothing to free."""

    def submit(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            try:
                self._done.append(self._trained(job))
            except RuntimeError as error:
                self._done.append(empty_result(job, error))

    def _trained(self, job: Job) -> Done:
        first = self._epoch(job.handle)
        rows = self._until(job.trial, job.to_epoch)
        self._placed.pop(job.handle, None)
        self._known[job.handle] = (job.trial, rows)
        self.steps += (len(rows) - first) * job.trial.steps_per_epoch
        return Done(job.handle, rows[first:], first + 1)

    def _until(self, trial: PreparedTrial, epoch: int) -> Rows:
        """What is measured up to an epoch, or to where the trial ends by itself."""
        rows = self._curve(trial, epoch)
        ends = bisect(range(len(rows)), False, key=lambda count: self._over(trial, rows[:count]))
        return rows[:ends]

    def _over(self, trial: PreparedTrial, rows: Rows) -> bool:
        return epoch_status(rows, trial.arguments).status != RUNNING

    def _epoch(self, handle: Hashable) -> int:
        if handle in self._placed:
            return int(self._placed[handle].epoch)
        return len(self._known[handle][1]) if handle in self._known else 0

    def collect(self, timeout: float | None = None) -> list[Done]:
        done, self._done = self._done, []
        return done

    def cancel(self) -> None:
        """Nothing runs."""

    def holds(self, handle: Hashable) -> bool:
        return handle in self._placed or handle in self._known

    def state(self, handle: Hashable) -> State:
        if handle in self._placed:
            return self._placed[handle]
        return self._state_after(*self._known[handle])

    def _state_after(self, trial: PreparedTrial, rows: Rows) -> State:
        judged = epoch_status(rows, trial.arguments)
        return trial.first_state()._replace(
            epoch=np.array(len(rows), np.int32),
            status=np.array(judged.status, np.int32),
            best_epoch=np.array(judged.best_epoch, np.int32),
        )

    def place(self, handle: Hashable, state: State) -> None:
        self._known.pop(handle, None)
        self._placed[handle] = state

    def copy(self, handle: Hashable, source: Hashable) -> None:
        self.place(handle, self.state(source))

    def drop(self, handle: Hashable) -> None:
        self._known.pop(handle, None)
        self._placed.pop(handle, None)

    def advance(self, trial: PreparedTrial, state: State, to_epoch: int) -> State:
        return self._state_after(trial, self._until(trial, to_epoch))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done = []
