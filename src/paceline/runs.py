"""Training given configurations, packed: `train`, `train_many`, and `Run`, what comes of one.

runs = train_many(data, [{"learning_rate": 1e-3}, {"learning_rate": 1e-2}], epochs=30, seeds=[0])
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from paceline.data import Dataset, class_weights
from paceline.errors import EngineError, SettingsError, did_you_mean
from paceline.hyperparameters import Hyperparameters
from paceline.net import Family, Variables, family
from paceline.pack.cache import default_folder
from paceline.pack.cpu import CpuLanes, default_count
from paceline.pack.device import DevicePack
from paceline.pack.executor import Executor, Job
from paceline.pack.folds import FoldArrays, FoldData
from paceline.pack.programs import Programs
from paceline.pack.trials import PreparedTrial, prepare
from paceline.records import COLUMNS, METRICS, Params
from paceline.training.arguments import default_metric
from paceline.training.program import DIVERGED, EARLY, State

if TYPE_CHECKING:
    import pandas as pd

    from paceline.data import Fold
    from paceline.model import Model

Array = NDArray[np.float32]
OUTCOMES = {DIVERGED: "diverged", EARLY: "early"}
REGRESSION_METRICS = ("loss", "rmse", "mae", "r2")
HISTORY_METRICS = ("balanced_accuracy", "f1")
"""What a run's history shows beside what every program measures; the area under the ROC curve costs a sort an epoch."""
MOST_SEED = 2**32 - 1


@cache
def shared_programs() -> Programs:
    """The compiled programs of this process, stored in the user's cache folder."""
    return Programs(default_folder())


def lane_count(lanes: int | None) -> int:
    """How many lanes to use: what is asked for, or as many as the cores suggest."""
    if lanes is None:
        return default_count(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    if isinstance(lanes, bool) or not isinstance(lanes, int) or lanes < 1:
        raise SettingsError(f"`n_jobs >= 1` must hold, but got n_jobs={lanes!r}.")
    return lanes


def make_executor(lanes: int | None) -> Executor:
    """What trains: threads on a CPU, a vmapped pack on a GPU or TPU. $PACELINE_LANES=pack forces the latter."""
    import jax

    if jax.default_backend() != "cpu" or os.environ.get("PACELINE_LANES") == "pack":
        return DevicePack(shared_programs())
    return CpuLanes(shared_programs(), lane_count(lanes))


def chosen_metric(metric: str | None, task: str) -> str:
    """The metric to judge by: the given one if it suits the task, else the task's default."""
    if metric is None:
        return default_metric(task)
    if metric not in METRICS:
        raise SettingsError(f"unknown metric {metric!r}{did_you_mean(metric, METRICS)}")
    suits = {
        "regression": REGRESSION_METRICS,
        "multilabel": ("loss", "log_loss", "error", "accuracy", "auc"),
    }.get(task, tuple(name for name in METRICS if name not in REGRESSION_METRICS or name == "loss"))
    if metric not in suits:
        raise SettingsError(f"metric {metric!r} doesn't suit a {task} target; it may be {', '.join(suits)}.")
    return metric


def check_seed(seed: object) -> None:
    """Refuse a seed of a training that isn't a whole number of 32 bits. Raises SettingsError."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed <= MOST_SEED:
        raise SettingsError(f"a seed must be a whole number from 0 to {MOST_SEED}, but got {seed!r}.")


def check_plan_of_runs(params: object, epochs: object, seeds: object) -> None:
    """Refuse a call of `train_many` that names no run, or not in the form of lists. Raises SettingsError."""
    if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 1:
        raise SettingsError(f"`epochs >= 1` must hold, but got epochs={epochs!r}.")
    for name, given, one in (("params", params, "[{'units': 64}]"), ("seeds", seeds, "[0]")):
        if isinstance(given, str | Mapping) or not isinstance(given, Sequence | np.ndarray) or not len(given):
            raise SettingsError(f"`{name}` must be a list of at least one, e.g. {one}, but got {given!r}.")
    for seed in cast("Sequence[object]", seeds):
        check_seed(seed)


@dataclass(frozen=True, eq=False)
class RawRun:
    """What training leaves, in plain arrays.

    Attributes:
        measurements: (epochs, len(COLUMNS)) float32.
        last, best: the net after the last epoch, and at the best one by the metric.
        best_epoch: counted from 1; 0 if no epoch was finite.
        status: "finished", "early" (stopped by its patience) or "diverged".
        epochs: epochs trained.
    """

    measurements: Array
    last: Variables
    best: Variables
    best_epoch: int
    status: str
    epochs: int


def raw_run(trial: PreparedTrial, state: State, measurements: Array) -> RawRun:
    return RawRun(
        measurements=measurements,
        last=trial.variables(state, best=False),
        best=trial.variables(state, best=True),
        best_epoch=int(state.best_epoch),
        status=OUTCOMES.get(int(state.status), "finished"),
        epochs=int(state.epoch),
    )


def train_prepared(executor: Executor, trials: Sequence[PreparedTrial], *, epochs: int) -> list[RawRun]:
    """Train prepared trials; results in the same order."""
    return train_stages(executor, [(trials, epochs)])


def train_stages(executor: Executor, stages: Sequence[tuple[Sequence[PreparedTrial], int]]) -> list[RawRun]:
    """Train trials whose settings change on the way.

    Args:
        stages: (the trials with their settings of this stage, the epoch up to which it lasts), in order; each stage
            has the same trials in the same order, and goes on from where the one before ended.
    """
    count = len(stages[0][0])
    handles = [("run", index) for index in range(count)]
    for handle in handles:
        executor.drop(handle)
    blocks: dict[object, list[Array]] = {handle: [] for handle in handles}
    for trials, until in stages:
        executor.submit(
            Job(handle, trial, until, (index,))
            for index, (handle, trial) in enumerate(zip(handles, trials, strict=True))
        )
        missing, error = count, None
        while missing:
            for done in executor.collect(timeout=1.0):
                error = error or done.error
                blocks[done.handle].append(done.measurements)
                missing -= 1
        if error is not None:
            raise EngineError(f"a trial could not be trained: {error}") from error
    runs = [
        raw_run(trial, executor.state(handle), np.concatenate(blocks[handle]))
        for trial, handle in zip(stages[-1][0], handles, strict=True)
    ]
    for handle in handles:
        executor.drop(handle)
    return runs


def train_arrays(
    config: Hyperparameters,
    x_train: Array,
    y_train: Array,
    x_dev: Array,
    y_dev: Array,
    *,
    task: str,
    seed: int,
    epochs: int,
    net: str = "dense",
    class_weights: Array | None = None,
    target_scale: float = 1.0,
    metric: str | None = None,
) -> RawRun:
    """Train one configuration on arrays that are ready for the net.

    Args:
        x_train (n, *sample), x_dev (m, *sample): normalised inputs, float32.
        y_train (n, c), y_dev (m, c): one-hot classes, 0/1 labels or standardised numbers, float32.
        task: "binary", "classes", "multilabel" or "regression".
        net: name of the family that the configuration is of.
        class_weights: (c,), for binary (2,), float32.
        target_scale: what regression errors are multiplied by.
    """
    kind = family(net)
    with make_executor(None) as executor:
        arrays = FoldArrays(x_train, y_train, x_dev, y_dev, task, (target_scale,))
        trial = prepare(
            kind,
            config,
            executor.put_fold(kind, arrays),
            seed=seed,
            epochs=epochs,
            metric=chosen_metric(metric, task),
            class_weights=class_weights,
            measured=HISTORY_METRICS,
        )
        return train_prepared(executor, [trial], epochs=epochs)[0]


@dataclass(frozen=True, eq=False)
class Run:
    """One trained configuration.

    Attributes:
        params: the configuration as given.
        seed: of weights, batches and masks.
        status: "finished", "early" (stopped by its patience) or "diverged".
        metric: what `score` and `best_epoch` go by.
        score: validation metric at the best epoch; NaN if no epoch was finite.
        best_epoch: counted from 1.
        raw: curves and weights as plain arrays.
        findings: what is worth knowing about the run, a sentence each.
    """

    params: Params
    seed: int
    status: str
    metric: str
    score: float
    best_epoch: int
    raw: RawRun = field(repr=False)
    family: Family = field(repr=False)
    config: Hyperparameters = field(repr=False)
    fold: Fold = field(repr=False)
    findings: tuple[str, ...] = ()

    @property
    def history(self) -> pd.DataFrame:
        """A row an epoch: train loss and error, validation metrics (accuracy included), learning rate."""
        import pandas as pd

        frame = pd.DataFrame(self.raw.measurements.astype(np.float64), columns=list(COLUMNS))
        frame.insert(0, "epoch", np.arange(1, len(frame) + 1))
        frame.insert(list(frame.columns).index("error") + 1, "accuracy", 1 - frame["error"])
        return frame.dropna(axis=1, how="all")

    @property
    def model(self) -> Model:
        """The model at the best epoch."""
        from paceline.model import Model

        return Model(self.family, self.config, *self.raw.best, self.fold.inputs, self.fold.target)


def metric_value(metric: str, row: Array) -> float:
    """A metric of one row of measurements, in its own unit and sign."""
    if metric == "accuracy":
        return 1.0 - float(row[COLUMNS.index("error")])
    return float(row[COLUMNS.index("loss" if metric == "log_loss" else metric)])


def put_fold(executor: Executor, kind: Family, fold: Fold, task: str, most_rows: tuple[int, int] = (0, 0)) -> FoldData:
    """Hand a fold to an executor; regression errors come out in each target's own unit. See `Executor.put_fold`."""
    scale = tuple(fold.target.scale) if task == "regression" else (1.0,)
    arrays = FoldArrays(fold.x_train, fold.y_train, fold.x_dev, fold.y_dev, task, scale)
    return executor.put_fold(kind, arrays, most_rows)


def train_many(
    data: Dataset,
    params: Sequence[Params | Mapping[str, Any]],
    *,
    net: str = "dense",
    epochs: int = 30,
    seeds: Sequence[int] = (0,),
    metric: str | None = None,
    n_jobs: int | None = None,
    standardize: str = "standard",
) -> list[Run]:
    """Train configurations together, each once a seed.

    Args:
        data: from `load`.
        params: configurations; what they leave out takes its default (see `hyperparameters`).
        net: kind of the net.
        epochs: at most so many each (early stopping and divergence may end a run sooner).
        seeds: each configuration is trained with each seed.
        metric: validation metric that picks the best epoch; default error, for regression rmse.
        n_jobs: number of parallel workers (threads that train); default one more than cores.

    Returns:
        Runs in the order of `params`, and within each of `seeds`. A run's curve doesn't depend on its company.

    Raises:
        HyperparameterError, SettingsError: a configuration or argument breaks a rule; nothing is trained then.
    """
    check_plan_of_runs(params, epochs, seeds)
    task = str(data.task)
    metric = chosen_metric(metric, task)
    kind = family(net)
    configs = [kind.resolve(item, task=task) for item in params]
    fold = data.fold(standardize=standardize)
    with make_executor(n_jobs) as executor:
        arrays = put_fold(executor, kind, fold, task)
        trials = [
            prepare(
                kind,
                config,
                arrays,
                seed=int(seed),
                epochs=epochs,
                metric=metric,
                class_weights=None if config.class_weight is None else class_weights(config.class_weight, data),
                measured=HISTORY_METRICS,
            )
            for config in configs
            for seed in seeds
        ]
        raws = train_prepared(executor, trials, epochs=epochs)
    given = [dict(item) for item in params for _ in seeds]
    return [
        Run(
            params=item,
            seed=trial.seed,
            status=raw.status,
            metric=metric,
            score=metric_value(metric, raw.measurements[raw.best_epoch - 1]) if raw.best_epoch else float("nan"),
            best_epoch=raw.best_epoch,
            raw=raw,
            family=kind,
            config=trial.config,
            fold=fold,
            findings=run_findings(raw),
        )
        for item, trial, raw in zip(given, trials, raws, strict=True)
    ]


def run_findings(raw: RawRun) -> tuple[str, ...]:
    """What the status of a run means, in words."""
    if raw.status == "diverged":
        return (f"diverged in epoch {raw.epochs}: the loss was no longer finite, or absurd; lower the learning rate.",)
    if raw.status == "early":
        return (f"early stopping ended the run after epoch {raw.epochs}; the best was epoch {raw.best_epoch}.",)
    return ()


def train(
    data: Dataset, *, net: str = "dense", epochs: int = 30, seed: int = 0, metric: str | None = None, **params: Any
) -> Run:
    """Train one configuration, e.g. `train(data, epochs=30, learning_rate=1e-3, units=128)`; see `train_many`."""
    return train_many(data, [params], net=net, epochs=epochs, seeds=[seed], metric=metric)[0]
