"""Every family of the package passes the contract."""

import dataclasses

from paceline.net.base import Spec
from paceline.net.dense import DENSE
from paceline.net.dense.hyperparameters import DenseHyperparameters, per_layer
from paceline.net.dense.initializers import layer_widths, output_inputs
from paceline.net.dense.shape import DenseShape
from paceline.numerics.initializers import HE_FAMILY, standard_deviation
from paceline.records import Params
from paceline.testing import FamilyContract


class TestDense(FamilyContract):
    family = DENSE
    tasks = ("classes", "regression")

    def configs(self) -> list[Params]:
        """All that is padded and drawn in a way of its own; the first two have one shape."""
        return [
            {"layers": 2, "units": [13, 16], "activation": ["gelu", "tanh"], "norm": "batch", "skip": "add"},
            {"layers": 2, "units": [9, 3], "activation": "elu", "norm": "layer", "skip": "add", "dropout": 0.2},
            {"layers": 3, "units": [5, 8, 2], "skip": "concat", "init_distribution": "uniform", "init_gain": 0.5},
            {"layers": 1, "units": 7, "activation": "prelu", "norm": "batch", "norm_position": "after"},
            {"layers": 2, "units": 8, "init": "normal", "init_value": 0.2},
            {"layers": 0},
        ]

    def larger(self, shape: DenseShape) -> DenseShape:
        return dataclasses.replace(shape, width=2 * shape.width, outputs=4 * shape.outputs)

    def deviations(self, config: DenseHyperparameters, spec: Spec) -> dict[str, float]:
        fans = [*layer_widths(config, spec.sample[0]), (output_inputs(config, spec.sample[0]), spec.outputs)]
        found: dict[str, float] = {}
        for index, ((inputs, units), activation) in enumerate(
            zip(fans, (*per_layer(config, "activation"), "linear"), strict=True)
        ):
            kind = config.init
            if kind == "auto":
                kind = "he" if activation in HE_FAMILY else "glorot"
            found[f"{index}.kernel"] = config.init_gain * standard_deviation(kind, inputs, units, config.init_value)
        return found
