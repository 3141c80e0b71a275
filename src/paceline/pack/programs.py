"""Compiled programs: one a shape, compiled once, kept on disk for the next study and the next data set."""

import functools
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from paceline.net.base import DEVICE_PRECISION
from paceline.pack.cache import ProgramCache
from paceline.pack.trials import PreparedTrial
from paceline.records import COLUMNS
from paceline.training.arguments import TrialArguments
from paceline.training.program import BLOCK, State, advance
from paceline.training.shape import ProgramShape
from paceline.training.step import Data

Program = Callable[[State, Data, TrialArguments, Any], tuple[State, Any, Any]]


def example_data(shape: ProgramShape) -> Data:
    """Descriptions of the padded arrays of one fold."""

    describe: Any = jax.ShapeDtypeStruct

    def array(*sizes: int, kind: Any = jnp.float32) -> Any:
        return describe(sizes, kind)

    return Data(
        x_train=array(shape.train_rows, *shape.sample, kind=jnp.dtype(shape.dtype)),
        y_train=array(shape.train_rows, shape.outputs),
        x_dev=array(shape.dev_rows, *shape.sample, kind=jnp.dtype(shape.dtype)),
        y_dev=array(shape.dev_rows, shape.outputs),
        n_train=array(kind=jnp.int32),
        n_dev=array(kind=jnp.int32),
        target_scale=array(shape.outputs),
    )


@dataclass
class CompileStats:
    """What making programs cost so far, for the report of a study.

    Attributes:
        compiled, loaded: how many programs.
        seconds: wall time of compiling, summed over threads.
        shapes: of the compiled ones.
    """

    compiled: int = 0
    loaded: int = 0
    seconds: float = 0.0
    shapes: list[str] = field(default_factory=list)


class Programs:
    """The programs of this process. Threads may ask at the same time; each shape is compiled once."""

    def __init__(self, folder: Path | None = None) -> None:
        """Args: folder: where programs are stored; None: they aren't."""
        self.stats = CompileStats()
        self._cache = ProgramCache(folder) if folder is not None else None
        self._ready: dict[tuple[ProgramShape, int], Program] = {}
        self._making: dict[tuple[ProgramShape, int], threading.Lock] = {}
        self._lock = threading.Lock()

    def ready(self, shape: ProgramShape, pack: int = 0) -> bool:
        return (shape, pack) in self._ready

    def get(self, trial: PreparedTrial, pack: int = 0) -> Program:
        """The program of a trial's shape, compiled or loaded if it must be.

        Args: trial: any of its shape; pack: more than 0: vmapped over that many trials.
        """
        key = (trial.shape, pack)
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            if key not in self._ready:
                self._ready[key] = self._make(trial, pack)
        return self._ready[key]

    def _make(self, trial: PreparedTrial, pack: int) -> Program:
        name = program_name(trial, pack)
        if self._cache is not None:
            loaded: Program | None = self._cache.load(name, *_trees(trial))
            if loaded is not None:
                with self._lock:
                    self.stats.loaded += 1
                return loaded
        start = time.perf_counter()
        compiled = lower(trial, pack).compile()
        with self._lock:
            self.stats.compiled += 1
            self.stats.seconds += time.perf_counter() - start
            self.stats.shapes.append(name)
        if self._cache is not None:
            self._cache.save(name, compiled)
        program: Program = compiled
        return program


def program_name(trial: PreparedTrial, pack: int = 0) -> str:
    """All that a program depends on beside Paceline's own engine and the machine."""
    precision = "" if jax.default_backend() == "cpu" else f" precision={DEVICE_PRECISION}"
    return f"{trial.shape!r} pack={pack}{precision}"


def lower(trial: PreparedTrial, pack: int = 0) -> Any:
    """The traced program of a trial's shape, ready to compile; with `pack` vmapped over that many trials."""
    function: Any = functools.partial(advance, trial.family, trial.shape)
    state, arguments, epoch = trial.first_state(), trial.arguments, np.zeros((), np.int32)
    if pack:
        function = jax.vmap(function, in_axes=(0, None, 0, 0))
        state, arguments, epoch = jax.tree.map(
            lambda a: np.zeros((pack, *np.shape(a)), np.asarray(a).dtype), (state, arguments, epoch)
        )
    on_cpu = jax.default_backend() == "cpu"
    with nullcontext() if on_cpu else jax.default_matmul_precision(DEVICE_PRECISION):
        jitted = jax.jit(function, compiler_options=compiler_options())
        return jitted.lower(state, example_data(trial.shape), arguments, epoch)


def compiler_options() -> dict[str, int]:
    """What the compiler is told, program by program; nothing of the process is changed.

    On a CPU the first level of optimisation: an eighth less to compile, and steps as fast as at the highest.
    """
    return {"xla_backend_optimization_level": 1} if jax.default_backend() == "cpu" else {}


def _trees(trial: PreparedTrial) -> tuple[Any, Any]:
    """The argument and result structures that a stored program is called with."""
    state, zero = trial.first_state(), np.zeros((), np.int32)
    given: Any = ((state, example_data(trial.shape), trial.arguments, zero), {})
    results: Any = (state, np.zeros((BLOCK, len(COLUMNS)), np.float32), {})
    return jax.tree.structure(given), jax.tree.structure(results)
