"""Training as one compiled function: `advance(state, data, hyper, to_epoch) -> (state, measurements)`.

A while-loop over epochs (it ends early when the trial stops or diverges), in it a loop over steps, then dev
evaluation, best weights, plateau and early stopping. Nothing else holds state, so pausing is keeping the state,
copying a trial is copying it, and continuing is calling again.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from paceline.net.dense import DenseShape, Statistics, Weights, apply_frozen
from paceline.records import COLUMNS
from paceline.training.hyper import Hyper, Knobs, Leaf
from paceline.training.losses import row_losses
from paceline.training.metrics import Sums, add_rows, finished, no_sums, ranked_auc
from paceline.training.step import Data, Moving, output_mask, train_step

Array = jax.Array

BLOCK = 64
"""The most epochs of one call: rows of the measurement block that a call returns."""
CHUNK = 512
"""Rows evaluated at once."""
PLATEAU_THRESHOLD = 1e-4

RUNNING, EARLY, DIVERGED = 0, 1, 2


class State(NamedTuple):
    """Everything a trial is between two epochs.

    epoch: () int32 epochs done. status: () int32, RUNNING, EARLY or DIVERGED.
    best_*: at the best epoch so far by the study's metric; best_score is turned so that lower is better.
    wait: epochs since the best. plateau_*: of reduce-on-plateau.
    """

    moving: Moving
    epoch: Leaf
    status: Leaf
    best_weights: Weights
    best_statistics: Statistics
    best_score: Leaf
    best_epoch: Leaf
    wait: Leaf
    plateau: Leaf
    plateau_best: Leaf
    plateau_wait: Leaf


def initial_state(weights: Weights, layers: int, width: int) -> State:
    """The state before the first epoch; `weights` are padded numpy arrays."""
    zeros: Weights = jax.tree.map(np.zeros_like, weights)
    statistics = {"mean": np.zeros((layers, width), np.float32), "variance": np.ones((layers, width), np.float32)}

    def number(value: float, kind: type = np.float32) -> NDArray[np.generic]:
        return np.array(value, kind)

    return State(
        moving=Moving(weights, statistics, zeros, zeros, number(0, np.int32)),
        epoch=number(0, np.int32),
        status=number(RUNNING, np.int32),
        best_weights=weights,
        best_statistics=statistics,
        best_score=number(np.inf),
        best_epoch=number(0, np.int32),
        wait=number(0, np.int32),
        plateau=number(1),
        plateau_best=number(np.inf),
        plateau_wait=number(0, np.int32),
    )


def evaluate(
    shape: DenseShape, weights: Weights, statistics: Statistics, x: Array, y: Array, rows: Array, hyper: Hyper,
    target_scale: Array,
) -> dict[str, Array]:  # fmt: skip
    """Metrics over the first `rows` rows of x (capacity, inputs) and y (capacity, outputs), in evaluation mode."""
    mask = output_mask(shape, hyper)
    chunk = min(CHUNK, x.shape[0])
    loss, delta = Knobs(hyper).loss, Knobs(hyper).huber_delta

    def piece(start: Array) -> tuple[Array, Array, Array]:
        xs = jax.lax.dynamic_slice_in_dim(x, start, chunk)
        ys = jax.lax.dynamic_slice_in_dim(y, start, chunk)
        return apply_frozen(shape, weights, statistics, xs, hyper), ys, start + jnp.arange(chunk)

    def add(index: Array, sums: Sums) -> Sums:
        z, ys, places = piece(index * chunk)
        row_weights = (places < rows).astype(jnp.float32)
        return add_rows(sums, shape.task, row_losses(shape.task, loss, z, ys, mask, delta), z, ys, mask, row_weights)

    chunks = (rows + chunk - 1) // chunk
    sums = jax.lax.fori_loop(0, chunks, add, no_sums(shape.outputs))
    metrics = finished(sums, shape.task, mask, target_scale)
    metrics["auc"] = jnp.float32(jnp.nan)
    if shape.auc:

        def outputs(index: Array, all_z: Array) -> Array:
            return jax.lax.dynamic_update_slice_in_dim(all_z, piece(index * chunk)[0], index * chunk, 0)

        all_z = jax.lax.fori_loop(0, chunks, outputs, jnp.zeros((x.shape[0], shape.outputs), jnp.float32))
        metrics["auc"] = ranked_auc(shape.task, all_z, y, mask, rows)
    return metrics


def advance(shape: DenseShape, state: State, data: Data, hyper: Hyper, to_epoch: Array) -> tuple[State, Array]:
    """Train until `to_epoch` epochs are done (at most BLOCK more), or the trial stops or diverges.

    Returns:
        The new state, and (BLOCK, len(COLUMNS)) measurements, whose first new_epoch - old_epoch rows count.
    """
    first = state.epoch

    def goes_on(carry: tuple[State, Array]) -> Array:
        result: Array = (carry[0].epoch < to_epoch) & (carry[0].status == RUNNING)
        return result

    def one(carry: tuple[State, Array]) -> tuple[State, Array]:
        state, block = carry
        new, row = one_epoch(shape, state, data, hyper)
        return new, jax.lax.dynamic_update_slice_in_dim(block, row[None, :], state.epoch - first, 0)

    to_epoch = jnp.minimum(to_epoch, first + BLOCK)
    block = jnp.full((BLOCK, len(COLUMNS)), jnp.nan, jnp.float32)
    return jax.lax.while_loop(goes_on, one, (state, block))


def one_epoch(shape: DenseShape, state: State, data: Data, hyper: Hyper) -> tuple[State, Array]:
    """One epoch of steps and its dev evaluation; returns the new state and a (len(COLUMNS),) row."""
    knobs = Knobs(hyper)
    steps = (data.n_train + shape.batch - 1) // shape.batch
    zero = jnp.float32(0)

    def goes_on(carry: tuple[Array, Moving, tuple[Array, Array, Array]]) -> Array:
        position, _, (loss, _, _) = carry
        result: Array = (position < steps) & jnp.isfinite(loss)
        return result

    def step(
        carry: tuple[Array, Moving, tuple[Array, Array, Array]],
    ) -> tuple[Array, Moving, tuple[Array, Array, Array]]:
        position, moving, (loss, wrong, _) = carry
        moving, (more_loss, more_wrong, rate) = train_step(
            shape, data, hyper, state.epoch, position, state.plateau, moving
        )
        return position + 1, moving, (loss + more_loss, wrong + more_wrong, rate)

    start = (jnp.int32(0), state.moving, (zero, zero, zero))
    _, moving, (loss_sum, wrong_sum, rate) = jax.lax.while_loop(goes_on, step, start)

    dev = evaluate(
        shape, moving.weights, moving.statistics, data.x_dev, data.y_dev, data.n_dev, hyper, data.target_scale
    )
    count = data.n_train.astype(jnp.float32)
    has_labels = jnp.isfinite(dev["error"])
    columns = dev | {
        "train_loss": loss_sum / count,
        "train_error": jnp.where(has_labels, wrong_sum / count, jnp.nan),
        "learning_rate": rate,
    }
    row = jnp.stack([columns[name] for name in COLUMNS])
    fine = jnp.isfinite(columns["train_loss"]) & (columns["train_loss"] <= knobs.loss_limit) & jnp.isfinite(dev["loss"])
    return judged(state, moving, row, dev["loss"], fine, hyper), row


def judged(state: State, moving: Moving, row: Array, dev_loss: Array, fine: Array, hyper: Hyper) -> State:
    """The state after an epoch: best weights, early stopping, plateau; frozen at its start if it wasn't fine."""
    knobs = Knobs(hyper)
    score = knobs.metric_sign * row[knobs.metric]
    better = fine & (score < state.best_score - knobs.min_delta)
    wait = jnp.where(better, 0, state.wait + 1)
    lower = dev_loss < state.plateau_best * (1 - PLATEAU_THRESHOLD)
    plateau_wait = jnp.where(lower, 0, state.plateau_wait + 1)
    cut = plateau_wait > knobs.plateau_patience
    epoch = state.epoch + 1

    def pick(condition: Array, new: Any, old: Any) -> Any:
        return jax.tree.map(lambda a, b: jnp.where(condition, a, b), new, old)

    best = (moving.weights, moving.statistics, score, epoch)
    old_best = (state.best_weights, state.best_statistics, state.best_score, state.best_epoch)
    best_weights, best_statistics, best_score, best_epoch = pick(better, best, old_best)
    return State(
        moving=pick(fine, moving, state.moving),
        epoch=epoch,
        status=jnp.where(fine, jnp.where(wait >= knobs.patience, EARLY, RUNNING), DIVERGED).astype(jnp.int32),
        best_weights=best_weights,
        best_statistics=best_statistics,
        best_score=best_score,
        best_epoch=best_epoch,
        wait=wait.astype(jnp.int32),
        plateau=jnp.where(cut, state.plateau * knobs.plateau_factor, state.plateau),
        plateau_best=jnp.where(lower, dev_loss, state.plateau_best),
        plateau_wait=jnp.where(cut, 0, plateau_wait).astype(jnp.int32),
    )
