"""The shape of a dense net's program, and the net's values in its padded arrays and back. The one place that knows how
they are laid out.

Every hidden layer of a program is `width` columns wide. A trial's real units are the first `units[l]` of them;
the unit mask puts the others' activations to exactly 0, so their weights get no gradient and stay 0.

          real   padding
    W  [ w w w | 0 0 ]        a = act(x W + b) * mask = [ a a a | 0 0 ]
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paceline.net.base import Masks, Spec, Variables
from paceline.net.dense.hyperparameters import DenseHyperparameters, per_layer
from paceline.net.dense.initializers import Layers, layer_widths
from paceline.net.ladders import INPUTS, OUTPUTS, WIDTHS, step_up

Array = NDArray[np.float32]

VECTORS = ("bias", "scale", "offset", "slope")
VECTOR_ROWS = len(VECTORS)


class PaddedParams(NamedTuple):
    """A program's weights. Few and large arrays: each one costs compiling time and, on a small net, running time.

    kernels: one (inputs, units) a layer, output last.
    projections: one (width, width) for each hidden layer after the first; () unless shape.skip is "project".
    vectors: (VECTOR_ROWS * layers + 1, max(width, outputs)): for each hidden layer bias, norm scale, norm offset and
        (in column 0) prelu slope; the output's bias last.
    """

    kernels: tuple[Any, ...]
    projections: tuple[Any, ...]
    vectors: Any


@dataclass(frozen=True, slots=True)
class DenseShape:
    """The static part of a dense net.

    Attributes:
        layers: hidden layers.
        width: padded units of every hidden layer.
        inputs, outputs: padded columns of x and y.
        skip: "plain" (none, or add over equal widths), "project" (add over different widths) or "concat".
        extended: rarely used features are compiled in too; see `Hyperparameters.extended_features`.
    """

    layers: int
    width: int
    inputs: int
    outputs: int
    skip: str = "plain"
    extended: bool = False

    def layer_inputs(self, index: int) -> int:
        """Padded inputs of hidden layer `index`, or of the output layer for index == layers."""
        if index == 0:
            return self.inputs
        return self.width * (index if self.skip == "concat" else 1)


def shape_of(config: DenseHyperparameters, spec: Spec) -> DenseShape:
    """The shape of a trial's net."""
    units = per_layer(config, "units")
    skip = "plain"
    if config.skip == "concat" and config.layers > 1:
        skip = "concat"
    elif config.skip == "add" and len(set(units)) > 1:
        skip = "project"
    return DenseShape(
        layers=config.layers,
        width=step_up(WIDTHS, max(units, default=1)),
        inputs=step_up(INPUTS, spec.sample[0]),
        outputs=step_up(OUTPUTS, spec.outputs),
        skip=skip,
        extended=config.extended_features(),
    )


def masks_of(shape: DenseShape) -> Masks:
    """Kernels and projections decay; the first of each hidden layer's vectors, and the last of all, is a bias."""
    row = np.arange(VECTOR_ROWS * shape.layers + 1)
    is_bias = (row % VECTOR_ROWS == 0).astype(np.float32)[:, None]

    def tree(kernel: float, vectors: Any) -> PaddedParams:
        between = shape.layers - 1 if shape.skip == "project" else 0
        return PaddedParams((kernel,) * (shape.layers + 1), (kernel,) * between, vectors)

    return Masks(decay=tree(1.0, 0.0), bias=tree(0.0, is_bias), trainable=tree(1.0, 1.0))


def padded(array: Array, *sizes: int) -> Array:
    """The array in the corner of a larger one of zeros."""
    result = np.zeros(sizes, np.float32)
    result[tuple(slice(size) for size in array.shape)] = array
    return result


def input_places(shape: DenseShape, config: DenseHyperparameters, index: int, inputs: int) -> NDArray[np.int64]:
    """Where the real inputs of layer `index` stand among its padded ones (index == layers: the output layer).

    With concat skips a layer sees its predecessors side by side, newest first, each padded to the full width.
    """
    if index == 0:
        return np.arange(inputs)
    units = per_layer(config, "units")
    if shape.skip != "concat":
        return np.arange(units[index - 1])
    blocks = [np.arange(units[place]) + shape.width * (index - 1 - place) for place in range(index - 1, -1, -1)]
    return np.concatenate(blocks)


def pad_variables(shape: DenseShape, config: DenseHyperparameters, spec: Spec, variables: Variables) -> Variables:
    """Layers and their running statistics as the padded arrays of the shape's program."""
    kernels: list[Array] = []
    projections: list[Array] = []
    vectors = np.zeros((VECTOR_ROWS * shape.layers + 1, max(shape.width, shape.outputs)), np.float32)
    for index, layer in enumerate(variables.params):
        last = index == shape.layers
        kernel = np.zeros((shape.layer_inputs(index), shape.outputs if last else shape.width), np.float32)
        units = layer["kernel"].shape[1]
        kernel[input_places(shape, config, index, spec.sample[0]), :units] = layer["kernel"]
        kernels.append(kernel)
        if last:
            vectors[-1, :units] = layer["bias"]
            continue
        for place, name in enumerate(VECTORS):
            vectors[VECTOR_ROWS * index + place, : 1 if name == "slope" else units] = layer[name]
        if shape.skip == "project" and index > 0:
            # Equal widths have no projection; x itself is added there.
            given = layer.get("projection", np.zeros((0, 0), np.float32))
            projections.append(padded(given, shape.width, shape.width))
    running = {
        "mean": np.zeros((shape.layers, shape.width), np.float32),
        "variance": np.ones((shape.layers, shape.width), np.float32),
    }
    for index, layer in enumerate(variables.statistics):
        for name, values in layer.items():
            running[name][index, : len(values)] = values
    return Variables(PaddedParams(tuple(kernels), tuple(projections), vectors), running)


def unpad_variables(shape: DenseShape, config: DenseHyperparameters, spec: Spec, arrays: Variables) -> Variables:
    """The real part of a program's arrays, as `initial_weights` lays them out."""
    inputs, weights = spec.sample[0], arrays.params
    widths = layer_widths(config, inputs)
    vectors = np.asarray(weights.vectors)
    result: Layers = []
    for index in range(shape.layers + 1):
        last = index == shape.layers
        units = spec.outputs if last else widths[index][1]
        places = input_places(shape, config, index, inputs)
        layer = {"kernel": np.ascontiguousarray(np.asarray(weights.kernels[index])[places, :units])}
        if last:
            layer["bias"] = vectors[-1, :units].copy()
        else:
            for place, name in enumerate(VECTORS):
                row = vectors[VECTOR_ROWS * index + place]
                layer[name] = row[0].copy() if name == "slope" else row[:units].copy()
            if shape.skip == "project" and index > 0 and widths[index][0] != units:
                projection = np.asarray(weights.projections[index - 1])
                layer["projection"] = np.ascontiguousarray(projection[places, :units])
        result.append(layer)
    statistics = [
        {name: np.asarray(array)[index, :units].copy() for name, array in arrays.statistics.items()}
        for index, units in enumerate(per_layer(config, "units"))
    ]
    return Variables(result, statistics)
