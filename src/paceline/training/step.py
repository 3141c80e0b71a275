"""One training step: gather a batch, gradient, penalties, clipping, one optimiser update, constraints.

Reads downwards. Everything a trial may switch on is either a number that is harmless when off (0, 1, infinity) or
sits under `lax.cond` on "does this trial use it"; the rarely used parts exist only in programs of shape.rare.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paceline.net.dense import VECTOR_ROWS, DenseShape, Statistics, Weights, apply_training
from paceline.net.norms import BATCH
from paceline.training.hyper import Hyper, Knobs
from paceline.training.losses import row_losses, smoothed
from paceline.training.metrics import wrong_labels
from paceline.training.optimizers import Rule, rule_of, update
from paceline.training.randomness import SHUFFLE_STREAM, key_of, permuted
from paceline.training.schedules import learning_rate, momentum

Array = jax.Array

KERAS_EPSILON, TORCH_EPSILON = 1e-7, 1e-6


class Data(NamedTuple):
    """One fold, padded: x_train (train_rows, inputs), y_train (train_rows, outputs), likewise dev; float32.

    n_train, n_dev: () int32 real rows. target_scale: () float32.
    """

    x_train: Any
    y_train: Any
    x_dev: Any
    y_dev: Any
    n_train: Any
    n_dev: Any
    target_scale: Any


class Moving(NamedTuple):
    """What a step changes. m and v mirror the weights; step counts from 0 over the whole run."""

    weights: Weights
    statistics: Statistics
    m: Weights
    v: Weights
    step: Any


def output_mask(shape: DenseShape, hyper: Hyper) -> Array:
    """(outputs,) 1 for real output columns."""
    result: Array = (jnp.arange(shape.outputs) < hyper.outputs).astype(jnp.float32)
    return result


def row_importance(task: str, hyper: Hyper, y: Array) -> Array:
    """(rows,) class weight of each row; 1 for multi-label and regression."""
    if task == "classes":
        by_class: Array = y @ hyper.class_weights[: y.shape[1]]
        return by_class
    if task == "binary":
        return jnp.where(y[:, 0] > 0.5, hyper.class_weights[1], hyper.class_weights[0])
    return jnp.ones(len(y), y.dtype)


def train_step(
    shape: DenseShape, data: Data, hyper: Hyper, epoch: Array, position: Array, plateau: Array, moving: Moving
) -> tuple[Moving, tuple[Array, Array, Array]]:
    """One update.

    Args:
        epoch: () int32 from 0; position: () int32, number of the batch within the epoch.
        plateau: () float32 factor of reduce-on-plateau.

    Returns:
        The new state, and (sum of row losses, wrong labels, learning rate) of the batch.
    """
    knobs = Knobs(hyper)
    mask = output_mask(shape, hyper)

    # the batch
    places = position * shape.batch + jnp.arange(shape.batch, dtype=jnp.int32)
    row_weights = (places < data.n_train).astype(jnp.float32)
    rows = permuted(key_of(hyper.seed, epoch, SHUFFLE_STREAM), jnp.minimum(places, data.n_train - 1), data.n_train)
    x, y = data.x_train[rows], data.y_train[rows]
    count = jnp.sum(row_weights)
    target = y
    if shape.task != "regression":
        classes = hyper.outputs.astype(jnp.float32)
        target = smoothed(y, knobs.label_smoothing, classes, shape.task == "classes", mask)
    importance = row_weights * row_importance(shape.task, hyper, y)

    # loss and gradient
    def batch_loss(weights: Weights) -> tuple[Array, Any]:
        z, moments = apply_training(shape, weights, x, row_weights, hyper, moving.step)
        losses = row_losses(shape.task, knobs.loss, z, target, mask, knobs.huber_delta)
        total = importance @ losses
        return total / jnp.where(knobs.reduction_sum > 0, 1.0, count), (total, z, moments)

    # Vectors are differentiated row by row and stacked: the gradient of a slice is a padded sum, one for each of them.
    rows_apart = moving.weights._replace(vectors=tuple(moving.weights.vectors))
    gradient, (loss_sum, z, moments) = jax.grad(batch_loss, has_aux=True)(rows_apart)
    gradient = gradient._replace(vectors=jnp.stack(gradient.vectors))
    wrong = wrong_labels(shape.task, z, y, mask, row_weights)

    # penalties and clipping
    gradient = _penalised(knobs, shape, gradient, moving.weights)
    if shape.rare:
        gradient = jax.tree.map(lambda g: jnp.clip(g, -knobs.clip_value, knobs.clip_value), gradient)
        gradient = jax.lax.cond(
            jnp.isfinite(knobs.clip_norm), lambda g: _norm_clipped(g, knobs.clip_norm), lambda g: g, gradient
        )

    # the update
    steps_per_epoch = (data.n_train + shape.batch - 1) // shape.batch
    rate = learning_rate(hyper, epoch, moving.step, steps_per_epoch, plateau)
    mu, log_mu = _momentum_now(hyper, epoch)
    rule = rule_of(hyper.rule, knobs.optimizer, rate, mu, log_mu, knobs.log_beta2, moving.step + 1)
    weights, m, v = _updated(shape, rule, knobs, moving, gradient)
    if shape.rare:
        weights = jax.lax.cond(
            jnp.isfinite(knobs.max_norm), lambda w: _norm_limited(w, knobs.max_norm), lambda w: w, weights
        )
    statistics = _running(knobs, moving.statistics, moments, count)
    return Moving(weights, statistics, m, v, moving.step + 1), (loss_sum, wrong, rate)


def _penalised(knobs: Knobs, shape: DenseShape, gradient: Weights, weights: Weights) -> Weights:
    """Add the pull of the penalties on kernels, projections and biases."""

    def pull(w: Array, l2: Array, l1: Array) -> Array:
        return l2 * w + l1 * jnp.sign(w) if shape.rare else l2 * w

    def pulled(g: Array, w: Array) -> Array:
        return g + pull(w, knobs.l2, knobs.l1)

    row = np.arange(VECTOR_ROWS * shape.layers + 1)
    is_bias = (row % VECTOR_ROWS == 0).astype(np.float32)[:, None]
    return Weights(
        kernels=jax.tree.map(pulled, gradient.kernels, weights.kernels),
        projections=jax.tree.map(pulled, gradient.projections, weights.projections),
        vectors=gradient.vectors + is_bias * pull(weights.vectors, knobs.bias_l2, knobs.bias_l1),
    )


def _norm_clipped(gradient: Weights, limit: Array) -> Weights:
    total = sum((_sum_of_squares(g) for g in jax.tree.leaves(gradient)), jnp.float32(0))
    factor = jnp.minimum(1.0, limit / (jnp.sqrt(total) + TORCH_EPSILON))
    clipped: Weights = jax.tree.map(lambda g: g * factor, gradient)
    return clipped


def _sum_of_squares(g: Array) -> Array:
    """Columns first, by a matrix product: one big reduction would be split by the thread pool, and its last bits
    would depend on how many threads the machine has."""
    return jnp.sum(jnp.ones((1, g.shape[0]), g.dtype) @ (g * g))


def _momentum_now(hyper: Hyper, epoch: Array) -> tuple[Array, Array]:
    """(momentum or beta1, its logarithm) of an epoch; the constant's logarithm was taken in double precision."""
    knobs = Knobs(hyper)
    now = momentum(hyper, knobs.momentum, epoch)
    log_now = jnp.where(now > 0, jnp.log(jnp.maximum(now, 1e-30)), -1e30)
    return now, jnp.where(knobs.momentum_schedule == 0, knobs.log_momentum, log_now)


def _updated(
    shape: DenseShape, rule: Rule, knobs: Knobs, moving: Moving, gradient: Weights
) -> tuple[Weights, Weights, Weights]:
    """(weights, m, v) after the optimiser; decay and rescaling are for kernels and projections alone."""

    def one(w: Array, g: Array, m: Array, v: Array) -> tuple[Array, Array, Array]:
        new, m, v = update(rule, w, g, m, v, knobs.weight_decay, rare=shape.rare)
        return new * knobs.weight_rescale if shape.rare else new, m, v

    parts = [moving.weights, gradient, moving.m, moving.v]
    kernels = [one(*arrays) for arrays in zip(*(part.kernels for part in parts), strict=True)]
    projections = [one(*arrays) for arrays in zip(*(part.projections for part in parts), strict=True)]
    w, g, m, v = (part.vectors for part in parts)
    vectors = update(rule, w, g, m, v, jnp.float32(0), rare=shape.rare)

    def part(place: int) -> Weights:
        return Weights(
            tuple(item[place] for item in kernels), tuple(item[place] for item in projections), vectors[place]
        )

    return part(0), part(1), part(2)


def _norm_limited(weights: Weights, limit: Array) -> Weights:
    def limited(w: Array) -> Array:
        norms = jnp.sqrt(jnp.ones((1, w.shape[0]), w.dtype) @ (w * w))
        return w * (jnp.clip(norms, 0.0, limit) / (KERAS_EPSILON + norms))

    kernels, projections = jax.tree.map(limited, (weights.kernels, weights.projections))
    return Weights(kernels, projections, weights.vectors)


def _running(knobs: Knobs, old: Statistics, moments: list[tuple[Array, Array]], count: Array) -> Statistics:
    """Running statistics after a batch; the variance kept is the unbiased one, as torch keeps it."""
    if not moments:
        return old
    keep = jnp.where(knobs.norm == BATCH, knobs.norm_momentum, 1.0)
    mean = jnp.stack([pair[0] for pair in moments])
    unbiased = jnp.stack([pair[1] for pair in moments]) * (count / jnp.maximum(count - 1, 1))
    return {
        "mean": keep * old["mean"] + (1 - keep) * mean,
        "variance": keep * old["variance"] + (1 - keep) * unbiased,
    }
