"""Nested cross-validation on the command line: its cost is said before, its estimate after; nothing is opened twice."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import Result

from paceline import NestedStudy, load_study
from paceline.cli.live import drawing
from paceline.cli.nested import plan_words
from paceline.settings import StudySettings
from paceline.study import Progress

Run = Callable[..., Result]
TUNE = (
    "tune", "table.csv", "--target", "kind", "--trials", "2", "--epochs", "2", "--retrain", "1", "--stopper", "none",
    "--n-jobs", "1", "--space", "space.yaml", "--param", "layers=1", "--param", "units=8", "--param", "batch_size=32",
)  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "a search in each, one more on all rows for the final model; 100 trials a search"),
        ({"final": False, "minutes": 20.0, "trials": 30}, "a search in each; 30 trials or 5 minutes a search"),
        ({"minutes": 1.0}, "for the final model; 0.2 minutes a search"),
    ],
)
def test_what_will_be_done_is_said_before(settings: dict[str, object], words: str) -> None:
    said = plan_words(StudySettings(outer_folds=4, **settings))
    assert said.startswith("nested cross-validation, 4 outer folds: ") and said.endswith(words)


@pytest.mark.compiles
def test_a_nested_study_from_tune_to_predictions(folder: Path, run: Run) -> None:
    refused = run(*TUNE, "--outer-folds", "2", "--out", "nested", "--keep-test-closed")
    assert refused.exit_code == 2 and "each outer fold is a test set that is used once" in refused.stderr
    assert not Path("nested").exists()

    result = run(*TUNE, "--outer-folds", "2", "--out", "nested")
    assert (result.exit_code, result.stderr) == (0, "")
    study = load_study("nested")
    assert isinstance(study, NestedStudy) and study.mean is not None and study.sd is not None
    lines = {line[:12].strip(): line[12:] for line in result.stdout.splitlines() if line[:12].strip()}
    assert lines["split"].startswith("nested cross-validation, 2 outer folds: ")
    assert lines["test"] == f"error {study.mean:.4g} ± {study.sd:.4g} over 2 outer folds"
    assert "Nadeau and Bengio (2003)" in result.stdout and "not one model" in result.stdout
    assert lines["report"] == "nested/report.html" and lines["model"] == "nested/final/best"
    table = result.stdout.split("\n\n")[1].splitlines()
    assert table[0].split() == ["fold", "test", "error", "validation", "trials", "configuration"]
    assert [line.split()[1] for line in table[1:]] == [f"{score:.4g}" for score in study.scores]

    assert run("show", "nested").stdout == result.stdout
    again = run("resume", "nested")
    assert again.exit_code == 0 and "nothing to do" in again.stdout
    opened = run("evaluate", "nested")
    assert opened.exit_code == 2 and "is used once, when its search ends" in opened.stderr
    assert run("report", "nested", "--out", "page.html").stdout == "page.html\n"
    taken = run(*TUNE, "--out", "nested")
    assert taken.exit_code == 2 and "already contains a study" in taken.stderr

    document = json.loads(run("show", "nested", "--json").stdout)
    assert document["mean"] == study.mean and len(document["studies"]) == 2 and document["state"] == "finished"
    assert str(folder) not in json.dumps(document)
    fold = run("show", "nested/outer_1")
    assert fold.exit_code == 0 and "Outer fold 1 of 2" in fold.stdout and "test set used 1 time" in fold.stdout

    assert run("predict", "nested", "table.csv", "--out", "found.csv").exit_code == 0
    assert list(pd.read_csv("found.csv")["kind"]) == list(study.model().predict(pd.read_csv("table.csv")))


def test_progress_says_which_search_it_is_of() -> None:
    progress = Progress(
        done=1, running=1, stopped=0, diverged=0, total=2, best_score=None, metric="error", best_params=None, steps=1,
        steps_per_second=1.0, seconds=1.0, seconds_left=None, compiled=0, compiling=0, phase="search",
        part="search 2 of 6, outer fold 1",
    )  # fmt: skip
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    console.print(drawing(progress, 80))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines()[0].strip() == "search 2 of 6, outer fold 1"
