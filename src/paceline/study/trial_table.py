"""What is known of each trial: its measurements by fold, and the `Trial` record that follows from them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from paceline.pack.epoch_status import EpochStatus, epoch_status
from paceline.pack.trials import PreparedTrial
from paceline.records import COLUMNS, Curve, EndReason, Measurements, Status, Trial
from paceline.runs import metric_value
from paceline.study.objectives import costs_of
from paceline.study.setup import Setup
from paceline.training.program import DIVERGED, RUNNING

Rows = NDArray[np.float32]


class TrialTable:
    """Trials by number and measurements by (trial, fold); remembers what has not been saved yet.

    Attributes:
        trials: number -> the latest record.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self.trials: dict[int, Trial] = {}
        self._rows: dict[tuple[int, int], Rows] = {}
        self._statuses: dict[tuple[int, int], EpochStatus] = {}
        self._prepared: dict[int, PreparedTrial] = {}
        self._dirty: dict[int, Trial] = {}
        self._blocks: list[Measurements] = []

    def put(self, trial: Trial) -> None:
        self.trials[trial.number] = trial
        self._dirty[trial.number] = trial

    def unsaved(self) -> tuple[list[Trial], list[Measurements]]:
        """Records and measurement blocks since the last call; the caller saves them in one transaction."""
        trials, blocks = list(self._dirty.values()), self._blocks
        self._dirty, self._blocks = {}, []
        return trials, blocks

    def epochs(self, number: int, fold: int) -> int:
        """Epochs measured of a trial on a fold."""
        return len(self._rows.get((number, fold), ()))

    def rows(self, number: int, fold: int) -> Rows:
        """(epochs, len(COLUMNS)) what was measured of a trial on a fold."""
        return self._rows[number, fold]

    def ended(self, number: int, fold: int) -> bool:
        """Whether training on this fold is over: early stopping, divergence, or all epochs."""
        status = self._statuses.get((number, fold), EpochStatus(RUNNING, 0)).status
        return status != RUNNING or self.epochs(number, fold) >= self._setup.settings.epochs

    def add(self, number: int, fold: int, rows: Rows, prepared: PreparedTrial, *, save: bool) -> None:
        """Append epochs; `save` is False for epochs that come from the store."""
        self._prepared[number] = prepared
        before = self._rows.get((number, fold), np.zeros((0, len(COLUMNS)), np.float32))
        if len(rows) and save:
            self._blocks.append(Measurements(number, fold, len(before) + 1, rows))
        self._rows[number, fold] = np.concatenate([before, rows])
        self._statuses[number, fold] = epoch_status(self._rows[number, fold], prepared.arguments)

    def summarise(self, number: int) -> Trial:
        """Bring a trial's record up to date with its measurements."""
        folds = range(len(self._setup.folds))
        rows = [self._rows.get((number, fold), np.zeros((0, len(COLUMNS)), np.float32)) for fold in folds]
        statuses = [self._statuses.get((number, fold), EpochStatus(RUNNING, 0)) for fold in folds]
        curves = [[metric_value(self._setup.metric, row) for row in part] for part in rows]
        scores = [self._score(curve, item) for curve, item in zip(curves, statuses, strict=True)]
        known = [score for score in scores if score is not None]
        complete = len(known) == len(scores)
        trial = dataclasses.replace(
            self.trials[number],
            epoch=max(len(part) for part in rows),
            score=float(np.mean(known)) if complete else None,
            score_sd=float(np.std(known)) if complete and len(known) > 1 else None,
            best_epoch=statuses[0].best_epoch if self._setup.settings.select == "best" else len(rows[0]),
            curve=Curve(mean_curve(curves, scores)),
            costs=self._costs(number, rows, statuses) if complete else (),
        )
        if any(item.status == DIVERGED for item in statuses):
            epoch = min(len(part) for part, item in zip(rows, statuses, strict=True) if item.status == DIVERGED)
            reason = f"diverged in epoch {epoch}"
            trial = dataclasses.replace(trial, status=Status.DIVERGED, reason=reason, ended_by=EndReason.DIVERGED)
        elif all(self.ended(number, fold) for fold in folds):
            early = any(len(part) < self._setup.settings.epochs for part in rows)
            reason = f"early stopping after epoch {trial.epoch}" if early else "all epochs"
            ended_by = EndReason.EARLY_STOPPING if early else EndReason.ALL_EPOCHS
            trial = dataclasses.replace(trial, status=Status.FINISHED, reason=reason, ended_by=ended_by)
        if trial != self.trials[number]:
            self.put(trial)
        return trial

    def _costs(self, number: int, rows: list[Rows], statuses: list[EpochStatus]) -> tuple[float, ...]:
        objectives = self._setup.settings.objectives
        if not objectives:
            return ()
        best = self._setup.settings.select == "best"
        chosen = [part[item.best_epoch - 1 if best else -1] for part, item in zip(rows, statuses, strict=True)]
        prepared = self._prepared[number]
        return costs_of(objectives, prepared.family.size(prepared.config, prepared.spec), chosen)

    def _score(self, curve: list[float], item: EpochStatus) -> float | None:
        """The metric at the epoch that counts; None where it isn't a number there, e.g. the AUC of a single class."""
        if item.best_epoch == 0:
            return None
        score = curve[item.best_epoch - 1] if self._setup.settings.select == "best" else curve[-1]
        return score if math.isfinite(score) else None

    def end(self, numbers: Iterable[int], status: Status, reasons: dict[int, str], ended_by: EndReason) -> None:
        """Close trials, with a reason each."""
        for number in numbers:
            ended = dataclasses.replace(self.trials[number], status=status, reason=reasons[number], ended_by=ended_by)
            self.put(ended)

    def forget(self, number: int) -> None:
        """Free a closed trial's measurements; the store has them."""
        self._prepared.pop(number, None)
        for fold in range(len(self._setup.folds)):
            self._rows.pop((number, fold), None)
            self._statuses.pop((number, fold), None)


def mean_curve(curves: list[list[float]], scores: list[float | None]) -> tuple[float, ...]:
    """Mean over folds after each epoch; a fold that ended sooner counts with its score from then on."""
    if len(curves) == 1:
        return tuple(curves[0])
    length = max(len(curve) for curve in curves)
    filled = [
        curve + [score if score is not None else float("nan")] * (length - len(curve))
        for curve, score in zip(curves, scores, strict=True)
    ]
    return tuple(float(np.mean(values)) for values in zip(*filled, strict=True))
