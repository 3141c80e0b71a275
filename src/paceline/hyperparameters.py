# ruff: noqa: RUF009 (`knob` makes a dataclasses.field)
"""Every knob of a trial: its default, range and meaning. The one list that CLI, docs, space and engine share.

`Hyperparameters` is a plain frozen dataclass; the comment-like `meaning` of each field is what users read.
Fields marked static are part of a compiled program's shape; all the others are run-time data of it, so
changing them never compiles. `resolve` turns a user's partial configuration into a complete, checked one.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from paceline.errors import HyperparameterError, did_you_mean

MAX_LAYERS = 8
MAX_UNITS = 4096
MAX_POINTS = 16

ACTIVATIONS = (
    "linear", "step", "sigmoid", "tanh", "relu", "leaky_relu", "prelu", "elu", "selu", "swish", "gelu", "softplus",
)  # fmt: skip
OPTIMIZERS = (
    "sgd", "momentum", "nesterov", "rmsprop", "adam", "nadam", "adamax", "adamw", "adagrad", "lion",
)  # fmt: skip
SCHEDULES = (
    "constant", "step", "exponential", "inverse_time", "inverse_root", "power", "linear", "cosine", "one_cycle",
    "manual", "plateau",
)  # fmt: skip
INITS = ("auto", "zero", "constant", "normal", "glorot", "glorot_in", "he", "lecun", "orthogonal")
LOSSES = ("auto", "cross_entropy", "sigmoid", "mse", "half_sse", "mae", "huber")
NORMS = ("none", "batch", "layer")

EPSILON = {"rmsprop": 1e-8, "adam": 1e-8, "nadam": 1e-8, "adamax": 1e-8, "adamw": 1e-8, "adagrad": 1e-10}
ACTIVATION_ALPHA = {"leaky_relu": 0.01, "prelu": 0.25, "elu": 1.0, "swish": 1.0}


@dataclass(frozen=True, slots=True)
class Knob:
    """The rule of one hyperparameter.

    Attributes:
        kind: "float", "int", "bool", "choice", "points" (list of (epoch, value)) or "weights" (class weights).
        low, high: closed bounds; an open bound is named in `above` / `below`.
        choices: of a choice.
        per_layer: a list with one value a hidden layer is allowed.
        optional: None is allowed.
        static: part of the compiled program's shape.
        meaning: one line for people, with the source of the method.
    """

    kind: str
    meaning: str
    low: float = -math.inf
    high: float = math.inf
    above: float = -math.inf
    below: float = math.inf
    choices: tuple[str, ...] = ()
    per_layer: bool = False
    optional: bool = False
    static: bool = False


def knob(default: Any, kind: str, meaning: str, **rule: Any) -> Any:
    """A field of `Hyperparameters` with its default and its rule (see `Knob`)."""
    return field(default=default, metadata={"knob": Knob(kind, meaning, **rule)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """A complete configuration of one dense-net trial. Build it with `resolve`, which checks it."""

    # optimiser
    learning_rate: float = knob(1e-3, "float", "first (or for one_cycle: greatest) step size", above=0.0)
    optimizer: str = knob("adam", "choice", "update rule (N1, N4)", choices=OPTIMIZERS)
    momentum: float = knob(0.9, "float", "share of the last step kept by momentum and nesterov", low=0.0, below=1.0)
    momentum_form: str = knob(
        "heavy_ball", "choice", "heavy ball (N2, N4), or weighted mean of gradients (N1) without or with correction",
        choices=("heavy_ball", "ewa", "ewa_corrected"),
    )  # fmt: skip
    rho: float = knob(0.9, "float", "memory of rmsprop's mean square", low=0.0, below=1.0)
    beta1: float = knob(0.9, "float", "memory of the first moment (adam family, lion)", low=0.0, below=1.0)
    beta2: float = knob(
        0.999, "float", "memory of the second moment (lion's usual .99 must be set)", low=0.0, below=1.0
    )
    epsilon: float | None = knob(
        None, "float", "keeps the division finite; None: 1e-8, adagrad 1e-10", low=1e-16, optional=True
    )
    epsilon_inside: bool = knob(False, "bool", "epsilon inside the root (N4) instead of outside (torch)")
    weight_decay: float | None = knob(
        None,
        "float",
        "decoupled decay of kernels, w -= rate*decay*w; None: .01 for adamw, else 0",
        low=0.0,
        optional=True,
    )
    clip_value: float | None = knob(None, "float", "limit of each gradient entry (N4)", above=0.0, optional=True)
    clip_norm: float | None = knob(None, "float", "limit of the whole gradient's 2-norm", above=0.0, optional=True)
    batch_size: int | str = knob(
        64, "int", 'rows a step; 1 is SGD, "all" is batch gradient descent', low=1, high=1 << 20, static=True
    )
    # schedule
    schedule: str = knob("constant", "choice", "how the rate falls (N1, N2, N4)", choices=SCHEDULES)
    schedule_unit: str = knob("epoch", "choice", "what t counts", choices=("epoch", "step"))
    schedule_rate: float | None = knob(
        None, "float", "exponential base (.95), inverse_time rate (1), inverse_root k (1)", above=0.0, optional=True
    )
    schedule_drop: float = knob(0.1, "float", "factor of one step drop", above=0.0, high=1.0)
    schedule_every: int = knob(10, "int", "epochs (or steps) between step drops", low=1)
    schedule_power: float = knob(0.75, "float", "exponent of the power schedule, .5 < p <= 1 (N2)", above=0.5, high=1.0)
    schedule_end: float = knob(
        0.0, "float", "last rate of linear and cosine as a share of the first", low=0.0, high=1.0
    )
    schedule_points: tuple[tuple[float, float], ...] = knob(
        (), "points", "manual schedule: (epoch, rate) pairs, each rate holds from its epoch on (N1)"
    )
    hold_epochs: float = knob(0.0, "float", "epochs at the first rate before any decay (N2)", low=0.0)
    warmup_epochs: float = knob(0.0, "float", "epochs of linear rise to the first rate, before anything else", low=0.0)
    plateau_patience: int = knob(5, "int", "epochs without a better dev loss before plateau cuts the rate", low=0)
    plateau_factor: float = knob(0.1, "float", "what plateau multiplies the rate by", above=0.0, below=1.0)
    momentum_schedule: str = knob(
        "constant", "choice", "how momentum (beta1 of the adam family) moves", choices=("constant", "linear", "manual")
    )
    momentum_end: float = knob(0.9, "float", "momentum at the last epoch of the linear form", low=0.0, below=1.0)
    momentum_points: tuple[tuple[float, float], ...] = knob((), "points", "manual form: (epoch, momentum) pairs")
    # network
    layers: int = knob(2, "int", "hidden layers; 0 is a linear model", low=0, high=MAX_LAYERS, static=True)
    units: int | tuple[int, ...] = knob(
        64, "int", "width of each hidden layer", low=1, high=MAX_UNITS, per_layer=True, static=True
    )
    activation: str | tuple[str, ...] = knob(
        "relu", "choice", "of hidden layers (N2, N4)", choices=ACTIVATIONS, per_layer=True
    )
    activation_alpha: float | None = knob(
        None, "float", "leaky_relu's slope (.01), prelu's first slope (.25), elu's alpha (1), swish's beta (1)",
        optional=True,
    )  # fmt: skip
    skip: str = knob(
        "none", "choice", "add or concatenate a hidden layer's input to its output (N4)",
        choices=("none", "add", "concat"), static=True,
    )  # fmt: skip
    norm: str = knob("none", "choice", "batch (N1, N3, N4) or layer normalisation", choices=NORMS)
    norm_position: str = knob("before", "choice", "of the activation", choices=("before", "after"))
    norm_momentum: float = knob(0.9, "float", "weight of the OLD running statistics (N1, Keras)", low=0.0, below=1.0)
    norm_epsilon: float = knob(1e-5, "float", "inside the root of the normalisation", above=0.0)
    init: str = knob("auto", "choice", "auto: He for the ReLU family, LeCun for selu, else Glorot (N4)", choices=INITS)
    init_distribution: str = knob("normal", "choice", "of random weights", choices=("normal", "uniform"))
    init_gain: float = knob(1.0, "float", "multiplies the initial standard deviation (N1)", above=0.0)
    init_value: float = knob(0.05, "float", "the constant of init constant, sigma of init normal")
    # regularisation
    dropout: float | tuple[float, ...] = knob(
        0.0, "float", "share of hidden activations dropped (inverted; N0, N1, N4)", low=0.0, below=1.0, per_layer=True
    )
    input_dropout: float = knob(0.0, "float", "share of inputs dropped", low=0.0, below=1.0)
    dropout_kind: str = knob(
        "activations", "choice", "what is dropped; weights is N4's variant", choices=("activations", "weights")
    )
    l1: float = knob(0.0, "float", "lambda of the kernels' absolute values", low=0.0)
    l2: float = knob(0.0, "float", "lambda of the kernels' squares", low=0.0)
    bias_l1: float = knob(0.0, "float", "like l1, for biases", low=0.0)
    bias_l2: float = knob(0.0, "float", "like l2, for biases", low=0.0)
    activity_l1: float = knob(0.0, "float", "penalty of hidden outputs, divided by the batch (Keras)", low=0.0)
    activity_l2: float = knob(0.0, "float", "like activity_l1, squares", low=0.0)
    penalty_scale: str = knob(
        "per_row", "choice", "per_row: lambda/(2 m), m training rows (N0-N2); plain: lambda itself (Keras, N4)",
        choices=("per_row", "plain"),
    )  # fmt: skip
    max_norm: float | None = knob(
        None, "float", "limit of each unit's incoming weights' 2-norm (N2)", above=0.0, optional=True
    )
    weight_rescale: float = knob(1.0, "float", "kernels times s after every update (N4)", above=0.0, high=1.0)
    label_smoothing: float = knob(0.0, "float", "share of the target spread over all classes", low=0.0, below=1.0)
    weight_noise: float = knob(0.0, "float", "sd of Gaussian noise on kernels in training", low=0.0)
    input_noise: float = knob(0.0, "float", "sd of Gaussian noise on (normalised) inputs in training", low=0.0)
    patience: int | None = knob(
        None, "int", "early stopping: epochs without a better dev score (N0, N1)", low=1, optional=True
    )
    min_delta: float = knob(0.0, "float", "what counts as better for patience and best weights", low=0.0)
    # loss
    loss: str = knob(
        "auto", "choice", "auto: cross_entropy for classes, sigmoid for binary and multi-label, mse for regression",
        choices=LOSSES,
    )  # fmt: skip
    huber_delta: float = knob(1.0, "float", "where Huber's loss turns linear", above=0.0)
    reduction: str = knob("mean", "choice", "over the rows of a batch", choices=("mean", "sum"))
    class_weight: Any = knob(None, "weights", '"balanced", or {label: weight}', optional=True)


FIELDS = {item.name: item for item in dataclasses.fields(Hyperparameters)}
KNOBS: dict[str, Knob] = {name: item.metadata["knob"] for name, item in FIELDS.items()}
STATIC = tuple(name for name, knob in KNOBS.items() if knob.static)
CLASS_LOSSES = ("cross_entropy", "sigmoid")


def resolve(params: Mapping[str, Any], *, task: str | None = None) -> Hyperparameters:
    """A complete, checked configuration from a partial one; lists become tuples, whole floats become ints.

    Args:
        params: hyperparameter name -> value; what is missing takes its default.
        task: "binary", "classes", "multilabel" or "regression"; where given, the loss must suit it.

    Raises:
        HyperparameterError: names every wrong name and value at once.

    >>> resolve({"layers": 1, "units": 48}).units
    48
    """
    wrong = [f"unknown hyperparameter {name!r}{did_you_mean(name, KNOBS)}" for name in params if name not in KNOBS]
    values: dict[str, Any] = {}
    for name, value in params.items():
        if name in KNOBS:
            try:
                values[name] = _checked(name, KNOBS[name], value)
            except HyperparameterError as error:
                wrong.append(str(error))
    if wrong:
        raise HyperparameterError("; ".join(text.rstrip(".") for text in wrong) + ".")
    config = Hyperparameters(**values)
    wrong = _together(config, task)
    if wrong:
        raise HyperparameterError("; ".join(wrong) + ".")
    return config


def _checked(name: str, knob: Knob, value: Any) -> Any:
    if value is None:
        if knob.optional:
            return None
        raise HyperparameterError(f"{name!r} must have a value, but got None")
    if knob.per_layer and isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_checked_one(name, knob, item) for item in value)
    if knob.kind == "points":
        return _checked_points(name, value)
    if knob.kind == "weights":
        return _checked_weights(name, value)
    if name == "batch_size" and value == "all":
        return value
    return _checked_one(name, knob, value)


def _checked_one(name: str, knob: Knob, value: Any) -> Any:
    if knob.kind == "bool":
        if not isinstance(value, bool):
            raise HyperparameterError(f"{name!r} must be true or false, but got {value!r}")
        return value
    if knob.kind == "choice":
        if value not in knob.choices:
            raise HyperparameterError(
                f"{name!r} must be one of its choices, but got {value!r}{did_you_mean(value, knob.choices)}"
            )
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise HyperparameterError(f"{name!r} must be a number, but got {value!r}")
    number = float(value)
    if not math.isfinite(number):
        raise HyperparameterError(f"{name!r} must be finite, but got {value!r}")
    if knob.kind == "int":
        if number != int(number):
            raise HyperparameterError(f"{name!r} must be a whole number, but got {value!r}")
        value = int(number)
    if not (knob.low <= number <= knob.high and knob.above < number < knob.below):
        raise HyperparameterError(f"`{_rule(name, knob)}` must hold, but got {name}={value!r}")
    return value if knob.kind == "int" else number


def _rule(name: str, knob: Knob) -> str:
    left = f"{knob.low:g} <= " if knob.low > -math.inf else f"{knob.above:g} < " if knob.above > -math.inf else ""
    right = f" <= {knob.high:g}" if knob.high < math.inf else f" < {knob.below:g}" if knob.below < math.inf else ""
    return f"{left}{name}{right}"


def _checked_points(name: str, value: Any) -> tuple[tuple[float, float], ...]:
    try:
        points = tuple((float(epoch), float(level)) for epoch, level in value)
    except (TypeError, ValueError):
        raise HyperparameterError(f"{name!r} must be a list of (epoch, value) pairs, but got {value!r}") from None
    if len(points) > MAX_POINTS:
        raise HyperparameterError(f"{name!r} holds at most {MAX_POINTS} pairs, but got {len(points)}")
    if any(not math.isfinite(number) for pair in points for number in pair):
        raise HyperparameterError(f"{name!r} must hold finite numbers, but got {value!r}")
    if [epoch for epoch, _ in points] != sorted({epoch for epoch, _ in points}):
        raise HyperparameterError(f"the epochs of {name!r} must increase, but got {value!r}")
    return points


def _checked_weights(name: str, value: Any) -> Any:
    if value == "balanced":
        return value
    if isinstance(value, Mapping):
        bad = [
            w for w in value.values() if isinstance(w, bool) or not isinstance(w, (int, float)) or not 0 <= w < math.inf
        ]
        if not bad and value:
            return dict(value)
    raise HyperparameterError(f'{name!r} must be "balanced" or {{label: weight >= 0}}, but got {value!r}')


def _together(config: Hyperparameters, task: str | None) -> list[str]:
    """Rules between hyperparameters."""
    wrong = []
    for name in ("units", "activation", "dropout"):
        value = getattr(config, name)
        if isinstance(value, tuple) and len(value) != config.layers:
            wrong.append(f"{name!r} must list one value a hidden layer ({config.layers}), but got {len(value)}")
    if config.schedule == "manual" and not config.schedule_points:
        wrong.append("schedule 'manual' needs 'schedule_points', a list of (epoch, rate) pairs")
    if config.momentum_schedule == "manual" and not config.momentum_points:
        wrong.append("momentum_schedule 'manual' needs 'momentum_points', a list of (epoch, momentum) pairs")
    if any(not 0 <= level < 1 for _, level in config.momentum_points):
        wrong.append(f"`0 <= momentum < 1` must hold in 'momentum_points', but got {config.momentum_points}")
    if any(level < 0 for _, level in config.schedule_points):
        wrong.append(f"`rate >= 0` must hold in 'schedule_points', but got {config.schedule_points}")
    if task is not None and config.loss != "auto":
        allowed = {"classes": CLASS_LOSSES, "binary": ("sigmoid",), "multilabel": ("sigmoid",)}.get(
            task, tuple(name for name in LOSSES if name not in ("auto", *CLASS_LOSSES))
        )
        if config.loss not in allowed:
            wrong.append(f"loss {config.loss!r} doesn't suit a {task} target; it may be {', '.join(allowed)}")
    if task == "regression" and (config.label_smoothing or config.class_weight is not None):
        wrong.append("'label_smoothing' and 'class_weight' are for classes, but the target is a number")
    return wrong


def per_layer(config: Hyperparameters, name: str) -> tuple[Any, ...]:
    """The values of a per-layer hyperparameter, one a hidden layer.

    >>> per_layer(resolve({"layers": 2, "units": 48}), "units")
    (48, 48)
    """
    value = getattr(config, name)
    return value if isinstance(value, tuple) else (value,) * config.layers


def alpha_of(config: Hyperparameters, activation: str) -> float:
    """The activation's own parameter: `activation_alpha`, or the activation's default; 0 where it has none."""
    return config.activation_alpha if config.activation_alpha is not None else ACTIVATION_ALPHA.get(activation, 0.0)


def loss_name(config: Hyperparameters, task: str) -> str:
    """The loss that "auto" stands for."""
    if config.loss != "auto":
        return config.loss
    return {"classes": "cross_entropy", "regression": "mse"}.get(task, "sigmoid")
