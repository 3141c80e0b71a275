"""Controlled experiments: a base configuration and *arms* that differ from it in one factor each.

                  base                     arm 1                   arm 2
    repeat 0      rate .001, units 64      rate .01, units 64      rate .001, units 256      all with one seed
    repeat 1      rate .001, units 64      rate .01, units 64      rate .001, units 256      all with the next
    ...

A seed makes a net's first weights, the order of its batches and its dropout masks. Within a repeat all arms share it,
so what the seed changes is much the same for the base and an arm, and their difference is free of it (see `paired`
for the arithmetic and `effects` for what is made of it). Only a shape undoes that: an arm with another width or
number of layers has other weights, one with another batch size other batches.

Repeats come one after the other, so a study that a time budget cuts off has compared all arms over fewer repeats.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from paceline.errors import SettingsError, SpaceError, did_you_mean
from paceline.records import History, Params
from paceline.search.base import Searcher
from paceline.search.history import EncodedHistory
from paceline.search.methods.listed import completed
from paceline.search.options import check_int
from paceline.space import Space
from paceline.space.values import plain

REPEATS = 5


@dataclass(frozen=True, slots=True)
class Arm:
    """A configuration of the experiments.

    Attributes:
        factor: what differs from the base; "" for the base itself.
        value: of the factor; None for the base.
        params: complete configuration.
    """

    factor: str
    value: Any
    params: Params


class Experiments(Searcher):
    """One factor at a time, repeated over seeds.

    Args:
        base: values of some parameters; the others are at the space's default.
        factors: name -> values to try; the base's own value, if it is among them, is left out.
        repeats: how often each arm is tried.

    Attributes:
        arms: the base, then the arms in the order of the factors and their values.
        repeats: as given.

    Raises:
        SettingsError: a name that isn't in the space or not active in the base, or a factor without another value.
        SpaceError: the base or an arm isn't in the space.
    """

    draws_freely = False
    only_fixed = True
    no_stopper = "controlled experiments train every arm to its end"

    def __init__(
        self, space: Space, base: Mapping[str, Any], factors: Mapping[str, Sequence[Any]], repeats: int
    ) -> None:
        self.space = space
        self.repeats = check_int("repeats", repeats, 1)
        self.arms = tuple(_arms(space, base, factors))
        self.planned = len(self.arms) * self.repeats
        self._keys = [space.key(arm.params) for arm in self.arms]
        self._encoded = EncodedHistory(space)

    def fixed_points(self) -> Sequence[Params]:
        return [arm.params for arm in self.arms]

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        return [dict(arm.params) for arm in islice(self._missing(history), count)]

    def _missing(self, history: History) -> Iterator[Arm]:
        """What the history doesn't hold yet, repeat by repeat."""
        held = Counter(self._encoded.keys(history))
        for repeat in range(self.repeats):
            for key, arm in zip(self._keys, self.arms, strict=True):
                if held[key] <= repeat:
                    yield arm

    def seed_numbers(self, history: History, proposals: Sequence[Params]) -> list[int]:
        """How often the history holds each arm already: its repeat, which is the same number for all arms."""
        held = Counter(self._encoded.keys(history))
        numbers = []
        for params in proposals:
            key = self.space.key(params)
            numbers.append(held[key])
            held[key] += 1
        return numbers

    def arm_of(self, params: Params) -> int | None:
        """Position of a configuration in `arms`; None for one that is no arm."""
        key = self.space.key(params)
        return self._keys.index(key) if key in self._keys else None


def _arms(space: Space, base: Mapping[str, Any], factors: Mapping[str, Sequence[Any]]) -> Iterator[Arm]:
    check_plan(base, factors, space.parameters)
    given = plain(base)
    start = completed(space, given)
    if idle := [name for name in given if name not in start]:
        raise SettingsError(f"The base must name active parameters only, but {idle[0]!r} isn't active in it.")
    try:
        space.validate(start)
    except SpaceError as error:
        raise SpaceError(f"The base isn't in the space: {error}") from error
    yield Arm("", None, start)
    for factor, values in factors.items():
        if factor not in start:
            raise SettingsError(
                f"Each of 'factors' must be active in the base, but {factor!r} isn't; "
                "choose a base in which it has a meaning."
            )
        seen = {space.key(start)}
        for value in plain(list(values)):
            point = completed(space, {**given, factor: value})
            try:
                space.validate(point)
            except SpaceError as error:
                raise SpaceError(f"Factor {factor!r} leaves the space at {value!r}: {error}") from error
            if (key := space.key(point)) not in seen:
                seen.add(key)
                yield Arm(factor, value, point)
        if len(seen) == 1:
            raise SettingsError(
                f"Factor {factor!r} must list a value other than the base's {start[factor]!r}, but got {values!r}."
            )


def check_plan(base: object, factors: object, known: Collection[str]) -> None:
    """Refuse a base or factors of a wrong form, or with a name that isn't known. Raises SettingsError."""
    for option, named in (("base", base), ("factors", factors)):
        if not isinstance(named, Mapping):
            raise SettingsError(f"Option {option!r} must be a mapping of parameters, but got {named!r}.")
        for name, values in named.items():
            if name not in known:
                raise SettingsError(f"Option {option!r} names {name!r}, not a parameter{did_you_mean(name, known)}")
            if option == "factors" and (
                isinstance(values, str) or not isinstance(values, Sequence | np.ndarray) or len(values) == 0
            ):
                raise SettingsError(f"Factor {name!r} must be a list of at least one value, but got {values!r}.")
