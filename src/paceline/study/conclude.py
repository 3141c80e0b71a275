"""What a study says at its end: the winner retrained over seeds, who is tied with it, warnings.

retrained   the winner again, with other seeds
summary_of  what must be kept: the winner, its retraining, the data, how trials ended
extras      all else, worked out of the trials; where one part fails, a sentence says so and the others stand

tied    trials whose score lies within what validation rows (classes: Wilson's interval) or seeds (numbers: two
        standard deviations of the retrained scores) can tell apart from the best
edges   numeric hyperparameters of the winner within 5 % of an end of their range
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from paceline.data import Dataset, Fold
from paceline.model import Model
from paceline.pack.folds import FoldData
from paceline.pack.programs import CompileStats
from paceline.pareto import front_document
from paceline.records import EndReason, History, Trial, loss_of
from paceline.runs import RawRun, metric_value, put_fold, train_stages
from paceline.search.experiments.importance import every_so_many, importances
from paceline.search.experiments.tie_break import tied_with_best
from paceline.seeds import seed_for
from paceline.store import Store
from paceline.study.architectures import architectures_summary
from paceline.study.experiments import experiments_of
from paceline.study.front import inference_summary
from paceline.study.lineage import Stage, line_of, prepared_line
from paceline.study.rounds import rounds_of
from paceline.study.scoring import on_dev, plain, wilson
from paceline.study.setup import Setup
from paceline.study.warm import RUN_FIRST, translated_results
from paceline.summary import (
    BestResult,
    CalibrationResult,
    DataSummary,
    ImportanceShare,
    ParetoFront,
    ProgramStats,
    Refit,
    Retrain,
    SplitSizes,
    Summary,
    Tied,
    WarmStart,
)
from paceline.summary import Stage as StageSummary

EDGE = 0.05
CLASS_SHARES = ("error", "accuracy")


@dataclass(frozen=True, eq=False)
class Retrained:
    """The winner trained again over seeds, on the train part with the validation set for choosing epochs.

    Attributes:
        model: with the best validation score among them. The first seed is the trial's own, so with one seed this is
            the winner itself.
        line: the settings by which each was trained.
        seeds, scores: of each run; a score is NaN where no epoch was finite.
        raws: the runs.
    """

    model: Model
    line: list[Stage]
    seeds: list[int]
    scores: list[float]
    raws: list[RawRun]

    def summary(self) -> Retrain:
        """What the study keeps of it."""
        finite = [score for score in self.scores if math.isfinite(score)]
        return Retrain(
            seeds=tuple(self.seeds),
            scores=tuple(score if math.isfinite(score) else None for score in self.scores),
            mean=float(np.mean(finite)) if finite else None,
            sd=float(np.std(finite, ddof=1)) if len(finite) > 1 else None,
        )


def retrained(setup: Setup, trials: Mapping[int, Trial], best: Trial, *, seeds_at_most: int | None = None) -> Retrained:
    """Train the winner again over seeds, as many as the settings say or fewer."""
    count = max(1, min(setup.settings.retrain, seeds_at_most or setup.settings.retrain))
    line = line_of(trials, best, setup.settings.epochs)
    seeds = [
        trials[line[0].trial].seed,
        *(seed_for(setup.settings.seed, "retrain", index) for index in range(1, count)),
    ]
    fold, data = retraining_fold(setup)
    stages = prepared_line(setup, data, line, seeds, until=setup.settings.epochs)
    raws = train_stages(setup.executor, stages)
    prepared = stages[-1][0]
    scores = [score_of(raw, setup) for raw in raws]
    sign = -1.0 if setup.goal == "maximize" else 1.0
    chosen = min(
        range(count), key=lambda index: (math.inf if math.isnan(scores[index]) else sign * scores[index], index)
    )
    raw = raws[chosen]
    net = raw.last if setup.settings.select == "last" else raw.best
    model = Model(setup.family, prepared[chosen].config, *net, fold.inputs, fold.target)
    return Retrained(model, line, seeds, scores, raws)


def retraining_fold(setup: Setup) -> tuple[Fold, FoldData]:
    """What the winner is trained on again: the split's training and validation rows, or where cross-validation has
    no validation set those of fold 0, for some rows must say which epoch is best."""
    data, settings = setup.data, setup.settings
    if settings.folds is None:
        return data.fold(standardize=settings.standardize), setup.folds[0]
    if not len(data.split.dev):
        return data.fold(0, settings.folds, settings.standardize, settings.seed), setup.folds[0]
    fold = data.fold(standardize=settings.standardize)
    return fold, put_fold(setup.executor, setup.family, fold, setup.task)


def score_of(raw: RawRun, setup: Setup) -> float:
    """A run's validation score by the study's metric and `select` rule; NaN if no epoch was finite."""
    if raw.best_epoch == 0:
        return math.nan
    row = raw.measurements[-1 if setup.settings.select == "last" else raw.best_epoch - 1]
    return metric_value(setup.metric, row)


def summary_of(
    setup: Setup, trials: Sequence[Trial], best: Trial | None, again: Retrained | None, refit: Refit | None,
    stats: CompileStats, steps: int, cut: str, problems: Sequence[str] = (),
) -> Summary:  # fmt: skip
    """What must be kept of a study that has ended; `extras` adds the rest, opening the test set adds `test`.

    Args:
        again, refit: what came of training the winner again, over seeds and on all rows.
        problems: what went wrong there, a sentence each.
    """
    split = setup.data.split
    problems = list(problems)
    return Summary(
        best=None if best is None else best_result(setup, trials, best, again),
        retrain=again.summary() if again is not None and setup.settings.retrain else None,
        refit=refit,
        ended=cut or "all trials were run",
        programs=ProgramStats(stats.compiled, stats.loaded, round(stats.seconds, 2)),
        steps=steps,
        split=SplitSizes(len(split.train), len(split.dev), len(split.test)),
        data=described(setup.data),
        stopped=dict(sorted(Counter(reason_kind(trial) for trial in trials).items())),
        dev=None
        if again is None
        else attempt(lambda: on_dev(setup, again.model), "the validation predictions", problems),
        problems=tuple(problems),
        pending=True,
    )


def extras(setup: Setup, trials: Sequence[Trial], summary: Summary, store: Store) -> Summary:
    """The summary with all that follows from the trials. What fails is left out, with a sentence in `problems`."""
    history = History(trials, setup.goal)
    problems = list(summary.problems)
    work: dict[str, Callable[[], Any]] = {
        "warm_start": lambda: warm_start_summary(setup),
        "pareto": lambda: pareto_front(setup, trials),
        "inference": lambda: inference_summary(setup, trials),
        "rounds": lambda: rounds_of(setup.method, trials, setup.goal, setup.stopper.in_flight),
        "architectures": lambda: architectures_summary(setup.method, setup.space, trials, setup.family.static),
        "experiments": lambda: experiments_of(setup.searcher, trials, setup.goal, setup.task, store),
    }
    best = next((trial for trial in trials if summary.best and trial.number == summary.best.trial), None)
    if best is not None:
        work |= {
            "tied": lambda: tied(setup, trials, best, summary.retrain),
            "edges": lambda: tuple(edges(setup, best)),
            "importance": lambda: importance_of(setup, history),
            "calibration": lambda: calibration_of(setup, history),
        }
    done = {name: attempt(compute, WORDS.get(name, name), problems) for name, compute in work.items()}
    computed = {name: value for name, value in done.items() if value is not None}
    every = every_so_many(len(trials))
    return dataclasses.replace(summary, **computed, importance_every=every, problems=tuple(problems), pending=False)


WORDS = {
    "warm_start": "the warm start",
    "pareto": "the Pareto front",
    "inference": "the times of prediction",
    "rounds": "the rounds of the search",
    "experiments": "the results of the experiments",
    "tied": "the trials that are not significantly worse",
    "edges": "the warnings about boundaries of ranges",
    "calibration": "the calibration of the surrogate model",
}
"""Parts of the summary in the words of a problem's sentence; others by their names."""


def attempt(compute: Callable[[], Any], what: str, problems: list[str]) -> Any:
    """What a computation gives, or None if it fails; a sentence is then added to the problems."""
    try:
        return compute()
    except Exception as error:  # whatever it is: nothing after the search may lose the search
        problems.append(f"{what} could not be computed: {first_line(error)}")
        return None


def first_line(error: Exception) -> str:
    """An error in one line.

    >>> first_line(ValueError("too small\\nor too large")), first_line(ValueError())
    ('too small', 'ValueError')
    """
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def best_result(setup: Setup, trials: Sequence[Trial], best: Trial, again: Retrained | None) -> BestResult:
    """The winner, as the study keeps it."""
    config = dataclasses.asdict(setup.config(best.params))
    line = [] if again is None or len(again.line) == 1 else again.line
    return BestResult(
        trial=best.number,
        params=dict(best.params),
        config={name: list(value) if isinstance(value, tuple) else value for name, value in config.items()},
        score=best.score,
        epoch=best.best_epoch,
        equals=len(tied_with_best(History(trials, setup.goal))) - 1,
        schedule=tuple(StageSummary(stage.trial, stage.until, dict(stage.params)) for stage in line),
    )


def pareto_front(setup: Setup, trials: Sequence[Trial]) -> ParetoFront | None:
    found = front_document(trials, setup.goal, setup.settings.objectives)
    return None if found is None else ParetoFront.from_json(found)


def importance_of(setup: Setup, history: History) -> tuple[ImportanceShare, ...]:
    listed = importances(setup.space, history, setup.settings.seed)
    return tuple(ImportanceShare(item.name, item.ped_anova, item.fanova, item.clear) for item in listed)


def calibration_of(setup: Setup, history: History) -> CalibrationResult | None:
    """How well the method's own model predicted; None for methods without one."""
    found = setup.method.calibration(history)
    return None if found is None else CalibrationResult(found.trials, found.within_50, found.within_90)


def warm_start_summary(setup: Setup) -> WarmStart | None:
    """What a warm start brought."""
    if setup.earlier is None:
        return None
    known = translated_results(setup.earlier, setup.space, setup.family.resolve({}))
    return WarmStart(
        setup.earlier["from"], min(RUN_FIRST, len(known)), len(known) if setup.method.learns_from_earlier else 0
    )


def described(data: Dataset) -> DataSummary:
    """What a data set is."""
    return DataSummary(
        name=data.name,
        rows=len(data),
        features=len(data.columns),
        target=data.target_name,
        task=str(data.task),
        classes=tuple(plain(label) for label in data.classes),
        notes=tuple(data.notes),
    )


def reason_kind(trial: Trial) -> str:
    """What ended a trial, without its own numbers."""
    if trial.ended_by is EndReason.TIME_LIMIT:
        return f"stopped: {trial.reason}"
    return KINDS.get(trial.ended_by, str(trial.status))


KINDS: Mapping[EndReason | None, str] = {
    EndReason.ALL_EPOCHS: "finished: all epochs",
    EndReason.EARLY_STOPPING: "finished: early stopping",
    EndReason.PRUNED: "stopped: worse than others at a rung",
}


def tied(setup: Setup, trials: Sequence[Trial], best: Trial, retrain: Retrain | None) -> Tied:
    """Trials that the evidence can't tell from the best."""
    sign = -1.0 if setup.goal == "maximize" else 1.0
    rows = sum(fold.spec.dev_rows for fold in setup.folds)
    assert best.score is not None
    if setup.metric in CLASS_SHARES:
        error = best.score if setup.metric == "error" else 1 - best.score
        bound = wilson(round(error * rows), rows)[1]
        limit = bound if setup.metric == "error" else 1 - bound
        rule = f"within the 95 % Wilson interval of the best trial on {rows} validation rows"
    else:
        sd = 0.0 if retrain is None else retrain.sd or 0.0
        limit = best.score + sign * 2 * sd
        rule = "within two standard deviations of the repeated scores of the best trial"
    numbers = [trial.number for trial in trials if loss_of(trial, sign) <= sign * limit]
    return Tied(len(numbers), tuple(numbers[:100]), rule, limit)


def edges(setup: Setup, best: Trial) -> list[str]:
    """A sentence for each numeric hyperparameter of the winner that lies at a boundary of its range.

    Nothing is said of an end that is the hyperparameter's own limit, such as a dropout of 0: there is nothing beyond.
    """
    found = []
    unit = setup.space.to_unit(best.params)
    for slot, value in zip(setup.space.slots, unit, strict=True):
        if slot.is_wide and not math.isnan(value) and not EDGE <= value <= 1 - EDGE:
            knob = setup.family.knobs[slot.name]
            end, place, limit = ("lower", 0.0, knob.low) if value < EDGE else ("upper", 1.0, knob.high)
            if slot.parameter.from_unit(place) == limit:
                continue
            found.append(
                f"{slot.name} of the best trial is at the {end} boundary of its search range; widen the range."
            )
    return found
