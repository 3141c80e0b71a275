"""A range on a scale, and its two maps to and from the unit interval.

    Continuum   every float of [low, high]:      u -> inverse(a + u (b - a)),  a, b = forward(low), forward(high)
    Lattice     low, low + step, ... <= high:    u -> the value in whose *cell* u falls

On the linear scale all cells of a lattice are equally wide, so every integer is equally likely. On the others
a value owns half a step to either side, so a log-uniform u gives each value its share of the log axis. The
outermost cells stop half way to 0 (or 1) where half a step would cross it.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, Generic, TypeVar

from paceline.errors import did_you_mean
from paceline.space.values import is_number

SCALES = ("linear", "log", "logit")


def _logit(x: float) -> float:
    return math.log(x) - math.log1p(-x)


def _sigmoid(t: float) -> float:
    if t >= 0:
        return 1.0 / (1.0 + math.exp(-t))
    e = math.exp(t)  # never overflows for t < 0, and keeps the relative accuracy of small values
    return e / (1.0 + e)


def _same(x: float) -> float:
    return x


FORWARD: dict[str, Callable[[float], float]] = {"linear": _same, "log": math.log, "logit": _logit}
INVERSE: dict[str, Callable[[float], float]] = {"linear": _same, "log": math.exp, "logit": _sigmoid}

MOST_VALUES = 2**50  # (k + 1/2) / n and back keeps its cell below this many values
MOST_SCALED_VALUES = 2**40  # exp(log(x)) keeps its cell below this many steps from zero


@dataclass(frozen=True)
class Continuum:
    """All floats between two ends, both included."""

    low: float
    high: float
    scale: str

    @cached_property
    def _ends(self) -> tuple[float, float]:
        forward = FORWARD[self.scale]
        return forward(self.low), forward(self.high)

    @property
    def count(self) -> None:
        """Continuous: no number of values."""
        return None

    def from_unit(self, u: float) -> float:
        if u <= 0.0:
            return self.low
        if u >= 1.0:
            return self.high
        a, b = self._ends
        return min(max(INVERSE[self.scale](a + u * (b - a)), self.low), self.high)

    def to_unit(self, value: float) -> float:
        a, b = self._ends
        return min(max((FORWARD[self.scale](value) - a) / (b - a), 0.0), 1.0)

    def cut(self, points: int) -> Iterable[float]:
        """`points` values, evenly spaced on the scale, both ends among them (one point: the middle)."""
        if points == 1:
            return [self.from_unit(0.5)]
        return dict.fromkeys(self.from_unit(i / (points - 1)) for i in range(points))

    def fault(self, value: float) -> str | None:
        """The rule that a finite number breaks, or None."""
        return None if self.low <= value <= self.high else f"between {self.low!r} and {self.high!r}"

    def inside(self, low: float, high: float) -> tuple[float, float]:
        """A narrower range, cut to this one."""
        return min(max(low, self.low), self.high), min(max(high, self.low), self.high)


Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Lattice(Generic[Number]):
    """low, low + step, low + 2 step, ... up to high. Computed in exact fractions, so 0.1 + 2 · 0.1 is 0.3."""

    low: Number
    high: Number
    step: Number
    scale: str

    @cached_property
    def _exact(self) -> tuple[Fraction, Fraction]:
        return Fraction(str(self.low)), Fraction(str(self.step))

    @cached_property
    def count(self) -> int:
        low, step = self._exact
        return int((Fraction(str(self.high)) - low) / step) + 1

    @cached_property
    def _ends(self) -> tuple[float, float]:
        low, top, step = float(self.low), float(self.value(self.count - 1)), float(self.step)
        forward = FORWARD[self.scale]
        above = min(step, 1.0 - top) if self.scale == "logit" else step
        return forward(low - min(step, low) / 2), forward(top + above / 2)

    def value(self, index: int) -> Number:
        if isinstance(self.low, int):
            return self.low + index * self.step
        low, step = self._exact
        return min(float(low + index * step), self.high)

    def index(self, value: float) -> int:
        """Number of the nearest value."""
        return min(max(round((value - self.low) / self.step), 0), self.count - 1)

    def from_unit(self, u: float) -> Number:
        u = min(max(u, 0.0), 1.0)
        if self.scale == "linear":
            return self.value(min(int(u * self.count), self.count - 1))
        a, b = self._ends
        return self.value(self.index(INVERSE[self.scale](a + u * (b - a))))

    def to_unit(self, value: float) -> float:
        index = self.index(value)
        if self.scale == "linear":
            return (index + 0.5) / self.count
        a, b = self._ends
        return (FORWARD[self.scale](self.value(index)) - a) / (b - a)

    def cut(self, points: int) -> Iterable[Number]:
        """All values, whatever `points`: a step already cuts the range. Lazy, as there may be very many."""
        return map(self.value, range(self.count))

    def fault(self, value: float) -> str | None:
        """The rule that a finite number breaks, or None."""
        if not self.low <= value <= self.high:
            return f"between {self.low!r} and {self.high!r}"
        if abs(self.value(self.index(value)) - value) > 1e-9 * self.step:
            return f"{self.low!r} plus a multiple of {self.step!r}"
        return None

    def inside(self, low: float, high: float) -> tuple[Number, Number]:
        """A narrower range, cut to this one, with ends that are values of this one."""
        return self.value(self.index(low)), self.value(self.index(high))


def range_problems(name: str, low: Any, high: Any, step: Any, scale: Any) -> list[str]:
    """One sentence for each rule that a range breaks; an empty list where it is usable."""
    found = []
    if scale not in SCALES:
        found.append(f"The scale of {name!r} must be one of {', '.join(SCALES)}, but got {scale!r}{_near(scale)}")
    named = {"low": low, "high": high} | ({} if step is None else {"step": step})
    wrong = ", ".join(f"{key}={value!r}" for key, value in named.items() if not is_number(value))
    if wrong:
        return [*found, f"The ends and the step of {name!r} must be finite numbers, but got {wrong}."]
    if not low < high:
        found.append(f"`low < high` must hold for {name!r}, but got {low=}, {high=}.")
    if scale == "log" and not low > 0:
        found.append(f"`low > 0` must hold for {name!r} on a log scale, but got {low=}.")
    if scale == "logit" and not (low > 0 and high < 1):
        found.append(f"`0 < low < high < 1` must hold for {name!r} on a logit scale, but got {low=}, {high=}.")
    if step is not None and not step > 0:
        found.append(f"`step > 0` must hold for {name!r}, but got {step=}.")
    return found or _size_problems(name, low, high, step, scale)


def _near(scale: object) -> str:
    hint = did_you_mean(scale, SCALES)
    return hint if "did you mean" in hint else "."


def _size_problems(name: str, low: float, high: float, step: float | None, scale: str) -> list[str]:
    """Limits of 64-bit floats, for ranges that keep all other rules."""
    forward = FORWARD[scale]
    if not math.isfinite(float(high) - float(low)) or not forward(high) > forward(low):
        return [f"The ends of {name!r} must be told apart by a 64-bit float on its scale, but got {low=}, {high=}."]
    if step is None:
        return []
    most = MOST_VALUES if scale == "linear" else MOST_SCALED_VALUES
    if max(abs(low), abs(high)) > most * step:
        return [f"`step` of {name!r} must be at least max(|low|, |high|) / {most}, but got {low=}, {high=}, {step=}."]
    if Fraction(str(step)) > Fraction(str(high)) - Fraction(str(low)):
        return [f"`step <= high - low` must hold for {name!r}, but got {low=}, {high=}, {step=}."]
    return []
