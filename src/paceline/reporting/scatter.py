"""Score against each hyperparameter: one small drawing each, coloured by the epochs that a trial was trained."""

from collections.abc import Sequence
from typing import Any

from paceline.records import Status, Trial
from paceline.reporting.axes import NUMBER_SCALES, Axis
from paceline.reporting.ranking import ScoreScale, ranked, thinned
from paceline.reporting.words import as_json, label_text, number_text, value_text

POINTS = 500
ALL_POINTS = 9000  # in all drawings together
RUINED_POINTS = 60
GOLDEN = 0.6180339887498949
LOGIT_TICKS = (0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999)


def points_of(axes: Sequence[Axis]) -> int:
    """Most trials with a score that one drawing shows."""
    return min(POINTS, ALL_POINTS // max(1, len(axes)))


def scatter_figures(
    trials: Sequence[Trial], axes: Sequence[Axis], metric: str, goal: str
) -> list[tuple[str, dict[str, Any]]]:  # fmt: skip
    """(name, figure) of each axis, points from worst to best so that the best lie on top. [] without a score."""
    order = ranked(trials, goal)
    if not order or not axes:
        return []
    scale = ScoreScale.of(order, goal)
    shown = thinned(order, points_of(axes))[::-1]
    diverged = [trial for trial in trials if trial.status is Status.DIVERGED]
    ruined = diverged[:: -(-len(diverged) // RUINED_POINTS) or 1]
    longest = max(trial.epoch for trial in trials)
    return [(axis.name, _figure(axis, shown, ruined, scale, metric, longest)) for axis in axes]


def _figure(
    axis: Axis, shown: Sequence[Trial], ruined: Sequence[Trial], scale: ScoreScale, metric: str, longest: int
) -> dict[str, Any]:
    best = shown[-1]
    points = [(at, t, float(t.score)) for t in shown if t.score is not None and (at := _place(axis, t)) is not None]
    beyond = "triangle-up" if scale.sign > 0 else "triangle-down"
    name = label_text(metric)
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter", "mode": "markers",
            "x": [at for at, _, _ in points],
            "y": [scale.clipped(score) for _, _, score in points],
            "text": [
                f"trial {t.number}: {name} {number_text(score)}<br>{label_text(axis.name)} {_said(axis, t)}, "
                f"{t.epoch} epochs" for _, t, score in points
            ],
            "marker": {
                "color": [t.epoch for _, t, _ in points], "colorscale": "--epochs", "cmin": 0, "cmax": max(1, longest),
                "size": [13 if t is best else 7 for _, t, _ in points],
                "symbol": [
                    "star" if t is best else beyond if scale.beyond(score) else "circle" for _, t, score in points
                ],
                "line": {"width": 0.6, "color": "--card"},
            },
            "hovertemplate": "%{text}<extra></extra>",
        }
    ]  # fmt: skip
    knob = label_text(axis.name)
    crosses = [(at, t) for t in ruined if (at := _place(axis, t)) is not None]
    if crosses:
        traces.append(
            {
                "type": "scatter", "mode": "markers", "x": [at for at, _ in crosses], "y": [scale.worst] * len(crosses),
                "text": [
                    f"trial {t.number}: {label_text(t.reason or 'diverged')}<br>{knob} {_said(axis, t)}"
                    for _, t in crosses
                ],
                "marker": {"color": "--bad", "size": 8, "symbol": "x-thin", "line": {"width": 1.6, "color": "--bad"}},
                "hovertemplate": "%{text}<extra></extra>",
            }
        )  # fmt: skip
    layout = {"xaxis": _horizontal(axis), "yaxis": scale.plotly_axis(), "showlegend": False}
    return {"data": as_json(traces), "layout": as_json(layout)}


def _place(axis: Axis, trial: Trial) -> float | None:
    """Coordinate for Plotly: strips are spread by the golden ratio, logits are numbers already."""
    at = axis.coordinate(trial.params)
    if at is None:
        return None
    if axis.scale == "strips":
        return at + ((trial.number * GOLDEN) % 1.0 - 0.5) * 0.6
    return float(NUMBER_SCALES["logit"][0](at)) if axis.scale == "logit" else at


def _said(axis: Axis, trial: Trial) -> str:
    at = axis.coordinate(trial.params)
    if at is None or axis.scale != "strips":
        return number_text(at)
    return label_text(axis.strips[int(at)])


def _horizontal(axis: Axis) -> dict[str, Any]:
    to = NUMBER_SCALES.get(axis.scale, NUMBER_SCALES["linear"])[0]
    low, high = to(axis.low), to(axis.high)
    margin = 0.0 if axis.scale == "strips" else 0.04 * (high - low) or 0.5
    if axis.scale == "log":
        log10 = to(10.0)
        return {"type": "log", "range": [(low - margin) / log10, (high + margin) / log10]}
    found: dict[str, Any] = {"type": "linear", "range": [low - margin, high + margin]}
    if axis.scale == "strips":
        ticks = [(at, label_text(axis.strips[int(at)])) for at, _ in axis.ticks()]
        return found | {"tickvals": [at for at, _ in ticks], "ticktext": [text for _, text in ticks], "showgrid": False}
    if axis.scale == "logit":
        inside = [at for at in LOGIT_TICKS if axis.low <= at <= axis.high] or [axis.low, axis.high]
        return found | {"tickvals": [to(at) for at in inside], "ticktext": [value_text(at) for at in inside]}
    return found
