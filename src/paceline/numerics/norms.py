"""Batch and layer normalisation, chosen at run time, with closed-form derivatives.

    z_hat = (z - mean) / sqrt(var + epsilon);  y = scale * z_hat + offset

"batch" takes mean and variance over the batch's real rows, "layer" over the real units of each row. Sums over
rows are matrix products with the row weights (1 real, 0 padding), which makes short batches right for free
and is faster than a reduction. (Ioffe & Szegedy 2015; Ba, Kiros & Hinton 2016; Kayal, Zhang, Falcão.)
"""

from typing import Any

import jax
import jax.numpy as jnp

Array = jax.Array
NONE, BATCH, LAYER = 0, 1, 2


def _moments(kind: Array, z: Array, row_weights: Array, unit_mask: Array, epsilon: Array) -> tuple[Array, ...]:
    """(z_hat, column inverse sd, row inverse sd, batch mean, batch variance)."""
    rows, units = z.shape
    ones_row, ones_column = jnp.ones((units,), z.dtype), jnp.ones((rows, 1), z.dtype)
    zeros = jnp.zeros((units,), z.dtype)

    def none() -> tuple[Array, ...]:
        return z, ones_row, ones_column, zeros, ones_row

    def batch() -> tuple[Array, ...]:
        count = jnp.sum(row_weights)
        mean = (row_weights[None, :] @ z)[0] / count
        centred = z - mean
        variance = (row_weights[None, :] @ (centred * centred))[0] / count
        inverse = jax.lax.rsqrt(variance + epsilon)
        return centred * inverse, inverse, ones_column, mean, variance

    def layer() -> tuple[Array, ...]:
        count = jnp.sum(unit_mask)
        mean = (z @ unit_mask)[:, None] / count
        centred = z - mean
        variance = ((centred * centred) @ unit_mask)[:, None] / count
        inverse = jax.lax.rsqrt(variance + epsilon)
        return centred * inverse, ones_row, inverse, zeros, ones_row

    result: tuple[Array, ...] = jax.lax.switch(kind, [none, batch, layer])
    return result


@jax.custom_vjp
def normalise(
    kind: Array, z: Array, scale: Array, offset: Array, row_weights: Array, unit_mask: Array, epsilon: Array
) -> tuple[Array, Array, Array]:
    """Normalise a training batch.

    Args:
        kind: () int32, 0 none, 1 batch, 2 layer.
        z: (batch, units).
        scale, offset: (units,) learned.
        row_weights: (batch,) 1 for real rows, 0 for padding.
        unit_mask: (units,) 1 for real units, 0 for padding.
        epsilon: () added to the variance.

    Returns:
        y (batch, units), batch mean (units,), biased batch variance (units,); the latter two only mean
        something for kind batch and carry no gradient.
    """
    return _forward(kind, z, scale, offset, row_weights, unit_mask, epsilon)[0]


def _forward(
    kind: Array, z: Array, scale: Array, offset: Array, row_weights: Array, unit_mask: Array, epsilon: Array
) -> tuple[tuple[Array, Array, Array], Any]:
    z_hat, column_inverse, row_inverse, mean, variance = _moments(kind, z, row_weights, unit_mask, epsilon)
    y = jnp.where(kind == NONE, z, z_hat * scale + offset)
    return (y, mean, variance), (kind, z_hat, column_inverse, row_inverse, scale, row_weights, unit_mask)


def _backward(kept: Any, gradients: tuple[Array, Array, Array]) -> tuple[Any, ...]:
    kind, z_hat, column_inverse, row_inverse, scale, row_weights, unit_mask = kept
    g = gradients[0]
    zeros = jnp.zeros_like(scale)

    def none() -> tuple[Array, Array, Array]:
        return g, zeros, zeros

    def learned() -> tuple[Array, Array]:
        return (row_weights[None, :] @ (g * z_hat))[0], (row_weights[None, :] @ g)[0]

    def batch() -> tuple[Array, Array, Array]:
        d_scale, d_offset = learned()
        count = jnp.sum(row_weights)
        inner = g - (d_offset + z_hat * d_scale) / count
        return inner * (scale * column_inverse) * row_weights[:, None], d_scale, d_offset

    def layer() -> tuple[Array, Array, Array]:
        d_scale, d_offset = learned()
        count = jnp.sum(unit_mask)
        scaled = g * scale
        mean = (scaled @ unit_mask)[:, None] / count
        projected = ((scaled * z_hat) @ unit_mask)[:, None] / count
        return (scaled - mean - z_hat * projected) * row_inverse * unit_mask, d_scale, d_offset

    d_z, d_scale, d_offset = jax.lax.switch(kind, [none, batch, layer])
    return None, d_z, d_scale, d_offset, jnp.zeros_like(row_weights), jnp.zeros_like(unit_mask), jnp.zeros(())


normalise.defvjp(_forward, _backward)


def normalise_frozen(
    kind: Array,
    z: Array,
    scale: Array,
    offset: Array,
    mean: Array,
    variance: Array,
    unit_mask: Array,
    epsilon: Array,
) -> Array:
    """Normalise for evaluation: batch norm uses the running (mean, variance), layer norm the row itself."""

    def none() -> Array:
        return z

    def batch() -> Array:
        return (z - mean) * jax.lax.rsqrt(variance + epsilon) * scale + offset

    def layer() -> Array:
        count = jnp.sum(unit_mask)
        centred = z - (z @ unit_mask)[:, None] / count
        spread = ((centred * centred) @ unit_mask)[:, None] / count
        return centred * jax.lax.rsqrt(spread + epsilon) * scale + offset

    result: Array = jax.lax.switch(kind, [none, batch, layer])
    return result


def running(old: dict[str, Array], moments: list[tuple[Array, Array]], keep: Array, count: Array) -> dict[str, Array]:
    """Running statistics after a batch; the variance kept is the unbiased one, as torch keeps it.

    Args:
        old: "mean" and "variance" (layers, units).
        moments: of each layer the batch's mean and biased variance, (units,).
        keep: () weight of the old; 1 changes nothing.
        count: () rows of the batch.
    """
    mean = jnp.stack([pair[0] for pair in moments])
    unbiased = jnp.stack([pair[1] for pair in moments]) * (count / jnp.maximum(count - 1, 1))
    return {
        "mean": keep * old["mean"] + (1 - keep) * mean,
        "variance": keep * old["variance"] + (1 - keep) * unbiased,
    }
