"""Learning curves: the best trial in front, the runners-up faint behind it, each up to its last epoch."""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paceline.records import COLUMNS, Measurements, Status, Trial
from paceline.reporting.tables import STATUS_WORDS
from paceline.reporting.words import as_json, number_text

Curves = NDArray[np.float64]

BEHIND = 20
LOG_RATIO = 12.0
MOST_EPOCHS = 400  # points of a curve
TRAIN_METRICS = {"error": 1.0, "accuracy": -1.0}  # what the training error has a curve for


def mean_curves(measurements: Sequence[Measurements], numbers: Sequence[int]) -> dict[int, Curves]:
    """Trial -> (epochs, len(COLUMNS)) mean over folds; a fold that ended sooner counts with its last row from then on.

    Epochs that nobody measured are NaN.
    """
    wanted = set(numbers)
    blocks: dict[int, dict[int, list[Measurements]]] = defaultdict(lambda: defaultdict(list))
    for block in measurements:
        if block.trial in wanted and len(block.values):
            blocks[block.trial][block.fold].append(block)
    return {number: _mean_of_folds(list(folds.values())) for number, folds in sorted(blocks.items())}


def _mean_of_folds(folds: list[list[Measurements]]) -> Curves:
    length = max(block.last_epoch for fold in folds for block in fold)
    stack = np.full((len(folds), length, len(COLUMNS)), np.nan)
    for rows, fold in zip(stack, folds, strict=True):
        ordered = sorted(fold, key=lambda block: block.first_epoch)
        for block in ordered:
            rows[block.first_epoch - 1 : block.last_epoch] = block.values
        rows[ordered[-1].last_epoch :] = rows[ordered[-1].last_epoch - 1]
    mean: Curves = stack.mean(axis=0)
    return mean


def loss_figure(order: Sequence[Trial], curves: dict[int, Curves]) -> dict[str, Any] | None:
    """Training and validation loss of the first of `order`, validation loss of the next; None without measurements."""
    best = order[0] if order else None
    if best is None or best.number not in curves:
        return None
    own = curves[best.number]
    behind = [(t, curves[t.number][:, COLUMNS.index("loss")]) for t in order[1 : BEHIND + 1] if t.number in curves]
    front = [
        ("validation", own[:, COLUMNS.index("loss")], "solid"),
        ("train", own[:, COLUMNS.index("train_loss")], "dot"),
    ]
    return _figure("loss", best, front, behind)


def metric_figure(
    metric: str, order: Sequence[Trial], curves: dict[int, Curves]
) -> dict[str, Any] | None:  # fmt: skip
    """The study's metric on the validation set (error and accuracy also on the training set); None without a curve."""
    best = order[0] if order else None
    if best is None or not best.curve:
        return None
    front = [("validation", np.asarray(best.curve, np.float64), "solid")]
    if metric in TRAIN_METRICS and best.number in curves:
        error = curves[best.number][:, COLUMNS.index("train_error")]
        front.append(("train", error if metric == "error" else 1 - error, "dot"))
    behind = [(trial, np.asarray(trial.curve, np.float64)) for trial in order[1 : BEHIND + 1] if trial.curve]
    return _figure(metric, best, front, behind)


def _figure(
    what: str, best: Trial, front: list[tuple[str, Any, str]], behind: list[tuple[Trial, Any]]
) -> dict[str, Any] | None:
    if not any(np.isfinite(values).any() for _, values, _ in front):
        return None
    traces = _behind(behind)
    for name, values, dash in front:
        at = _epochs(len(values))
        color = "--accent" if dash == "solid" else "--second"
        traces.append(
            {
                "type": "scatter", "mode": "lines" if len(at) > 1 else "markers", "name": name,
                "x": at, "y": values[np.asarray(at) - 1],
                "line": {"color": color, "width": 2.5, "dash": dash}, "marker": {"color": color, "size": 8},
                "hovertemplate": f"{name}, epoch %{{x}}: %{{y:.4g}}<extra></extra>",
            }
        )  # fmt: skip
    if 0 < best.best_epoch <= len(front[0][1]) and what != "loss":
        value = float(front[0][1][best.best_epoch - 1])
        traces.append(
            {
                "type": "scatter", "mode": "markers", "name": f"best epoch {best.best_epoch}",
                "x": [best.best_epoch], "y": [value],
                "marker": {"color": "--accent", "size": 11, "symbol": "circle-open", "line": {"width": 2}},
                "hovertemplate": f"best epoch {best.best_epoch}: {number_text(value)}<extra></extra>",
            }
        )  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "epoch"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": what.replace("_", " ")}, **_vertical(front, behind)},
        "showlegend": True,
    }
    return {"data": as_json(traces), "layout": as_json(layout)}


def _behind(behind: list[tuple[Trial, Any]]) -> list[dict[str, Any]]:
    """All faint curves as one trace, their ends as another: two traces draw faster than forty."""
    x: list[Any] = []
    y: list[Any] = []
    text: list[Any] = []
    ends: list[tuple[int, float, str]] = []
    for rank, (trial, values) in enumerate(behind, start=2):
        at = _epochs(len(values))
        said = f"trial {trial.number}, rank {rank}"
        x += [*at, None]
        y += [*values[np.asarray(at, np.int64) - 1].tolist(), None]
        text += [said] * (len(at) + 1)
        if trial.status is not Status.FINISHED and at:
            ends.append((at[-1], float(values[-1]), f"{said}: {STATUS_WORDS[trial.status]} after epoch {at[-1]}"))
    if not x:
        return []
    faint: dict[str, Any] = {
        "type": "scatter", "mode": "lines", "name": f"{len(behind)} runners-up (validation)", "x": x, "y": y,
        "text": text,
        "line": {"color": "--faint", "width": 1}, "hovertemplate": "%{text}, epoch %{x}: %{y:.4g}<extra></extra>",
    }  # fmt: skip
    if not ends:
        return [faint]
    stop: dict[str, Any] = {
        "type": "scatter", "mode": "markers", "name": "stopped", "x": [end[0] for end in ends],
        "y": [end[1] for end in ends], "text": [end[2] for end in ends],
        "marker": {"color": "--faint", "size": 7, "symbol": "x-thin", "line": {"width": 1.5, "color": "--muted"}},
        "hovertemplate": "%{text}<extra></extra>",
    }  # fmt: skip
    return [faint, stop]


def _epochs(length: int) -> list[int]:
    """Epochs to draw, counted from 1: all, or so many at even distances with both ends."""
    if length <= MOST_EPOCHS:
        return list(range(1, length + 1))
    return sorted({round(1 + index * (length - 1) / (MOST_EPOCHS - 1)) for index in range(MOST_EPOCHS)})


def _vertical(front: list[tuple[str, Any, str]], behind: list[tuple[Trial, Any]]) -> dict[str, Any]:
    """A range that holds the best trial's curves and most of the others; logarithmic where they span decades."""
    own = np.concatenate([np.asarray(values, np.float64) for _, values, _ in front])
    own = own[np.isfinite(own)]
    others = np.concatenate([own, *(np.asarray(values, np.float64) for _, values in behind)])
    others = others[np.isfinite(others)]
    low = min(float(own.min()), float(np.quantile(others, 0.02)))
    high = max(float(own.max()), float(np.quantile(others, 0.98)))
    log = low > 0 and high / low > LOG_RATIO
    if log:
        low, high = math.log10(low), math.log10(high)
    margin = 0.06 * (high - low) or max(abs(high) * 0.1, 1e-6)
    return {"type": "log" if log else "linear", "range": [low - margin, high + margin]}
