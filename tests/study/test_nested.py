"""Nested studies: a whole study in each outer fold, scored once on rows it never saw; resumed as if never stopped."""

import json
import math
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_studies import outcome

import paceline as pl
from paceline.cli.documents import text_of
from paceline.cli.nested import nested_document
from paceline.data import Dataset, load, outer_fold
from paceline.errors import DataError, SettingsError, StudyError
from paceline.settings import StudySettings, load_settings
from paceline.study import NestedStudy, Progress, Study, StudyInterrupted, load_study, resume, run_settings, tune
from paceline.study.nested import searches
from paceline.study.setup import set_up
from paceline.summary import SplitSizes
from paceline.testing import StubExecutor

FOLDS = 3
SPACE = {"learning_rate": {"low": 1e-3, "high": 1e-1, "scale": "log"}, "dropout": {"low": 0.0, "high": 0.5}}
PLAIN: dict[str, Any] = {
    "params": {"layers": 1, "units": 8, "batch_size": 32}, "trials": 8, "epochs": 3, "n_jobs": 2, "retrain": 1,
}  # fmt: skip
MEMORY = PLAIN | {"space": SPACE, "outer_folds": FOLDS, "final": False, "refit": False}


def settings_of(folder: Path) -> StudySettings:
    return StudySettings(**PLAIN, search=SPACE, data="wine", outer_folds=FOLDS, out=str(folder))


def nested_study(folder: Path, progress: Any = None) -> NestedStudy:
    study = run_settings(settings_of(folder), progress=progress)
    assert isinstance(study, NestedStudy)
    return study


def all_of(study: Study | NestedStudy) -> str:
    """All that must not depend on interruptions, as text."""
    assert isinstance(study, NestedStudy) and study.final is not None
    return text_of(nested_document(study, study.summary)) + "".join(map(outcome, [*study.studies, study.final]))


def assert_same(one: Study | NestedStudy, other: NestedStudy) -> None:
    """Equal in all that counts; the first line that differs is told, as pytest takes minutes to compare long texts."""
    pairs = zip(all_of(one).splitlines(), all_of(other).splitlines(), strict=True)
    assert next(((ours, theirs) for ours, theirs in pairs if ours != theirs), None) is None


@pytest.fixture(scope="module")
def wine() -> Dataset:
    return load("wine")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> NestedStudy:
    """A nested study that nothing interrupted; read only."""
    return nested_study(tmp_path_factory.mktemp("nested") / "study")


def test_each_fold_holds_a_whole_study_scored_on_its_own_test_rows(whole: NestedStudy, wine: Dataset) -> None:
    assert whole.state == "finished" and len(whole.studies) == FOLDS and whole.folder is not None
    for index, study in enumerate(whole.studies):
        rows = outer_fold(wine, index, FOLDS)
        assert study.state == "finished" and len(study.trials) == 8
        assert study.data().fingerprint == rows.fingerprint == study.record.environment["fingerprint"]
        model = pl.load_model(whole.folder / f"outer_{index}")
        assert whole.scores[index] == model.evaluate(rows.test)["error"]
        assert study.summary.test.opened == 1
        refit = study.summary.refit
        assert refit.epochs and refit.rows == len(wine) - len(rows.split.test)
    assert len({study.settings.seed for study in whole.studies}) == FOLDS


def test_what_it_says_is_the_mean_of_the_folds(whole: NestedStudy) -> None:
    assert whole.mean == pytest.approx(np.mean(whole.scores)) and whole.sd == pytest.approx(
        np.std(whole.scores, ddof=1)
    )
    assert whole.interval is not None and whole.interval[0] <= whole.mean <= whole.interval[1]
    frame = whole.frame()
    assert list(frame["score"]) == whole.scores and list(frame["fold"]) == [0, 1, 2]
    assert (frame["train_rows"] + frame["validation_rows"] + frame["test_rows"] == 178).all()
    bests = [study.best for study in whole.studies]
    assert list(frame["dropout"]) == [best.params["dropout"] for best in bests if best is not None]


def test_the_delivered_model_is_that_of_a_search_with_all_rows(whole: NestedStudy, wine: Dataset) -> None:
    assert whole.final is not None and whole.best is not None and whole.trials == whole.final.trials
    assert whole.final.summary.split == SplitSizes(142, 36, 0)
    assert whole.final.summary.refit.rows == len(wine)
    assert whole.final.data().fingerprint == load("wine", test=0).fingerprint
    np.testing.assert_array_equal(whole.model().predict(wine.features), whole.final.model().predict(wine.features))
    np.testing.assert_array_equal(
        pl.load_model(str(whole.folder)).outputs(wine.features), whole.model().outputs(wine.features)
    )


def test_the_test_rows_are_not_opened_again(whole: NestedStudy) -> None:
    with pytest.raises(StudyError, match=r"each outer fold of 'wine' is used once, when its search ends"):
        whole.evaluate_test()


def test_it_is_read_back_as_it_was_returned(whole: NestedStudy) -> None:
    assert whole.folder is not None
    read = load_study(whole.folder)
    assert_same(read, whole)
    assert read.settings == whole.settings
    kept = {item.name for item in whole.folder.iterdir()}
    assert kept == {"outer_0", "outer_1", "outer_2", "final", "nested.json", "study.yaml", "report.html"}
    assert load_settings(whole.folder / "study.yaml") == whole.settings
    before = {file: file.stat().st_mtime_ns for file in whole.folder.rglob("*.html")}
    assert_same(resume(whole.folder), whole)
    assert {file: file.stat().st_mtime_ns for file in whole.folder.rglob("*.html")} == before


def test_the_folds_share_their_programs(whole: NestedStudy) -> None:
    made = [study.summary.programs for study in [*whole.studies, whole.final] if study is not None]
    assert [item.compiled + item.loaded for item in made[1:]] == [0] * FOLDS


def test_a_trial_has_one_shape_whatever_the_fold(wine: Dataset) -> None:
    folds = [outer_fold(wine, index, 4) for index in range(4)]
    assert len({len(fold.split.train) for fold in folds}) > 1  # sizes differ by a row, programs must not
    setups = [
        set_up(StudySettings(outer_folds=4, outer_fold=index), fold, StubExecutor()) for index, fold in enumerate(folds)
    ]
    space = setups[0].space
    for number in range(40):
        params = space.sample(np.random.default_rng(number))
        assert len({setup.prepared(params, 0, 0).shape for setup in setups}) == 1


@pytest.mark.compiles
def test_a_score_is_what_training_the_chosen_configuration_by_hand_gives(wine: Dataset) -> None:
    nested = tune(wine, **MEMORY)
    assert isinstance(nested, NestedStudy) and nested.folder is None and nested.final is None
    by_hand = []
    for index, study in enumerate(nested.studies):
        assert study.best is not None
        rows = outer_fold(wine, index, FOLDS)
        params = {**MEMORY["params"], **study.best.params}
        run = pl.train(rows, epochs=MEMORY["epochs"], seed=study.best.seed, **params)
        by_hand.append(run.model.evaluate(rows.test)["error"])
    assert nested.scores == by_hand and nested.mean == np.mean(by_hand)
    with pytest.raises(StudyError, match="has no model to deliver; it was run with `final: false`"):
        nested.model()


@pytest.mark.compiles
def test_a_fold_s_search_does_not_notice_what_its_test_rows_hold(wine: Dataset) -> None:
    test = outer_fold(wine, 1, FOLDS).split.test
    features = wine.features.copy()
    features.iloc[test] *= 1e6
    other = replace(wine, source=replace(wine.source, features=features))
    clean, spoilt = (tune(data, **MEMORY | {"trials": 4}) for data in (wine, other))
    assert isinstance(clean, NestedStudy) and isinstance(spoilt, NestedStudy)

    def found(nested: NestedStudy, index: int) -> tuple[Any, ...]:
        study = nested.studies[index]
        return study.trials, study.summary.best, study.summary.retrain, study.summary.dev

    assert found(clean, 1) == found(spoilt, 1)
    assert clean.scores[1] != spoilt.scores[1]  # the spoilt rows are those that it is scored on
    assert found(clean, 0) != found(spoilt, 0)  # and there they are trained on


def stopping(part: str, phase: str) -> Any:
    """A progress callback that stops a nested study in one of its searches."""

    def stop(progress: Progress) -> None:
        if progress.part.startswith(part) and progress.phase == phase:
            raise KeyboardInterrupt

    return stop


@pytest.mark.compiles
@pytest.mark.parametrize(("search", "phase"), [(2, "search"), (3, "retrain"), (4, "search")])
def test_a_stopped_study_ends_as_an_undisturbed_one(
    search: int, phase: str, whole: NestedStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.study.loop.WAIT_SECONDS", 0.001)  # so that progress is told often
    words = f"search {search} of 4"
    with pytest.raises(
        StudyInterrupted, match=rf"was stopped in {words}, .*; continue it with `paceline resume "
    ) as stop:
        nested_study(tmp_path / "study", stopping(words, phase))
    assert isinstance(stop.value.study, NestedStudy)
    stopped = load_study(tmp_path / "study")
    assert isinstance(stopped, NestedStudy) and stopped.state == "interrupted"
    assert len(stopped.studies) == min(search, FOLDS) and (stopped.final is not None) == (search == 4)
    assert sum(not math.isnan(score) for score in stopped.scores) == search - 1
    assert stopped.report().exists()
    heard: list[str] = []
    again = resume(tmp_path / "study", progress=lambda progress: heard.append(progress.part))
    assert_same(again, whole)
    assert again.state == "finished"
    assert {int(part.split()[1]) for part in heard} == set(range(search, 5))  # finished searches are kept


@pytest.mark.compiles
def test_a_fold_that_was_stopped_before_its_score_is_scored_on_resuming(
    whole: NestedStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(study: Study) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Study, "evaluate_test", never)
        with pytest.raises(StudyInterrupted):
            nested_study(tmp_path / "study")
    stopped = load_study(tmp_path / "study")
    assert isinstance(stopped, NestedStudy) and len(stopped.studies) == 1 and math.isnan(stopped.scores[0])
    assert stopped.state == "running"
    assert_same(resume(tmp_path / "study"), whole)


@pytest.mark.compiles
@pytest.mark.slow
def test_a_killed_study_ends_as_an_undisturbed_one(whole: NestedStudy, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    code = (
        f"from paceline.settings import StudySettings\nfrom paceline.study import run_settings\n"
        f"run_settings(StudySettings(**{settings_of(folder).to_dict()!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 240
    while not (folder / "outer_1" / "study.yaml").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed = load_study(folder)
    assert isinstance(killed, NestedStudy) and killed.state == "running" and len(killed.studies) >= 2
    assert_same(resume(folder), whole)


@pytest.mark.compiles
def test_a_fold_s_study_is_an_ordinary_one(whole: NestedStudy, wine: Dataset, tmp_path: Path) -> None:
    """Its study file alone gives the same study, and so does stopping and resuming it with the data from memory."""
    assert whole.folder is not None
    file = load_settings(whole.folder / "outer_1" / "study.yaml")
    assert (file.outer_folds, file.outer_fold, file.seed) == (FOLDS, 1, whole.studies[1].settings.seed)

    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    settings = file.changed(out=str(tmp_path / "alone"), data=None)
    with pytest.raises(StudyInterrupted):
        pl.study.public.begin(settings, wine, stop)
    alone = resume(tmp_path / "alone", data=wine)
    assert isinstance(alone, Study)
    bests = [study.best for study in (alone, whole.studies[1])]
    assert bests[0] == bests[1] and alone.trials == whole.studies[1].trials
    assert alone.evaluate_test()["metrics"] == whole.studies[1].summary.test.metrics


@pytest.mark.compiles
def test_changed_data_are_refused(wine: Dataset, whole: NestedStudy, tmp_path: Path) -> None:
    with pytest.raises(StudyInterrupted):
        nested_study(tmp_path / "study", stopping("search 1", "retrain"))
    features = wine.features.copy()
    features.iloc[0, 0] += 1
    with pytest.raises(StudyError, match="have changed since the study began"):
        resume(tmp_path / "study", data=replace(wine, source=replace(wine.source, features=features)))


def test_one_study_a_folder(whole: NestedStudy, wine: Dataset, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="holds a nested study already; resume it"):
        tune(wine, out=whole.folder)
    with pytest.raises(StudyError, match="holds a nested study already; resume it"):
        tune(wine, out=whole.folder, outer_folds=2)
    with pytest.raises(StudyError, match="already contains a study; choose another folder"):
        tune(wine, out=f"{whole.folder}/outer_0", outer_folds=2)


@pytest.mark.compiles
def test_a_warm_start_begins_from_the_final_study_and_never_inside_of_folds(
    whole: NestedStudy, wine: Dataset, tmp_path: Path
) -> None:
    assert whole.best is not None
    for older in (whole, whole.folder):
        new = tune(wine, **PLAIN | {"trials": 2}, space=SPACE, warm_start=older)
        assert new.trials[0].params == whole.best.params
        with pytest.raises(
            SettingsError, match="`warm_start` can't be combined with `outer_folds`: the earlier study may"
        ):
            tune(wine, outer_folds=2, warm_start=older)
    with pytest.raises(StudyError, match="has no final study"):
        tune(wine, warm_start=replace(whole, final=None))


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"outer_folds": 1}, SettingsError, "'outer_folds' must be a whole number of at least 2, but got 1"),
        ({"outer_folds": 49}, DataError, "49 need as many rows of each, but class 'class_2' has 48"),
        ({"outer_folds": 3, "folds": 60}, DataError, "60 stratified folds need a class with as many rows"),
        ({"outer_folds": 3, "store": "sqlite:///x.db"}, SettingsError, "'store' can't be given with 'outer_folds'"),
        ({"final": True}, SettingsError, "'final' is a setting of nested cross-validation and needs 'outer_folds'"),
        ({"outer_folds": 3, "metric": "rmse"}, SettingsError, "metric 'rmse' doesn't suit a classes target"),
    ],
)
def test_what_can_not_be_is_refused_before_anything_is_written(
    given: dict[str, Any], kind: type[Exception], words: str, wine: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=words) as error:
        tune(wine, out=tmp_path / "study", **given)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "study").exists()


def test_a_damaged_record_is_refused(tmp_path: Path) -> None:
    content = {"format": "paceline-nested", "version": 2, "name": "a", "goal": "minimize", "settings": {}}
    for text in ("", "{}", "[]", json.dumps(content)):
        (tmp_path / "nested.json").write_text(text)
        with pytest.raises(StudyError, match=r"nested.json' can't be read as a nested study"):
            load_study(tmp_path)
    (tmp_path / "nested.json").write_text(json.dumps(content | {"environment": {}}))
    with pytest.raises(StudyError, match="has version 2, newer than 1"):
        load_study(tmp_path)


def test_minutes_are_divided_and_trials_are_each_search_s() -> None:
    settings = StudySettings(data="wine", outer_folds=4, minutes=10, trials=30, seed=5)
    plan = searches(settings, None)
    assert [search.settings.minutes for search in plan] == [2.0] * 5
    assert {search.settings.trials for search in plan} == {30}
    assert [search.fold for search in plan] == [0, 1, 2, 3, None]
    assert len({search.settings.seed for search in plan}) == 5 and plan[-1].settings.seed == 5
    without = searches(settings.changed(final=False), None)
    assert [search.settings.minutes for search in without] == [2.5] * 4
