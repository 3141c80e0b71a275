"""A study that nobody ran: 60 trials of a Hyperband search, with curves as such trials have them."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from paceline.net import default_space
from paceline.records import COLUMNS, METRICS, EndReason, Measurements, Status, StudyRecord, Trial
from paceline.seeds import seed_for
from paceline.summary import Summary

EPOCHS = 27
BRACKETS = ((1, 3, 9, 27), (3, 9, 27), (9, 27), (27,))
SIZES = (27, 12, 6, 4, 11)
ENDED_BY = {
    Status.DIVERGED: EndReason.DIVERGED,
    Status.STOPPED: EndReason.PRUNED,
    Status.FINISHED: EndReason.ALL_EPOCHS,
}
CLASSES = ("BARBUNYA", "BOMBAY", "CALI", "DERMASON", "HOROZ", "SEKER", "SIRA")


@dataclass(frozen=True)
class Fake:
    """A study's records, as `write_report` takes them."""

    record: StudyRecord
    trials: list[Trial]
    measurements: list[Measurements]
    space: dict[str, Any]

    def arguments(self, **changes: Any) -> dict[str, Any]:
        return {
            "record": self.record, "trials": self.trials, "measurements": self.measurements, "space": self.space,
            **changes,
        }  # fmt: skip

    def with_summary(self, **parts: Any) -> StudyRecord:
        """The record with other parts of its summary, as JSON data."""
        summary = Summary.from_json({**self.record.summary.to_json(), **parts})
        return dataclasses.replace(self.record, summary=summary)


def rows_of(params: dict[str, Any], rng: np.random.Generator, *, regression: bool) -> np.ndarray:
    """(EPOCHS, len(COLUMNS)) of a training that gets better the nearer its rate is to 0.004."""
    off = abs(math.log10(params["learning_rate"] / 0.004))
    final = 0.07 + 0.05 * off**2 + 0.02 * (params["norm"] == "none") + 0.05 * abs(params["dropout"] - 0.2) ** 2
    final += float(rng.normal(0, 0.004))
    epoch = np.arange(1, EPOCHS + 1)
    speed = 2.0 + 3 * off
    error = final + (0.6 - final) * np.exp(-epoch / speed) + rng.normal(0, 0.003, EPOCHS)
    values = np.full((EPOCHS, len(COLUMNS)), np.nan, np.float32)

    def put(name: str, column: Any) -> None:
        values[:, COLUMNS.index(name)] = column

    put("loss", 2.4 * error + 0.02 * np.maximum(0, epoch - 15) * 0.2)
    put("train_loss", 2.3 * error * np.exp(-epoch / 90))
    put("learning_rate", params["learning_rate"])
    if regression:
        put("rmse", error * 5)
        put("mae", error * 3.6)
        put("r2", 1 - error)
    else:
        put("error", error)
        put("train_error", error * np.exp(-epoch / 80))
        put("balanced_accuracy", 1 - error * 1.1)
        put("f1", 1 - error * 1.05)
    return values


def hyperband(
    sizes: tuple[int, ...] = SIZES, *, metric: str = "error", regression: bool = False, folds: int = 1
) -> Fake:
    """The records of a finished study: brackets of the given sizes, two trials of which diverge."""
    rng = np.random.default_rng(7)
    space = default_space("dense", rows=13611, features=16, task="regression" if regression else "classes")
    goal = METRICS[metric]
    sign = -1.0 if goal == "maximize" else 1.0
    trials: list[Trial] = []
    blocks: list[Measurements] = []
    for cohort, size in enumerate(sizes):
        rungs = BRACKETS[cohort % len(BRACKETS)]
        made = []
        for _ in range(size):
            params = space.sample(rng)
            rows = rows_of(params, rng, regression=regression)
            column = rows[:, COLUMNS.index("error" if metric == "accuracy" else metric)].astype(float)
            curve = (1 - column) if metric == "accuracy" else column
            number = len(trials) + len(made)
            made.append((Trial(number, params, seed_for(0, "trial", number), cohort, origin="random"), rows, curve))
        left = list(range(size))
        ended: dict[int, tuple[Status, int, str]] = {}
        for index in left[5:6]:
            if cohort < 2:
                ended[index] = (Status.DIVERGED, 2, "diverged in epoch 2")
        left = [index for index in left if index not in ended]
        for step, rung in enumerate(rungs[:-1]):
            left.sort(key=lambda index: sign * made[index][2][rung - 1])
            kept = max(1, size // 3 ** (step + 1))
            for rank, index in enumerate(left[kept:], start=kept + 1):
                ended[index] = (Status.STOPPED, rung, f"rank {rank} of {len(left)} at epoch {rung}")
            left = left[:kept]
        ended |= {index: (Status.FINISHED, EPOCHS, "all epochs") for index in left}
        for index, (trial, rows, curve) in enumerate(made):
            status, epoch, reason = ended[index]
            seen = curve[:epoch]
            at = int(np.argmin(sign * seen))
            trials.append(
                dataclasses.replace(
                    trial, status=status, epoch=epoch, reason=reason, ended_by=ENDED_BY[status],
                    curve=tuple(seen.tolist()),
                    score=float(seen[at]), best_epoch=at + 1, score_sd=0.004 if folds > 1 else None,
                )
            )  # fmt: skip
            for fold in range(folds):
                blocks.append(Measurements(trial.number, fold, 1, rows[:epoch] * np.float32(1 + 0.05 * fold)))
    usable = [t for t in trials if t.status is not Status.DIVERGED and t.score is not None]
    best = min(usable, key=lambda t: sign * (t.score or 0.0))
    record = StudyRecord(
        name="dry_bean",
        settings={
            "name": "dry_bean", "data": "dry_bean.csv", "target": "Class", "task": None, "columns": {},
            "split": {"dev": None, "test": 0.2, "stratify": None, "stratify_by": None, "group": None, "time": None,
                      "train_dev": 0, "seed": 0},
            "standardize": "standard", "net": "dense", "search": None, "params": {"patience": 9}, "method": "random",
            "method_options": {}, "stopper": "hyperband", "stopper_options": {}, "metric": metric, "select": "best",
            "folds": folds if folds > 1 else None, "trials": len(trials), "epochs": EPOCHS, "minutes": None,
            "retrain": 5, "seed": 0, "n_jobs": None,
        },
        environment={
            "paceline": "0.1.0", "jax": "0.10.2", "numpy": "2.4.1", "python": "3.11.2",
            "platform": "Linux-6.1-x86_64", "processor": "x86_64", "device": "cpu",
            "fingerprint": "6f2a90c1d4", "split": {"dev": None, "test": 0.2, "seed": 0}, "metric": metric,
        },
        goal=goal,
        summary=Summary.from_json(summary_of(trials, best, regression, rng)),
        state="finished",
    )  # fmt: skip
    return Fake(record, trials, blocks, space.to_dict())


def summary_of(trials: list[Trial], best: Trial, regression: bool, rng: np.random.Generator) -> dict[str, Any]:
    """What a study writes at its end, as JSON data."""
    score = best.score or 0.0
    scores = [score + shift for shift in (0.0, 0.0013, -0.0006, 0.0021, 0.0008)]
    if regression:
        actual = rng.normal(20, 6, 800)
        dev: dict[str, Any] = {"actual": actual.tolist(), "predicted": (actual + rng.normal(0, 1.4, 800)).tolist()}
    else:
        matrix = rng.poisson(3, (7, 7)) + np.diag(rng.integers(80, 700, 7))
        dev = {"labels": list(CLASSES), "confusion": matrix.tolist()}
    near = [t.number for t in trials if abs((t.score or 9.0) - score) < 0.01]
    return {
        "best": {
            "trial": best.number, "params": best.params, "score": best.score, "epoch": best.best_epoch,
            "config": {**best.params, "patience": 9, "beta1": 0.9, "beta2": 0.999, "label_smoothing": 0.0},
        },
        "retrain": {
            "seeds": [best.seed, 11, 12, 13, 14], "scores": scores, "mean": float(np.mean(scores)),
            "sd": float(np.std(scores, ddof=1)),
        },
        "tied": {
            "count": len(near), "trials": near,
            "rule": "within the 95 % Wilson interval of the best trial on 2177 validation rows",
        },
        "edges": ["dropout of the best trial is at the lower boundary of its search range; widen the range."],
        "ended": "all trials were run",
        "programs": {"compiled": 6, "loaded": 3, "seconds": 11.42},
        "steps": 123456,
        "split": {"train": 8711, "dev": 2177, "test": 2723},
        "data": {
            "name": "dry_bean", "rows": 13611, "features": 16, "target": "Class",
            "task": "regression" if regression else "classes", "classes": [] if regression else list(CLASSES),
            "notes": ["68 rows are there twice.", "The classes aren't balanced: 522 to 3546 rows."],
        },
        "dev": dev,
        "test": None,
        "stopped": {},
    }  # fmt: skip


@pytest.fixture(scope="session")
def make() -> Callable[..., Fake]:
    """`hyperband`, for tests that want another study than the usual."""
    return hyperband


@pytest.fixture(scope="session")
def fake() -> Fake:
    """The usual study: classes, error, 60 trials."""
    return hyperband()
