"""The report of a nested study: the scores of its outer folds, what they say together, which configurations they chose.

    summary of the folds -> tiles, strip of scores as SVG, tables -> template -> one file that links the folds' reports

The folds' own reports lie beside it (outer_0/report.html and so on); everything else is inside, as in `page`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paceline.records import METRICS, StudyRecord
from paceline.reporting import facts
from paceline.reporting.facts import Tile
from paceline.reporting.page import put_page, template
from paceline.reporting.words import NOTHING, count_text, number_text, plural, value_text
from paceline.summary import Agreement, FoldResult, NestedSummary

HIDDEN = ("data",)  # has a table of its own
LEFT, RIGHT, ROW, TOP, BOTTOM = 70, 20, 26, 12, 42
WIDTH = 640
MARGIN = 0.08  # of the axis, free at both ends


@dataclass(frozen=True, slots=True)
class Strip:
    """Where the scores of the folds are drawn, in pixels.

    Attributes:
        height: of the drawing; its width is WIDTH.
        rows: of each fold its label, height, and place of its test and validation score (None: there is none).
        mean: place of the mean; band: of the interval's ends.
        ticks: (place, text) of the axis.
    """

    height: int
    rows: list[tuple[str, float, float | None, float | None]]
    mean: float | None
    band: tuple[float, float] | None
    ticks: list[tuple[float, str]]
    width: int = WIDTH
    left: int = LEFT
    right: int = WIDTH - RIGHT


def write_nested_report(path: Path, record: StudyRecord, summary: NestedSummary) -> Path:
    """Write a nested study's report; a file of that name is replaced in one step.

    Args:
        path: of the HTML file; its folder must exist.
        record: the nested study; summary: as `study.estimate` makes it.

    Returns:
        The path.

    Raises:
        StudyError: the file can't be written.
    """
    return put_page(path, nested_html(record, summary))


def nested_html(record: StudyRecord, summary: NestedSummary) -> str:
    """The page as text; a pure function of its arguments."""
    folds = summary.folds
    measured = dict.fromkeys(name for fold in folds for name in fold.metrics or {})
    return template("nested.html").render(
        record=record,
        summary=summary,
        metric=str(record.environment["metric"]),
        scored_by=summary.metric,
        lower=METRICS[summary.metric] == "minimize",
        tiles=tiles(summary),
        banner=banner(record, summary),
        problems=summary.problems,
        strip=strip(summary),
        folds=[fold_cells(fold, list(measured)) for fold in folds],
        others=[words(name) for name in measured],
        sentences=sentences(summary),
        chosen=chosen(summary),
        fold_numbers=[fold.fold for fold in folds if fold.state == "finished" and fold.params is not None],
        final=summary.final,
        final_score=number_text(None if summary.final is None else summary.final.dev),
        data=[*facts.data_rows(record, summary.data), ("outer folds", str(summary.outer_folds))],
        notes=summary.data.notes,
        environment=[row for row in facts.environment_rows(record) if row[0] not in HIDDEN],
        settings=facts.setting_rows(record),
    )


def tiles(summary: NestedSummary) -> list[Tile]:
    """The headline's figures."""
    name = words(summary.metric)
    scored = summary.scored
    spread = f"± {number_text(summary.sd, 2)}, " if summary.sd is not None else ""
    found = [Tile(f"test {name}", number_text(summary.mean), f"{spread}mean of {plural(len(scored), 'fold')}")]
    if summary.interval is not None:
        low, high = summary.interval
        found.append(Tile("95 % interval", f"{number_text(low, 3)} to {number_text(high, 3)}", "of the mean"))
    if summary.dev_mean is not None:
        found.append(Tile(f"validation {name}", number_text(summary.dev_mean), "mean of the selected configurations"))
    searches = len(summary.folds) + (summary.final is not None)
    trials = sum(fold.trials for fold in summary.folds) + (summary.final.trials if summary.final else 0)
    found.append(Tile("trials", count_text(trials), f"in {plural(searches, 'search')}"))
    data = summary.data
    found.append(Tile("rows of data", count_text(data.rows), f"{count_text(data.features)} features"))
    return found


def banner(record: StudyRecord, summary: NestedSummary) -> str:
    """A sentence about a nested study that isn't complete; "" otherwise."""
    scored = len(summary.scored)
    wanted = summary.outer_folds
    if record.state != "finished":
        was = "was interrupted" if record.state == "interrupted" else "was running when this report was written"
        return (
            f"This study {was}: {scored} of {plural(wanted, 'outer fold')} {'has' if scored == 1 else 'have'} a score."
        )
    if scored < wanted:
        unscored = ", ".join(str(fold.fold) for fold in summary.folds if fold.score is None)
        return f"No score in fold {unscored}: the mean excludes it and is probably optimistic."
    return ""


def sentences(summary: NestedSummary) -> list[str]:
    """What the scores mean, and what they don't."""
    name = words(summary.metric)
    rows = [fold.rows.train + fold.rows.dev for fold in summary.folds if fold.rows]
    about = f" with {span(rows)} rows" if rows else ""
    found = [
        f"The scores estimate the whole procedure (search and training{about}), not one model: every fold selected its "
        "own configuration and trained its own model, which is scored on rows that it never saw.",
        "The test set of each fold was used once, after its search.",
    ]
    if summary.interval is not None:
        low, high = summary.interval
        found.append(
            f"{number_text(low)} to {number_text(high)} is a {summary.interval_kind}. It is approximate, because "
            "folds share most of their training rows, so their scores are not independent."
        )
    if summary.dev_mean is not None:
        found.append(
            f"The selected configurations have a mean validation {name} of {number_text(summary.dev_mean)}, which is "
            f"optimistic because they were selected by it, and a mean test {name} of {number_text(summary.mean)}."
        )
    return found


def fold_cells(fold: FoldResult, others: Sequence[str]) -> dict[str, Any]:
    """A fold's row of the table, with some other metrics of its test rows."""
    rows = fold.rows
    return {
        "fold": fold.fold,
        "rows": " / ".join(map(count_text, (rows.train, rows.dev, rows.test))) if rows else NOTHING,
        "trials": count_text(fold.trials),
        "dev": number_text(fold.dev),
        "retrained": number_text(fold.retrained),
        "score": number_text(fold.score),
        "others": [number_text((fold.metrics or {}).get(name)) for name in others],
        "state": fold.state if fold.state != "finished" else fold.ended or "",
    }


def chosen(summary: NestedSummary) -> list[dict[str, Any]]:
    """The configurations of the folds, a row a hyperparameter."""
    params = (summary.final.params if summary.final else None) or {}
    return [
        {
            "name": item.name,
            "values": [NOTHING if value is None else value_text(value) for value in item.values],
            "final": value_text(params[item.name]) if item.name in params else NOTHING,
            "alike": alike(item),
        }
        for item in summary.stability
    ]


def alike(item: Agreement) -> str:
    """How far the folds agree on a hyperparameter.

    >>> alike(Agreement("optimizer", ("adam", "adam", "sgd"), agree=2))
    '2 of 3 the same'
    >>> alike(Agreement("dropout", (0.1, 0.2), agree=1, spread=0.25))
    'within 25 % of the range'
    """
    count = len(item.values)
    if count > 1 and item.agree == count:
        return "all the same"
    if item.spread is not None:
        return f"within {item.spread:.0%} of the range".replace("%", " %")
    return f"{item.agree} of {count} the same"


def strip(summary: NestedSummary) -> Strip | None:
    """The scores of the folds on one axis; None before the first."""
    folds = summary.folds
    dev = summary.dev_mean is not None  # the validation score is of the same metric
    shown = [fold.score for fold in folds] + [fold.dev for fold in folds if dev] + list(summary.interval or [])
    known = [value for value in shown if value is not None]
    if summary.mean is None:
        return None
    low, high = min(known), max(known)
    margin = MARGIN * (high - low) or 0.01
    low, high = low - margin, high + margin

    def place(value: float | None) -> float | None:
        return None if value is None else round(LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / (high - low), 1)

    rows = [
        (f"fold {fold.fold}", TOP + ROW * (index + 0.5), place(fold.score), place(fold.dev) if dev else None)
        for index, fold in enumerate(folds)
    ]
    ends = None if summary.interval is None else (place(summary.interval[0]), place(summary.interval[1]))
    band = None if ends is None or ends[0] is None or ends[1] is None else (ends[0], ends[1])
    ticks = [(at, number_text(mark, 3)) for mark in round_numbers(low, high) if (at := place(mark)) is not None]
    return Strip(TOP + ROW * len(folds) + BOTTOM, rows, place(summary.mean), band, ticks)


def round_numbers(low: float, high: float) -> list[float]:
    """Three to seven round numbers between two others.

    >>> round_numbers(-0.007, 0.097)
    [0.0, 0.02, 0.04, 0.06, 0.08]
    """
    size = 10.0 ** math.floor(math.log10((high - low) / 3))
    step = next(size * factor for factor in (5, 2, 1) if (high - low) / (size * factor) >= 3)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def span(numbers: Sequence[int]) -> str:
    """
    >>> span([80, 80, 81]), span([80, 80])
    ('80 to 81', '80')
    """
    low, high = min(numbers), max(numbers)
    return count_text(low) if low == high else f"{count_text(low)} to {count_text(high)}"


def words(metric: str) -> str:
    """A metric's name for people."""
    return metric.replace("_", " ")
