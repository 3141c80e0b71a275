"""One encoder a kind of column: clean or raw cells -> float32 inputs of the net.

    plan(column, train cells)  which inputs the column becomes: its layout, equal for all folds
    fit(encoder, train cells)  the numbers in it: fill, center, scale, of one fold's train rows
    encoder.encode(cells, out) fills out (n, width)

numeric   (x − center)/scale, then 1 if missing        date      as numeric, in days, then sin/cos of cycles
boolean   0 or 1, then 1 if missing                    category  one input a frequent category, rare, then missing
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from paceline.data.cells import LARGEST, days, flags, numbers, texts
from paceline.data.schema import Column

STANDARDIZE = ("standard", "minmax", "robust", "none")
WIDEST = 256  # inputs of one category column; beyond that the rest shares the rare one
RARE = 0.001  # categories with a smaller share of the train rows (and those of one row) share an input
CYCLES = {"year": 365.2425, "week": 7.0, "day": 1.0}  # days


@dataclass(frozen=True, slots=True)
class Numeric:
    """A number: (x − center)/scale."""

    kind: ClassVar[str] = "numeric"
    name: str
    indicator: bool
    fill: float = 0.0
    center: float = 0.0
    scale: float = 1.0

    @property
    def feature_names(self) -> tuple[str, ...]:
        return (self.name, *missing_name(self.name, self.indicator))

    def encode(self, cells: pd.Series[Any], out: NDArray[np.float32]) -> None:
        values = numbers(cells).astype(np.float64)
        scaled_into(values, self, out)


@dataclass(frozen=True, slots=True)
class Date:
    """A date: days since 1970 scaled like a number, and the place in each cycle that its dates run through."""

    kind: ClassVar[str] = "date"
    name: str
    indicator: bool
    format: str
    cycles: tuple[str, ...]
    fill: float = 0.0
    center: float = 0.0
    scale: float = 1.0

    @property
    def feature_names(self) -> tuple[str, ...]:
        waves = tuple(f"{self.name} {wave} of {cycle}" for cycle in self.cycles for wave in ("sin", "cos"))
        return (self.name, *missing_name(self.name, self.indicator), *waves)

    def encode(self, cells: pd.Series[Any], out: NDArray[np.float32]) -> None:
        values = days(cells, self.format)
        scaled_into(values, self, out)
        known = np.where(np.isnan(values), self.fill, values)
        place = 1 + self.indicator
        for cycle in self.cycles:
            angle = 2 * np.pi * np.mod(known, CYCLES[cycle]) / CYCLES[cycle]
            out[:, place], out[:, place + 1] = np.sin(angle), np.cos(angle)
            place += 2


@dataclass(frozen=True, slots=True)
class Boolean:
    """A flag: 0 or 1."""

    kind: ClassVar[str] = "boolean"
    name: str
    indicator: bool
    fill: float = 0.0

    @property
    def feature_names(self) -> tuple[str, ...]:
        return (self.name, *missing_name(self.name, self.indicator))

    def encode(self, cells: pd.Series[Any], out: NDArray[np.float32]) -> None:
        values = flags(cells)
        missing = np.isnan(values)
        out[:, 0] = np.where(missing, self.fill, values)
        if self.indicator:
            out[:, 1] = missing


@dataclass(frozen=True, slots=True)
class Category:
    """One of several texts: 1 in the input of its category; rare and unknown ones share an input, if there is one."""

    kind: ClassVar[str] = "category"
    name: str
    indicator: bool
    categories: tuple[str, ...]
    rare: bool
    fill: str = ""

    @property
    def feature_names(self) -> tuple[str, ...]:
        own = tuple(f"{self.name} = {category}" for category in self.categories)
        return (*own, *((f"{self.name} rare",) if self.rare else ()), *missing_name(self.name, self.indicator))

    def encode(self, cells: pd.Series[Any], out: NDArray[np.float32]) -> None:
        codes, words = texts(cells)
        other = len(self.categories) if self.rare else -1
        place = {category: number for number, category in enumerate(self.categories)}
        fill = place.get(self.fill, other) if self.fill else -1
        table = np.array([place.get(word, other) for word in words] + [fill], dtype=np.int64)
        inputs = table[codes]
        out[:] = 0
        known = np.flatnonzero(inputs >= 0)
        out[known, inputs[known]] = 1
        if self.indicator:
            out[:, -1] = codes < 0


Encoder = Numeric | Date | Boolean | Category
ENCODERS: dict[str, type[Encoder]] = {encoder.kind: encoder for encoder in (Numeric, Date, Boolean, Category)}


def plan(column: Column, cells: pd.Series[Any]) -> Encoder:
    """The layout of a column: from the split's train rows, so that no dev or test row has a say in it."""
    indicator = bool(cells.isna().any())
    if column.kind == "numeric":
        return Numeric(column.name, indicator)
    if column.kind == "boolean":
        return Boolean(column.name, indicator)
    if column.kind == "date":
        return Date(column.name, indicator, column.format, moving_cycles(days(cells, column.format)))
    counts = cells.value_counts(sort=False)
    least = max(2, int(np.ceil(RARE * len(cells))))
    seen = sorted(
        ((int(count), str(word)) for word, count in counts.items() if count), key=lambda pair: (-pair[0], pair[1])
    )
    frequent = [word for count, word in seen if count >= least]
    if len(frequent) > WIDEST or (len(frequent) == WIDEST and len(seen) > WIDEST):
        frequent = frequent[: WIDEST - 1]
    return Category(column.name, indicator, tuple(sorted(frequent)), rare=len(frequent) < len(seen))


def fit(encoder: Encoder, cells: pd.Series[Any], standardize: str) -> Encoder:
    """The encoder with its numbers taken from one fold's train rows."""
    if isinstance(encoder, Numeric):
        fill, center, scale = location(numbers(cells).astype(np.float64), standardize)
        return replace(encoder, fill=fill, center=center, scale=scale)
    if isinstance(encoder, Date):
        fill, center, scale = location(days(cells, encoder.format), standardize)
        return replace(encoder, fill=fill, center=center, scale=scale)
    if isinstance(encoder, Boolean):
        values = flags(cells)
        return replace(encoder, fill=float(np.nansum(values == 1) > np.nansum(values == 0)))
    codes, words = texts(cells)
    counts = np.bincount(codes[codes >= 0], minlength=len(words))
    return replace(encoder, fill=words[int(np.argmax(counts))] if counts.any() else "")


def location(values: NDArray[np.float64], standardize: str) -> tuple[float, float, float]:
    """(fill, center, scale): the median for the gaps, then what scikit-learn's scalers find in the filled values.

    standard: mean and (population) standard deviation; minmax: least value and range; robust: median and
    distance of the quartiles. A scale of 0 becomes 1.
    """
    missing = np.isnan(values)
    if missing.all():
        return 0.0, 0.0, 1.0
    fill = float(np.median(values[~missing])) if missing.any() else float(np.median(values))
    values = np.where(missing, fill, values) if missing.any() else values
    low, high = float(values.min()), float(values.max())
    if standardize == "none":
        return fill, 0.0, 1.0
    if standardize == "standard":
        center = float(values.mean())
        scale = float(values.std())
    elif standardize == "minmax":
        center, scale = low, high - low
    else:
        lower, center, upper = (float(value) for value in np.percentile(values, [25, 50, 75]))
        scale = upper - lower
    if low == high:  # a mean's rounding would leave a tiny scale, and blow up the first other value
        return fill, low, 1.0
    return fill, center, scale if scale > 0 else 1.0


def scaled_into(values: NDArray[np.float64], encoder: Numeric | Date, out: NDArray[np.float32]) -> None:
    """Writes the scaled values into out[:, 0] and the indicator, if any, into out[:, 1]."""
    missing = np.isnan(values)
    if missing.any():
        values = np.where(missing, encoder.fill, values)
    with np.errstate(over="ignore"):
        out[:, 0] = np.clip((values - encoder.center) / encoder.scale, -LARGEST, LARGEST)
    if encoder.indicator:
        out[:, 1] = missing


def moving_cycles(values: NDArray[np.float64]) -> tuple[str, ...]:
    """The cycles in which the dates don't all stand at one place."""
    known = values[~np.isnan(values)]
    if not len(known):
        return ()
    whole = np.floor(known)
    place = {"year": whole, "week": whole % CYCLES["week"], "day": known - whole}
    return tuple(cycle for cycle in CYCLES if np.ptp(place[cycle]) > 0)


def missing_name(name: str, indicator: bool) -> tuple[str, ...]:
    return (f"{name} missing",) if indicator else ()
