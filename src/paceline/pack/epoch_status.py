"""Where a fold's training stands, read off its measurements alone.

The compiled program judges each epoch (training.program.judged); this is the same rule in numpy float32, so that
a stored curve says by itself whether the training had ended, and which epoch is its best.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paceline.records import COLUMNS
from paceline.training.arguments import COUNTS, FLOATS, TrialArguments
from paceline.training.program import DIVERGED, EARLY, RUNNING

TRAIN_LOSS, LOSS = COLUMNS.index("train_loss"), COLUMNS.index("loss")


@dataclass(frozen=True, slots=True)
class EpochStatus:
    """Attributes:
    status: RUNNING, EARLY or DIVERGED.
    best_epoch: counted from 1, 0 for none; best_score: there, turned so that lower is better.
    wait: epochs since then.
    """

    status: int
    best_epoch: int
    best_score: float = np.inf
    wait: int = 0


BEFORE_TRAINING = EpochStatus(RUNNING, 0)


def epoch_status(
    rows: NDArray[np.float32], arguments: TrialArguments, epochs: int = 0, before: EpochStatus = BEFORE_TRAINING
) -> EpochStatus:
    """Judge (epochs, len(COLUMNS)) measurements from the first epoch on.

    Args: epochs, before: where they follow on other epochs: how many those are, and how they were judged.
    """
    floats, counts = FLOATS.read(np.asarray(arguments.floats)), COUNTS.read(np.asarray(arguments.counts))
    scores = floats.metric_sign * rows[:, counts.metric]
    best, best_epoch, wait = np.float32(before.best_score), before.best_epoch, before.wait
    for index, score in enumerate(scores):
        train_loss, loss = rows[index, TRAIN_LOSS], rows[index, LOSS]
        if not (np.isfinite(train_loss) and train_loss <= floats.loss_limit and np.isfinite(loss)):
            return EpochStatus(DIVERGED, best_epoch, float(best), wait)
        if score < best - floats.min_delta:
            best, best_epoch, wait = score, epochs + index + 1, 0
        else:
            wait += 1
        if wait >= counts.patience:
            return EpochStatus(EARLY, best_epoch, float(best), wait)
    return EpochStatus(RUNNING, best_epoch, float(best), wait)
