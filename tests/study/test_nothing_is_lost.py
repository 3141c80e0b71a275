"""Once a search has ended nothing may lose it: whatever fails afterwards is said in a line, and the model is there."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_studies import SMALL, outcome, untrained

from paceline.data import Dataset, load
from paceline.errors import EngineError, StudyError
from paceline.model import load_model
from paceline.runs import RawRun
from paceline.store import open_store
from paceline.study import NestedStudy, Study, StudyInterrupted, load_study, resume, tune
from paceline.study.study import report_or_note
from paceline.summary import Summary

pytestmark = pytest.mark.compiles

FEW: dict[str, Any] = {**SMALL, "epochs": 3, "trials": 22, "method": "bayes", "stopper": "none"}
EXTRAS = {
    "tied": "the trials that are not significantly worse",
    "edges": "the warnings about boundaries of ranges",
    "importances": "importance",
    "calibration_of": "the calibration of the surrogate model",
    "inference_summary": "the times of prediction",
    "rounds_of": "the rounds of the search",
    "experiments_of": "the results of the experiments",
    "front_document": "the Pareto front",
    "on_dev": "the validation predictions",
}


def failing(*arguments: Any, **named: Any) -> Any:
    raise RuntimeError("planted\nfailure")


@pytest.fixture(scope="module")
def undisturbed(digits: Dataset) -> Study:
    return untrained(digits, **FEW)


@pytest.mark.parametrize("name", EXTRAS)
def test_a_failing_extra_is_a_line_and_all_else_is_there(
    name: str, digits: Dataset, undisturbed: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"paceline.study.conclude.{name}", failing)
    study = untrained(digits, **FEW, out=tmp_path / "study")
    assert study.state == "finished" and not study.summary.pending
    assert study.summary.problems == (f"{EXTRAS[name]} could not be computed: planted",)
    assert study.trials == undisturbed.trials and study.summary.retrain == undisturbed.summary.retrain
    read = load_study(tmp_path / "study")
    assert isinstance(read, Study) and read.summary == study.summary
    assert "planted" in (tmp_path / "study" / "report.html").read_text(encoding="utf-8")
    load_model(tmp_path / "study")
    others = {"best": study.summary.best, "split": study.summary.split, "data": study.summary.data}
    assert others == {part: getattr(undisturbed.summary, part) for part in others}


def test_a_failing_report_is_a_line(digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paceline.reporting.write_report", failing)
    study = untrained(digits, **FEW, out=tmp_path / "study")
    assert study.state == "finished" and study.summary.problems == ("the report could not be written: planted",)
    report_or_note(study)
    assert len(study.summary.problems) == 1, "the same sentence is kept once"
    monkeypatch.undo()
    again = resume(tmp_path / "study")
    assert (tmp_path / "study" / "report.html").exists() and again.model().config == study.model().config
    assert isinstance(again, Study) and again.summary.problems == (), "it could be written now"


@pytest.mark.parametrize("seed", [2**32, 2**40])
def test_a_study_s_seed_may_be_long(seed: int, digits: Dataset) -> None:
    study = tune(digits, **FEW, seed=seed)
    assert study.state == "finished"
    assert study.model().evaluate(digits.dev)["error"] < 0.9


def test_where_the_refit_fails_the_retrained_model_is_delivered(
    digits: Dataset, undisturbed: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.study.deliver.refitted", failing)
    study = untrained(digits, **FEW | {"refit": True}, out=tmp_path / "study")
    (problem,) = study.summary.problems
    assert "the repeated one is the final model: planted" in problem and study.summary.refit is None
    expected = undisturbed.model().outputs(digits.dev.features)
    assert (load_model(tmp_path / "study").outputs(digits.dev.features) == expected).all()


def test_where_retraining_fails_the_winner_s_own_seed_is_left(
    digits: Dataset, undisturbed: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    from paceline.study import conclude

    train: Callable[..., list[RawRun]] = conclude.train_stages

    def breaking(executor: Any, stages: Any) -> list[RawRun]:
        if len(stages[0][0]) > 1:
            raise EngineError("a trial could not be trained: no memory")
        return train(executor, stages)

    monkeypatch.setattr(conclude, "train_stages", breaking)
    study = tune(digits, **FEW)
    (problem,) = study.summary.problems
    assert "with other seeds: a trial could not be trained: no memory" in problem
    assert study.best is not None and study.summary.retrain is not None
    assert study.summary.retrain.seeds == (study.best.seed,)
    assert study.model().evaluate(digits.dev)["error"] == pytest.approx(study.best.score, abs=1e-6)


def test_without_a_model_the_study_says_why(digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paceline.study.deliver.retrained", failing)
    study = untrained(digits, **FEW, out=tmp_path / "study")
    assert study.state == "finished" and study.best is not None and not study.has_model
    with pytest.raises(StudyError, match="has no model: the best configuration could not be trained again"):
        study.model()
    assert (tmp_path / "study" / "report.html").exists()


def test_where_equals_can_not_be_compared_the_first_is_taken(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paceline.study.deliver.select_best", failing)
    study = untrained(digits, **FEW)
    assert "the first is taken: planted" in study.summary.problems[0] and study.has_model


def test_interrupted_after_its_model_a_study_goes_on_with_the_rest(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupting(*arguments: Any) -> Any:
        raise KeyboardInterrupt

    expected = tune(digits, **FEW, out=tmp_path / "whole")
    monkeypatch.setattr("paceline.study.conclude.importances", interrupting)
    with pytest.raises(StudyInterrupted) as stopped:
        tune(digits, **FEW, out=tmp_path / "study")
    assert stopped.value.study.model().config == expected.model().config
    read = load_study(tmp_path / "study")
    assert isinstance(read, Study) and (read.state, read.summary.pending) == ("finished", True)
    assert read.summary.retrain == expected.summary.retrain
    assert load_model(tmp_path / "study").config == expected.model().config
    monkeypatch.undo()
    monkeypatch.setattr("paceline.runs.train_stages", failing)  # nothing is trained again
    again = resume(tmp_path / "study", data=digits)
    assert isinstance(again, Study) and outcome(again) == outcome(expected)
    assert again.summary.importance == expected.summary.importance and not again.summary.pending
    assert (tmp_path / "study" / "report.html").exists()


def test_a_nested_study_goes_on_where_reports_and_test_scores_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wine = load("wine")
    for name in ("write_report", "write_nested_report"):
        monkeypatch.setattr(f"paceline.reporting.{name}", failing)
    nested = tune(wine, **FEW | {"trials": 3, "method": "random"}, outer_folds=2, final=False, out=tmp_path / "study")
    assert isinstance(nested, NestedStudy) and nested.state == "finished" and nested.mean is not None
    assert [problem.split(": ", 1)[1] for problem in nested.summary.problems[:2]] == [
        "the report could not be written: planted"
    ] * 2
    assert nested.summary.problems[-1] == "the report could not be written: planted"


def test_a_summary_of_earlier_versions_is_read(tmp_path: Path, digits: Dataset) -> None:
    study = untrained(digits, **FEW | {"trials": 3}, out=tmp_path / "study")
    kept = study.summary.to_json()
    for name in ("problems", "pending"):
        del kept[name]
    with open_store(str(tmp_path / "study" / "study.db"), create=False) as store:
        store.update_study(summary=Summary.from_json({**kept, "an older key": 1}))
    read = load_study(tmp_path / "study")
    assert read.summary == dataclasses.replace(study.summary, problems=(), pending=False)
