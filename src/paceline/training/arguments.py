"""A trial's hyperparameters as a few short arrays: the run-time data of a compiled program.

A call of a compiled program costs time for each argument, so all plain numbers travel in one vector, all counts and
all choices in others; the net adds arrays of its own. A new hyperparameter is a field of its class and a line of
`floats_of`, `counts_of` or `kinds_of`; `read` finds it by name inside the program.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paceline.hyperparameters import OPTIMIZERS, SCHEDULES, Hyperparameters, loss_name
from paceline.knobs import MAX_POINTS
from paceline.net.base import Arguments, Family, Spec
from paceline.net.packed import PackedNumbers
from paceline.records import COLUMNS, METRICS
from paceline.training.optimizers import first_moment, table_of

Leaf = Any
"""A leaf of a pytree: a numpy array outside of a program, a JAX array inside."""

LOSS_CODES = {
    "classes": ("cross_entropy", "sigmoid"),
    "binary": ("sigmoid",),
    "multilabel": ("sigmoid",),
    "regression": ("mse", "half_sse", "mae", "huber"),
}
"""Task -> the losses among which its programs choose."""
FOREVER = 1 << 30
LOSS_LIMIT = 1e4
"""A trial whose epoch loss exceeds this many times the chance loss counts as diverged, finite or not."""


class TrialArguments(NamedTuple):
    """Run-time data of one trial.

    floats, counts, kinds: by the names of FLOATS (float32), COUNTS and KINDS (int32); rule (len(COEFFICIENTS),
    len(TERMS)) float32, the optimiser as a table (see training.optimizers); points and momentum_points
    (MAX_POINTS, 2) float32; class_weights (outputs,) or for binary targets (2,), padded with 1, float32; seed ()
    uint32; outputs () int32, real columns of y; net: what the family adds.
    """

    floats: Leaf
    counts: Leaf
    kinds: Leaf
    rule: Leaf
    points: Leaf
    momentum_points: Leaf
    class_weights: Leaf
    seed: Leaf
    outputs: Leaf
    net: Arguments


class TrainingReader:
    """Reads the numbers of training by name inside a traced function: `read(arguments).learning_rate` is a () array."""

    __slots__ = ("_arguments",)

    def __init__(self, arguments: TrialArguments) -> None:
        self._arguments = arguments

    def __getattr__(self, name: str) -> Any:
        for layout, vector in zip((FLOATS, COUNTS, KINDS), self._arguments[:3], strict=True):
            if name in layout.names:
                return layout.number(vector, name)
        raise AttributeError(name)


def read(arguments: TrialArguments) -> TrainingReader:
    """The numbers of training, by name."""
    return TrainingReader(arguments)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -1e30


def _or_inf(value: float | None) -> float:
    return math.inf if value is None else value


def floats_of(config: Hyperparameters, rows: int, sign: float, chance_loss: float) -> dict[str, float]:
    """The plain numbers. Differences like 1 - beta are formed in double precision. See `encode`."""
    decay = config.weight_decay if config.weight_decay is not None else 0.01 if config.optimizer == "adamw" else 0.0
    scale1, scale2 = (1 / (2 * rows), 1 / rows) if config.penalty_scale == "per_row" else (1.0, 2.0)
    rate_default = {"exponential": 0.95}.get(config.schedule, 1.0)
    return {
        "learning_rate": config.learning_rate,
        "momentum": first_moment(config),
        "log_momentum": _log(first_moment(config)),
        "log_beta2": _log(config.beta2),
        "weight_decay": decay,
        "clip_value": _or_inf(config.clip_value),
        "clip_norm": _or_inf(config.clip_norm),
        "schedule_rate": config.schedule_rate if config.schedule_rate is not None else rate_default,
        "schedule_drop": config.schedule_drop,
        "schedule_every": config.schedule_every,
        "schedule_power": config.schedule_power,
        "schedule_end": config.schedule_end,
        "hold_epochs": config.hold_epochs,
        "warmup_epochs": config.warmup_epochs,
        "plateau_factor": config.plateau_factor,
        "momentum_end": config.momentum_end,
        "l1": config.l1 * scale1,
        "l2": config.l2 * scale2,
        "bias_l1": config.bias_l1 * scale1,
        "bias_l2": config.bias_l2 * scale2,
        "max_norm": _or_inf(config.max_norm),
        "weight_rescale": config.weight_rescale,
        "label_smoothing": config.label_smoothing,
        "min_delta": config.min_delta,
        "huber_delta": config.huber_delta,
        "reduction_sum": float(config.reduction == "sum"),
        "metric_sign": sign,
        "loss_limit": LOSS_LIMIT * max(chance_loss, 1e-3),
    }


def counts_of(config: Hyperparameters, column: int, epochs: int) -> dict[str, int]:
    """The whole numbers that are no choice among branches."""
    return {
        "patience": config.patience if config.patience is not None else FOREVER,
        "plateau_patience": config.plateau_patience,
        "metric": column,
        "epochs": epochs,
    }


def kinds_of(config: Hyperparameters, task: str) -> dict[str, int]:
    """The choices among branches."""
    return {
        "optimizer": OPTIMIZERS.index(config.optimizer),
        "schedule": SCHEDULES.index(config.schedule),
        "schedule_unit_step": int(config.schedule_unit == "step"),
        "momentum_schedule": ("constant", "linear", "manual").index(config.momentum_schedule),
        "loss": LOSS_CODES[task].index(loss_name(config, task)),
    }


_ANY = Hyperparameters()
FLOATS = PackedNumbers(floats_of(_ANY, 1, 1.0, 1.0), np.float32)
COUNTS = PackedNumbers(counts_of(_ANY, 0, 1), np.int32)
KINDS = PackedNumbers(kinds_of(_ANY, "binary"), np.int32)


def metric_column(metric: str) -> tuple[int, float]:
    """(column of COLUMNS, sign that makes lower better) of a study metric; accuracy is judged by error."""
    name = {"accuracy": "error", "log_loss": "loss"}.get(metric, metric)
    goal = "minimize" if metric == "accuracy" else METRICS[metric]
    return COLUMNS.index(name), -1.0 if goal == "maximize" else 1.0


def default_metric(task: str) -> str:
    """What a study of this task is judged by unless told otherwise."""
    return "rmse" if task == "regression" else "error"


def encode(
    family: Family,
    config: Hyperparameters,
    spec: Spec,
    shape: Any,
    *,
    metric: str,
    seed: int,
    epochs: int,
    padded_outputs: int,
    class_weights: NDArray[np.float32] | None,
    chance_loss: float,
) -> TrialArguments:
    """Pack a configuration for a compiled program.

    Args:
        spec: of the fold; its training rows are the m of the per-row penalties.
        shape: the family's part of the program's shape.
        epochs: the epochs that schedules spread over.
        padded_outputs: columns of the program's y.
        chance_loss: loss of a net that knows only the class shares (or the mean); far above it means diverged.
    """
    column, sign = metric_column(metric)
    weights = np.ones(max(padded_outputs, 2), np.float32)
    if class_weights is not None:
        weights[: len(class_weights)] = class_weights
    return TrialArguments(
        floats=FLOATS.pack(floats_of(config, spec.train_rows, sign, chance_loss)),
        counts=COUNTS.pack(counts_of(config, column, epochs)),
        kinds=KINDS.pack(kinds_of(config, spec.task)),
        rule=table_of(config),
        points=_points(config.schedule_points),
        momentum_points=_points(config.momentum_points),
        class_weights=weights,
        seed=np.uint32(seed) * np.ones((), np.uint32),
        outputs=np.array(spec.outputs, np.int32),
        net=family.arguments(config, spec, shape),
    )


def _points(pairs: tuple[tuple[float, float], ...]) -> NDArray[np.float32]:
    table = np.zeros((MAX_POINTS, 2), np.float32)
    table[:, 0] = np.inf
    for index, pair in enumerate(pairs):
        table[index] = pair
    return table
