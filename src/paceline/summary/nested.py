"""What nested cross-validation says, as typed records: the score of each outer fold, their mean, the final search.

It is worked out anew from the studies of the folds whenever it is asked for (see `study.estimate`), and not stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from paceline.summary.base import Record
from paceline.summary.study import DataSummary, SplitSizes


@dataclass(frozen=True, slots=True)
class FoldResult(Record):
    """An outer fold's search and its test score.

    Attributes:
        fold: which, from 0; state: of its study; rows: of its parts, None as long as it is searched.
        trials: how many; ended: why the search ended, None as long as it goes on.
        trial, params, dev: the best trial, its configuration and validation score; None before there is one.
        retrained: mean validation score over seeds.
        score, metrics: on the test rows; None before they were opened, and where there is no model.
    """

    fold: int
    state: str
    rows: SplitSizes | None = None
    trials: int = 0
    ended: str | None = None
    trial: int | None = None
    params: dict[str, Any] | None = None
    dev: float | None = None
    retrained: float | None = None
    score: float | None = None
    metrics: dict[str, float] | None = None


@dataclass(frozen=True, slots=True)
class FinalResult(Record):
    """The search with all rows, whose model is delivered."""

    state: str
    rows: SplitSizes | None = None
    trials: int = 0
    trial: int | None = None
    params: dict[str, Any] | None = None
    dev: float | None = None


@dataclass(frozen=True, slots=True)
class Agreement(Record):
    """How alike the folds chose one hyperparameter.

    Attributes:
        name: of it; values: one a fold, None where it isn't active.
        agree: how many folds share the most frequent value.
        spread: for numbers, the distance between the extreme values as a share of the searched range, on its scale.
    """

    name: str
    values: tuple[Any, ...] = ()
    agree: int = 0
    spread: float | None = None


@dataclass(frozen=True, slots=True)
class NestedSummary(Record):
    """All that a nested study found so far.

    Attributes:
        metric: of the test scores; goal: "minimize" or "maximize".
        data: the whole data set; outer_folds: how many there are to be; folds: those that were begun.
        mean, sd: of the test scores; interval: of the mean, made as `interval_kind` says.
        dev_mean: mean validation score of the chosen configurations, where it is of the same metric.
        stability: how alike the configurations are; final: the search with all rows; steps: trial-steps in all.
        problems: what could not be computed, a sentence each.
    """

    metric: str
    goal: str
    data: DataSummary = field(default_factory=DataSummary)
    outer_folds: int = 0
    folds: tuple[FoldResult, ...] = ()
    mean: float | None = None
    sd: float | None = None
    interval: tuple[float, float] | None = None
    interval_kind: str = ""
    dev_mean: float | None = None
    stability: tuple[Agreement, ...] = ()
    final: FinalResult | None = None
    steps: int = 0
    problems: tuple[str, ...] = ()

    @property
    def scored(self) -> list[FoldResult]:
        """The folds that have a test score."""
        return [fold for fold in self.folds if fold.score is not None]
