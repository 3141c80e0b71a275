"""Parameters that are a list of JSON values (Choice) or just one (Fixed)."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any

from paceline.errors import SpaceError, did_you_mean
from paceline.space.parameter import Parameter
from paceline.space.values import is_json, is_number, plain, token


@dataclass(frozen=True)
class Choice(Parameter):
    """One of a list of JSON values.

    Attributes:
        choices: different values; 1 and 1.0 are one value, 1 and True are two.
        weights: how often each is drawn at random, in any unit, all above 0; None for equally often.
        ordered: whether the order means something; None: it does for numbers that rise.
    """

    choices: Sequence[Any]
    weights: Sequence[float] | None = None
    ordered: bool | None = None

    def __post_init__(self) -> None:
        Parameter.__post_init__(self)
        for name in ("choices", "weights"):
            value = plain(getattr(self, name))
            object.__setattr__(self, name, tuple(value) if isinstance(value, list) else value)
        if self.ordered is None:
            object.__setattr__(self, "ordered", _rise(self.choices))

    @cached_property
    def _places(self) -> dict[Any, int]:
        return {token(choice): place for place, choice in enumerate(self.choices)}

    @cached_property
    def _bounds(self) -> list[float]:
        """Upper end of each choice but the last within [0, 1], by weight."""
        weights = [1.0] * len(self.choices) if self.weights is None else [float(weight) for weight in self.weights]
        total = sum(weights)
        return [bound / total for bound in accumulate(weights)][:-1]

    def problems(self, name: str) -> list[str]:
        if not isinstance(self.choices, tuple) or not self.choices:
            return [f"The choices of {name!r} must be a list of at least one value, but got {self.choices!r}."]
        bad = [choice for choice in self.choices if not is_json(choice)]
        if bad:
            rule = "must be JSON values (number, text, true, null, list)"
            return [f"The choices of {name!r} {rule}, but got {bad[0]!r}."]
        found = []
        seen: set[Any] = set()
        for choice in self.choices:
            if token(choice) in seen:
                found.append(f"The choices of {name!r} must differ, but {choice!r} is there twice.")
            seen.add(token(choice))
        if self.weights is not None:
            found += self._weight_problems(name, self.weights)
        if not isinstance(self.ordered, bool):
            found.append(f"`ordered` of {name!r} must be true or false, but got {self.ordered!r}.")
        return found

    def _weight_problems(self, name: str, weights: Any) -> list[str]:
        if not isinstance(weights, tuple) or not all(is_number(weight) and weight > 0 for weight in weights):
            return [f"The weights of {name!r} must be numbers above 0, but got {_shown(weights)}."]
        if len(weights) != len(self.choices):
            return [
                f"{name!r} must have one weight per choice, but got {len(weights)} for {len(self.choices)} choices."
            ]
        if not is_number(sum(weights)):
            return [f"The weights of {name!r} must have a finite sum, but got {_shown(weights)}."]
        return []

    def fault(self, value: Any) -> str | None:
        known = ", ".join(repr(choice) for choice in self.choices)
        return None if token(plain(value)) in self._places else f"one of {known}"

    @property
    def count(self) -> int:
        return len(self.choices)

    @property
    def is_numeric(self) -> bool:
        return bool(self.ordered)

    @property
    def size(self) -> int:
        return 1 if self.ordered else len(self.choices)

    @property
    def default(self) -> Any:
        return plain(self.choices[0])

    def from_unit(self, u: float) -> Any:
        place = int(min(max(u, 0.0), 1.0) * len(self.choices))
        return plain(self.choices[min(place, len(self.choices) - 1)])

    def to_unit(self, value: Any) -> float:
        return (self._places[token(plain(value))] + 0.5) / len(self.choices)

    def draw(self, u: float) -> Any:
        return plain(self.choices[bisect_right(self._bounds, u)])

    def cut(self, points: int) -> Iterable[Any]:
        return map(plain, self.choices)

    def narrowed(self, name: str, to: Any) -> Parameter:
        """To a list of choices, or {choices: [...], weights: [...]} with either left out; weight 0 drops a choice."""
        asked = to if isinstance(to, Mapping) else {"choices": to}
        for key in asked:
            if key not in ("choices", "weights"):
                raise SpaceError(f"{key!r} says nothing about {name!r}{did_you_mean(key, ('choices', 'weights'))}")
        wanted = plain(asked.get("choices", self.choices))
        if not isinstance(wanted, list):
            raise SpaceError(f"{name!r} must be narrowed to a list of its choices, but got {wanted!r}.")
        for choice in wanted:
            if (rule := self.fault(choice)) is not None:
                raise SpaceError(f"{name!r} must be {rule}, but got {choice!r}.")
        places = [self._places[token(choice)] for choice in wanted]
        weights = plain(asked.get("weights")) or [
            1.0 if self.weights is None else self.weights[place] for place in places
        ]
        if len(weights) != len(places):
            raise SpaceError(
                f"{name!r} must have one weight per choice, but got {len(weights)} for {len(places)} choices."
            )
        kept = sorted((place, float(weight)) for place, weight in zip(places, weights, strict=True) if weight != 0)
        even = len({weight for _, weight in kept}) == 1
        return replace(
            self,
            choices=tuple(self.choices[place] for place, _ in kept),
            weights=None if even else tuple(weight for _, weight in kept),
        )

    def own_fields(self) -> dict[str, Any]:
        result: dict[str, Any] = {"choices": plain(self.choices)}
        if self.weights is not None:
            result["weights"] = plain(self.weights)
        if self.ordered != _rise(self.choices):
            result["ordered"] = self.ordered
        return result


@dataclass(frozen=True)
class Fixed(Parameter):
    """A constant; it is part of each point but takes no slot of the unit cube."""

    value: Any

    def __post_init__(self) -> None:
        Parameter.__post_init__(self)
        object.__setattr__(self, "value", plain(self.value))

    def problems(self, name: str) -> list[str]:
        if is_json(self.value):
            return []
        return [f"The value of {name!r} must be a JSON value (number, text, true, null, list), but got {self.value!r}."]

    def fault(self, value: Any) -> str | None:
        return None if token(plain(value)) == token(self.value) else f"{self.value!r}"

    @property
    def count(self) -> int:
        return 1

    def from_unit(self, u: float) -> Any:
        return plain(self.value)  # a copy: a point's own list may be changed by its owner

    def to_unit(self, value: Any) -> float:
        return 0.5

    def cut(self, points: int) -> Iterable[Any]:
        return [plain(self.value)]

    def narrowed(self, name: str, to: Any) -> Parameter:
        return self

    def own_fields(self) -> dict[str, Any]:
        return {"value": plain(self.value)}


def _rise(choices: Any) -> bool:
    """Whether they are numbers in increasing order."""
    return (
        isinstance(choices, tuple)
        and len(choices) > 1
        and all(is_number(choice) for choice in choices)
        and all(a < b for a, b in pairwise(choices))
    )


def _shown(value: Any) -> str:
    return repr(list(value) if isinstance(value, tuple) else value)
