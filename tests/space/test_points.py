"""Spaces by example: short forms, order, slots, grids, sizes, keys, and the default space."""

from typing import Any

import numpy as np
import pytest

from paceline.errors import SpaceError
from paceline.net import default_space
from paceline.net.dense.hyperparameters import KNOBS, resolve
from paceline.space import Choice, Fixed, Float, Int, Slot, Space

CONDITIONAL = {
    "momentum": {"low": 0.5, "high": 0.99, "scale": "logit", "when": {"optimizer": ["momentum"]}},
    "units": {"choices": [16, 32, 64], "per": "layers"},
    "optimizer": ["adam", "momentum"],
    "layers": {"low": 1, "high": 3},
}


@pytest.mark.parametrize(
    ("written", "parameter"),
    [
        ([1, 2, 4], Choice([1, 2, 4], ordered=True)),
        (("b", "a"), Choice(["b", "a"], ordered=False)),
        ([2, 1], Choice([2, 1], ordered=False)),
        ([True, False], Choice([True, False], ordered=False)),
        ("adam", Fixed("adam")),
        (0.1, Fixed(0.1)),
        (None, Fixed(None)),
        ({"value": [64, 32]}, Fixed([64, 32])),
        ({"low": 1, "high": 4}, Int(1, 4)),
        ({"low": 16, "high": 512, "scale": "log"}, Int(16, 512, scale="log")),
        ({"low": 1, "high": 4, "type": "float"}, Float(1.0, 4.0)),
        ({"low": 0, "high": 1, "step": 0.25}, Float(0.0, 1.0, step=0.25)),
        ({"low": 0, "high": 1.0}, Float(0.0, 1.0)),
        ({"low": "1e-5", "high": "1e-1", "scale": "log"}, Float(1e-5, 1e-1, scale="log")),
        ({"choices": ["a", "b"], "weights": [1, 3]}, Choice(["a", "b"], weights=[1, 3])),
        (np.array([1, 2]), Choice([1, 2])),
        (np.float64(0.5), Fixed(0.5)),
        (Int(np.int64(1), 3), Int(1, 3)),
    ],
)
def test_short_forms(written: Any, parameter: Any) -> None:
    assert Space({"x": written}).parameters["x"] == parameter


def test_parents_come_first_and_else_the_written_order_stays() -> None:
    assert Space(CONDITIONAL).names == ("optimizer", "momentum", "layers", "units")


def test_slots_are_the_flat_view() -> None:
    space = Space(CONDITIONAL | {"epochs": 30})
    units, momentum = space.parameters["units"], space.parameters["momentum"]
    assert space.slots == (
        Slot("optimizer", space.parameters["optimizer"], None, 2, False),
        Slot("momentum", momentum, None, 1, True),
        Slot("layers", space.parameters["layers"], None, 1, True),
        Slot("units", units, 0, 1, True),
        Slot("units", units, 1, 1, True),
        Slot("units", units, 2, 1, True),
    )


def test_the_unit_view_of_one_point() -> None:
    space = Space(CONDITIONAL)
    u = space.to_unit({"layers": 2, "units": [64, 16], "optimizer": "adam"})
    np.testing.assert_allclose(u, [0.25, np.nan, 0.5, 5 / 6, 1 / 6, np.nan])


def test_conditions_reach_any_depth() -> None:
    space = Space(
        {
            "a": [0, 1],
            "b": {"choices": ["x", "y"], "when": {"a": 1}},
            "c": {"choices": [5, 6], "when": {"b": ["y"]}},
            "d": {"low": 0, "high": 1.0, "when": {"c": 6, "a": 1}},
        }
    )
    assert space.active({"a": 0}) == ("a",)
    assert space.active({"a": 1, "b": "y", "c": 6}) == ("a", "b", "c", "d")
    assert space.active({"a": 0, "b": "y", "c": 6}) == ("a",)  # b has no meaning, so nothing hangs on it
    assert list(space.grid(2)) == [
        {"a": 0},
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y", "c": 5},
        {"a": 1, "b": "y", "c": 6, "d": 0.0},
        {"a": 1, "b": "y", "c": 6, "d": 1.0},
    ]
    assert (space.size, space.grid_size(2)) == (None, 5)


def test_a_fixed_parent_and_a_fixed_counter_serve() -> None:
    space = Space(
        {"n": 2, "u": {"choices": [1, 2], "per": "n"}, "o": "m", "f": {"value": 3, "when": {"o": "m"}, "per": "n"}}
    )
    assert space.size == 4
    assert space.default_point() == {"n": 2, "u": [1, 1], "o": "m", "f": [3, 3]}


def test_grids_cut_floats_on_their_scale_with_both_ends() -> None:
    space = Space({"lr": Float(1e-4, 1.0, scale="log")})
    assert [point["lr"] for point in space.grid(5)] == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1.0], rel=1e-12)
    assert [point["lr"] for point in space.grid(1)] == pytest.approx([1e-2])
    assert [point["x"] for point in Space({"x": Float(0, 1, step=0.5)}).grid(9)] == [0.0, 0.5, 1.0]


def test_the_first_parameter_of_a_grid_varies_slowest() -> None:
    points = Space({"a": [1, 2], "b": ["x", "y"]}).grid()
    assert [(p["a"], p["b"]) for p in points] == [(1, "x"), (1, "y"), (2, "x"), (2, "y")]


def test_sizes_are_counted_without_listing() -> None:
    wide = Space({f"x{i}": {"low": 1, "high": 10**6} for i in range(60)})
    assert wide.size == 10**360
    deep = Space({"o": {"low": 1, "high": 10**9}, "m": {"choices": ["a", "b", "c"], "when": {"o": [5, 7]}}})
    assert deep.size == 10**9 - 2 + 6
    assert Space({"n": Int(0, 3), "u": {"choices": ["a", "b"], "per": "n"}}).size == 1 + 2 + 4 + 8
    assert Space({"n": Fixed(0), "u": Float(0, 1, per="n")}).size == 1
    assert next(iter(wide.grid())) == {f"x{i}": 1 for i in range(60)}  # and a grid is lazy


def test_keys_tell_values_apart_that_differ() -> None:
    key = Space.key
    assert key({"a": 1, "b": -0.0}) == key({"b": 0, "a": 1.0}) == key({"a": np.int64(1), "b": np.float32(0)})
    different = [{"a": 1}, {"a": True}, {"a": "1"}, {"a": [1]}, {"a": None}, {}, {"b": 1}, {"a": 1.0000000000000002}]
    assert len({key(point) for point in different}) == len(different)


def test_the_default_point_is_the_middle_and_the_first() -> None:
    space = Space({"lr": Float(1e-4, 1e-2, scale="log"), "n": Int(1, 5), "o": ["b", "a"], "f": 7})
    point = space.default_point()
    assert point.pop("lr") == pytest.approx(1e-3)
    assert point == {"n": 3, "o": "b", "f": 7}


def test_a_point_shares_no_list_with_its_space() -> None:
    space = Space({"a": {"value": [1]}, "b": [[1], [2]]})
    for point in (space.default_point(), space.sample(np.random.default_rng(0)), *space.grid()):
        point["a"].append(9)
        point["b"].append(9)
    assert space.parameters["a"] == Fixed([1]) and space.parameters["b"] == Choice([[1], [2]])


def test_narrowing_drops_what_can_not_be_active() -> None:
    part = Space(CONDITIONAL).narrowed({"optimizer": ["adam"], "layers": (2, 2)})
    assert part.names == ("optimizer", "layers", "units")
    assert part.parameters["layers"] == Fixed(2)
    weighted = Space(CONDITIONAL).narrowed({"optimizer": {"weights": [3, 1]}}).parameters["optimizer"]
    assert weighted == Choice(["adam", "momentum"], weights=[3.0, 1.0])
    fewer = Space({"a": Choice(["x", "y", "z"], weights=[1, 2, 3])}).narrowed({"a": ["z", "y"]}).parameters["a"]
    assert fewer == Choice(["y", "z"], weights=[2.0, 3.0])


@pytest.mark.parametrize("task", ["binary", "classes", "multilabel", "regression"])
def test_the_default_space_suits_the_engine(task: str) -> None:
    space = default_space("dense", rows=1000, features=16, task=task)
    rng = np.random.default_rng(0)
    for _ in range(200):
        resolve(space.sample(rng), task=task)
    resolve(space.default_point(), task=task)
    static = [name for name in space.names if KNOBS[name].static]
    shapes = 1
    for name in static:
        shapes *= space.parameters[name].count or 0
    assert sorted(static) == ["batch_size", "layers", "units"] and shapes <= 9
    assert space.names[0] == "learning_rate"
    assert space.names.index("units") < space.names.index("momentum") < space.names.index("weight_decay")


def test_the_default_batch_grows_with_the_rows() -> None:
    sizes = [default_space(rows=n, features=3, task="classes").parameters["batch_size"] for n in (19_999, 20_000)]
    assert sizes == [Fixed(64), Fixed(128)]


def test_layers_are_wider_for_many_features_and_for_few_rows() -> None:
    def units(rows: int, features: int) -> list[int]:
        parameter = default_space(rows=rows, features=features, task="classes").parameters["units"]
        assert isinstance(parameter, Choice)
        return list(parameter.choices)

    assert units(2000, 32) == [32, 96]
    assert units(1999, 32) == units(2000, 33) == [96, 256]
    assert "input_dropout" in default_space(rows=2000, features=33, task="classes").names


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"net": "dence"}, "There is no default space for the net 'dence'; did you mean 'dense'?"),
        ({"task": "regresion"}, "'regresion' is not a task; did you mean 'regression'?"),
        ({"rows": 0}, "A default space needs at least one training row and feature, but got rows=0, features=3."),
    ],
)
def test_wrong_questions_for_the_default_space(asked: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpaceError) as error:
        default_space(**({"net": "dense", "rows": 10, "features": 3, "task": "classes"} | asked))
    assert str(error.value) == sentence
