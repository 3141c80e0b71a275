"""What nested cross-validation says: how well the procedure does on rows it never saw, and how sure that is.

    mean of the K test scores  ±  t(0.975, K - 1) · sqrt((1/K + n_test/n_train) · s²)

s² is the variance of the K scores. Any two folds share most of their training rows, so the scores aren't independent
and s²/K is too small; the term n_test/n_train corrects for that (Nadeau and Bengio, "Inference for the
generalization error", Machine Learning 52, 2003; they derive it for random subsamples, and Bouckaert and Frank,
PAKDD 2004, use it for folds). It is an approximation: no unbiased estimator of this variance exists (Bengio and
Grandvalet, JMLR 5, 2004).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from paceline.records import METRICS, StudyRecord, Trial
from paceline.space import Space

if TYPE_CHECKING:
    from paceline.study.study import Study

INTERVAL_KIND = "95 % t-interval with the variance corrected by Nadeau and Bengio (2003)"
ENDS = {"r2": (-math.inf, 1.0), "rmse": (0.0, math.inf), "mae": (0.0, math.inf), "log_loss": (0.0, math.inf)}
SHARE = (0.0, 1.0)


def metric_on_test(metric: str, task: str) -> str:
    """The metric that test rows are scored by: the study's own, or the nearest that `Model.evaluate` has.

    >>> metric_on_test("loss", "classes"), metric_on_test("loss", "regression"), metric_on_test("auc", "binary")
    ('log_loss', 'rmse', 'auc')
    """
    if metric == "loss":
        return "rmse" if task == "regression" else "log_loss"
    return "log_loss" if (task, metric) == ("multilabel", "auc") else metric


def corrected_interval(
    scores: Sequence[float], test_share: float, ends: tuple[float, float] = (-math.inf, math.inf)
) -> tuple[float, float] | None:
    """The 95 % interval of the mean score; None for fewer than two scores. See the head of this module.

    Args:
        scores: of the folds.
        test_share: rows of a test part for each row that its search had.
        ends: least and greatest value that a score can take; the interval is cut there.
    """
    from scipy.stats import t

    count = len(scores)
    if count < 2:
        return None
    half = float(t.ppf(0.975, count - 1)) * math.sqrt((1 / count + test_share) * float(np.var(scores, ddof=1)))
    mean = float(np.mean(scores))
    return max(ends[0], mean - half), min(ends[1], mean + half)


def nested_summary(record: StudyRecord, studies: Sequence[Study], final: Study | None) -> dict[str, Any]:
    """All that a nested study found, as far as it has come, as JSON data."""
    metric = str(record.environment["metric"])
    data = record.environment["data"]
    scored_by = metric_on_test(metric, str(data["task"]))
    folds = [fold_summary(index, study, scored_by) for index, study in enumerate(studies)]
    scored = [fold for fold in folds if fold["score"] is not None]
    scores = [fold["score"] for fold in scored]
    rows = [(fold["rows"]["test"], fold["rows"]["train"] + fold["rows"]["dev"]) for fold in scored]
    share = float(np.mean([test / rest for test, rest in rows])) if rows else 0.0
    interval = corrected_interval(scores, share, ENDS.get(scored_by, SHARE))
    bests = [study.best for study in studies if study.state == "finished" and study.best is not None]
    dev = [trial.score for trial in bests if trial.score is not None]
    return {
        "metric": scored_by,
        "goal": METRICS[scored_by],
        "data": data,
        "outer_folds": record.settings["outer_folds"],
        "folds": folds,
        "mean": float(np.mean(scores)) if scores else None,
        "sd": float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
        "interval": None if interval is None else list(interval),
        "interval_kind": INTERVAL_KIND,
        "dev_mean": float(np.mean(dev)) if dev and scored_by == metric else None,
        "stability": stability([study for study in studies if study.state == "finished"]),
        "final": None if final is None else final_summary(final),
        "steps": sum(int(study.summary.get("steps") or 0) for study in [*studies, *([final] if final else [])]),
    }


def fold_summary(index: int, study: Study, scored_by: str) -> dict[str, Any]:
    """An outer fold's search and its test score; None until the search has ended, and where it found no model."""
    test = study.summary.get("test") or {}
    score = (test.get("metrics") or {}).get(scored_by)
    best = study.best
    return {
        "fold": index,
        "state": study.state,
        "rows": study.summary.get("split"),
        "trials": len(study.trials),
        "ended": study.summary.get("ended"),
        "trial": None if best is None else best.number,
        "params": None if best is None else dict(best.params),
        "dev": None if best is None else best.score,
        "retrained": (study.summary.get("retrain") or {}).get("mean"),
        "score": score if score is not None and math.isfinite(score) else None,
        "metrics": test.get("metrics"),
    }


def final_summary(study: Study) -> dict[str, Any]:
    """The search with all rows."""
    best = study.best
    return {
        "state": study.state,
        "rows": study.summary.get("split"),
        "trials": len(study.trials),
        "trial": None if best is None else best.number,
        "params": None if best is None else dict(best.params),
        "dev": None if best is None else best.score,
    }


def stability(studies: Sequence[Study]) -> list[dict[str, Any]]:
    """How alike the configurations are that the folds chose, hyperparameter by hyperparameter.

    Returns:
        For each: "name"; "values", one a fold, None where it isn't active; "agree", how many folds share the
        commonest value; "spread", for numbers, the distance between the extreme values as a share of the
        searched range, on its scale.
    """
    chosen = [(study, study.best) for study in studies]
    bests = [(study, best) for study, best in chosen if best is not None]
    names = list(dict.fromkeys(name for _, best in bests for name in best.params))
    places = [unit_places(study.record.environment.get("space") or {}, best) for study, best in bests]
    found = []
    for name in names:
        values = [best.params.get(name) for _, best in bests]
        at = [place[name] for place in places if name in place]
        counts = Counter(repr(best.params[name]) for _, best in bests if name in best.params)
        found.append(
            {
                "name": name,
                "values": values,
                "agree": max(counts.values()),
                "spread": max(at) - min(at) if len(at) > 1 else None,
            }
        )
    return found


def unit_places(space: Mapping[str, Any], trial: Trial) -> dict[str, float]:
    """Where in [0, 1] of its range each active number of a configuration lies."""
    read = Space.from_dict(dict(space))
    unit = read.to_unit(trial.params)
    return {
        slot.name: float(place)
        for slot, place in zip(read.slots, unit, strict=True)
        if slot.index is None and slot.is_wide and not math.isnan(place)
    }
