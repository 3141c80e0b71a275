"""Lanes: threads that call compiled programs and wait, so all cores train while Python sleeps.

A job is one trial on one fold, to be trained up to an epoch. A free lane takes the first job whose program is
ready; where none is, it compiles the program that most waiting jobs want. One lane prefers compiling, so that
programs come in the background while the others train; two cores compile one program at a time, because the compiler
uses both, and its trials can train while the next is made. A job is trained in slices of a fraction of a second:
slicing changes no bit (a law), and between slices a lane reports progress and may be told to stop.
"""

import queue
import threading
import time
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paceline.net.dense import DenseShape
from paceline.pack.programs import Programs
from paceline.records import COLUMNS
from paceline.training.hyper import Hyper
from paceline.training.program import BLOCK, RUNNING, State
from paceline.training.step import Data

SLICE_SECONDS = 0.4


@dataclass(frozen=True, eq=False)
class Job:
    """One trial on one fold, to be trained until `to_epoch` epochs are done.

    Attributes:
        key: the caller's name for it.
        priority: lower runs first among ready jobs.
        rows: real training rows, to count steps.
        in_parts: hand over what is measured slice by slice, not all at the end. Packs always do so at the end.
    """

    key: Hashable
    shape: DenseShape
    state: State
    data: Data
    hyper: Hyper
    to_epoch: int
    rows: int
    priority: tuple[int, ...] = (0,)
    in_parts: bool = False


@dataclass(frozen=True, eq=False)
class Done:
    """A job's outcome, or a part of it. Where it was interrupted, `state` stands at an earlier epoch than asked for.

    Attributes:
        measurements: (epochs trained now, len(COLUMNS)) float32.
        first_epoch: epoch (from 1) of their first row.
        error: what went wrong, or None.
        over: whether the job has ended; False where more of it will come.
    """

    key: Hashable
    state: State
    measurements: NDArray[np.float32]
    first_epoch: int
    error: BaseException | None = None
    over: bool = True


class Lanes:
    """A set of lanes at work. Use as a context manager; leaving it stops them after their slice.

    Attributes:
        steps: trial-steps trained so far.
    """

    def __init__(self, programs: Programs, count: int) -> None:
        self.programs = programs
        self.steps = 0
        self._waiting: list[Job] = []
        self._making: set[DenseShape] = set()
        self._most_making = max(1, (count - 1) // 2)  # half the cores: see `default_count`
        self._open = 0
        self._done: queue.SimpleQueue[Done] = queue.SimpleQueue()
        self._change = threading.Condition()
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._work, args=(index == 0 and count > 1,), name=f"lane-{index}", daemon=True)
            for index in range(count)
        ]

    def __enter__(self) -> "Lanes":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
        for thread in self._threads:
            thread.join()

    def stop(self) -> None:
        """Finish the running slices, hand back what is done of each job, start no more."""
        with self._change:
            self._stopping = True
            self._change.notify_all()

    def submit(self, jobs: Iterable[Job]) -> None:
        with self._change:
            jobs = list(jobs)
            self._open += len(jobs)
            if self._stopping:
                for job in jobs:
                    self._done.put(nothing(job))
                return
            self._waiting = sorted([*self._waiting, *jobs], key=lambda job: job.priority)
            self._change.notify_all()

    @property
    def compiling(self) -> int:
        """Programs being made right now."""
        return len(self._making)

    @property
    def open_jobs(self) -> int:
        """Jobs submitted and not yet collected."""
        return self._open

    def collect(self, timeout: float | None = None) -> list[Done]:
        """Outcomes that have come; waits up to `timeout` seconds for the first."""
        outcomes: list[Done] = []
        try:
            outcomes.append(self._done.get(timeout=timeout))
            while True:
                outcomes.append(self._done.get_nowait())
        except queue.Empty:
            pass
        with self._change:
            self._open -= sum(outcome.over for outcome in outcomes)
        return outcomes

    def _work(self, compiles_first: bool) -> None:
        while (task := self._next(compiles_first)) is not None:
            if isinstance(task, Job):
                self._done.put(self._train(task))
            else:
                self._compile(task)

    def _next(self, compiles_first: bool) -> Job | DenseShape | None:
        """What this lane does next; waits until there is something. None: the lanes are stopping."""
        with self._change:
            while not self._stopping:
                ready = next((job for job in self._waiting if self.programs.ready(job.shape)), None)
                wanted = Counter(
                    job.shape
                    for job in self._waiting
                    if job.shape not in self._making and not self.programs.ready(job.shape)
                )
                if wanted and len(self._making) < self._most_making and (compiles_first or ready is None):
                    shape = wanted.most_common(1)[0][0]
                    self._making.add(shape)
                    return shape
                if ready is not None:
                    self._waiting.remove(ready)
                    return ready
                self._change.wait()
            for job in self._waiting:
                self._done.put(nothing(job))
            self._waiting = []
        return None

    def _compile(self, shape: DenseShape) -> None:
        failure: BaseException | None = None
        try:
            self.programs.get(shape)
        except Exception as error:
            failure = error
        with self._change:
            self._making.discard(shape)
            if failure is not None:
                for job in [job for job in self._waiting if job.shape == shape]:
                    self._waiting.remove(job)
                    self._done.put(nothing(job, failure))
            self._change.notify_all()

    def _train(self, job: Job) -> Done:
        state, first = job.state, int(job.state.epoch)
        blocks: list[NDArray[np.float32]] = []
        steps = -(-job.rows // job.shape.batch)
        program, epoch, stride = self.programs.get(job.shape), first, 1
        try:
            while epoch < job.to_epoch and int(state.status) == RUNNING and not self._stopping:
                start = time.perf_counter()
                target = min(epoch + min(stride, BLOCK), job.to_epoch)
                state, block = program(state, job.data, job.hyper, np.int32(target))
                now = int(state.epoch)
                blocks.append(np.asarray(block)[: now - epoch])
                with self._change:
                    self.steps += (now - epoch) * steps
                seconds = max(time.perf_counter() - start, 1e-6)
                stride = max(1, int(SLICE_SECONDS / seconds * (now - epoch)))
                epoch = now
                if job.in_parts and epoch < job.to_epoch and int(state.status) == RUNNING:
                    self._done.put(Done(job.key, state, joined(blocks), first + 1, over=False))
                    first, blocks = epoch, []
        except Exception as error:
            return nothing(job, error)
        return Done(job.key, state, joined(blocks), first + 1)


def nothing(job: Job, error: BaseException | None = None) -> Done:
    """The outcome of a job that wasn't trained."""
    return Done(job.key, job.state, joined([]), int(job.state.epoch) + 1, error)


def joined(blocks: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Measurement blocks as one array."""
    return np.concatenate(blocks) if blocks else np.zeros((0, len(COLUMNS)), np.float32)


def default_count(cores: int) -> int:
    """Lanes for so many cores: one more than cores hides the Python work between calls."""
    return cores + 1
