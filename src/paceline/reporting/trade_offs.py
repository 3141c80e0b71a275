"""The Pareto front: a plot of the metric against each other objective, and a table of the Pareto-optimal trials.

In a drawing all trials are faint; those that nobody beats in the two things drawn are joined by a line (of more than
two objectives, some of the front are there for what isn't drawn). The line is a stair: at any price, the best score
that is to be had for it. Trials whose score is far off lie at the drawing's edge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paceline.pareto import front_document, front_of, in_own_units
from paceline.records import METRICS, StudyRecord, Trial
from paceline.reporting.axes import LOG_RATIO, axes_of
from paceline.reporting.ranking import ScoreScale, ranked, thinned
from paceline.reporting.scatter import POINTS
from paceline.reporting.words import as_json, count_text, finite, label_text, number_text, value_text
from paceline.summary import Inference


@dataclass(frozen=True)
class TradeOffs:
    """What the page shows of a study with several objectives.

    Attributes:
        objectives: beside the metric; said: all of them with their goals, in words.
        figures: one for each objective.
        head, rows: the table; cells of (text, what to sort by).
        timed: whether times of prediction are in it.
    """

    objectives: list[str]
    said: str
    figures: list[dict[str, Any]]
    head: list[str]
    rows: list[list[tuple[str, Any]]]
    timed: bool


def trade_offs(record: StudyRecord, trials: Sequence[Trial], metric: str) -> TradeOffs | None:
    """None for a study of one objective, or without a score yet."""
    goal = record.goal
    found = front_document(trials, goal, record.settings.get("objectives") or ())
    if found is None or not found["front"]:
        return None
    names: list[str] = found["objectives"]
    times = record.summary.inference or Inference()
    goals = [(metric, goal), *((name, METRICS.get(name, "minimize")) for name in names)]
    varied = list(dict.fromkeys(axis.source for axis in axes_of(trials, None)))
    params = {trial.number: trial.params for trial in trials}
    rows = []
    for member in found["front"]:
        costs = [(count_or_number(cost), finite(cost)) for cost in member["costs"].values()]
        known = times.of(member["trial"])
        own = params[member["trial"]]
        rows.append(
            [
                (str(member["trial"]), member["trial"]),
                (number_text(member["score"]), finite(member["score"])),
                *costs,
                *((number_text(time, 3), time) for time in known),
                *((value_text(own[name]) if name in own else "", _key(own.get(name))) for name in varied),
            ]
        )
    return TradeOffs(
        names,
        ", ".join(f"{name.replace('_', ' ')} ({'lower' if to == 'minimize' else 'higher'})" for name, to in goals),
        [_figure(trials, names, index, metric, goal) for index in range(len(names))],
        [
            "trial",
            metric.replace("_", " "),
            *(name.replace("_", " ") for name in names),
            *(f"µs/row, batch {batch}" for batch in times.batches),
            *varied,
        ],
        rows,
        bool(times.batches),
    )


def count_or_number(value: float) -> str:
    """Whole numbers as counts.

    >>> count_or_number(0.98), count_or_number(640.0)
    ('0.98', '640')
    """
    return count_text(int(value)) if float(value).is_integer() else number_text(value)


def _key(value: Any) -> Any:
    number = finite(value)
    return number if number is not None else "" if value is None else value_text(value)


def _figure(trials: Sequence[Trial], names: Sequence[str], index: int, metric: str, goal: str) -> dict[str, Any]:
    """The metric up, objective `index` across."""
    order = [trial for trial in ranked(trials, goal) if finite(_at(trial, names, index)) is not None]
    pairs = {
        trial.number: Trial(trial.number, {}, 0, score=trial.score, costs=(trial.costs[index],)) for trial in order
    }
    on_it = {trial.number for trial in front_of(list(pairs.values()), goal)}
    front = [trial for trial in order if trial.number in on_it]
    scale = max((ScoreScale.of(some, goal) for some in (order, front)), key=lambda one: one.sign * one.worst)
    across = [_at(trial, names, index) for trial in order] or [0.0]
    log = min(across) > 0 and max(across) / min(across) > LOG_RATIO / 10

    def points(shown: Sequence[Trial], **look: Any) -> dict[str, Any]:
        return {
            "type": "scatter",
            "x": [_at(trial, names, index) for trial in shown],
            "y": [scale.clipped(float(trial.score)) for trial in shown if trial.score is not None],
            "text": [
                f"trial {trial.number}: {label_text(metric)} {number_text(trial.score)}<br>"
                f"{label_text(names[index])} {count_or_number(_at(trial, names, index))}, {trial.epoch} epochs"
                for trial in shown
            ],
            "hovertemplate": "%{text}<extra></extra>",
            **look,
        }

    others = thinned([trial for trial in order if trial.number not in on_it], POINTS)
    traces = [
        points(others, mode="markers", marker={"color": "--faint", "size": 6}),
        points(
            front,
            mode="lines+markers",
            line={"color": "--accent", "width": 2, "shape": "vh"},
            marker={
                "color": "--accent",
                "size": [14 if trial is order[0] else 9 for trial in front],
                "symbol": ["star" if trial is order[0] else "circle" for trial in front],
            },
        ),
    ]
    layout = {
        "xaxis": {"title": {"text": label_text(names[index])}, "type": "log" if log else "linear"},
        "yaxis": {"title": {"text": label_text(metric)}, **scale.plotly_axis()},
        "showlegend": False,
    }
    return {"data": as_json(traces), "layout": as_json(layout)}


def _at(trial: Trial, names: Sequence[str], index: int) -> float:
    """A trial's objective in its own unit."""
    return in_own_units(names, trial.costs).get(names[index], float("inf"))
