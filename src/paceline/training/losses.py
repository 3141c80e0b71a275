"""Losses as rows (value per example, slope with respect to the outputs), chosen at run time among the task's own.

Stable forms only: log-sum-exp for cross-entropy, max(z,0) - z*y + log1p(exp(-|z|)) for the sigmoid, so logits of
+-1e4 give finite losses and gradients. The gradient of the mean over B rows is (A - Y)/B (Kayal, Rafatirad, Falcão).
Padded output columns hold no loss and get no gradient.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from paceline.training.arguments import LOSS_CODES

Array = jax.Array
Pair = tuple[Array, Array]

VERY_LOW = -1e30  # a padded class's logit; its probability is exactly 0


def _cross_entropy(z: Array, y: Array, mask: Array, delta: Array) -> Pair:
    z = jnp.where(mask > 0, z, VERY_LOW)
    shifted = z - jax.lax.stop_gradient(jnp.max(z, axis=1, keepdims=True))
    exps = jnp.exp(shifted)
    total = jnp.sum(exps, axis=1, keepdims=True)
    log_p = jnp.where(mask > 0, shifted - jnp.log(total), 0.0)
    return -jnp.sum(y * log_p, axis=1), exps / total - y


def _sigmoid(z: Array, y: Array, mask: Array, delta: Array) -> Pair:
    value = jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z)))
    return jnp.sum(value * mask, axis=1), (jax.nn.sigmoid(z) - y) * mask


def _mse(z: Array, y: Array, mask: Array, delta: Array) -> Pair:
    error = (z - y) * mask
    share = 1 / jnp.sum(mask)
    return jnp.sum(error * error, axis=1) * share, 2 * error * share


def _half_sse(z: Array, y: Array, mask: Array, delta: Array) -> Pair:
    error = (z - y) * mask
    return 0.5 * jnp.sum(error * error, axis=1), error


def _mae(z: Array, y: Array, mask: Array, delta: Array) -> Pair:
    error = (z - y) * mask
    share = 1 / jnp.sum(mask)
    return jnp.sum(jnp.abs(error), axis=1) * share, jnp.sign(error) * share


def _huber(z: Array, y: Array, mask: Array, delta: Array) -> Pair:
    error = (z - y) * mask
    share = 1 / jnp.sum(mask)
    size = jnp.abs(error)
    value = jnp.where(size <= delta, 0.5 * error * error, delta * (size - 0.5 * delta))
    return jnp.sum(value, axis=1) * share, jnp.clip(error, -delta, delta) * share


ROWS: dict[str, Callable[[Array, Array, Array, Array], Pair]] = {
    "cross_entropy": _cross_entropy, "sigmoid": _sigmoid, "mse": _mse, "half_sse": _half_sse, "mae": _mae,
    "huber": _huber,
}  # fmt: skip


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def row_losses(task: str, kind: Array, z: Array, y: Array, mask: Array, delta: Array) -> Array:
    """(batch,) loss of each row, differentiable in the outputs `z`.

    Args:
        task: static; kind: () int32, index into the task's losses, `arguments.LOSS_CODES[task]`.
        z: (batch, outputs) raw outputs (logits).
        y: (batch, outputs) targets; one-hot or smoothed for classes.
        mask: (outputs,) 1 for real outputs, 0 for padding.
        delta: () where Huber's loss turns linear.
    """
    return _forward(task, kind, z, y, mask, delta)[0]


def _forward(task: str, kind: Array, z: Array, y: Array, mask: Array, delta: Array) -> tuple[Array, Any]:
    value, slope = jax.lax.switch(kind, [ROWS[name] for name in LOSS_CODES[task]], z, y, mask, delta)
    return value, (slope, y, mask, delta)


def _backward(task: str, kept: Any, g: Array) -> tuple[Any, ...]:
    slope, y, mask, delta = kept
    return None, slope * g[:, None], jnp.zeros_like(y), jnp.zeros_like(mask), jnp.zeros_like(delta)


row_losses.defvjp(_forward, _backward)


def smoothed(y: Array, smoothing: Array, classes: Array, one_hot: bool, mask: Array) -> Array:
    """Targets with `smoothing` of their weight spread evenly: over all classes, or over yes and no.

    Args:
        y: (batch, outputs); smoothing: (); classes: () real outputs; one_hot: else yes/no targets.
        mask: (outputs,).
    """
    spread = smoothing / classes if one_hot else smoothing / 2
    return (y * (1 - smoothing) + spread) * mask
