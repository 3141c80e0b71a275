"""Hyperparameters as axes: what the space says of each, or else what the values of the trials suggest.

    {low, high, scale}     numbers on a linear, log or logit scale
    {choices}              a strip for each choice
    {..., per: layers}     one axis a layer: units[1], units[2]
    {value}                no axis: all trials have it

A trial that has no value on an axis (its condition doesn't hold) has no coordinate there.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from paceline.records import Params, Trial
from paceline.reporting.words import number_text, value_text
from paceline.space.values import is_number, token

MAX_STRIPS = 8  # so many different numbers are shown as strips
MOST_LAYERS = 12
LOG_RATIO = 100.0
NUMBER_SCALES: dict[str, tuple[Any, Any]] = {
    "linear": (float, float),
    "log": (math.log, math.exp),
    "logit": (lambda x: math.log(x / (1 - x)), lambda z: 1 / (1 + math.exp(-z))),
}


@dataclass(frozen=True)
class Axis:
    """One hyperparameter, or one layer of it.

    Attributes:
        name: as shown; source: name in a configuration; layer: index in its list, or None.
        scale: "linear", "log", "logit" or "strips".
        low, high: ends in the parameter's own unit; of strips -0.5 and their number less 0.5.
        strips: the values of strips, in order.
        places: `token` of a value -> its strip.
    """

    name: str
    source: str
    layer: int | None
    scale: str
    low: float
    high: float
    strips: tuple[Any, ...] = ()
    places: Mapping[Any, int] = field(default_factory=dict, repr=False)

    def coordinate(self, params: Params) -> float | None:
        """Where a configuration lies: its number, or its strip; None if it has none."""
        found, value = _value(params, self.source, self.layer)
        if not found:
            return None
        if self.scale == "strips":
            return self.places.get(token(value))
        return float(value) if is_number(value) else None

    def unit(self, coordinate: float) -> float:
        """A coordinate's place on [0, 1] along the axis."""
        if self.scale == "strips":
            return (coordinate + 0.5) / max(1, len(self.strips))
        at = NUMBER_SCALES[self.scale][0]
        if self.high <= self.low:
            return 0.5
        return float((at(coordinate) - at(self.low)) / (at(self.high) - at(self.low)))

    def ticks(self, count: int = 5) -> list[tuple[float, str]]:
        """Coordinates and their labels: all strips (thinned to 24), or numbers at even distances on the scale."""
        if self.scale == "strips":
            step = -(-len(self.strips) // 24)
            return [(float(at), value_text(self.strips[at])) for at in range(0, len(self.strips), step)]
        if self.scale == "log" and self.high / self.low >= 100:
            return _decades(self.low, self.high)
        to, back = NUMBER_SCALES[self.scale]
        low, high = to(self.low), to(self.high)
        places = [back(low + (high - low) * index / (count - 1)) for index in range(count)]
        return [(place, number_text(place, 2)) for place in places]


def _decades(low: float, high: float) -> list[tuple[float, str]]:
    """The powers of ten of a range, thinned to eight."""
    powers = range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)
    return [(10.0**power, number_text(10.0**power, 2)) for power in powers[:: -(-len(powers) // 8)]]


def axes_of(trials: Sequence[Trial], space: Mapping[str, Any] | None) -> list[Axis]:
    """An axis for each hyperparameter that isn't the same in all trials, in the order of the space.

    Args:
        trials: all of the study.
        space: `Space.to_dict()`, or None to go by the values alone.
    """
    space = space or {}
    names = dict.fromkeys([*space, *(name for trial in trials for name in trial.params)])
    found: list[Axis] = []
    for name in names:
        rule = space.get(name)
        for layer in _layers(trials, name, rule if isinstance(rule, Mapping) else {}):
            axis = _axis(trials, name, layer, rule if isinstance(rule, Mapping) else {})
            if axis is not None:
                found.append(axis)
    return found


def _layers(trials: Sequence[Trial], name: str, rule: Mapping[str, Any]) -> list[int | None]:
    """The layers that get an axis each; [None] for a parameter with one value."""
    lists = [trial.params[name] for trial in trials if isinstance(trial.params.get(name), list)]
    if not lists or ("per" not in rule and ("choices" in rule or len({token(value) for value in lists}) <= MAX_STRIPS)):
        return [None]
    return list(range(min(MOST_LAYERS, max(len(value) for value in lists))))


def _axis(trials: Sequence[Trial], name: str, layer: int | None, rule: Mapping[str, Any]) -> Axis | None:
    pairs = [_value(trial.params, name, layer) for trial in trials]
    values = {token(value): value for found, value in pairs if found}
    if not values or "value" in rule or (len(values) == 1 and all(found for found, _ in pairs)):
        return None
    shown = name if layer is None else f"{name}[{layer + 1}]"
    numbers = [float(value) for value in values.values() if is_number(value)]
    if "low" in rule and "high" in rule and numbers:
        ends = [*numbers, *(float(rule[key]) for key in ("low", "high") if is_number(rule[key]))]
        scale = _possible(str(rule.get("scale", "linear")), min(ends), max(ends))
        return Axis(shown, name, layer, scale, min(ends), max(ends))
    if "choices" not in rule and len(numbers) > MAX_STRIPS:
        low, high = min(numbers), max(numbers)
        return Axis(shown, name, layer, "log" if low > 0 and high / low > LOG_RATIO else "linear", low, high)
    choices = rule.get("choices") or ()
    strips = {token(value): value for value in choices}
    strips |= {key: values[key] for key in sorted(values, key=lambda key: _order(values[key])) if key not in strips}
    places = {key: index for index, key in enumerate(strips)}
    return Axis(shown, name, layer, "strips", -0.5, len(strips) - 0.5, tuple(strips.values()), places)


def _value(params: Params, name: str, layer: int | None) -> tuple[bool, Any]:
    """Whether a configuration has a value there, and the value."""
    value = params.get(name)
    if layer is None:
        return name in params, value
    if not isinstance(value, list):  # one value for all layers
        return value is not None, value
    return (True, value[layer]) if layer < len(value) else (False, None)


def _possible(scale: str, low: float, high: float) -> str:
    """The scale, if all of the range has a place on it (a configuration given by hand may lie outside the space)."""
    if scale == "log" and low > 0:
        return scale
    return scale if scale == "logit" and low > 0 and high < 1 else "linear"


def _order(value: Any) -> tuple[int, float, str]:
    """Numbers first, by size, then texts by letters."""
    return (0, float(value), "") if is_number(value) else (1, 0.0, value_text(value))
