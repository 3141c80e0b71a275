"""The hyperparameters of a dense net, beside those of training."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paceline import hyperparameters as training
from paceline.hyperparameters import ACTIVATION_ALPHA, ACTIVATIONS, INITS, NORMS, Hyperparameters
from paceline.knobs import Knob, knob, knobs_of

MAX_LAYERS = 8
MAX_UNITS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseHyperparameters(Hyperparameters):
    """A complete configuration of one dense-net trial. Build it with `resolve`, which checks it."""

    # network
    layers: int = knob(2, "int", "hidden layers; 0 is a linear model", low=0, high=MAX_LAYERS, static=True)
    units: int | tuple[int, ...] = knob(
        64, "int", "width of each hidden layer", low=1, high=MAX_UNITS, per_layer=True, static=True
    )
    activation: str | tuple[str, ...] = knob(
        "relu",
        "choice",
        "activation function of the hidden layers (Rafatirad, Falcão)",
        choices=ACTIVATIONS,
        per_layer=True,
    )
    activation_alpha: float | None = knob(
        None, "float", "leaky_relu's slope (.01), prelu's first slope (.25), elu's alpha (1), swish's beta (1)",
        optional=True,
    )  # fmt: skip
    skip: str = knob(
        "none", "choice", "add or concatenate a hidden layer's input to its output (Falcão)",
        choices=("none", "add", "concat"), static=True,
    )  # fmt: skip
    norm: str = knob("none", "choice", "normalisation: batch (Kayal, Zhang, Falcão) or layer", choices=NORMS)
    norm_position: str = knob("before", "choice", "before or after the activation", choices=("before", "after"))
    norm_momentum: float = knob(0.9, "float", "weight of the OLD running statistics (Kayal, Keras)", low=0.0, below=1.0)
    norm_epsilon: float = knob(1e-5, "float", "inside the root of the normalisation", above=0.0)
    init: str = knob(
        "auto",
        "choice",
        "initialisation; auto: He for the ReLU family, LeCun for selu, else Glorot (Falcão)",
        choices=INITS,
    )
    init_distribution: str = knob(
        "normal", "choice", "distribution of the initial weights", choices=("normal", "uniform")
    )
    init_gain: float = knob(1.0, "float", "multiplies the initial standard deviation (Kayal)", above=0.0)
    init_value: float = knob(0.05, "float", "the constant of init constant, sigma of init normal")
    # regularisation
    dropout: float | tuple[float, ...] = knob(
        0.0,
        "float",
        "share of hidden activations dropped (inverted; Horzyk, Kayal, Falcão)",
        low=0.0,
        below=1.0,
        per_layer=True,
    )
    input_dropout: float = knob(0.0, "float", "share of inputs dropped", low=0.0, below=1.0)
    dropout_kind: str = knob(
        "activations", "choice", "what is dropped; weights is Falcão's variant", choices=("activations", "weights")
    )
    activity_l1: float = knob(0.0, "float", "penalty of hidden outputs, divided by the batch (Keras)", low=0.0)
    activity_l2: float = knob(0.0, "float", "like activity_l1, squares", low=0.0)
    weight_noise: float = knob(0.0, "float", "sd of Gaussian noise on kernels in training", low=0.0)
    input_noise: float = knob(0.0, "float", "sd of Gaussian noise on (normalised) inputs in training", low=0.0)

    def extended_features(self) -> bool:
        """Whether the trial uses a feature that only the larger of two programs has; see `Hyperparameters`."""
        drops = any(rate > 0 for rate in per_layer(self, "dropout"))
        return (
            Hyperparameters.extended_features(self)
            or self.input_noise > 0
            or self.weight_noise > 0
            or self.activity_l1 > 0
            or self.activity_l2 > 0
            or (self.norm != "none" and self.norm_position == "after")
            or (self.dropout_kind == "weights" and drops)
            or "prelu" in per_layer(self, "activation")
        )

    def faults(self, task: str | None) -> list[str]:
        """Rules between hyperparameters that the configuration breaks, a sentence each without its full stop."""
        wrong = []
        for name in ("units", "activation", "dropout"):
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != self.layers:
                wrong.append(f"{name!r} must list one value a hidden layer ({self.layers}), but got {len(value)}")
        return wrong + Hyperparameters.faults(self, task)


KNOBS: dict[str, Knob] = knobs_of(DenseHyperparameters)
STATIC = tuple(name for name, rule in KNOBS.items() if rule.static)


def resolve(params: Mapping[str, Any], *, task: str | None = None) -> DenseHyperparameters:
    """A complete, checked configuration of a dense net; see `paceline.hyperparameters.resolve`.

    >>> resolve({"layers": 1, "units": 48}).units
    48
    """
    return training.resolve(DenseHyperparameters, params, task=task)


def per_layer(config: DenseHyperparameters, name: str) -> tuple[Any, ...]:
    """The values of a per-layer hyperparameter, one a hidden layer.

    >>> per_layer(resolve({"layers": 2, "units": 48}), "units")
    (48, 48)
    """
    value = getattr(config, name)
    return value if isinstance(value, tuple) else (value,) * config.layers


def alpha_of(config: DenseHyperparameters, activation: str) -> float:
    """The activation's own parameter: `activation_alpha`, or the activation's default; 0 where it has none."""
    return config.activation_alpha if config.activation_alpha is not None else ACTIVATION_ALPHA.get(activation, 0.0)
