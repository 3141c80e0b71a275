"""First weights: drawn with numpy for the *real* widths, so padding, packing and compiling can't touch them.

    variance = gain^2 * { He 2/fan_in | Glorot 2/(fan_in+fan_out) | Glorot's 1/fan_in form and LeCun 1/fan_in }

(He et al. 2015; Glorot & Bengio 2010; LeCun et al. 1998; Saxe et al. 2014 for orthogonal; N0, N1, N4.)
"""

import math

import numpy as np
from numpy.typing import NDArray

from paceline.hyperparameters import Hyperparameters, alpha_of, per_layer
from paceline.seeds import generator

Weights = list[dict[str, NDArray[np.float32]]]

HE_FAMILY = ("relu", "leaky_relu", "prelu", "elu", "swish", "gelu", "softplus")


def layer_widths(config: Hyperparameters, n_inputs: int) -> list[tuple[int, int]]:
    """(inputs, units) of each hidden layer, real widths; concat skips widen the inputs."""
    shapes: list[tuple[int, int]] = []
    inputs = n_inputs
    for index, units in enumerate(per_layer(config, "units")):
        shapes.append((inputs, units))
        inputs = inputs + units if config.skip == "concat" and index > 0 else units
    return shapes


def output_inputs(config: Hyperparameters, n_inputs: int) -> int:
    """How many values the output layer sees."""
    shapes = layer_widths(config, n_inputs)
    if not shapes:
        return n_inputs
    inputs, units = shapes[-1]
    return inputs + units if config.skip == "concat" and len(shapes) > 1 else units


def initial_weights(config: Hyperparameters, n_inputs: int, n_outputs: int, seed: int) -> Weights:
    """The weights a trial starts from.

    Returns:
        One dict a layer, hidden layers first, then the output: "kernel" (inputs, units), "bias" (units,); hidden
        layers also "scale" and "offset" (units,) of the norm, "slope" () of prelu, and "projection"
        (inputs, units) where a skip adds over different widths.
    """
    layers: Weights = []
    for index, (inputs, units) in enumerate(layer_widths(config, n_inputs)):
        activation = per_layer(config, "activation")[index]
        alpha = alpha_of(config, activation)
        rng = generator(seed, "init", index)
        layer = {
            "kernel": draw(rng, inputs, units, config, activation),
            "bias": np.zeros(units, np.float32),
            "scale": np.ones(units, np.float32),
            "offset": np.zeros(units, np.float32),
            "slope": np.float32(alpha) * np.ones((), np.float32),
        }
        if config.skip == "add" and index > 0 and inputs != units:
            layer["projection"] = draw(rng, inputs, units, config, "linear")
        layers.append(layer)
    inputs = output_inputs(config, n_inputs)
    rng = generator(seed, "init", len(layers))
    kernel = draw(rng, inputs, n_outputs, config, "linear")
    layers.append({"kernel": kernel, "bias": np.zeros(n_outputs, np.float32)})
    return layers


def draw(
    rng: np.random.Generator, inputs: int, units: int, config: Hyperparameters, activation: str
) -> NDArray[np.float32]:
    """One kernel (inputs, units) by the configuration's `init`, `init_distribution`, `init_gain`, `init_value`."""
    kind = config.init
    if kind == "auto":
        kind = "he" if activation in HE_FAMILY else "lecun" if activation == "selu" else "glorot"
    if kind == "zero":
        return np.zeros((inputs, units), np.float32)
    if kind == "constant":
        return np.full((inputs, units), config.init_value, np.float32)
    if kind == "orthogonal":
        return orthogonal(rng, inputs, units, config.init_gain)
    sigma = (
        config.init_gain
        * {
            "normal": abs(config.init_value),
            "glorot": math.sqrt(2.0 / (inputs + units)),
            "glorot_in": math.sqrt(1.0 / inputs),
            "he": math.sqrt(2.0 / inputs),
            "lecun": math.sqrt(1.0 / inputs),
        }[kind]
    )
    if config.init_distribution == "uniform":
        bound = math.sqrt(3.0) * sigma
        return rng.uniform(-bound, bound, (inputs, units)).astype(np.float32)
    return (sigma * rng.standard_normal((inputs, units))).astype(np.float32)


def orthogonal(rng: np.random.Generator, inputs: int, units: int, gain: float) -> NDArray[np.float32]:
    """A kernel whose rows or columns (the fewer) are orthonormal times `gain`, uniform over all such."""
    tall = rng.standard_normal((max(inputs, units), min(inputs, units)))
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diag(r))
    return (gain * (q if inputs >= units else q.T)).astype(np.float32)
