"""A family: one kind of net as pure functions. All that the engine must know of a net stands here.

    space               what may be searched
    resolve             a user's partial configuration made complete
    shape               the static part of a trial: one compiled program each
    init, pad, unpad    first weights in their real sizes (numpy), and their place in the program's larger arrays
    arguments           the run-time part of a trial: numbers, and kinds (choices among branches of the program)
    masks               which weights decay, which are biases, which are trained
    apply               the forward pass inside a program, for training and for evaluation
    predict, size       a finished net without a program, and what it costs

The law of padding: a program's arrays may be larger than the net, but a padded net must equal the unpadded one, and
its padding must stay exactly 0. A family that pads nothing takes `pad`, `unpad` and `predict` as they are here.

A new family is one folder (or file) and one line in `registry`; nothing else in the package names it.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from paceline.hyperparameters import Hyperparameters, resolve
from paceline.knobs import Knob, knobs_of
from paceline.space import Space

Array: TypeAlias = Any
"""A JAX array inside of a program, a numpy array outside."""

Tree: TypeAlias = Any
"""Arrays in nested dicts, lists and tuples."""

PREDICT_ROWS = 1024
"""Rows of one call of `Family.predict`'s program."""

DEVICE_PRECISION = "highest"
"""How exact products of float32 are on a device that could also round their inputs: as exact as on a CPU."""


class Spec(NamedTuple):
    """What a family must know of the data, in real sizes.

    Attributes:
        sample: shape of one row's input, e.g. (features,) or (height, width, channels).
        dtype: of the inputs, e.g. "float32".
        outputs: columns of the target: 1 for binary, else one a class, label or number.
        task: "binary", "classes", "multilabel" or "regression".
        train_rows, dev_rows: rows to learn from, and to judge by.
    """

    sample: tuple[int, ...]
    dtype: str
    outputs: int
    task: str
    train_rows: int
    dev_rows: int


class Variables(NamedTuple):
    """The values of a net.

    Attributes:
        params: what the gradient changes; statistics: what else training gathers, e.g. running means. Both are
            dicts and lists of arrays, in real sizes; a program's arrays may be arranged otherwise.
    """

    params: Tree
    statistics: Tree


class Masks(NamedTuple):
    """What the training step may do to which weights: three trees like a program's weights, of numbers or arrays that
    broadcast to them.

    Attributes:
        decay: 1 where weight decay, l1, l2, rescaling and max-norm apply (kernels, not biases or norms).
        bias: 1 where bias_l1 and bias_l2 apply.
        trainable: 0 freezes a weight.
    """

    decay: Tree
    bias: Tree
    trainable: Tree


class Key(NamedTuple):
    """Where a training step's random numbers come from: () uint32 seed of the trial, () int32 step over the run."""

    seed: Array
    step: Array


class Arguments(NamedTuple):
    """The run-time part of a trial's net: trees of small arrays.

    Attributes:
        numbers: rates, sizes and the like. kinds: int32 choices among branches of the program; they travel apart, so
            that a pack of trials with equal kinds can keep real branches.
    """

    numbers: Tree
    kinds: Tree


class Size(NamedTuple):
    """What can be said of a net's cost without a clock, in real sizes.

    Attributes:
        parameters: values that training changes.
        operations: multiply-adds that one row takes.
        activation_bytes: of all layers' outputs for one row, as a training step keeps them, padding included.
    """

    parameters: int
    operations: int
    activation_bytes: int


class Family(ABC):
    """One kind of net. Stateless; see the head of this module.

    Attributes:
        name: what users call it.
        hyperparameters: the class of its configurations: those of training, and its own fields.
    """

    name: ClassVar[str]
    hyperparameters: ClassVar[type[Hyperparameters]]

    # -- configurations

    @property
    def knobs(self) -> Mapping[str, Knob]:
        """Name -> rule of every hyperparameter of a trial."""
        return knobs_of(self.hyperparameters)

    @property
    def static(self) -> tuple[str, ...]:
        """Names of the hyperparameters that decide about the program."""
        return tuple(name for name, rule in self.knobs.items() if rule.static)

    def resolve(self, params: Mapping[str, Any], *, task: str | None = None) -> Any:
        """A complete, checked configuration from a partial one; see `hyperparameters.resolve`."""
        return resolve(self.hyperparameters, params, task=task)

    @abstractmethod
    def space(self, spec: Spec) -> Space:
        """What is searched where the user names no space."""

    # -- a trial

    @abstractmethod
    def shape(self, config: Any, spec: Spec) -> Hashable:
        """The static part of a trial; a pure function of the arguments, whose `repr` says all of it."""

    def sample(self, spec: Spec) -> tuple[int, ...]:
        """The shape of one row's input in a program, at least `spec.sample` each way; the rest is 0."""
        return spec.sample

    @abstractmethod
    def init(self, config: Any, spec: Spec, seed: int) -> Variables:
        """The net before its first step, real sizes, numpy float32."""

    def pad(self, shape: Any, config: Any, spec: Spec, variables: Variables) -> Variables:
        """The variables arranged as the program of a shape wants them; numpy."""
        return variables

    def unpad(self, shape: Any, config: Any, spec: Spec, padded: Variables) -> Variables:
        """The variables that `pad` took in; numpy."""
        return padded

    @abstractmethod
    def arguments(self, config: Any, spec: Spec, shape: Any) -> Arguments:
        """The run-time part of a trial; numpy arrays whose sizes depend on the shape alone."""

    @abstractmethod
    def masks(self, shape: Any) -> Masks:
        """Trees like the program's weights; see `Masks`."""

    @abstractmethod
    def apply(
        self, shape: Any, weights: Tree, statistics: Tree, x: Array, arguments: Arguments, *, row_weights: Array,
        key: Key | None,
    ) -> tuple[Array, Tree]:  # fmt: skip
        """The forward pass inside a program.

        Args:
            weights, statistics: as `pad` arranges them.
            x: (rows, *sample).
            row_weights: (rows,) 1 for real rows, 0 for padding.
            key: of a training step, with dropout, noise and batch statistics; None to evaluate.

        Returns:
            Outputs (rows, outputs), padded or not, and the statistics, changed by training alone.
        """

    # -- a finished net

    def predict(self, config: Any, spec: Spec, variables: Variables, x: NDArray[Any]) -> NDArray[np.float32]:
        """(rows, outputs) outputs of a finished net for x (rows, *sample); here by the compiled `apply`."""
        shape = self.shape(config, spec)
        padded = self.pad(shape, config, spec, variables)
        call = _evaluation(self, shape)
        arguments = self.arguments(config, spec, shape)
        parts = []
        for start in range(0, len(x), PREDICT_ROWS):
            rows = x[start : start + PREDICT_ROWS]
            whole = np.zeros((PREDICT_ROWS, *self.sample(spec)), x.dtype)
            whole[tuple(slice(size) for size in rows.shape)] = rows
            with jax.default_matmul_precision(DEVICE_PRECISION):
                outputs = call(padded.params, padded.statistics, whole, arguments)
            parts.append(np.asarray(outputs)[: len(rows), : spec.outputs])
        return np.concatenate(parts) if parts else np.zeros((0, spec.outputs), np.float32)

    @abstractmethod
    def size(self, config: Any, spec: Spec) -> Size:
        """What a net costs."""

    # -- stored programs

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hash of the family's source: a stored program of an edited family is never used."""
        digest = hashlib.sha256(self.name.encode())
        for file in source_files(type(self)):
            digest.update(file.read_bytes())
        return digest.hexdigest()[:16]


def source_files(kind: type[Family]) -> list[Path]:
    """The files that a family's class and those above it are written in: a module each, or all modules of a package
    below `net`."""
    home = Path(__file__).parent
    found: list[Path] = []
    for part in kind.__mro__:
        if part is not Family and issubclass(part, Family):
            file = Path(inspect.getfile(part))
            in_package = file.parent != home and home in file.parents
            found += sorted(file.parent.rglob("*.py")) if in_package else [file]
    return found


@functools.lru_cache(maxsize=32)
def _evaluation(family: Family, shape: Hashable) -> Any:
    def outputs(weights: Tree, statistics: Tree, x: Array, arguments: Arguments) -> Array:
        ones = jnp.ones((x.shape[0],), jnp.float32)
        return family.apply(shape, weights, statistics, x, arguments, row_weights=ones, key=None)[0]

    return jax.jit(outputs)
