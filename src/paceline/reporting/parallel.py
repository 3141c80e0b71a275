"""Parallel coordinates as plain SVG: one line a trial through all hyperparameters to its score.

    learning_rate   optimizer   momentum    score
        |               |          |          |
        |----------- adam          |          |  best on top
        |               |          |          |
        ·               ·        none         ·     below the axes: the hyperparameter isn't active

Drawn here rather than by Plotly, whose own needs WebGL and has no place for conditional hyperparameters.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from paceline.records import Trial
from paceline.reporting.axes import Axis
from paceline.reporting.ranking import ScoreScale, ranked, thinned
from paceline.reporting.words import number_text

LINES = 300
WIDTH = 1130.0  # that the page has for it; more axes than fit are scrolled
LEAST_GAP, MOST_GAP = 78.0, 170.0
TOP, BOTTOM, ABSENT = 44.0, 300.0, 330.0
LEFT, RIGHT = 48.0, 84.0
SHADES = 8
GOLDEN = 0.6180339887498949
LABEL = 12  # characters of a tick
TITLE = 11  # characters of a title's line; a longer name is broken at an underscore, if it has one


@dataclass(frozen=True, slots=True)
class Upright:
    """A drawn axis: name, x, and (y, text) of its ticks; `optional` if some trials have no value on it."""

    name: str
    x: float
    ticks: tuple[tuple[float, str], ...]
    optional: bool

    @property
    def title(self) -> tuple[str, ...]:
        """The name in one or two lines.

        >>> Upright("weight_decay", 0.0, (), False).title, Upright("norm", 0.0, (), False).title
        (('weight_', 'decay'), ('norm',))
        """
        breaks = [index + 1 for index, letter in enumerate(self.name) if letter == "_"]
        if len(self.name) <= TITLE or not breaks:
            return (_cut(self.name),)
        middle = min(breaks, key=lambda index: abs(2 * index - len(self.name)))
        return _cut(self.name[:middle]), _cut(self.name[middle:])


@dataclass(frozen=True, slots=True)
class Line:
    """A drawn trial: y on each axis, distance of the axes, shade 0 (best) to SHADES - 1, what a pointer says."""

    trial: int
    heights: tuple[float, ...]
    gap: float
    shade: int
    title: str

    @property
    def path(self) -> str:
        return " ".join(f"{LEFT + self.gap * index:g},{height:g}" for index, height in enumerate(self.heights))

    @property
    def data(self) -> str:
        return ",".join(f"{height:g}" for height in self.heights)


@dataclass(frozen=True, slots=True)
class Drawing:
    """All of it, with the size of the canvas; lines from worst to best."""

    axes: tuple[Upright, ...]
    lines: tuple[Line, ...]
    width: float
    height: float
    top: float = TOP
    bottom: float = BOTTOM
    absent: float = ABSENT


def parallel_coordinates(trials: Sequence[Trial], axes: Sequence[Axis], metric: str, goal: str) -> Drawing | None:
    """None where there is nothing to compare: fewer than two trials with a score, or no axis."""
    order = ranked(trials, goal)
    if len(order) < 2 or not axes:
        return None
    scale = ScoreScale.of(order, goal)
    drawn = thinned(order, LINES)
    shades = {trial.number: index * SHADES // len(drawn) for index, trial in enumerate(drawn)}
    gap = round(min(max((WIDTH - LEFT - RIGHT) / len(axes), LEAST_GAP), MOST_GAP), 1)
    lines = [_line(trial, axes, scale, metric, gap, shades[trial.number]) for trial in reversed(drawn)]
    uprights = [
        Upright(
            axis.name,
            LEFT + gap * index,
            tuple((_height(axis.unit(at)), _cut(text)) for at, text in axis.ticks()),
            any(line.heights[index] == ABSENT for line in lines),
        )
        for index, axis in enumerate(axes)
    ]
    ticks = tuple((_height(scale.goodness(at)), number_text(at, 3)) for at in scale.ticks())
    uprights.append(Upright(metric, LEFT + gap * len(axes), ticks, False))
    return Drawing(tuple(uprights), tuple(lines), LEFT + gap * len(axes) + RIGHT, ABSENT + 24)


def _line(trial: Trial, axes: Sequence[Axis], scale: ScoreScale, metric: str, gap: float, shade: int) -> Line:
    score = float(trial.score or 0.0)
    heights = [_on(axis, trial) for axis in axes]
    title = f"trial {trial.number}: {metric} {number_text(score)}, {trial.epoch} epochs"
    return Line(trial.number, (*heights, _height(scale.goodness(score))), gap, shade, title)


def _on(axis: Axis, trial: Trial) -> float:
    at = axis.coordinate(trial.params)
    if at is None:
        return ABSENT
    if axis.scale == "strips":  # spread, so that one sees how many lines meet in a value
        at += ((trial.number * GOLDEN) % 1.0 - 0.5) * 0.35
    return _height(axis.unit(at))


def _height(unit: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * unit, 1)


def _cut(text: str) -> str:
    return text if len(text) <= LABEL else text[: LABEL - 1] + "…"
