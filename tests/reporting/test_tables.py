"""Tables, axes and scales, checked against counts made by hand."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.records import COLUMNS, Measurements, Status, Trial
from paceline.reporting import table_of
from paceline.reporting.axes import axes_of
from paceline.reporting.curves import mean_curves
from paceline.reporting.ranking import ScoreScale, ranked, thinned
from paceline.reporting.tables import endings, survival


def scored(scores: list[float], goal_params: dict[str, Any] | None = None) -> list[Trial]:
    return [Trial(n, dict(goal_params or {"units": n}), seed=n, score=score) for n, score in enumerate(scores)]


def test_table_of_is_ordered_by_goal_and_keeps_the_ruined_last(fake: Any) -> None:
    trials = [*scored([0.3, 0.1, float("nan")]), Trial(3, {"units": 3}, seed=3, score=0.0, status=Status.DIVERGED)]
    assert [row["trial"] for row in table_of(trials, "minimize")] == ["1", "0", "2", "3"]
    assert [row["trial"] for row in table_of(trials, "maximize")] == ["0", "1", "2", "3"]
    assert [row["rank"] for row in table_of(trials, "minimize")] == ["1", "2", "", ""]
    rows = table_of(fake.trials, "minimize", 7)
    assert len(rows) == 7 and len({tuple(row) for row in rows}) == 1
    assert "batch_size" not in rows[0] and "momentum" in rows[0] and table_of([], "minimize") == []


def test_endings_count_every_trial_once(fake: Any) -> None:
    rows = endings(fake.trials)
    assert sum(row.count for row in rows) == 60
    at_one = sum(t.status is Status.STOPPED and t.epoch == 1 for t in fake.trials)
    assert [row.count for row in rows if row.reason == "pruned at epoch 1"] == [at_one]
    assert [row.count for row in rows if row.status is Status.DIVERGED] == [2]


def test_many_reasons_are_put_together() -> None:
    trials = [Trial(n, {}, seed=n, status=Status.FAILED, reason=f"could not be run: {'x' * n}") for n in range(40)]
    rows = endings(trials)
    assert len(rows) <= 12 and sum(row.count for row in rows) == 40


def test_survival_counts_those_that_went_on(fake: Any) -> None:
    found = survival(fake.trials)
    assert found is not None and found.epochs == (1, 3, 9, 27)
    label, began, left = found.rows[0]
    assert (label, began) == ("all trials", 60)
    beyond = [sum(trial.epoch > epoch for trial in fake.trials) for epoch in (1, 3, 9)]
    assert left == (*beyond, sum(trial.epoch == 27 for trial in fake.trials))
    assert sum(row[1] for row in found.rows[1:]) == 60
    assert survival([dataclasses.replace(t, status=Status.FINISHED) for t in fake.trials]) is None


def test_curves_of_folds_are_their_mean_and_a_fold_that_ended_holds_its_last() -> None:
    def block(fold: int, first: int, values: list[float]) -> Measurements:
        return Measurements(0, fold, first, np.repeat(np.float32(values)[:, None], len(COLUMNS), axis=1))

    blocks = [block(0, 3, [1.0, 1.0]), block(0, 1, [4.0, 2.0]), block(1, 1, [6.0, 4.0])]
    assert mean_curves(blocks, [0])[0][:, 0].tolist() == [5.0, 3.0, 2.5, 2.5]
    assert mean_curves(blocks, [1]) == {}


def test_axes_follow_the_space_and_the_values() -> None:
    space = {
        "rate": {"low": 1e-4, "high": 1e-1, "scale": "log"}, "norm": {"choices": ["a", "b"]}, "fixed": {"value": 3},
        "units": {"low": 8, "high": 64, "per": "layers"}, "layers": {"choices": [1, 2]},
    }  # fmt: skip
    trials = [
        Trial(0, {"rate": 1e-3, "norm": "b", "fixed": 3, "layers": 1, "units": [8]}, seed=0),
        Trial(1, {"rate": 1e-2, "norm": "a", "fixed": 3, "layers": 2, "units": [16, 64]}, seed=1),
    ]
    axes = {axis.name: axis for axis in axes_of(trials, space)}
    assert list(axes) == ["rate", "norm", "units[1]", "units[2]", "layers"]
    assert axes["rate"].unit(1e-4) == 0 and axes["rate"].unit(1e-1) == pytest.approx(1)
    assert axes["rate"].unit(10**-2.5) == pytest.approx(0.5)
    assert axes["norm"].coordinate(trials[0].params) == 1
    assert axes["units[2]"].coordinate(trials[0].params) is None
    assert axes["units[2]"].coordinate(trials[1].params) == 64


def test_true_one_and_text_are_three_choices() -> None:
    values = [True, 1, "1", None]
    (axis,) = axes_of([Trial(n, {"x": value}, seed=n) for n, value in enumerate(values)], None)
    assert len({axis.coordinate({"x": value}) for value in values}) == 4


scores = st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=60)


@given(scores, st.sampled_from(["minimize", "maximize"]))
def test_goodness_falls_with_rank_and_stays_on_the_scale(values: list[float], goal: str) -> None:
    order = ranked(scored(values), goal)
    scale = ScoreScale.of(order, goal)
    goodness = [scale.goodness(trial.score or 0.0) for trial in order]
    assert all(0 <= value <= 1 for value in goodness)
    assert goodness == sorted(goodness, reverse=True)


@given(st.integers(0, 400), st.integers(2, 90))
def test_thinning_keeps_both_ends_and_the_best(count: int, most: int) -> None:
    order = scored([float(n) for n in range(count)])
    kept = thinned(order, most)
    assert len(kept) == min(count, most)
    assert kept[: most // 3] == order[: most // 3] and kept[-1:] == order[-1:]
    assert len({trial.number for trial in kept}) == len(kept)


def test_the_fake_study_is_a_study(make: Callable[..., Any]) -> None:
    fake = make()
    assert [t.number for t in fake.trials] == list(range(60))
    assert all(len(t.curve) == t.epoch for t in fake.trials)
