"""Is every configuration of a space one that can be trained? Asked before anything is trained.

    names    every parameter is a hyperparameter
    values   every value of every choice and both ends of every range keep the hyperparameter's own rule
    points   the default, two corners and some draws keep the rules between hyperparameters, too

A space may have more points than can be tried, but no more values than it lists, so no misspelt value is left to be
found in the middle of a study. A value is tried in a point of the space that has it, all else at its default.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paceline.errors import HyperparameterError, SpaceError, did_you_mean
from paceline.records import Params
from paceline.seeds import generator
from paceline.space import Choice, Space

Resolve = Callable[[Params], Any]
"""Completes a configuration; raises a HyperparameterError for one that can't be trained."""

DRAWS = 8


def check_names(space: Space, known: Collection[str]) -> None:
    """Every parameter must be a hyperparameter."""
    unknown = [name for name in space.names if name not in known]
    if unknown:
        raise SpaceError(f"the space names {unknown[0]!r}, which is no hyperparameter{did_you_mean(unknown[0], known)}")


def check_values(space: Space, resolve: Resolve) -> None:
    """Every value that the space lists, and both ends of every range, must be one that can be trained.

    Raises:
        SpaceError: with all that are not; a value is named by its hyperparameter, with the nearest right one.
    """
    check_points([space.default_point()], resolve)  # what is wrong here would be wrong in every other point
    if wrong := list(dict.fromkeys(problem for point in value_points(space) if (problem := _problem(point, resolve)))):
        raise _untrainable("; ".join(text.rstrip(".") for text in wrong) + ".")


def check_points(points: Iterable[Params], resolve: Resolve) -> None:
    """All of them must be configurations that can be trained."""
    for point in points:
        if problem := _problem(point, resolve):
            raise _untrainable(problem)


def sample_points(space: Space) -> list[Params]:
    """A few points that show what a space holds: its default, two opposite corners, some draws."""
    rng = generator(0, "search", 0)
    corner: NDArray[np.float64] = np.zeros(len(space.slots))
    draws = [space.sample(rng) for _ in range(DRAWS)]
    return [space.default_point(), space.from_unit(corner), space.from_unit(corner + 1.0), *draws]


def value_points(space: Space) -> Iterator[Params]:
    """For each value of each choice and each end of a range a point that has it, in all layers of a per-layer one."""
    for name, parameter in space.parameters.items():
        listed = [parameter.to_unit(value) for value in parameter.choices] if isinstance(parameter, Choice) else [0, 1]
        for place in listed:
            row = np.full(len(space.slots), np.nan)
            _activate(space, name, row)
            row[_slots(space, name)] = place
            yield space.from_unit(row)


def _activate(space: Space, name: str, row: NDArray[np.float64]) -> None:
    """Set the parents of a parameter so that it is active, and its counter to as many layers as it can count."""
    parameter = space.parameters[name]
    for parent, values in (parameter.when or {}).items():
        _activate(space, parent, row)
        row[_slots(space, parent)] = space.parameters[parent].to_unit(values[0])
    if parameter.per is not None:
        _activate(space, parameter.per, row)
        row[_slots(space, parameter.per)] = 1.0


def _slots(space: Space, name: str) -> list[int]:
    return [index for index, slot in enumerate(space.slots) if slot.name == name]


def _problem(point: Params, resolve: Resolve) -> str:
    try:
        resolve(point)
    except HyperparameterError as error:
        return str(error)
    return ""


def _untrainable(problem: str) -> SpaceError:
    return SpaceError(f"the space holds configurations that can't be trained: {problem}")
