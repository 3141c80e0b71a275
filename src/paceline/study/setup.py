"""What a study needs before its first trial: data on the device, space, searcher, stopper, all checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paceline.data import Dataset, class_weights
from paceline.errors import HyperparameterError, SettingsError, SpaceError, did_you_mean
from paceline.hyperparameters import Hyperparameters
from paceline.net import Family, Spec, family
from paceline.pack.executor import Executor
from paceline.pack.folds import FoldData
from paceline.pack.trials import PreparedTrial, prepare, program_shape
from paceline.records import METRICS, Params
from paceline.runs import chosen_metric, put_fold
from paceline.search import Searcher, Stopper, make_searcher, make_stopper
from paceline.search.few_programs import FewPrograms
from paceline.search.first import First
from paceline.search.population import Population
from paceline.search.probes import PROBES
from paceline.seeds import generator, seed_for
from paceline.settings import StudySettings
from paceline.space import Space
from paceline.study import objectives
from paceline.study.comparable import check_losses
from paceline.study.experiments import arms_of, method_options, planned_trials, space_of_plan
from paceline.study.portfolio import portfolio, usual_point
from paceline.study.warm import RUN_FIRST, carried

COMPILING = 2e10
"""Multiply-adds of training that take as long as compiling a program, roughly: 5 s of a core, against 3e9 to 1e10
forward ones a second."""


@dataclass(frozen=True, eq=False)
class Setup:
    """A study, ready to run.

    Attributes:
        settings: resolved settings; data: the data set; family: kind of the nets.
        executor: what trains; it holds the folds' arrays.
        metric: what trials are judged by; goal: "minimize" or "maximize".
        space, searcher, stopper: as the settings say.
        folds: what trials must know of each dev fold.
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
        """The searcher without the configurations that it begins with."""
        return self.searcher.searcher if isinstance(self.searcher, First) else self.searcher

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
    check_names(space, net)
    check_losses(space, settings, metric, task)

    def complete(params: Params) -> Hyperparameters:
        config: Hyperparameters = net.resolve({**settings.params, **params}, task=task)
        return config

    def cost(params: Params) -> float:
        """Multiply-adds that a row takes; asked when trials are proposed, so the folds are there."""
        return float(net.size(complete(params), folds[0].spec).operations)

    def need(params: Params) -> tuple[Hashable, float]:
        """The program of a configuration, and an epoch's share of what compiling it costs; asked later, as `cost`."""
        config, fold = complete(params), folds[0]
        shape = program_shape(net, config, fold)
        return shape, fold.spec.train_rows * net.size(config, fold.spec).operations / COMPILING

    options: dict[str, Any] = beginning(settings, space, earlier, net)
    if settings.method == "bayes":
        wanted = (options | plan).get("portfolio", [])
        own = {"cost": cost, "programs": FewPrograms(space, need, net.static, wanted)}
        if taken := sorted(own.keys() & plan.keys()):
            raise SettingsError(f"option {taken[0]!r} of method 'bayes' is what the study itself gives; leave it out.")
        options |= own
    options |= plan
    first = options.pop("first", ())
    searcher = make_searcher(settings.method, space, seed=settings.seed, **options)
    if first:
        searcher = First(searcher, first, {} if "first" in plan else sources_of(space, earlier, net))
    check_points(arms_of(searcher) or probes(space), settings.params, task, net)
    planned = planned_trials(searcher, wanted_trials, settings.trials)
    settings = settings.model_copy(update={"trials": planned, "method_options": plan})
    stopper = stopper_of(settings, searcher, net)
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


def stopper_of(settings: StudySettings, searcher: Searcher, net: Family) -> Stopper:
    """The settings' stopper; a population's own one."""
    assert settings.stopper is not None  # resolved
    searcher = searcher.searcher if isinstance(searcher, First) else searcher
    if arms_of(searcher) and settings.stopper != "none":
        raise SettingsError(
            f"controlled experiments train every arm to its end, so `stopper` must be 'none', but got "
            f"{settings.stopper!r}."
        )
    if not isinstance(searcher, Population):
        return make_stopper(settings.stopper, epochs=settings.epochs, **settings.stopper_options)
    if settings.stopper != "none":
        raise SettingsError(
            f"method 'population' ends trials itself, so `stopper` must be 'none', but got {settings.stopper!r}."
        )
    return searcher.stopper(settings.epochs, inherited=list(net.static))


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


def beginning(settings: StudySettings, space: Space, earlier: Mapping[str, Any] | None, net: Family) -> dict[str, Any]:
    """Options of the method that say what it knows or tries before its own proposals."""
    usual = [usual_point(space, net.resolve({}))] if settings.method == "bayes" else []
    if earlier is None:
        if settings.method != "bayes":
            return {}
        # A stopper's probes are to be draws: among configurations that all do well, early readings foretell little.
        draws = 2 if settings.stopper == "none" else PROBES
        return {"first": usual, "portfolio": portfolio(space), "startup": draws}
    if settings.method == "manual":
        raise SettingsError("method 'manual' runs its own list, so a warm start has no place in it; choose another.")
    known = carried(earlier, space, net.resolve({}))
    if not known:
        raise SettingsError(
            f"no configuration of the study {earlier['from']!r} lies in the new search space; widen the space, "
            "or leave the warm start out."
        )
    first = {space.key(point): point for point in [*(point for point, _ in known[:RUN_FIRST]), *usual]}
    return {"first": list(first.values())} | ({"earlier": known} if settings.method == "bayes" else {})


def sources_of(space: Space, earlier: Mapping[str, Any] | None, net: Family) -> dict[str, str]:
    """Where the first configurations that `beginning` names come from, by `space.key`."""
    older = [] if earlier is None else carried(earlier, space, net.resolve({}))[:RUN_FIRST]
    return {space.key(usual_point(space, net.resolve({}))): "default"} | {
        space.key(point): "warm start" for point, _ in older
    }


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


def check_names(space: Space, net: Family) -> None:
    """Every parameter must be a hyperparameter."""
    unknown = [name for name in space.names if name not in net.knobs]
    if unknown:
        hint = did_you_mean(unknown[0], net.knobs)
        raise SpaceError(f"the space names {unknown[0]!r}, which is no hyperparameter of {net.name} nets{hint}")


def check_points(points: Sequence[Params], fixed: Params, task: str, net: Family) -> None:
    """All of them must be configurations that can be trained."""
    for point in points:
        try:
            net.resolve({**fixed, **point}, task=task)
        except HyperparameterError as error:
            raise SpaceError(f"the space holds configurations that can't be trained: {error}") from None


def probes(space: Space) -> list[Params]:
    """A few points that show what a space holds: its default, its ends, some draws."""
    return [space.default_point(), *ends(space), *(space.sample(generator(0, "search", 0)) for _ in range(8))]


def ends(space: Space) -> list[Params]:
    """The two opposite corners of the space's unit cube."""
    corner: NDArray[np.float64] = np.zeros(len(space.slots))
    return [space.from_unit(corner), space.from_unit(corner + 1.0)]
