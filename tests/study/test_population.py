"""Population based training: copies go on where their parents stand, the outcome is a schedule, nothing is compiled."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small_studies import SMALL, interrupt_after, outcome, untrained

from paceline.data import Dataset, load
from paceline.errors import SettingsError
from paceline.records import COLUMNS, Status
from paceline.runs import train_many
from paceline.study import Study, StudyInterrupted, resume, tune
from paceline.testing.executors import with_mishaps

pytestmark = pytest.mark.compiles

EPOCHS = 20
LINEAR: dict[str, Any] = {"layers": 0, "optimizer": "sgd", "batch_size": 4}
SPACE = {"learning_rate": {"low": 1e-4, "high": 3e-1, "scale": "log"}}


@pytest.fixture(scope="module")
def noisy() -> Dataset:
    """A linear target under noise, with inputs of which some directions are thirty times as wide as others. A constant
    rate is either too slow for the narrow ones or, with small batches, keeps the weights jumping about (their variance
    grows with the rate), so falling rates beat every constant one: by 16 % here, with a cosine."""
    rng = np.random.default_rng(0)
    rotation, _ = np.linalg.qr(rng.normal(size=(20, 20)))
    widths = np.geomspace(1, 30, 20)
    x = rng.normal(size=(3000, 20)) * widths @ rotation
    y = x @ rotation.T @ (rng.choice([-1, 1], 20) / widths) + rng.normal(size=3000)
    return load(pd.DataFrame(x, columns=[f"x{i}" for i in range(20)]).assign(target=y))


def population(data: Dataset, **changes: Any) -> Study:
    settings: dict[str, Any] = {
        "space": SPACE, "params": LINEAR, "method": "population", "epochs": EPOCHS, "trials": 104, "retrain": 3,
        "metric": "loss", "select": "last", "n_jobs": 2, "method_options": {"interval": 2},
    }  # fmt: skip
    return tune(data, **settings | changes)


@pytest.fixture(scope="module")
def found(noisy: Dataset) -> Study:
    return population(noisy)


@pytest.mark.compiles
def test_the_population_s_schedule_beats_every_constant_rate(noisy: Dataset, found: Study) -> None:
    constants = train_many(
        noisy, [LINEAR | {"learning_rate": rate} for rate in np.geomspace(1e-4, 3e-1, 30)], epochs=EPOCHS, metric="loss"
    )
    loss = COLUMNS.index("loss")
    constant = min(float(run.raw.measurements[-1, loss]) for run in constants if run.status == "finished")
    assert found.best is not None and found.best.score is not None
    assert found.best.score < 0.95 * constant
    assert found.summary.retrain.mean < 0.97 * constant  # by the schedule, from fresh weights, with other seeds
    rates = [stage.params["learning_rate"] for stage in found.summary.best.schedule]
    assert len(rates) > 2 and rates[-1] < rates[0]
    assert found.summary.programs.compiled + found.summary.programs.loaded <= 2  # search, and refit's rows


@pytest.mark.compiles
def test_a_population_stays_as_large_as_it_was(found: Study) -> None:
    copies = [trial for trial in found.trials if trial.parent is not None]
    assert len(found.trials) <= 104 and len(copies) > 20
    for copy in copies:
        assert copy.parent is not None
        parent = found.trials[copy.parent]
        assert copy.cohort == parent.cohort and copy.cloned_at % 2 == 0
        assert copy.curve[: copy.cloned_at] == parent.curve[: copy.cloned_at]
        assert copy.params != parent.params and copy.origin == "clone"
    for epoch in range(2, EPOCHS, 2):
        alive = [t for t in found.trials if t.cohort == 0 and t.cloned_at <= epoch and t.epoch > epoch]
        assert len(alive) == len([t for t in found.trials if t.cohort == 0 and t.parent is None])


@pytest.mark.compiles
@pytest.mark.parametrize("trials", [3, 30, 70])
def test_an_interrupted_population_ends_as_an_undisturbed_one(
    trials: int, noisy: Dataset, found: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.study.loop.WAIT_SECONDS", 0.001)
    with pytest.raises(StudyInterrupted):
        population(noisy, out=tmp_path / "study", progress=interrupt_after(trials))
    for checkpoint in sorted((tmp_path / "study" / "checkpoints").glob("*"))[::2]:
        checkpoint.unlink()  # a crash may have come before they were written
    assert outcome(resume(tmp_path / "study", data=noisy)) == outcome(found)


def test_lanes_and_folds_change_no_outcome(noisy: Dataset) -> None:
    few = {"trials": 30, "folds": 2, "retrain": 1, "epochs": 6}
    assert outcome(population(noisy, **few, n_jobs=1)) == outcome(population(noisy, **few, n_jobs=3))


def test_a_population_takes_no_other_stopper(noisy: Dataset) -> None:
    with pytest.raises(SettingsError, match="'population' ends trials itself, so `stopper` must be 'none'"):
        population(noisy, stopper="hyperband")
    with pytest.raises(SettingsError, match="`interval < epochs` must hold, but got interval=20, epochs=20"):
        population(noisy, method_options={"interval": 20})


def test_copies_of_invented_trials_end_too(digits: Dataset) -> None:
    """A copy's own invented curve may diverge before the epoch that it was copied at; its past is its parent's."""
    settings = SMALL | {"method": "population", "method_options": {"size": 6, "share": 0.5}, "epochs": 5, "trials": 60}
    study = untrained(digits, with_mishaps, **settings)
    copies = [trial for trial in study.trials if trial.parent is not None]
    assert len(copies) > 10 and Status.RUNNING not in {trial.status for trial in study.trials}
    for copy in copies:
        assert copy.parent is not None and (copy.epoch > copy.cloned_at or copy.status is Status.FAILED)
        assert copy.curve[: copy.cloned_at] == study.trials[copy.parent].curve[: copy.cloned_at]
