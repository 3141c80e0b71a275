"""The method `manual`: the user says what to try, as a list or as controlled experiments.

configurations = [...]              each in turn                                        (`listed`)
base = {...}, factors = {...}       the base, and each factor's values with all else held  (`experiments`)
"""

from collections.abc import Mapping, Sequence
from typing import Any

from paceline.errors import SettingsError
from paceline.records import Params
from paceline.search.base import Searcher
from paceline.search.experiments.controlled import REPEATS, Experiments
from paceline.search.methods.listed import Listed
from paceline.space import Space


def manual(
    space: Space,
    *,
    seed: int = 0,
    configurations: Sequence[Params] = (),
    base: Mapping[str, Any] | None = None,
    factors: Mapping[str, Sequence[Any]] | None = None,
    repeats: int | None = None,
) -> Searcher:
    """A list of configurations, or controlled experiments.

    Args:
        space: where all of them lie.
        seed: unused: nothing is drawn.
        configurations: each a complete configuration of the space, tried in order.
        base: of controlled experiments; parameters that it doesn't name are at their default.
        factors: name -> the values to try, one at a time, with all else as in the base.
        repeats: how often each configuration is tried; default 1, for experiments 5.

    Raises:
        SettingsError: neither or both forms are asked for, or an option breaks a rule.
        SpaceError: a configuration isn't in the space.
    """
    if base is None and factors is None:
        if not configurations:
            raise SettingsError(
                "Method 'manual' needs option 'configurations' with at least one, or 'base' and 'factors' for "
                "controlled experiments, but got none of them."
            )
        return Listed(space, configurations, 1 if repeats is None else repeats)
    if configurations:
        raise SettingsError(
            "Method 'manual' takes either 'configurations' or 'base' and 'factors', but got both; "
            "write the configurations as factors of the base, or leave the base out."
        )
    return Experiments(space, base or {}, factors or {}, REPEATS if repeats is None else repeats)
