"""Families by name. A family's module is imported when it is asked for."""

from importlib import import_module

from paceline.errors import SettingsError, SpaceError, did_you_mean
from paceline.net.base import Family, Spec
from paceline.space import Space

_FAMILIES: dict[str, str | Family] = {
    "dense": "paceline.net.dense:DENSE",
}

TASKS = ("binary", "classes", "multilabel", "regression")


def family(name: str) -> Family:
    """A family by name.

    Raises:
        SettingsError: there is none of this name.
    """
    found = _FAMILIES.get(name)
    if found is None:
        raise SettingsError(f"unknown net {name!r}{did_you_mean(name, family_names())}")
    if isinstance(found, str):
        module, _, attribute = found.partition(":")
        found = getattr(import_module(module), attribute)
        assert isinstance(found, Family)
        _FAMILIES[name] = found
    return found


def family_names() -> list[str]:
    """The names that `family` knows."""
    return sorted(_FAMILIES)


def register(new: Family) -> None:
    """Make a family known by its name; one of the same name is replaced."""
    _FAMILIES[new.name] = new


def default_space(net: str = "dense", *, rows: int, features: int, task: str) -> Space:
    """The space that ships with a net, for a table.

    Args:
        net: name of the family.
        rows: training rows, at least 1.
        features: columns of the table, at least 1.
        task: "binary", "classes", "multilabel" or "regression".

    Raises:
        SpaceError: for an unknown net or task, or no rows or features.
    """
    if net not in _FAMILIES:
        raise SpaceError(f"There is no default space for the net {net!r}{did_you_mean(net, family_names())}")
    if task not in TASKS:
        raise SpaceError(f"{task!r} is not a task{did_you_mean(task, TASKS)}")
    if rows < 1 or features < 1:
        raise SpaceError(f"A default space needs at least one training row and feature, but got {rows=}, {features=}.")
    return family(net).space(Spec((features,), "float32", 1, task, rows, 1))
