"""One training step: gather a batch, gradient, penalties, clipping, one optimiser update, constraints.

Reads downwards. Weights are a tree; what may be done to which of them the family's masks say. Everything a trial may
switch on is either a number that is harmless when off (0, 1, infinity) or sits under `lax.cond` on "does this trial
use it"; the rarely used parts exist only in programs of shape.extended.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paceline.net.base import Family, Key, Masks, Tree
from paceline.numerics.randomness import SHUFFLE_STREAM, key_of, permuted
from paceline.training.arguments import TrainingReader, TrialArguments, read
from paceline.training.losses import row_losses, smoothed
from paceline.training.metrics import wrong_labels
from paceline.training.optimizers import Rule, rule_of, update
from paceline.training.schedules import learning_rate, momentum
from paceline.training.shape import ProgramShape

Array = jax.Array

KERAS_EPSILON, TORCH_EPSILON = 1e-7, 1e-6


class Data(NamedTuple):
    """One fold, padded.

    x_train (train_rows, *sample) of any dtype, y_train (train_rows, outputs) float32, likewise dev.
    n_train, n_dev: () int32 real rows. target_scale: (outputs,) float32.
    """

    x_train: Any
    y_train: Any
    x_dev: Any
    y_dev: Any
    n_train: Any
    n_dev: Any
    target_scale: Any


class OptimizerState(NamedTuple):
    """What a step changes. m and v mirror the weights; step counts from 0 over the whole run."""

    weights: Tree
    statistics: Tree
    m: Tree
    v: Tree
    step: Any


def output_mask(shape: ProgramShape, arguments: TrialArguments) -> Array:
    """(outputs,) 1 for real output columns."""
    result: Array = (jnp.arange(shape.outputs) < arguments.outputs).astype(jnp.float32)
    return result


def widened(z: Array, columns: int) -> Array:
    """Outputs with columns of zeros up to `columns`, where the family doesn't pad them itself."""
    missing = columns - z.shape[1]
    return jnp.pad(z, ((0, 0), (0, missing))) if missing else z


def row_importance(task: str, arguments: TrialArguments, y: Array) -> Array:
    """(rows,) class weight of each row; 1 for multi-label and regression."""
    if task == "classes":
        by_class: Array = y @ arguments.class_weights[: y.shape[1]]
        return by_class
    if task == "binary":
        return jnp.where(y[:, 0] > 0.5, arguments.class_weights[1], arguments.class_weights[0])
    return jnp.ones(len(y), y.dtype)


def train_step(
    family: Family, shape: ProgramShape, data: Data, arguments: TrialArguments, epoch: Array, position: Array,
    plateau: Array, state: OptimizerState,
) -> tuple[OptimizerState, tuple[Array, Array, Array]]:  # fmt: skip
    """One update.

    Args:
        epoch: () int32 from 0; position: () int32, number of the batch within the epoch.
        plateau: () float32 factor of reduce-on-plateau.

    Returns:
        The new state, and (sum of row losses, wrong labels, learning rate) of the batch.
    """
    given = read(arguments)
    mask = output_mask(shape, arguments)
    masks = family.masks(shape.net)

    # the batch
    places = position * shape.batch + jnp.arange(shape.batch, dtype=jnp.int32)
    row_weights = (places < data.n_train).astype(jnp.float32)
    rows = permuted(key_of(arguments.seed, epoch, SHUFFLE_STREAM), jnp.minimum(places, data.n_train - 1), data.n_train)
    x, y = data.x_train[rows], data.y_train[rows]
    count = jnp.sum(row_weights)
    target = y
    if shape.task != "regression":
        classes = arguments.outputs.astype(jnp.float32)
        target = smoothed(y, given.label_smoothing, classes, shape.task == "classes", mask)
    importance = row_weights * row_importance(shape.task, arguments, y)

    # loss and gradient
    def batch_loss(weights: Tree) -> tuple[Array, Any]:
        key = Key(arguments.seed, state.step)
        z, statistics = family.apply(
            shape.net, weights, state.statistics, x, arguments.net, row_weights=row_weights, key=key
        )
        z = widened(z, shape.outputs)
        losses = row_losses(shape.task, given.loss, z, target, mask, given.huber_delta)
        total = importance @ losses
        return total / jnp.where(given.reduction_sum > 0, 1.0, count), (total, z, statistics)

    gradient, (loss_sum, z, statistics) = jax.grad(batch_loss, has_aux=True)(state.weights)
    wrong = wrong_labels(shape.task, z, y, mask, row_weights)

    # penalties and clipping
    gradient = _penalised(given, masks, gradient, state.weights, shape.extended)
    if shape.extended:
        gradient = jax.tree.map(lambda g: jnp.clip(g, -given.clip_value, given.clip_value), gradient)
        gradient = jax.lax.cond(
            jnp.isfinite(given.clip_norm), lambda g: _norm_clipped(g, given.clip_norm), lambda g: g, gradient
        )

    # the update
    steps_per_epoch = (data.n_train + shape.batch - 1) // shape.batch
    rate = learning_rate(arguments, epoch, state.step, steps_per_epoch, plateau)
    mu, log_mu = _momentum_now(arguments, epoch)
    rule = rule_of(arguments.rule, given.optimizer, rate, mu, log_mu, given.log_beta2, state.step + 1)
    weights, m, v = _updated(shape, rule, given, masks, state, gradient)
    if shape.extended:
        limited = _norm_limited(masks, given.max_norm)
        weights = jax.lax.cond(jnp.isfinite(given.max_norm), limited, lambda w: w, weights)
    weights, m, v = (
        jax.tree.map(_frozen, masks.trainable, old, new)
        for old, new in ((state.weights, weights), (state.m, m), (state.v, v))
    )
    return OptimizerState(weights, statistics, m, v, state.step + 1), (loss_sum, wrong, rate)


# A mask is a number of the trace where it is the same for a whole array: then what it switches off isn't compiled.


def _is(mask: Any, value: float) -> bool:
    return np.ndim(mask) == 0 and float(mask) == value


def _masked(mask: Any, value: Array) -> Array:
    return value if _is(mask, 1.0) else value * mask


def _frozen(trainable: Any, old: Array, new: Array) -> Array:
    """The new array where it is trainable, else the old one bit for bit."""
    if _is(trainable, 1.0):
        return new
    return old if _is(trainable, 0.0) else jnp.where(jnp.asarray(trainable) > 0, new, old)


def _penalised(given: TrainingReader, masks: Masks, gradient: Tree, weights: Tree, extended: bool) -> Tree:
    """Add the pull of the penalties on what decays, and on biases."""

    def pull(w: Array, l2: Array, l1: Array) -> Array:
        return l2 * w + l1 * jnp.sign(w) if extended else l2 * w

    def pulled(g: Array, w: Array, decay: Any, bias: Any) -> Array:
        if not _is(decay, 0.0):
            g = g + _masked(decay, pull(w, given.l2, given.l1))
        if not _is(bias, 0.0):
            g = g + _masked(bias, pull(w, given.bias_l2, given.bias_l1))
        return g

    return jax.tree.map(pulled, gradient, weights, masks.decay, masks.bias)


def _norm_clipped(gradient: Tree, limit: Array) -> Tree:
    total = sum((_sum_of_squares(g) for g in jax.tree.leaves(gradient)), jnp.float32(0))
    factor = jnp.minimum(1.0, limit / (jnp.sqrt(total) + TORCH_EPSILON))
    return jax.tree.map(lambda g: g * factor, gradient)


def _sum_of_squares(g: Array) -> Array:
    """Columns first, by a matrix product: one big reduction would be split by the thread pool, and its last bits
    would depend on how many threads the machine has."""
    flat = g.reshape(-1, g.shape[-1]) if g.ndim else g.reshape(1, 1)
    return jnp.sum(jnp.ones((1, flat.shape[0]), g.dtype) @ (flat * flat))


def _momentum_now(arguments: TrialArguments, epoch: Array) -> tuple[Array, Array]:
    """(momentum or beta1, its logarithm) of an epoch; the constant's logarithm was taken in double precision."""
    given = read(arguments)
    now = momentum(arguments, given.momentum, epoch)
    log_now = jnp.where(now > 0, jnp.log(jnp.maximum(now, 1e-30)), -1e30)
    return now, jnp.where(given.momentum_schedule == 0, given.log_momentum, log_now)


def _updated(
    shape: ProgramShape, rule: Rule, given: TrainingReader, masks: Masks, state: OptimizerState, gradient: Tree
) -> tuple[Tree, Tree, Tree]:
    """(weights, m, v) after the optimiser; decay and rescaling are for what the mask says."""

    def one(w: Array, g: Array, m: Array, v: Array, decay: Any) -> tuple[Array, Array, Array]:
        if _is(decay, 0.0):
            return update(rule, w, g, m, v, jnp.float32(0), extended=shape.extended)
        new, m, v = update(rule, w, g, m, v, _masked(decay, given.weight_decay), extended=shape.extended)
        if shape.extended:
            rescale = given.weight_rescale
            new = new * (rescale if _is(decay, 1.0) else jnp.where(jnp.asarray(decay) > 0, rescale, 1.0))
        return new, m, v

    together = jax.tree.map(one, state.weights, gradient, state.m, state.v, masks.decay)
    outer, inner = jax.tree.structure(state.weights), jax.tree.structure((0, 0, 0))
    weights, m, v = jax.tree.transpose(outer, inner, together)
    return weights, m, v


def _norm_limited(masks: Masks, limit: Array) -> Callable[[Tree], Tree]:
    """Limits the 2-norm of each unit's incoming weights, the last axis of a kernel being the units."""

    def limited(w: Array, decay: Any) -> Array:
        if w.ndim < 2 or _is(decay, 0.0):
            return w
        flat = w.reshape(-1, w.shape[-1])
        norms = jnp.sqrt(jnp.ones((1, flat.shape[0]), w.dtype) @ (flat * flat))
        scaled = (flat * (jnp.clip(norms, 0.0, limit) / (KERAS_EPSILON + norms))).reshape(w.shape)
        return scaled if _is(decay, 1.0) else jnp.where(jnp.asarray(decay) > 0, scaled, w)

    return lambda weights: jax.tree.map(limited, weights, masks.decay)
