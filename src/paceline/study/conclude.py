"""What a study says at its end: the winner retrained over seeds, who is tied with it, warnings, the test score.

tied    trials whose score lies within what dev rows (classes: Wilson's interval) or seeds (numbers: two
        standard deviations of the retrained scores) can tell apart from the best
edges   numeric hyperparameters of the winner within 5 % of an end of their range
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paceline.data import Dataset, Subset, Task
from paceline.hyperparameters import KNOBS, STATIC
from paceline.model import Model
from paceline.pack.programs import Tally
from paceline.pack.trials import Prepared
from paceline.pareto import front_document
from paceline.records import History, Status, Trial, loss_of
from paceline.runs import RawRun, fold_arrays, metric_value, train_stages
from paceline.search.choice import equals
from paceline.search.importance import every_so_many, importances
from paceline.seeds import generator, seed_for
from paceline.study.architectures import architectures_summary
from paceline.study.front import inference_summary
from paceline.study.lineage import Stage, line_of, prepared_line
from paceline.study.rounds import rounds_of
from paceline.study.setup import Setup
from paceline.study.warm import RUN_FIRST, carried

EDGE = 0.05
Z95 = 1.959963984540054
BOOTSTRAPS = 2000
SHOWN_RESIDUALS = 2000
CLASS_SHARES = ("error", "accuracy")


@dataclass(frozen=True, eq=False)
class Retrained:
    """The winner trained again over seeds, on the train part with the dev part for choosing epochs.

    Attributes:
        model: with the best dev score among them. The first seed is the trial's own, so with one seed this is the
            winner itself.
        line: the settings by which each was trained.
        seeds, scores: of each run; a score is NaN where no epoch was fine.
        raws: the runs.
        steps: the trial-steps they took.
    """

    model: Model
    line: list[Stage]
    seeds: list[int]
    scores: list[float]
    raws: list[RawRun]
    steps: int

    def summary(self) -> dict[str, Any]:
        """{"seeds", "scores", "mean", "sd"} as JSON data."""
        finite = [score for score in self.scores if math.isfinite(score)]
        return {
            "seeds": self.seeds,
            "scores": [score if math.isfinite(score) else None for score in self.scores],
            "mean": float(np.mean(finite)) if finite else None,
            "sd": float(np.std(finite, ddof=1)) if len(finite) > 1 else None,
        }


def retrained(setup: Setup, trials: Mapping[int, Trial], best: Trial, lanes: int | None) -> Retrained:
    """Train the winner again over seeds."""
    count = max(1, setup.settings.retrain)
    line = line_of(trials, best, setup.settings.epochs)
    seeds = [
        trials[line[0].trial].seed,
        *(seed_for(setup.settings.seed, "retrain", index) for index in range(1, count)),
    ]
    fold = setup.data.fold(standardize=setup.settings.standardize)
    arrays = setup.folds[0] if setup.settings.folds is None else fold_arrays(fold, setup.task)
    stages = prepared_line(setup, arrays, line, seeds, until=setup.settings.epochs)
    raws = train_stages(stages, lanes=lanes)
    prepared = stages[-1][0]
    scores = [score_of(raw, setup) for raw in raws]
    sign = -1.0 if setup.goal == "maximize" else 1.0
    chosen = min(
        range(count), key=lambda index: (math.inf if math.isnan(scores[index]) else sign * scores[index], index)
    )
    raw = raws[chosen]
    last = setup.settings.select == "last"
    model = Model.from_weights(
        prepared[chosen].config,
        raw.weights if last else raw.best_weights,
        raw.statistics if last else raw.best_statistics,
        fold.recipe,
    )
    return Retrained(
        model, line, seeds, scores, raws, sum(steps_of(raw, item) for raw, item in zip(raws, prepared, strict=True))
    )


def steps_of(raw: RawRun, prepared: Prepared) -> int:
    """Trial-steps that a run took."""
    return raw.epochs * -(-prepared.arrays.train_rows // prepared.shape.batch)


def score_of(raw: RawRun, setup: Setup) -> float:
    """A run's dev score by the study's metric and `select` rule; NaN if no epoch was fine."""
    if raw.best_epoch == 0:
        return math.nan
    row = raw.measurements[-1 if setup.settings.select == "last" else raw.best_epoch - 1]
    return metric_value(setup.metric, row)


def summary_of(
    setup: Setup, trials: Sequence[Trial], best: Trial | None, again: Retrained | None, refit: dict[str, Any] | None,
    tally: Tally, steps: int, cut: str,
) -> dict[str, Any]:  # fmt: skip
    """The study's summary as JSON data; `test` is added when the test set is opened.

    Args: again, refit: what came of training the winner again, over seeds and on all rows.
    """
    retrain = None if again is None else again.summary()
    data = setup.data
    split = data.split
    found: dict[str, Any] = {
        "best": None,
        "retrain": retrain if setup.settings.retrain else None,
        "refit": refit,
        "tied": None,
        "edges": [],
        "importance": [],
        "warm_start": told(setup),
        "pareto": front_document(trials, setup.goal, setup.settings.objectives),
        "inference": inference_summary(setup, trials),
        "calibration": None,
        "ended": cut or "all trials were run",
        "programs": {"compiled": tally.compiled, "loaded": tally.loaded, "seconds": round(tally.seconds, 2)},
        "steps": steps,
        "split": {name: len(getattr(split, name)) for name in ("train", "dev", "test")},
        "data": described(data),
        "rounds": rounds_of(setup.method, trials, setup.goal, setup.stopper.in_flight),
        "architectures": architectures_summary(setup.method, setup.space, trials, STATIC),
        "stopped": dict(sorted(Counter(reason_kind(trial) for trial in trials).items())),
        "test": None,
    }
    if best is not None:
        config = dataclasses.asdict(setup.config(best.params))
        found["best"] = {
            "trial": best.number,
            "params": dict(best.params),
            "config": {name: list(value) if isinstance(value, tuple) else value for name, value in config.items()},
            "score": best.score,
            "epoch": best.best_epoch,
            "equals": len(equals(History(trials, setup.goal))) - 1,
        }
        if again is not None and len(again.line) > 1:
            found["best"]["schedule"] = [
                {"trial": stage.trial, "until": stage.until, "params": dict(stage.params)} for stage in again.line
            ]
        found["tied"] = tied(setup, trials, best, retrain)
        found["edges"] = edges(setup, best)
        listed = importances(setup.space, History(trials, setup.goal), setup.settings.seed)
        found["importance"] = [dataclasses.asdict(item) for item in listed]
        found["importance_every"] = every_so_many(len(trials))
        calibration = setup.method.calibration(History(trials, setup.goal))
        found["calibration"] = None if calibration is None else dataclasses.asdict(calibration)
    if again is not None:
        found["dev"] = on_dev(setup, again.model)
    return found


def told(setup: Setup) -> dict[str, Any] | None:
    """What a warm start brought: {"from", "first": configurations that ran first, "results": that bayes knew}."""
    if setup.earlier is None:
        return None
    known = carried(setup.earlier, setup.space)
    return {
        "from": setup.earlier["from"],
        "first": min(RUN_FIRST, len(known)),
        "results": len(known) if setup.method.learns_from_earlier else 0,
    }


def described(data: Dataset) -> dict[str, Any]:
    """What a data set is, as JSON data."""
    return {
        "name": data.name,
        "rows": len(data),
        "features": len(data.columns),
        "target": data.target_name,
        "task": str(data.task),
        "classes": [plain(label) for label in data.classes],
        "notes": list(data.notes),
    }


def reason_kind(trial: Trial) -> str:
    """What ended a trial, without its own numbers."""
    if trial.status is Status.STOPPED:
        return "stopped: " + (trial.reason if "budget" in trial.reason else "worse than others at a rung")
    if trial.status is Status.FINISHED:
        return "finished: " + ("early stopping" if trial.reason.startswith("early") else "all epochs")
    return str(trial.status)


def plain(value: Any) -> Any:
    """A label as JSON data."""
    return value.item() if isinstance(value, np.generic) else value


def tied(setup: Setup, trials: Sequence[Trial], best: Trial, retrain: dict[str, Any] | None) -> dict[str, Any]:
    """Trials that the evidence can't tell from the best."""
    sign = -1.0 if setup.goal == "maximize" else 1.0
    rows = sum(fold.dev_rows for fold in setup.folds)
    assert best.score is not None
    if setup.metric in CLASS_SHARES:
        error = best.score if setup.metric == "error" else 1 - best.score
        bound = wilson(round(error * rows), rows)[1]
        limit = bound if setup.metric == "error" else 1 - bound
        rule = f"within the best's 95 % Wilson interval on {rows} dev rows"
    else:
        sd = (retrain or {}).get("sd") or 0.0
        limit = best.score + sign * 2 * sd
        rule = "within two standard deviations of the best's retrained scores"
    numbers = [trial.number for trial in trials if loss_of(trial, sign) <= sign * limit]
    return {"count": len(numbers), "trials": numbers[:100], "rule": rule, "limit": limit}


def edges(setup: Setup, best: Trial) -> list[str]:
    """A sentence for each numeric hyperparameter of the winner that sits at an edge of its range.

    Nothing is said of an end that is the hyperparameter's own limit, such as a dropout of 0: there is nothing beyond.
    """
    found = []
    unit = setup.space.to_unit(best.params)
    for slot, value in zip(setup.space.slots, unit, strict=True):
        if slot.is_wide and not math.isnan(value) and not EDGE <= value <= 1 - EDGE:
            knob = KNOBS[slot.name]
            end, place, limit = ("lower", 0.0, knob.low) if value < EDGE else ("upper", 1.0, knob.high)
            if slot.parameter.from_unit(place) == limit:
                continue
            found.append(f"{slot.name} of the best trial is at the {end} edge of its range; widen the range there.")
    return found


def on_dev(setup: Setup, model: Model) -> dict[str, Any]:
    """The model on its dev rows: a confusion matrix, or actual against predicted numbers."""
    part = setup.data.dev
    predicted = model.predict(part.features)
    if setup.data.task is Task.REGRESSION:
        actual = np.asarray(part.target, np.float64).reshape(len(part), -1)[:, 0]
        shown = np.linspace(0, len(part) - 1, min(len(part), SHOWN_RESIDUALS)).astype(np.int64)
        values = predicted.reshape(len(part), -1)[:, 0]
        return {"actual": actual[shown].tolist(), "predicted": values[shown].tolist()}
    if setup.data.task is Task.MULTILABEL:
        return {}
    labels = [str(plain(label)) for label in setup.data.classes]
    place = {label: index for index, label in enumerate(labels)}
    truth = model.recipe.encode_target(part.target)
    true = (truth[:, 0] > 0.5).astype(int) if setup.data.task is Task.BINARY else truth.argmax(axis=1)
    matrix = np.zeros((len(labels), len(labels)), np.int64)
    for row, label in zip(true, predicted, strict=True):
        matrix[row, place[str(plain(label))]] += 1
    return {"labels": labels, "confusion": matrix.tolist()}


def on_test(setup_data: Any, model: Model, seed: int) -> dict[str, Any]:
    """Metrics on the test rows with a 95 % interval: Wilson's for accuracy, bootstrap for rmse."""
    part: Subset = setup_data.test
    metrics = model.evaluate(part)
    rows = len(part)
    if "accuracy" in metrics:
        low, high = wilson(round(metrics["accuracy"] * rows), rows)
        return {
            "rows": rows,
            "metrics": metrics,
            "interval": [low, high],
            "of": "accuracy",
            "interval_kind": "Wilson 95 %",
        }
    errors = np.asarray(model.predict(part.features), np.float64).reshape(rows, -1)
    squared = ((errors - np.asarray(part.target, np.float64).reshape(rows, -1)) ** 2).mean(axis=1)
    low, high = bootstrap_root_mean(squared, generator(seed, "bootstrap"))
    return {"rows": rows, "metrics": metrics, "interval": [low, high], "of": "rmse", "interval_kind": "bootstrap 95 %"}


def wilson(hits: int, rows: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927).

    >>> tuple(round(bound, 4) for bound in wilson(9, 10))
    (0.5958, 0.9821)
    """
    share, z2 = hits / rows, Z95 * Z95
    centre = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    half = Z95 / (1 + z2 / rows) * math.sqrt(share * (1 - share) / rows + z2 / (4 * rows * rows))
    return max(0.0, centre - half), min(1.0, centre + half)


def bootstrap_root_mean(squared: NDArray[np.float64], rng: np.random.Generator) -> tuple[float, float]:
    """95 % percentile interval of the root of the mean of `squared` (rows,)."""
    means = [squared[rng.integers(0, len(squared), len(squared))].mean() for _ in range(BOOTSTRAPS)]
    low, high = np.quantile(np.sqrt(means), [0.025, 0.975])
    return float(low), float(high)
