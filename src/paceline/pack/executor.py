"""The contract of what trains, and the one queue that all executors share.

    executor.put_fold(...)      -> what trials must know of a fold; the arrays stay here
    executor.submit(jobs)       a job names its trial, its state and the epoch to reach; it carries no arrays
    executor.collect(timeout)   -> what was measured
    executor.state(handle)      -> a state, on the host

An executor owns data, programs and the states of trials between their jobs. A state is known by a handle, so it may
lie on the host, on a device or on another machine. States change in `collect` alone: what a caller has collected and
what an executor holds always belong together.
"""

from __future__ import annotations

import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

import jax
import numpy as np
from numpy.typing import NDArray

from paceline.net.base import Family
from paceline.pack.folds import FoldArrays, FoldData, fold_data, padded_data
from paceline.pack.programs import CompileStats, Programs
from paceline.pack.trials import PreparedTrial
from paceline.records import COLUMNS
from paceline.training.program import BLOCK, RUNNING, State
from paceline.training.step import Data

T = TypeVar("T")
Rows = NDArray[np.float32]

SLICE_SECONDS = 0.4
"""How long an executor trains before it looks whether it should stop."""


@dataclass(frozen=True, eq=False)
class Job:
    """One trial on one fold, to be trained until `to_epoch` epochs are done.

    Attributes:
        handle: of its state; an executor that holds none begins with the trial's first state.
        priority: lower runs first among ready jobs.
        in_parts: hand over what is measured slice by slice, not all at the end. Packs always do so at the end.
    """

    handle: Hashable
    trial: PreparedTrial
    to_epoch: int
    priority: tuple[int, ...] = (0,)
    in_parts: bool = False


@dataclass(frozen=True, eq=False)
class Done:
    """A job's outcome, or a part of it. Where it was interrupted, fewer epochs were trained than asked for.

    Attributes:
        measurements: (epochs trained now, len(COLUMNS)) float32.
        first_epoch: epoch (from 1) of their first row.
        error: what went wrong, or None.
        over: whether the job has ended; False where more of it will come.
        signals: what was watched beside the measurements; see `records.Signals`.
    """

    handle: Hashable
    measurements: Rows
    first_epoch: int
    error: BaseException | None = None
    over: bool = True
    signals: Mapping[str, Rows] = field(default_factory=dict)


class Executor(ABC):
    """Trains jobs. Use as a context manager; leaving it stops what is under way.

    Attributes:
        steps: updates trained so far, of all trials.
    """

    steps: int

    @property
    @abstractmethod
    def stats(self) -> CompileStats:
        """What making programs has cost so far."""

    @property
    @abstractmethod
    def compiling(self) -> int:
        """Programs being made right now."""

    @property
    @abstractmethod
    def open_jobs(self) -> int:
        """Jobs submitted and not yet collected."""

    @abstractmethod
    def put_fold(self, family: Family, arrays: FoldArrays, most_rows: tuple[int, int] = (0, 0)) -> FoldData:
        """Take in a fold. `most_rows`: training and dev rows of the largest fold that is trained together with it."""

    @abstractmethod
    def drop_fold(self, fold: FoldData) -> None:
        """Free a fold's arrays."""

    @abstractmethod
    def submit(self, jobs: Iterable[Job]) -> None:
        """Begin jobs; of one handle at most one at a time."""

    @abstractmethod
    def collect(self, timeout: float | None = None) -> list[Done]:
        """Outcomes that have come; waits up to `timeout` seconds for the first."""

    @abstractmethod
    def cancel(self) -> None:
        """Finish the running slices of all jobs and hand back what is done of each; later jobs are welcome."""

    @abstractmethod
    def holds(self, handle: Hashable) -> bool:
        """Whether there is a state of this handle."""

    @abstractmethod
    def state(self, handle: Hashable) -> State:
        """The state of a handle as numpy arrays; KeyError if there is none."""

    @abstractmethod
    def place(self, handle: Hashable, state: State) -> None:
        """Give a handle its state."""

    @abstractmethod
    def copy(self, handle: Hashable, source: Hashable) -> None:
        """Give a handle the state of another one."""

    @abstractmethod
    def drop(self, handle: Hashable) -> None:
        """Forget a state, if there is one."""

    @abstractmethod
    def advance(self, trial: PreparedTrial, state: State, to_epoch: int) -> State:
        """Train a trial at once, apart from all jobs, until `to_epoch` or its end; numpy in, numpy out."""

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class JobQueue:
    """Jobs that wait and outcomes that have come; one caller and an executor's threads meet here.

    Attributes:
        change: held by whoever looks at `waiting`; notified when there is something new to look at.
        waiting: jobs not yet begun, most urgent first.
        closed: whether the threads are to end.
    """

    def __init__(self) -> None:
        self.change = threading.Condition()
        self.waiting: list[Job] = []
        self.closed = False
        self._running: set[Job] = set()
        self._cancelled: set[Job] = set()
        self._open = 0
        self._done: queue.SimpleQueue[tuple[Done, State | None]] = queue.SimpleQueue()

    @property
    def open_jobs(self) -> int:
        return self._open

    def submit(self, jobs: Iterable[Job]) -> None:
        with self.change:
            jobs = list(jobs)
            self._open += len(jobs)
            self.waiting = sorted([*self.waiting, *jobs], key=lambda job: job.priority)
            self.change.notify_all()

    def take(self, choose: Callable[[list[Job]], tuple[T, list[Job]] | None]) -> T | None:
        """What `choose` picks of the waiting jobs, and which of them that begins; waits until it picks something.

        None: the queue is closed.
        """
        with self.change:
            while not self.closed:
                picked = choose(self.waiting)
                if picked is not None:
                    found, begun = picked
                    self._running.update(begun)
                    self.waiting = [job for job in self.waiting if job not in self._running]
                    return found
                self.change.wait()
        return None

    def put_back(self, jobs: list[Job]) -> None:
        """Jobs that couldn't be trained as they were picked wait again, before all others."""
        with self.change:
            self._running.difference_update(jobs)
            self.waiting = [*jobs, *self.waiting]
            self.change.notify_all()

    def put(self, job: Job, done: Done, state: State | None) -> None:
        """Hand over an outcome, or a part of it."""
        with self.change:
            if done.over:
                self._running.discard(job)
                self._cancelled.discard(job)
        self._done.put((done, state))

    def is_cancelled(self, job: Job) -> bool:
        return self.closed or job in self._cancelled

    def refuse(self, jobs: Iterable[Job], error: BaseException | None = None) -> None:
        """Waiting jobs end untrained."""
        with self.change:
            gone = set(jobs)
            for job in [job for job in self.waiting if job in gone]:
                self._done.put((empty_result(job, error), None))
            self.waiting = [job for job in self.waiting if job not in gone]

    def cancel(self) -> None:
        with self.change:
            self._cancelled |= self._running
            self.refuse(list(self.waiting))

    def close(self) -> None:
        with self.change:
            self.closed = True
            self.refuse(list(self.waiting))
            self.change.notify_all()

    def collect(self, timeout: float | None) -> list[tuple[Done, State | None]]:
        found: list[tuple[Done, State | None]] = []
        try:
            found.append(self._done.get(timeout=timeout))
            while True:
                found.append(self._done.get_nowait())
        except queue.Empty:
            pass
        with self.change:
            self._open -= sum(done.over for done, _ in found)
        return found


class LocalExecutor(Executor):
    """What executors of one process share: the queue, folds on the default device, states by handle, threads.

    A class below it says what its threads do (`_work`).
    """

    def __init__(self, programs: Programs, threads: int) -> None:
        self.programs = programs
        self.steps = 0
        self._queue = JobQueue()
        self._folds: dict[str, Data] = {}
        self._states: dict[Hashable, State] = {}
        self._numbered = 0
        self._threads = [
            threading.Thread(target=self._work, args=(index,), name=f"lane-{index}", daemon=True)
            for index in range(threads)
        ]

    @abstractmethod
    def _work(self, index: int) -> None:
        """What thread `index` does until the queue is closed."""

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._queue.close()
        for thread in self._threads:
            thread.join()

    @property
    def stats(self) -> CompileStats:
        return self.programs.stats

    @property
    def open_jobs(self) -> int:
        return self._queue.open_jobs

    def put_fold(self, family: Family, arrays: FoldArrays, most_rows: tuple[int, int] = (0, 0)) -> FoldData:
        self._numbered += 1
        fold = fold_data(f"fold {self._numbered}", arrays, most_rows)
        self._folds[fold.handle] = jax.tree.map(jax.device_put, padded_data(family, fold, arrays))
        return fold

    def drop_fold(self, fold: FoldData) -> None:
        self._folds.pop(fold.handle, None)

    def submit(self, jobs: Iterable[Job]) -> None:
        self._queue.submit(jobs)

    def collect(self, timeout: float | None = None) -> list[Done]:
        found = self._queue.collect(timeout)
        for done, state in found:
            if state is not None:
                self._states[done.handle] = state
        return [done for done, _ in found]

    def cancel(self) -> None:
        self._queue.cancel()

    def holds(self, handle: Hashable) -> bool:
        return handle in self._states

    def state(self, handle: Hashable) -> State:
        state: State = jax.device_get(self._states[handle])
        return state

    def place(self, handle: Hashable, state: State) -> None:
        self._states[handle] = state

    def copy(self, handle: Hashable, source: Hashable) -> None:
        self._states[handle] = self._states[source]  # arrays are never written to, so they can be shared

    def drop(self, handle: Hashable) -> None:
        self._states.pop(handle, None)

    def advance(self, trial: PreparedTrial, state: State, to_epoch: int) -> State:
        program, data = self.programs.get(trial), self._folds[trial.fold.handle]
        while int(state.epoch) < to_epoch and int(state.status) == RUNNING:
            goal = min(int(state.epoch) + BLOCK, to_epoch)
            state, _, _ = program(state, data, trial.arguments, np.int32(goal))
        trained: State = jax.device_get(state)
        return trained

    def _begin(self, job: Job) -> State:
        """The state that a job goes on from."""
        held = self._states.get(job.handle)
        return job.trial.first_state() if held is None else held


def empty_result(job: Job, error: BaseException | None = None) -> Done:
    """The outcome of a job that wasn't trained."""
    return Done(job.handle, concatenated([]), 1, error)


def concatenated(blocks: list[Rows]) -> Rows:
    """Measurement blocks as one array."""
    return np.concatenate(blocks) if blocks else np.zeros((0, len(COLUMNS)), np.float32)
