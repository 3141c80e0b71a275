"""Counting architectures: those of a space, and those that trials had."""

import pytest

from paceline.records import Trial
from paceline.search.methods.architectures import architectures_compared, architectures_of
from paceline.space import Fixed, Space

DECIDING = ("layers", "units", "batch_size")
PER_LAYER = {"layers": [1, 2, 3], "units": {"choices": [8, 16], "per": "layers"}}


@pytest.mark.parametrize(
    ("parameters", "possible"),
    [
        ({"rate": {"low": 0.0, "high": 1.0}}, 1),
        ({"layers": {"low": 1, "high": 5}, "rate": {"low": 0.0, "high": 1.0}}, 5),
        ({"layers": [1, 2], "units": [8, 16, 32], "batch_size": Fixed(64)}, 6),
        (PER_LAYER, 2 + 4 + 8),
        ({"norm": ["none", "batch"], "units": {"choices": [8, 16], "when": {"norm": "batch"}}}, 2),
        ({"layers": [1, 2], "units": {"choices": [8, 16], "when": {"layers": [2]}}}, 3),
        ({"layers": [1, 2], "units": {"low": 8.0, "high": 16.0}}, None),
    ],
)
def test_of_a_space(parameters: dict[str, object], possible: int | None) -> None:
    assert architectures_of(Space(parameters), DECIDING) == possible


def test_of_trials() -> None:
    space = Space(PER_LAYER | {"rate": {"low": 0.0, "high": 1.0}})
    nets = [(1, [8]), (1, [8.0]), (2, [8, 16]), (2, [16, 8])]
    points = [{"layers": layers, "units": units, "rate": 0.1 * i} for i, (layers, units) in enumerate(nets)]
    trials = [Trial(i, point, 0) for i, point in enumerate(points)]
    assert architectures_compared(space, trials, DECIDING) == {"compared": 3, "possible": 14}
    assert architectures_compared(space, [], DECIDING) == {"compared": 0, "possible": 14}
