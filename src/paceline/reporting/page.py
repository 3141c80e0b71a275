"""The report: one HTML file with everything in it, readable anywhere, without a network, a pure function of a study."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from paceline.records import METRICS, Measurements, StudyRecord, Trial
from paceline.reporting import figures
from paceline.reporting.tables import endings, ranked, recipe_code, shown, table_of

TABLE_ROWS = 50


def write_report(
    path: Path,
    *,
    record: StudyRecord,
    trials: Sequence[Trial],
    measurements: Sequence[Measurements],
    space: Mapping[str, Any] | None,
) -> Path:
    """Write the report of a study.

    Args:
        path: the HTML file; its folder must exist. Replaced in one go.
        record: settings, environment and summary.
        trials: in order of number, with curves.
        measurements: of the best trial at least.
        space: the search space as plain data (Space.to_dict), for log axes.

    Returns:
        The path.
    """
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(page(record, trials, measurements, space), encoding="utf-8")
    return temporary.replace(path)


def page(
    record: StudyRecord, trials: Sequence[Trial], measurements: Sequence[Measurements], space: Mapping[str, Any] | None
) -> str:
    """The report as text."""
    from plotly.offline import get_plotlyjs

    summary = record.summary
    metric = str(record.environment.get("metric") or record.settings.get("metric") or "error")
    order = ranked(trials, record.goal)
    best = order[0] if order and order[0].score is not None else None
    plots: dict[str, Any] = {}
    panels: list[tuple[str, str]] = []
    if best is not None:
        task = str((summary.get("data") or {}).get("task", ""))
        plots["curves"] = figures.learning_curves(best, measurements, task)
        plots["all"] = figures.all_curves(trials, best, metric)
        plots["parallel"] = figures.parallel(trials, metric, record.goal, space)
        for index, (name, figure) in enumerate(figures.score_panels(trials, metric, space)):
            plots[f"panel{index}"] = figure
            panels.append((name, f"panel{index}"))
    dev = summary.get("dev") or {}
    if "confusion" in dev:
        plots["dev"] = figures.confusion(dev["labels"], dev["confusion"])
    elif "actual" in dev:
        plots["dev"] = figures.residuals(dev["actual"], dev["predicted"])
    environment = Environment(
        loader=PackageLoader("paceline", "reporting"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["shown"] = shown
    return environment.get_template("report.html.jinja").render(
        record=record,
        summary=summary,
        metric=metric,
        goal=METRICS.get(metric, record.goal),
        best=best,
        count=len(trials),
        code="" if best is None else recipe_code(record, best),
        endings=endings(trials),
        rows=table_of(order, record.goal, TABLE_ROWS),
        shown_rows=min(TABLE_ROWS, len(trials)),
        panels=panels,
        plots={name: figure for name, figure in plots.items() if figure},
        # `</` could end the script element early; in JSON it may be written `<\/`.
        plots_json=Markup(json.dumps(plots, allow_nan=False, sort_keys=True).replace("</", "<\\/")),
        plotly=Markup(get_plotlyjs()),
    )
