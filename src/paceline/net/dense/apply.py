"""The dense net's forward pass over padded arrays, for training and for evaluation.

    x -> [noise, dropout] -> hidden 1 -> ... -> hidden L -> output
    hidden:  f(x) = dropout(act(norm(x W + b)));  skip add: f(x) + x (projected where widths differ);
             concat: [f(x), x]  (both from the second hidden layer on)

`shape` draws how the arrays are padded. Rarely used features exist only in programs of `shape.extended`.
"""

from typing import Any

import jax
import jax.numpy as jnp

from paceline.net.base import Arguments, Key
from paceline.net.dense.arguments import FLOATS, LAYER_FLOATS, DenseKinds, DenseNumbers
from paceline.net.dense.shape import VECTOR_ROWS, VECTORS, DenseShape, PaddedParams
from paceline.net.packed import ArgumentReader
from paceline.numerics.activations import PRELU, activate, value_of
from paceline.numerics.norms import BATCH, normalise, normalise_frozen, running
from paceline.numerics.randomness import (
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


def apply(
    shape: DenseShape, weights: PaddedParams, statistics: Statistics, x: Array, arguments: Arguments,
    row_weights: Array, key: Key | None,
) -> tuple[Array, Statistics]:  # fmt: skip
    """Outputs (rows, shape.outputs) and the statistics after them; see `Family.apply`.

    Args: x: (rows, shape.inputs).
    """
    return _Pass(shape, arguments, row_weights, key).run(weights, statistics, x)


class _Pass:
    """One forward pass: what all its layers read. It lives as long as it is traced."""

    def __init__(self, shape: DenseShape, arguments: Arguments, row_weights: Array, key: Key | None) -> None:
        self.shape = shape
        self.numbers: DenseNumbers = arguments.numbers
        self.kinds: DenseKinds = arguments.kinds
        self.floats: ArgumentReader = FLOATS.read(self.numbers.floats)
        self.row_weights = row_weights
        self.key = key
        column = jnp.arange(shape.width)
        self.unit_masks = [(column < self.numbers.units[index]).astype(jnp.float32) for index in range(shape.layers)]
        self.norm_before = jnp.where(self.floats.norm_before > 0, self.kinds.norm, 0)
        self.norm_after = jnp.where(self.floats.norm_after > 0, self.kinds.norm, 0)

    def run(self, weights: PaddedParams, statistics: Statistics, x: Array) -> tuple[Array, Statistics]:
        shape, kernels, vectors = self.shape, list(weights.kernels), rows_of(weights.vectors)
        if self.key is not None:
            if shape.extended:
                x = self._noisy(x)
                kernels = [self._disturbed(kernel, index) for index, kernel in enumerate(kernels)]
            x = self._dropped(x, self.floats.input_dropout, INPUT_STREAM)
        moments = []
        for index in range(shape.layers):
            at = slice(VECTOR_ROWS * index, VECTOR_ROWS * (index + 1))
            layer = dict(zip(VECTORS, (row[: shape.width] for row in vectors[at]), strict=True))
            old = statistics["mean"][index], statistics["variance"][index]
            a, batch_moments = self._layer(index, layer, x @ kernels[index], old)
            moments.append(batch_moments)
            x = self._skipped(weights, index, x, a)
        z = x @ kernels[-1] + vectors[-1][: shape.outputs]
        if self.key is None or not moments:
            return z, statistics
        keep = jnp.where(self.kinds.norm == BATCH, self.floats.norm_momentum, 1.0)
        return z, running(statistics, moments, keep, jnp.sum(self.row_weights))

    def _layer(
        self, index: int, layer: dict[str, Array], z: Array, old: tuple[Array, Array]
    ) -> tuple[Array, tuple[Array, Array]]:
        """(activations after dropout, the batch's (mean, biased variance)); `old`: the running ones."""
        shape, floats, mask = self.shape, self.floats, self.unit_masks[index]
        u = z + jnp.where(self.norm_before == BATCH, 0.0, layer["bias"])
        u, mean, variance = self._normalised(self.norm_before, u, layer, old, mask)
        kind, alpha, scale = self.kinds.activations[index], self._number("alpha", index), self._number("scale", index)
        if shape.extended:  # prelu's slope is learned
            alpha = jnp.where(kind == PRELU, layer["slope"][0], alpha)
        if self.key is None:
            a = value_of(kind, alpha, scale, u) * mask
        else:
            a = activate(kind, alpha, scale, self._activity(), self.row_weights, mask, u) * mask
        rate = self._number("dropout", index)
        if shape.extended:
            a, mean_after, variance_after = self._normalised(self.norm_after, a, layer, old, mask)
            a = a * mask
            mean = jnp.where(self.norm_after == BATCH, mean_after, mean)
            variance = jnp.where(self.norm_after == BATCH, variance_after, variance)
            rate = jnp.where(floats.drop_weights > 0, 0.0, rate)
        if self.key is not None:
            a = self._dropped(a, rate, index + 1)
        return a, (mean, variance)

    def _normalised(
        self, kind: Array, z: Array, layer: dict[str, Array], old: tuple[Array, Array], mask: Array
    ) -> tuple[Array, Array, Array]:
        scale, offset, epsilon = layer["scale"], layer["offset"], self.floats.norm_epsilon
        if self.key is None:
            return normalise_frozen(kind, z, scale, offset, *old, mask, epsilon), *old
        return normalise(kind, z, scale, offset, self.row_weights, mask, epsilon)

    def _number(self, name: str, index: int) -> Array:
        """One of LAYER_FLOATS of hidden layer `index`."""
        number: Array = self.numbers.layers[index, LAYER_FLOATS.index(name)]
        return number

    def _activity(self) -> tuple[Array, Array]:
        """Weights of the activity penalty: it is divided by the batch, as in Keras."""
        if not self.shape.extended:
            return jnp.float32(0), jnp.float32(0)
        count = jnp.sum(self.row_weights)
        return self.floats.activity_l1 / count, self.floats.activity_l2 / count

    def _skipped(self, weights: PaddedParams, index: int, x: Array, a: Array) -> Array:
        """A hidden layer's output after its skip connection."""
        if index == 0:
            return a
        if self.shape.skip == "concat":
            return jnp.concatenate([a, x], axis=1)
        if self.shape.skip == "project":
            same = self.numbers.units[index] == self.numbers.units[index - 1]
            return a + jnp.where(same, x, x @ weights.projections[index - 1])
        result: Array = a + self.floats.skip_add * x
        return result

    # -- randomness of a training step

    def _key(self, stream: int) -> Array:
        assert self.key is not None
        return key_of(self.key.seed, self.key.step, stream)

    def _dropped(self, x: Array, rate: Array, stream: int, numbers: Array | None = None) -> Array:
        """Inverted dropout; rate 0 returns x bit for bit."""
        rows, columns = x.shape

        def drop() -> Array:
            keep = keep_cells(self._key(stream), rows, columns, rate, numbers)
            return jnp.where(keep, 1 / (1 - rate), 0.0)

        # The branch makes a factor, not the product: autodiff never enters it.
        result: Array = x * jax.lax.cond(rate > 0, drop, lambda: jnp.ones((rows, columns), x.dtype))
        return result

    def _noisy(self, x: Array) -> Array:
        rows, columns = x.shape
        sd = self.floats.input_noise

        def add(x: Array) -> Array:
            noise = normal_cells(self._key(INPUT_NOISE_STREAM), rows, columns)
            result: Array = x + sd * noise * (jnp.arange(columns) < self.numbers.inputs)
            return result

        noisy: Array = jax.lax.cond(sd > 0, add, lambda x: x, x)
        return noisy

    def _disturbed(self, kernel: Array, index: int) -> Array:
        """A kernel under weight noise and dropout of weights; its gradient is taken at the disturbed place."""
        numbers = self._input_numbers(index)
        rows, columns = kernel.shape

        def add(kernel: Array) -> Array:
            noise = normal_cells(self._key(WEIGHT_NOISE_STREAM + index + 1), rows, columns, numbers)
            # Padded weights must stay 0 in the product: they are the ones whose value is exactly 0 and whose place
            # is outside the real block.
            noisy: Array = kernel + self.floats.weight_noise * noise * self._real_block(index)
            return noisy

        kernel = jax.lax.cond(self.floats.weight_noise > 0, add, lambda kernel: kernel, kernel)
        if index == self.shape.layers:
            return kernel
        rate = jnp.where(self.floats.drop_weights > 0, self._number("dropout", index), 0.0)
        return self._dropped(kernel, rate, WEIGHT_DROP_STREAM + index + 1, numbers)

    def _input_numbers(self, index: int) -> Array | None:
        """What a kernel's rows are called without padding; None where that is their place.

        After concat skips, real inputs stand in several blocks with padding between them.
        """
        if self.shape.skip != "concat" or index < 2:
            return None
        blocks: list[Array] = []
        before = jnp.int32(0)
        for place in range(index - 1, -1, -1):
            blocks.append(before + jnp.arange(self.shape.width))
            before = before + self.numbers.units[place]
        numbers: Array = jnp.concatenate(blocks)
        return numbers

    def _real_block(self, index: int) -> Array:
        """(inputs, units) 1 where layer `index`'s kernel has a real weight."""
        shape, masks = self.shape, self.unit_masks
        is_output = jnp.arange(shape.outputs) < self.numbers.outputs
        columns = is_output.astype(jnp.float32) if index == shape.layers else masks[index]
        if index == 0:
            rows = (jnp.arange(shape.inputs) < self.numbers.inputs).astype(jnp.float32)
        elif shape.skip == "concat":
            rows = jnp.concatenate([masks[place] for place in range(index - 1, -1, -1)])
        else:
            rows = masks[index - 1]
        result: Array = rows[:, None] * columns[None, :]
        return result


@jax.custom_vjp
def rows_of(vectors: Array) -> tuple[Array, ...]:
    """The rows of a matrix, whose gradient is stacked again: that of slices would be a padded sum for each of them."""
    return tuple(vectors)


def _rows_forward(vectors: Array) -> tuple[tuple[Array, ...], None]:
    return tuple(vectors), None


def _rows_backward(_: None, gradients: tuple[Array, ...]) -> tuple[Array]:
    return (jnp.stack(gradients),)


rows_of.defvjp(_rows_forward, _rows_backward)
