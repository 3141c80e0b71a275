"""The drawing of coarse_to_fine's boxes: bars where the ranges are, dots in them, words that say what is left out."""

from pathlib import Path
from typing import Any

import pytest

from paceline.records import Status, Trial
from paceline.reporting import write_report
from paceline.reporting.axes import axes_of
from paceline.reporting.narrowing import BOTTOM, TOP, narrowing
from paceline.summary import SearchRound

SPACE = {
    "rate": {"low": 1e-4, "high": 1.0, "scale": "log"},
    "layers": {"low": 1, "high": 4},
    "units": {"choices": [16, 32, 64], "per": "layers"},
    "kind": {"choices": ["a", None]},
}
TRIALS = [
    Trial(0, {"rate": 0.01, "layers": 1, "units": [16], "kind": "a"}, 0, status=Status.FINISHED, score=0.3),
    Trial(1, {"rate": 0.1, "layers": 2, "units": [32, 64], "kind": None}, 0, status=Status.FINISHED, score=0.1),
]
ROUNDS = [
    {
        "number": 0, "first": 0, "incumbent": None,
        "ranges": {"rate": [1e-4, 1.0], "layers": [1, 4], "units[1]": [16, 64], "units[2]": [16, 64]},
        "shares": {"kind": {"a": 0.5, "None": 0.5}},
    },
    {
        "number": 7, "first": 70, "incumbent": 0,
        "ranges": {"rate": [1e-3, 1e-1], "layers": [1, 2], "units[1]": [16, 32], "units[2]": [16, 64]},
        "shares": {"kind": {"a": 0.8, "None": 0.2}},
    },
]  # fmt: skip
READ = [SearchRound.from_json(one) for one in ROUNDS]


def test_bars_lie_where_the_ranges_are() -> None:
    found = narrowing(READ, TRIALS, axes_of(TRIALS, SPACE), TRIALS[1])
    assert found is not None and (found.drawn, found.begun) == (2, 8)
    drawn = {one.name: one for one in found.funnels}
    assert list(drawn) == ["rate", "layers", "units[1]", "units[2]", "kind"]
    rate, full = drawn["rate"], BOTTOM - TOP
    assert [(bar.y, bar.height) for bar in rate.bars] == [(TOP, full), (TOP + full / 4, full / 2)]  # on the log scale
    assert rate.best == pytest.approx(BOTTOM - 0.75 * full) and rate.dots[0][1] == pytest.approx(BOTTOM - 0.5 * full)
    assert rate.bars[1].title == "round 7: 0.001 to 0.1"
    for one in found.funnels:
        for bar in one.bars:
            assert one.left <= bar.x and bar.x + bar.width <= one.right
            assert bar.y >= TOP - 0.05 and bar.y + bar.height <= BOTTOM + 0.05
    lower = drawn["units[1]"].bars[1]
    assert lower.height == pytest.approx(2 / 3 * full, abs=0.2)  # two of three strips
    assert len(drawn["units[2]"].dots) == 0  # trial 0 has no second layer
    kind = drawn["kind"]
    assert [bar.shade for bar in kind.bars] == [0.5, 0.5, 0.8, 0.2]
    assert [(text, best) for _, text, best in kind.labels] == [("a", False), ("none", True)]


def test_without_rounds_there_is_no_drawing() -> None:
    axes = axes_of(TRIALS, SPACE)
    assert narrowing([], TRIALS, axes, TRIALS[0]) is None
    assert narrowing(READ, TRIALS, axes, None) is None


def test_the_page_shows_them_and_says_how_many(fake: Any, tmp_path: Path) -> None:
    ranges = {"learning_rate": [1e-4, 0.03], "dropout": [0.0, 0.5]}
    rounds = [
        {"number": number, "first": 10 * number, "incumbent": None, "ranges": ranges, "shares": {}} for number in (0, 9)
    ]
    record = fake.with_summary(rounds=rounds)
    html = write_report(tmp_path / "a.html", **fake.arguments(record=record)).read_text(encoding="utf-8")
    assert "Search range per round" in html and "(2 of 10 rounds are shown)" in html
    assert html.count('<svg class="funnel"') == 2
    without = write_report(tmp_path / "b.html", **fake.arguments()).read_text(encoding="utf-8")
    assert "Search range per round" not in without
