"""Laws of any space: random spaces of numbers, choices, conditions to depth 3 and per-layer lists."""

import json
import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.errors import SpaceError
from paceline.space import Choice, Fixed, Float, Int, Space

numbers = st.floats(-1e6, 1e6, allow_subnormal=False)
json_values = st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=2) | st.lists(st.integers(0, 2))


@st.composite
def floats(draw: st.DrawFn, stepped: bool | None = None) -> Float:
    scale = draw(st.sampled_from(["linear", "log", "logit"]))
    if scale == "linear":
        low, high = draw(numbers), draw(st.floats(1e-3, 1e6))
        high = low + high
    elif scale == "log":
        low = 10.0 ** draw(st.floats(-12, 6))
        high = low * 10.0 ** draw(st.floats(0.01, 9))
    else:
        low = draw(st.floats(1e-9, 0.6))
        high = draw(st.floats(low + 0.01, 1 - 1e-9))
    wants_step = draw(st.booleans()) if stepped is None else stepped
    step = (high - low) / draw(st.floats(1.0, 6.0)) * (1 - 1e-9) if wants_step else None
    return Float(low, high, scale, step)


@st.composite
def ints(draw: st.DrawFn) -> Int:
    scale = draw(st.sampled_from(["linear", "log"]))
    low = draw(st.integers(1 if scale == "log" else -5, 40))
    span = draw(st.integers(1, 6))
    return Int(low, low + span, draw(st.integers(1, span)), scale)


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    values = draw(st.lists(json_values, min_size=1, max_size=4, unique_by=lambda value: json.dumps(value)))
    weights = draw(st.none() | st.lists(st.floats(0.1, 9), min_size=len(values), max_size=len(values)))
    return Choice(values, weights, draw(st.none() | st.booleans()))


finite_leaves = ints() | choices() | json_values.map(Fixed) | floats(stepped=True)
leaves = finite_leaves | floats()


def _with(parameter: Any, when: Any, per: str | None) -> Any:
    """The same parameter, written with conditions."""
    return parameter.to_dict() | ({"when": when} if when else {}) | ({"per": per} if per else {})


@st.composite
def spaces(draw: st.DrawFn, leaves: st.SearchStrategy[Any] = leaves, most: int = 6) -> Space:
    written: dict[str, Any] = {}
    parents: dict[str, tuple[int, list[Any]]] = {}  # name -> (depth, its values)
    counters: list[str] = []
    if draw(st.booleans()):
        counter = draw(st.just(Int(0, 3)) | st.just(Choice([2, 0])) | st.just(Fixed(2)))
        written["layers"], parents["layers"] = counter, (0, list(counter.cut(1)))
        counters.append("layers")
    for number in range(draw(st.integers(1, most))):
        name, parameter = f"p{number}", draw(leaves)
        above = [parent for parent in parents if parents[parent][0] < 3]
        chosen = draw(st.lists(st.sampled_from(above), max_size=2, unique=True)) if above else []
        when = {
            parent: draw(st.lists(st.sampled_from(parents[parent][1]), min_size=1, max_size=2)) for parent in chosen
        }
        per = draw(st.none() | st.sampled_from(counters)) if counters else None
        written[name] = _with(parameter, when, per)
        if per is None and not isinstance(parameter, Float):
            parents[name] = (1 + max((parents[parent][0] for parent in chosen), default=0), list(parameter.cut(1)))
    order = draw(st.permutations(list(written)))
    return Space({name: written[name] for name in order})


seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)
finite_spaces = spaces(finite_leaves, most=4)


def close(a: Any, b: Any) -> bool:
    if isinstance(a, float):
        return math.isclose(a, b, rel_tol=1e-12, abs_tol=0.0)
    if isinstance(a, list):
        return len(a) == len(b) and all(close(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


@given(spaces(), seeds)
def test_a_sample_is_a_point(space: Space, rng: np.random.Generator) -> None:
    point = space.sample(rng)
    space.validate(point)
    assert space.contains(point)
    assert tuple(point) == space.active(point)
    space.validate(space.default_point())


@given(spaces(), seeds)
def test_the_unit_cube_and_back(space: Space, rng: np.random.Generator) -> None:
    point = space.sample(rng)
    u = space.to_unit(point)
    assert u.shape == (len(space.slots),) and u.dtype == np.float64
    active = ~np.isnan(u)
    assert np.all((u[active] >= 0) & (u[active] <= 1))
    back = space.from_unit(u)
    assert list(back) == list(point)
    for name, value in point.items():
        slack = 0.0
        if isinstance(space.parameters[name], Float) and space.parameters[name].scale == "linear":
            slack = 1e-12 * (space.parameters[name].high - space.parameters[name].low)
        if slack and isinstance(value, float):
            assert abs(back[name] - value) <= max(slack, 1e-12 * abs(value))
        elif not slack:
            assert close(value, back[name])


@given(spaces(), st.data())
def test_every_place_of_the_cube_is_a_point(space: Space, data: st.DataObject) -> None:
    ends = st.sampled_from([0.0, 1.0, 0.5, math.nan, math.nextafter(1.0, 0.0), -3.0, 7.0])
    size = len(space.slots)
    u = np.array(data.draw(st.lists(st.floats(0, 1) | ends, min_size=size, max_size=size)))
    point = space.from_unit(u)
    space.validate(point)
    assert space.key(space.from_unit(np.where(np.isnan(space.to_unit(point)), 0.123, u))) == space.key(point)


@given(spaces())
def test_no_opinion_is_the_default(space: Space) -> None:
    assert space.from_unit(np.full(len(space.slots), np.nan)) == space.default_point()


@given(spaces(), seeds, st.randoms())
def test_equal_points_have_equal_keys(space: Space, rng: np.random.Generator, random: Any) -> None:
    point = space.sample(rng)
    names = list(point)
    random.shuffle(names)

    def other(value: Any) -> Any:
        if isinstance(value, list):
            return tuple(other(item) for item in value)
        if isinstance(value, bool) or value is None or isinstance(value, str):
            return value
        return np.float64(value)

    twin = {name: other(point[name]) for name in names}
    assert space.key(twin) == space.key(point)
    assert space.contains(twin)
    assert np.array_equal(space.to_unit(twin), space.to_unit(point), equal_nan=True)
    assert space.key(json.loads(json.dumps(point))) == space.key(point)


def _by_brute_force(space: Space) -> set[str]:
    """Keys of all points: every value of every slot, then what the conditions leave of it."""
    columns: list[list[Any]] = []
    for parameter in space.parameters.values():
        repeats = 3 if parameter.per is not None else 1
        columns += [list(parameter.cut(1))] * repeats
    keys = set()
    for row in product(*columns):
        values, point = iter(row), {}
        for name, parameter in space.parameters.items():
            own = [next(values) for _ in range(3 if parameter.per is not None else 1)]
            holds = all(
                parent in point and any(json.dumps(point[parent]) == json.dumps(value) for value in allowed)
                for parent, allowed in (parameter.when or {}).items()
            )
            if holds and (parameter.per is None or parameter.per in point):
                point[name] = own[0] if parameter.per is None else own[: point[parameter.per]]
        keys.add(space.key(point))
    return keys


@settings(max_examples=60)
@given(spaces(finite_leaves, most=3))
def test_a_grid_is_every_point_once(space: Space) -> None:
    rows = math.prod((p.count or 0) ** (3 if p.per is not None else 1) for p in space.parameters.values())
    size = space.size
    assert size is not None and size == space.grid_size(3)
    if size > 3000:
        return
    points = list(space.grid(3))
    keys = [space.key(point) for point in points]
    assert len(keys) == len(set(keys)) == size
    assert all(space.contains(point) for point in points)
    assert points == list(space.grid(3))
    if rows <= 3000:
        assert set(keys) == _by_brute_force(space)


@settings(max_examples=60)
@given(spaces(most=3), st.integers(1, 3))
def test_the_size_of_a_grid_is_known_before(space: Space, points: int) -> None:
    size = space.grid_size(points)
    if size <= 2000:
        assert len({space.key(point) for point in space.grid(points)}) == size


@given(spaces())
def test_the_written_form_reads_back_equal(space: Space) -> None:
    written = space.to_dict()
    assert Space.from_dict(json.loads(json.dumps(written))) == space
    assert Space.from_dict(written).to_dict() == written
    backwards = Space.from_dict(dict(reversed(written.items())))
    assert backwards.parameters == space.parameters


@given(spaces())
def test_parents_stand_before_children(space: Space) -> None:
    seen: set[str] = set()
    for name, parameter in space.parameters.items():
        assert {*(parameter.when or {}), *([parameter.per] if parameter.per else [])} <= seen
        seen.add(name)


@given(spaces(), seeds)
def test_a_narrowed_space_lies_inside(space: Space, rng: np.random.Generator) -> None:
    to: dict[str, Any] = {}
    for name, parameter in space.parameters.items():
        if isinstance(parameter, Choice):
            kept = [choice for choice in parameter.choices if rng.random() < 0.6] or [parameter.choices[0]]
            to[name] = {"choices": kept[::-1], "weights": [1.0 + i for i in range(len(kept))]}
        elif not isinstance(parameter, Fixed):
            to[name] = tuple(sorted(parameter.from_unit(u) for u in rng.random(2)))
    part = space.narrowed(to)
    for _ in range(3):
        point = part.sample(rng)
        space.validate(point)
        for name, value in point.items():
            items = value if space.parameters[name].per is not None else [value]
            if isinstance(to.get(name), tuple):
                assert all(to[name][0] <= item <= to[name][1] for item in items)
            elif name in to:
                assert all(item in to[name]["choices"] for item in items)


@given(spaces(), seeds)
def test_neighbours_are_other_points_near_by(space: Space, rng: np.random.Generator) -> None:
    point = space.sample(rng)
    near = space.neighbours(point, rng, count=5)
    keys = {space.key(one) for one in near}
    assert len(keys) == len(near) <= 5 and space.key(point) not in keys
    here = space.to_unit(point)
    for one in near:
        there = space.to_unit(one)
        both = ~np.isnan(here) & ~np.isnan(there)
        moved = np.abs(here - there) > 1e-9
        assert np.sum(moved & both) <= 1


@given(spaces(), seeds)
def test_a_wrong_entry_is_named(space: Space, rng: np.random.Generator) -> None:
    point = space.sample(rng)
    with pytest.raises(SpaceError, match="'no such name' is not in the search space"):
        space.validate(point | {"no such name": 1})
    for name in point:
        with pytest.raises(SpaceError, match=f"'{name}' must be given"):
            space.validate({other: value for other, value in point.items() if other != name})
    for name in set(space.names) - set(point):
        with pytest.raises(SpaceError, match=f"'{name}' must be left out"):
            space.validate(point | {name: 1})
