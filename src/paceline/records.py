"""The values that travel: everything outside the engine exchanges these frozen records and nothing else.

A study is a list of trials. A trial is a configuration (`Params`), a seed, and what was measured of it,
one row an epoch and a fold. Searchers and stoppers see the trials as a `History`; stores keep them;
reports draw them. Nothing here holds a clock or a random number.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from paceline.summary import Summary

Params: TypeAlias = dict[str, Any]
"""A configuration: hyperparameter name -> number, string, bool, None or list of those (JSON data)."""

COLUMNS = (
    "train_loss",  # mean data loss (no penalties) over the epoch's batches, dropout and noise on
    "train_error",  # share of wrong labels over the epoch's batches; NaN in regression
    "loss",  # validation loss, no penalties, no label smoothing
    "error",  # validation share of wrong labels
    "balanced_accuracy",
    "f1",  # macro mean over classes (binary: of class 1)
    "auc",  # ROC; one class against the rest, macro mean; NaN unless it was asked for
    "rmse",  # in the target's own unit, like mae
    "mae",
    "r2",
    "learning_rate",  # at the last step of the epoch
)
"""What is measured of each epoch; validation figures unless they say train. NaN where a figure doesn't apply."""

METRICS: dict[str, str] = {
    "error": "minimize",
    "loss": "minimize",
    "log_loss": "minimize",
    "accuracy": "maximize",
    "balanced_accuracy": "maximize",
    "f1": "maximize",
    "auc": "maximize",
    "rmse": "minimize",
    "mae": "minimize",
    "r2": "maximize",
}
"""Metrics that a study can be judged by, and their goal. accuracy = 1 - error; log_loss = loss of class tasks."""


class Status(StrEnum):
    """Where a trial stands."""

    RUNNING = "running"  # proposed, training or paused at a rung
    FINISHED = "finished"  # trained as long as its rule says (all epochs, or its early stopping)
    STOPPED = "stopped"  # ended by a stopper or the study's budget
    DIVERGED = "diverged"  # loss no longer finite (or absurd); frozen at its last finite epoch
    FAILED = "failed"  # could not be run; `reason` says why


TASK_NAMES = {
    "binary": "binary classification",
    "classes": "multiclass classification",
    "multilabel": "multilabel classification",
}


def task_name(task: str) -> str:
    """The name of a task for people.

    >>> task_name("classes"), task_name("regression")
    ('multiclass classification', 'regression')
    """
    return TASK_NAMES.get(task, str(task))


class EndReason(StrEnum):
    """What ended a trial; `Trial.reason` says the same with its numbers, for people."""

    ALL_EPOCHS = "all epochs"
    EARLY_STOPPING = "early stopping"  # by its own patience
    PRUNED = "pruned"  # worse than others at a rung: ended by the study's stopper
    TIME_LIMIT = "time limit"  # the search ended while it was trained
    DIVERGED = "diverged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """Consecutive epochs of one trial on one fold.

    Attributes:
        trial: number of the trial.
        fold: 0 without cross-validation.
        first_epoch: the epoch (counted from 1) of row 0.
        values: (epochs, len(COLUMNS)) float32, read-only.
    """

    trial: int
    fold: int
    first_epoch: int
    values: NDArray[np.float32]

    @property
    def last_epoch(self) -> int:
        return self.first_epoch + len(self.values) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """What was watched of one trial on one fold beside its measurements, e.g. the norms of each layer's gradient.

    Attributes:
        trial, fold, first_epoch: as of `Measurements`.
        arrays: name -> array whose first axis counts the epochs (or, by its name, the steps) from first_epoch on;
            {} where nothing was watched.
    """

    trial: int
    fold: int
    first_epoch: int
    arrays: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


class Curve(Sequence[float]):
    """Numbers, one an epoch, packed into 8 bytes each: a study keeps the curves of all its trials.

    Equal to any sequence of the same numbers, bit for bit, so a NaN equals itself.

    >>> Curve([0.5, 0.25])[-1], Curve([0.5, 0.25])[:1], Curve([0.5]) == (0.5,)
    (0.25, (0.5,), True)
    """

    __slots__ = ("_packed",)

    def __init__(self, values: Iterable[float] | bytes = ()) -> None:
        """Args: values: numbers, or what `bytes` of a curve gave."""
        self._packed = values if isinstance(values, bytes) else array("d", values).tobytes()

    def __bytes__(self) -> bytes:
        """float64 in this machine's order."""
        return self._packed

    def __len__(self) -> int:
        return len(self._packed) // 8

    def __iter__(self) -> Iterator[float]:
        return iter(self._numbers().tolist())

    @overload
    def __getitem__(self, at: int) -> float: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[float, ...]: ...
    def __getitem__(self, at: int | slice) -> float | tuple[float, ...]:
        return tuple(self._numbers()[at]) if isinstance(at, slice) else self._numbers()[at]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Curve):
            return self._packed == other._packed
        return isinstance(other, list | tuple) and self._packed == Curve(other)._packed

    def __hash__(self) -> int:
        return hash(self._packed)

    def __repr__(self) -> str:
        return f"Curve({list(self)!r})"

    def _numbers(self) -> "memoryview[float]":
        return memoryview(self._packed).cast("d")


@dataclass(frozen=True, slots=True)
class Trial:
    """One configuration and how it did.

    Attributes:
        number: 0, 1, 2, ... in the order of proposal.
        params: the proposed configuration (only what the space or the user set).
        seed: 32-bit seed of weights, batches and masks; a function of (study seed, number), or where trials are
            compared in pairs of (study seed, repeat).
        cohort: the group of trials it is compared in (for Hyperband: the bracket).
        status: see `Status`.
        epoch: epochs trained so far (the most over its folds, some of which may have stopped early).
        score: the study's metric by the study's `select` rule, mean over folds; None before the first epoch,
            and where the metric is no number at the epoch that counts.
        score_sd: population standard deviation of the score over folds; None without folds.
        best_epoch: the epoch the score was taken at (of fold 0).
        curve: the study's metric after each epoch, mean over folds, `epoch` values.
        reason: one phrase: why it ended.
        origin: who proposed it: the method ("random", "bayes", ...), or "default" (the usual configuration), "first"
            (asked for by the user), "warm start" (from an older study), "clone" (a copy of another trial).
        parent: number of the trial whose state it began from; None for fresh weights.
        cloned_at: epoch of the parent at which it began; the curve up to there is the parent's.
        costs: what else is to be kept low, in the order of the study's `objectives`; metrics that are maximised are
            turned, and inf stands for none. () for a study of one objective, and before the first epoch.
        ended_by: what ended it; None while it runs, and for calls of a function.
    """

    number: int
    params: Params
    seed: int
    cohort: int = 0
    status: Status = Status.RUNNING
    epoch: int = 0
    score: float | None = None
    score_sd: float | None = None
    best_epoch: int = 0
    curve: Sequence[float] = field(default=(), repr=False)
    reason: str = ""
    origin: str = ""
    parent: int | None = None
    cloned_at: int = 0
    costs: tuple[float, ...] = ()
    ended_by: EndReason | None = None

    @property
    def ended(self) -> bool:
        return self.status is not Status.RUNNING


@dataclass(frozen=True, slots=True)
class History:
    """The trials that a searcher or stopper may know, in order of number.

    Attributes:
        trials: in order of number; running ones included.
        goal: "minimize" or "maximize".
    """

    trials: Sequence[Trial] = ()
    goal: str = "minimize"

    def __len__(self) -> int:
        return len(self.trials)

    def __iter__(self) -> Iterator[Trial]:
        return iter(self.trials)

    def losses(self) -> NDArray[np.float64]:
        """(trials,) scores turned so that lower is better; inf for diverged and failed, NaN for none yet."""
        sign = -1.0 if self.goal == "maximize" else 1.0
        return np.array([loss_of(trial, sign) for trial in self.trials], dtype=np.float64)

    def best(self) -> Trial | None:
        """The trial with the best score (of equals the one with the lowest costs, then the first), or None."""
        sign = -1.0 if self.goal == "maximize" else 1.0
        usable = [trial for trial in self.trials if np.isfinite(loss_of(trial, sign))]
        return min(usable, key=lambda trial: merit(trial, sign), default=None)


def loss_of(trial: Trial, sign: float) -> float:
    """A trial's score turned so that lower is better: `sign` is 1 to minimise and -1 to maximise."""
    if trial.status in (Status.DIVERGED, Status.FAILED):
        return float("inf")
    return float("nan") if trial.score is None else sign * trial.score


def merit(trial: Trial, sign: float) -> tuple[float, tuple[float, ...], int]:
    """What trials are sorted by, best first: the turned score, of equal scores the costs, of equals the number."""
    return loss_of(trial, sign), trial.costs, trial.number


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """What a store keeps about the study itself: the settings as plain JSON data, versions and fingerprint.

    Attributes:
        name: name of the study.
        settings: the study file, complete (see settings.StudySettings), as JSON data.
        environment: versions, platform, processor; data fingerprint.
        goal: "minimize" or "maximize".
        summary: written at the end: retrained seeds, test score, ties, compile counts; before that only the
            seconds searched are known.
        state: "running", "interrupted" or "finished".
    """

    name: str
    settings: dict[str, Any]
    environment: dict[str, Any]
    goal: str
    summary: Summary = field(default_factory=Summary)
    state: str = "running"


def best_of(record: StudyRecord, trials: Sequence[Trial]) -> Trial | None:
    """A study's best trial: the one it settled on at its end, unless another is better; see `History.best`.

    Args: trials: all of the study, in any order.
    """
    best = History(sorted(trials, key=lambda trial: trial.number), record.goal).best()
    settled = record.summary.best
    if best is None or settled is None:
        return best
    equals = (t for t in trials if t.number == settled.trial and (t.score, t.costs) == (best.score, best.costs))
    return next(equals, best)


def settled_first(record: StudyRecord, trials: Sequence[Trial]) -> list[Trial]:
    """Trials by number, but for the study's best one, which comes before its equals and all others."""
    best = best_of(record, trials)
    return sorted(trials, key=lambda trial: (trial is not best, trial.number))
