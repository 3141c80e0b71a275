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
from paceline.summary import Agreement, DataSummary, FinalResult, FoldResult, NestedSummary

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


def nested_summary(record: StudyRecord, studies: Sequence[Study], final: Study | None) -> NestedSummary:
    """All that a nested study found, as far as it has come."""
    metric = str(record.environment["metric"])
    data = DataSummary.from_json(record.environment["data"])
    scored_by = metric_on_test(metric, data.task)
    folds = [fold_summary(index, study, scored_by) for index, study in enumerate(studies)]
    scored = [(fold.score, fold.rows) for fold in folds if fold.score is not None]
    scores = [score for score, _ in scored]
    sizes = [rows.test / (rows.train + rows.dev) for _, rows in scored if rows is not None]
    share = float(np.mean(sizes)) if sizes else 0.0
    bests = [study.best for study in studies if study.state == "finished" and study.best is not None]
    dev = [trial.score for trial in bests if trial.score is not None]
    begun = [*studies, *([final] if final else [])]
    return NestedSummary(
        metric=scored_by,
        goal=METRICS[scored_by],
        data=data,
        outer_folds=record.settings["outer_folds"],
        folds=tuple(folds),
        mean=float(np.mean(scores)) if scores else None,
        sd=float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
        interval=corrected_interval(scores, share, ENDS.get(scored_by, SHARE)),
        interval_kind=INTERVAL_KIND,
        dev_mean=float(np.mean(dev)) if dev and scored_by == metric else None,
        stability=tuple(stability([study for study in studies if study.state == "finished"])),
        final=None if final is None else final_summary(final),
        steps=sum(study.summary.steps for study in begun),
        problems=tuple(f"{study.name}: {problem}" for study in begun for problem in study.summary.problems),
    )


def fold_summary(index: int, study: Study, scored_by: str) -> FoldResult:
    """An outer fold's search and its test score; None until the search has ended, and where it found no model."""
    summary, best = study.summary, study.best
    metrics = None if summary.test is None else summary.test.metrics
    score = (metrics or {}).get(scored_by)
    return FoldResult(
        fold=index,
        state=study.state,
        rows=summary.split,
        trials=len(study.trials),
        ended=summary.ended or None,
        trial=None if best is None else best.number,
        params=None if best is None else dict(best.params),
        dev=None if best is None else best.score,
        retrained=None if summary.retrain is None else summary.retrain.mean,
        score=score if score is not None and math.isfinite(score) else None,
        metrics=metrics,
    )


def final_summary(study: Study) -> FinalResult:
    """The search with all rows."""
    best = study.best
    return FinalResult(
        state=study.state,
        rows=study.summary.split,
        trials=len(study.trials),
        trial=None if best is None else best.number,
        params=None if best is None else dict(best.params),
        dev=None if best is None else best.score,
    )


def stability(studies: Sequence[Study]) -> list[Agreement]:
    """How alike the configurations are that the folds chose, hyperparameter by hyperparameter."""
    chosen = [(study, study.best) for study in studies]
    bests = [(study, best) for study, best in chosen if best is not None]
    names = list(dict.fromkeys(name for _, best in bests for name in best.params))
    places = [unit_places(study.record.environment.get("space") or {}, best) for study, best in bests]
    found = []
    for name in names:
        values = tuple(best.params.get(name) for _, best in bests)
        at = [place[name] for place in places if name in place]
        counts = Counter(repr(best.params[name]) for _, best in bests if name in best.params)
        found.append(Agreement(name, values, max(counts.values()), max(at) - min(at) if len(at) > 1 else None))
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
