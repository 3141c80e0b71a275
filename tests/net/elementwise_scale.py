"""A second family, as small as one can be: outputs = (x * scale) @ kernel + bias. It pads nothing.

It is here to show that a kind of net is one file: nothing in the package knows of it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from paceline.hyperparameters import Hyperparameters
from paceline.knobs import knob
from paceline.net import Arguments, Family, Masks, Size, Spec, Variables, register
from paceline.seeds import generator
from paceline.space import Choice, Float, Space


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleHyperparameters(Hyperparameters):
    scale_init: float = knob(1.0, "float", "what each input is multiplied by at first", above=0.0)


class ElementwiseScale(Family):
    name = "scale"
    hyperparameters = ScaleHyperparameters

    def space(self, spec: Spec) -> Space:
        rate, scale = Float(1e-3, 1e-1, scale="log"), Float(0.1, 10.0, scale="log")
        return Space({"learning_rate": rate, "scale_init": scale, "optimizer": Choice(["adam", "momentum"])})

    def shape(self, config: ScaleHyperparameters, spec: Spec) -> tuple[int, int]:
        return spec.sample[0], spec.outputs

    def init(self, config: ScaleHyperparameters, spec: Spec, seed: int) -> Variables:
        inputs, outputs = spec.sample[0], spec.outputs
        kernel = generator(seed, "init", 0).normal(0.0, 1 / np.sqrt(inputs), (inputs, outputs)).astype(np.float32)
        scale = np.full(inputs, config.scale_init, np.float32)
        return Variables({"scale": scale, "kernel": kernel, "bias": np.zeros(outputs, np.float32)}, {})

    def arguments(self, config: ScaleHyperparameters, spec: Spec, shape: tuple[int, int]) -> Arguments:
        return Arguments((), ())

    def masks(self, shape: tuple[int, int]) -> Masks:
        names = ("scale", "kernel", "bias")
        only = {name: {other: float(other == name) for other in names} for name in names}
        return Masks(decay=only["kernel"], bias=only["bias"], trainable=dict.fromkeys(names, 1.0))

    def apply(
        self, shape: Any, weights: Any, statistics: Any, x: Any, arguments: Any, *, row_weights: Any, key: Any
    ) -> Any:
        return (x * weights["scale"]) @ weights["kernel"] + weights["bias"], statistics

    def size(self, config: ScaleHyperparameters, spec: Spec) -> Size:
        inputs, outputs = spec.sample[0], spec.outputs
        return Size(inputs + inputs * outputs + outputs, inputs * (outputs + 1), 4 * (2 * inputs + outputs))


SCALE = ElementwiseScale()
register(SCALE)
