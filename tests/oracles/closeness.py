"""How far a training lies from its oracle: one number for each thing compared.

    apart(x, ref) = max_i |x_i - ref_i| / max(|ref_i|, rms(ref))          rms over the array's entries

So an entry is held to its own size where it is large and to the array's usual size where it is small; an array that
is all zero in the reference must be all zero. The bound is 1e-5 after one step and 1e-4 after fifty.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch_dense import OracleRun

MEASURED = ("train_loss", "train_error", "loss", "learning_rate")
MEASURED_CLASSES = ("error",)
MEASURED_REGRESSION = ("rmse", "mae")
PARTS = ("weights", "statistics", "best_weights", "best_statistics")


def apart(ours: Any, reference: Any) -> float:
    """The distance above; infinite where shapes differ or a value is not finite on one side only."""
    x, ref = np.atleast_1d(np.asarray(ours, np.float64)), np.atleast_1d(np.asarray(reference, np.float64))
    if x.shape != ref.shape:
        return float("inf")
    known = ~np.isnan(ref)
    if (np.isnan(x) == known).any():
        return float("inf")
    x, ref = x[known], ref[known]
    if not np.isfinite(x).all():
        return float("inf")
    if not ref.any():
        return float("inf") if x.any() else 0.0
    scale = np.maximum(np.abs(ref), np.sqrt((ref**2).mean()))
    return float((np.abs(x - ref) / scale).max())


def columns(task: str) -> tuple[str, ...]:
    """The measurements that are compared."""
    return MEASURED + (MEASURED_REGRESSION if task == "regression" else MEASURED_CLASSES)


def distances(run: Any, measured: dict[str, NDArray[Any]], reference: OracleRun) -> dict[str, float]:
    """What is compared -> how far it is from the reference; a name that only one side has counts as infinite.

    Args:
        run: has `last` and `best`, each of params and statistics, which are lists of dicts of arrays.
        measured: name of a measurement -> (epochs,) its values in the run.
        reference: the oracle's run.
    """
    found = {name: apart(values, reference.column(name)) for name, values in measured.items()}
    parts = dict(zip(PARTS, (*run.last, *run.best), strict=True))
    for part, ours in parts.items():
        theirs = getattr(reference, part)
        if len(ours) != len(theirs):
            found[part] = float("inf")
            continue
        for number, (mine, other) in enumerate(zip(ours, theirs, strict=True), 1):
            for name in sorted(mine.keys() | other.keys()):
                both = name in mine and name in other
                found[f"{part} {number} {name}"] = apart(mine[name], other[name]) if both else float("inf")
    return found


def worst(found: dict[str, float]) -> tuple[str, float]:
    """(name, distance) of the greatest."""
    return max(found.items(), key=lambda item: item[1])
