"""Activations as a table of forms (value, slope); which form a layer uses, and its two numbers, are run-time data.

    line      u > 0: u, else alpha u                            linear (alpha 1), relu (0), leaky_relu, prelu
    exp       scale (u > 0: u, else alpha (e^u - 1))            elu, selu
    logistic  s (1 - scale + scale u),  s = sigmoid(alpha u)    sigmoid (scale 0), swish (scale 1)

Each form is compiled once a layer, so activations that differ in a number share one. Differentiating a `lax.switch`
makes XLA run and keep every branch, so the switch is not differentiated: forward computes value and slope out of
one switch, backward multiplies by the slope.

The activity penalty enters in that backward rule: da gets `l1*sign(a) + 2*l2*a` for each real row.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

Array = jax.Array
Pair = tuple[Array, Array]

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def _line(alpha: Array, scale: Array, u: Array) -> Pair:
    slope = jnp.where(u > 0, 1.0, alpha)
    return u * slope, slope


def _step(alpha: Array, scale: Array, u: Array) -> Pair:
    # Surrogate gradient: straight-through inside [-1, 1].
    return jnp.where(u > 0, 1.0, 0.0 * u), jnp.where(jnp.abs(u) <= 1, 1.0, 0.0)


def _logistic(alpha: Array, scale: Array, u: Array) -> Pair:
    s = jax.nn.sigmoid(alpha * u)
    line = 1 - scale + scale * u
    return s * line, scale * s + alpha * line * s * (1 - s)


def _tanh(alpha: Array, scale: Array, u: Array) -> Pair:
    a = jnp.tanh(u)
    return a, 1 - a * a


def _exp(alpha: Array, scale: Array, u: Array) -> Pair:
    low = alpha * jnp.expm1(jnp.minimum(u, 0))
    return scale * jnp.where(u > 0, u, low), scale * jnp.where(u > 0, 1.0, low + alpha)


def _gelu(alpha: Array, scale: Array, u: Array) -> Pair:
    cdf = 0.5 + 0.5 * jax.lax.erf(u * math.sqrt(0.5))
    return u * cdf, cdf + u * jnp.exp(-0.5 * u * u) * (1 / math.sqrt(2 * math.pi))


def _softplus(alpha: Array, scale: Array, u: Array) -> Pair:
    return jnp.maximum(u, 0) + jnp.log1p(jnp.exp(-jnp.abs(u))), jax.nn.sigmoid(u)


BRANCHES: tuple[Callable[[Array, Array, Array], Pair], ...] = (
    _line, _step, _logistic, _tanh, _exp, _gelu, _softplus, _line
)  # fmt: skip
VALUES = tuple(lambda alpha, scale, u, row=row: row(alpha, scale, u)[0] for row in BRANCHES)
PRELU = len(BRANCHES) - 1  # a line whose alpha is learned
FORMS: dict[str, tuple[int, float | None, float]] = {
    "linear": (0, 1.0, 1.0), "relu": (0, 0.0, 1.0), "leaky_relu": (0, None, 1.0), "step": (1, 0.0, 1.0),
    "sigmoid": (2, 1.0, 0.0), "swish": (2, None, 1.0), "tanh": (3, 0.0, 1.0), "elu": (4, None, 1.0),
    "selu": (4, SELU_ALPHA, SELU_SCALE), "gelu": (5, 0.0, 1.0), "softplus": (6, 0.0, 1.0), "prelu": (PRELU, None, 1.0),
}  # fmt: skip
"""Name -> (index into BRANCHES, alpha or None for the hyperparameter's, scale)."""


def form_of(name: str, alpha: float) -> tuple[int, float, float]:
    """(kind, alpha, scale) of an activation; `alpha`: the hyperparameter, for those that have one.

    >>> form_of("relu", 0.3), form_of("leaky_relu", 0.3)
    ((0, 0.0, 1.0), (0, 0.3, 1.0))
    """
    kind, own, scale = FORMS[name]
    return kind, alpha if own is None else own, scale


def value_of(kind: Array, alpha: Array, scale: Array, u: Array) -> Array:
    """Activation without derivatives, for evaluation. `u`: (batch, units)."""
    result: Array = jax.lax.switch(kind, VALUES, alpha, scale, u)
    return result


@jax.custom_vjp
def activate(
    kind: Array, alpha: Array, scale: Array, activity: Pair, row_weights: Array, unit_mask: Array, u: Array
) -> Array:
    """a = g(u), differentiable in `u` and, for prelu, in `alpha`.

    Args:
        kind: () int32, index into BRANCHES; alpha, scale: () float32, its numbers. See `form_of`.
        activity: two () float32, weights of sum|a| and sum a^2 in the loss.
        row_weights: (batch,) 1 for real rows, 0 for padding; unit_mask: (units,) likewise: where the activity
            penalty counts.
        u: (batch, units).
    """
    return value_of(kind, alpha, scale, u)


def _forward(
    kind: Array, alpha: Array, scale: Array, activity: Pair, row_weights: Array, unit_mask: Array, u: Array
) -> tuple[Array, Any]:
    a, slope = jax.lax.switch(kind, BRANCHES, alpha, scale, u)
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
    return None, alpha_gradient, jnp.zeros_like(alpha_gradient), *zeros, g * slope


activate.defvjp(_forward, _backward)
