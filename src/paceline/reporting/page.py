"""The report: one HTML file with all it needs inside, for a browser, a phone, a printer or an archive.

    records -> tables, figures as JSON, drawings as SVG -> template -> one file, replaced in one step

It loads nothing from anywhere; a content security policy in the page forbids it to.
"""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from paceline.errors import StudyError
from paceline.records import Measurements, StudyRecord, Trial, settled_first
from paceline.reporting import facts
from paceline.reporting.axes import axes_of
from paceline.reporting.code import recipe_code
from paceline.reporting.curves import BEHIND, loss_figure, mean_curves, metric_figure
from paceline.reporting.experiments import experiments
from paceline.reporting.narrowing import narrowing
from paceline.reporting.parallel import LINES, parallel_coordinates
from paceline.reporting.predictions import confusion, residuals
from paceline.reporting.ranking import metric_of, ranked
from paceline.reporting.scatter import points_of, scatter_figures
from paceline.reporting.tables import STATUS_WORDS, endings, in_order, survival
from paceline.reporting.trade_offs import trade_offs
from paceline.reporting.words import count_text, finite, method_name, number_text, plural, value_text
from paceline.summary import DevPredictions

TABLE_ROWS = 50
TABLE_CURVES = BEHIND + 1


def drawn_curves(record: StudyRecord, trials: Sequence[Trial]) -> list[int]:
    """Numbers of the trials whose learning curves are drawn: the page needs no other measurements."""
    return [trial.number for trial in ranked(settled_first(record, trials), record.goal)[:TABLE_CURVES]]


def write_report(
    path: Path,
    *,
    record: StudyRecord,
    trials: Sequence[Trial],
    measurements: Sequence[Measurements],
    space: dict[str, Any] | None,
) -> Path:
    """Write a study's report; a file of that name is replaced in one step.

    Args:
        path: of the HTML file; its folder must exist.
        record: the study; parts of its summary may be missing.
        trials: all, in any order.
        measurements: blocks in any order; only those of `drawn_curves` are looked at.
        space: `Space.to_dict()`, or None to go by the trials' values.

    Returns:
        The path.

    Raises:
        StudyError: the file can't be written, its folder is missing for example.
    """
    return put_page(path, report_html(record, sorted(trials, key=lambda trial: trial.number), measurements, space))


def put_page(path: Path, html: str) -> Path:
    """Write a page; a file of that name is replaced in one step.

    Raises:
        StudyError: the file can't be written.
    """
    path = Path(path)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        try:
            fresh.write_bytes(html.encode("utf-8", "backslashreplace"))
            os.replace(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise StudyError(f"the report can't be written to {str(path)!r}: {error.strerror or error}.") from None
    return path


def report_html(
    record: StudyRecord, trials: Sequence[Trial], measurements: Sequence[Measurements], space: dict[str, Any] | None
) -> str:
    """The page as text; a pure function of its arguments."""
    goal, metric = record.goal, metric_of(record)
    axes = axes_of(trials, space)
    trials = settled_first(record, trials)
    order = ranked(trials, goal)
    best = order[0] if order else None
    curves = mean_curves(measurements, [trial.number for trial in order[:TABLE_CURVES]])
    dev = record.summary.dev or DevPredictions()
    figures: dict[str, Any] = {
        "loss": loss_figure(order, curves),
        "metric": None if metric in ("loss", "log_loss") else metric_figure(metric, order, curves),
    }
    small = scatter_figures(trials, axes, metric, goal)
    figures |= {f"knob-{index}": figure for index, (_, figure) in enumerate(small)}
    traded = trade_offs(record, trials, metric)
    figures |= {f"front-{index}": figure for index, figure in enumerate(traded.figures if traded else ())}
    matrix, off = confusion(dev), residuals(dev)
    if matrix is not None:
        figures["confusion"] = matrix[0]
    if off is not None:
        figures |= {"residuals": off.scatter, "histogram": off.histogram}
    arms = experiments(record.summary.experiments, metric, goal)
    figures["experiments"] = None if arms is None else arms.figure
    figures = {name: figure for name, figure in figures.items() if figure is not None}
    searched, defaults = facts.configuration(record, best, space) if best else ([], [])
    return template().render(
        record=record,
        metric=metric,
        goal=goal,
        best=best,
        scored=len(order),
        trial_count=len(trials),
        tiles=facts.tiles(record, trials, best, metric),
        banner=facts.banner(record, trials, best),
        edges=record.summary.edges,
        problems=record.summary.problems,
        searched=searched,
        defaults=defaults,
        code=recipe_code(record, best) if best else "",
        uncertainty=facts.uncertainty(record, best, len(trials), metric) if best else [],
        figures=figures,
        experiments=arms,
        knobs=[(f"knob-{index}", name) for index, (name, _) in enumerate(small)],
        traded=traded,
        longest=max((trial.epoch for trial in trials), default=0),
        drawn_points=min(points_of(axes), len(order)),
        parallel=parallel_coordinates(trials, axes, metric, goal),
        drawn_lines=min(LINES, len(order)),
        narrowing=narrowing(record.summary.rounds, trials, axes, best),
        class_rows=matrix[1] if matrix else [],
        residuals=off,
        shown_target=dev.target,
        endings=endings(trials),
        survival=survival(trials),
        table=trial_table(trials, goal, [axis.source for axis in axes]),
        data=facts.data_rows(record, record.summary.data),
        notes=[] if record.summary.data is None else record.summary.data.notes,
        environment=facts.environment_rows(record),
        seeds=facts.seed_rows(record, best),
        settings=facts.setting_rows(record),
        space=[(name, facts.rule_text(rule)) for name, rule in (space or {}).items()],
        plotly=Markup(plotly_source()) if figures else "",
    )


def trial_table(trials: Sequence[Trial], goal: str, sources: Sequence[str]) -> dict[str, Any]:
    """Head and rows of the best trials: cells of (text, what to sort by)."""
    names = list(dict.fromkeys(sources))
    with_folds = any(trial.score_sd is not None for trial in trials)
    spread = ["sd"] if with_folds else []
    head = ["rank", "trial", "score", *spread, "best epoch", "epochs", "status", *names, "reason"]
    scored = len(ranked(trials, goal))
    rows = []
    for rank, trial in enumerate(in_order(trials, goal)[:TABLE_ROWS], start=1):
        cells: list[tuple[str, Any]] = [
            (str(rank) if rank <= scored else "", rank),
            (str(trial.number), trial.number),
            (number_text(trial.score), finite(trial.score)),
        ]
        if with_folds:
            cells.append((number_text(trial.score_sd, 2), finite(trial.score_sd)))
        cells += [(str(trial.best_epoch), trial.best_epoch), (str(trial.epoch), trial.epoch)]
        cells.append((STATUS_WORDS[trial.status], STATUS_WORDS[trial.status]))
        for name in names:
            value = trial.params.get(name)
            cells.append((value_text(value) if name in trial.params else "", _sort_key(value)))
        rows.append([*cells, (trial.reason, trial.reason)])
    return {"head": head, "rows": rows}


def _sort_key(value: Any) -> Any:
    number = finite(value)
    return number if number is not None else "" if value is None else value_text(value)


@cache
def template(name: str = "report.html") -> Template:
    """A page's template; everything put into it is escaped."""
    environment = Environment(
        loader=PackageLoader("paceline.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.filters |= {"number": number_text, "count": count_text, "words": value_text, "method_name": method_name}
    environment.globals["plural"] = plural
    return environment.get_template(name)


@cache
def plotly_source() -> str:
    """plotly.js as the plotly package carries it, once per process."""
    from plotly.offline import get_plotlyjs

    source: str = get_plotlyjs()
    return source
