"""Activations as a table of rows (value, slope); which row a layer uses is run-time data.

Differentiating a `lax.switch` makes XLA run and keep every branch. So the switch is not differentiated: forward
computes value and slope out of one switch, backward multiplies by the slope.

The activity penalty enters in that backward rule: da gets `l1*sign(a) + 2*l2*a` for each real row.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from paceline.hyperparameters import ACTIVATIONS

Array = jax.Array
Pair = tuple[Array, Array]

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def _linear(alpha: Array, u: Array) -> Pair:
    return u, jnp.ones_like(u)


def _step(alpha: Array, u: Array) -> Pair:
    # Surrogate gradient: straight-through inside [-1, 1].
    return jnp.where(u > 0, 1.0, 0.0 * u), jnp.where(jnp.abs(u) <= 1, 1.0, 0.0)


def _sigmoid(alpha: Array, u: Array) -> Pair:
    a = jax.nn.sigmoid(u)
    return a, a * (1 - a)


def _tanh(alpha: Array, u: Array) -> Pair:
    a = jnp.tanh(u)
    return a, 1 - a * a


def _relu(alpha: Array, u: Array) -> Pair:
    return jnp.maximum(u, 0), jnp.where(u > 0, 1.0, 0.0)


def _leaky(alpha: Array, u: Array) -> Pair:
    slope = jnp.where(u > 0, 1.0, alpha)
    return u * slope, slope


def _elu(alpha: Array, u: Array) -> Pair:
    low = alpha * jnp.expm1(jnp.minimum(u, 0))
    return jnp.where(u > 0, u, low), jnp.where(u > 0, 1.0, low + alpha)


def _selu(alpha: Array, u: Array) -> Pair:
    low = SELU_SCALE * SELU_ALPHA * jnp.expm1(jnp.minimum(u, 0))
    return jnp.where(u > 0, SELU_SCALE * u, low), jnp.where(u > 0, SELU_SCALE, low + SELU_SCALE * SELU_ALPHA)


def _swish(alpha: Array, u: Array) -> Pair:
    s = jax.nn.sigmoid(alpha * u)
    return u * s, s + alpha * u * s * (1 - s)


def _gelu(alpha: Array, u: Array) -> Pair:
    cdf = 0.5 * jax.lax.erfc(-u * math.sqrt(0.5))
    return u * cdf, cdf + u * jnp.exp(-0.5 * u * u) * (1 / math.sqrt(2 * math.pi))


def _softplus(alpha: Array, u: Array) -> Pair:
    return jnp.maximum(u, 0) + jnp.log1p(jnp.exp(-jnp.abs(u))), jax.nn.sigmoid(u)


ROWS: dict[str, Callable[[Array, Array], Pair]] = {
    "linear": _linear,
    "step": _step,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "relu": _relu,
    "leaky_relu": _leaky,
    "prelu": _leaky,
    "elu": _elu,
    "selu": _selu,
    "swish": _swish,
    "gelu": _gelu,
    "softplus": _softplus,
}
BRANCHES = [ROWS[name] for name in ACTIVATIONS]
VALUES = [lambda alpha, u, row=row: row(alpha, u)[0] for row in BRANCHES]
PRELU = ACTIVATIONS.index("prelu")


def value_of(kind: Array, alpha: Array, u: Array) -> Array:
    """Activation without derivatives, for evaluation. `u`: (batch, units)."""
    result: Array = jax.lax.switch(kind, VALUES, alpha, u)
    return result


@jax.custom_vjp
def activate(kind: Array, alpha: Array, activity: Pair, row_weights: Array, unit_mask: Array, u: Array) -> Array:
    """a = g(u), differentiable in `u` and, for prelu, in `alpha`.

    Args:
        kind: () int32, index into `hyperparameters.ACTIVATIONS`.
        alpha: () float32, the activation's own parameter.
        activity: two () float32, weights of sum|a| and sum a^2 in the loss.
        row_weights: (batch,) 1 for real rows, 0 for padding; unit_mask: (units,) likewise: where the activity
            penalty counts.
        u: (batch, units).
    """
    return value_of(kind, alpha, u)


def _forward(
    kind: Array, alpha: Array, activity: Pair, row_weights: Array, unit_mask: Array, u: Array
) -> tuple[Array, Any]:
    a, slope = jax.lax.switch(kind, BRANCHES, alpha, u)
    return a, (kind, activity, row_weights, unit_mask, u, a, slope)


def _backward(kept: Any, g: Array) -> tuple[Any, ...]:
    kind, (l1, l2), row_weights, unit_mask, u, a, slope = kept
    g = jax.lax.cond(
        (l1 > 0) | (l2 > 0),
        lambda g: g + (l1 * jnp.sign(a) + 2 * l2 * a) * (row_weights[:, None] * unit_mask),
        lambda g: g,
        g,
    )
    # Dead code, and removed by the compiler, unless a program trains prelu's slope.
    alpha_gradient = jax.lax.cond(
        kind == PRELU,
        lambda: jnp.sum(jnp.ones((g.shape[0],), g.dtype) @ (g * jnp.minimum(u, 0))),
        lambda: jnp.float32(0),
    )
    zeros = (jnp.zeros_like(l1), jnp.zeros_like(l2)), jnp.zeros_like(row_weights), jnp.zeros_like(unit_mask)
    return None, alpha_gradient, *zeros, g * slope


activate.defvjp(_forward, _backward)
