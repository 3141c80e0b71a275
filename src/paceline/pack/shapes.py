"""From a trial to its compiled program's shape, and from real arrays to padded ones and back.

A shape is a pure function of the trial's own hyperparameters and its data, never of what is compiled already or
who else is training: a padded reduction changes the last bits, and a trial's curve must not depend on company.

    units 13, 37 -> every hidden layer 48 wide        features 10 -> 16        classes 7 -> 8
"""

from bisect import bisect_left
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from paceline.hyperparameters import Hyperparameters, per_layer
from paceline.net.dense import VECTOR_ROWS, VECTORS, DenseShape
from paceline.net.dense import Weights as Padded
from paceline.net.initializers import Weights, layer_widths

WIDTHS = (8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096)
# A study has one number of inputs, so fine steps cost it no program; the first layer of pictures is most of a step.
INPUTS = (*range(16, 1024, 16), *(step << power for power in range(11) for step in range(1024, 2048, 128)))
OUTPUTS = tuple(8 << (2 * power) for power in range(8))
ROWS = (16_384, 131_072, 1_048_576, *(1 << power for power in range(21, 32)))

Array = NDArray[np.float32]


def step_up(ladder: tuple[int, ...], value: int) -> int:
    """The first step of the ladder that holds `value`.

    >>> step_up(WIDTHS, 49)
    64
    """
    return ladder[bisect_left(ladder, value)]


def is_rare(config: Hyperparameters) -> bool:
    """Whether the trial uses a feature that only the larger programs have.

    Two sets of features exist because compiling time grows with what a program can do, and most trials use little.
    """
    drops = any(rate > 0 for rate in per_layer(config, "dropout"))
    return (
        config.input_noise > 0
        or config.weight_noise > 0
        or config.activity_l1 > 0
        or config.activity_l2 > 0
        or config.clip_norm is not None
        or config.clip_value is not None
        or config.l1 > 0
        or config.bias_l1 > 0
        or config.weight_rescale < 1
        or config.optimizer in ("adamax", "lion")
        or config.max_norm is not None
        or (config.norm != "none" and config.norm_position == "after")
        or (config.dropout_kind == "weights" and drops)
        or "prelu" in per_layer(config, "activation")
    )


def shape_of(
    config: Hyperparameters, *, inputs: int, outputs: int, train_rows: int, dev_rows: int, task: str, auc: bool = False
) -> DenseShape:
    """The shape of a trial.

    Args:
        inputs, outputs: real columns of x and y.
        train_rows, dev_rows: real rows of the fold.
        task: what the target is.
        auc: the study is judged by the area under the ROC curve.
    """
    units = per_layer(config, "units")
    skip = "plain"
    if config.skip == "concat" and config.layers > 1:
        skip = "concat"
    elif config.skip == "add" and len(set(units)) > 1:
        skip = "project"
    batch = train_rows if config.batch_size == "all" else min(int(config.batch_size), train_rows)
    return DenseShape(
        layers=config.layers,
        width=step_up(WIDTHS, max(units, default=1)),
        batch=batch,
        inputs=step_up(INPUTS, inputs),
        outputs=step_up(OUTPUTS, outputs),
        train_rows=step_up(ROWS, train_rows),
        dev_rows=step_up(ROWS, dev_rows),
        task=task,
        skip=skip,
        rare=is_rare(config),
        auc=auc,
    )


def padded(array: Array, *sizes: int) -> Array:
    """The array in the corner of a larger one of zeros."""
    result = np.zeros(sizes, np.float32)
    result[tuple(slice(size) for size in array.shape)] = array
    return result


def input_places(shape: DenseShape, config: Hyperparameters, index: int, inputs: int) -> NDArray[np.int64]:
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


def pad_weights(shape: DenseShape, config: Hyperparameters, weights: Weights, inputs: int) -> Padded:
    """Real weights as the padded arrays of the shape's program."""
    kernels: list[Array] = []
    projections: list[Array] = []
    vectors = np.zeros((VECTOR_ROWS * shape.layers + 1, max(shape.width, shape.outputs)), np.float32)
    for index, layer in enumerate(weights):
        last = index == shape.layers
        kernel = np.zeros((shape.layer_inputs(index), shape.outputs if last else shape.width), np.float32)
        units = layer["kernel"].shape[1]
        kernel[input_places(shape, config, index, inputs), :units] = layer["kernel"]
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
    return Padded(tuple(kernels), tuple(projections), vectors)


def unpad_weights(shape: DenseShape, config: Hyperparameters, weights: Padded, inputs: int, outputs: int) -> Weights:
    """The real part of a program's weights, as `initial_weights` lays them out."""
    widths = layer_widths(config, inputs)
    vectors = np.asarray(weights.vectors)
    result: Weights = []
    for index in range(shape.layers + 1):
        last = index == shape.layers
        units = outputs if last else widths[index][1]
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
    return result


def unpad_statistics(config: Hyperparameters, statistics: Mapping[str, Array]) -> list[dict[str, Array]]:
    """The running mean and variance of each hidden layer's real units."""
    return [
        {name: np.asarray(array)[index, :units].copy() for name, array in statistics.items()}
        for index, units in enumerate(per_layer(config, "units"))
    ]
