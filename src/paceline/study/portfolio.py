"""What a search begins with: the usual configuration, and a few that served other tables.

    usual        the defaults of the net, trial 0
    portfolio    eight configurations, each good where the others are not: the output of benchmarks/first_points.py

What served other data is worth more than a draw: on a table that had no say in it, eight of a portfolio come as low as
27 random draws do (mean regret .156 and .168 over eleven tables). All are of one shape, two of the space's wider
layers, so that they cost one program. A space that lacks a value gets the middle of its scale there.

Source: Feurer et al. (2022), "Auto-sklearn 2.0: hands-free AutoML via meta-learning", section 3.2.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from paceline.hyperparameters import Hyperparameters
from paceline.records import Params
from paceline.space import Space

WIDE = 0.75
"""Where the portfolio's number of units stands on the scale of a space."""

PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {
        "learning_rate": 0.0033, "optimizer": "rmsprop", "layers": 2, "schedule": "linear",
        "activation": "gelu", "norm": "none", "dropout": 0.16, "weight_decay": 0.00014, "input_dropout": 0.018,
    },
    {
        "learning_rate": 0.021, "optimizer": "nadam", "layers": 2, "schedule": "linear", "activation": "relu",
        "norm": "batch", "dropout": 0.25, "weight_decay": 6e-05, "input_dropout": 0.21,
    },
    {
        "learning_rate": 0.00051, "optimizer": "rmsprop", "layers": 2, "schedule": "linear",
        "activation": "swish", "norm": "none", "dropout": 0.0051, "weight_decay": 0.00082, "input_dropout": 0.3,
    },
    {
        "learning_rate": 0.0044, "optimizer": "rmsprop", "layers": 2, "schedule": "cosine",
        "activation": "relu", "norm": "batch", "dropout": 0.078, "weight_decay": 5.1e-06, "input_dropout": 0.14,
    },
    {
        "learning_rate": 0.0061, "optimizer": "nadam", "layers": 2, "schedule": "constant",
        "activation": "swish", "norm": "none", "dropout": 0.1, "weight_decay": 0.088, "input_dropout": 0.26,
    },
    {
        "learning_rate": 0.0023, "optimizer": "nadam", "layers": 2, "schedule": "constant",
        "activation": "leaky_relu", "norm": "batch", "dropout": 0.15, "weight_decay": 0.0039,
        "input_dropout": 0.19,
    },
    {
        "learning_rate": 0.011, "optimizer": "adam", "layers": 2, "schedule": "constant",
        "activation": "swish", "norm": "layer", "dropout": 0.22, "weight_decay": 1.6e-06, "input_dropout": 0.11,
    },
    {
        "learning_rate": 0.0026, "optimizer": "adam", "layers": 2, "schedule": "cosine",
        "activation": "leaky_relu", "norm": "layer", "dropout": 0.46, "weight_decay": 9.9e-05,
        "input_dropout": 0.098,
    },
)  # fmt: skip


def usual_point(space: Space, usual: Hyperparameters) -> Params:
    """What is trained by default, as far as the space holds it; elsewhere middles of scales and first choices."""
    return _held(space, {name: getattr(usual, name) for name in space.names})


def portfolio(space: Space) -> list[Params]:
    """The configurations that served other tables, as far as the space holds them, each once."""
    points = [_held(space, values, units=WIDE) for values in PORTFOLIO]
    return list({space.key(point): point for point in points}.values())


def _held(space: Space, values: Mapping[str, Any], units: float | None = None) -> Params:
    """The point with those of the values that the space holds; `units` is a place on a scale, 0 to 1."""
    place, exact = np.full(len(space.slots), np.nan), {}
    for index, slot in enumerate(space.slots):
        if slot.name == "units" and units is not None:
            place[index] = units
        elif slot.name in values and slot.parameter.fault(values[slot.name]) is None:
            place[index] = slot.parameter.to_unit(values[slot.name])
            if slot.parameter.per is None:
                exact[slot.name] = values[slot.name]  # from_unit rounds in the last digit
    return {name: exact.get(name, value) for name, value in space.from_unit(place).items()}
