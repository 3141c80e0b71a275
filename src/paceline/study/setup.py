"""What a study needs before its first trial: data on the device, space, searcher, stopper, all checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paceline.data import Dataset, class_weights
from paceline.hyperparameters import KNOBS, Hyperparameters, resolve
from paceline.net.dense import DenseShape
from paceline.net.size import operations
from paceline.pack.shapes import shape_of
from paceline.pack.trials import Arrays, Prepared, prepare
from paceline.records import METRICS, Params
from paceline.runs import chosen_metric, fold_arrays
from paceline.search import Searcher, Stopper
from paceline.seeds import seed_for
from paceline.settings import StudySettings
from paceline.space import Space, default_space
from paceline.study import objectives
from paceline.study.checks import check_names, check_points, check_values, sample_points
from paceline.study.experiments import method_options, planned_trials, space_of_plan
from paceline.study.searching import searcher_of, share_of_compiling, stopper_of


@dataclass(frozen=True, eq=False)
class Setup:
    """A study, ready to run.

    Attributes:
        settings: resolved settings; data: the data set.
        metric: what trials are judged by; goal: "minimize" or "maximize".
        space, searcher, stopper: as the settings say.
        folds: padded arrays of each dev fold.
        earlier: what an older study found (see `study.warm`); None for a cold start.
    """

    settings: StudySettings
    data: Dataset
    metric: str
    goal: str
    space: Space
    searcher: Searcher
    stopper: Stopper
    folds: tuple[Arrays, ...]
    earlier: Mapping[str, Any] | None = None

    @property
    def method(self) -> Searcher:
        """The searcher without what is wrapped around it."""
        return self.searcher.unwrapped

    @property
    def task(self) -> str:
        return str(self.data.task)

    def config(self, params: Params) -> Hyperparameters:
        """The complete configuration of a trial."""
        return resolve({**self.settings.params, **params}, task=self.task)

    def prepared(self, params: Params, fold: int, seed: int) -> Prepared:
        """A trial on one of the study's folds, ready for a lane."""
        return self.prepared_on(self.folds[fold], params, seed if fold == 0 else seed_for(seed, "folds", fold))

    def prepared_on(self, arrays: Arrays, params: Params, seed: int) -> Prepared:
        config = self.config(params)
        weights = None if config.class_weight is None else class_weights(config.class_weight, self.data)
        return prepare(
            config, arrays, seed=seed, epochs=self.settings.epochs, metric=self.metric, class_weights=weights,
            auc="auc" in self.settings.objectives,
        )  # fmt: skip


def set_up(settings: StudySettings, data: Dataset, earlier: Mapping[str, Any] | None = None) -> Setup:
    """Check everything and put the folds on the device; nothing is trained or written yet.

    Args: earlier: what an older study found; see `study.warm`.

    Raises:
        SettingsError, SpaceError, HyperparameterError, DataError: the first thing that is wrong.
    """
    wanted_trials, settings = settings.trials, settings.resolved()
    task = str(data.task)
    metric = chosen_metric(settings.metric, task)
    objectives.check(settings, metric, task)
    resolve(settings.params, task=task)
    plan = method_options(settings)
    space = space_of(settings, data, plan)
    check_names(space, KNOBS)

    def complete(params: Params) -> Hyperparameters:
        return resolve({**settings.params, **params}, task=task)

    def cost(params: Params) -> float:
        """Multiply-adds that a row takes; asked when trials are proposed, so the folds are there."""
        return float(operations(complete(params), folds[0].inputs, folds[0].outputs))

    def need(params: Params) -> tuple[DenseShape, float]:
        """The program of a configuration, and an epoch's share of what compiling it costs; asked later, as `cost`."""
        config, fold = complete(params), folds[0]
        shape = shape_of(
            config, inputs=fold.inputs, outputs=fold.outputs, train_rows=fold.train_rows, dev_rows=fold.dev_rows,
            task=task,
        )  # fmt: skip
        row = operations(config, fold.inputs, fold.outputs)
        return shape, share_of_compiling(fold.train_rows, shape.batch, row, len(folds))

    searcher = searcher_of(settings, space, plan, earlier, cost, need)
    method = searcher.unwrapped
    check_points(method.fixed_points(), complete)
    if not method.only_fixed:
        check_values(space, complete)
        check_points(sample_points(space), complete)
    planned = planned_trials(searcher, wanted_trials, settings.trials)
    settings = settings.model_copy(update={"trials": planned, "method_options": plan})
    stopper = stopper_of(settings, searcher, [name for name, knob in KNOBS.items() if knob.static])
    count = settings.folds or 1
    folds = tuple(
        fold_arrays(data.fold(index, folds=settings.folds, standardize=settings.standardize, seed=settings.seed), task)
        for index in range(count)
    )
    return Setup(settings, data, metric, METRICS[metric], space, searcher, stopper, folds, earlier)


def space_of(settings: StudySettings, data: Dataset, options: Mapping[str, Any]) -> Space:
    """The space of the settings, of controlled experiments, or the default one without what `params` fixes."""
    if settings.search is not None:
        return Space.from_dict(settings.search)
    if settings.experiments:
        return space_of_plan(options)
    rows, features = len(data.split.train), len(data.columns)
    space = default_space(settings.net, rows=rows, features=features, task=str(data.task))
    kept = {name: item for name, item in space.parameters.items() if name not in settings.params}
    return Space(without_lost_conditions(kept, settings.params))


def without_lost_conditions(parameters: dict[str, Any], fixed: dict[str, Any]) -> dict[str, Any]:
    """Parameters whose `when` names a fixed hyperparameter: kept without it if it holds, dropped if it doesn't."""
    kept = {}
    for name, item in parameters.items():
        when = dict(item.when or {})
        gone = [parent for parent in when if parent not in parameters]
        if all(fixed.get(parent) in when[parent] for parent in gone):
            left = {parent: values for parent, values in when.items() if parent not in gone}
            kept[name] = dataclasses.replace(item, when=left or None) if gone else item
    return kept
