"""Controlled experiments as studies: arms share seeds to the last bit, run to their end, and survive interruptions."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_studies import ONE_SHAPE, interrupt_after, outcome

from paceline.cli.documents import study_document, text_of
from paceline.data import Dataset
from paceline.errors import SettingsError, SpaceError
from paceline.records import COLUMNS, History
from paceline.settings import StudySettings
from paceline.store import read_store
from paceline.study import Study, StudyInterrupted, load_study, resume, tune
from paceline.study.experiments import experiments_of
from paceline.study.setup import set_up
from paceline.testing import StubExecutor

EPOCHS = 6
OPTIONS: dict[str, Any] = {
    "base": {"learning_rate": 3e-3, "schedule": "step"},
    "factors": {"schedule_every": [4], "learning_rate": [1e-2, 1e9]},
    "repeats": 3,
}
FEW = {"base": {}, "factors": {"dropout": [0.3]}, "repeats": 2}


def experiments(data: Dataset, options: dict[str, Any] = OPTIONS, **changes: Any) -> Study:
    fixed = {"layers": 1, "batch_size": ONE_SHAPE["batch_size"], "optimizer": "sgd"}
    settings = {"method": "manual", "method_options": options, "epochs": EPOCHS, "params": fixed, "n_jobs": 2}
    return tune(data, **{**settings, "retrain": 0, "refit": False, **changes})


@pytest.fixture(scope="module")
def found(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A base and three arms, three repeats; read only."""
    return experiments(digits, out=tmp_path_factory.mktemp("experiments") / "study")


@pytest.mark.compiles
def test_all_arms_run_to_their_end_and_repeats_share_seeds(found: Study) -> None:
    assert found.settings.stopper == "none" and found.settings.trials == len(found.trials) == 12
    assert found.summary.ended == "all trials were run"
    assert all(trial.epoch == EPOCHS for trial in found.trials if trial.status == "finished")
    seeds = [trial.seed for trial in found.trials]
    assert len(set(seeds)) == 3 and seeds == sorted(seeds, key=seeds.index)


@pytest.mark.compiles
def test_arms_are_equal_to_the_bit_until_their_factor_acts(found: Study) -> None:
    """The step comes after 10 epochs by default, in the arm after 4: same weights, batches and order until then."""
    for repeat in range(3):
        base, arm = found.trials[4 * repeat : 4 * repeat + 2]
        assert arm.params == base.params | {"schedule_every": 4}
        assert base.curve[:4] == arm.curve[:4] and len(set(base.curve)) > 2
        assert base.params["schedule_every"] == 10  # the hyperparameter's own default


@pytest.mark.compiles
def test_the_summary_compares_and_names_what_diverged(found: Study) -> None:
    summary = found.summary.experiments
    arms = {(arm.factor, arm.value): arm for arm in summary.arms}
    assert list(arms) == [("schedule_every", 4), ("learning_rate", 1e-2), ("learning_rate", 1e9)]
    base = [found.trials[number].score for number in summary.base.trials]
    fast = arms["learning_rate", 1e-2]
    own = [found.trials[number].score for number in fast.trials]
    assert fast.difference == pytest.approx(np.mean(own) - np.mean(base))  # type: ignore[arg-type]
    assert fast.verdict in ("better", "perhaps better") and summary.next.factor == "learning_rate"
    wild = arms["learning_rate", 1e9]
    assert wild.verdict == "unreliable" and wild.lost[0].startswith("repeat 1: diverged in epoch 1")
    assert summary.train_name == "train_error" and 0 < fast.train < summary.base.train < 1
    json.dumps(summary.to_json(), allow_nan=False)


@pytest.mark.compiles
@pytest.mark.parametrize("trials", [2, 9])
def test_interrupted_experiments_end_as_undisturbed_ones(
    trials: int, digits: Dataset, found: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.study.loop.WAIT_SECONDS", 0.001)
    with pytest.raises(StudyInterrupted):
        experiments(digits, out=tmp_path / "study", progress=interrupt_after(trials), n_jobs=1)
    again = resume(tmp_path / "study", data=digits)
    assert outcome(again) == outcome(found)
    assert again.summary.experiments == found.summary.experiments


@pytest.mark.compiles
def test_it_is_stored_and_printed_as_json(found: Study) -> None:
    assert found.folder is not None
    stored = load_study(found.folder)
    assert json.loads(text_of(study_document(stored)))["experiments"] == found.summary.experiments.to_json()


def test_a_space_of_one_s_own_gives_defaults_and_limits(digits: Dataset) -> None:
    space = {"learning_rate": {"low": 1e-3, "high": 1e-1, "scale": "log"}, "dropout": {"low": 0.0, "high": 0.4}}
    settings = StudySettings(method="manual", method_options=FEW, search=space, params=ONE_SHAPE)
    setup = set_up(settings, digits, StubExecutor())
    first = setup.searcher.suggest(History(), 2, np.random.default_rng(0))
    assert first == [{"learning_rate": pytest.approx(1e-2), "dropout": value} for value in (0.2, 0.3)]
    assert setup.settings.trials == 4


@pytest.mark.compiles
def test_numpy_s_values_and_fewer_trials_than_planned(digits: Dataset, tmp_path: Path) -> None:
    options = {"base": {"learning_rate": 1e-2}, "factors": {"dropout": np.linspace(0.1, 0.3, 2)}, "repeats": 4}
    study = experiments(digits, options, trials=5, epochs=1, out=tmp_path / "study")
    assert [arm.pairs for arm in study.summary.experiments.arms] == [2, 1]
    assert load_study(tmp_path / "study").settings.method_options["factors"] == {"dropout": [0.1, pytest.approx(0.3)]}


@pytest.mark.compiles
def test_a_regression_is_told_with_its_training_loss(found: Study) -> None:
    assert found.folder is not None
    setup = set_up(found.settings, found.data(), StubExecutor())
    with read_store(str(found.folder / "study.db")) as store:
        summary = experiments_of(setup.searcher, found.trials, "minimize", "regression", store)
        rows = {block.trial: block.values for block in store.measurements() if block.first_epoch == 1}
    assert summary is not None and summary.train_name == "train_loss"
    ends = [rows[number][found.trials[number].best_epoch - 1] for number in summary.base.trials]
    assert summary.base.train == pytest.approx(np.mean([row[COLUMNS.index("train_loss")] for row in ends]))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"stopper": "hyperband"}, "controlled experiments train every arm to its end, so `stopper` must be 'none'"),
        ({"options": {"factors": {"unit": [8]}}}, "names 'unit', not a parameter; did you mean 'units'"),
        ({"options": {"factors": {"layers": [2]}}}, "must be in `params` or in the plan .* but 'layers' is in both"),
        ({"options": {"factors": {"units": 8}}}, "Factor 'units' must be a list of at least one value, but got 8"),
        ({"options": {**FEW, "repeat": 3}}, "has no option 'repeat'; did you mean 'repeats'"),
    ],
)
def test_what_breaks_a_rule_is_told_before_anything_is_trained(
    changes: dict[str, Any], sentence: str, digits: Dataset
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        experiments(digits, **{"options": FEW, **changes})


def test_an_arm_that_can_t_be_trained_is_told(digits: Dataset) -> None:
    with pytest.raises(SpaceError, match="configurations that can't be trained: `0 <= dropout < 1` must hold"):
        experiments(digits, {"factors": {"dropout": [1.5]}})
