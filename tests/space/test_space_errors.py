"""Each rule of a space, broken: one sentence with the name, the rule and the value."""

import math
from typing import Any

import numpy as np
import pytest

from paceline.errors import SpaceError
from paceline.space import Choice, Fixed, Float, Int, Space

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"lr": Float(0.1, 0.01)}, "`low < high` must hold for 'lr', but got low=0.1, high=0.01."),
    ({"lr": {"low": 1, "high": 1}}, "`low < high` must hold for 'lr', but got low=1, high=1."),
    ({"lr": Float(0, 1, "log")}, "`low > 0` must hold for 'lr' on a log scale, but got low=0.0."),
    ({"n": Int(0, 9, scale="log")}, "`low > 0` must hold for 'n' on a log scale, but got low=0."),
    (
        {"m": Float(0.5, 1, "logit")},
        "`0 < low < high < 1` must hold for 'm' on a logit scale, but got low=0.5, high=1.0.",
    ),
    ({"n": Int(1, 9, scale="logit")}, "The scale of the integer 'n' must be 'linear' or 'log', but got 'logit'."),
    (
        {"lr": {"low": 1e-5, "high": 0.1, "scale": "logg"}},
        "The scale of 'lr' must be one of linear, log, logit, but got 'logg'; did you mean 'log'?",
    ),
    (
        {"lr": {"low": 1e-5, "high": 0.1, "scale": 3}},
        "The scale of 'lr' must be one of linear, log, logit, but got 3.",
    ),
    (
        {"lr": Float(math.nan, math.inf)},
        "The ends and the step of 'lr' must be finite numbers, but got low=nan, high=inf.",
    ),
    ({"lr": {"low": "a", "high": 1}}, "The ends and the step of 'lr' must be finite numbers, but got low='a'."),
    ({"lr": {"low": True, "high": 2}}, "The ends and the step of 'lr' must be finite numbers, but got low=True."),
    ({"n": Int(1, 2.5)}, "The ends and the step of the integer 'n' must be whole numbers, but got high=2.5."),  # type: ignore[arg-type]  # the fault
    ({"n": Int(1, 9, 0)}, "`step > 0` must hold for 'n', but got step=0."),
    ({"n": Int(1, 9, 9)}, "`step <= high - low` must hold for 'n', but got low=1, high=9, step=9."),
    (
        {"x": Float(1e16, 2e16, step=1e-3)},
        f"`step` of 'x' must be at least max(|low|, |high|) / {2**50}, but got low=1e+16, high=2e+16, step=0.001.",
    ),
    (
        {"x": Float(-1.7e308, 1.7e308)},
        "The ends of 'x' must be told apart by a 64-bit float on its scale, but got low=-1.7e+308, high=1.7e+308.",
    ),
    (
        {"x": Float(1e300, math.nextafter(1e300, math.inf), "log")},
        "The ends of 'x' must be told apart by a 64-bit float on its scale, but got low=1e+300, "
        "high=1.0000000000000002e+300.",
    ),
    (
        {"lr": {"low": 1, "high": 2, "type": "integer"}},
        "The type of 'lr' must be 'float' or 'int', but got 'integer'.",
    ),
    (
        {"lr": {"low": 1, "hihg": 2}},
        "'hihg' is not a key of the parameter 'lr'; did you mean 'high'? "
        "The parameter 'lr' must have low and high, or choices, or value, but has low, hihg.",
    ),
    ({"lr": {}}, "The parameter 'lr' must have low and high, or choices, or value, but has nothing."),
    (
        {"o": {"choices": ["a"], "vlaue": 1}},
        "'vlaue' is not a key of the parameter 'o'; known: choices, weights, ordered, when, per.",
    ),
    ({"o": []}, "The choices of 'o' must be a list of at least one value, but got ()."),
    ({"o": Choice("ab")}, "The choices of 'o' must be a list of at least one value, but got 'ab'."),
    ({"o": ["a", "b", "a"]}, "The choices of 'o' must differ, but 'a' is there twice."),
    ({"o": [1, 1.0]}, "The choices of 'o' must differ, but 1.0 is there twice."),
    (
        {"o": [1, math.inf]},
        "The choices of 'o' must be JSON values (number, text, true, null, list), but got inf.",
    ),
    ({"o": Choice(["a", "b"], weights=[1])}, "'o' must have one weight per choice, but got 1 for 2 choices."),
    ({"o": Choice(["a", "b"], weights=[1, -1])}, "The weights of 'o' must be numbers above 0, but got [1, -1]."),
    ({"o": Choice(["a", "b"], weights=[0, 0])}, "The weights of 'o' must be numbers above 0, but got [0, 0]."),
    (
        {"o": Choice(["a", "b"], weights=[1e308, 1e308])},
        "The weights of 'o' must have a finite sum, but got [1e+308, 1e+308].",
    ),
    ({"o": {"choices": ["a"], "ordered": "yes"}}, "`ordered` of 'o' must be true or false, but got 'yes'."),
    (
        {"f": math.nan},
        "The value of 'f' must be a JSON value (number, text, true, null, list), but got nan.",
    ),
    (
        {"f": Fixed({1, 2})},
        "The value of 'f' must be a JSON value (number, text, true, null, list), but got {1, 2}.",
    ),
    ({"": 1}, "The name of a parameter must be a text that isn't empty, but got ''."),
    (
        {"optimizer": ["a"], "m": {"value": 1, "when": {"optimiser": "a"}}},
        "`when` of 'm' names the unknown parameter 'optimiser'; did you mean 'optimizer'?",
    ),
    (
        {"optimizer": ["momentum", "adam"], "m": {"value": 1, "when": {"optimizer": ["momentun"]}}},
        "`when` of 'm' lists 'momentun', but 'optimizer' must be one of momentum, adam; did you mean 'momentum'?",
    ),
    (
        {"n": Int(1, 3), "m": {"value": 1, "when": {"n": [2, 4]}}},
        "`when` of 'm' lists 4, but 'n' must be between 1 and 3.",
    ),
    (
        {"n": Int(1, 3), "m": {"value": 1, "when": {"n": []}}},
        "`when` of 'm' must list at least one value of 'n', but lists none.",
    ),
    ({"m": {"value": 1, "when": "n"}}, "`when` of 'm' must be a mapping of a parameter to its values, but got 'n'."),
    (
        {"x": Float(0, 1), "m": {"value": 1, "when": {"x": 0.5}}},
        "`when` of 'm' must name a choice or an integer, but 'x' is a float.",
    ),
    (
        {"n": 2, "u": {"choices": [1], "per": "n"}, "m": {"value": 1, "when": {"u": 1}}},
        "`when` of 'm' must name a parameter with one value, but 'u' has one per layer.",
    ),
    (
        {"layers": [1, 2], "u": {"choices": [1], "per": "layer"}},
        "`per` of 'u' names the unknown parameter 'layer'; did you mean 'layers'?",
    ),
    (
        {"x": Float(0, 1), "u": {"choices": [1], "per": "x"}},
        "`per` of 'u' must name a choice or an integer with one value, but 'x' is neither.",
    ),
    (
        {"n": ["a", 1], "u": {"choices": [1], "per": "n"}},
        "`per` of 'u' must name a count of 0 to 1000, but 'n' can be 'a'.",
    ),
    (
        {"n": Int(-1, 1), "u": {"choices": [1], "per": "n"}},
        "`per` of 'u' must name a count of 0 to 1000, but 'n' can be -1.",
    ),
    (
        {"a": {"choices": [1], "when": {"b": 1}}, "b": {"choices": [1], "when": {"a": 1}}},
        "Conditions must not go round in a ring, but they do: 'a' depends on 'b' depends on 'a'.",
    ),
]


@pytest.mark.parametrize(("written", "sentence"), WRONG)
def test_a_broken_rule_is_one_sentence(written: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpaceError) as error:
        Space(written)
    assert str(error.value) == sentence


def test_all_wrong_parameters_are_named_at_once() -> None:
    with pytest.raises(SpaceError) as error:
        Space({"a": Float(1, 0), "b": [], "c": {"lwo": 1}, "d": [1, 2]})
    assert [f"'{name}'" in str(error.value) for name in "abcd"] == [True, True, True, False]


def test_a_space_is_a_mapping() -> None:
    with pytest.raises(SpaceError, match=r"must be a mapping of names to parameters, but got \[1\]"):
        Space([1])  # type: ignore[arg-type]  # the fault


SPACE = Space(
    {
        "lr": Float(1e-4, 1.0, scale="log"),
        "layers": Int(1, 3),
        "units": Choice([16, 32], per="layers"),
        "optimizer": ["adam", "momentum"],
        "momentum": Float(0.5, 0.9, step=0.1, when={"optimizer": "momentum"}),
        "epochs": 3,
    }
)
RIGHT = {"lr": 0.1, "layers": 2, "units": [16, 32], "optimizer": "momentum", "momentum": 0.6, "epochs": 3}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"lr": 2.0}, "'lr' must be between 0.0001 and 1.0, but got 2.0."),
        ({"lr": "0.1"}, "'lr' must be a finite number, but got '0.1'."),
        ({"lr": math.nan}, "'lr' must be a finite number, but got nan."),
        ({"lr": True}, "'lr' must be a finite number, but got True."),
        ({"layers": 2.5, "units": []}, "'layers' must be a whole number, but got 2.5."),
        ({"units": [16]}, "'units' must be a list of 2 values, one per layers, but got [16]."),
        ({"units": 16}, "'units' must be a list of 2 values, one per layers, but got 16."),
        ({"units": [16, 17]}, "'units'[1] must be one of 16, 32, but got 17."),
        ({"momentum": 0.65}, "'momentum' must be 0.5 plus a multiple of 0.1, but got 0.65."),
        (
            {"optimizer": "adam"},
            "'momentum' must be left out, because it is active only when 'optimizer' is 'momentum'.",
        ),
        ({"epochs": 4}, "'epochs' must be 3, but got 4."),
        ({"epochs": object}, f"'epochs' must be 3, but got {object!r}."),
        ({"leyers": 2}, "'leyers' is not in the search space; did you mean 'layers'?"),
    ],
)
def test_a_wrong_point_is_told_why(change: dict[str, Any], sentence: str) -> None:
    SPACE.validate(RIGHT)
    point = RIGHT | change
    with pytest.raises(SpaceError) as error:
        SPACE.validate(point)
    if change.get("layers") != 2.5:
        assert str(error.value) == sentence
    assert sentence in str(error.value)
    assert not SPACE.contains(point)
    with pytest.raises(SpaceError):
        SPACE.to_unit(point)


@pytest.mark.parametrize(
    ("to", "sentence"),
    [
        ({"leyers": (1, 2)}, "'leyers' is not in the search space; did you mean 'layers'?"),
        ({"lr": (0.5, 0.1)}, "'lr' must be narrowed to two numbers (low, high) with low <= high, but got (0.5, 0.1)."),
        ({"layers": (1,)}, "'layers' must be narrowed to two numbers (low, high) with low <= high, but got (1,)."),
        ({"lr": 3}, "'lr' must be narrowed to two numbers (low, high) with low <= high, but got 3."),
        ({"optimizer": ["sgd"]}, "'optimizer' must be one of 'adam', 'momentum', but got 'sgd'."),
        ({"optimizer": []}, "The choices of 'optimizer' must be a list of at least one value, but got ()."),
        ({"optimizer": {"weights": [1]}}, "'optimizer' must have one weight per choice, but got 1 for 2 choices."),
        ({"optimizer": "adam"}, "'optimizer' must be narrowed to a list of its choices, but got 'adam'."),
        ({"optimizer": {"chioces": []}}, "'chioces' says nothing about 'optimizer'; did you mean 'choices'?"),
    ],
)
def test_a_wrong_part_is_refused(to: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpaceError) as error:
        SPACE.narrowed(to)
    assert str(error.value) == sentence


def test_other_wrong_arguments() -> None:
    with pytest.raises(SpaceError, match="A configuration must be a mapping of names to values, but got 3"):
        SPACE.validate(3)  # type: ignore[arg-type]  # the fault
    with pytest.raises(SpaceError, match=r"must have 7 numbers, but got place.shape=\(2,\)"):
        SPACE.from_unit(np.zeros(2))
    for points in (0, 2.0, True):
        with pytest.raises(SpaceError, match="`points` of a grid must be a whole number of at least 1"):
            SPACE.grid(points)  # type: ignore[arg-type]  # the fault
        with pytest.raises(SpaceError, match="`points` of a grid must be a whole number of at least 1"):
            SPACE.grid_size(points)  # type: ignore[arg-type]  # the fault
