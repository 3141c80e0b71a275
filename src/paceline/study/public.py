"""`tune`, `run_settings`, `resume` and `load_study`: a study on one split, or one in each outer fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from paceline.data import Dataset, load
from paceline.errors import SettingsError
from paceline.runs import make_executor
from paceline.settings import StudySettings
from paceline.space import Space
from paceline.study.nested import (
    NestedStudy,
    begin_nested,
    holds_nested,
    load_nested,
    on_all_rows,
    refuse_nested,
    resume_nested,
)
from paceline.study.progress import Callback
from paceline.study.single import Executors, begin_single, load_single, resume_single
from paceline.study.study import Study, data_of


def tune(
    data: Dataset | Any,
    *,
    net: str = "dense",
    space: Space | Mapping[str, Any] | None = None,
    method: str = "auto",
    trials: int | None = None,
    epochs: int = 30,
    seed: int = 0,
    stopper: str | None = None,
    metric: str | None = None,
    objectives: Sequence[str] = (),
    minutes: float | None = None,
    folds: int | None = None,
    outer_folds: int | None = None,
    final: bool | None = None,
    select: str = "best",
    retrain: int = 5,
    refit: bool = True,
    params: Mapping[str, Any] | None = None,
    n_jobs: int | None = None,
    method_options: Mapping[str, Any] | None = None,
    stopper_options: Mapping[str, Any] | None = None,
    standardize: str = "standard",
    target_score: float | None = None,
    stop_at_noise: bool = False,
    warm_start: Study | NestedStudy | str | Path | None = None,
    out: str | Path | None = None,
    store: str | None = None,
    name: str | None = None,
    progress: Callback | None = None,
) -> Study | NestedStudy:
    """Search for the best hyperparameters on a data set.

    Args:
        data: from `load`, or anything that `load` reads.
        net: model type; "dense" is an MLP.
        space: the search space; default: that of the model type (`default_space`).
        method: search algorithm; "auto": `bayes`, or `tpe` for more than 1000 trials.
        stopper: early stopping of trials (pruner); default: hyperband, or none for the method population and for
            controlled experiments (method manual with `method_options` base and factors).
        trials: maximum number of trials; default: 100, or no limit with `minutes`.
        minutes: time limit of the search.
        epochs: maximum number of epochs of a trial.
        seed: random seed.
        metric: validation metric to optimise; default: error, or rmse for regression.
        objectives: additional objectives (multi-objective search): "parameters", "operations" (multiply-adds per row)
            or other metrics; see `Study.pareto`. The final model is the best by the metric.
        folds: number of cross-validation folds; default: one validation set.
        outer_folds: nested cross-validation: number of outer folds, each the test set of a search of its own (see
            `study.nested`); `trials` is for each search, `minutes` for all of them.
        final: with outer folds, one more search on all rows, for the final model; default: yes.
        select: score of a trial: that of its "best" or its "last" epoch.
        retrain: number of seeds to repeat the best configuration with.
        refit: retrain the final model on train + validation (see `study.refit` for how long).
        params: fixed hyperparameters of all trials.
        n_jobs: number of parallel workers (threads that train); default: one more than cores.
        target_score: stop the search at this score.
        stop_at_noise: stop the search when the expected improvement is below seed noise (see
            `study.stopping_criteria`).
        warm_start: an earlier study, or its folder: on other data, or less. Its best configurations run first, and
            `bayes` learns from all its trials, as far as the two studies prove to agree.
        out: folder of the study; default: in memory only.
        store: URL of another database than `out`/study.db.
        progress: called with a `Progress` a few times a second.

    Returns:
        The finished study; a `NestedStudy` with outer folds.

    Raises:
        SettingsError, SpaceError, HyperparameterError, DataError, StudyError: before anything is trained.
        StudyInterrupted: on Ctrl-C, when everything is saved.
    """
    if not isinstance(data, Dataset):
        data = load(data)
    settings = StudySettings(
        name=name or data.name,
        net=net,
        search=None if space is None else (space if isinstance(space, Space) else Space(space)).to_dict(),
        method=method,
        trials=trials,
        epochs=epochs,
        seed=seed,
        stopper=stopper,
        metric=metric,
        objectives=list(objectives),
        minutes=minutes,
        folds=folds,
        outer_folds=outer_folds,
        final=final,
        select=select,
        retrain=retrain,
        refit=refit,
        params=dict(params or {}),
        n_jobs=n_jobs,
        method_options=dict(method_options or {}),
        stopper_options=dict(stopper_options or {}),
        standardize=standardize,
        target_score=target_score,
        stop_at_noise=stop_at_noise,
        warm_start=str(warm_start) if isinstance(warm_start, str | Path) else None,
        out=None if out is None else str(out),
        store=store,
    )
    return begin(settings, data, progress, None if isinstance(warm_start, str | Path) else warm_start)


def run_settings(settings: StudySettings, *, progress: Callback | None = None) -> Study | NestedStudy:
    """Run the study that a study file describes, data included; see `tune`."""
    return begin(settings, data_of(settings), progress)


def begin(
    settings: StudySettings,
    data: Dataset,
    progress: Callback | None,
    older: Study | NestedStudy | None = None,
    executors: Executors = make_executor,
) -> Study | NestedStudy:
    """Start a new study, or one in each outer fold.

    Args:
        older: for a warm start, where the settings name none.
        executors: see `single.Executors`.
    """
    if settings.outer_folds is not None and (older is not None or settings.warm_start is not None):
        raise SettingsError(
            "`warm_start` can't be combined with `outer_folds`: the earlier study may have used test rows of a fold."
        )
    if settings.nested:
        return begin_nested(settings, data, progress, executors)
    if settings.out is not None:
        refuse_nested(Path(settings.out))
    if settings.warm_start is not None:
        older = load_study(settings.warm_start)
    return begin_single(settings, data, progress, None if older is None else on_all_rows(older), executors)


def resume(path: str | Path, *, progress: Callback | None = None, data: Dataset | None = None) -> Study | NestedStudy:
    """Continue an interrupted or crashed study; a finished one is returned as it is.

    Args:
        path: folder of the study.
        data: its data set, where the study was started from Python with data that no file holds (of an outer fold's
            study the whole data set).

    Raises:
        StudyError: there is no study, another process runs it, or the data aren't the same.
    """
    return go_on(Path(path), progress, data)


def go_on(
    folder: Path, progress: Callback | None, data: Dataset | None, executors: Executors = make_executor
) -> Study | NestedStudy:
    """Continue the study in a folder; see `resume` and `single.Executors`."""
    if holds_nested(folder):
        return resume_nested(folder, progress, data, executors)
    return resume_single(folder, progress, data, executors)


def load_study(path: str | Path) -> Study | NestedStudy:
    """A study as it stands, also while another process runs it.

    Raises:
        StudyError: the folder holds no study.
    """
    folder = Path(path)
    return load_nested(folder) if holds_nested(folder) else load_single(folder)
