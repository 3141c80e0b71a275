"""The hand-written derivatives: of activations against other formulas, of norms and losses against plain autodiff."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from paceline.hyperparameters import ACTIVATIONS
from paceline.numerics import norms
from paceline.numerics.activations import BRANCHES, PRELU, activate, form_of
from paceline.training.arguments import LOSS_CODES
from paceline.training.losses import row_losses, smoothed

pytestmark = pytest.mark.compiles

Formula = Callable[[Any, Any], Any]

FORMULAS: dict[str, Formula] = {
    "linear": lambda alpha, u: u,
    "sigmoid": lambda alpha, u: 1 / (1 + jnp.exp(-u)),
    "tanh": lambda alpha, u: jnp.tanh(u),
    "relu": lambda alpha, u: jax.nn.relu(u),
    "leaky_relu": lambda alpha, u: jax.nn.leaky_relu(u, alpha),
    "prelu": lambda alpha, u: jax.nn.leaky_relu(u, alpha),
    "elu": lambda alpha, u: jax.nn.elu(u, alpha),
    "selu": lambda alpha, u: jax.nn.selu(u),
    "swish": lambda alpha, u: u / (1 + jnp.exp(-alpha * u)),
    "gelu": lambda alpha, u: jax.nn.gelu(u, approximate=False),
    "softplus": lambda alpha, u: jnp.log1p(jnp.exp(u)),
}


def row_of(name: str, alpha: Any, u: Any) -> Any:
    """(value, slope) of an activation by the form that its layers use."""
    kind, own, scale = form_of(name, alpha)
    return BRANCHES[kind](own, scale, u)


@jax.jit
def ours_and_theirs(u: Any, alpha: Any) -> Any:
    result = {}
    for name, formula in FORMULAS.items():
        slope = jax.grad(lambda u, formula=formula: jnp.sum(formula(alpha, u)))(u)
        result[name] = (row_of(name, alpha, u), (formula(alpha, u), slope))
    return result


def test_values_and_slopes_of_activations() -> None:
    u = np.linspace(-4, 4, 81).astype(np.float32)
    u = u[np.abs(u) > 1e-3].reshape(8, 10)  # at 0 the kinked ones may choose
    found = ours_and_theirs(u, np.float32(0.7))
    assert set(found) == set(ACTIVATIONS) - {"step"}
    for name, (ours, theirs) in found.items():
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6, err_msg=name)


def test_the_step_has_a_straight_through_slope() -> None:
    u = jnp.array([[-2.0, -0.5, 0.5, 2.0]])
    value, slope = row_of("step", jnp.float32(0), u)
    assert value.tolist() == [[0, 0, 1, 1]] and slope.tolist() == [[0, 1, 1, 0]]


def test_slopes_stay_finite_far_out() -> None:
    u = np.array([[-1e4, -100, 100, 1e4]], np.float32)
    for name in ACTIVATIONS:
        for part in jax.jit(partial(row_of, name))(jnp.float32(1), u):
            assert np.isfinite(part).all(), name


def test_prelus_slope_and_the_activity_penalty_enter_the_gradient() -> None:
    rng = np.random.default_rng(0)
    u, g = (rng.normal(size=(4, 3)).astype(np.float32) for _ in range(2))
    rows, units = np.array([1, 1, 1, 0], np.float32), np.array([1, 1, 0], np.float32)
    kind = jnp.int32(PRELU)

    @jax.jit
    def gradients(l1: Any, l2: Any) -> Any:
        def ours(u: Any, alpha: Any) -> Any:
            return jnp.sum(g * activate(kind, alpha, jnp.float32(1), (l1, l2), rows, units, u))

        def theirs(u: Any, alpha: Any) -> Any:
            a = jnp.where(u > 0, u, alpha * u)
            penalty = jnp.sum((l1 * jnp.abs(a) + l2 * a * a) * rows[:, None] * units)
            return jnp.sum(g * a) + penalty

        alpha = jnp.float32(0.3)
        return jax.grad(ours, (0, 1))(u, alpha), jax.grad(theirs, (0, 1))(u, alpha)

    for l1, l2 in ((0.0, 0.0), (0.2, 0.5)):
        ours, theirs = gradients(jnp.float32(l1), jnp.float32(l2))
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def plain_norm(kind: int, z: Any, scale: Any, offset: Any, epsilon: float) -> Any:
    """The textbook form on real rows and units only."""
    if kind == norms.NONE:
        return z
    axis = 0 if kind == norms.BATCH else 1
    mean, variance = z.mean(axis, keepdims=True), z.var(axis, keepdims=True)
    return (z - mean) / jnp.sqrt(variance + epsilon) * scale + offset


@pytest.mark.parametrize("kind", [norms.NONE, norms.BATCH, norms.LAYER])
def test_norms_equal_the_textbook_with_autodiff(kind: int) -> None:
    """8 x 6 arrays of which 5 rows and 4 units are real; padded units must get no gradient, whatever comes in."""
    rng = np.random.default_rng(kind)
    z, g = (rng.normal(size=(8, 6)).astype(np.float32) for _ in range(2))
    z[:, 4:] = 0
    g[5:] = 0
    g[:, 4:] = 0
    scale, offset = rng.uniform(0.5, 2, 6).astype(np.float32), rng.normal(size=6).astype(np.float32)
    rows, units = (np.arange(8) < 5).astype(np.float32), (np.arange(6) < 4).astype(np.float32)
    scale, offset = scale * units, offset * units

    def ours(z: Any, scale: Any, offset: Any) -> Any:
        y, _, _ = norms.normalise(jnp.int32(kind), z, scale, offset, rows, units, jnp.float32(1e-3))
        return jnp.sum(y * g), y

    def theirs(z: Any, scale: Any, offset: Any) -> Any:
        y = plain_norm(kind, z, scale, offset, 1e-3)
        return jnp.sum(y * g[:5, :4]), y

    got, y = jax.jit(jax.grad(ours, (0, 1, 2), has_aux=True))(z, scale, offset)
    wanted, plain = jax.jit(jax.grad(theirs, (0, 1, 2), has_aux=True))(z[:5, :4], scale[:4], offset[:4])
    np.testing.assert_allclose(y[:5, :4], plain, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(got[0][:5, :4], wanted[0], rtol=1e-4, atol=1e-5)
    assert not np.asarray(got[0])[5:].any(), "padded rows get no gradient"
    assert not np.asarray(got[0])[:, 4:].any(), "padded units get no gradient"
    for one, other in zip(got[1:], wanted[1:], strict=True):
        np.testing.assert_allclose(np.asarray(one)[:4], other, rtol=1e-4, atol=1e-5)
        assert not np.asarray(one)[4:].any()


def softmax_loss(z: Any, y: Any) -> Any:
    return -jnp.sum(y * jax.nn.log_softmax(z), axis=1)


PLAIN_LOSSES: dict[str, Formula] = {
    "cross_entropy": softmax_loss,
    "sigmoid": lambda z, y: -jnp.sum(y * jax.nn.log_sigmoid(z) + (1 - y) * jax.nn.log_sigmoid(-z), axis=1),
    "mse": lambda z, y: jnp.mean((z - y) ** 2, axis=1),
    "half_sse": lambda z, y: 0.5 * jnp.sum((z - y) ** 2, axis=1),
    "mae": lambda z, y: jnp.mean(jnp.abs(z - y), axis=1),
    "huber": lambda z, y: jnp.mean(
        jnp.where(jnp.abs(z - y) <= 0.7, 0.5 * (z - y) ** 2, 0.7 * (jnp.abs(z - y) - 0.35)), axis=1
    ),
}


TASKS = {name: task for task, names in LOSS_CODES.items() for name in names}


@partial(jax.jit, static_argnums=0)
def losses_and_slopes(name: str, z: Any, y: Any, mask: Any) -> Any:
    task = TASKS[name]
    kind = jnp.int32(LOSS_CODES[task].index(name))

    def total(z: Any) -> Any:
        rows = row_losses(task, kind, z, y, mask, jnp.float32(0.7))
        return jnp.sum(rows), rows

    return jax.grad(total, has_aux=True)(z)


@pytest.mark.parametrize("name", TASKS)
def test_losses_equal_plain_autodiff_and_padding_is_nothing(name: str) -> None:
    rng = np.random.default_rng(1)
    z = rng.normal(size=(6, 8)).astype(np.float32) * 3
    y = np.zeros((6, 8), np.float32)
    y[:, :5] = np.eye(5, dtype=np.float32)[rng.integers(0, 5, 6)]
    mask = (np.arange(8) < 5).astype(np.float32)
    slope, rows = losses_and_slopes(name, z, y, mask)
    plain = PLAIN_LOSSES[name]
    wanted = jax.jit(lambda z: plain(z, y[:, :5]))(z[:, :5])
    wanted_slope = jax.jit(jax.grad(lambda z: jnp.sum(plain(z, y[:, :5]))))(z[:, :5])
    np.testing.assert_allclose(rows, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(slope[:, :5], wanted_slope, rtol=1e-5, atol=1e-6)
    assert not np.asarray(slope)[:, 5:].any()


@pytest.mark.parametrize("name", TASKS)
def test_logits_of_ten_thousand_are_finite(name: str) -> None:
    z = np.array([[1e4, -1e4, 0, 0, 0, 0, 0, 0]] * 2, np.float32)
    y = np.array([[1, 0, 0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0, 0]], np.float32)
    mask = (np.arange(8) < 2).astype(np.float32)
    slope, rows = losses_and_slopes(name, z, y, mask)
    assert np.isfinite(rows).all() and np.isfinite(slope).all()


def test_smoothing_keeps_the_weight_of_a_row() -> None:
    mask = (jnp.arange(4) < 3).astype(jnp.float32)
    y = jnp.array([[0, 1, 0, 0]], jnp.float32)
    share = jnp.float32(0.3)
    soft = smoothed(y, share, jnp.float32(3), True, mask)
    np.testing.assert_allclose(soft, [[0.1, 0.8, 0.1, 0]], rtol=1e-6)
    yes_no = smoothed(y, share, jnp.float32(3), False, mask)
    np.testing.assert_allclose(yes_no, [[0.15, 0.85, 0.15, 0]], rtol=1e-6)
