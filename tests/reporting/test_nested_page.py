"""The page of a nested study: its numbers, its links, what is missing, and texts of users as texts."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from paceline.records import StudyRecord
from paceline.reporting import write_nested_report
from paceline.reporting.nested_page import nested_html, round_numbers, strip
from paceline.summary import NestedSummary


def fold(index: int, score: float | None, state: str = "finished") -> dict[str, Any]:
    ended = state == "finished"
    return {
        "fold": index, "state": state, "rows": {"train": 60, "dev": 15, "test": 25} if ended else None, "trials": 12,
        "ended": "all trials were run" if ended else None, "trial": 3, "dev": 0.05, "retrained": 0.06, "score": score,
        "params": {"learning_rate": 0.01, "optimizer": "<b>adam</b>"},
        "metrics": None if score is None else {"accuracy": 1 - score, "error": score},
    }  # fmt: skip


RECORD = StudyRecord("beans", {"outer_folds": 3}, {"metric": "error"}, "minimize", state="finished")


def summary(scores: list[float | None], **changes: Any) -> NestedSummary:
    found: dict[str, Any] = {
        "metric": "error", "goal": "minimize", "outer_folds": len(scores),
        "data": {"name": "beans", "rows": 100, "features": 4, "task": "classes", "classes": ["a", "b"], "notes": []},
        "folds": [fold(index, score) for index, score in enumerate(scores)],
        "mean": 0.1234, "sd": 0.035, "interval": [0.0321, 0.2147], "interval_kind": "95 % interval", "dev_mean": 0.05,
        "stability": [
            {"name": "learning_rate", "values": [0.01, 0.01, 0.04], "agree": 2, "spread": 0.2},
            {"name": "optimizer", "values": ["<b>adam</b>"] * 3, "agree": 3, "spread": None},
        ],
        "final": {"state": "finished", "trials": 12, "trial": 1, "params": {"learning_rate": 0.02}, "dev": 0.07},
        "steps": 1000,
    }  # fmt: skip
    return NestedSummary.from_json(found | changes)


def test_the_page_says_what_was_found() -> None:
    page = nested_html(RECORD, summary([0.1, 0.15, 0.12]))
    for text in ("0.1234", "± 0.035, mean of 3 folds", "0.0321 to 0.215", "within 20 % of the range", "all the same"):
        assert text in page, text
    for index in range(3):
        assert f'href="outer_{index}/report.html"' in page
    assert 'href="final/report.html"' in page and 'role="status"' not in page
    assert "<b>adam</b>" not in page and "&lt;b&gt;adam&lt;/b&gt;" in page
    assert "<script" not in page and "http://" not in page and "https://" not in page


def test_what_is_missing_is_said() -> None:
    lost = nested_html(RECORD, summary([0.1, None, 0.12]))
    assert "No score in fold 1: the mean excludes it" in lost
    running = dataclasses.replace(RECORD, state="running")
    assert "1 of 3 outer folds has a score" in nested_html(running, summary([0.1], outer_folds=3))
    nothing = summary(
        [None],
        mean=None,
        sd=None,
        interval=None,
        dev_mean=None,
        stability=[],
        final=None,
        folds=[fold(0, None, "running")],
    )
    page = nested_html(dataclasses.replace(RECORD, state="interrupted"), nothing)
    assert "was interrupted: 0 of 1 outer fold have a score" in page and "<svg" not in page


def test_scores_are_drawn_in_their_order_and_the_mean_within_its_band() -> None:
    drawn = strip(summary([0.1, 0.2, 0.05]))
    assert drawn is not None and drawn.band is not None and drawn.mean is not None
    places = [test for _, _, test, _ in drawn.rows if test is not None]
    assert places[2] < places[0] < places[1]
    assert drawn.left < drawn.band[0] < drawn.mean < drawn.band[1] < drawn.right
    assert all(drawn.left <= place <= drawn.right for place, _ in drawn.ticks)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.1, 2.2), (0.0311, 0.0312), (1e4, 9e6), (0.98, 1.01)])
def test_an_axis_has_a_few_round_numbers(low: float, high: float) -> None:
    marks = round_numbers(low, high)
    assert 2 <= len(marks) <= 8 and all(low - 1e-12 <= mark <= high + 1e-12 for mark in marks)


def test_equal_scores_can_be_drawn() -> None:
    same = summary([0.05, 0.05], mean=0.05, sd=0.0, interval=[0.05, 0.05])
    assert strip(same) is not None


def test_it_is_written_in_one_step(tmp_path: Path) -> None:
    path = write_nested_report(tmp_path / "report.html", RECORD, summary([0.1, 0.2, 0.3]))
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>") and list(tmp_path.iterdir()) == [path]
