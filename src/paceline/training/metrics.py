"""Dev metrics on the device: one pass over the dev rows in chunks, then closed forms of a few sums.

Class tasks need only the confusion matrix (a matrix product of one-hots) and the loss; regression needs sums of
errors. The area under the ROC curve alone needs a sort, so it is compiled in only where it is asked for.
Oracle: the functions of the same names in `sklearn.metrics`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from paceline.training.hyper import TASK_CODES, Hyper, Knobs

Array = jax.Array

CLASSES, BINARY, MULTILABEL, REGRESSION = range(len(TASK_CODES))


class Sums(NamedTuple):
    """What one pass over rows adds up; all float32.

    rows, loss, wrong, absolute, squared: (); y, y_squared: (outputs,) of real regression targets;
    confusion: (labels, labels), true label by predicted label, labels = max(2, outputs).
    """

    rows: Array
    loss: Array
    wrong: Array
    absolute: Array
    squared: Array
    y: Array
    y_squared: Array
    confusion: Array


def no_sums(outputs: int) -> Sums:
    zero = jnp.float32(0)
    column = jnp.zeros((outputs,), jnp.float32)
    labels = max(2, outputs)
    return Sums(zero, zero, zero, zero, zero, column, column, jnp.zeros((labels, labels), jnp.float32))


def wrong_labels(hyper: Hyper, z: Array, y: Array, mask: Array, row_weights: Array) -> Array:
    """() how many of the real rows get the wrong label (multi-label: share of wrong labels, summed).

    Args:
        z: (rows, outputs) raw outputs; y: same shape, unsmoothed; mask: (outputs,); row_weights: (rows,) 0 or 1.
    """

    def classes() -> Array:
        miss = jnp.argmax(jnp.where(mask > 0, z, -jnp.inf), axis=1) != jnp.argmax(y, axis=1)
        return row_weights @ miss.astype(jnp.float32)

    def labels() -> Array:
        miss = ((z > 0) != (y > 0.5)).astype(jnp.float32)
        return row_weights @ (miss @ mask) / jnp.sum(mask)

    result: Array = jax.lax.switch(Knobs(hyper).task, [classes, labels, labels, lambda: jnp.float32(0)])
    return result


def add_rows(sums: Sums, hyper: Hyper, losses: Array, z: Array, y: Array, mask: Array, row_weights: Array) -> Sums:
    """Add a chunk of rows; `losses`: (rows,) pure data losses, other arguments as in `wrong_labels`."""
    rows = len(z)
    labels = sums.confusion.shape[0]
    weight = row_weights[:, None]

    def classes() -> tuple[Array, Array]:
        return jnp.where(mask > 0, z, -jnp.inf).argmax(axis=1), y.argmax(axis=1)

    def binary() -> tuple[Array, Array]:
        return (z[:, 0] > 0).astype(jnp.int32), (y[:, 0] > 0.5).astype(jnp.int32)

    def nothing() -> tuple[Array, Array]:
        zeros = jnp.zeros((rows,), jnp.int32)
        return zeros, zeros

    predicted, true = jax.lax.switch(Knobs(hyper).task, [lambda: _int32(classes()), binary, nothing, nothing])
    names = jnp.arange(labels)[None, :]
    true_hot = (true[:, None] == names).astype(jnp.float32) * weight
    confusion = true_hot.T @ (predicted[:, None] == names).astype(jnp.float32)
    residual = (z - y) * mask
    return Sums(
        rows=sums.rows + jnp.sum(row_weights),
        loss=sums.loss + row_weights @ jnp.where(row_weights > 0, losses, 0),
        wrong=sums.wrong + wrong_labels(hyper, z, y, mask, row_weights),
        absolute=sums.absolute + row_weights @ (jnp.abs(residual) @ mask),
        squared=sums.squared + row_weights @ ((residual * residual) @ mask),
        y=sums.y + row_weights @ y,
        y_squared=sums.y_squared + row_weights @ (y * y),
        confusion=sums.confusion + confusion,
    )


def _int32(pair: tuple[Array, Array]) -> tuple[Array, Array]:
    return pair[0].astype(jnp.int32), pair[1].astype(jnp.int32)


def finished(sums: Sums, hyper: Hyper, mask: Array, target_scale: Array) -> dict[str, Array]:
    """Metrics by name (records.COLUMNS), each () float32 and NaN where it doesn't apply.

    Args:
        target_scale: () multiplies regression errors back into the target's unit.
    """
    knobs = Knobs(hyper)
    nan = jnp.float32(jnp.nan)
    cells = sums.rows * jnp.sum(mask)
    single_label = (knobs.task == CLASSES) | (knobs.task == BINARY)
    regression = knobs.task == REGRESSION
    hits = jnp.diagonal(sums.confusion)
    actual, predicted = sums.confusion.sum(axis=1), sums.confusion.sum(axis=0)
    present = (actual > 0).astype(jnp.float32)
    seen = ((actual + predicted) > 0).astype(jnp.float32)
    recall = hits / jnp.maximum(actual, 1)
    f1 = 2 * hits / jnp.maximum(actual + predicted, 1)
    macro_f1 = jnp.sum(f1) / jnp.maximum(jnp.sum(seen), 1)
    variance = jnp.sum((sums.y_squared - sums.y * sums.y / sums.rows) * mask)
    # A constant target explains nothing: 1 for a perfect net, else 0, as scikit-learn has it.
    constant = variance <= 1e-6 * jnp.sum(sums.y_squared * mask)
    explained = jnp.where(constant, (sums.squared == 0).astype(jnp.float32), 1 - sums.squared / variance)
    return {
        "loss": sums.loss / sums.rows,
        "error": jnp.where(regression, nan, sums.wrong / sums.rows),
        "balanced_accuracy": jnp.where(single_label, jnp.sum(recall) / jnp.maximum(jnp.sum(present), 1), nan),
        "f1": jnp.where(single_label, jnp.where(knobs.task == BINARY, f1[1], macro_f1), nan),
        "rmse": jnp.where(regression, target_scale * jnp.sqrt(sums.squared / cells), nan),
        "mae": jnp.where(regression, target_scale * sums.absolute / cells, nan),
        "r2": jnp.where(regression, explained, nan),
    }


def ranked_auc(hyper: Hyper, z: Array, y: Array, mask: Array, rows: Array) -> Array:
    """() area under the ROC curve: binary, or one class against the rest, mean over classes with both kinds.

    The Mann-Whitney form on mid-ranks, so ties count half.

    Args:
        z: (rows, outputs) raw outputs of all dev rows; y: same shape; mask: (outputs,); rows: () int32 real rows.
    """
    real = jnp.arange(z.shape[0]) < rows
    soft = jax.nn.softmax(jnp.where(mask > 0, z, -1e30), axis=1)
    scores = jnp.where(Knobs(hyper).task == CLASSES, soft, z)

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
