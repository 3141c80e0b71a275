"""The model that a study delivers: the winner trained once more, on training and validation rows together.

Choosing is over, so the validation rows need not be held back any longer, and more rows make a better model (as
scikit-learn's searches refit their winner on all rows that they were given). No row is left to say when to stop;
the runs over seeds have said it before:

    epochs = the last epoch whose mean validation score over the seeds is within two standard errors of the best one

(Of the epochs from the best on, the mean error: a few seeds may agree on one epoch by chance.) The last and not the
first of them, because more rows bear more training.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from paceline.model import Model
from paceline.records import Trial
from paceline.runs import metric_value, put_fold, train_stages
from paceline.study.conclude import Retrained
from paceline.study.lineage import prepared_line
from paceline.study.setup import Setup
from paceline.summary import Refit


def refitted(setup: Setup, best: Trial, again: Retrained) -> tuple[Model, Refit]:
    """Train the winner on training and validation rows.

    Returns:
        The model to deliver, and what is said of it. Where the winner can't be refitted, the model is
        the best one of `again`, the epochs are 0 and the reason says why.
    """
    settings = setup.settings
    fold = setup.data.train_dev_fold(settings.standardize, settings.folds, settings.seed)
    found = Refit(rows=len(fold.rows_train))
    epochs = refit_epochs(setup, again)
    if setup.config(best.params).schedule == "plateau":
        why = "its learning rate follows the validation score, which needs validation rows that aren't trained on"
        return again.model, replace(found, reason=why)
    if not epochs:
        return again.model, replace(found, reason="no epoch had a finite validation score with all seeds")
    for searched in setup.folds:  # the search is over; its arrays needn't lie beside those of all rows
        setup.executor.drop_fold(searched)
    data = put_fold(setup.executor, setup.family, fold, setup.task)
    stages = prepared_line(setup, data, again.line, again.seeds[:1], until=epochs, patience=False)
    raw = train_stages(setup.executor, stages)[0]
    prepared = stages[-1][0][0]
    if raw.status == "diverged":
        return again.model, replace(found, reason="it diverged on all rows")
    model = Model(setup.family, prepared.config, *raw.last, fold.inputs, fold.target)
    return model, replace(found, epochs=epochs)


def refit_epochs(setup: Setup, again: Retrained) -> int:
    """Epochs to refit for; 0 if no epoch had a finite validation score in all runs. See the head of this module."""
    curves = [
        [metric_value(setup.metric, row) for row in raw.measurements]
        for raw, score in zip(again.raws, again.scores, strict=True)
        if math.isfinite(score) and raw.status != "diverged"
    ]
    if not curves:
        return 0
    if setup.settings.select == "last":
        return min(len(curve) for curve in curves)
    sign = -1.0 if setup.goal == "maximize" else 1.0
    return last_good_epoch([[sign * value for value in curve] for curve in curves])


def last_good_epoch(curves: list[list[float]]) -> int:
    """The last epoch (from 1) whose mean loss over the curves is within two standard errors of the lowest mean.

    Curves that end early by themselves cut the others to their length. 0 if no epoch is finite in all of them.

    >>> last_good_epoch([[3.0, 1.0, 1.1, 2.0], [3.0, 1.2, 1.1, 2.0]])
    3
    """
    table = np.array([curve[: min(map(len, curves))] for curve in curves])
    means = np.where(np.isfinite(table).all(axis=0), table.mean(axis=0), np.inf)
    if not np.isfinite(means).any():
        return 0
    lowest = int(means.argmin())
    later = table[:, lowest:][:, np.isfinite(means[lowest:])]
    error = float(later.std(axis=0, ddof=1).mean()) / math.sqrt(len(table)) if len(table) > 1 else 0.0
    return int(np.flatnonzero(means <= means[lowest] + 2 * error)[-1]) + 1
