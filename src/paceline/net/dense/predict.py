"""The dense net's forward pass in plain numpy: what a finished model predicts with, without jax or compiling.

It is a second, independent writing of `apply` for real (unpadded) weights; a test holds both equal.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, expit

from paceline.net.base import Variables
from paceline.net.dense.hyperparameters import DenseHyperparameters, alpha_of, per_layer

Array = NDArray[np.float32]

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805

ACTIVATION_VALUES: dict[str, Callable[[Array, float], NDArray[Any]]] = {
    "linear": lambda u, alpha: u,
    "step": lambda u, alpha: (u > 0).astype(np.float32),
    "sigmoid": lambda u, alpha: expit(u),
    "tanh": lambda u, alpha: np.tanh(u),
    "relu": lambda u, alpha: np.maximum(u, 0),
    "leaky_relu": lambda u, alpha: np.where(u > 0, u, alpha * u),
    "prelu": lambda u, alpha: np.where(u > 0, u, alpha * u),
    "elu": lambda u, alpha: np.where(u > 0, u, alpha * np.expm1(np.minimum(u, 0))),
    "selu": lambda u, alpha: SELU_SCALE * np.where(u > 0, u, SELU_ALPHA * np.expm1(np.minimum(u, 0))),
    "swish": lambda u, alpha: u * expit(alpha * u),
    "gelu": lambda u, alpha: u * np.float32(0.5) * (1 + erf(u * np.float32(np.sqrt(0.5)))),
    "softplus": lambda u, alpha: np.logaddexp(u, np.float32(0)),
}


def outputs(config: DenseHyperparameters, variables: Variables, x: Array) -> Array:
    """(rows, outputs) raw outputs of a finished net for inputs x (rows, features), both float32."""
    weights, statistics = variables
    for index, layer in enumerate(weights[:-1]):
        activation = per_layer(config, "activation")[index]
        alpha = alpha_of(config, activation)
        if activation == "prelu":
            alpha = layer["slope"].item()  # one number; (1,) in models that were saved before it was kept as ()
        first = config.norm_position == "before"
        u = x @ layer["kernel"]
        if not (config.norm == "batch" and first):
            u = u + layer["bias"]
        if first:
            u = normalised(config, layer, statistics[index], u)
        a = ACTIVATION_VALUES[activation](u, alpha).astype(np.float32)
        if not first:
            a = normalised(config, layer, statistics[index], a)
        if index > 0 and config.skip == "add":
            a = a + (x @ layer["projection"] if "projection" in layer else x)
        elif index > 0 and config.skip == "concat":
            a = np.concatenate([a, x], axis=1)
        x = a
    z: Array = x @ weights[-1]["kernel"] + weights[-1]["bias"]
    return z


def normalised(config: DenseHyperparameters, layer: dict[str, Array], running: dict[str, Array], z: Array) -> Array:
    """Batch norm with running statistics, layer norm with the row's own, or z itself."""
    if config.norm == "none":
        return z
    epsilon = np.float32(config.norm_epsilon)
    if config.norm == "batch":
        mean, variance = running["mean"], running["variance"]
    else:
        mean, variance = z.mean(axis=1, keepdims=True), z.var(axis=1, keepdims=True)
    result: Array = (z - mean) / np.sqrt(variance + epsilon) * layer["scale"] + layer["offset"]
    return result
