"""A study as JSON for machines: sorted keys, no clock, no folder, no count of what this process happened to compile.

So a study that was interrupted and resumed gives the same bytes as one that ran through.
"""

import json
import math
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from paceline.pareto import front_document
from paceline.records import merit
from paceline.settings import with_usual_names

if TYPE_CHECKING:
    from paceline.records import Trial
    from paceline.study import Study

PLACES = ("out", "store", "n_jobs", "warm_start")  # where, and with how many hands; none of them changes a result
RESULTS = (
    "data", "split", "tied", "edges", "importance", "inference", "rounds", "architectures", "ended", "programs",
    "steps", "test", "problems",
)  # fmt: skip


def text_of(document: Any) -> str:
    """JSON that any parser reads (no NaN), keys sorted."""
    return json.dumps(finite(document), sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)


def finite(value: Any) -> Any:
    """JSON data with null for numbers that JSON doesn't have.

    >>> finite({"a": [1.5, float("nan")]})
    {'a': [1.5, None]}
    """
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def study_document(study: "Study", top: int | None = None) -> dict[str, Any]:
    """What a study found. `top`: only so many trials, best first; else all by number."""
    summary = study.summary
    trials = study.trials if top is None else ranked(study)[:top]
    best = study.best
    return {
        "name": study.name,
        "state": study.state,
        "metric": study.record.environment.get("metric"),
        "goal": study.record.goal,
        "settings": settings_document(study.record.settings),
        "fingerprint": study.record.environment.get("fingerprint"),
        "trials": [trial_document(trial) for trial in trials],
        "best": None if best is None else trial_document(best),
        "config": None if summary.best is None else summary.best.config,
        "retrain": None if summary.retrain is None else summary.retrain.to_json(),
        "refit": None if summary.refit is None else summary.refit.to_json(),
        "experiments": None if summary.experiments is None else summary.experiments.to_json(),
        "pareto": front_document(study.trials, study.record.goal, study.record.settings.get("objectives") or ()),
    }


def settings_document(settings: dict[str, Any]) -> dict[str, Any]:
    """What defines a study: its settings without places; of a file only its name."""
    kept = {name: value for name, value in with_usual_names(settings).items() if name not in PLACES}
    split = dict(kept.get("split") or {})
    for part in ("validation", "test"):
        if isinstance(split.get(part), str):
            split[part] = PurePath(split[part]).name
    data = kept.get("data")
    return {**kept, "split": split, "data": PurePath(data).name if isinstance(data, str) else data}


def trial_document(trial: "Trial") -> dict[str, Any]:
    return {
        "number": trial.number,
        "params": trial.params,
        "seed": trial.seed,
        "status": str(trial.status),
        "epoch": trial.epoch,
        "score": trial.score,
        "score_sd": trial.score_sd,
        "best_epoch": trial.best_epoch,
        "reason": trial.reason,
    }


def ranked(study: "Study") -> list["Trial"]:
    """Trials, best first; those without a score last."""
    sign = -1.0 if study.record.goal == "maximize" else 1.0
    best = study.best

    def place(trial: "Trial") -> tuple[bool, float, tuple[float, ...], bool, int]:
        loss, costs, number = merit(trial, sign)
        scored = math.isfinite(loss)
        return not scored, loss if scored else 0.0, costs if scored else (), trial is not best, number

    return sorted(study.trials, key=place)


def result_document(study: "Study") -> dict[str, Any]:
    """What `tune`, `run` and `resume` print at their end: the study, its test result and its places."""
    summary = study.summary.to_json()
    folder = study.folder
    return {
        **study_document(study),
        **{name: summary[name] for name in RESULTS},
        "folder": None if folder is None else str(folder),
        "report": None if folder is None else str(folder / "report.html"),
        "model": None if folder is None or not (folder / "best").exists() else str(folder / "best"),
    }
