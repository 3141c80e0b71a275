"""How the boxes of a coarse-to-fine search narrowed: a small drawing a hyperparameter, from left to right its rounds.

rate │█
     │█ █              a number: each round's range on the parameter's own scale, a dot for the best trial that the
     │█ █ █ █ ─────    round knew, a line for the best of the study
     │█
      0 1 2 3

a choice: a row each, the darker the more often the round draws it
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paceline.records import Trial
from paceline.reporting.axes import Axis
from paceline.reporting.words import number_text, value_text
from paceline.summary import SearchRound

WIDTH, HEIGHT = 340.0, 170.0
LEFT, RIGHT, TOP, BOTTOM = 74.0, 8.0, 8.0, 146.0
LABEL = 11  # characters


@dataclass(frozen=True, slots=True)
class Bar:
    """A filled box with its corner, its size, how dark it is (0 to 1), and what a pointer says."""

    x: float
    y: float
    width: float
    height: float
    shade: float
    title: str


@dataclass(frozen=True, slots=True)
class Funnel:
    """The drawing of one hyperparameter.

    Attributes:
        name: as its axis; kind: "range" or "shares".
        bars: of the rounds; dots: (x, y) of the best trials they knew.
        best: y of the best trial of the study; None where the hyperparameter isn't active in it.
        labels: (y, text, whether it is the best trial's) up the side; rounds: (x, text) below.
    """

    name: str
    kind: str
    bars: tuple[Bar, ...]
    dots: tuple[tuple[float, float], ...]
    best: float | None
    labels: tuple[tuple[float, str, bool], ...]
    rounds: tuple[tuple[float, str], ...]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    bottom: float = BOTTOM


@dataclass(frozen=True, slots=True)
class Narrowing:
    """All drawings; how many rounds they show, and how many the search began."""

    funnels: tuple[Funnel, ...]
    drawn: int
    begun: int


def narrowing(
    rounds: Sequence[SearchRound], trials: Sequence[Trial], axes: Sequence[Axis], best: Trial | None
) -> Narrowing | None:
    """A drawing for each hyperparameter that has an axis; None where there are no rounds, or no trial has a score.

    Args:
        rounds: as in the summary of a study; () of other methods.
        trials: all of the study; best: the best of them.
    """
    if not rounds or best is None:
        return None
    numbers = {one.incumbent for one in rounds}
    known = {trial.number: trial for trial in trials if trial.number in numbers}
    found = []
    for axis in axes:
        if axis.name in rounds[0].ranges:
            found.append(_range(axis, rounds, known, best))
        elif axis.name in rounds[0].shares:
            found.append(_shares(axis, rounds, best))
    return Narrowing(tuple(found), len(rounds), rounds[-1].number + 1)


def _range(axis: Axis, rounds: Sequence[SearchRound], known: Mapping[int, Trial], best: Trial) -> Funnel:
    bars, dots = [], []
    for (x, width), one in zip(_columns(len(rounds)), rounds, strict=True):
        low, high = one.ranges[axis.name]
        bottom, top = _ends(axis, low, high)
        title = f"round {one.number}: {value_text(low)} to {value_text(high)}"
        bars.append(Bar(x, top, width, max(round(bottom - top, 1), 1.5), 0.3, title))
        at = _at(axis, known.get(-1 if one.incumbent is None else one.incumbent))
        if at is not None:
            dots.append((round(x + width / 2, 1), at))
    labels = tuple((_height(axis.unit(at)), _cut(text), False) for at, text in axis.ticks())
    return Funnel(axis.name, "range", tuple(bars), tuple(dots), _at(axis, best), labels, _numbers(rounds))


def _shares(axis: Axis, rounds: Sequence[SearchRound], best: Trial) -> Funnel:
    choices = list(rounds[0].shares[axis.name])
    step = (BOTTOM - TOP) / len(choices)
    at = axis.coordinate(best.params)
    chosen = None if at is None else str(axis.strips[int(at)])
    known = {str(value): value_text(value) for value in axis.strips}
    words = {choice: known.get(choice, choice) for choice in choices}
    bars = []
    for (x, width), one in zip(_columns(len(rounds)), rounds, strict=True):
        for row, choice in enumerate(choices):
            share = one.shares[axis.name][choice]
            title = f"round {one.number}: {words[choice]} in {number_text(100 * share, 2)} % of the draws"
            bars.append(Bar(x, round(TOP + step * row + 1, 1), width, round(step - 2, 1), round(share, 3), title))
    labels = tuple(
        (round(TOP + step * (row + 0.5), 1), _cut(words[choice]), choice == chosen)
        for row, choice in enumerate(choices)
    )
    return Funnel(axis.name, "shares", tuple(bars), (), None, labels, _numbers(rounds))


def _columns(count: int) -> list[tuple[float, float]]:
    """(left end, width) of each round's column."""
    step = (WIDTH - RIGHT - LEFT) / count
    gap = min(3.0, step / 4)
    return [(round(LEFT + step * index + gap / 2, 1), round(step - gap, 1)) for index in range(count)]


def _numbers(rounds: Sequence[SearchRound]) -> tuple[tuple[float, str], ...]:
    every = -(-len(rounds) // 9)
    middles = [round(x + width / 2, 1) for x, width in _columns(len(rounds))]
    return tuple((at, str(one.number)) for at, one in list(zip(middles, rounds, strict=True))[::every])


def _ends(axis: Axis, low: Any, high: Any) -> tuple[float, float]:
    """y of a range's ends, the lower value's first; of strips their outer edges."""
    ends = [axis.coordinate({axis.source: value}) or 0.0 for value in (low, high)]  # one value is that of all layers
    spread = 0.5 if axis.scale == "strips" else 0.0
    return _height(axis.unit(ends[0] - spread)), _height(axis.unit(ends[1] + spread))


def _at(axis: Axis, trial: Trial | None) -> float | None:
    at = None if trial is None else axis.coordinate(trial.params)
    return None if at is None else _height(axis.unit(at))


def _height(unit: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * min(max(unit, 0.0), 1.0), 1)


def _cut(text: str) -> str:
    return text if len(text) <= LABEL else text[: LABEL - 1] + "…"
