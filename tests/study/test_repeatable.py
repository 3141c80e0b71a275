"""Law: lanes, interruptions and folds change how a study runs, never what it finds; and no epoch is trained twice."""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from small_studies import SMALL, hyperband_study, interrupt_after, outcome, steps_of

from paceline.data import Dataset
from paceline.pack.cpu import CpuLanes
from paceline.pack.executor import Done, Job
from paceline.records import Measurements, Trial
from paceline.store import Store
from paceline.study import Progress, Study, StudyInterrupted, load_study, resume, tune

pytestmark = pytest.mark.compiles


@pytest.mark.parametrize("lanes", [1, 3])
def test_lanes_change_no_result(lanes: int, whole: Study) -> None:
    assert outcome(hyperband_study(None, n_jobs=lanes)) == outcome(whole)


@pytest.mark.usefixtures("telling_often")
def test_the_order_of_training_changes_no_result(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later cohort that overtakes an earlier one must not judge it, nor be proposed, by what it sees on the way."""
    settings = SMALL | {
        "trials": 24,
        "n_jobs": 1,
        "stopper": "median",
        "stopper_options": {"size": 4, "warmup_trials": 1, "warmup_epochs": 1},
    }
    usual = outcome(tune(digits, **settings))
    submit, collect = CpuLanes.submit, CpuLanes.collect
    held: list[Job] = []

    def hold_first_cohort(lanes: CpuLanes, jobs: Iterable[Job]) -> None:
        jobs = list(jobs)
        held.extend(job for job in jobs if job.priority[0] == 0)
        submit(lanes, [job for job in jobs if job.priority[0] != 0])

    def collect_then_release(lanes: CpuLanes, timeout: float | None = None) -> list[Done]:
        outcomes = collect(lanes, timeout)
        if not outcomes and not lanes.open_jobs:
            submit(lanes, held)
            held.clear()
        return outcomes

    monkeypatch.setattr(CpuLanes, "submit", hold_first_cohort)
    monkeypatch.setattr(CpuLanes, "collect", collect_then_release)
    assert outcome(tune(digits, **settings)) == usual


def test_the_seed_changes_the_result(whole: Study) -> None:
    other = hyperband_study(None, seed=1)
    assert [trial.params for trial in other.trials] != [trial.params for trial in whole.trials]


@pytest.mark.usefixtures("telling_often")
@pytest.mark.parametrize("trials", [0, 15, 40])
def test_an_interrupted_study_resumes_to_the_undisturbed_result(trials: int, whole: Study, tmp_path: Path) -> None:
    with pytest.raises(StudyInterrupted, match="paceline resume") as caught:
        hyperband_study(tmp_path / "study", progress=interrupt_after(trials))
    study = caught.value.study
    assert study.state == "interrupted" == load_study(tmp_path / "study").state
    assert 0 < len(study.trials) < 60
    assert sum(trial.ended for trial in study.trials) >= trials
    assert str(tmp_path / "study") in str(caught.value)
    again = resume(tmp_path / "study")
    assert outcome(again) == outcome(whole)
    assert outcome(load_study(tmp_path / "study")) == outcome(whole)


@pytest.mark.usefixtures("telling_often")
@pytest.mark.parametrize("crashed", [False, True])
@pytest.mark.parametrize("epochs", [2, 40])
def test_an_interruption_within_a_rung_loses_no_epoch(
    epochs: int, crashed: bool, whole: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where an epoch takes long, each is handed over and stored by itself, long before a trial comes to its rung.

    After a crash the states are gone: stored epochs are trained once more, and not stored again."""
    monkeypatch.setattr("paceline.pack.cpu.SLICE_SECONDS", 0.0)
    stored: dict[int, list[int]] = {}
    save = Store.save

    def noted(store: Store, trials: Sequence[Trial], blocks: Sequence[Measurements]) -> None:
        for block in blocks:
            stored.setdefault(block.trial, []).extend(range(block.first_epoch, block.last_epoch + 1))
            cuts.append(block.last_epoch)
        save(store, trials, blocks)

    def stop(_: Progress) -> None:
        if sum(map(len, stored.values())) >= epochs:
            raise KeyboardInterrupt

    cuts: list[int] = []
    monkeypatch.setattr(Store, "save", noted)
    with pytest.raises(StudyInterrupted):
        hyperband_study(tmp_path / "study", progress=stop)
    assert 0 < sum(map(len, stored.values())) < 60
    if crashed:
        shutil.rmtree(tmp_path / "study" / "checkpoints")
    again = resume(tmp_path / "study")
    assert outcome(again) == outcome(whole)
    assert stored == {trial.number: list(range(1, trial.epoch + 1)) for trial in again.trials}, "each epoch once"
    assert {2, 4, 5} <= set(cuts), "epochs between the rungs at 1, 3 and 9 are stored by themselves"


def refit_steps(study: Study) -> int:
    refit = study.summary.refit
    return refit.epochs * -(-refit.rows // 64)


@pytest.mark.usefixtures("telling_often")
def test_an_interruption_while_the_winner_is_retrained_loses_nothing(whole: Study, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.phase == "retrain":
            raise KeyboardInterrupt

    with pytest.raises(StudyInterrupted) as caught:
        hyperband_study(tmp_path / "study", progress=stop)
    assert all(trial.ended for trial in caught.value.study.trials)
    again = resume(tmp_path / "study")
    assert outcome(again) == outcome(whole)
    retrained = 2 * again.trials[again.summary.best.trial].epoch
    train_rows = again.summary.split.train
    # All trials came from the store, so only the retraining was trained.
    assert again.summary.steps <= retrained * -(-train_rows // 64) + refit_steps(again)


@pytest.mark.usefixtures("telling_often")
def test_folds_are_repeatable_across_lanes_and_interruptions(digits: Dataset, tmp_path: Path) -> None:
    few = SMALL | {"trials": 10, "folds": 3}
    quiet = tune(digits, **few)
    with pytest.raises(StudyInterrupted):
        tune(digits, **few | {"n_jobs": 3, "out": tmp_path / "study"}, progress=interrupt_after(2))
    again = resume(tmp_path / "study", data=digits)
    assert outcome(again) == outcome(quiet)
    assert all(trial.score_sd is not None and trial.score_sd >= 0 for trial in quiet.trials)
    assert len({trial.score_sd for trial in quiet.trials}) > 1


def test_an_interrupted_study_in_memory_says_so(digits: Dataset, telling_often: None) -> None:
    with pytest.raises(StudyInterrupted, match="in memory only") as caught:
        tune(digits, **SMALL, trials=60, progress=interrupt_after(1))
    assert caught.value.study.folder is None
    assert caught.value.study.trials


def test_survivors_go_on_where_they_were(whole: Study) -> None:
    rows = whole.summary.split.train
    retrain = len(whole.summary.retrain.seeds) * 9 * -(-rows // 64)
    assert whole.summary.steps == steps_of(whole, rows) + retrain + refit_steps(whole)
    by_epochs = {trial.epoch for trial in whole.trials}
    assert by_epochs == {1, 3, 9}, "the study has no survivors to speak of"


def test_one_shape_is_one_program(digits: Dataset, whole: Study) -> None:
    programs = whole.summary.programs
    assert programs.compiled + programs.loaded <= 1
    again = tune(digits, **SMALL, trials=4)
    assert (again.summary.programs.compiled, again.summary.programs.loaded) == (0, 0)
