"""Where a fold's training stands, read off its measurements alone.

The compiled program judges each epoch (training.program.judged); this is the same rule in numpy float32, so that
a stored curve says by itself whether the training had ended, and which epoch is its best.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paceline.records import COLUMNS
from paceline.training.hyper import CODES, FLOATS, Hyper
from paceline.training.program import DIVERGED, EARLY, RUNNING

TRAIN_LOSS, LOSS = COLUMNS.index("train_loss"), COLUMNS.index("loss")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Attributes: status: RUNNING, EARLY or DIVERGED; best_epoch: counted from 1, 0 for none."""

    status: int
    best_epoch: int


def verdict(rows: NDArray[np.float32], hyper: Hyper) -> Verdict:
    """Judge (epochs, len(COLUMNS)) measurements from the first epoch on."""
    floats, codes = np.asarray(hyper.floats, np.float32), np.asarray(hyper.codes)
    sign, limit = floats[FLOATS.index("metric_sign")], floats[FLOATS.index("loss_limit")]
    min_delta, patience = floats[FLOATS.index("min_delta")], int(codes[CODES.index("patience")])
    scores = sign * rows[:, codes[CODES.index("metric")]]
    best, best_epoch, wait = np.float32(np.inf), 0, 0
    for index, score in enumerate(scores):
        train_loss, loss = rows[index, TRAIN_LOSS], rows[index, LOSS]
        if not (np.isfinite(train_loss) and train_loss <= limit and np.isfinite(loss)):
            return Verdict(DIVERGED, best_epoch)
        if score < best - min_delta:
            best, best_epoch, wait = score, index + 1, 0
        else:
            wait += 1
        if wait >= patience:
            return Verdict(EARLY, best_epoch)
    return Verdict(RUNNING, best_epoch)
