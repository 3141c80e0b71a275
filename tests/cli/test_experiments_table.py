"""Controlled experiments from a study file: run, shown as a table, printed as JSON, refused in one sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import Result

from paceline import load_study
from paceline.cli.experiments import experiment_rows
from paceline.cli.screens import print_rows
from paceline.summary import ExperimentResults

Run = Callable[..., Result]
FILE = """
data: table.csv
target: kind
out: arms
method: manual
method_options:
  base: {learning_rate: 1e-3}
  factors:
    learning_rate: [1e-2, 3e-2]
    momentum: [0.5]          # which adam doesn't use
  repeats: 3
params: {layers: 1, units: 8, batch_size: 32}
epochs: 3
retrain: 0
refit: false
n_jobs: 1
"""


@pytest.mark.compiles
def test_a_study_file_runs_experiments_and_shows_their_table(folder: Path, run: Run) -> None:
    Path("study.yaml").write_text(FILE)
    result = run("run", "study.yaml", "--keep-test-closed")
    assert (result.exit_code, result.stderr) == (0, "")
    found = load_study("arms").summary.experiments
    for shown in (result.stdout, run("show", "arms").stdout):
        rows = [
            line
            for line in shown.splitlines()
            if line.startswith(("hyperparameter", "baseline ", "learning_rate ", "momentum "))
        ]
        assert [row.split()[0] for row in rows] == [
            "hyperparameter",
            "baseline",
            "learning_rate",
            "learning_rate",
            "momentum",
            "baseline",
        ]
        assert "variant − baseline" in rows[0] and "no effect" in rows[4] and "not compared" not in rows[0]
        assert rows[5].endswith("learning_rate=0.001  momentum=0.9; 3 repetitions of each variant")
        assert f"next        {found.next.sentence}" in shown
    assert json.loads(run("show", "arms", "--json").stdout)["experiments"] == found.to_json()


def test_what_is_wrong_in_a_plan_is_told_in_one_sentence(folder: Path, run: Run) -> None:
    Path("study.yaml").write_text(FILE.replace("momentum: [0.5]", "momentun: [0.5]"))
    result = run("run", "study.yaml")
    assert result.exit_code == 2 and not Path("arms").exists()
    assert (
        result.stderr.count("\n") == 1
        and "names 'momentun', not a parameter; did you mean 'momentum'?" in result.stderr
    )


def test_lost_runs_have_a_column_at_the_end() -> None:
    missing: dict[str, Any] = dict.fromkeys(
        ("mean", "difference", "low", "high", "p_adjusted", "unpaired_low", "unpaired_high", "ratio", "train")
    )
    arm = {**missing, "factor": "units", "value": 8, "verdict": "unknown", "lost": ["repeat 1: diverged in epoch 1"]}
    found = {"base": {**missing, "lost": []}, "arms": [arm], "train_name": "train_loss"}
    rows = experiment_rows(ExperimentResults.from_json(found), "rmse")
    assert rows[0][-2:] == ["train loss", "not compared"] and rows[2][-1] == "repeat 1: diverged in epoch 1"
    assert set(rows[2][2:5]) == {"–"}


def test_words_stand_to_the_left_and_numbers_to_the_right() -> None:
    console = Console(width=80, record=True, highlight=False)
    with console.capture() as capture:
        print_rows([["factor", "value", "rest"], ["a b", "0.001", "x"], ["beta2", "1", ""]], console)
    assert [line.rstrip() for line in capture.get().splitlines()] == [
        "factor  value  rest",
        "a b     0.001  x",
        "beta2       1",
    ]
