"""A dense net before its first step, in real widths: one dict of arrays a layer."""

import numpy as np
from numpy.typing import NDArray

from paceline.net.dense.hyperparameters import DenseHyperparameters, alpha_of, per_layer
from paceline.numerics.initializers import Init, draw
from paceline.seeds import generator

Layers = list[dict[str, NDArray[np.float32]]]


def layer_widths(config: DenseHyperparameters, n_inputs: int) -> list[tuple[int, int]]:
    """(inputs, units) of each hidden layer, real widths; concat skips widen the inputs."""
    shapes: list[tuple[int, int]] = []
    inputs = n_inputs
    for index, units in enumerate(per_layer(config, "units")):
        shapes.append((inputs, units))
        inputs = inputs + units if config.skip == "concat" and index > 0 else units
    return shapes


def output_inputs(config: DenseHyperparameters, n_inputs: int) -> int:
    """How many values the output layer sees."""
    shapes = layer_widths(config, n_inputs)
    if not shapes:
        return n_inputs
    inputs, units = shapes[-1]
    return inputs + units if config.skip == "concat" and len(shapes) > 1 else units


def initial_weights(config: DenseHyperparameters, n_inputs: int, n_outputs: int, seed: int) -> Layers:
    """The weights a trial starts from.

    Returns:
        One dict a layer, hidden layers first, then the output: "kernel" (inputs, units), "bias" (units,); hidden
        layers also "scale" and "offset" (units,) of the norm, "slope" () of prelu, and "projection"
        (inputs, units) where a skip adds over different widths.
    """
    init = Init(config.init, config.init_distribution, config.init_gain, config.init_value)
    layers: Layers = []
    for index, (inputs, units) in enumerate(layer_widths(config, n_inputs)):
        activation = per_layer(config, "activation")[index]
        alpha = alpha_of(config, activation)
        rng = generator(seed, "init", index)
        layer = {
            "kernel": draw(rng, inputs, units, init, activation),
            "bias": np.zeros(units, np.float32),
            "scale": np.ones(units, np.float32),
            "offset": np.zeros(units, np.float32),
            "slope": np.float32(alpha) * np.ones((), np.float32),
        }
        if config.skip == "add" and index > 0 and inputs != units:
            layer["projection"] = draw(rng, inputs, units, init, "linear")
        layers.append(layer)
    inputs = output_inputs(config, n_inputs)
    rng = generator(seed, "init", len(layers))
    kernel = draw(rng, inputs, n_outputs, init, "linear")
    layers.append({"kernel": kernel, "bias": np.zeros(n_outputs, np.float32)})
    return layers


def initial_statistics(config: DenseHyperparameters) -> Layers:
    """The running mean and variance of each hidden layer before the first batch."""
    return [
        {"mean": np.zeros(units, np.float32), "variance": np.ones(units, np.float32)}
        for units in per_layer(config, "units")
    ]
