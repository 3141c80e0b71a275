"""Calling a user's function, which may fail, hang or take its process down.

    Here(func).run(batch)                         in this process, one after the other
    Workers(func, workers, timeout).run(batch)    in processes that are killed when a call takes too long

Either way a batch of configurations becomes as many outcomes, in the batch's order, whoever finished first. A
worker is spawned, not forked: threads, JAX and open files of this process stay out of it. It leads a process
group of its own, so that what a call has started ends with it.

The function travels as pickle, as everything does between processes of `multiprocessing`. It is written and read by
one program over a pipe that it has made itself; nothing from a file or a network is ever unpickled.
"""

import contextlib
import copy
import math
import multiprocessing
import os
import pickle
import reprlib
import signal
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, TypeAlias

import numpy as np

from paceline.errors import SettingsError
from paceline.records import Params

Function: TypeAlias = Callable[[Params], Any]

LOOK = 1.0
"""Seconds after which workers are looked at, though none has answered: one may have died without a sign."""

FAREWELL = 1.0
"""Seconds that idle workers have to end by themselves."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one call.

    Attributes:
        value: a finite number; NaN where the call failed.
        reason: one phrase: why it failed; "" where it didn't.
        costs: the further numbers of a function that returns several, all finite.
    """

    value: float
    reason: str = ""
    costs: tuple[float, ...] = ()


def failed(reason: str) -> Outcome:
    """A call without a usable value."""
    return Outcome(math.nan, reason)


def attempt(func: Function, params: Params) -> Outcome:
    """One call. Whatever it raises (but Ctrl-C), and whatever isn't a finite number or a tuple or list of such, is a
    failure with a reason."""
    try:
        value = func(params)
    except (Exception, SystemExit) as error:
        first, *_ = [*str(error).splitlines(), ""]
        return failed(f"{type(error).__name__}: {first}" if first else type(error).__name__)
    return outcome_of(value)


def outcome_of(value: Any) -> Outcome:
    """What a call returned: a number, or a tuple or list of several that are all to be low."""
    several = isinstance(value, tuple | list)
    try:
        first, *others = [_number(item) for item in value] if several else [_number(value)]
    except Exception:
        return failed(f"returned {reprlib.repr(value)}, which isn't a number{' or several' if several else ''}")
    if not all(map(math.isfinite, (first, *others))):
        return failed(f"returned {(first, *others) if others else first}")
    return Outcome(first, costs=tuple(others))


def _number(value: Any) -> float:
    """A Python number, or an array of one of any library."""
    if isinstance(value, str | bytes):
        raise TypeError
    return float(value if np.ndim(value) == 0 else np.asarray(value).item())


class Caller(ABC):
    """Turns batches of configurations into outcomes; use it in a `with` block."""

    @abstractmethod
    def run(self, batch: Sequence[Params]) -> list[Outcome]:
        """Call the function with (a copy of) each configuration; the outcomes are in the batch's order."""

    @abstractmethod
    def close(self) -> None:
        """End what is running."""

    def __enter__(self) -> "Caller":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Here(Caller):
    """Calls in this process."""

    def __init__(self, func: Function) -> None:
        self._func = func

    def run(self, batch: Sequence[Params]) -> list[Outcome]:
        return [attempt(self._func, copy.deepcopy(params)) for params in batch]

    def close(self) -> None:
        """Nothing runs."""


class Workers(Caller):
    """Calls in processes of their own, which are started when first needed and kept.

    Args:
        func: a function that pickle can send: one defined at the top of a module.
        workers: how many processes.
        timeout: seconds after which a call is given up and its process killed; starting a process isn't counted.

    Raises:
        SettingsError: the function can't be sent; from `run`: the processes can't load it.
    """

    def __init__(self, func: Function, workers: int, timeout: float | None = None) -> None:
        try:
            self._func = pickle.dumps(func)
        except Exception as error:
            raise SettingsError(
                "A function that is called in other processes must be defined with `def` at the top of a module, "
                f"but got {func!r}; leave out `workers` and `timeout` to call it in this one."
            ) from error
        self._count = workers
        self._timeout = math.inf if timeout is None else timeout
        self._workers: list[_Worker] = []

    def run(self, batch: Sequence[Params]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        left = iter(enumerate(batch))
        while len(outcomes) < len(batch):
            self._complete(len(batch) - len(outcomes))
            for worker in self._workers:
                if worker.idle and (task := next(left, None)) is not None:
                    worker.begin(*task, self._timeout)
            self._wait()
            for worker in self._workers:
                number, outcome = worker.number, worker.look()
                if number is not None and outcome is not None:
                    outcomes[number] = outcome
        return [outcomes[number] for number in range(len(batch))]

    def _complete(self, wanted: int) -> None:
        """Put new workers in place of dead ones, as far as there are calls for them."""
        self._workers = [worker for worker in self._workers if not worker.dead]
        while len(self._workers) < min(self._count, wanted):
            self._workers.append(_Worker(self._func))

    def _wait(self) -> None:
        """Until a worker that starts or is busy says something, a call's time is up, or `LOOK`."""
        awaited = [worker for worker in self._workers if not worker.idle]
        earliest = min(worker.deadline for worker in awaited) - time.monotonic()
        wait([worker.pipe for worker in awaited], min(max(earliest, 0.0), LOOK))

    def close(self) -> None:
        """Kill the workers that are busy; let the others end by themselves, if they do so soon."""
        for worker in self._workers:
            worker.dismiss()
        until = time.monotonic() + FAREWELL
        for worker in self._workers:
            worker.end(until)
        self._workers = []


class _Worker:
    """A process as its parent sees it: starting, idle, busy with call `number` until `deadline`, or dead."""

    def __init__(self, func: bytes) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), name="paceline call")
        self._process.start()
        theirs.close()
        self._send(func)
        self._ready = False
        self._timeout = math.inf
        self.dead = False
        self.number: int | None = None
        self.deadline = math.inf

    @property
    def idle(self) -> bool:
        return self._ready and self.number is None and not self.dead

    def begin(self, number: int, params: Params, timeout: float) -> None:
        """Hand a call over."""
        self.number, self._timeout = number, timeout
        self.deadline = time.monotonic() + timeout
        self._send(params)

    def _send(self, message: Any) -> None:
        with contextlib.suppress(OSError):  # it has died; `look` will see it
            self.pipe.send(message)

    def look(self) -> Outcome | None:
        """What came of the call under way; None as long as there is nothing."""
        alive = self._process.is_alive()  # first: a last word may still lie in the pipe
        answer: Outcome | str | None = None
        try:
            if self.pipe.poll():
                answer = self.pipe.recv()
        except (EOFError, OSError):
            alive = False
        if isinstance(answer, Outcome):
            self.number, self.deadline = None, math.inf
            return answer
        if answer is not None:
            self._begun(answer)
            return None
        if alive and time.monotonic() < self.deadline:
            return None
        return self._worker_died(alive)

    def _begun(self, trouble: str) -> None:
        """It has loaded the function, or not."""
        if trouble:
            raise SettingsError(
                f"The processes that call the function can't load it ({trouble}); define it in a module of its own."
            )
        self._ready = True

    def _worker_died(self, alive: bool) -> Outcome:
        """It has died, or its call takes too long."""
        self.kill()
        if not self._ready:
            raise SettingsError(
                f"The processes that call the function end before they are ready (exit code {self._process.exitcode}); "
                'a script must keep everything that it runs under `if __name__ == "__main__":`.'
            )
        if alive:
            return failed(f"took longer than {self._timeout:g} s")
        return failed(f"its process died (exit code {self._process.exitcode})")

    def kill(self) -> None:
        """End the process and what its call has started, now."""
        if self._process.exitcode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # it leads no group yet
                os.killpg(self._process.pid or 0, signal.SIGKILL)
            self._process.kill()
        self._process.join()
        self.pipe.close()
        self.dead = True

    def dismiss(self) -> None:
        """Tell an idle one to end; kill another."""
        if self.idle:
            self.pipe.close()
        elif not self.dead:
            self.kill()

    def end(self, until: float) -> None:
        """Wait for a dismissed one, then kill it."""
        self._process.join(max(0.0, until - time.monotonic()))
        if not self.dead:
            self.kill()


def _serve(pipe: Connection) -> None:
    """A worker's life: load the function, say "" or what is wrong, then answer each configuration with its outcome."""
    os.setsid()  # Ctrl-C goes to the parent alone, and what calls start can be killed with this process
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        func = pickle.loads(pipe.recv())
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {error}")
        return
    pipe.send("")
    with contextlib.suppress(EOFError, OSError):  # the parent is gone, or needs no more
        while True:
            outcome = attempt(func, pipe.recv())
            sys.stdout.flush()
            pipe.send(outcome)


def _end_with_parent() -> None:
    """A parent that is killed outright leaves no call behind that may never end."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os.killpg(0, signal.SIGKILL)
