"""Features that are each tested alone meet here: any combination of settings ends in a whole study, or is refused.

Nothing is trained: curves are invented (see `combinations`), so a study takes a tenth of a second. How many were
run and how many refused is shown by `pytest --hypothesis-show-statistics`.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from combinations import CURVES, Combination, combinations, task_of
from hypothesis import HealthCheck, event, given, settings
from rich.console import Console
from small_studies import interrupt_after, outcome

from paceline.cli import nested as nested_screen
from paceline.cli import screens
from paceline.cli.documents import result_document, text_of
from paceline.errors import DataError, StudyError, UserError
from paceline.model import load_model
from paceline.records import METRICS, EndReason, Status, Trial
from paceline.settings import StudySettings, dump_settings, load_settings
from paceline.study import NestedStudy, Study, StudyInterrupted, load_study
from paceline.study.progress import Callback, Progress
from paceline.study.public import begin, go_on
from paceline.study.single import Executors
from paceline.testing import StubExecutor

ENDED_BY = {
    Status.FINISHED: {EndReason.ALL_EPOCHS, EndReason.EARLY_STOPPING},
    Status.STOPPED: {EndReason.PRUNED, EndReason.TIME_LIMIT},
    Status.DIVERGED: {EndReason.DIVERGED},
    Status.FAILED: {EndReason.FAILED},
}

ALLOWED = ("the best configuration could not be trained", "the model could not be retrained on train + validation")
"""How the problems of a study begin whose best configuration fails when it is trained once more."""


@pytest.mark.slow
@pytest.mark.usefixtures("telling_often")
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(combination=combinations())
def test_any_combination_ends_in_a_whole_study_or_is_refused(combination: Combination, running: Running) -> None:
    check(combination, running)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Running:
    return Running(tmp_path_factory.mktemp("combinations"))


class Running:
    """Runs combinations in places of their own.

    Attributes: place: where folders and databases are made.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self._older: dict[str, Study | NestedStudy | None] = {}
        self._numbers = count()

    def where(self, kept: str) -> dict[str, str]:
        """Settings that say where a study is kept, in a new place."""
        name = self.place / f"study-{next(self._numbers)}"
        return {"folder": {"out": str(name)}, "store": {"store": f"sqlite:///{name}.db"}}.get(kept, {})

    def begin(
        self,
        asked: Combination,
        where: dict[str, str],
        progress: Callback | None = None,
        older: Study | NestedStudy | None = None,
    ) -> Study | NestedStudy:
        if older is not None and older.folder is not None:
            where, older = {**where, "warm_start": str(older.folder)}, None
        return begin(StudySettings(**asked.settings, **where), asked.data, progress, older, stub(asked))

    def older(self, asked: Combination) -> Study | NestedStudy | None:
        """The study that it starts from, if there is to be one and it could be run."""
        if asked.older is None:
            return None
        kept = "folder" if asked.kept == "folder" else "memory"
        if (key := f"{kept} {asked.older}") not in self._older:
            try:
                self._older[key] = self.begin(asked.older, self.where(kept))
            except UserError:
                self._older[key] = None
        return self._older[key]


def stub(asked: Combination) -> Executors:
    return lambda _: StubExecutor(CURVES[asked.curve])


def check(asked: Combination, running: Running) -> None:
    """Run a combination and look at what comes of it from all sides."""
    place = running.place
    older = running.older(asked)
    try:
        study = running.begin(asked, running.where(asked.kept), older=older)
    except UserError as error:
        event("refused")
        check_refusal(error)
        where = running.where("folder")
        with pytest.raises(type(error)):
            running.begin(asked, where, older=older)
        assert not Path(where["out"]).exists(), error
        return
    event("run")
    check_whole(asked, study, place)
    if asked.again:
        event("run again")
        assert all_of(running.begin(asked, {}, older=older)) == all_of(study)
        assert study.report(place / "report.html").exists()
    if asked.interrupted is not None:
        check_interrupted(asked, running, study, older)


def check_refusal(error: UserError) -> None:
    """It is a sentence, of an error that says what is wrong."""
    text = str(error)
    assert type(error) is not UserError and text and "\n" not in text and text.endswith("."), text


def check_whole(asked: Combination, study: Study | NestedStudy, place: Path) -> None:
    """Everything that a study says and can be asked for."""
    assert study.state == "finished"
    check_settings(study, place)
    if isinstance(study, NestedStudy):
        check_nested(asked, study)
    else:
        check_summary(asked, study)
        check_trials(asked, study)
        check_best(study)
        check_model(asked, study)
        check_test(asked, study)
    check_words(study, place)
    if study.folder is not None:
        check_folder(asked, study)


def check_settings(study: Study | NestedStudy, place: Path) -> None:
    """The settings, as a study file, are read back equal."""
    file = place / "settings.yaml"
    file.write_text(dump_settings(study.settings), encoding="utf-8")
    assert load_settings(file) == study.settings


def check_nested(asked: Combination, nested: NestedStudy) -> None:
    assert len(nested.studies) == nested.settings.outer_folds
    assert (nested.final is None) == (nested.settings.final is False)
    for study in nested.studies:
        check_summary(asked, study)
        check_trials(asked, study)
        check_best(study)
        assert (study.summary.test is not None) == study.has_model
    if nested.final is not None:
        check_summary(asked, nested.final)
        check_model(asked, nested.final)
    assert len(nested.frame()) == len(nested.scores) == len(nested.studies)
    assert (nested.mean is None) == all(map(math.isnan, nested.scores))
    if nested.interval is not None and nested.mean is not None:
        assert nested.interval[0] <= nested.mean <= nested.interval[1]
    with pytest.raises(StudyError):
        nested.evaluate_test()


def check_summary(asked: Combination, study: Study) -> None:
    summary = study.summary
    assert not summary.pending and summary.ended
    mishaps = ALLOWED if asked.curve == "with mishaps" else ()
    assert all(problem.startswith(mishaps) for problem in summary.problems) if mishaps else not summary.problems
    assert (summary.best is None) == (study.best is None)
    if study.best is not None and summary.best is not None:
        assert (summary.best.trial, summary.best.score) == (study.best.number, study.best.score)
        assert summary.tied is not None and study.best.number in summary.tied.trials
        assert {item.name.split("[")[0] for item in summary.importance} <= set(study.record.environment["space"])
    assert sum(summary.stopped.values()) == len(study.trials)
    assert summary.split is not None and summary.data is not None and summary.data.rows == len(asked.data)
    assert (summary.pareto is None) == (not study.settings.objectives)
    assert (summary.experiments is None) == (not study.settings.experiments)


def check_trials(asked: Combination, study: Study) -> None:
    chosen = study.settings
    assert [trial.number for trial in study.trials] == list(range(len(study.trials)))
    assert len(study.trials) >= 1
    if chosen.trials is not None:
        assert len(study.trials) <= chosen.trials
        if study.summary.ended == "all trials were run" and chosen.method != "population":
            assert len(study.trials) == chosen.trials
    for trial in study.trials:
        assert trial.ended and trial.reason and trial.ended_by in ENDED_BY[trial.status], trial
        assert len(trial.curve) == trial.epoch <= chosen.epochs
        assert 0 <= trial.best_epoch <= trial.epoch
        assert trial.score is None or math.isfinite(trial.score), trial
        assert len(trial.costs) == (len(chosen.objectives) if trial.score is not None else 0), trial
        check_score(study, trial)
        if asked.curve == "falling":
            assert trial.score is not None and trial.best_epoch
            assert (trial.score_sd is None) == (chosen.folds is None)
            assert all(map(math.isfinite, trial.costs))
    frame = study.frame()
    assert frame["trial"].tolist() == list(range(len(study.trials)))
    for place, name in enumerate(chosen.objectives):
        sign = -1.0 if METRICS.get(name) == "maximize" else 1.0
        for trial in study.trials:
            shown = frame[name][trial.number]
            assert shown == sign * trial.costs[place] if trial.costs else np.isnan(shown)


def check_score(study: Study, trial: Trial) -> None:
    """The score is the curve's value at the epoch that counts, which of the best ones is the first."""
    if study.settings.folds is not None or trial.score is None:
        return
    assert trial.score == trial.curve[trial.best_epoch - 1]
    if study.settings.select == "last":
        assert trial.best_epoch == trial.epoch
    elif "min_delta" not in study.settings.params and trial.status is not Status.DIVERGED:
        known = [value for value in trial.curve if math.isfinite(value)]
        best = min(known) if study.record.goal == "minimize" else max(known)
        assert (
            math.isclose(trial.score, best, abs_tol=1e-6)
            and list(trial.curve).index(trial.score) + 1 == trial.best_epoch
        )


def merits(study: Study) -> dict[int, float]:
    """Number -> score, turned so that lower is better, of the trials that count."""
    sign = -1.0 if study.record.goal == "maximize" else 1.0
    usable = [t for t in study.trials if t.score is not None and t.status not in (Status.DIVERGED, Status.FAILED)]
    return {trial.number: sign * trial.score for trial in usable if trial.score is not None}


def check_best(study: Study) -> None:
    assert study.record.goal == METRICS[study.record.environment["metric"]]
    found = merits(study)
    best = study.best
    assert (best is None) == (not found)
    front = study.pareto()
    if best is None:
        assert not len(front)
        return
    assert found[best.number] == min(found.values())
    assert front["trial"][0] == best.number
    counted = [study.trials[number] for number in found]
    assert set(front["trial"]) == ({best.number} if not study.settings.objectives else undominated(study, counted))


def undominated(study: Study, trials: Sequence[Trial]) -> set[int]:
    """Trials than which no other is as good in everything and better in something; of equals the first."""
    sign = -1.0 if study.record.goal == "maximize" else 1.0
    order = [study.best, *(trial for trial in trials if trial is not study.best)]
    values = {t.number: (sign * t.score, *t.costs) for t in order if t is not None and t.score is not None}
    kept: set[int] = set()
    for number, mine in values.items():
        beaten = any(
            other != mine and all(a <= b for a, b in zip(other, mine, strict=True)) for other in values.values()
        )
        twin = any(values[other] == mine for other in kept)
        if not beaten and not twin:
            kept.add(number)
    return kept


def check_model(asked: Combination, study: Study) -> None:
    if study.best is None or any("there is no model" in problem for problem in study.summary.problems):
        assert not study.has_model
        with pytest.raises(StudyError, match="has no model: "):
            study.model()
        return
    model = study.model()
    rows = asked.data.train.features
    columns = len(asked.data.target_names)
    predicted = model.predict(rows)
    assert predicted.shape == ((len(rows),) if columns == 1 else (len(rows), columns))
    if task_of(asked.target) != "regression":
        assert model.predict_proba(rows).shape == (len(rows), len(asked.data.classes))
        assert np.isin(predicted, [0, 1] if columns > 1 else asked.data.classes).all()
    assert (study.summary.dev is None) == (study.summary.retrain is None and study.best is None)
    retrain = study.settings.retrain
    assert (study.summary.retrain is None) == (retrain == 0)
    if study.summary.retrain is not None and not study.summary.problems:
        assert len(study.summary.retrain.scores) == retrain
    if not study.summary.problems:
        assert (study.summary.refit is None) == (not study.settings.refit)


def check_test(asked: Combination, study: Study) -> None:
    """The test part can be opened where there are one and a model, and else it is said why not."""
    if not study.has_model or not len(asked.data.split.test):
        with pytest.raises((DataError, StudyError)):
            study.evaluate_test()
        return
    result = study.evaluate_test()
    low, high = result["interval"]
    assert result["rows"] == len(asked.data.split.test) and result["opened"] == 1
    assert low <= result["metrics"][result["of"]] <= high
    assert study.summary.test is not None


def check_words(study: Study | NestedStudy, place: Path) -> None:
    """What people and machines are shown."""
    console = Console(file=io.StringIO(), width=100)
    if isinstance(study, NestedStudy):
        nested_screen.show(study, False, console)
        text_of(nested_screen.nested_document(study, study.summary))
        return
    lines = screens.Lines()
    screens.data_lines(lines, study.summary.data, study.summary.split)
    screens.study_lines(lines, study)
    screens.test_line(lines, study.summary.test, 0)
    lines.show(console)
    screens.experiment_table(study, console)
    screens.trial_table(study, 10, console)
    text_of(result_document(study))


def check_folder(asked: Combination, study: Study | NestedStudy) -> None:
    """A folder holds the study as it was returned, its report, and nothing more to be done."""
    folder = study.folder
    assert folder is not None and (folder / "report.html").exists()
    read = load_study(folder)
    if not isinstance(study, NestedStudy) and study.has_model:
        rows = asked.data.train.features
        assert np.array_equal(load_model(folder).predict(rows), study.model().predict(rows))
    assert all_of(read) == all_of(study)
    assert read.settings == study.settings == load_settings(folder / "study.yaml")

    def nobody(_: int | None) -> StubExecutor:
        raise AssertionError("a finished study needs no executor")

    assert all_of(go_on(folder, None, asked.data, nobody)) == all_of(study)


def all_of(study: Study | NestedStudy) -> str:
    """All that must not depend on how a study came about, as text."""
    parts = [study] if isinstance(study, Study) else [*study.studies, *([study.final] if study.final else [])]
    return "\n".join(outcome(part) for part in parts)


def check_interrupted(
    asked: Combination, running: Running, whole: Study | NestedStudy, older: Study | NestedStudy | None
) -> None:
    """Interrupted and continued, a study in a folder ends as one that ran through; another one is handed over."""
    where = running.where(asked.kept)
    when = asked.interrupted
    try:
        study = running.begin(asked, where, interruption(when), older)
    except (StudyInterrupted, Crash) as stop:
        event(f"interrupted: {when}")
        if isinstance(stop, StudyInterrupted):
            assert str(stop).endswith(".")
            all_of(stop.study)
            assert isinstance(stop.study, NestedStudy) or len(stop.study.frame()["score"]) == len(stop.study.trials)
        if "out" not in where:
            return
        study = go_on(Path(where["out"]), None, asked.data, stub(asked))
    assert study.state == "finished"
    assert all_of(study) == all_of(whole)


class Crash(Exception):
    """Something that nobody expects."""


def interruption(when: int | str | None) -> Callback:
    """A progress callback that stops the study; see `Combination`."""
    if isinstance(when, int):
        return interrupt_after(when)

    def stop(progress: Progress) -> None:
        if when == "crash" and progress.done >= 2:
            raise Crash
        if progress.phase == when:
            raise KeyboardInterrupt

    return stop
