"""Counting and listing the points of a space without drawing it up.

Only *controls* (parents and counters) make the number of points irregular; all else multiplies. So points are
counted by going through the controls' values, those that no condition names taken together, separately for
parts of the space that don't depend on each other.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from paceline.records import Params
from paceline.space.conditions import parents
from paceline.space.parameter import Parameter
from paceline.space.values import token

_REST = float("nan")
"""Stands for all values of a control that no condition names; NaN is no JSON value and equals nothing."""


def is_active(parameter: Parameter, params: Params) -> bool:
    """Whether a parameter has a meaning beside these values of its parents."""
    for parent, values in (parameter.when or {}).items():
        if parent not in params or token(params[parent]) not in {token(value) for value in values}:
            return False
    return parameter.per is None or parameter.per in params


def grid(parameters: Mapping[str, Parameter], points: int) -> Iterator[Params]:
    """The Cartesian product, pruned by the conditions; the first parameter varies slowest."""
    items = list(parameters.items())

    def walk(place: int, params: Params) -> Iterator[Params]:
        if place == len(items):
            yield dict(params)
            return
        name, parameter = items[place]
        if not is_active(parameter, params):
            yield from walk(place + 1, params)
        elif parameter.per is None:
            for value in parameter.cut(points):
                yield from walk(place + 1, params | {name: value})
        else:
            cuts = (parameter.cut(points) for _ in range(int(params[parameter.per])))
            for values in product(*cuts):
                yield from walk(place + 1, params | {name: list(values)})

    return walk(0, {})


def count(parameters: Mapping[str, Parameter], points: int | None) -> int | None:
    """Number of points; floats without a step count as `points` values, or make it infinite (None)."""
    sizes = [_count_part(part, points) for part in _parts(parameters)]
    return prod(size for size in sizes if size is not None) if None not in sizes else None


def _parts(parameters: Mapping[str, Parameter]) -> list[dict[str, Parameter]]:
    """The parameters in groups that don't depend on each other, each in order."""
    group: dict[str, int] = {}
    for number, (name, parameter) in enumerate(parameters.items()):
        joined = {group[parent] for parent in parents(parameter)}
        group = {known: number if of in joined else of for known, of in group.items()}
        group[name] = number
    return [{n: p for n, p in parameters.items() if group[n] == of} for of in dict.fromkeys(group.values())]


def _count_part(parameters: Mapping[str, Parameter], points: int | None) -> int | None:
    items = list(parameters.items())
    classes = {name: _classes(name, parameter, items) for name, parameter in items if _is_control(name, items)}

    def below(place: int, params: Params) -> int | None:
        if place == len(items):
            return 1
        name, parameter = items[place]
        if not is_active(parameter, params):
            return below(place + 1, params)
        if name not in classes:
            rest, own = below(place + 1, params), _values(parameter, params, points)
            return None if rest is None or own is None else rest * own
        total = 0
        for size, value in classes[name]:
            rest = below(place + 1, params | {name: value})
            if rest is None:
                return None
            total += size * rest
        return total

    return below(0, {})


def _is_control(name: str, items: Sequence[tuple[str, Parameter]]) -> bool:
    return any(name in parents(parameter) for _, parameter in items)


def _classes(name: str, control: Parameter, items: Sequence[tuple[str, Parameter]]) -> list[tuple[int, Any]]:
    """(how many values, one that stands for them) of a control: each named value by itself, the rest together."""
    if any(parameter.per == name for _, parameter in items):
        return [(1, value) for value in control.cut(1)]
    named = {token(v): v for _, parameter in items for v in (parameter.when or {}).get(name, ())}
    rest = (control.count or 0) - len(named)
    return [(1, value) for value in named.values()] + ([(rest, _REST)] if rest else [])


def _values(parameter: Parameter, params: Params, points: int | None) -> int | None:
    """Number of values of an active parameter that controls nothing."""
    own = parameter.count
    layers = 1 if parameter.per is None else int(params[parameter.per])
    if layers == 0:
        return 1
    if own is None and points is not None:
        own = sum(1 for _ in parameter.cut(points))
    return None if own is None else own**layers
