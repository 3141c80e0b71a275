# ruff: noqa: RUF009 (`knob` makes a dataclasses.field)
"""The hyperparameters of training, which every kind of net has; and the words that hyperparameters choose among.

`Hyperparameters` is a plain frozen dataclass. Each kind of net adds its own fields in a class below it
(`net.dense.hyperparameters`). Fields marked static are part of a compiled program's shape; all the others are
run-time data of it, so changing them never compiles. `resolve` turns a user's partial configuration into a complete,
checked one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from paceline.errors import HyperparameterError, did_you_mean
from paceline.knobs import checked, knob, knobs_of

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
CLASS_LOSSES = ("cross_entropy", "sigmoid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """How a trial is trained, whatever its net. Build it with `resolve`, which checks it."""

    # optimiser
    learning_rate: float = knob(1e-3, "float", "initial learning rate (one_cycle: maximum)", above=0.0)
    optimizer: str = knob("adam", "choice", "update rule (Kayal, Falcão)", choices=OPTIMIZERS)
    momentum: float = knob(0.9, "float", "momentum coefficient of momentum and nesterov", low=0.0, below=1.0)
    momentum_form: str = knob(
        "heavy_ball", "choice", "heavy ball (Rafatirad, Falcão); ewa: weighted mean of gradients (Kayal)",
        choices=("heavy_ball", "ewa", "ewa_corrected"),
    )  # fmt: skip
    rho: float = knob(0.9, "float", "decay rate of the mean square of rmsprop", low=0.0, below=1.0)
    beta1: float = knob(0.9, "float", "decay rate of the first moment (adam family, lion)", low=0.0, below=1.0)
    beta2: float = knob(
        0.999, "float", "decay rate of the second moment (for lion, set its usual .99)", low=0.0, below=1.0
    )
    epsilon: float | None = knob(
        None, "float", "added to the denominator; None: 1e-8, adagrad 1e-10", low=1e-16, optional=True
    )
    epsilon_inside: bool = knob(False, "bool", "epsilon inside the root (Falcão) instead of outside (torch)")
    weight_decay: float | None = knob(
        None,
        "float",
        "decoupled decay of kernels, w -= rate*decay*w; None: .01 for adamw, else 0",
        low=0.0,
        optional=True,
    )
    clip_value: float | None = knob(None, "float", "limit of each gradient entry (Falcão)", above=0.0, optional=True)
    clip_norm: float | None = knob(None, "float", "limit of the whole gradient's 2-norm", above=0.0, optional=True)
    batch_size: int | str = knob(
        64,
        "int",
        'rows a step; 1 is SGD, "all" is batch gradient descent',
        low=1,
        high=1 << 20,
        static=True,
        words=("all",),
    )
    # schedule
    schedule: str = knob("constant", "choice", "learning rate schedule (Kayal, Rafatirad, Falcão)", choices=SCHEDULES)
    schedule_unit: str = knob("epoch", "choice", "unit of the time t of the schedule", choices=("epoch", "step"))
    schedule_rate: float | None = knob(
        None, "float", "exponential base (.95), inverse_time rate (1), inverse_root k (1)", above=0.0, optional=True
    )
    schedule_drop: float = knob(0.1, "float", "factor of one step drop", above=0.0, high=1.0)
    schedule_every: int = knob(10, "int", "epochs (or steps) between step drops", low=1)
    schedule_power: float = knob(
        0.75, "float", "exponent of the power schedule, .5 < p <= 1 (Rafatirad)", above=0.5, high=1.0
    )
    schedule_end: float = knob(
        0.0, "float", "last rate of linear and cosine as a share of the first", low=0.0, high=1.0
    )
    schedule_points: tuple[tuple[float, float], ...] = knob(
        (), "points", "manual schedule: (epoch, rate) pairs, each rate holds from its epoch on (Kayal)"
    )
    hold_epochs: float = knob(0.0, "float", "epochs at the first rate before any decay (Rafatirad)", low=0.0)
    warmup_epochs: float = knob(0.0, "float", "epochs of linear rise to the first rate, before anything else", low=0.0)
    plateau_patience: int = knob(
        5, "int", "epochs without a better validation loss before plateau reduces the rate", low=0
    )
    plateau_factor: float = knob(0.1, "float", "what plateau multiplies the rate by", above=0.0, below=1.0)
    momentum_schedule: str = knob(
        "constant", "choice", "how momentum (beta1 of the adam family) moves", choices=("constant", "linear", "manual")
    )
    momentum_end: float = knob(0.9, "float", "momentum at the last epoch of the linear form", low=0.0, below=1.0)
    momentum_points: tuple[tuple[float, float], ...] = knob((), "points", "manual form: (epoch, momentum) pairs")
    # regularisation
    l1: float = knob(0.0, "float", "lambda of the kernels' absolute values", low=0.0)
    l2: float = knob(0.0, "float", "lambda of the kernels' squares", low=0.0)
    bias_l1: float = knob(0.0, "float", "like l1, for biases", low=0.0)
    bias_l2: float = knob(0.0, "float", "like l2, for biases", low=0.0)
    penalty_scale: str = knob(
        "per_row", "choice", "per_row: lambda/(2 m), m training rows (Horzyk); plain: lambda itself (Keras, Falcão)",
        choices=("per_row", "plain"),
    )  # fmt: skip
    max_norm: float | None = knob(
        None, "float", "limit of each unit's incoming weights' 2-norm (Rafatirad)", above=0.0, optional=True
    )
    weight_rescale: float = knob(1.0, "float", "kernels times s after every update (Falcão)", above=0.0, high=1.0)
    label_smoothing: float = knob(0.0, "float", "share of the target spread over all classes", low=0.0, below=1.0)
    patience: int | None = knob(
        None, "int", "early stopping: epochs without a better validation score (Horzyk, Kayal)", low=1, optional=True
    )
    min_delta: float = knob(0.0, "float", "minimum improvement for patience and best weights", low=0.0)
    # loss
    loss: str = knob(
        "auto", "choice", "auto: cross_entropy for classes, sigmoid for binary and multi-label, mse for regression",
        choices=LOSSES,
    )  # fmt: skip
    huber_delta: float = knob(1.0, "float", "where Huber's loss turns linear", above=0.0)
    reduction: str = knob("mean", "choice", "reduction of the loss over a batch", choices=("mean", "sum"))
    class_weight: Any = knob(None, "weights", '"balanced", or {label: weight}', optional=True)

    def extended_features(self) -> bool:
        """Whether the trial uses a feature that only the larger of two programs has.

        Two sets of features exist because compiling time grows with what a program can do, and most trials use little.
        """
        return (
            self.clip_norm is not None
            or self.clip_value is not None
            or self.l1 > 0
            or self.bias_l1 > 0
            or self.weight_rescale < 1
            or self.optimizer in ("adamax", "lion")
            or self.max_norm is not None
        )

    def faults(self, task: str | None) -> list[str]:
        """Rules between hyperparameters that the configuration breaks, a sentence each without its full stop."""
        wrong = []
        if self.schedule == "manual" and not self.schedule_points:
            wrong.append("schedule 'manual' needs 'schedule_points', a list of (epoch, rate) pairs")
        if self.momentum_schedule == "manual" and not self.momentum_points:
            wrong.append("momentum_schedule 'manual' needs 'momentum_points', a list of (epoch, momentum) pairs")
        if any(not 0 <= level < 1 for _, level in self.momentum_points):
            wrong.append(f"`0 <= momentum < 1` must hold in 'momentum_points', but got {self.momentum_points}")
        if any(level < 0 for _, level in self.schedule_points):
            wrong.append(f"`rate >= 0` must hold in 'schedule_points', but got {self.schedule_points}")
        if task is not None and self.loss != "auto":
            allowed = {"classes": CLASS_LOSSES, "binary": ("sigmoid",), "multilabel": ("sigmoid",)}.get(
                task, tuple(name for name in LOSSES if name not in ("auto", *CLASS_LOSSES))
            )
            if self.loss not in allowed:
                wrong.append(f"loss {self.loss!r} doesn't suit a {task} target; it may be {', '.join(allowed)}")
        if task == "regression" and (self.label_smoothing or self.class_weight is not None):
            wrong.append("'label_smoothing' and 'class_weight' are for classes, but the target is a number")
        return wrong


H = TypeVar("H", bound=Hyperparameters)


def resolve(kind: type[H], params: Mapping[str, Any], *, task: str | None = None) -> H:
    """A complete, checked configuration from a partial one; lists become tuples, whole floats become ints.

    Args:
        kind: the class of the net's hyperparameters.
        params: hyperparameter name -> value; what is missing takes its default.
        task: "binary", "classes", "multilabel" or "regression"; where given, the loss must suit it.

    Raises:
        HyperparameterError: names every wrong name and value at once.

    >>> resolve(Hyperparameters, {"l2": 1, "batch_size": 32.0}).batch_size
    32
    """
    rules = knobs_of(kind)
    wrong = [f"unknown hyperparameter {name!r}{did_you_mean(name, rules)}" for name in params if name not in rules]
    values: dict[str, Any] = {}
    for name, value in params.items():
        if name in rules:
            try:
                values[name] = checked(name, rules[name], value)
            except HyperparameterError as error:
                wrong.append(str(error))
    if not wrong:
        config = kind(**values)
        wrong = config.faults(task)
        if not wrong:
            return config
    raise HyperparameterError("; ".join(text.rstrip(".") for text in wrong) + ".")


def loss_name(config: Hyperparameters, task: str) -> str:
    """The loss that "auto" stands for."""
    if config.loss != "auto":
        return config.loss
    return {"classes": "cross_entropy", "regression": "mse"}.get(task, "sigmoid")
