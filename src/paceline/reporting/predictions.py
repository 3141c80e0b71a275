"""The best model on its validation set: a confusion matrix with recall and precision, or predicted against actual."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from paceline.reporting.words import as_json, label_text, number_text
from paceline.summary import DevPredictions

POINTS = 1200
TEXT_CLASSES = 14  # up to so many classes the counts are written into the matrix
MOST_ROWS = 40


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class on the validation set: its rows, recall and precision."""

    label: str
    rows: int
    recall: float
    precision: float


def confusion(dev: DevPredictions) -> tuple[dict[str, Any], list[ClassRow]] | None:
    """Figure and table of the confusion matrix; None if there is none."""
    labels = [str(label) for label in dev.labels]
    counts = np.asarray(dev.confusion, dtype=np.float64)
    if not labels or counts.shape != (len(labels), len(labels)) or not np.isfinite(counts).all():
        return None
    actual, predicted = counts.sum(axis=1), counts.sum(axis=0)
    share = np.divide(counts, actual[:, None], out=np.zeros_like(counts), where=actual[:, None] > 0)
    names = [label_text(label) for label in labels]
    trace: dict[str, Any] = {
        "type": "heatmap", "z": share, "customdata": counts, "zmin": 0, "zmax": 1, "colorscale": "--shares",
        "showscale": False, "xgap": 1, "ygap": 1,
        "text": [[f"{names[i]} → {names[j]}" for j in range(len(labels))] for i in range(len(labels))],
        "hovertemplate": "%{text}: %{customdata} rows, %{z:.1%}<extra></extra>",
    }  # fmt: skip
    layout: dict[str, Any] = {
        "xaxis": _classes("predicted", names),
        "yaxis": _classes("actual", names) | {"autorange": "reversed"},
        "showlegend": False,
    }
    if len(labels) <= TEXT_CLASSES:
        layout["annotations"] = [
            {
                "x": j, "y": i, "text": f"{int(counts[i, j])}", "showarrow": False,
                "font": {"size": 12, "color": "--on-dark-share" if share[i, j] > 0.5 else "--ink"},
            }
            for i in range(len(labels)) for j in range(len(labels)) if counts[i, j] > 0
        ]  # fmt: skip
    hits = np.diag(counts)
    rows = [
        ClassRow(label, int(actual[i]), _share(hits[i], actual[i]), _share(hits[i], predicted[i]))
        for i, label in enumerate(labels)
    ]
    return {"data": as_json([trace]), "layout": as_json(layout)}, rows[:MOST_ROWS]


def _classes(title: str, names: Sequence[str]) -> dict[str, Any]:
    step = -(-len(names) // 30)
    places = list(range(0, len(names), step))
    return {
        "title": {"text": title}, "tickvals": places, "ticktext": [names[at] for at in places], "showgrid": False,
        "zeroline": False,
    }  # fmt: skip


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else math.nan


@dataclass(frozen=True, slots=True)
class Residuals:
    """Predicted against actual, the distribution of their differences, and figures of the rows that were kept."""

    scatter: dict[str, Any]
    histogram: dict[str, Any]
    rows: int
    rmse: float
    mae: float
    bias: float


def residuals(dev: DevPredictions) -> Residuals | None:
    """Of actual and predicted numbers; None if there is no pair of finite ones."""
    pairs = np.asarray(
        [(a, p) for a, p in zip(dev.actual, dev.predicted, strict=False) if _is_finite(a) and _is_finite(p)],
        dtype=np.float64,
    ).reshape(-1, 2)
    if not len(pairs):
        return None
    off = pairs[:, 1] - pairs[:, 0]
    drawn = pairs[np.linspace(0, len(pairs) - 1, min(len(pairs), POINTS)).astype(np.int64)]
    low, high = float(pairs.min()), float(pairs.max())
    dots = {
        "type": "scatter", "mode": "markers", "x": drawn[:, 0], "y": drawn[:, 1],
        "marker": {"color": "--accent", "size": 5, "opacity": 0.45},
        "hovertemplate": "actual %{x:.4g}, predicted %{y:.4g}<extra></extra>",
    }  # fmt: skip
    diagonal = {
        "type": "scatter", "mode": "lines", "x": [low, high], "y": [low, high], "hoverinfo": "skip",
        "line": {"color": "--muted", "width": 1.2, "dash": "dash"},
    }  # fmt: skip
    scatter = {
        "data": as_json([diagonal, dots]),
        "layout": {
            "xaxis": {"title": {"text": "actual"}}, "yaxis": {"title": {"text": "predicted"}}, "showlegend": False,
        },
    }  # fmt: skip
    counts, ends = np.histogram(off, bins=min(41, max(7, int(math.sqrt(len(off))))))
    bars = {
        "type": "bar", "x": (ends[:-1] + ends[1:]) / 2, "y": counts, "width": np.diff(ends),
        "marker": {"color": "--accent", "opacity": 0.8},
        "text": [f"{number_text(a, 3)} to {number_text(b, 3)}" for a, b in pairwise(ends)],
        "textposition": "none", "hovertemplate": "%{text}: %{y} rows<extra></extra>",
    }  # fmt: skip
    histogram = {
        "data": as_json([bars]),
        "layout": {
            "xaxis": {"title": {"text": "predicted − actual"}}, "yaxis": {"title": {"text": "rows"}},
            "showlegend": False,
        },
    }  # fmt: skip
    rmse, mae = float(np.sqrt((off**2).mean())), float(np.abs(off).mean())
    return Residuals(scatter, histogram, len(pairs), rmse, mae, float(off.mean()))


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
