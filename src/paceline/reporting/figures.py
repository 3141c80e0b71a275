"""The plots of a report as plotly figures in plain JSON data; nothing is drawn here.

Colours are one blue for what matters, one orange beside it, and greys; they read on light and dark pages.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from paceline.records import COLUMNS, Measurements, Trial

BLUE, ORANGE, GREY = "#3b82c4", "#d97706", "#8a8f98"
SHOWN_TRIALS = 2000
FAINT = 20

Figure = dict[str, Any]


def layout(**more: Any) -> dict[str, Any]:
    """What all plots share: no background, quiet grid, small margins."""
    axis = {"gridcolor": "rgba(128,128,128,0.2)", "zeroline": False, "automargin": True}
    base: dict[str, Any] = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": GREY, "family": "system-ui, sans-serif", "size": 13},
        "margin": {"l": 60, "r": 20, "t": 30, "b": 50},
        "xaxis": dict(axis),
        "yaxis": dict(axis),
        "showlegend": False,
    }
    for name, value in more.items():
        base[name] = {**base[name], **value} if isinstance(base.get(name), dict) else value
    return base


def number(value: Any) -> float | None:
    """A finite float, or None, which plotly leaves out."""
    if value is None or isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
        return None
    return float(value) if math.isfinite(value) else None


def numbers(values: Any) -> list[float | None]:
    return [number(value) for value in values]


def thinned(trials: Sequence[Trial], limit: int = SHOWN_TRIALS) -> list[Trial]:
    """At most `limit` trials, evenly spread over the study."""
    if len(trials) <= limit:
        return list(trials)
    places = np.linspace(0, len(trials) - 1, limit).astype(int)
    return [trials[place] for place in places]


def learning_curves(best: Trial, measurements: Sequence[Measurements], task: str) -> Figure:
    """Train and dev loss of the best trial, and its train and dev error where the task has labels."""
    block = next((item for item in measurements if item.trial == best.number and item.fold == 0), None)
    if block is None:
        return {}
    epochs = list(range(block.first_epoch, block.last_epoch + 1))

    def line(column: str, name: str, colour: str, axis: str, dash: str) -> dict[str, Any]:
        values = numbers(block.values[:, COLUMNS.index(column)].tolist())
        return {
            "x": epochs, "y": values, "name": name, "mode": "lines", "yaxis": axis,
            "xaxis": "x2" if axis == "y2" else "x", "line": {"color": colour, "width": 2, "dash": dash},
        }  # fmt: skip

    second = ("rmse", "dev rmse") if task == "regression" else ("error", "dev error")
    traces = [
        line("train_loss", "train loss", ORANGE, "y", "solid"),
        line("loss", "dev loss", BLUE, "y", "solid"),
        line(*second, BLUE, "y2", "solid"),
    ]
    if task != "regression":
        traces.append(line("train_error", "train error", ORANGE, "y2", "solid"))
    mark = {
        "type": "line", "xref": "x", "yref": "paper", "x0": best.best_epoch, "x1": best.best_epoch, "y0": 0, "y1": 1,
        "line": {"color": GREY, "dash": "dot", "width": 1},
    }  # fmt: skip
    axis = layout()["yaxis"]
    return {
        "data": traces,
        "layout": layout(
            showlegend=True,
            legend={"orientation": "h", "y": 1.15},
            xaxis={"title": {"text": "epoch"}, "domain": [0, 0.46]},
            yaxis={"title": {"text": "loss"}, "rangemode": "tozero"},
            xaxis2={**axis, "title": {"text": "epoch"}, "domain": [0.54, 1], "anchor": "y2"},
            yaxis2={**axis, "title": {"text": second[0]}, "anchor": "x2", "rangemode": "tozero"},
            shapes=[mark, {**mark, "xref": "x2"}],
        ),
    }


def all_curves(trials: Sequence[Trial], best: Trial, metric: str) -> Figure:
    """The metric of the best trial over the faint ones of others; a stopped trial's line ends where it was stopped."""
    others = [trial for trial in thinned(trials, 300) if trial.number != best.number and trial.curve]
    traces: list[dict[str, Any]] = [
        {
            "x": list(range(1, len(trial.curve) + 1)), "y": numbers(trial.curve), "mode": "lines",
            "line": {"color": GREY, "width": 1}, "opacity": 0.25, "name": f"trial {trial.number}", "hoverinfo": "name",
        }
        for trial in others
    ]  # fmt: skip
    traces.append(
        {
            "x": list(range(1, len(best.curve) + 1)), "y": numbers(best.curve), "mode": "lines",
            "line": {"color": BLUE, "width": 3}, "name": f"trial {best.number} (best)",
        }
    )  # fmt: skip
    values = [value for trial in [*others, best] for value in trial.curve if math.isfinite(value)]
    low, high = np.quantile(values, [0.0, 0.9]) if values else (0.0, 1.0)
    pad = 0.05 * (high - low or 1.0)
    return {
        "data": traces,
        "layout": layout(
            xaxis={"title": {"text": "epoch"}},
            yaxis={"title": {"text": f"dev {metric}"}, "range": [float(low - pad), float(high + pad)]},
        ),
    }


def is_log(name: str, space: Mapping[str, Any] | None) -> bool:
    """Whether the space draws this hyperparameter on a log scale."""
    entry = (space or {}).get(name)
    return isinstance(entry, Mapping) and entry.get("scale") == "log"


def varied(trials: Sequence[Trial]) -> list[str]:
    """Hyperparameters with more than one value among the trials, in order of the space."""
    values: dict[str, set[str]] = {}
    for trial in trials:
        for name, value in trial.params.items():
            values.setdefault(name, set()).add(repr(value))
    return [name for name, seen in values.items() if len(seen) > 1]


def score_panels(trials: Sequence[Trial], metric: str, space: Mapping[str, Any] | None) -> list[tuple[str, Figure]]:
    """Score against each hyperparameter; points are darker the longer a trial was trained."""
    scored = [trial for trial in thinned(trials) if number(trial.score) is not None]
    scores = [float(trial.score or 0.0) for trial in scored]
    if not scored:
        return []
    low, high = np.quantile(scores, [0.0, 0.95])
    pad = 0.05 * (high - low or 1.0)
    panels = []
    for name in varied(scored):
        mine = [trial for trial in scored if name in trial.params]
        values = [trial.params[name] for trial in mine]
        numeric = all(number(value) is not None for value in values)
        axis: dict[str, Any] = {"title": {"text": name}}
        axis |= {"type": "log"} if is_log(name, space) else {} if numeric else {"type": "category"}
        trace = {
            "x": numbers(values) if numeric else [str(value) for value in values],
            "y": [trial.score for trial in mine],
            "text": [f"trial {trial.number}" for trial in mine],
            "mode": "markers",
            "marker": {
                "size": 6, "opacity": 0.75, "color": [trial.epoch for trial in mine],
                "colorscale": [[0, "#c9d6e3"], [1, BLUE]],
            },
        }  # fmt: skip
        yaxis = {"title": {"text": metric}, "range": [float(low - pad), float(high + pad)]}
        panels.append((name, {"data": [trace], "layout": layout(xaxis=axis, yaxis=yaxis)}))
    return panels


def parallel(trials: Sequence[Trial], metric: str, goal: str, space: Mapping[str, Any] | None) -> Figure:
    """Parallel coordinates of the trials with a score; conditional hyperparameters stand at their lowest where off."""
    scored = [trial for trial in thinned(trials, 500) if number(trial.score) is not None]
    names = varied(scored)
    if len(scored) < 2 or not names:
        return {}
    dimensions = [dimension(name, [trial.params.get(name) for trial in scored], is_log(name, space)) for name in names]
    scores = [float(trial.score or 0.0) for trial in scored]
    low, high = (float(value) for value in np.quantile(scores, [0.0, 0.9]))
    dimensions.append({"label": metric, "values": scores})
    scale = [[0, BLUE], [0.5, "#a9c4dc"], [1, "#e3c9a3"]]
    if goal == "maximize":
        low, high = (float(value) for value in np.quantile(scores, [0.1, 1.0]))
        scale = [[0, "#e3c9a3"], [0.5, "#a9c4dc"], [1, BLUE]]
    line = {"color": scores, "colorscale": scale, "cmin": low, "cmax": high if high > low else low + 1e-12}
    margin = {"l": 70, "r": 70, "t": 60, "b": 30}
    return {
        "data": [{"type": "parcoords", "line": line, "dimensions": dimensions}],
        "layout": layout(margin=margin),
    }


def dimension(name: str, values: Sequence[Any], log: bool) -> dict[str, Any]:
    """One axis of the parallel coordinates."""
    present = [value for value in values if value is not None]
    if all(number(value) is not None for value in present):
        floor = min(present)
        filled = [float(value if value is not None else floor) for value in values]
        if log and floor > 0:
            ticks = list(range(math.floor(math.log10(floor)), math.ceil(math.log10(max(present))) + 1))
            return {
                "label": name, "values": [math.log10(value) for value in filled],
                "tickvals": ticks, "ticktext": [f"1e{tick}" for tick in ticks],
            }  # fmt: skip
        return {"label": name, "values": filled}
    kinds = list(dict.fromkeys(str(value) for value in values))
    places = [kinds.index(str(value)) for value in values]
    names = [kind if kind != "None" else "off" for kind in kinds]
    return {"label": name, "values": places, "tickvals": list(range(len(kinds))), "ticktext": names}


def confusion(labels: Sequence[str], matrix: Sequence[Sequence[int]]) -> Figure:
    """Dev rows by true and predicted label; colour is the share of the true label."""
    counts = np.asarray(matrix, float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    big = len(labels) > 15
    trace = {
        "type": "heatmap", "z": shares.round(4).tolist(), "x": list(labels), "y": list(labels),
        "text": counts.astype(int).tolist(), "texttemplate": "" if big else "%{text}", "showscale": False,
        "colorscale": [[0, "rgba(59,130,196,0.04)"], [1, BLUE]], "zmin": 0, "zmax": 1,
        "hovertemplate": "true %{y}<br>predicted %{x}<br>%{text} rows<extra></extra>",
    }  # fmt: skip
    return {
        "data": [trace],
        "layout": layout(
            xaxis={"title": {"text": "predicted"}, "type": "category"},
            yaxis={"title": {"text": "true"}, "type": "category", "autorange": "reversed"},
        ),
    }


def residuals(actual: Sequence[float], predicted: Sequence[float]) -> Figure:
    """Predicted against actual numbers of dev rows, with the diagonal."""
    ends = [min([*actual, *predicted], default=0.0), max([*actual, *predicted], default=1.0)]
    points = {
        "x": numbers(actual), "y": numbers(predicted), "mode": "markers",
        "marker": {"size": 5, "color": BLUE, "opacity": 0.4},
    }  # fmt: skip
    diagonal = {"x": ends, "y": ends, "mode": "lines", "line": {"color": GREY, "dash": "dot"}, "hoverinfo": "skip"}
    axes = {"xaxis": {"title": {"text": "actual"}}, "yaxis": {"title": {"text": "predicted"}}}
    return {"data": [points, diagonal], "layout": layout(**axes)}
