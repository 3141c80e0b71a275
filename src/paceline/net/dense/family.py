"""The dense net (multilayer perceptron): hidden layers with norm, activation, dropout and skips, then the output."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from paceline.net.base import Arguments, Array, Family, Key, Masks, Size, Spec, Variables
from paceline.net.dense.apply import Statistics, apply
from paceline.net.dense.arguments import arguments_of
from paceline.net.dense.hyperparameters import DenseHyperparameters
from paceline.net.dense.initializers import initial_statistics, initial_weights
from paceline.net.dense.predict import outputs
from paceline.net.dense.shape import DenseShape, PaddedParams, masks_of, pad_variables, shape_of, unpad_variables
from paceline.net.dense.size import activation_bytes, operations, parameters
from paceline.net.dense.space import dense_space
from paceline.net.ladders import INPUTS, step_up
from paceline.space import Space


class Dense(Family):
    """See the modules of this folder, one idea each."""

    name = "dense"
    hyperparameters = DenseHyperparameters

    def space(self, spec: Spec) -> Space:
        return dense_space(spec)

    def shape(self, config: DenseHyperparameters, spec: Spec) -> DenseShape:
        return shape_of(config, spec)

    def sample(self, spec: Spec) -> tuple[int, ...]:
        return (step_up(INPUTS, spec.sample[0]),)

    def init(self, config: DenseHyperparameters, spec: Spec, seed: int) -> Variables:
        weights = initial_weights(config, spec.sample[0], spec.outputs, seed)
        return Variables(weights, initial_statistics(config))

    def pad(self, shape: DenseShape, config: DenseHyperparameters, spec: Spec, variables: Variables) -> Variables:
        return pad_variables(shape, config, spec, variables)

    def unpad(self, shape: DenseShape, config: DenseHyperparameters, spec: Spec, padded: Variables) -> Variables:
        return unpad_variables(shape, config, spec, padded)

    def arguments(self, config: DenseHyperparameters, spec: Spec, shape: DenseShape) -> Arguments:
        return arguments_of(config, spec)

    def masks(self, shape: DenseShape) -> Masks:
        return masks_of(shape)

    def apply(
        self, shape: DenseShape, weights: PaddedParams, statistics: Statistics, x: Array, arguments: Arguments, *,
        row_weights: Array, key: Key | None,
    ) -> tuple[Array, Statistics]:  # fmt: skip
        return apply(shape, weights, statistics, x, arguments, row_weights, key)

    def predict(
        self, config: DenseHyperparameters, spec: Spec, variables: Variables, x: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        return outputs(config, variables, x)

    def size(self, config: DenseHyperparameters, spec: Spec) -> Size:
        inputs, columns = spec.sample[0], spec.outputs
        return Size(
            parameters=parameters(config, inputs, columns),
            operations=operations(config, inputs, columns),
            activation_bytes=activation_bytes(shape_of(config, spec)),
        )


DENSE = Dense()
