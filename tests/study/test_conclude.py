"""The statements of a study's end, against independent figures."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from small_studies import SMALL, SPACE

from paceline.cli.documents import ranked
from paceline.data import Dataset
from paceline.net.dense import DENSE
from paceline.records import History, Status, StudyRecord, Trial, best_of, settled_first
from paceline.reporting import drawn_curves
from paceline.reporting.facts import uncertainty
from paceline.search.experiments.tie_break import select_best
from paceline.space import Space
from paceline.study import Study, tune
from paceline.study.conclude import edges, reason_kind, tied
from paceline.study.scoring import bootstrap_root_mean, wilson
from paceline.summary import BestResult, Retrain, Summary


@given(st.integers(1, 5000).flatmap(lambda rows: st.tuples(st.integers(0, rows), st.just(rows))))
def test_wilson_is_scipy_s(counts: tuple[int, int]) -> None:
    hits, rows = counts
    expected = binomtest(hits, rows).proportion_ci(confidence_level=0.95, method="wilson")
    assert wilson(hits, rows) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_the_bootstrap_is_repeatable_and_near_the_normal_interval() -> None:
    squared = np.random.default_rng(3).normal(2.0, 1.0, 400) ** 2
    low, high = bootstrap_root_mean(squared, np.random.default_rng(1))
    assert (low, high) == bootstrap_root_mean(squared, np.random.default_rng(1))
    assert (low, high) != bootstrap_root_mean(squared, np.random.default_rng(2))
    mean, half = squared.mean(), 1.96 * squared.std() / np.sqrt(len(squared))
    assert (low, high) == pytest.approx((np.sqrt(mean - half), np.sqrt(mean + half)), rel=0.02)


def trials_with(scores: list[float | None]) -> list[Trial]:
    return [
        Trial(number, {}, 0, status=Status.FINISHED, score=score, epoch=1, best_epoch=1)
        for number, score in enumerate(scores)
    ]


def setup_of(metric: str, goal: str, rows: int = 100, space: Space | None = None) -> Any:
    """What the statements read of a `Setup`."""
    return SimpleNamespace(
        family=DENSE,
        metric=metric,
        goal=goal,
        space=space,
        folds=(SimpleNamespace(spec=SimpleNamespace(dev_rows=rows)),),
    )


def test_the_best_is_the_first_of_equals_and_never_a_diverged_one() -> None:
    trials = trials_with([0.3, 0.1, 0.1, None])
    diverged = Trial(9, {}, 0, status=Status.DIVERGED, score=0.0)
    for goal, number in (("minimize", 1), ("maximize", 0)):
        best = History([*trials, diverged], goal).best()
        assert best is not None and best.number == number
    assert History([diverged]).best() is None


def test_what_a_study_settled_on_is_its_best_as_long_as_nothing_is_better() -> None:
    trials = trials_with([0.3, 0.1, 0.1, 0.1, None])
    under_way = StudyRecord("s", {}, {}, "minimize")
    ended = StudyRecord("s", {}, {}, "minimize", Summary(best=BestResult(2)))
    assert best_of(under_way, trials) is trials[1]
    assert best_of(ended, trials[::-1]) is trials[2]
    assert [trial.number for trial in settled_first(ended, trials[::-1])] == [2, 0, 1, 3, 4]
    better = [*trials, Trial(5, {}, 0, status=Status.FINISHED, score=0.05)]  # the study went on
    assert best_of(ended, better) is better[5]
    assert best_of(StudyRecord("s", {}, {}, "minimize", Summary()), trials[4:]) is None


def test_ties_of_class_shares_lie_in_the_best_s_interval() -> None:
    # 10 wrong of 100: Wilson's interval ends at .1744; an error of .17 can't be told from it, .18 can.
    trials = trials_with([0.18, 0.10, 0.17, None])
    found = tied(setup_of("error", "minimize"), trials, trials[1], None)
    assert (found.count, found.trials) == (2, (1, 2))
    assert found.limit == pytest.approx(0.1744, abs=1e-4)
    mirrored = trials_with([0.82, 0.90, 0.83, None])
    other = tied(setup_of("accuracy", "maximize"), mirrored, mirrored[1], None)
    assert (other.count, other.trials) == (2, (1, 2))


def test_ties_of_numbers_lie_within_two_deviations_of_the_seeds() -> None:
    trials = trials_with([50.0, 52.0, 51.9, 47.0])
    found = tied(setup_of("rmse", "minimize"), trials, trials[0], Retrain(sd=1.0))
    assert found.trials == (0, 1, 2, 3)
    found = tied(setup_of("rmse", "minimize"), trials, trials[3], Retrain(sd=1.6))
    assert found.trials == (0, 3)
    found = tied(setup_of("r2", "maximize"), trials, trials[1], Retrain(sd=0.1))
    assert found.trials == (1, 2)
    found = tied(setup_of("rmse", "minimize"), trials, trials[3], None)
    assert found.trials == (3,)


@pytest.mark.parametrize(
    ("rate", "dropout", "expected"),
    [
        (1e-2, 0.25, []),
        (1.1e-4, 0.25, ["learning_rate lower"]),
        (9.9e-2, 0.499, ["dropout upper", "learning_rate upper"]),
        (9.9e-2, 0.001, ["learning_rate upper"]),  # there is no dropout below 0
    ],
)
def test_edges_name_numeric_ends_on_their_own_scale(rate: float, dropout: float, expected: list[str]) -> None:
    space = Space(
        {
            "learning_rate": {"low": 1e-4, "high": 1e-1, "scale": "log"},
            "dropout": {"low": 0.0, "high": 0.5},
            "activation": ["relu", "tanh"],
            "layers": {"low": 1, "high": 3},
        }
    )
    params = {"learning_rate": rate, "dropout": dropout, "activation": "relu", "layers": 1}
    sentences = edges(setup_of("error", "minimize", space=space), Trial(0, params, 0))
    found = sorted(f"{text.split()[0]} {'lower' if 'lower' in text else 'upper'}" for text in sentences)
    assert found == expected
    assert all(text.endswith("boundary of its search range; widen the range.") for text in sentences)


def test_reasons_are_counted_without_their_numbers(whole: Study) -> None:
    counted = whole.summary.stopped
    assert sum(counted.values()) == 60
    assert counted == {
        "finished: all epochs": sum(trial.epoch == 9 for trial in whole.trials),
        "stopped: worse than others at a rung": sum(trial.epoch < 9 for trial in whole.trials),
    }
    assert reason_kind(Trial(0, {}, 0, status=Status.FAILED, reason="could not be run: x")) == "failed"


def test_the_summary_says_what_was_found(whole: Study) -> None:
    summary, best = whole.summary, whole.best
    assert best is not None
    assert summary.best.trial == best.number and summary.best.score == best.score
    assert summary.best.config["units"] in (16, [16])
    assert best.number in summary.tied.trials
    scores = summary.retrain.scores
    assert summary.retrain.seeds[0] == best.seed
    assert summary.retrain.mean == pytest.approx(np.mean(scores))
    assert summary.retrain.sd == pytest.approx(np.std(scores, ddof=1))
    assert sum(summary.split.to_json().values()) == summary.data.rows == 1797
    assert summary.ended == "all trials were run"
    assert np.sum(summary.dev.confusion) == summary.split.dev


@pytest.mark.compiles
def test_of_equals_everybody_names_the_same(tmp_path: Path) -> None:
    """On fifteen dev rows many trials are equal: study, front, page and screens all take the one chosen."""
    study = tune("iris", **SMALL, method="random", stopper="none", trials=40, seed=5)
    assert study.best is not None
    equals = [trial.number for trial in study.trials if trial.score == study.best.score]
    expected = select_best(History(study.trials), Space(SPACE))
    assert expected is not None and len(equals) > 2
    assert study.best.number == expected.number != equals[0]
    assert study.summary.best.trial == study.best.number
    assert study.summary.best.equals == len(equals) - 1
    assert study.pareto()["trial"].tolist() == [study.best.number]
    assert ranked(study)[0] is study.best
    assert [trial.number for trial in ranked(study)[1 : len(equals)]] == [n for n in equals if n != study.best.number]
    assert drawn_curves(study.record, study.trials)[0] == study.best.number
    page = study.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"trial {study.best.number}, epoch {study.best.best_epoch}<" in page
    said = " ".join(uncertainty(study.record, study.best, 40, "error"))
    assert (
        f"{len(equals) - 1} other trials have the same score. Ties are broken by" in said
        and f"trial {study.best.number} was selected." in said
    )


@pytest.mark.compiles
def test_a_study_by_a_model_says_how_well_it_predicted(digits: Dataset) -> None:
    study = tune(digits, **SMALL, method="bayes", stopper="none", trials=24)
    found = study.summary.calibration
    assert found.trials == 24 and 0 <= found.within_50 <= found.within_90 <= 1
    sentence = f"leave-one-out over 24 trials: {100 * found.within_50:.0f} % of the results"
    assert study.best is not None and sentence in " ".join(uncertainty(study.record, study.best, 24, "error"))
    assert len(study.summary.importance) == 2  # learning rate and dropout


@pytest.mark.compiles
def test_no_retraining_leaves_the_winner_itself(digits: Dataset) -> None:
    study = tune(digits, **SMALL | {"retrain": 0}, trials=4)
    assert study.summary.retrain is None
    assert study.best is not None
    assert study.model().evaluate(digits.dev)["error"] == pytest.approx(study.best.score, abs=1e-6)
