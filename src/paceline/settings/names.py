"""Other spellings of settings: `dev` of the split is `validation`; older studies call `n_jobs` `lanes`."""

from collections.abc import Mapping
from typing import Any

from paceline.errors import SettingsError

OTHER_NAMES = {"lanes": "n_jobs"}
OTHER_SPLIT_NAMES = {"dev": "validation"}


def with_usual_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with their usual names; a setting may be given in one spelling only.

    >>> with_usual_names({"lanes": 2, "split": {"dev": 0.1, "test": 0}})
    {'n_jobs': 2, 'split': {'validation': 0.1, 'test': 0}}
    """
    found = _renamed(settings, OTHER_NAMES, "")
    if isinstance(split := found.get("split"), Mapping):
        found["split"] = _renamed(split, OTHER_SPLIT_NAMES, "split.")
    return found


def _renamed(values: Mapping[str, Any], others: Mapping[str, str], prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        usual = others.get(name, name)
        if found.get(usual) is not None and value is not None:
            both = " and ".join(repr(prefix + one) for one in values if others.get(one, one) == usual)
            raise SettingsError(f"{both} are two names of one setting; give only {prefix + usual!r}.")
        if usual not in found or value is not None:
            found[usual] = value
    return found
