"""The run-time part of a dense net: its numbers in one vector, what differs between layers in small tables."""

from typing import NamedTuple

import numpy as np

from paceline.hyperparameters import NORMS
from paceline.net.base import Arguments, Array, Spec
from paceline.net.dense.hyperparameters import DenseHyperparameters, alpha_of, per_layer
from paceline.net.packed import PackedNumbers
from paceline.numerics.activations import form_of


class DenseNumbers(NamedTuple):
    """floats: by the names of `FLOATS`; layers (layers, len(LAYER_FLOATS)) float32; units (layers,) int32;
    inputs and outputs () int32, real columns of x and y."""

    floats: Array
    layers: Array
    units: Array
    inputs: Array
    outputs: Array


class DenseKinds(NamedTuple):
    """norm () int32, index into NORMS; activations (layers,) int32, indices into `activations.BRANCHES`."""

    norm: Array
    activations: Array


LAYER_FLOATS = ("dropout", "alpha", "scale")


def floats_of(config: DenseHyperparameters) -> dict[str, float]:
    """The numbers that all layers share."""
    norm_before = config.norm != "none" and config.norm_position == "before"
    return {
        "norm_momentum": config.norm_momentum,
        "norm_epsilon": config.norm_epsilon,
        "norm_before": float(norm_before),
        "norm_after": float(config.norm != "none" and not norm_before),
        "input_dropout": config.input_dropout,
        "drop_weights": float(config.dropout_kind == "weights"),
        "activity_l1": config.activity_l1,
        "activity_l2": config.activity_l2,
        "weight_noise": config.weight_noise,
        "input_noise": config.input_noise,
        "skip_add": float(config.skip == "add"),
    }


FLOATS = PackedNumbers(floats_of(DenseHyperparameters()), np.float32)


def arguments_of(config: DenseHyperparameters, spec: Spec) -> Arguments:
    """The run-time part of a configuration."""
    forms = [form_of(name, alpha_of(config, name)) for name in per_layer(config, "activation")]
    layers = [(rate, form[1], form[2]) for rate, form in zip(per_layer(config, "dropout"), forms, strict=True)]
    numbers = DenseNumbers(
        floats=FLOATS.pack(floats_of(config)),
        layers=np.array(layers, np.float32).reshape(config.layers, len(LAYER_FLOATS)),
        units=np.array(per_layer(config, "units"), np.int32),
        inputs=np.array(spec.sample[0], np.int32),
        outputs=np.array(spec.outputs, np.int32),
    )
    kinds = DenseKinds(
        norm=np.array(NORMS.index(config.norm), np.int32),
        activations=np.array([form[0] for form in forms], np.int32),
    )
    return Arguments(numbers, kinds)
