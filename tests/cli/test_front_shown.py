"""The Pareto front on the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from paceline import load_study

Run = Callable[..., Result]
WORDS = (
    "--space", "space.yaml", "--param", "layers=1", "--param", "batch_size=32", "--trials", "6", "--epochs", "2",
    "--retrain", "1", "--stopper", "none", "--n-jobs", "1", "--keep-test-closed",
)  # fmt: skip


@pytest.mark.compiles
def test_the_front_is_shown_and_told_to_machines(folder: Path, run: Run) -> None:
    (folder / "space.yaml").write_text("learning_rate: {low: 1e-3, high: 1e-1, scale: log}\nunits: {low: 3, high: 8}\n")
    made = run("tune", "table.csv", "--target", "kind", *WORDS, "--objective", "parameters", "--out", "two")
    assert made.exit_code == 0, made.output
    study = load_study("two")
    assert study.settings.objectives == ["parameters"]
    assert "objectives:\n- parameters" in Path("two/study.yaml").read_text()
    front = study.pareto()
    for text in (made.stdout, run("show", "two").stdout):
        lines = text.splitlines()
        title = next(i for i, line in enumerate(lines) if "Pareto-optimal trial" in line)
        assert lines[title].startswith(f"{len(front)} Pareto-optimal trial")
        head = lines[title + 1]
        assert head.split()[:4] == ["trial", "validation", "error", "parameters"]
        assert "µs/row, batch 1024" in head
        cells = [line.split() for line in lines[title + 2 : title + 2 + len(front)]]
        assert [int(row[0]) for row in cells] == front["trial"].tolist()
        assert [float(row[2].replace(",", "")) for row in cells] == front["parameters"].tolist()
    document = json.loads(run("show", "two", "--json").stdout)
    assert document["pareto"]["objectives"] == ["parameters"]
    assert [member["trial"] for member in document["pareto"]["front"]] == front["trial"].tolist()
    assert document["pareto"]["front"][0]["costs"] == {"parameters": front["parameters"][0]}
    assert "inference" not in document  # a clock's reading
    assert "inference" in json.loads(run("resume", "two", "--json").stdout)


def test_a_study_of_one_objective_has_no_front(folder: Path, run: Run) -> None:
    assert "Pareto" not in run("show", "study").stdout
    assert json.loads(run("show", "study", "--json").stdout)["pareto"] is None


def test_a_mistyped_objective_is_one_sentence(folder: Path, run: Run) -> None:
    result = run("tune", "table.csv", "--target", "kind", *WORDS, "--objective", "parametrs", "--out", "two")
    assert result.exit_code == 2
    assert "parameters" in result.stderr
    assert result.stderr.count("\n") == 1
