"""Architectures: the values of the hyperparameters that decide about a net's shape, such as layers and units.

A space has so many of them, and a study compared so many: how many, and out of how many, is part of what it found.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from paceline.records import Trial
from paceline.space import Space


def architectures_of(space: Space, deciding: Collection[str]) -> int | None:
    """How many architectures a space has; None where there is no end of them.

    A condition on a hyperparameter that isn't itself deciding is taken to hold.

    >>> architectures_of(
    ...     Space({"layers": [1, 2], "units": [8, 16, 32], "rate": {"low": 0.0, "high": 1.0}}), ("layers", "units")
    ... )
    6
    """
    parts = {}
    for name, parameter in space.parameters.items():
        if name in deciding:
            when = {parent: values for parent, values in (parameter.when or {}).items() if parent in deciding}
            is_counted = parameter.per is None or parameter.per in deciding
            parts[name] = replace(parameter, when=when or None, per=parameter.per if is_counted else None)
    return Space(parts).size if parts else 1


def architectures_compared(space: Space, trials: Iterable[Trial], deciding: Collection[str]) -> dict[str, int | None]:
    """How many architectures the trials had, and how many the space has.

    Returns:
        {"compared": ..., "possible": ..., None where there is no end of them}.
    """
    chosen = {Space.key({name: value for name, value in trial.params.items() if name in deciding}) for trial in trials}
    return {"compared": len(chosen), "possible": architectures_of(space, deciding)}
