"""Dev metrics on the device: one pass over the dev rows in chunks, then closed forms of a few sums.

The task is static, so a program measures only what its task has: the loss and the share of wrong labels for classes,
sums of errors for numbers. The confusion matrix (of outputs x outputs numbers) and the area under the ROC curve (a
sort) are compiled in only where a metric asks for them: see EXTRAS.
Oracle: the functions of the same names in `sklearn.metrics`.
"""

from collections.abc import Iterable
from typing import NamedTuple

import jax
import jax.numpy as jnp

Array = jax.Array


EXTRAS: dict[str, str] = {"auc": "auc", "balanced_accuracy": "confusion", "f1": "confusion"}
"""Metric -> what a program must be compiled with to measure it; all others are always measured."""


def extras_of(metrics: Iterable[str], task: str) -> tuple[str, ...]:
    """What a program needs for these metrics, in order of the alphabet.

    >>> extras_of(["f1", "auc", "error", "f1"], "classes")
    ('auc', 'confusion')
    """
    return () if task == "regression" else tuple(sorted({EXTRAS[name] for name in metrics if name in EXTRAS}))


class Sums(NamedTuple):
    """What one pass over rows adds up; all float32.

    rows, loss, wrong: (); absolute, squared, y, y_squared: (outputs,) of regression targets and their errors;
    confusion: (labels, labels), true label by predicted label, labels = max(2, outputs); None where it isn't asked
    for.
    """

    rows: Array
    loss: Array
    wrong: Array
    absolute: Array
    squared: Array
    y: Array
    y_squared: Array
    confusion: Array | None


def no_sums(outputs: int, confusion: bool) -> Sums:
    zero = jnp.float32(0)
    column = jnp.zeros((outputs,), jnp.float32)
    labels = max(2, outputs)
    matrix = jnp.zeros((labels, labels), jnp.float32) if confusion else None
    return Sums(zero, zero, zero, column, column, column, column, matrix)


def wrong_labels(task: str, z: Array, y: Array, mask: Array, row_weights: Array) -> Array:
    """() how many of the real rows get the wrong label (multi-label: share of wrong labels, summed; numbers: 0).

    Args:
        z: (rows, outputs) raw outputs; y: same shape, unsmoothed; mask: (outputs,); row_weights: (rows,) 0 or 1.
    """
    none: Array = jnp.float32(0)
    if task == "regression":
        return none
    if task == "classes":
        miss = jnp.argmax(jnp.where(mask > 0, z, -jnp.inf), axis=1) != jnp.argmax(y, axis=1)
        wrong_rows: Array = row_weights @ miss.astype(jnp.float32)
        return wrong_rows
    wrong = ((z > 0) != (y > 0.5)).astype(jnp.float32)
    shares: Array = row_weights @ (wrong @ mask) / jnp.sum(mask)
    return shares


def add_rows(sums: Sums, task: str, losses: Array, z: Array, y: Array, mask: Array, row_weights: Array) -> Sums:
    """Add a chunk of rows; `losses`: (rows,) pure data losses, other arguments as in `wrong_labels`."""
    sums = sums._replace(
        rows=sums.rows + jnp.sum(row_weights),
        loss=sums.loss + row_weights @ jnp.where(row_weights > 0, losses, 0),
        wrong=sums.wrong + wrong_labels(task, z, y, mask, row_weights),
    )
    if task == "regression":
        residual = (z - y) * mask
        return sums._replace(
            absolute=sums.absolute + row_weights @ jnp.abs(residual),
            squared=sums.squared + row_weights @ (residual * residual),
            y=sums.y + row_weights @ y,
            y_squared=sums.y_squared + row_weights @ (y * y),
        )
    if task == "multilabel" or sums.confusion is None:
        return sums
    if task == "classes":
        predicted, true = jnp.where(mask > 0, z, -jnp.inf).argmax(axis=1), y.argmax(axis=1)
    else:
        predicted, true = (z[:, 0] > 0).astype(jnp.int32), (y[:, 0] > 0.5).astype(jnp.int32)
    names = jnp.arange(sums.confusion.shape[0])[None, :]
    true_hot = (true[:, None] == names).astype(jnp.float32) * row_weights[:, None]
    confusion = true_hot.T @ (predicted[:, None] == names).astype(jnp.float32)
    return sums._replace(confusion=sums.confusion + confusion)


def finished(sums: Sums, task: str, mask: Array, target_scale: Array) -> dict[str, Array]:
    """Metrics by name (records.COLUMNS), each () float32 and NaN where it doesn't apply.

    Of several regression targets the mean over targets is taken, each in its own unit (scikit-learn's uniform
    average).

    Args:
        target_scale: (outputs,) multiplies a target's errors back into its unit.
    """
    nan = jnp.float32(jnp.nan)
    metrics = dict.fromkeys(("error", "balanced_accuracy", "f1", "rmse", "mae", "r2"), nan)
    metrics["loss"] = sums.loss / sums.rows
    if task == "regression":

        def mean(values: Array) -> Array:
            result: Array = jnp.sum(jnp.where(mask > 0, values, 0.0)) / jnp.sum(mask)
            return result

        variance = sums.y_squared - sums.y * sums.y / sums.rows
        # A constant target explains nothing: 1 for a perfect net, else 0, as scikit-learn has it.
        constant = variance <= 1e-6 * sums.y_squared
        explained = 1 - sums.squared / jnp.where(constant, 1.0, variance)
        metrics["rmse"] = mean(target_scale * jnp.sqrt(sums.squared / sums.rows))
        metrics["mae"] = mean(target_scale * sums.absolute / sums.rows)
        metrics["r2"] = mean(jnp.where(constant, (sums.squared == 0).astype(jnp.float32), explained))
        return metrics
    metrics["error"] = sums.wrong / sums.rows
    if task == "multilabel" or sums.confusion is None:
        return metrics
    hits = jnp.diagonal(sums.confusion)
    actual, predicted = sums.confusion.sum(axis=1), sums.confusion.sum(axis=0)
    present = (actual > 0).astype(jnp.float32)
    seen = ((actual + predicted) > 0).astype(jnp.float32)
    recall = hits / jnp.maximum(actual, 1)
    f1 = 2 * hits / jnp.maximum(actual + predicted, 1)
    metrics["balanced_accuracy"] = jnp.sum(recall) / jnp.maximum(jnp.sum(present), 1)
    metrics["f1"] = f1[1] if task == "binary" else jnp.sum(f1) / jnp.maximum(jnp.sum(seen), 1)
    return metrics


def ranked_auc(task: str, z: Array, y: Array, mask: Array, rows: Array) -> Array:
    """() area under the ROC curve: binary, or one class against the rest, mean over classes with both kinds.

    The Mann-Whitney form on mid-ranks, so ties count half.

    Args:
        z: (rows, outputs) raw outputs of all dev rows; y: same shape; mask: (outputs,); rows: () int32 real rows.
    """
    real = jnp.arange(z.shape[0]) < rows
    scores = jax.nn.softmax(jnp.where(mask > 0, z, -1e30), axis=1) if task == "classes" else z

    def one(score: Array, label: Array) -> tuple[Array, Array]:
        ordered = jnp.sort(jnp.where(real, score, jnp.inf))
        below = jnp.searchsorted(ordered, score, side="left")
        upto = jnp.minimum(jnp.searchsorted(ordered, score, side="right"), rows)
        rank = (below + upto + 1).astype(jnp.float32) / 2
        yes = (label > 0.5) & real
        positive = jnp.sum(yes.astype(jnp.float32))
        negative = rows.astype(jnp.float32) - positive
        # Ranks relative to the middle keep their digits in float32.
        excess = jnp.sum(jnp.where(yes, rank - (rows + 1).astype(jnp.float32) / 2, 0.0))
        usable = (positive > 0) & (negative > 0)
        area = 0.5 + excess / jnp.where(usable, positive * negative, 1.0)
        return jnp.where(usable, area, 0.0), usable.astype(jnp.float32)

    areas, usable = jax.lax.map(lambda pair: one(*pair), (scores.T, y.T))
    usable = usable * mask
    total = jnp.sum(usable)
    return jnp.where(total > 0, jnp.sum(areas * usable) / jnp.maximum(total, 1), jnp.nan)
