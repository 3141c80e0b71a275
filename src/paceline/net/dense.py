"""The dense net as pure functions over padded arrays.

    x -> [noise, dropout] -> hidden 1 -> ... -> hidden L -> output
    hidden:  f(x) = dropout(act(norm(x W + b)));  skip add: f(x) + x (projected where widths differ);
             concat: [f(x), x]  (both from the second hidden layer on)

Every hidden layer of a program is `width` columns wide. A trial's real units are the first `units[l]` of them;
the unit mask puts the others' activations to exactly 0, so their weights get no gradient and stay 0.

          real   padding
    W  [ w w w | 0 0 ]        a = act(x W + b) * mask = [ a a a | 0 0 ]
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from paceline.net.activations import PRELU, activate, value_of
from paceline.net.norms import BATCH, normalise, normalise_frozen
from paceline.training.hyper import Hyper, Knobs
from paceline.training.randomness import (
    INPUT_NOISE_STREAM,
    INPUT_STREAM,
    WEIGHT_DROP_STREAM,
    WEIGHT_NOISE_STREAM,
    keep_cells,
    key_of,
    normal_cells,
)

Array = jax.Array
Statistics = dict[str, Any]


class Weights(NamedTuple):
    """Padded weights. Few and large arrays: each one costs compiling time and, on a small net, running time.

    kernels: one (inputs, units) a layer, output last.
    projections: one (width, width) for each hidden layer after the first; () unless shape.skip is "project".
    vectors: (VECTOR_ROWS * layers + 1, max(width, outputs)): for each hidden layer bias, norm scale, norm offset and
        (in column 0) prelu slope; the output's bias last.
    """

    kernels: tuple[Any, ...]
    projections: tuple[Any, ...]
    vectors: Any


VECTORS = ("bias", "scale", "offset", "slope")
VECTOR_ROWS = len(VECTORS)


def vector_of(shape: "DenseShape", vectors: Any, name: str, index: int) -> Array:
    """(width,) one of VECTORS of hidden layer `index`."""
    row: Array = vectors[VECTOR_ROWS * index + VECTORS.index(name)]
    return row[: shape.width]


def slope_or_alpha(shape: "DenseShape", vectors: Any, hyper: Hyper, index: int) -> Array:
    """() the activation's own parameter: prelu's learned slope, else the hyperparameter."""
    alpha = Knobs(hyper).layer("alpha", index)
    if not shape.rare:
        return alpha
    return jnp.where(hyper.activations[index] == PRELU, vector_of(shape, vectors, "slope", index)[0], alpha)


@dataclass(frozen=True, slots=True)
class DenseShape:
    """The static part of a dense-net trial: one compiled program each.

    Attributes:
        layers: hidden layers.
        width: padded units of every hidden layer.
        batch: rows a step.
        inputs, outputs: padded columns of x and y.
        train_rows, dev_rows: padded rows of the data arrays.
        task: "binary", "classes", "multilabel" or "regression": its losses and metrics are compiled in.
        skip: "plain" (none, or add over equal widths), "project" (add over different widths) or "concat".
        rare: rarely used features are compiled in too; see `pack.shapes`.
        auc: the area under the ROC curve is measured each epoch.
    """

    layers: int
    width: int
    batch: int
    inputs: int
    outputs: int
    train_rows: int
    dev_rows: int
    task: str
    skip: str = "plain"
    rare: bool = False
    auc: bool = False

    def layer_inputs(self, index: int) -> int:
        """Padded inputs of hidden layer `index`, or of the output layer for index == layers."""
        if index == 0:
            return self.inputs
        return self.width * (index if self.skip == "concat" else 1)


def unit_masks(shape: DenseShape, hyper: Hyper) -> list[Array]:
    """(width,) float32 for each hidden layer: 1 for real units."""
    column = jnp.arange(shape.width)
    return [(column < hyper.units[index]).astype(jnp.float32) for index in range(shape.layers)]


def apply_training(
    shape: DenseShape, weights: Weights, x: Array, row_weights: Array, hyper: Hyper, step: Array
) -> tuple[Array, list[tuple[Array, Array]]]:
    """Outputs of a training batch, with dropout, noise and batch statistics.

    Args:
        x: (batch, inputs); row_weights: (batch,) 1 for real rows, 0 for padding; step: () int32 global step.

    Returns:
        outputs (batch, outputs) and, for each hidden layer, the batch (mean, biased variance), each (width,).
    """
    knobs = Knobs(hyper)
    count = jnp.sum(row_weights)
    masks = unit_masks(shape, hyper)
    kernels, vectors = list(weights.kernels), weights.vectors
    if shape.rare:
        x = _noisy(x, knobs.input_noise, hyper, step)
        kernels = [_disturbed(shape, kernel, index, hyper, step, masks) for index, kernel in enumerate(kernels)]
    x = _dropped(x, knobs.input_dropout, hyper, step, INPUT_STREAM)
    moments = []
    before = jnp.where(knobs.norm_before > 0, knobs.norm, 0)
    after = jnp.where(knobs.norm_after > 0, knobs.norm, 0)
    zero = jnp.float32(0)
    for index in range(shape.layers):
        mask = masks[index]
        bias, scale, offset = (vector_of(shape, vectors, name, index) for name in VECTORS[:3])
        u = x @ kernels[index] + jnp.where(before == BATCH, 0.0, bias)
        u, mean, variance = normalise(before, u, scale, offset, row_weights, mask, knobs.norm_epsilon)
        activity = (knobs.activity_l1 / count, knobs.activity_l2 / count) if shape.rare else (zero, zero)
        alpha = slope_or_alpha(shape, vectors, hyper, index)
        a = (
            activate(hyper.activations[index], alpha, knobs.layer("scale", index), activity, row_weights, mask, u)
            * mask
        )
        rate = knobs.layer("dropout", index)
        if shape.rare:
            a, mean_after, variance_after = normalise(after, a, scale, offset, row_weights, mask, knobs.norm_epsilon)
            a = a * mask
            mean = jnp.where(after == BATCH, mean_after, mean)
            variance = jnp.where(after == BATCH, variance_after, variance)
            rate = jnp.where(knobs.drop_weights > 0, 0.0, rate)
        moments.append((mean, variance))
        x = joined(shape, weights, index, x, _dropped(a, rate, hyper, step, index + 1), hyper)
    return x @ kernels[-1] + vectors[-1][: shape.outputs], moments


def apply_frozen(shape: DenseShape, weights: Weights, statistics: Statistics, x: Array, hyper: Hyper) -> Array:
    """Outputs (rows, outputs) for evaluation: no dropout or noise, running statistics. `x`: (rows, inputs)."""
    knobs = Knobs(hyper)
    masks = unit_masks(shape, hyper)
    vectors = weights.vectors
    before = jnp.where(knobs.norm_before > 0, knobs.norm, 0)
    after = jnp.where(knobs.norm_after > 0, knobs.norm, 0)
    for index in range(shape.layers):
        bias, scale, offset = (vector_of(shape, vectors, name, index) for name in VECTORS[:3])
        learned = (scale, offset, statistics["mean"][index], statistics["variance"][index], masks[index])
        u = x @ weights.kernels[index] + jnp.where(before == BATCH, 0.0, bias)
        u = normalise_frozen(before, u, *learned, knobs.norm_epsilon)
        alpha, form_scale = slope_or_alpha(shape, vectors, hyper, index), knobs.layer("scale", index)
        a = value_of(hyper.activations[index], alpha, form_scale, u) * masks[index]
        if shape.rare:
            a = normalise_frozen(after, a, *learned, knobs.norm_epsilon) * masks[index]
        x = joined(shape, weights, index, x, a, hyper)
    z: Array = x @ weights.kernels[-1] + vectors[-1][: shape.outputs]
    return z


def joined(shape: DenseShape, weights: Weights, index: int, x: Array, a: Array, hyper: Hyper) -> Array:
    """A hidden layer's output after its skip connection."""
    if index == 0:
        return a
    if shape.skip == "concat":
        return jnp.concatenate([a, x], axis=1)
    if shape.skip == "project":
        same = hyper.units[index] == hyper.units[index - 1]
        return a + jnp.where(same, x, x @ weights.projections[index - 1])
    return a + Knobs(hyper).skip_add * x


def _dropped(x: Array, rate: Array, hyper: Hyper, step: Array, stream: int, numbers: Array | None = None) -> Array:
    """Inverted dropout; rate 0 returns x bit for bit."""
    rows, columns = x.shape

    def drop() -> Array:
        keep = keep_cells(key_of(hyper.seed, step, stream), rows, columns, rate, numbers)
        return jnp.where(keep, 1 / (1 - rate), 0.0)

    # The branch makes a factor, not the product: autodiff never enters it.
    result: Array = x * jax.lax.cond(rate > 0, drop, lambda: jnp.ones((rows, columns), x.dtype))
    return result


def _noisy(x: Array, sd: Array, hyper: Hyper, step: Array) -> Array:
    rows, columns = x.shape

    def add(x: Array) -> Array:
        noise = normal_cells(key_of(hyper.seed, step, INPUT_NOISE_STREAM), rows, columns)
        result: Array = x + sd * noise * (jnp.arange(columns) < hyper.inputs)
        return result

    noisy: Array = jax.lax.cond(sd > 0, add, lambda x: x, x)
    return noisy


def _disturbed(shape: DenseShape, kernel: Array, index: int, hyper: Hyper, step: Array, masks: list[Array]) -> Array:
    """A kernel under weight noise and N4's dropout of weights; its gradient is taken at the disturbed place."""
    knobs = Knobs(hyper)
    numbers = _input_numbers(shape, index, hyper)
    rows, columns = kernel.shape

    def add(kernel: Array) -> Array:
        noise = normal_cells(key_of(hyper.seed, step, WEIGHT_NOISE_STREAM + index + 1), rows, columns, numbers)
        # Padded weights must stay 0 in the product: they are the ones whose value is exactly 0 and whose place
        # is outside the real block.
        return kernel + knobs.weight_noise * noise * _real_block(shape, index, hyper, masks)

    kernel = jax.lax.cond(knobs.weight_noise > 0, add, lambda kernel: kernel, kernel)
    if index == shape.layers:
        return kernel
    rate = jnp.where(knobs.drop_weights > 0, knobs.layer("dropout", index), 0.0)
    return _dropped(kernel, rate, hyper, step, WEIGHT_DROP_STREAM + index + 1, numbers)


def _input_numbers(shape: DenseShape, index: int, hyper: Hyper) -> Array | None:
    """What a kernel's rows are called without padding; None where that is their place.

    After concat skips, real inputs stand in several blocks with padding between them.
    """
    if shape.skip != "concat" or index < 2:
        return None
    blocks, before = [], jnp.int32(0)
    for place in range(index - 1, -1, -1):
        blocks.append(before + jnp.arange(shape.width))
        before = before + hyper.units[place]
    return jnp.concatenate(blocks)


def _real_block(shape: DenseShape, index: int, hyper: Hyper, masks: list[Array]) -> Array:
    """(inputs, units) 1 where layer `index`'s kernel has a real weight."""
    is_output = jnp.arange(shape.outputs) < hyper.outputs
    columns = is_output.astype(jnp.float32) if index == shape.layers else masks[index]
    if index == 0:
        rows = (jnp.arange(shape.inputs) < hyper.inputs).astype(jnp.float32)
    elif shape.skip == "concat":
        rows = jnp.concatenate([masks[place] for place in range(index - 1, -1, -1)])
    else:
        rows = masks[index - 1]
    result: Array = rows[:, None] * columns[None, :]
    return result
