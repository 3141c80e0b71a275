"""One warm process a core. Trials are handed out one by one, so no process idles while another has a queue.

    parent:  [settings, settings, ...] -> tasks          results -> [TrialResult, ...]
    child:   train = start(arrays); say "ready"; for each task: send back train(settings)

Start-up, imports and moving the arrays end with "ready" and are timed apart. A child that fails sends its traceback;
one that dies is noticed.
"""

import multiprocessing
import os
import queue
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from peers.trials import Arrays, PeerResult, Settings, TrialResult

Train = Callable[[Settings], TrialResult]
Start = Callable[[Arrays], Train]
"""Runs in the child: imports, limits the threads, takes the arrays in, warms up; returns what trains a trial."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """From a child: the number of a trial (-1: ready) and its result, or the text of what went wrong."""

    number: int
    result: TrialResult | None = None
    failure: str = ""


def cores() -> list[int]:
    """The processors that this process may use."""
    return sorted(os.sched_getaffinity(0))


class WarmPool:
    """Processes that have started, hold the arrays and wait for trials; use it in a `with` block.

    Args:
        start: a module-level function; see `Start`.
        arrays: given to every process.
        processes: one for each core by default.
        pin: bind each process to one core, for libraries whose thread pools look at the processor count.
    """

    def __init__(self, start: Start, arrays: Arrays, processes: int | None = None, *, pin: bool = False) -> None:
        began = time.perf_counter()
        usable = cores()
        context = multiprocessing.get_context("spawn")
        self._tasks: Any = context.Queue()
        self._answers: Any = context.Queue()
        # A queue of its own for each child's start: from a shared one, a child that is ready could take its
        # neighbour's. And a queue, not an argument: a parent that hands large arguments to a child which dies
        # while reading them waits for ever.
        self._starts: list[Any] = [context.Queue() for _ in range(processes or len(usable))]
        self._processes = [
            context.Process(
                target=_work,
                args=({usable[place % len(usable)]} if pin else None, own, self._tasks, self._answers),
                daemon=True,
            )
            for place, own in enumerate(self._starts)
        ]
        for process, own in zip(self._processes, self._starts, strict=True):
            process.start()
            own.put((start, arrays))
        try:
            for _ in self._processes:
                self._answer()  # ready
        except BaseException:
            self.close()
            raise
        self.startup_seconds = time.perf_counter() - began

    def run(self, trials: Sequence[Settings]) -> PeerResult:
        """Train the trials; may be called again and again.

        Raises:
            RuntimeError: a process failed or died; the message holds its traceback.
        """
        began = time.perf_counter()
        for task in enumerate(trials):
            self._tasks.put(task)
        found: dict[int, TrialResult] = {}
        while len(found) < len(trials):
            answer = self._answer()
            if answer.result is not None:
                found[answer.number] = answer.result
        seconds = time.perf_counter() - began
        results = tuple(found[number] for number in range(len(trials)))
        return PeerResult(
            seconds=seconds,
            errors=tuple(result.error for result in results),
            steps=sum(result.steps for result in results),
            startup_seconds=self.startup_seconds,
            processes=len(self._processes),
            trials=results,
        )

    def _answer(self) -> _Answer:
        while True:
            try:
                answer: _Answer = self._answers.get(timeout=1.0)
            except queue.Empty:
                dead = [process.exitcode for process in self._processes if not process.is_alive()]
                if dead:
                    raise RuntimeError(f"a peer's process ended with exit code {dead[0]}.") from None
                continue
            if answer.failure:
                raise RuntimeError(f"a peer's process failed:\n{answer.failure}")
            return answer

    def close(self) -> None:
        """End the processes."""
        for channel in (self._tasks, *self._starts):
            channel.cancel_join_thread()  # what a dead child never read must not hold the parent back
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()

    def __enter__(self) -> "WarmPool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _work(core: set[int] | None, own: Any, tasks: Any, answers: Any) -> None:
    """A child's life."""
    number = -1
    try:
        if core is not None:
            os.sched_setaffinity(0, core)
        start, arrays = own.get()
        train = start(arrays)
        answers.put(_Answer(number))
        while True:
            number, settings = tasks.get()
            answers.put(_Answer(number, train(settings)))
    except Exception:
        answers.put(_Answer(number, failure=traceback.format_exc()))
