"""Compiled programs: one a shape, compiled once, kept on disk for the next study and the next data set.

Compiling takes seconds, loading a stored program a fifth of one. A stored program is machine code, so its folder
must belong to the user alone (mode 0700), an entry's name carries everything it depends on (engine source, jax,
platform, processor, flags, pool size), and a damaged or foreign entry is compiled anew, never fatal.
"""

import functools
import hashlib
import os
import platform
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import jaxlib.version
import numpy as np
from jax.experimental import serialize_executable

from paceline.hyperparameters import MAX_POINTS
from paceline.net.dense import VECTOR_ROWS, DenseShape, Weights
from paceline.records import COLUMNS
from paceline.training.hyper import CODES, FLOATS, LAYER_FLOATS, Hyper
from paceline.training.optimizers import COEFFICIENTS, TERMS
from paceline.training.program import BLOCK, State, advance, initial_state
from paceline.training.step import Data

Program = Callable[[State, Data, Hyper, Any], tuple[State, Any]]

STORE_LIMIT = 1 << 30
"""Bytes; beyond it the entries used longest ago are dropped."""


def example_state(shape: DenseShape) -> State:
    """A state of the right structure, sizes and types; zeros."""
    layers, width = shape.layers, shape.width
    columns = [width] * layers + [shape.outputs]
    weights = Weights(
        kernels=tuple(np.zeros((shape.layer_inputs(index), units), np.float32) for index, units in enumerate(columns)),
        projections=(np.zeros((width, width), np.float32),) * (layers - 1 if shape.skip == "project" else 0),
        vectors=np.zeros((VECTOR_ROWS * layers + 1, max(width, shape.outputs)), np.float32),
    )
    return initial_state(weights, layers, width)


def example_data(shape: DenseShape) -> Data:
    """Descriptions of the padded arrays of one fold."""

    describe: Any = jax.ShapeDtypeStruct

    def array(*sizes: int, kind: Any = jnp.float32) -> Any:
        return describe(sizes, kind)

    return Data(
        x_train=array(shape.train_rows, shape.inputs),
        y_train=array(shape.train_rows, shape.outputs),
        x_dev=array(shape.dev_rows, shape.inputs),
        y_dev=array(shape.dev_rows, shape.outputs),
        n_train=array(kind=jnp.int32),
        n_dev=array(kind=jnp.int32),
        target_scale=array(),
    )


def example_hyper(shape: DenseShape) -> Hyper:
    """Hyperparameters of the right structure, sizes and types; zeros."""
    return Hyper(
        floats=np.zeros(len(FLOATS), np.float32),
        codes=np.zeros(len(CODES), np.int32),
        rule=np.zeros((len(COEFFICIENTS), len(TERMS)), np.float32),
        layer_floats=np.zeros((shape.layers, len(LAYER_FLOATS)), np.float32),
        activations=np.zeros(shape.layers, np.int32),
        units=np.zeros(shape.layers, np.int32),
        points=np.zeros((MAX_POINTS, 2), np.float32),
        momentum_points=np.zeros((MAX_POINTS, 2), np.float32),
        class_weights=np.zeros(max(shape.outputs, 2), np.float32),
        seed=np.zeros((), np.uint32),
        inputs=np.zeros((), np.int32),
        outputs=np.zeros((), np.int32),
    )


@dataclass
class Tally:
    """What making programs cost so far, for the report of a study.

    Attributes:
        compiled, loaded: how many programs.
        seconds: wall time of compiling, summed over threads.
    """

    compiled: int = 0
    loaded: int = 0
    seconds: float = 0.0
    shapes: list[str] = field(default_factory=list)


class Programs:
    """The programs of this process. Threads may ask at the same time; each shape is compiled once."""

    def __init__(self, folder: Path | None = None) -> None:
        """Args: folder: where programs are stored; None: they aren't."""
        self.tally = Tally()
        self._store = Store(folder) if folder is not None else None
        self._ready: dict[tuple[DenseShape, int], Program] = {}
        self._making: dict[tuple[DenseShape, int], threading.Lock] = {}
        self._lock = threading.Lock()

    def ready(self, shape: DenseShape, pack: int = 0) -> bool:
        return (shape, pack) in self._ready

    def get(self, shape: DenseShape, pack: int = 0) -> Program:
        """The program of a shape, compiled or loaded if it must be. `pack` > 0: vmapped over that many trials."""
        key = (shape, pack)
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            if key not in self._ready:
                self._ready[key] = self._make(shape, pack)
        return self._ready[key]

    def _make(self, shape: DenseShape, pack: int) -> Program:
        trees = _trees(shape)
        name = f"{shape!r} pack={pack}"
        if self._store is not None:
            loaded = self._store.load(name, *trees)
            if loaded is not None:
                with self._lock:
                    self.tally.loaded += 1
                return loaded
        start = time.perf_counter()
        compiled = lower(shape, pack).compile()
        with self._lock:
            self.tally.compiled += 1
            self.tally.seconds += time.perf_counter() - start
            self.tally.shapes.append(name)
        if self._store is not None:
            self._store.save(name, compiled)
        program: Program = compiled
        return program


def lower(shape: DenseShape, pack: int = 0) -> Any:
    """The traced program of a shape, ready to compile; with `pack` vmapped over that many trials."""
    function: Any = functools.partial(advance, shape)
    state, hyper, epoch = example_state(shape), example_hyper(shape), np.zeros((), np.int32)
    if pack:
        function = jax.vmap(function, in_axes=(0, None, 0, 0))
        state, hyper, epoch = jax.tree.map(lambda a: np.zeros((pack, *np.shape(a)), a.dtype), (state, hyper, epoch))
    return jax.jit(function, compiler_options=compiler_options()).lower(state, example_data(shape), hyper, epoch)


def compiler_options() -> dict[str, int]:
    """What the compiler is told, program by program; nothing of the process is changed.

    On a CPU the first level of optimisation: an eighth less to compile, and steps as fast as at the highest.
    """
    return {"xla_backend_optimization_level": 1} if jax.default_backend() == "cpu" else {}


def _trees(shape: DenseShape) -> tuple[Any, Any]:
    """The argument and result structures that a stored program is called with."""
    state, zero = example_state(shape), np.zeros((), np.int32)
    arguments: Any = ((state, example_data(shape), example_hyper(shape), zero), {})
    results = (state, np.zeros((BLOCK, len(COLUMNS)), np.float32))
    return jax.tree.structure(arguments), jax.tree.structure(results)


def default_folder() -> Path:
    """The user's program cache: $PACELINE_CACHE, or the platform's cache folder."""
    given = os.environ.get("PACELINE_CACHE")
    if given:
        return Path(given)
    base = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "paceline" / "programs"


@functools.cache
def fingerprint() -> str:
    """Hash of everything but the shape that a stored program depends on."""
    digest = hashlib.sha256()
    package = Path(__file__).parent.parent
    for folder in ("net", "training", "pack"):
        for file in sorted((package / folder).glob("*.py")):
            digest.update(file.read_bytes())
    digest.update((package / "records.py").read_bytes() + (package / "hyperparameters.py").read_bytes())
    parts: tuple[str, ...] = (
        jax.__version__,
        jaxlib.version.__version__,
        jax.default_backend(),
        platform.machine(),
        _processor(),
    )
    parts += (os.environ.get("XLA_FLAGS", ""), os.environ.get("NPROC", ""), str(os.cpu_count()))
    digest.update("\n".join(parts).encode())
    return digest.hexdigest()[:16]


def _processor() -> str:
    """Model and instruction sets of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    wanted = [line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))]
    return "\n".join(sorted(set(wanted)))


class Store:
    """Compiled programs in a private folder, an entry a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def usable(self) -> bool:
        """Create the folder if need be; refuse one that others could write to."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = self.folder.stat()
        except OSError:
            return False
        if os.name != "posix":
            return True
        return status.st_uid == os.getuid() and not stat.S_IMODE(status.st_mode) & 0o077

    def _file(self, name: str) -> Path:
        return self.folder / f"{fingerprint()}-{hashlib.sha256(name.encode()).hexdigest()[:24]}.xla"

    def load(self, name: str, in_tree: Any, out_tree: Any) -> Program | None:
        """The stored program, or None where there is none that works."""
        if not self.usable():
            return None
        file = self._file(name)
        try:
            content = file.read_bytes()
            if hashlib.sha256(content[32:]).digest() != content[:32]:
                return None
            program: Program = serialize_executable.deserialize_and_load(content[32:], in_tree, out_tree)
            os.utime(file)
        except Exception:  # whatever is wrong with an entry, the remedy is to compile
            return None
        return program

    def save(self, name: str, compiled: Any) -> None:
        """Store a program; a full disk or a foreign folder only costs the next study some seconds."""
        if not self.usable():
            return
        file = self._file(name)
        temporary = file.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        try:
            payload, _, _ = serialize_executable.serialize(compiled)
            temporary.write_bytes(hashlib.sha256(payload).digest() + payload)
            temporary.chmod(0o600)
            temporary.replace(file)
            self.trim()
        except Exception:  # a backend that can't serialise, or a disk that can't write
            temporary.unlink(missing_ok=True)

    def entries(self) -> list[Path]:
        """Stored programs, used longest ago first."""
        return sorted(self.folder.glob("*.xla"), key=lambda file: file.stat().st_mtime)

    def trim(self, limit: int = STORE_LIMIT) -> None:
        """Drop what was used longest ago until at most `limit` bytes are left."""
        files = self.entries()
        total = sum(file.stat().st_size for file in files)
        for file in files:
            if total <= limit:
                return
            total -= file.stat().st_size
            file.unlink(missing_ok=True)
