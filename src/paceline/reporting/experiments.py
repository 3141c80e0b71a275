"""Controlled experiments on the page: a table of the variants, and a dot with its interval for each.

learning_rate 0.01   ├──●──┤               the paired interval in colour,
                   ├────────────┤          the unpaired one of the same runs faint below it
momentum 0.5                    ●┼
                 better      0 = baseline
"""

from dataclasses import dataclass
from statistics import median
from typing import Any

from paceline.reporting.words import as_json, finite, label_text, number_text, value_text
from paceline.summary import ArmResult, ExperimentResults

ARM_HEIGHT, MARGIN_HEIGHT = 36, 76  # pixels
APART = 0.16  # of an arm's height: what both intervals lie above and below its middle
FAR = 4.0  # times the median reach of the intervals: what the axis shows; arms further out are triangles at its end
VERDICTS = {"within noise": "not significant"}  # in other words than the record's
LEFT_OUT = ("unreliable", "unknown")  # verdicts whose differences would mislead in a drawing


@dataclass(frozen=True, slots=True)
class Experiments:
    """The section of the page.

    Attributes:
        rows: texts of the base and each arm, the keys of `head` in its order.
        head: of the table.
        advice: the sentence on the factor to change next.
        base: the base's configuration.
        repeats: of each arm.
        ratio: how many times as wide unpaired intervals are, the median of the arms; "" if unknown.
        figure: for Plotly; None where no arm can be drawn. height: of the drawing in pixels.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    advice: str
    base: str
    repeats: int
    ratio: str
    figure: dict[str, Any] | None
    height: int


def experiments(found: ExperimentResults | None, metric: str, goal: str) -> Experiments | None:
    """The section of a study's results; None for studies of other methods."""
    if found is None:
        return None
    train = found.train_name.replace("_", " ")
    head: tuple[str, ...] = (
        "variant", f"validation {metric.replace('_', ' ')}", train, "difference", "95 % interval, paired",
        "unpaired", "ratio", "p (Holm)", "result", "not compared",
    )  # fmt: skip
    base = found.base
    rows = [("baseline", number_text(base.mean), number_text(base.train), *[""] * 6, ", ".join(base.lost))]
    rows += [_row(arm) for arm in found.arms]
    if not any(row[-1] for row in rows):
        head, rows = head[:-1], [row[:-1] for row in rows]
    shown = [arm for arm in found.arms if arm.verdict not in LEFT_OUT][::-1]
    ratio = finite(found.ratio)
    return Experiments(
        head,
        tuple(rows),
        found.next.sentence,
        ", ".join(f"{name} {value_text(value)}" for name, value in base.params.items()) or "all defaults",
        int(found.repeats),
        "" if ratio is None else f"{ratio:.1f}",
        _figure(shown, goal) if shown else None,
        MARGIN_HEIGHT + ARM_HEIGHT * len(shown),
    )


def _row(arm: ArmResult) -> tuple[str, ...]:
    ratio = finite(arm.ratio)
    return (
        f"{arm.factor} {value_text(arm.value)}", number_text(arm.mean), number_text(arm.train),
        _signed(arm.difference), _interval(arm.low, arm.high),
        _interval(arm.unpaired_low, arm.unpaired_high), number_text(None) if ratio is None else f"{ratio:.1f}",
        number_text(arm.p_adjusted, 2), VERDICTS.get(arm.verdict, arm.verdict), ", ".join(arm.lost),
    )  # fmt: skip


def _signed(value: float | None) -> str:
    return ("+" if value is not None and value > 0 else "") + number_text(value, 3).replace("-", "−", 1)


def _interval(low: float | None, high: float | None) -> str:
    return number_text(None) if low is None else f"{_signed(low)} to {_signed(high)}"


def _figure(arms: list[ArmResult], goal: str) -> dict[str, Any]:
    """Arms from bottom to top; each has a difference and its interval."""
    low, high = _ends(arms)
    traces = [
        _intervals(arms, "unpaired", (low, high), -APART, "--faint", 1.4),
        _intervals(arms, "paired", (low, high), APART, "--accent", 2.4),
    ]
    better = "← better" if goal == "minimize" else "better →"
    margin = 0.04 * (high - low) or 1e-6
    layout = {
        "xaxis": {"title": {"text": f"variant − baseline ({better})"}, "range": [low - margin, high + margin]},
        "yaxis": {
            "tickvals": list(range(len(arms))),
            "ticktext": [label_text(f"{arm.factor} {value_text(arm.value)}") for arm in arms],
            "range": [-0.6, len(arms) - 0.4], "showgrid": False,
        },
        "shapes": [
            {"type": "line", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1, "layer": "below",
             "line": {"color": "--muted", "width": 1.2}}
        ],
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "traceorder": "reversed"},
        "margin": {"l": 44, "r": 10, "t": 28, "b": 44},
    }  # fmt: skip
    return {"data": as_json(traces), "layout": as_json(layout)}


def _ends(arms: list[ArmResult]) -> tuple[float, float]:
    """Of the axis: 0 and all intervals, but for arms that would press the others together."""
    reach = [max(-(arm.low or 0.0), arm.high or 0.0) for arm in arms]
    kept = [arm for arm, far in zip(arms, reach, strict=True) if far <= FAR * median(reach)]
    lows = [low for arm in kept for low in (arm.low, arm.unpaired_low) if low is not None]
    highs = [high for arm in kept for high in (arm.high, arm.unpaired_high) if high is not None]
    return min(0.0, *lows), max(0.0, *highs)


def _intervals(
    arms: list[ArmResult], name: str, axis: tuple[float, float], shift: float, color: str, thickness: float
) -> dict[str, Any]:
    """Dots with their intervals; a dot beyond the axis is a triangle at its end."""
    start = "" if name == "paired" else "unpaired_"
    means, lows, highs = ([getattr(arm, key) for arm in arms] for key in ("difference", f"{start}low", f"{start}high"))
    places = [min(max(mean, axis[0]), axis[1]) for mean in means]
    inside = [place == mean for place, mean in zip(places, means, strict=True)]
    size = 9 if name == "paired" else 6
    bars = list(zip(inside, lows, means, highs, strict=True))
    return {
        "type": "scatter", "mode": "markers", "name": f"{name}, 95 %",
        "x": places, "y": [place + shift for place in range(len(arms))],
        "text": [
            f"{_signed(mean)}, {name}: {_interval(low, high)}"
            for mean, low, high in zip(means, lows, highs, strict=True)
        ],
        "marker": {
            "color": color, "opacity": 1, "line": {"width": 0}, "size": [size if near else 10 for near in inside],
            "symbol": ["circle" if near else f"triangle-{'right' if mean > 0 else 'left'}"
                       for near, mean in zip(inside, means, strict=True)],
        },
        "error_x": {
            "type": "data", "symmetric": False, "color": color, "thickness": thickness, "width": 5,
            "array": [high - mean if near else None for near, _, mean, high in bars],
            "arrayminus": [mean - low if near else None for near, low, mean, _ in bars],
        },
        "hovertemplate": "%{text}<extra></extra>",
    }  # fmt: skip
