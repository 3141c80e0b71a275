"""A trial's hyperparameters as a few short arrays: the run-time data of a compiled program.

A call of a compiled program costs time for each argument, so all plain numbers travel in one vector, all
choices in another, and everything that differs between layers in two small tables. `Knobs` reads them back
by name inside the program.
"""

import math
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray

from paceline.hyperparameters import (
    MAX_POINTS,
    NORMS,
    OPTIMIZERS,
    SCHEDULES,
    Hyperparameters,
    alpha_of,
    loss_name,
    per_layer,
)
from paceline.net.activations import form_of
from paceline.records import COLUMNS, METRICS
from paceline.training.optimizers import first_moment, table_of

Array = jax.Array
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

FLOATS = (
    "learning_rate", "momentum", "log_momentum", "log_beta2", "weight_decay", "clip_value", "clip_norm",
    "schedule_rate", "schedule_drop", "schedule_every", "schedule_power", "schedule_end", "hold_epochs",
    "warmup_epochs", "plateau_factor", "momentum_end",
    "norm_momentum", "norm_epsilon", "input_dropout", "l1", "l2", "bias_l1", "bias_l2", "activity_l1", "activity_l2",
    "max_norm", "weight_rescale", "label_smoothing", "weight_noise", "input_noise", "min_delta", "huber_delta",
    "reduction_sum", "skip_add", "norm_before", "norm_after", "drop_weights", "metric_sign", "loss_limit",
)  # fmt: skip
CODES = (
    "optimizer", "schedule", "schedule_unit_step", "momentum_schedule", "norm", "loss",
    "patience", "plateau_patience", "metric", "points", "momentum_points", "epochs",
)  # fmt: skip
LAYER_FLOATS = ("dropout", "alpha", "scale")


class Hyper(NamedTuple):
    """Run-time data of one trial.

    floats (len(FLOATS),) float32; codes (len(CODES),) int32; rule (len(COEFFICIENTS), len(TERMS)) float32, the
    optimiser as a table (see training.optimizers); layer_floats (layers, 3) float32; activations and
    units (layers,) int32; points and momentum_points (MAX_POINTS, 2) float32; class_weights (outputs,) or for
    binary targets (2,), padded with 1, float32; seed () uint32; inputs and outputs () int32, real columns of x and y.
    """

    floats: Leaf
    codes: Leaf
    rule: Leaf
    layer_floats: Leaf
    activations: Leaf
    units: Leaf
    points: Leaf
    momentum_points: Leaf
    class_weights: Leaf
    seed: Leaf
    inputs: Leaf
    outputs: Leaf


class Knobs:
    """Reads `Hyper` by name inside a traced function: `Knobs(hyper).learning_rate` is a () array."""

    def __init__(self, hyper: Hyper) -> None:
        self.hyper = hyper

    def __getattr__(self, name: str) -> Array:
        if name in _FLOAT_AT:
            number: Array = self.hyper.floats[_FLOAT_AT[name]]
        else:
            number = self.hyper.codes[_CODE_AT[name]]
        return number

    def layer(self, name: str, index: int) -> Array:
        """A per-layer number: "dropout", or the activation's "alpha" or "scale", of hidden layer `index` (from 0)."""
        number: Array = self.hyper.layer_floats[index, LAYER_FLOATS.index(name)]
        return number


_FLOAT_AT = {name: index for index, name in enumerate(FLOATS)}
_CODE_AT = {name: index for index, name in enumerate(CODES)}


def metric_column(metric: str) -> tuple[int, float]:
    """(column of COLUMNS, sign that makes lower better) of a study metric; accuracy is judged by error."""
    name = {"accuracy": "error", "log_loss": "loss"}.get(metric, metric)
    goal = "minimize" if metric == "accuracy" else METRICS[metric]
    return COLUMNS.index(name), -1.0 if goal == "maximize" else 1.0


def default_metric(task: str) -> str:
    """What a study of this task is judged by unless told otherwise."""
    return "rmse" if task == "regression" else "error"


def encode(
    config: Hyperparameters,
    *,
    task: str,
    metric: str,
    seed: int,
    epochs: int,
    rows: int,
    inputs: int,
    outputs: int,
    padded_outputs: int,
    class_weights: NDArray[np.float32] | None,
    chance_loss: float,
) -> Hyper:
    """Pack a configuration for a compiled program. Differences like 1 - beta are formed in double precision.

    Args:
        epochs: the epochs that schedules spread over.
        rows: training rows of the fold, the m of the per-row penalties.
        chance_loss: loss of a net that knows only the class shares (or the mean); far above it means diverged.
    """
    column, sign = metric_column(metric)
    loss = loss_name(config, task)
    decay = config.weight_decay if config.weight_decay is not None else 0.01 if config.optimizer == "adamw" else 0.0
    per_row = config.penalty_scale == "per_row"
    scale1, scale2 = (1 / (2 * rows), 1 / rows) if per_row else (1.0, 2.0)
    rate_default = {"exponential": 0.95}.get(config.schedule, 1.0)
    units = per_layer(config, "units")
    batch_norm_first = config.norm != "none" and config.norm_position == "before"
    floats = {
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
        "norm_momentum": config.norm_momentum,
        "norm_epsilon": config.norm_epsilon,
        "input_dropout": config.input_dropout,
        "l1": config.l1 * scale1,
        "l2": config.l2 * scale2,
        "bias_l1": config.bias_l1 * scale1,
        "bias_l2": config.bias_l2 * scale2,
        "activity_l1": config.activity_l1,
        "activity_l2": config.activity_l2,
        "max_norm": _or_inf(config.max_norm),
        "weight_rescale": config.weight_rescale,
        "label_smoothing": config.label_smoothing,
        "weight_noise": config.weight_noise,
        "input_noise": config.input_noise,
        "min_delta": config.min_delta,
        "huber_delta": config.huber_delta,
        "reduction_sum": float(config.reduction == "sum"),
        "skip_add": float(config.skip == "add"),
        "norm_before": float(batch_norm_first),
        "norm_after": float(config.norm != "none" and not batch_norm_first),
        "drop_weights": float(config.dropout_kind == "weights"),
        "metric_sign": sign,
        "loss_limit": LOSS_LIMIT * max(chance_loss, 1e-3),
    }
    codes = {
        "optimizer": OPTIMIZERS.index(config.optimizer),
        "schedule": SCHEDULES.index(config.schedule),
        "schedule_unit_step": int(config.schedule_unit == "step"),
        "momentum_schedule": ("constant", "linear", "manual").index(config.momentum_schedule),
        "norm": NORMS.index(config.norm),
        "loss": LOSS_CODES[task].index(loss),
        "patience": config.patience if config.patience is not None else FOREVER,
        "plateau_patience": config.plateau_patience,
        "metric": column,
        "points": len(config.schedule_points),
        "momentum_points": len(config.momentum_points),
        "epochs": epochs,
    }
    forms = [form_of(name, alpha_of(config, name)) for name in per_layer(config, "activation")]
    layers = [(rate, form[1], form[2]) for rate, form in zip(per_layer(config, "dropout"), forms, strict=True)]
    weights = np.ones(max(padded_outputs, 2), np.float32)
    if class_weights is not None:
        weights[: len(class_weights)] = class_weights
    return Hyper(
        floats=np.array([floats[name] for name in FLOATS], np.float32),
        codes=np.array([codes[name] for name in CODES], np.int32),
        rule=table_of(config),
        layer_floats=np.array(layers, np.float32).reshape(config.layers, len(LAYER_FLOATS)),
        activations=np.array([form[0] for form in forms], np.int32),
        units=np.array(units, np.int32),
        points=_points(config.schedule_points),
        momentum_points=_points(config.momentum_points),
        class_weights=weights,
        seed=np.uint32(seed) * np.ones((), np.uint32),
        inputs=np.array(inputs, np.int32),
        outputs=np.array(outputs, np.int32),
    )


LOSS_LIMIT = 1e4
"""A trial whose epoch loss exceeds this many times the chance loss counts as diverged, finite or not."""


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -1e30


def _or_inf(value: float | None) -> float:
    return math.inf if value is None else value


def _points(pairs: tuple[tuple[float, float], ...]) -> NDArray[np.float32]:
    table = np.zeros((MAX_POINTS, 2), np.float32)
    table[:, 0] = np.inf
    for index, pair in enumerate(pairs):
        table[index] = pair
    return table
