"""Who is best, whom to draw where there are too many, and a scale of scores that a few bad ones can't stretch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paceline.records import METRICS, Status, StudyRecord, Trial, loss_of

USUAL_SHARE = 0.9  # the best share of the scores that the scale is made for
LOG_RATIO = 20.0  # from here on a logarithmic scale reads better
RUINED = (Status.DIVERGED, Status.FAILED)


def metric_of(record: StudyRecord) -> str:
    """Name of the study's metric: as set, as resolved when the study began, or as the task has it by default."""
    named = record.settings.get("metric") or record.environment.get("metric")
    if named:
        return str(named)
    task = "" if record.summary.data is None else record.summary.data.task
    usual = {"regression": "rmse"}.get(task, "error" if task else "score")
    return usual if METRICS.get(usual, record.goal) == record.goal else "score"


def sign_of(goal: str) -> float:
    """1 to minimise, -1 to maximise."""
    return -1.0 if goal == "maximize" else 1.0


def ranked(trials: Sequence[Trial], goal: str) -> list[Trial]:
    """The trials that have a finite score and weren't ruined, best first; equals stay in their order."""
    sign = sign_of(goal)
    scored = [trial for trial in trials if math.isfinite(loss_of(trial, sign))]
    return sorted(scored, key=lambda trial: (loss_of(trial, sign), trial.costs))


def thinned(order: Sequence[Trial], most: int) -> list[Trial]:
    """At most so many of them, first to last: the first third as it is, the others at even distances."""
    if len(order) <= most:
        return list(order)
    first = most // 3
    rest = most - first
    step = (len(order) - 1 - first) / max(1, rest - 1)
    return [*order[:first], *(order[first + round(index * step)] for index in range(rest))]


@dataclass(frozen=True)
class ScoreScale:
    """Where scores are drawn.

    Attributes:
        best, worst: ends of the scale; scores worse than `worst` are drawn at its end.
        log: whether it is logarithmic.
        sign: 1 to minimise, -1 to maximise.
    """

    best: float
    worst: float
    log: bool
    sign: float

    @classmethod
    def of(cls, order: Sequence[Trial], goal: str) -> "ScoreScale":
        """For trials from best to worst."""
        sign = sign_of(goal)
        losses = [sign * trial.score for trial in order if trial.score is not None] or [0.0]
        usual = losses[round(USUAL_SHARE * (len(losses) - 1))]
        best, worst = losses[0], min(losses[-1], usual + (usual - losses[0]))
        log = sign > 0 and best > 0 and worst / best > LOG_RATIO
        if worst <= best:
            worst = best + max(abs(best) * 0.1, 1e-3)
        return cls(sign * best, sign * worst, log, sign)

    def beyond(self, score: float) -> bool:
        """Whether a score is worse than the end of the scale."""
        return self.sign * score > self.sign * self.worst

    def clipped(self, score: float) -> float:
        """The score, at most at the end of the scale."""
        return self.worst if self.beyond(score) else score

    def goodness(self, score: float) -> float:
        """0 at the worst end to 1 at the best."""
        at = math.log if self.log else float
        place = (at(self.clipped(score)) - at(self.worst)) / (at(self.best) - at(self.worst))
        return min(max(place, 0.0), 1.0)

    def ticks(self) -> list[float]:
        """Five scores from worst to best, at even distances."""
        if self.log:
            return [self.worst * (self.best / self.worst) ** (index / 4) for index in range(5)]
        return [self.worst + (self.best - self.worst) * index / 4 for index in range(5)]

    def plotly_axis(self) -> dict[str, Any]:
        """Type and range for Plotly, with a margin at both ends; smaller scores lie lower."""
        at = math.log10 if self.log else float
        low, high = sorted((at(self.best), at(self.worst)))
        margin = 0.06 * (high - low)
        return {"type": "log" if self.log else "linear", "range": [low - margin, high + margin]}
