"""The Space: named parameters, which of them are active where, and the points they span.

    space.sample(rng)                  one point
    space.to_unit / space.from_unit    point <-> a row of numbers in [0, 1], one per slot
    space.grid(points)                 all points, floats cut
    space.validate(point)              every rule that a point breaks, in one error

A point holds active parameters only. A *slot* is one number of the flat view that searchers work on: a parameter
takes one, a per-layer parameter as many as its counter can count, a Fixed none.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paceline.errors import SpaceError, did_you_mean
from paceline.records import Params
from paceline.space import conditions, enumeration
from paceline.space.choices import Fixed
from paceline.space.enumeration import is_active
from paceline.space.parameter import Parameter
from paceline.space.parse import parse
from paceline.space.values import canonical, is_number, plain

MAX_CHOICE_VALUES = 5
"""Up to so many ordered values are a choice rather than a range."""


@dataclass(frozen=True)
class Slot:
    """One column of the unit cube.

    Attributes:
        name: name of the parameter.
        parameter: the parameter.
        index: the layer, counted from 0, of a per-layer parameter; else None.
        size: columns of a one-hot coding: 1, or the number of unordered choices.
        is_numeric: whether nearness on [0, 1] means something.
    """

    name: str
    parameter: Parameter
    index: int | None
    size: int
    is_numeric: bool

    @property
    def is_wide(self) -> bool:
        """Whether it is a range of numbers, or so many values that it is like one."""
        return self.is_numeric and (self.parameter.count is None or self.parameter.count > MAX_CHOICE_VALUES)


class Space:
    """A search space.

    Examples:
        >>> space = Space(
        ...     {
        ...         "lr": {"low": 1e-4, "high": 1.0, "scale": "log"},
        ...         "optimizer": ["adam", "momentum"],
        ...         "momentum": Fixed(0.9, when={"optimizer": "momentum"}),
        ...     }
        ... )
        >>> space.from_unit([0.0, 0.9])
        {'lr': 0.0001, 'optimizer': 'momentum', 'momentum': 0.9}

    Args:
        parameters: name -> parameter, or one of its short forms (see `paceline.space.parse`).

    Raises:
        SpaceError: with one sentence for each rule that a parameter or condition breaks.
    """

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        if not isinstance(parameters, Mapping):
            raise SpaceError(f"A search space must be a mapping of names to parameters, but got {parameters!r}.")
        read, found = _read(parameters)
        if not found:
            found = conditions.problems(read)
        if found:
            raise SpaceError(" ".join(found))
        self._parameters = conditions.in_order(read)
        self._starts: dict[str, int] = {}
        slots: list[Slot] = []
        for name, parameter in self._parameters.items():
            self._starts[name] = len(slots)
            slots += self._slots_of(name, parameter)
        self._slots = tuple(slots)

    def _slots_of(self, name: str, parameter: Parameter) -> list[Slot]:
        if isinstance(parameter, Fixed):
            return []
        indices: list[int | None] = [None]
        if parameter.per is not None:
            indices = list(range(conditions.most_layers(self._parameters[parameter.per])))
        return [Slot(name, parameter, index, parameter.size, parameter.is_numeric) for index in indices]

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """name -> parameter, parents before children, otherwise as written."""
        return MappingProxyType(self._parameters)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names, in the order of `parameters`."""
        return tuple(self._parameters)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The columns of the unit cube."""
        return self._slots

    @property
    def size(self) -> int | None:
        """Number of different points; None where it is infinite."""
        return enumeration.count(self._parameters, None)

    # Points

    def _assemble(self, value_at: Callable[[Parameter, int], Any]) -> Params:
        """The point whose active slots have these values."""
        params: Params = {}
        for name, parameter in self._parameters.items():
            if not is_active(parameter, params):
                continue
            start = self._starts[name]
            layers = 1 if parameter.per is None else int(params[parameter.per])
            if isinstance(parameter, Fixed):  # takes no slot
                values = [parameter.default for _ in range(layers)]
            else:
                values = [value_at(parameter, slot) for slot in range(start, start + layers)]
            params[name] = values[0] if parameter.per is None else values
        return params

    def sample(self, rng: np.random.Generator) -> Params:
        """One random point: uniform on each scale, choices by weight. Takes `len(slots)` numbers of the rng."""
        u: list[float] = rng.random(len(self._slots)).tolist()
        return self._assemble(lambda parameter, slot: parameter.draw(u[slot]))

    def default_point(self) -> Params:
        """The middle of every scale and the first of every list of choices."""
        return self._assemble(lambda parameter, _: parameter.default)

    def from_unit(self, u: ArrayLike) -> Params:
        """The point at a place of the unit cube.

        Args:
            u: (slots,) numbers; cut to [0, 1]; NaN in an active slot means its default; inactive slots are ignored.

        Raises:
            SpaceError: where u has another length.
        """
        place = np.asarray(u, dtype=np.float64)
        if place.shape != (len(self._slots),):
            raise SpaceError(f"A place in the unit cube must have {len(self._slots)} numbers, but got {place.shape=}.")
        flat: list[float] = place.tolist()

        def value_at(parameter: Parameter, slot: int) -> Any:
            return parameter.default if math.isnan(flat[slot]) else parameter.from_unit(flat[slot])

        return self._assemble(value_at)

    def to_unit(self, params: Params) -> NDArray[np.float64]:
        """(slots,) the place of a point in the unit cube; NaN in inactive slots. Raises SpaceError as `validate`."""
        self.validate(params)
        u = np.full(len(self._slots), np.nan)
        for name, value in params.items():
            parameter = self._parameters[name]
            if isinstance(parameter, Fixed):
                continue
            start = self._starts[name]
            for offset, item in enumerate(plain(value) if parameter.per is not None else [value]):
                u[start + offset] = parameter.to_unit(item)
        return u

    def active(self, params: Params) -> tuple[str, ...]:
        """Names of the parameters that have a meaning in a point, as its parents' values say."""
        known: Params = {}
        for name, parameter in self._parameters.items():
            if name in params and is_active(parameter, known):
                known[name] = params[name]
        return tuple(name for name, parameter in self._parameters.items() if is_active(parameter, known))

    def validate(self, params: Params) -> None:
        """Raise a SpaceError with one sentence for each wrong, missing or superfluous entry of a point."""
        if found := self._problems(params):
            raise SpaceError(" ".join(found))

    def contains(self, params: Params) -> bool:
        """Whether a point keeps all rules of the space."""
        return not self._problems(params)

    def _problems(self, params: Any) -> list[str]:
        if not isinstance(params, Mapping):
            return [f"A configuration must be a mapping of names to values, but got {params!r}."]
        found = self._unknown(params)
        active = set(self.active(dict(params)))
        for name, parameter in self._parameters.items():
            if name in active and name not in params:
                found.append(f"{name!r} must be given, because it is active in this configuration.")
            elif name in params and name not in active:
                found.append(f"{name!r} must be left out, because it is active only {_condition(parameter)}.")
            elif name in params:
                layers = None if parameter.per is None else canonical(params[parameter.per])
                found += _value_problems(name, parameter, plain(params[name]), layers)
        return found

    def _unknown(self, names: Iterable[str]) -> list[str]:
        return [
            f"{name!r} is not in the search space{did_you_mean(name, self.names)}"
            for name in names
            if name not in self._parameters
        ]

    @staticmethod
    def key(params: Params) -> str:
        """A text that is equal for equal points: whatever the order of keys, 1 or 1.0, 0.0 or -0.0."""
        text = json.dumps(canonical(params), separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    # Parts of the space

    def grid(self, points: int = 5) -> Iterator[Params]:
        """All points in a fixed order, the first parameter varying slowest.

        Args:
            points: a float without a step is cut in so many values, both ends among them; everything else is
                listed whole.
        """
        _check_points(points)
        return enumeration.grid(self._parameters, points)

    def grid_size(self, points: int = 5) -> int:
        """Number of points of `grid(points)`, without listing them."""
        _check_points(points)
        return enumeration.count(self._parameters, points) or 0

    def neighbours(self, params: Params, rng: np.random.Generator, count: int = 8, spread: float = 0.1) -> list[Params]:
        """Up to `count` different points that differ from `params` in one slot, and in what that slot switches on.

        Args:
            spread: standard deviation of a step on [0, 1] for numbers; a step is at least one value.
        """
        u = self.to_unit(params)
        movable = [i for i in np.flatnonzero(~np.isnan(u)).tolist() if self._slots[i].parameter.count != 1]
        seen = {self.key(params)}
        result: list[Params] = []
        for _ in range(4 * count if movable else 0):
            slot = int(rng.choice(movable))
            moved = np.where(np.isnan(u), rng.random(len(u)), u)
            moved[slot] = _step(self._slots[slot], u[slot], rng, spread)
            near = self.from_unit(moved)
            if self.key(near) not in seen and len(result) < count:
                seen.add(self.key(near))
                result.append(near)
        return result

    def narrowed(self, to: Mapping[str, Any]) -> "Space":
        """The same space on a part of some parameters' values.

        A range that shrinks to one value becomes Fixed; parameters that can't be active any more are dropped.

        Args:
            to: name -> (low, high) for numbers; a list of choices, or {choices, weights}, for choices.

        Raises:
            SpaceError: for an unknown name, or values that aren't a part of the parameter's own.
        """
        if unknown := self._unknown(to):
            raise SpaceError(" ".join(unknown))
        kept: dict[str, Parameter] = {}
        for name, parameter in self._parameters.items():
            part = parameter.narrowed(name, to[name]) if name in to else parameter
            reachable = conditions.reachable(part, kept)
            if reachable is not None:
                kept[name] = reachable
        return Space(kept)

    # As data

    def to_dict(self) -> dict[str, Any]:
        """The space as JSON data: what a study file says, in its long form."""
        return {name: parameter.to_dict() for name, parameter in self._parameters.items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Space":
        """The space that `to_dict` (or a study file) describes."""
        return cls(data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Space) and list(self._parameters.items()) == list(other._parameters.items())

    def __repr__(self) -> str:
        return f"Space({self._parameters!r})"


def _read(parameters: Mapping[str, Any]) -> tuple[dict[str, Parameter], list[str]]:
    read: dict[str, Parameter] = {}
    found: list[str] = []
    for name, written in parameters.items():
        if not isinstance(name, str) or not name:
            found.append(f"The name of a parameter must be a text that isn't empty, but got {name!r}.")
            continue
        parameter, wrong = parse(name, written)
        found += wrong
        if parameter is not None:
            read[name] = parameter
    return read, found


def _value_problems(name: str, parameter: Parameter, value: Any, layers: Any) -> list[str]:
    if parameter.per is None:
        rule = parameter.fault(value)
        return [] if rule is None else [f"{name!r} must be {rule}, but got {value!r}."]
    if not is_number(layers):
        return []  # the counter's own sentence says it
    if not isinstance(value, list) or len(value) != layers:
        return [f"{name!r} must be a list of {layers} values, one per {parameter.per}, but got {value!r}."]
    rules = ((index, item, parameter.fault(item)) for index, item in enumerate(value))
    return [f"{name!r}[{index}] must be {rule}, but got {item!r}." for index, item, rule in rules if rule is not None]


def _condition(parameter: Parameter) -> str:
    """A parameter's conditions in words."""
    parts = [f"when {parent!r} is {_either(values)}" for parent, values in (parameter.when or {}).items()]
    return " and ".join(parts + ([] if parameter.per is None else [f"where {parameter.per!r} is"]))


def _either(values: Any) -> str:
    return " or ".join(map(repr, values))


def _check_points(points: Any) -> None:
    if not (isinstance(points, int) and not isinstance(points, bool) and points >= 1):
        raise SpaceError(f"`points` of a grid must be a whole number of at least 1, but got {points!r}.")


def _step(slot: Slot, u: float, rng: np.random.Generator, spread: float) -> float:
    """Another place of one slot: a short step for numbers, another choice for the rest."""
    values = slot.parameter.count
    if not slot.is_numeric and values is not None:
        return (u + int(rng.integers(1, values)) / values) % 1.0
    step = float(rng.normal(0.0, spread))
    least = 0.0 if values is None else 1.0 / values
    step = math.copysign(max(abs(step), least), step)
    moved = u + step if 0.0 <= u + step <= 1.0 else u - step  # turned back at an end
    return min(max(moved, 0.0), 1.0)
