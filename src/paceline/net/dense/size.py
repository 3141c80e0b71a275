"""How large a dense net is: what can be said of its cost without a clock, from the configuration alone.

    parameters    values that training changes: kernels, biases, scale and offset of norms, slopes of prelu
    operations    multiply-adds that one row takes: one a weight of every matrix, one a unit of every norm

Both are of the real widths, not of the padded program that trains it. A bias before batch norm, which takes it off
again, doesn't count.
"""

from paceline.net.dense.hyperparameters import DenseHyperparameters, per_layer
from paceline.net.dense.initializers import layer_widths, output_inputs
from paceline.net.dense.shape import DenseShape


def parameters(config: DenseHyperparameters, inputs: int, outputs: int) -> int:
    """Trained values of the net for rows of so many inputs and outputs.

    >>> from paceline.net.dense.hyperparameters import resolve
    >>> parameters(resolve({"layers": 1, "units": 8, "norm": "none"}, task="classes"), 4, 3)  # 4*8 + 8 + 8*3 + 3
    67
    """
    without_bias = config.norm == "batch" and config.norm_position == "before"
    total = 0
    for (_, units), activation in zip(layer_widths(config, inputs), per_layer(config, "activation"), strict=True):
        total += 0 if without_bias else units
        total += 0 if config.norm == "none" else 2 * units
        total += activation == "prelu"
    return _weights(config, inputs, outputs) + total + outputs


def operations(config: DenseHyperparameters, inputs: int, outputs: int) -> int:
    """Multiply-adds of one row."""
    norms = 0 if config.norm == "none" else sum(units for _, units in layer_widths(config, inputs))
    return _weights(config, inputs, outputs) + norms


def activation_bytes(shape: DenseShape) -> int:
    """Outputs of all layers for one row, and what their gradients keep of them, in a program of the shape."""
    widest = max(shape.inputs, shape.outputs, shape.layer_inputs(shape.layers))
    return 4 * widest * (4 + 12 * max(shape.layers, 1))


def _weights(config: DenseHyperparameters, inputs: int, outputs: int) -> int:
    """Values of all matrices: kernels, and projections where a skip adds over different widths."""
    total = output_inputs(config, inputs) * outputs
    for index, (before, units) in enumerate(layer_widths(config, inputs)):
        projected = config.skip == "add" and index > 0 and before != units
        total += before * units * (2 if projected else 1)
    return total
