"""A small problem with every kind of parameter, for the searchers that learn."""

import math

from paceline.records import Params
from paceline.space import Space

MIXED = Space(
    {
        "x": {"low": 0.0, "high": 1.0},
        "rate": {"low": 1e-5, "high": 1.0, "scale": "log"},
        "n": {"low": 1, "high": 9},
        "kind": ["a", "b", "c", "d"],
        "bent": {"low": 0.0, "high": 1.0, "when": {"kind": ["a", "b"]}},
    }
)


def mixed_loss(p: Params) -> float:
    kind = {"a": 0.0, "b": 0.2, "c": 0.5, "d": 0.8}[p["kind"]]
    bent = 2.0 * (p["bent"] - 0.7) ** 2 if "bent" in p else 0.0
    return 3.0 * (p["x"] - 0.3) ** 2 + 0.1 * (math.log10(p["rate"]) + 3.0) ** 2 + 0.05 * abs(p["n"] - 6) + kind + bent
