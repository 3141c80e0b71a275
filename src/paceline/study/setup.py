"""What a study needs before its first trial: data on the device, space, searcher, stopper, all checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from paceline.data import Dataset, class_weights
from paceline.hyperparameters import Hyperparameters
from paceline.net import Family, Spec, family
from paceline.pack.executor import Executor
from paceline.pack.folds import FoldData
from paceline.pack.trials import PreparedTrial, prepare, program_shape
from paceline.records import METRICS, Params
from paceline.runs import chosen_metric, put_fold
from paceline.search import Searcher, Stopper
from paceline.seeds import seed_for
from paceline.settings import StudySettings
from paceline.space import Space
from paceline.study import objectives
from paceline.study.checks import check_names, check_points, check_values, sample_points
from paceline.study.comparable import check_losses
from paceline.study.experiments import method_options, planned_trials, space_of_plan
from paceline.study.searching import searcher_of, share_of_compiling, stopper_of


@dataclass(frozen=True, eq=False)
class Setup:
    """A study, ready to run.

    Attributes:
        settings: resolved settings; data: the data set; family: kind of the nets.
        executor: what trains; it holds the folds' arrays.
        metric: what trials are judged by; goal: "minimize" or "maximize".
        space, searcher, stopper: as the settings say.
        folds: what trials must know of each validation fold.
        earlier: what an older study found (see `study.warm`); None for a cold start.
    """

    settings: StudySettings
    data: Dataset
    family: Family
    executor: Executor
    metric: str
    goal: str
    space: Space
    searcher: Searcher
    stopper: Stopper
    folds: tuple[FoldData, ...]
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
        config: Hyperparameters = self.family.resolve({**self.settings.params, **params}, task=self.task)
        return config

    def prepared(self, params: Params, fold: int, seed: int) -> PreparedTrial:
        """A trial on one of the study's folds, ready for a lane."""
        return self.prepared_on(self.folds[fold], params, seed if fold == 0 else seed_for(seed, "folds", fold))

    def prepared_on(self, fold: FoldData, params: Params, seed: int) -> PreparedTrial:
        config = self.config(params)
        weights = None if config.class_weight is None else class_weights(config.class_weight, self.data)
        return prepare(
            self.family, config, fold, seed=seed, epochs=self.settings.epochs, metric=self.metric,
            class_weights=weights, measured=self.settings.objectives,
        )  # fmt: skip


def set_up(
    settings: StudySettings, data: Dataset, executor: Executor, earlier: Mapping[str, Any] | None = None
) -> Setup:
    """Check everything and hand the folds to the executor; nothing is trained or written yet.

    Args: earlier: what an older study found; see `study.warm`.

    Raises:
        SettingsError, SpaceError, HyperparameterError, DataError: the first thing that is wrong.
    """
    wanted_trials, settings = settings.trials, settings.resolved()
    task = str(data.task)
    net = family(settings.net)
    metric = chosen_metric(settings.metric, task)
    objectives.check(settings, metric, task)
    net.resolve(settings.params, task=task)
    plan = method_options(settings, net)
    space = space_of(settings, data, net, plan)
    check_names(space, net.knobs)
    check_losses(space, settings, metric, task)

    def complete(params: Params) -> Hyperparameters:
        config: Hyperparameters = net.resolve({**settings.params, **params}, task=task)
        return config

    def trainable(params: Params) -> Hyperparameters:
        """The same, and its class weights suit the data, too."""
        config = complete(params)
        if config.class_weight is not None:
            class_weights(config.class_weight, data)
        return config

    def need(params: Params) -> tuple[Hashable, float]:
        """The program of a configuration, and an epoch's share of what compiling it costs.

        Asked when trials are proposed, so the folds are there.
        """
        config, fold = complete(params), folds[0]
        shape = program_shape(net, config, fold)
        operations = net.size(config, fold.spec).operations
        return shape, share_of_compiling(fold.spec.train_rows, shape.batch, operations, len(folds))

    trainable({})
    searcher = searcher_of(settings, space, plan, earlier, net, need)
    method = searcher.unwrapped
    check_points(method.fixed_points(), trainable)
    if not method.only_fixed:
        check_values(space, trainable)
        check_points(sample_points(space), trainable)
    planned = planned_trials(searcher, wanted_trials, settings.trials)
    settings = settings.model_copy(update={"trials": planned, "method_options": plan})
    stopper = stopper_of(settings, searcher, list(net.static))
    count = settings.folds or 1
    rows = [data.fold_rows(index, settings.folds, settings.seed) for index in range(count)]
    most_rows = max(len(train) for train, _ in rows), max(len(dev) for _, dev in rows)
    folds = tuple(
        put_fold(
            executor,
            net,
            data.fold(index, folds=settings.folds, standardize=settings.standardize, seed=settings.seed),
            task,
            most_rows,
        )
        for index in range(count)
    )
    return Setup(settings, data, net, executor, metric, METRICS[metric], space, searcher, stopper, folds, earlier)


def space_of(settings: StudySettings, data: Dataset, net: Family, options: Mapping[str, Any]) -> Space:
    """The space of the settings, of controlled experiments, or the default one without what `params` fixes."""
    if settings.search is not None:
        return Space.from_dict(settings.search)
    if settings.experiments:
        return space_of_plan(options)
    # Of a table the columns count, not what they are encoded to.
    spec = Spec(
        data.source.sample, "float32", data.n_outputs, str(data.task), len(data.split.train), len(data.split.dev)
    )
    space = net.space(spec)
    kept = {name: item for name, item in space.parameters.items() if name not in settings.params}
    return Space(without_lost_conditions(kept, settings.params))


def without_lost_conditions(parameters: dict[str, Any], fixed: dict[str, Any]) -> dict[str, Any]:
    """Parameters whose `when` names a fixed hyperparameter: kept without it if it holds, dropped if it doesn't."""
    kept = {}
    for name, item in parameters.items():
        when = dict(item.when or {})
        fixed_parents = [parent for parent in when if parent not in parameters]
        if all(fixed.get(parent) in when[parent] for parent in fixed_parents):
            left = {parent: values for parent, values in when.items() if parent not in fixed_parents}
            kept[name] = dataclasses.replace(item, when=left or None) if fixed_parents else item
    return kept
