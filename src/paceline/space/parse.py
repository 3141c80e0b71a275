"""The short forms of a parameter, in Python and in study files alike.

    [a, b, c]                                           Choice
    {choices: [a, b], weights: [2, 1]}                  Choice
    {low: 1e-5, high: 1e-1, scale: log}                 Float
    {low: 1, high: 4}                                   Int: both ends are whole numbers and so is the step, if any
    {low: 0, high: 1, type: float}                      Float: `type` says which, where the ends leave it open
    {value: [64, 32]}                                   Fixed
    adam, 0.1, true                                     Fixed

`when` and `per` go into any of the dictionaries.
"""

from collections.abc import Mapping
from typing import Any

from paceline.errors import did_you_mean
from paceline.space.choices import Choice, Fixed
from paceline.space.parameter import Parameter
from paceline.space.ranges import Float, Int
from paceline.space.values import is_number, plain

COMMON_KEYS = ("when", "per")
RANGE_KEYS = ("low", "high", "step", "scale", "type")
CHOICE_KEYS = ("choices", "weights", "ordered")
FIXED_KEYS = ("value",)


def parse(name: str, written: Any) -> tuple[Parameter | None, list[str]]:
    """A parameter from its short form, and one sentence for each rule that the form breaks."""
    parameter, found = _read(name, written)
    return parameter, found if parameter is None else found + parameter.problems(name)


def _read(name: str, written: Any) -> tuple[Parameter | None, list[str]]:
    if isinstance(written, Parameter):
        return written, []
    if isinstance(written, Mapping):
        return _from_mapping(name, dict(written))
    written = plain(written)
    return Choice(written) if isinstance(written, list) else Fixed(written), []


def _from_mapping(name: str, written: dict[Any, Any]) -> tuple[Parameter | None, list[str]]:
    kinds = [kind for kind in (RANGE_KEYS, CHOICE_KEYS, FIXED_KEYS) if any(key in written for key in kind)]
    known = (*(kinds[0] if kinds else (*RANGE_KEYS, *CHOICE_KEYS, *FIXED_KEYS)), *COMMON_KEYS)
    found = [
        f"{key!r} is not a key of the parameter {name!r}{did_you_mean(key, known)}"
        for key in written
        if key not in known
    ]
    common: dict[str, Any] = {key: written[key] for key in COMMON_KEYS if key in written}
    if FIXED_KEYS in kinds and len(kinds) == 1:
        return Fixed(written["value"], **common), found
    if "choices" in written and len(kinds) == 1:
        return Choice(**{key: written[key] for key in CHOICE_KEYS if key in written}, **common), found
    if len(kinds) == 1 and "low" in written and "high" in written:
        return _range(written, common), found + _type_problems(name, written)
    if len(kinds) <= 1:
        shown = ", ".join(map(str, written)) or "nothing"
        found.append(f"The parameter {name!r} must have low and high, or choices, or value, but has {shown}.")
    return None, found


def _range(written: dict[Any, Any], common: dict[str, Any]) -> Parameter:
    given = {key: _number(written[key]) if key != "scale" else written[key] for key in RANGE_KEYS[:4] if key in written}
    if given.get("step", 0) is None:
        del given["step"]
    whole = all(isinstance(given[key], int) and not isinstance(given[key], bool) for key in given if key != "scale")
    kind = written.get("type", "int" if whole and written.get("scale") != "logit" else "float")
    return Int(**given, **common) if kind == "int" else Float(**given, **common)


def _type_problems(name: str, written: dict[Any, Any]) -> list[str]:
    kind = written.get("type", "float")
    return [] if kind in ("float", "int") else [f"The type of {name!r} must be 'float' or 'int', but got {kind!r}."]


def _number(value: Any) -> Any:
    """A number written as text, as YAML 1.1 readers hand over 1e-5, is that number."""
    value = plain(value)
    if not isinstance(value, str):
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    return number if is_number(number) else value
