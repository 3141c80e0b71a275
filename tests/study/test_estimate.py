"""What the scores of outer folds say together: the interval by hand, scores that are missing, how alike winners are."""

import math
import statistics
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.records import StudyRecord, Trial
from paceline.study.estimate import corrected_interval, metric_on_test, nested_summary, stability
from paceline.summary import Agreement, SplitSizes, Summary, TestResult

T_975 = {1: 12.706204736432095, 2: 4.302652729911275, 4: 2.7764451051977987}  # of a table of Student's t
SPACE = {
    "learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"},
    "optimizer": ["adam", "momentum"],
    "momentum": {"low": 0.5, "high": 0.9, "when": {"optimizer": "momentum"}},
}
RATE = {"learning_rate": 0.1, "optimizer": "adam"}


@pytest.mark.parametrize("scores", [[0.1, 0.3], [0.2, 0.25, 0.4], [0.1, 0.12, 0.09, 0.2, 0.11]])
def test_the_interval_is_that_of_nadeau_and_bengio(scores: list[float]) -> None:
    count = len(scores)
    half = T_975[count - 1] * math.sqrt((1 / count + 1 / (count - 1)) * statistics.variance(scores))
    interval = corrected_interval(scores, test_share=1 / (count - 1))
    assert interval == pytest.approx((statistics.mean(scores) - half, statistics.mean(scores) + half))
    naive = T_975[count - 1] * statistics.stdev(scores) / math.sqrt(count)
    assert half / naive == pytest.approx(math.sqrt(1 + count / (count - 1)))


@given(scores=st.lists(st.floats(0, 1), min_size=2, max_size=6), share=st.floats(0, 1))
def test_the_interval_holds_the_mean_and_stays_within_what_a_score_can_be(scores: list[float], share: float) -> None:
    interval = corrected_interval(scores, share, (0.0, 1.0))
    assert interval is not None
    low, high = interval
    assert 0 <= low <= statistics.fmean(scores) + 1e-12 and statistics.fmean(scores) - 1e-12 <= high <= 1


def test_one_score_has_no_interval() -> None:
    assert corrected_interval([0.1], 0.25) is None


def test_every_metric_has_one_on_the_test_rows() -> None:
    assert metric_on_test("balanced_accuracy", "classes") == "balanced_accuracy"
    assert metric_on_test("loss", "regression") == "rmse" and metric_on_test("loss", "multilabel") == "log_loss"
    assert metric_on_test("auc", "multilabel") == "log_loss" and metric_on_test("auc", "binary") == "auc"


def study(params: dict[str, Any] | None, score: float | None = None, state: str = "finished") -> Any:
    """What the summary reads of a study."""
    best = None if params is None else Trial(3, params, 0, score=0.05)
    test = None if score is None else TestResult(metrics={"error": score, "accuracy": 1 - score})
    summary = Summary(split=SplitSizes(60, 15, 25), ended="all trials were run", test=test, steps=10)
    record = StudyRecord("one", {}, {"space": SPACE}, "minimize")
    return SimpleNamespace(
        name="one",
        state=state,
        best=best,
        trials=[best],
        summary=summary if state == "finished" else Summary(),
        record=record,
    )


RECORD = StudyRecord("beans", {"outer_folds": 3}, {"metric": "error", "data": {"task": "classes"}}, "minimize")


def test_a_fold_without_a_score_is_left_out_of_the_mean_and_named() -> None:
    studies = [study(RATE, 0.2), study(None), study(RATE, 0.1)]
    found = nested_summary(RECORD, studies, None)
    assert [fold.score for fold in found.folds] == [0.2, None, 0.1]
    assert found.mean == pytest.approx(0.15) and found.sd == pytest.approx(statistics.stdev([0.2, 0.1]))
    low, high = corrected_interval([0.2, 0.1], 25 / 75, (0.0, 1.0)) or (None, None)
    assert found.interval == (low, high) and low == 0.0  # cut: an error is never below 0
    assert found.dev_mean == pytest.approx(0.05) and found.steps == 30


def test_a_search_under_way_has_no_score_yet() -> None:
    found = nested_summary(RECORD, [study(RATE, state="running")], None)
    assert (found.mean, found.sd, found.interval, found.dev_mean) == (None, None, None, None)
    assert found.folds[0].state == "running" and found.stability == ()


def test_how_alike_the_winners_are() -> None:
    params = [
        {"learning_rate": 1e-3, "optimizer": "adam"},
        {"learning_rate": 1e-2, "optimizer": "adam"},
        {"learning_rate": 1e-3, "optimizer": "momentum", "momentum": 0.7},
    ]
    rate, optimizer, momentum = stability([study(params[0]), study(params[1]), study(None), study(params[2])])
    rates = [1e-3, 1e-2, 1e-3]
    assert rate.spread == pytest.approx(0.25)  # 1 decade of 4
    assert rate == Agreement("learning_rate", tuple(rates), 2, rate.spread)
    assert optimizer == Agreement("optimizer", ("adam", "adam", "momentum"), 2)
    assert momentum == Agreement("momentum", (None, None, 0.7), 1)  # active in one


def test_a_hyperparameter_that_every_fold_set_to_none_is_one_on_which_they_agree() -> None:
    folds = [study({"clip_norm": None}), study({"clip_norm": None})]
    for fold in folds:
        fold.record = StudyRecord("one", {}, {"space": {"clip_norm": [None, 1.0]}}, "minimize")
    (clip,) = stability(folds)
    assert clip == Agreement("clip_norm", (None, None), 2)
