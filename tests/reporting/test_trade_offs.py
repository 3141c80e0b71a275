"""The Pareto front on the page: who is in it, its line, its table."""

import dataclasses
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from paceline.pareto import front_of
from paceline.records import StudyRecord, Trial
from paceline.reporting.page import report_html
from paceline.reporting.ranking import metric_of
from paceline.reporting.trade_offs import TradeOffs, trade_offs
from paceline.summary import Summary


def costly(fake: Any, *, objectives: tuple[str, ...] = ("parameters", "f1")) -> tuple[StudyRecord, list[Trial]]:
    """The study with the net's size and, turned, a metric beside it."""
    trials = [
        dataclasses.replace(
            trial, costs=(100.0 + 7919 * trial.number % 90_000, -0.5 - trial.number % 13 / 30)[: len(objectives)]
        )
        for trial in fake.trials
    ]
    front = front_of(trials, fake.record.goal)
    times = {str(trial.number): [20.5, 0.25] for trial in front[1:]}
    record = dataclasses.replace(
        fake.with_summary(inference={"batches": [1, 1024], "microseconds": times}),
        settings={**fake.record.settings, "objectives": list(objectives)},
    )
    return record, trials


def shown(fake: Any, **changes: Any) -> tuple[TradeOffs, list[Trial]]:
    record, trials = costly(fake, **changes)
    found = trade_offs(record, trials, metric_of(record))
    assert found is not None
    return found, front_of(trials, record.goal)


def test_the_table_is_the_front_in_its_order(fake: Any) -> None:
    found, front = shown(fake)
    assert found.head[:6] == ["trial", "error", "parameters", "f1", "µs/row, batch 1", "µs/row, batch 1024"]
    assert found.said == "error (lower), parameters (lower), f1 (higher)"
    assert [row[0][1] for row in found.rows] == [trial.number for trial in front]
    assert [row[2][1] for row in found.rows] == [trial.costs[0] for trial in front]
    assert [row[3][1] for row in found.rows] == [-trial.costs[1] for trial in front]
    assert [row[4] for row in found.rows[:2]] == [("–", None), ("20.5", 20.5)]


@pytest.mark.parametrize("metric", ["error", "accuracy"])
def test_each_drawing_joins_the_front_of_what_it_shows(metric: str, make: Callable[..., Any]) -> None:
    fake = make(metric=metric)
    found, front = shown(fake, objectives=("parameters",))
    (figure,) = found.figures
    others, line = figure["data"]
    assert len(line["x"]) == len(front)
    assert line["x"] == pytest.approx([trial.costs[0] for trial in front], rel=1e-5)
    assert line["x"] == sorted(line["x"], reverse=True)
    assert line["y"] == sorted(line["y"], reverse=metric == "accuracy")
    assert line["marker"]["symbol"] == ["star"] + ["circle"] * (len(front) - 1)
    scored = [t for t in fake.trials if t.score is not None and t.reason != "diverged in epoch 2"]
    assert len(others["x"]) + len(line["x"]) == len(scored)
    assert figure["layout"]["xaxis"]["type"] == "log"


def test_of_three_things_a_drawing_has_two(fake: Any) -> None:
    found, front = shown(fake)
    assert len(found.figures) == 2
    numbers = [int(text.split(":")[0].removeprefix("trial ")) for text in found.figures[1]["data"][1]["text"]]
    assert set(numbers) < {trial.number for trial in front}
    assert all(0.4 < x < 1.0 for x in found.figures[1]["data"][1]["x"])  # f1 in its own sign


def test_the_page_has_it_and_one_of_one_objective_has_not(fake: Any) -> None:
    record, trials = costly(fake)
    html = report_html(record, trials, fake.measurements, fake.space)
    assert f"Pareto-optimal trials ({len(front_of(trials, 'minimize'))})" in html
    figures = json.loads(re.findall(r'id="figures">(.*?)</script>', html, re.DOTALL)[0])
    assert {"front-0", "front-1"} <= figures.keys()
    assert 'id="front-0"' in html and 'id="front-1"' in html
    assert "Pareto" not in report_html(fake.record, fake.trials, fake.measurements, fake.space)
    bare = dataclasses.replace(record, summary=Summary())
    assert "µs/row" not in report_html(bare, trials, fake.measurements, fake.space)
    unscored = [dataclasses.replace(trial, score=None) for trial in trials]
    assert trade_offs(record, unscored, "error") is None
