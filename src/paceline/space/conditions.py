"""Who depends on whom: `when` and `per` as a graph, checked and put in order, parents before children.

    optimizer ──when──> momentum          layers ──per──> units

A parent is a Choice, an Int or a Fixed with one value a point (no `per` of its own), so that a condition is always
a finite list of values; a counter's values are whole numbers from 0 up.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from paceline.errors import did_you_mean
from paceline.space.choices import Choice, Fixed
from paceline.space.parameter import Parameter
from paceline.space.ranges import Float, Int
from paceline.space.values import is_number

MOST_LAYERS = 1000


def parents(parameter: Parameter) -> tuple[str, ...]:
    """Names of all parameters whose values decide on this one's activity."""
    return (*(parameter.when or {}), *(() if parameter.per is None else (parameter.per,)))


def in_order(parameters: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """Parents before children, otherwise as written. The graph must be free of cycles."""
    ordered: dict[str, Parameter] = {}

    def place(name: str) -> None:
        for parent in parents(parameters[name]):
            if parent not in ordered:
                place(parent)
        ordered.setdefault(name, parameters[name])

    for name in parameters:
        place(name)
    return ordered


def most_layers(counter: Parameter) -> int:
    """The largest value of a counter."""
    if isinstance(counter, Int):
        return int(counter.from_unit(1.0))
    return int(max(counter.cut(1)))


def problems(parameters: Mapping[str, Parameter]) -> list[str]:
    """One sentence for each rule that the conditions break."""
    found: list[str] = []
    for name, parameter in parameters.items():
        found += _when_problems(name, parameter.when, parameters)
        if parameter.per is not None:
            found += _per_problems(name, parameter.per, parameters)
    return found or _cycles(parameters)


def _when_problems(name: str, when: Any, parameters: Mapping[str, Parameter]) -> list[str]:
    if when is None:
        return []
    if not isinstance(when, Mapping):
        return [f"`when` of {name!r} must be a mapping of a parameter to its values, but got {when!r}."]
    found = []
    for parent, values in when.items():
        if parent not in parameters:
            hint = did_you_mean(parent, [known for known in parameters if known != name])
            found.append(f"`when` of {name!r} names the unknown parameter {parent!r}{hint}")
        elif isinstance(parameters[parent], Float):
            found.append(f"`when` of {name!r} must name a choice or an integer, but {parent!r} is a float.")
        elif parameters[parent].per is not None:
            found.append(f"`when` of {name!r} must name a parameter with one value, but {parent!r} has one per layer.")
        elif not values:
            found.append(f"`when` of {name!r} must list at least one value of {parent!r}, but lists none.")
        else:
            found += _value_problems(name, parent, parameters[parent], values)
    return found


def _value_problems(name: str, parent: str, parameter: Parameter, values: Any) -> list[str]:
    found = []
    for value in values:
        rule = parameter.fault(value)
        if rule is None:
            continue
        start = f"`when` of {name!r} lists {value!r}, but {parent!r} must be "
        if isinstance(parameter, Choice) and isinstance(value, str):
            hint = did_you_mean(value, [str(choice) for choice in parameter.choices])
            found.append(f"{start}one of {', '.join(map(str, parameter.choices))}{hint}")
        else:
            found.append(f"{start}{rule}.")
    return found


def _per_problems(name: str, counter: Any, parameters: Mapping[str, Parameter]) -> list[str]:
    if counter not in parameters:
        hint = did_you_mean(counter, [known for known in parameters if known != name])
        return [f"`per` of {name!r} names the unknown parameter {counter!r}{hint}"]
    parameter = parameters[counter]
    if isinstance(parameter, Float) or parameter.per is not None:
        return [f"`per` of {name!r} must name a choice or an integer with one value, but {counter!r} is neither."]
    if isinstance(parameter, Int):
        values: list[Any] = [parameter.low, most_layers(parameter)]
    elif isinstance(parameter, Choice | Fixed):
        values = list(parameter.cut(1))
    bad = [value for value in values if not (is_number(value) and value == int(value) and 0 <= value <= MOST_LAYERS)]
    if not bad:
        return []
    return [f"`per` of {name!r} must name a count of 0 to {MOST_LAYERS}, but {counter!r} can be {bad[0]!r}."]


def _cycles(parameters: Mapping[str, Parameter]) -> list[str]:
    """A sentence on the first ring of conditions, if there is one."""
    done: set[str] = set()

    def ring(name: str, path: tuple[str, ...]) -> tuple[str, ...]:
        if name in path:
            return (*path[path.index(name) :], name)
        if name in done:
            return ()
        for parent in parents(parameters[name]):
            if found := ring(parent, (*path, name)):
                return found
        done.add(name)
        return ()

    for name in parameters:
        if found := ring(name, ()):
            return [f"Conditions must not go round in a ring, but they do: {' depends on '.join(map(repr, found))}."]
    return []


def reachable(parameter: Parameter, kept: Mapping[str, Parameter]) -> Parameter | None:
    """The parameter with only those conditions that its narrowed parents can meet; None where they can't."""
    if any(parent not in kept for parent in parents(parameter)):
        return None
    when = {
        parent: [value for value in values if kept[parent].fault(value) is None]
        for parent, values in (parameter.when or {}).items()
    }
    return replace(parameter, when=when or None) if all(when.values()) else None
