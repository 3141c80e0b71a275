"""Training as one compiled function: `advance(state, data, arguments, to_epoch) -> (state, measurements, signals)`.

A while-loop over epochs (it ends early when the trial stops or diverges), in it a loop over steps, then dev
evaluation, best weights, plateau and early stopping. Nothing else holds state, so pausing is keeping the state,
copying a trial is copying it, and continuing is calling again.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from paceline.net.base import Family, Tree, Variables
from paceline.records import COLUMNS
from paceline.training.arguments import Leaf, TrialArguments, read
from paceline.training.losses import row_losses
from paceline.training.metrics import Sums, add_rows, finished, no_sums, ranked_auc
from paceline.training.shape import ProgramShape
from paceline.training.step import Data, OptimizerState, output_mask, train_step, widened

Array = jax.Array

Signals = dict[str, Array]
"""Named arrays of what was watched in training, beside the measurements; see `records.Signals`."""

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

    optimizer: OptimizerState
    epoch: Leaf
    status: Leaf
    best_weights: Tree
    best_statistics: Tree
    best_score: Leaf
    best_epoch: Leaf
    wait: Leaf
    plateau: Leaf
    plateau_best: Leaf
    plateau_wait: Leaf


def initial_state(padded: Variables) -> State:
    """The state before the first epoch; `padded` are numpy arrays as `Family.pad` arranges them."""
    weights, statistics = padded
    zeros: Tree = jax.tree.map(np.zeros_like, weights)

    def number(value: float, kind: type = np.float32) -> NDArray[np.generic]:
        return np.array(value, kind)

    return State(
        optimizer=OptimizerState(weights, statistics, zeros, zeros, number(0, np.int32)),
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
    family: Family, shape: ProgramShape, weights: Tree, statistics: Tree, x: Array, y: Array, rows: Array,
    arguments: TrialArguments, target_scale: Array,
) -> dict[str, Array]:  # fmt: skip
    """Metrics over the first `rows` rows of x (capacity, *sample) and y (capacity, outputs), in evaluation mode."""
    mask = output_mask(shape, arguments)
    capacity = x.shape[0]
    chunk = min(CHUNK, capacity)
    loss, delta = read(arguments).loss, read(arguments).huber_delta

    def piece(index: Array) -> tuple[Array, Array, Array, Array]:
        """(first row, outputs, targets, row weights) of a chunk; the last one begins early enough to be whole."""
        first = jnp.minimum(index * chunk, capacity - chunk)
        xs = jax.lax.dynamic_slice_in_dim(x, first, chunk)
        ys = jax.lax.dynamic_slice_in_dim(y, first, chunk)
        places = first + jnp.arange(chunk)
        row_weights = ((places >= index * chunk) & (places < rows)).astype(jnp.float32)
        z, _ = family.apply(shape.net, weights, statistics, xs, arguments.net, row_weights=row_weights, key=None)
        return first, widened(z, shape.outputs), ys, row_weights

    def add(index: Array, sums: Sums) -> Sums:
        _, z, ys, row_weights = piece(index)
        return add_rows(sums, shape.task, row_losses(shape.task, loss, z, ys, mask, delta), z, ys, mask, row_weights)

    chunks = (rows + chunk - 1) // chunk
    sums = jax.lax.fori_loop(0, chunks, add, no_sums(shape.outputs, "confusion" in shape.extras))
    metrics = finished(sums, shape.task, mask, target_scale)
    metrics["auc"] = jnp.float32(jnp.nan)
    if "auc" in shape.extras:

        def outputs(index: Array, all_z: Array) -> Array:
            first, z, _, _ = piece(index)
            return jax.lax.dynamic_update_slice_in_dim(all_z, z, first, 0)

        all_z = jax.lax.fori_loop(0, chunks, outputs, jnp.zeros((capacity, shape.outputs), jnp.float32))
        metrics["auc"] = ranked_auc(shape.task, all_z, y, mask, rows)
    return metrics


def advance(
    family: Family, shape: ProgramShape, state: State, data: Data, arguments: TrialArguments, to_epoch: Array
) -> tuple[State, Array, Signals]:
    """Train until `to_epoch` epochs are done (at most BLOCK more), or the trial stops or diverges.

    Returns:
        The new state, (BLOCK, len(COLUMNS)) measurements, whose first new_epoch - old_epoch rows count, and signals.
    """
    first = state.epoch

    def goes_on(carry: tuple[State, Array]) -> Array:
        result: Array = (carry[0].epoch < to_epoch) & (carry[0].status == RUNNING)
        return result

    def one(carry: tuple[State, Array]) -> tuple[State, Array]:
        state, block = carry
        new, row = one_epoch(family, shape, state, data, arguments)
        return new, jax.lax.dynamic_update_slice_in_dim(block, row[None, :], state.epoch - first, 0)

    to_epoch = jnp.minimum(to_epoch, first + BLOCK)
    block = jnp.full((BLOCK, len(COLUMNS)), jnp.nan, jnp.float32)
    state, block = jax.lax.while_loop(goes_on, one, (state, block))
    return state, block, {}


def one_epoch(
    family: Family, shape: ProgramShape, state: State, data: Data, arguments: TrialArguments
) -> tuple[State, Array]:
    """One epoch of steps and its dev evaluation; returns the new state and a (len(COLUMNS),) row."""
    given = read(arguments)
    steps = (data.n_train + shape.batch - 1) // shape.batch
    zero = jnp.float32(0)

    def goes_on(carry: tuple[Array, OptimizerState, tuple[Array, Array, Array]]) -> Array:
        position, _, (loss, _, _) = carry
        result: Array = (position < steps) & jnp.isfinite(loss)
        return result

    def step(
        carry: tuple[Array, OptimizerState, tuple[Array, Array, Array]],
    ) -> tuple[Array, OptimizerState, tuple[Array, Array, Array]]:
        position, optimizer, (loss, wrong, _) = carry
        optimizer, (more_loss, more_wrong, rate) = train_step(
            family, shape, data, arguments, state.epoch, position, state.plateau, optimizer
        )
        return position + 1, optimizer, (loss + more_loss, wrong + more_wrong, rate)

    start = (jnp.int32(0), state.optimizer, (zero, zero, zero))
    _, optimizer, (loss_sum, wrong_sum, rate) = jax.lax.while_loop(goes_on, step, start)

    dev = evaluate(
        family, shape, optimizer.weights, optimizer.statistics, data.x_dev, data.y_dev, data.n_dev, arguments,
        data.target_scale,
    )  # fmt: skip
    count = data.n_train.astype(jnp.float32)
    has_labels = jnp.isfinite(dev["error"])
    columns = dev | {
        "train_loss": loss_sum / count,
        "train_error": jnp.where(has_labels, wrong_sum / count, jnp.nan),
        "learning_rate": rate,
    }
    row = jnp.stack([columns[name] for name in COLUMNS])
    train_loss = columns["train_loss"]
    is_finite = jnp.isfinite(train_loss) & (train_loss <= given.loss_limit) & jnp.isfinite(dev["loss"])
    return judged(state, optimizer, row, dev["loss"], is_finite, arguments), row


def judged(
    state: State, optimizer: OptimizerState, row: Array, dev_loss: Array, is_finite: Array, arguments: TrialArguments
) -> State:
    """The state after an epoch: best weights, early stopping, plateau; frozen at its start if it wasn't finite."""
    given = read(arguments)
    score = given.metric_sign * row[given.metric]
    better = is_finite & (score < state.best_score - given.min_delta)
    wait = jnp.where(better, 0, state.wait + 1)
    lower = dev_loss < state.plateau_best * (1 - PLATEAU_THRESHOLD)
    plateau_wait = jnp.where(lower, 0, state.plateau_wait + 1)
    cut = plateau_wait > given.plateau_patience
    epoch = state.epoch + 1

    def pick(condition: Array, new: Any, old: Any) -> Any:
        return jax.tree.map(lambda a, b: jnp.where(condition, a, b), new, old)

    best = (optimizer.weights, optimizer.statistics, score, epoch)
    old_best = (state.best_weights, state.best_statistics, state.best_score, state.best_epoch)
    best_weights, best_statistics, best_score, best_epoch = pick(better, best, old_best)
    return State(
        optimizer=pick(is_finite, optimizer, state.optimizer),
        epoch=epoch,
        status=jnp.where(is_finite, jnp.where(wait >= given.patience, EARLY, RUNNING), DIVERGED).astype(jnp.int32),
        best_weights=best_weights,
        best_statistics=best_statistics,
        best_score=best_score,
        best_epoch=best_epoch,
        wait=wait.astype(jnp.int32),
        plateau=jnp.where(cut, state.plateau * given.plateau_factor, state.plateau),
        plateau_best=jnp.where(lower, dev_loss, state.plateau_best),
        plateau_wait=jnp.where(cut, 0, plateau_wait).astype(jnp.int32),
    )
