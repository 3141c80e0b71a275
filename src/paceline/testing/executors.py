"""An executor that trains nothing: a submitted job is done at once, with an invented curve.

It keeps the contract of `pack.executor`, so a study runs on it as on any other, thousands of trials a second. A curve
is a function of configuration, seed and fold alone: a resumed study repeats.
"""

from __future__ import annotations

import zlib
from bisect import bisect
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from paceline.net.base import Family
from paceline.pack.epoch_status import BEFORE_TRAINING, EpochStatus, epoch_status
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


@dataclass(frozen=True, eq=False)
class Standing:
    """Where the training of a trial stands; its arrays are made only when they are asked for.

    Attributes:
        epoch: epochs done; judged: how it did in them.
        arrays: makes the state that the trial began from.
    """

    epoch: int
    judged: EpochStatus
    arrays: Callable[[], State]

    def state(self) -> State:
        return self.arrays()._replace(
            epoch=np.array(self.epoch, np.int32),
            status=np.array(self.judged.status, np.int32),
            best_score=np.array(self.judged.best_score, np.float32),
            best_epoch=np.array(self.judged.best_epoch, np.int32),
            wait=np.array(self.judged.wait, np.int32),
        )


def standing_of(state: State) -> Standing:
    """The same of a state that comes from elsewhere."""
    judged = EpochStatus(int(state.status), int(state.best_epoch), float(state.best_score), int(state.wait))
    return Standing(int(state.epoch), judged, lambda: state)


class StubExecutor(Executor):
    """Trains nothing.

    Args: curve: what is measured of a trial; see `falling` and `with_mishaps`.
    """

    def __init__(self, curve: Curve = falling) -> None:
        self.steps = 0
        self._curve = curve
        self._stats = CompileStats()
        self._done: list[Done] = []
        self._standings: dict[Hashable, Standing] = {}
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
        before = self._standings.get(job.handle) or Standing(0, BEFORE_TRAINING, job.trial.first_state)
        rows, self._standings[job.handle] = self._continued(job.trial, before, job.to_epoch)
        self.steps += len(rows) * job.trial.steps_per_epoch
        return Done(job.handle, rows, before.epoch + 1)

    def _continued(self, trial: PreparedTrial, before: Standing, to_epoch: int) -> tuple[Rows, Standing]:
        """What is measured up to an epoch, or to where the trial ends by itself, and where it then stands.

        A copy has its parent's past, whatever its own curve would have been there.
        """
        rows = self._curve(trial, to_epoch)[before.epoch :]
        if before.judged.status != RUNNING:
            return rows[:0], before

        def judged(count: int) -> EpochStatus:
            return epoch_status(rows[:count], trial.arguments, before.epoch, before.judged)

        count = bisect(range(len(rows)), False, key=lambda count: judged(count).status != RUNNING)
        return rows[:count], Standing(before.epoch + count, judged(count), before.arrays)

    def collect(self, timeout: float | None = None) -> list[Done]:
        done, self._done = self._done, []
        return done

    def cancel(self) -> None:
        """Nothing runs."""

    def holds(self, handle: Hashable) -> bool:
        return handle in self._standings

    def state(self, handle: Hashable) -> State:
        return self._standings[handle].state()

    def place(self, handle: Hashable, state: State) -> None:
        self._standings[handle] = standing_of(state)

    def copy(self, handle: Hashable, source: Hashable) -> None:
        self._standings[handle] = self._standings[source]

    def drop(self, handle: Hashable) -> None:
        self._standings.pop(handle, None)

    def advance(self, trial: PreparedTrial, state: State, to_epoch: int) -> State:
        return self._continued(trial, standing_of(state), to_epoch)[1].state()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done = []
