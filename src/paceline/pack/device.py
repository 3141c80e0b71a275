"""The device's executor: trials of one shape trained together as one vmapped program, for GPU and TPU.

Under vmap every branch runs and a pack goes on until its last trial stops, so a pack takes jobs of one shape and fold,
those that are most alike (optimiser, activations) together. How many fit is estimated from a memory model, and halved
when the device says that it was too many. States lie on the host between jobs, so that only packs use the device's
memory. Results agree with the CPU lanes to a stated tolerance (losses 1e-5, weights 1e-4), not bit for bit: a batched
product sums in another order.
"""

import time
from typing import Any

import jax
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
from paceline.training.program import BLOCK, CHUNK, EARLY, RUNNING, State

SIZES = (1, 4, 16, 64, 256, 1024)
"""Trials a pack; each size is a program of its own, so there are few."""
DEFAULT_MEMORY = 4 << 30
"""Bytes to plan with where the device doesn't say how many it has."""
USABLE = 0.8
"""Share of the memory that packs may take."""


def bytes_of_trial(trial: PreparedTrial) -> int:
    """Memory of one trial in a pack: its state in and out and at work, and the activations of a batch."""
    state = sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(trial.first_state()))
    rows = max(trial.shape.batch, min(CHUNK, trial.shape.dev_rows))
    return 4 * state + rows * trial.family.size(trial.config, trial.spec).activation_bytes


def device_memory(device: Any) -> int:
    """Bytes that a device may use; a default where it doesn't say."""
    statistics = device.memory_stats() or {}
    return int(statistics.get("bytes_limit", DEFAULT_MEMORY))


class DevicePack(LocalExecutor):
    """One device.

    Attributes:
        largest: most trials in a pack; halved when memory runs out.
    """

    def __init__(self, programs: Programs, *, largest: int = 256, memory: int | None = None) -> None:
        super().__init__(programs, 1)
        self.largest = largest
        self._memory = memory if memory is not None else device_memory(jax.devices()[0])
        self._compiling = 0

    @property
    def compiling(self) -> int:
        return self._compiling

    def fitting(self, trial: PreparedTrial) -> int:
        """How many trials like this one a pack may hold: a size of SIZES, by the memory model and by experience.

        A pack is filled up to its size, so the size itself must fit.
        """
        most = min(self.largest, int(USABLE * self._memory) // bytes_of_trial(trial))
        return max((size for size in SIZES if size <= most), default=1)

    def _work(self, index: int) -> None:
        while (jobs := self._queue.take(self._choose)) is not None:
            try:
                self._train(jobs)
            except Exception as error:
                if len(jobs) > 1 and "RESOURCE_EXHAUSTED" in str(error):
                    self.largest = max(1, pack_size(len(jobs)) // 2)
                    self._queue.put_back(jobs)
                    continue
                for job in jobs:
                    self._queue.put(job, empty_result(job, error), None)

    def _choose(self, waiting: list[Job]) -> tuple[list[Job], list[Job]] | None:
        """The most urgent job, and those of its program and fold that are most like it."""
        if not waiting:
            return None
        first = waiting[0]
        kin = [job for job in waiting if (job.trial.shape, job.trial.fold) == (first.trial.shape, first.trial.fold)]
        kin.sort(key=lambda job: (difference(first, job), kinds_of(job)))
        pack = kin[: self.fitting(first.trial)]
        return pack, pack

    def _train(self, jobs: list[Job]) -> None:
        """Train a pack to each job's epoch. The pack is filled up with copies that stand still."""
        size = pack_size(len(jobs))
        trial = jobs[0].trial
        self._compiling = int(not self.programs.ready(trial.shape, size))
        program, data = self.programs.get(trial, size), self._folds[trial.fold.handle]
        self._compiling = 0
        fill = size - len(jobs)
        states = [self._begin(job) for job in jobs]
        still = states[0]._replace(status=np.int32(EARLY))
        state: State = jax.tree.map(lambda *leaves: np.stack(leaves), *states, *[still] * fill)
        all_arguments = [job.trial.arguments for job in [*jobs, *jobs[:1] * fill]]
        arguments = jax.tree.map(lambda *leaves: np.stack(leaves), *all_arguments)
        goals = np.array([job.to_epoch for job in jobs] + [0] * fill, np.int32)
        first = epochs = np.asarray(state.epoch).copy()
        blocks: list[list[Rows]] = [[] for _ in jobs]
        stride = 1
        while ((epochs < goals) & (np.asarray(state.status) == RUNNING)).any():
            if all(self._queue.is_cancelled(job) for job in jobs):
                break
            start = time.perf_counter()
            state, block, _ = program(state, data, arguments, np.minimum(epochs + min(stride, BLOCK), goals))
            now, rows = np.asarray(state.epoch).copy(), np.asarray(block)
            for index, job in enumerate(jobs):
                blocks[index].append(rows[index, : now[index] - epochs[index]])
                self.steps += int(now[index] - epochs[index]) * job.trial.steps_per_epoch
            seconds = max(time.perf_counter() - start, 1e-6)
            stride = max(1, int(SLICE_SECONDS / seconds * int((now - epochs).max())))
            epochs = now
        state = jax.device_get(state)
        for index, job in enumerate(jobs):
            # A copy of its own: a slice would keep the whole pack's arrays alive.
            mine = jax.tree.map(lambda leaf, index=index: leaf[index].copy(), state)
            self._queue.put(job, Done(job.handle, concatenated(blocks[index]), int(first[index]) + 1), mine)


def pack_size(jobs: int) -> int:
    """The size of the pack that so many jobs are trained in.

    >>> pack_size(5)
    16
    """
    return next(size for size in SIZES if size >= jobs)


def kinds_of(job: Job) -> tuple[int, ...]:
    """The choices among branches of a job's trial."""
    arguments = job.trial.arguments
    leaves = [arguments.kinds, *jax.tree.leaves(arguments.net.kinds)]
    return tuple(int(kind) for leaf in leaves for kind in np.asarray(leaf).ravel())


def difference(one: Job, other: Job) -> int:
    """In how many choices among branches two jobs differ."""
    return sum(a != b for a, b in zip(kinds_of(one), kinds_of(other), strict=True))
