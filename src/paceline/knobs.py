"""The rule of one hyperparameter: its kind, its range, what it means; and how a value is checked by it.

Hyperparameters are fields of frozen dataclasses, each made by `knob(default, kind, meaning, ...)`. So a class of
hyperparameters is its own documentation: command line, docs, search space and engine read the same fields.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from paceline.errors import HyperparameterError, nearest

MAX_POINTS = 16
"""Most pairs of a manual schedule."""


@dataclass(frozen=True, slots=True)
class Knob:
    """The rule of one hyperparameter.

    Attributes:
        kind: "float", "int", "bool", "choice", "points" (list of (epoch, value)) or "weights" (class weights).
        low, high: closed bounds; an open bound is named in `above` / `below`.
        choices: of a choice.
        per_layer: a list with one value a hidden layer is allowed.
        optional: None is allowed.
        static: part of the compiled program's shape.
        words: strings that are allowed beside numbers, e.g. "all".
        meaning: one line for people, with the source of the method.
    """

    kind: str
    meaning: str
    low: float = -math.inf
    high: float = math.inf
    above: float = -math.inf
    below: float = math.inf
    choices: tuple[str, ...] = ()
    per_layer: bool = False
    optional: bool = False
    static: bool = False
    words: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """What a value must be, for people.

        >>> Knob("float", "", above=0.0).rule, Knob("int", "", low=1, high=9, words=("all",), optional=True).rule
        ('number > 0', 'whole number from 1 to 9, or all, or none')
        """
        if self.kind in RULES:
            text = RULES[self.kind]
        elif self.kind == "choice":
            text = ", ".join(self.choices)
        else:
            text = "whole number" if self.kind == "int" else "number"
            low = f">= {self.low:g}" if self.low > -math.inf else f"> {self.above:g}" if self.above > -math.inf else ""
            high = f"<= {self.high:g}" if self.high < math.inf else f"< {self.below:g}" if self.below < math.inf else ""
            both = f"from {self.low:g} to {self.high:g}" if low[:2] == ">=" and high[:2] == "<=" else ""
            text = " ".join([text, both or " and ".join(part for part in (low, high) if part)]).rstrip()
        text += "; or one for each layer" if self.per_layer else ""
        return text + "".join(f", or {word}" for word in self.words) + (", or none" if self.optional else "")


RULES = {
    "bool": "true, false",
    "points": "list of [epoch, value] pairs",
    "weights": "balanced, or a mapping of class to weight",
}


def knob(default: Any, kind: str, meaning: str, **rule: Any) -> Any:
    """A field of a class of hyperparameters with its default and its rule (see `Knob`)."""
    return field(default=default, metadata={"knob": Knob(kind, meaning, **rule)})


def knobs_of(kind: type[Any]) -> dict[str, Knob]:
    """Name -> rule of each hyperparameter of a class, in the order of its fields."""
    return {item.name: item.metadata["knob"] for item in dataclasses.fields(kind)}


def checked(name: str, knob: Knob, value: Any) -> Any:
    """The value by the rule of its knob; lists become tuples, whole floats become ints.

    Raises:
        HyperparameterError: it breaks the rule.
    """
    if value is None:
        if knob.optional:
            return None
        raise HyperparameterError(f"{name!r} must have a value, but got None")
    if knob.per_layer and isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_checked_one(name, knob, item) for item in value)
    if knob.kind == "points":
        return _checked_points(name, value)
    if knob.kind == "weights":
        return _checked_weights(name, value)
    if isinstance(value, str) and value in knob.words:
        return value
    return _checked_one(name, knob, value)


def _checked_one(name: str, knob: Knob, value: Any) -> Any:
    if knob.kind == "bool":
        if not isinstance(value, bool):
            raise HyperparameterError(f"{name!r} must be true or false, but got {value!r}")
        return value
    if knob.kind == "choice":
        if value not in knob.choices:
            rule = f"one of {', '.join(knob.choices)}"
            raise HyperparameterError(f"{name!r} must be {rule}, but got {value!r}{nearest(value, knob.choices)}")
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise HyperparameterError(f"{name!r} must be a number, but got {value!r}")
    number = float(value)
    if not math.isfinite(number):
        raise HyperparameterError(f"{name!r} must be finite, but got {value!r}")
    if knob.kind == "int":
        if number != int(number):
            raise HyperparameterError(f"{name!r} must be a whole number, but got {value!r}")
        value = int(number)
    if not (knob.low <= number <= knob.high and knob.above < number < knob.below):
        raise HyperparameterError(f"`{_rule(name, knob)}` must hold, but got {name}={value!r}")
    return value if knob.kind == "int" else number


def _rule(name: str, knob: Knob) -> str:
    left = f"{knob.low:g} <= " if knob.low > -math.inf else f"{knob.above:g} < " if knob.above > -math.inf else ""
    right = f" <= {knob.high:g}" if knob.high < math.inf else f" < {knob.below:g}" if knob.below < math.inf else ""
    return f"{left}{name}{right}"


def _checked_points(name: str, value: Any) -> tuple[tuple[float, float], ...]:
    try:
        points = tuple((float(epoch), float(level)) for epoch, level in value)
    except (TypeError, ValueError):
        raise HyperparameterError(f"{name!r} must be a list of (epoch, value) pairs, but got {value!r}") from None
    if len(points) > MAX_POINTS:
        raise HyperparameterError(f"{name!r} holds at most {MAX_POINTS} pairs, but got {len(points)}")
    if any(not math.isfinite(number) for pair in points for number in pair):
        raise HyperparameterError(f"{name!r} must hold finite numbers, but got {value!r}")
    if [epoch for epoch, _ in points] != sorted({epoch for epoch, _ in points}):
        raise HyperparameterError(f"the epochs of {name!r} must increase, but got {value!r}")
    return points


def _checked_weights(name: str, value: Any) -> Any:
    if value == "balanced":
        return value
    if isinstance(value, Mapping):
        bad = [
            w for w in value.values() if isinstance(w, bool) or not isinstance(w, (int, float)) or not 0 <= w < math.inf
        ]
        if not bad and value:
            return dict(value)
    raise HyperparameterError(f'{name!r} must be "balanced" or {{label: weight >= 0}}, but got {value!r}')
