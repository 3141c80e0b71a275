"""The CPU's executor: threads that call compiled programs and wait, so all cores train while Python sleeps.

A free lane (thread) takes the first job whose program is ready; where none is, it compiles the program that most
waiting jobs want. One lane prefers compiling, so that programs come in the background while the others train; two
cores compile one program at a time, because the compiler uses both, and its trials can train while the next is made.
A job is trained in slices of a fraction of a second: slicing changes no bit (a law), and between slices a lane reports
progress and may be told to stop.
"""

import time
from collections import Counter

import numpy as np

from paceline.pack.executor import (
    SLICE_SECONDS,
    Done,
    Job,
    LocalExecutor,
    Rows,
    concatenated,
    empty_result,
)
from paceline.pack.programs import Programs
from paceline.pack.trials import PreparedTrial
from paceline.training.program import BLOCK, RUNNING, State
from paceline.training.shape import ProgramShape


class CpuLanes(LocalExecutor):
    """So many lanes on the cores of this machine."""

    def __init__(self, programs: Programs, count: int) -> None:
        super().__init__(programs, count)
        self._making: set[ProgramShape] = set()
        self._most_making = max(1, (count - 1) // 2)  # half the cores: see `default_count`
        self._count = count

    @property
    def compiling(self) -> int:
        return len(self._making)

    def _work(self, index: int) -> None:
        compiles_first = index == 0 and self._count > 1
        while (task := self._queue.take(lambda waiting: self._choose(waiting, compiles_first))) is not None:
            if isinstance(task, Job):
                self._train(task)
            else:
                self._compile(task)

    def _choose(self, waiting: list[Job], compiles_first: bool) -> tuple[Job | PreparedTrial, list[Job]] | None:
        """A job to train, or a trial whose program is to be compiled; None: nothing to do yet."""
        ready = next((job for job in waiting if self.programs.ready(job.trial.shape)), None)
        wanted = Counter(
            job.trial.shape
            for job in waiting
            if job.trial.shape not in self._making and not self.programs.ready(job.trial.shape)
        )
        if wanted and len(self._making) < self._most_making and (compiles_first or ready is None):
            shape = wanted.most_common(1)[0][0]
            self._making.add(shape)
            return next(job.trial for job in waiting if job.trial.shape == shape), []
        return None if ready is None else (ready, [ready])

    def _compile(self, trial: PreparedTrial) -> None:
        failure: BaseException | None = None
        try:
            self.programs.get(trial)
        except Exception as error:
            failure = error
        with self._queue.change:
            self._making.discard(trial.shape)
            if failure is not None:
                self._queue.refuse([job for job in self._queue.waiting if job.trial.shape == trial.shape], failure)
            self._queue.change.notify_all()

    def _train(self, job: Job) -> None:
        trial = job.trial
        try:
            state = self._begin(job)
            program, data = self.programs.get(trial), self._folds[trial.fold.handle]
            first = epoch = int(state.epoch)
            blocks: list[Rows] = []
            stride = 1
            while epoch < job.to_epoch and int(state.status) == RUNNING and not self._queue.is_cancelled(job):
                start = time.perf_counter()
                target = min(epoch + min(stride, BLOCK), job.to_epoch)
                state, block, _ = program(state, data, trial.arguments, np.int32(target))
                now = int(state.epoch)
                blocks.append(np.asarray(block)[: now - epoch])
                with self._queue.change:
                    self.steps += (now - epoch) * trial.steps_per_epoch
                seconds = max(time.perf_counter() - start, 1e-6)
                stride = max(1, int(SLICE_SECONDS / seconds * (now - epoch)))
                epoch = now
                if job.in_parts and epoch < job.to_epoch and int(state.status) == RUNNING:
                    self._put(job, state, blocks, first, over=False)
                    first, blocks = epoch, []
            self._put(job, state, blocks, first, over=True)
        except Exception as error:
            self._queue.put(job, empty_result(job, error), None)

    def _put(self, job: Job, state: State, blocks: list[Rows], first: int, *, over: bool) -> None:
        self._queue.put(job, Done(job.handle, concatenated(blocks), first + 1, over=over), state)


def default_count(cores: int) -> int:
    """Lanes for so many cores: one more than cores hides the Python work between calls."""
    return cores + 1
