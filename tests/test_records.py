"""A packed curve is the sequence of numbers that it was made from, to the last bit."""

import math
import struct
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.records import Curve, Trial

numbers = st.lists(st.floats() | st.sampled_from([math.nan, -0.0, math.inf]), max_size=20)


def octets(some: Iterable[float]) -> list[bytes]:
    """Floats as their bytes: a NaN equals itself, and 0.0 isn't -0.0."""
    return [struct.pack("<d", number) for number in some]


@given(numbers, st.data())
def test_a_curve_reads_like_its_numbers(values: list[float], data: st.DataObject) -> None:
    curve = Curve(values)
    assert len(curve) == len(values) and bool(curve) == bool(values)
    assert octets(curve) == octets(values)
    part = data.draw(st.slices(len(values) + 2))
    assert octets(curve[part]) == octets(values[part])
    for at in range(-len(values), len(values)):
        assert octets([curve[at]]) == octets([values[at]])
    assert Curve(bytes(curve)) == curve == tuple(values) and hash(Curve(values)) == hash(curve)


def test_curves_differ_where_their_bits_do() -> None:
    assert Curve([0.0]) != Curve([-0.0]) and Curve([0.1]) != (0.1, 0.2) and Curve() == () and Curve() != "x"
    assert Trial(0, {}, 0, curve=Curve([0.5])) == Trial(0, {}, 0, curve=(0.5,))
    with pytest.raises(IndexError):
        Curve([0.5])[1]
