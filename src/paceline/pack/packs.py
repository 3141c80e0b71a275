"""The device lane: trials of one shape trained together as one vmapped program, for GPU and TPU.

Same face as `Lanes`, other inside. Under vmap every branch runs and a pack goes on until its last trial stops, so
a pack takes jobs of one shape and fold, sorted by optimiser and activation. How many fit is estimated from a memory
model and halved when the device says that it was too many. Results agree with the CPU lanes to a stated
tolerance (losses 1e-5, weights 1e-4), not bit for bit: a batched product sums in another order.
"""

import queue
import threading
import time
from collections.abc import Iterable
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from paceline.net.dense import DenseShape
from paceline.pack.lanes import SLICE_SECONDS, Done, Job, joined, nothing
from paceline.pack.programs import Programs, example_state
from paceline.training.program import BLOCK, EARLY, RUNNING, State

SIZES = (1, 4, 16, 64, 256, 1024)
"""Trials a pack; each size is a program of its own, so there are few."""
DEFAULT_MEMORY = 4 << 30
"""Bytes to plan with where the device doesn't say how many it has."""


def bytes_of_trial(shape: DenseShape) -> int:
    """Memory of one trial in a pack: its state in and out and at work, and a batch's activations with their kin."""
    state = sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(example_state(shape)))
    widest = max(shape.inputs, shape.outputs, shape.layer_inputs(shape.layers))
    return 4 * state + 4 * max(shape.batch, 512) * widest * (4 + 12 * max(shape.layers, 1))


def device_memory(device: Any) -> int:
    """Bytes that a device may use; a default where it doesn't say."""
    statistics = device.memory_stats() or {}
    return int(statistics.get("bytes_limit", DEFAULT_MEMORY))


class PackLane:
    """One device's lane. Use as a context manager, like `Lanes`.

    Attributes:
        steps: trial-steps trained so far.
        largest: most trials in a pack; halved when memory runs out.
    """

    def __init__(self, programs: Programs, *, largest: int = 256, memory: int | None = None) -> None:
        self.programs = programs
        self.steps = 0
        self.largest = largest
        self.compiling = 0
        self._memory = memory if memory is not None else device_memory(jax.devices()[0])
        self._waiting: list[Job] = []
        self._open = 0
        self._done: queue.SimpleQueue[Done] = queue.SimpleQueue()
        self._change = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="pack-lane", daemon=True)

    def __enter__(self) -> "PackLane":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
        self._thread.join()

    def stop(self) -> None:
        """Finish the running slice, hand back what is done of each job, start no more."""
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
            self._open -= len(outcomes)
        return outcomes

    def fitting(self, shape: DenseShape) -> int:
        """How many trials of a shape one pack may hold, by the memory model and by experience."""
        return max(1, min(self.largest, int(0.8 * self._memory) // bytes_of_trial(shape)))

    def _work(self) -> None:
        while (jobs := self._next()) is not None:
            try:
                outcomes = self._train(jobs)
            except Exception as error:
                if len(jobs) > 1 and "RESOURCE_EXHAUSTED" in str(error):
                    self.largest = max(1, len(jobs) // 2)
                    with self._change:
                        self._waiting = jobs + self._waiting
                    continue
                outcomes = [nothing(job, error) for job in jobs]
            for done in outcomes:
                self._done.put(done)

    def _next(self) -> list[Job] | None:
        """The next pack; waits until there is one. None: the lane is stopping."""
        with self._change:
            while not self._stopping:
                if self._waiting:
                    first = self._waiting[0]
                    kin = [job for job in self._waiting if job.shape == first.shape and job.data is first.data]
                    pack = sorted(kin[: self.fitting(first.shape)], key=similarity)
                    chosen = {id(job) for job in pack}
                    self._waiting = [job for job in self._waiting if id(job) not in chosen]
                    return pack
                self._change.wait()
            for job in self._waiting:
                self._done.put(nothing(job))
            self._waiting = []
        return None

    def _train(self, jobs: list[Job]) -> list[Done]:
        """Train a pack to each job's epoch. The pack is filled up with copies that stand still."""
        size = next(size for size in SIZES if size >= len(jobs))
        self.compiling = int(not self.programs.ready(jobs[0].shape, size))
        program = self.programs.get(jobs[0].shape, size)
        self.compiling = 0
        fill = size - len(jobs)
        still = jobs[0].state._replace(status=np.int32(EARLY))
        state: State = jax.tree.map(lambda *leaves: np.stack(leaves), *[job.state for job in jobs], *[still] * fill)
        hyper = jax.tree.map(lambda *leaves: np.stack(leaves), *[job.hyper for job in [*jobs, *jobs[:1] * fill]])
        goals = np.array([job.to_epoch for job in jobs] + [0] * fill, np.int32)
        first = epochs = np.asarray(state.epoch).copy()
        blocks: list[list[NDArray[np.float32]]] = [[] for _ in jobs]
        stride = 1
        while not self._stopping and ((epochs < goals) & (np.asarray(state.status) == RUNNING)).any():
            start = time.perf_counter()
            state, block = program(state, jobs[0].data, hyper, np.minimum(epochs + min(stride, BLOCK), goals))
            now, rows = np.asarray(state.epoch).copy(), np.asarray(block)
            for index, job in enumerate(jobs):
                blocks[index].append(rows[index, : now[index] - epochs[index]])
                self.steps += int(now[index] - epochs[index]) * -(-job.rows // job.shape.batch)
            seconds = max(time.perf_counter() - start, 1e-6)
            stride = max(1, int(SLICE_SECONDS / seconds * int((now - epochs).max())))
            epochs = now
        states = [jax.tree.map(lambda leaf, index=index: leaf[index], state) for index in range(len(jobs))]
        return [
            Done(job.key, states[index], joined(blocks[index]), int(first[index]) + 1) for index, job in enumerate(jobs)
        ]


def similarity(job: Job) -> tuple[int, ...]:
    """Jobs that share optimiser and activations stand together in a pack, so that packs hold few kinds."""
    return (*np.asarray(job.hyper.codes).tolist()[:1], *np.asarray(job.hyper.activations).tolist())
