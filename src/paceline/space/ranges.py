"""Parameters that are numbers: Float and Int."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from paceline.errors import SpaceError
from paceline.space.choices import Fixed
from paceline.space.parameter import Parameter
from paceline.space.scales import Continuum, Lattice, range_problems
from paceline.space.values import is_number, plain


@dataclass(frozen=True)
class Float(Parameter):
    """A real number of [low, high], uniform on its scale.

    Attributes:
        scale: "linear", "log" (low > 0) or "logit" (0 < low, high < 1).
        step: None for every float; else only low, low + step, low + 2 step, ...
    """

    low: float
    high: float
    scale: str = "linear"
    step: float | None = None

    def __post_init__(self) -> None:
        Parameter.__post_init__(self)
        for name in ("low", "high", "step"):
            value = plain(getattr(self, name))
            object.__setattr__(self, name, float(value) if is_number(value) else value)

    @cached_property
    def _range(self) -> Continuum | Lattice[float]:
        if self.step is None:
            return Continuum(self.low, self.high, self.scale)
        return Lattice(self.low, self.high, self.step, self.scale)

    def problems(self, name: str) -> list[str]:
        return range_problems(name, self.low, self.high, self.step, self.scale)

    def fault(self, value: Any) -> str | None:
        return self._range.fault(value) if is_number(value) else "a finite number"

    @property
    def count(self) -> int | None:
        return self._range.count

    def from_unit(self, u: float) -> float:
        return self._range.from_unit(u)

    def to_unit(self, value: Any) -> float:
        return self._range.to_unit(float(value))

    def cut(self, points: int) -> Iterable[Any]:
        return self._range.cut(points)

    def narrowed(self, name: str, to: Any) -> Parameter:
        low, high = self._range.inside(*_ends(name, to))
        if low < high and not range_problems(name, low, high, self.step, self.scale):
            return replace(self, low=low, high=high)
        return Fixed(low, when=self.when, per=self.per)

    def own_fields(self) -> dict[str, Any]:
        result: dict[str, Any] = {"low": self.low, "high": self.high, "scale": self.scale}
        if self.step is not None:
            result["step"] = self.step
        return result | {"type": "float"}  # 1.0 may come back from a JSON writer as 1


@dataclass(frozen=True)
class Int(Parameter):
    """An integer: low, low + step, ... up to high, both ends included.

    Attributes:
        scale: "linear" (every value equally likely) or "log" (low > 0).
    """

    low: int
    high: int
    step: int = 1
    scale: str = "linear"

    def __post_init__(self) -> None:
        Parameter.__post_init__(self)
        for name in ("low", "high", "step"):
            value = plain(getattr(self, name))
            object.__setattr__(self, name, int(value) if _is_whole(value) else value)

    @cached_property
    def _range(self) -> Lattice[int]:
        return Lattice(self.low, self.high, self.step, self.scale)

    def problems(self, name: str) -> list[str]:
        wrong = {n: v for n in ("low", "high", "step") if not _is_whole(v := getattr(self, n))}
        if wrong:
            shown = ", ".join(f"{n}={value!r}" for n, value in wrong.items())
            return [f"The ends and the step of the integer {name!r} must be whole numbers, but got {shown}."]
        if self.scale == "logit":
            return [f"The scale of the integer {name!r} must be 'linear' or 'log', but got 'logit'."]
        return range_problems(name, self.low, self.high, self.step, self.scale)

    def fault(self, value: Any) -> str | None:
        return self._range.fault(value) if _is_whole(value) else "a whole number"

    @property
    def count(self) -> int:
        return self._range.count

    def from_unit(self, u: float) -> int:
        return self._range.from_unit(u)

    def to_unit(self, value: Any) -> float:
        return self._range.to_unit(value)

    def cut(self, points: int) -> Iterable[Any]:
        return self._range.cut(points)

    def narrowed(self, name: str, to: Any) -> Parameter:
        low, high = self._range.inside(*_ends(name, to))
        return replace(self, low=low, high=high) if low < high else Fixed(low, when=self.when, per=self.per)

    def own_fields(self) -> dict[str, Any]:
        result: dict[str, Any] = {"low": self.low, "high": self.high, "scale": self.scale}
        if self.step != 1:
            result["step"] = self.step
        return result | {"type": "int"}


def _is_whole(value: Any) -> bool:
    return is_number(plain(value)) and float(value).is_integer()


def _ends(name: str, to: Any) -> tuple[float, float]:
    """Low and high of a narrowed range."""
    if isinstance(to, Mapping):
        to = (to.get("low"), to.get("high"))
    pair: list[Any] = plain(to) if isinstance(to, tuple | list) else []
    if len(pair) == 2 and all(is_number(end) for end in pair) and pair[0] <= pair[1]:
        return pair[0], pair[1]
    raise SpaceError(f"{name!r} must be narrowed to two numbers (low, high) with low <= high, but got {to!r}.")
