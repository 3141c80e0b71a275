"""Draws follow their scales: shares of draws against the shares that the definition gives."""

import math
from typing import Any

import numpy as np
import pytest

from paceline.space import Choice, Float, Int, Space

DRAWS = 40_000


def draw(parameter: Any) -> list[Any]:
    space = Space({"x": parameter})
    rng = np.random.default_rng(7)
    return [space.sample(rng)["x"] for _ in range(DRAWS)]


def assert_shares(counts: dict[Any, int], shares: dict[Any, float]) -> None:
    """Every count within 4.5 standard deviations of its binomial expectation; nothing else was drawn."""
    assert set(counts) <= set(shares)
    for value, share in shares.items():
        sd = math.sqrt(DRAWS * share * (1 - share))
        assert abs(counts.get(value, 0) - DRAWS * share) < 4.5 * sd, (value, counts.get(value, 0), DRAWS * share)


def count(values: list[Any]) -> dict[Any, int]:
    return {value: values.count(value) for value in set(values)}


def test_log_floats_put_a_quarter_of_draws_in_each_of_four_decades() -> None:
    decades = count([math.floor(math.log10(value)) for value in draw(Float(1e-4, 1.0, scale="log"))])
    assert_shares(decades, {-4: 0.25, -3: 0.25, -2: 0.25, -1: 0.25})


def test_linear_floats_are_even() -> None:
    assert_shares(count([int(value // 1) for value in draw(Float(-2, 2))]), {-2: 0.25, -1: 0.25, 0: 0.25, 1: 0.25})


def test_logit_floats_are_even_in_log_odds() -> None:
    low, high = 0.5, 0.99
    a, b = 0.0, math.log(high / (1 - high))
    thirds = count([int(3 * (math.log(v / (1 - v)) - a) / (b - a)) for v in draw(Float(low, high, scale="logit"))])
    assert_shares(thirds, {0: 1 / 3, 1: 1 / 3, 2: 1 / 3})


def test_every_integer_is_equally_likely() -> None:
    assert_shares(count(draw(Int(1, 5))), dict.fromkeys(range(1, 6), 0.2))
    assert_shares(count(draw(Int(-3, 8, step=3))), dict.fromkeys((-3, 0, 3, 6), 0.25))


def test_log_integers_own_half_a_step_to_either_side() -> None:
    def length(k: int) -> float:
        return math.log((k + 0.5) / (k - 0.5))

    total = sum(length(k) for k in range(1, 11))
    assert_shares(count(draw(Int(1, 10, scale="log"))), {k: length(k) / total for k in range(1, 11)})


def test_choices_are_drawn_by_weight() -> None:
    assert_shares(count(draw(Choice(["a", "b", "c"]))), dict.fromkeys("abc", 1 / 3))
    assert_shares(count(draw(Choice(["a", "b", "c"], weights=[1, 2, 5]))), {"a": 0.125, "b": 0.25, "c": 0.625})


def test_steps_are_exact_decimals_inside_the_range() -> None:
    assert sorted(set(draw(Float(0.1, 0.75, step=0.1)))) == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    assert sorted(set(draw(Float(0.5, 0.9, scale="logit", step=0.1)))) == [0.5, 0.6, 0.7, 0.8, 0.9]


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_ends_of_the_cube_are_ends_of_the_range(scale: str) -> None:
    for parameter in (Float(1e-5, 3e-2, scale), Int(1, 1000, 1, scale)):
        assert parameter.from_unit(0.0) == parameter.low
        assert parameter.from_unit(1.0) == parameter.high


def test_a_very_long_range_of_integers_keeps_its_values() -> None:
    for parameter in (Int(0, 2**49), Int(1, 2**39, scale="log")):
        for value in (parameter.low, 3, 12_345, parameter.high // 3, parameter.high - 1, parameter.high):
            assert parameter.from_unit(parameter.to_unit(value)) == value


def test_one_draw_takes_one_number_per_slot_whatever_is_active() -> None:
    space = Space({"o": ["a", "b"], "m": {"low": 0, "high": 1.0, "when": {"o": "b"}}, "z": {"low": 0, "high": 1.0}})
    rng, twin = np.random.default_rng(3), np.random.default_rng(3)
    for _ in range(20):
        point = space.sample(rng)
        u = twin.random(3)
        assert point["z"] == u[2]
