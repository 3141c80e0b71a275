"""A folder with small files of every kind, and one small study that all tests of the command line look at."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner, Result

from paceline.cli import app
from paceline.settings import StudySettings
from paceline.study.public import begin
from paceline.study.study import data_of
from paceline.testing import StubExecutor

ROWS = 120
SPACE = "learning_rate: {low: 1e-3, high: 1e-1, scale: log}\n"
QUICK = (
    "--space", "space.yaml", "--param", "layers=1", "--param", "units=8", "--param", "batch_size=32", "--trials", "4",
    "--epochs", "3", "--retrain", "2", "--stopper", "none", "--n-jobs", "1",
)  # fmt: skip


def table() -> pd.DataFrame:
    """Two numbers, a category whose zeros matter, and a class that depends on all three."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"width": rng.normal(size=ROWS), "height": rng.normal(size=ROWS)})
    frame["code"] = [("x01", "x02", "007")[number] for number in rng.integers(0, 3, ROWS)]
    frame["kind"] = np.where(frame["width"] + (frame["code"] == "007") > 0.3, "oak", "elm")
    return frame


def paceline(*words: object) -> Result:
    """Runs a command line in this process."""
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with table.csv, space.yaml and the finished study in `study`, of which nothing was trained; don't write
    to it. What `QUICK` says on the command line, the settings say here."""
    folder = tmp_path_factory.mktemp("template")
    table().to_csv(folder / "table.csv", index=False)
    (folder / "space.yaml").write_text(SPACE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        settings = StudySettings(
            data="table.csv", target="kind", search=yaml.safe_load(SPACE), trials=4, epochs=3, retrain=2, n_jobs=1,
            stopper="none", params={"layers": 1, "units": 8, "batch_size": 32}, out="study",
        )  # fmt: skip
        begin(settings, data_of(settings), None, executors=lambda _: StubExecutor())
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the template to work in."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def run() -> Callable[..., Result]:
    return paceline
