"""A family that the package doesn't know is searched, trained, saved, reported and resumed like the package's own."""

import html
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from elementwise_scale import SCALE
from typer.testing import CliRunner

import paceline as pl
from paceline.cli import app
from paceline.errors import HyperparameterError, SettingsError, SpaceError
from paceline.reporting import recipe_code
from paceline.study import Progress, StudyInterrupted
from paceline.testing import FamilyContract


class TestScale(FamilyContract):
    family = SCALE


QUICK: dict[str, Any] = {"net": "scale", "trials": 12, "epochs": 3, "retrain": 2, "n_jobs": 2}
SEARCHED = {"learning_rate", "scale_init", "optimizer"}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"width": rng.normal(size=150), "height": rng.normal(size=150)})
    frame["kind"] = np.where(frame["width"] > 0.3 * frame["height"], "oak", "elm")
    return frame


@pytest.fixture(scope="module")
def data(table: pd.DataFrame) -> pl.Dataset:
    return pl.load(table, target="kind")


@pytest.mark.compiles
@pytest.mark.parametrize("options", [{}, {"folds": 2, "method": "random"}, {"objectives": ["parameters"]}])
def test_it_is_searched_under_hyperband(options: dict[str, Any], data: pl.Dataset, tmp_path: Path) -> None:
    study = pl.tune(data, **QUICK, **options, out=tmp_path / "study")
    assert study.state == "finished" and study.best is not None
    assert study.settings.resolved().stopper == "hyperband" and study.settings.net == "scale"
    assert all(set(trial.params) == SEARCHED for trial in study.trials)
    model, rows = study.model(), data.test.features
    again = pl.load_model(model.save(tmp_path / "model"))
    assert again.family.name == "scale" and again.config == model.config
    np.testing.assert_array_equal(again.outputs(rows), model.outputs(rows))
    assert model.evaluate(data.test)["error"] < 0.3


@pytest.mark.compiles
def test_it_is_trained_as_told(data: pl.Dataset) -> None:
    run = pl.train(data, net="scale", epochs=8, learning_rate=0.05, scale_init=0.5)
    assert run.status == "finished" and run.score < 0.3
    assert run.model.family.name == "scale" and set(run.raw.best.params) == {"scale", "kernel", "bias"}
    with pytest.raises(HyperparameterError, match="unknown hyperparameter 'units'"):
        pl.train(data, net="scale", units=3)


@pytest.mark.compiles
def test_the_command_line_knows_it(table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table.to_csv("trees.csv", index=False)

    def paceline(*words: str) -> str:
        result = CliRunner().invoke(app, list(words))
        assert result.exit_code == 0, result.output
        return result.output

    quick = ("--trials", "6", "--epochs", "2", "--retrain", "1", "--n-jobs", "1")
    paceline("tune", "trees.csv", "--target", "kind", "--net", "scale", *quick, "--param", "l2=0.1", "--out", "study")
    study = pl.load_study("study")
    assert study.best is not None
    shown = paceline("show", "study")
    assert f"trial {study.best.number}" in shown and "scale_init" in shown
    paceline("predict", "study", "trees.csv", "--out", "predicted.csv")
    assert pd.read_csv("predicted.csv")["kind"].tolist() == pl.load_model("study").predict(table).tolist()
    page = Path("study/report.html").read_text(encoding="utf-8")
    assert "scale_init" in page and recipe_code(study.record, study.best) in html.unescape(page)


@pytest.mark.compiles
def test_the_report_s_program_trains_it_again(data: pl.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    for standardize in ("standard", "none"):
        study = pl.tune(data, **{**QUICK, "trials": 3}, stopper="none", refit=False, standardize=standardize)
        assert study.best is not None
        code = recipe_code(study.record, study.best)
        assert "net='scale'" in code
        found: dict[str, Any] = {"print": lambda *words: None}
        monkeypatch.setattr(pl, "load", lambda *_, **__: data)
        exec(compile(code, "recipe", "exec"), found)
        monkeypatch.undo()
        assert found["run"].score == study.best.score and found["run"].family.name == "scale"


@pytest.mark.compiles
def test_a_study_of_it_is_interrupted_and_resumed(data: pl.Dataset, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.phase == "search" and progress.done >= 3:
            raise KeyboardInterrupt

    long = {**QUICK, "trials": 300, "epochs": 9, "method": "random"}
    whole = pl.tune(data, **long)
    with pytest.raises(StudyInterrupted):
        pl.tune(data, **long, out=tmp_path / "study", progress=stop)
    begun = pl.load_study(tmp_path / "study")
    assert len([trial for trial in begun.trials if trial.ended]) < len(whole.trials)
    resumed = pl.resume(tmp_path / "study", data=data)
    assert [(trial.params, trial.curve) for trial in resumed.trials] == [(t.params, t.curve) for t in whole.trials]
    rows = data.test.features
    np.testing.assert_array_equal(resumed.model().outputs(rows), whole.model().outputs(rows))


def test_its_name_is_offered_where_it_is_mistyped(data: pl.Dataset) -> None:
    with pytest.raises(SettingsError, match=r"unknown net 'scales'.*'scale'"):
        pl.tune(data, **{**QUICK, "net": "scales"})
    with pytest.raises(SpaceError, match="'units', which is no hyperparameter"):
        pl.tune(data, **QUICK, space={"units": [8, 16]})
    space = pl.default_space("scale", rows=100, features=2, task="classes")
    assert set(space.names) == SEARCHED
