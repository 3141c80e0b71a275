"""Configurations of dense nets that served other tables: the output of benchmarks/first_points.py.

Eight of them, each good where the others are not. What served other data is worth more than a draw: on a table that had
no say in it, eight of a portfolio come as low as 27 random draws do (mean regret .156 and .168 over eleven tables). All
are of one shape, two of the space's wider layers, so that they cost one program.

Source: Feurer et al. (2022), "Auto-sklearn 2.0: hands-free AutoML via meta-learning", section 3.2.
"""

from collections.abc import Mapping
from typing import Any

from paceline.records import Params
from paceline.space import Space
from paceline.space.points import point_of

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


def portfolio(space: Space) -> list[Params]:
    """The configurations that served other tables, as far as the space holds them, each once."""
    points = [point_of(space, values, {"units": WIDE}) for values in PORTFOLIO]
    return list({space.key(point): point for point in points}.values())
