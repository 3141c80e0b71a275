"""The commands end to end on one small study: what they print, for people and machines, and what they leave behind."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from typer.testing import Result

from paceline import load_model, load_study
from paceline.cli import commands
from paceline.cli.screens import trial_table
from paceline.errors import EngineError
from paceline.settings import StudySettings, dump_settings, json_schema, load_settings
from paceline.store import open_store
from paceline.study import Progress, StudyInterrupted, loop
from paceline.study.public import begin
from paceline.study.study import data_of

Run = Callable[..., Result]
TUNE = ("tune", "table.csv", "--target", "kind")
FEW = (
    "--trials",
    "2",
    "--epochs",
    "2",
    "--retrain",
    "1",
    "--stopper",
    "none",
    "--n-jobs",
    "1",
    "--space",
    "space.yaml",
)
SMALL = ("--param", "layers=1", "--param", "units=8", "--param", "batch_size=32")


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "paceline.cli", *words]


@pytest.mark.compiles
def test_tune_shows_what_it_found_and_opens_the_test_set_once(folder: Path, run: Run) -> None:
    result = run(*TUNE, *FEW, *SMALL, "--out", "new")
    assert (result.exit_code, result.stderr) == (0, "")
    study = load_study("new")
    test = study.summary.test
    assert test.opened == 1
    lines = {line[:12].strip(): line[12:] for line in result.stdout.splitlines() if line[:12].strip()}
    assert lines["data"] == "table: 120 rows, 3 features"
    assert lines["target"] == "kind, binary classification: elm, oak"
    assert lines["split"] == "train 72, validation 24, test 24"
    assert lines["search"] == "2 trials: 2 finished; all trials were run"
    assert study.best is not None
    assert lines["best"].startswith(f"trial {study.best.number}: validation error {study.best.score:.4g} at epoch")
    assert f"learning_rate={study.best.params['learning_rate']:.4g}" in result.stdout
    assert "fixed: layers=1  units=8  batch_size=32" in result.stdout
    assert lines["test"].startswith(f"accuracy {test.metrics['accuracy']:.4g} (Wilson 95 %: ")
    assert "test set used 1 time\n" in result.stdout
    assert lines["report"] == "new/report.html" and Path("new/report.html").exists()
    assert lines["model"] == "new/best" and Path("new/best").is_dir()


def test_test_set_stays_closed_on_request_and_openings_are_counted(folder: Path, run: Run) -> None:
    assert "not evaluated yet" in run("show", "study").stdout
    first, second = run("evaluate", "study"), run("evaluate", "study")
    assert "used 1 time\n" in first.stdout and "used 2 times" in second.stdout
    document = json.loads(run("evaluate", "study", "--json").stdout)
    assert document["opened"] == 3
    model, data = load_model("study"), load_study("study").data()
    assert document["metrics"] == model.evaluate(data.test)
    assert "used 3 times" in run("show", "study").stdout


def test_finished_study_is_shown_and_not_trained_again(folder: Path, run: Run) -> None:
    before = run("show", "study", "--json").stdout
    result = run("resume", "study", "--keep-test-closed")
    assert result.exit_code == 0 and "nothing to do" in result.stdout and "not evaluated yet" in result.stdout
    assert run("show", "study", "--json").stdout == before


@pytest.mark.compiles
def test_json_is_one_object_and_the_same_wherever_the_study_lies(folder: Path, run: Run) -> None:
    results = [run(*TUNE, *FEW, *SMALL, "--seed", "7", "--out", out, "--json") for out in ("one", "deep/two")]
    first, second = (json.loads(result.stdout) for result in results)
    assert first["test"]["metrics"] == second["test"]["metrics"] and first["folder"] == "one"
    shown = [run("show", out, "--json").stdout for out in ("one", "deep/two")]
    assert shown[0] == shown[1]
    document = json.loads(shown[0])
    assert document["settings"]["seed"] == 7 and document["settings"]["data"] == "table.csv"
    assert list(document["trials"][0]) == sorted(document["trials"][0])
    for place in ("deep", str(folder)):
        assert place not in shown[0]
    other = run(*TUNE, *FEW, *SMALL, "--seed", "8", "--out", "three", "--json")
    assert [trial["params"] for trial in json.loads(other.stdout)["trials"]] != [
        trial["params"] for trial in document["trials"]
    ]


def settings_of(folder: Path, out: str) -> StudySettings:
    return StudySettings(
        data=str(folder / "table.csv"), target="kind", trials=60, epochs=27, retrain=1, n_jobs=1, out=out,
        params={"layers": 1, "units": 8, "batch_size": 32},
        search={"learning_rate": {"low": 1e-3, "high": 1e-1, "scale": "log"}},
    )  # fmt: skip


@pytest.mark.compiles
def test_resumed_study_is_byte_equal_to_the_uninterrupted_one(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "WAIT_SECONDS", 0.0)  # so that progress is told after every turn of the loop
    settings = settings_of(folder, "stopped")

    def stop(progress: Progress) -> None:
        if progress.phase == "search" and progress.done >= 5:
            raise KeyboardInterrupt

    with pytest.raises(StudyInterrupted):
        begin(settings, data_of(settings), stop)
    assert len(load_study("stopped").trials) < 60
    shown = run("show", "stopped")
    assert shown.exit_code == 0 and "paceline resume stopped" in shown.stdout
    assert run("resume", "stopped").exit_code == 0
    (folder / "study.yaml").write_text(dump_settings(settings_of(folder, "whole")))
    assert run("run", "study.yaml").exit_code == 0
    documents = [run("show", out, "--json").stdout for out in ("stopped", "whole")]
    assert documents[0] == documents[1]
    assert json.loads(documents[0])["state"] == "finished"


def test_show_reads_while_another_writes_and_a_second_writer_is_refused(folder: Path, run: Run) -> None:
    with open_store("study/study.db", create=False) as store:
        store.update_study(state="running")
        shown, resumed = run("show", "study"), run("resume", "study")
    assert shown.exit_code == 0 and "running" in shown.stdout and "4 trials" in shown.stdout
    assert resumed.exit_code == 2 and "one writer at a time" in resumed.stderr


def test_show_lists_the_best_first(folder: Path, run: Run) -> None:
    document = json.loads(run("show", "study", "--json", "--top", "2").stdout)
    scores = [trial["score"] for trial in json.loads(run("show", "study", "--json").stdout)["trials"]]
    assert [trial["score"] for trial in document["trials"]] == sorted(scores)[:2]
    assert document["best"]["number"] == document["trials"][0]["number"]
    table = run("show", "study", "--top", "3").stdout.split("\n\n")[1].splitlines()
    assert table[0].split()[:5] == ["trial", "status", "epochs", "validation", "error"]
    assert len(table) == 4 and table[1].split()[0] == str(document["best"]["number"])


def test_predictions_are_the_models_row_by_row(folder: Path, run: Run) -> None:
    rows = pd.read_csv("table.csv", dtype={"code": str}).drop(columns="kind")
    rows.loc[3, "width"] = np.nan
    rows.loc[4, "code"] = "never seen"
    rows.to_csv("new.csv", index=False)
    result = run("predict", "study", "new.csv", "--out", "pred.csv", "--proba")
    assert (result.exit_code, result.stdout) == (0, "120 predictions are in pred.csv\n")
    table, model = pd.read_csv("pred.csv"), load_model("study/best")
    assert list(table.columns) == ["kind", "p(elm)", "p(oak)"]
    assert list(table["kind"]) == list(model.predict(rows))
    np.testing.assert_allclose(table[["p(elm)", "p(oak)"]], model.predict_proba(rows), rtol=1e-12)
    printed = pd.read_csv(io.StringIO(run("predict", "study/best", "new.csv").stdout))
    assert list(printed["kind"]) == list(table["kind"])


def test_categories_keep_their_zeros(folder: Path, run: Run) -> None:
    rows = pd.DataFrame({"width": [0.1] * 6, "height": [0.1] * 6, "code": ["007"] * 6})
    rows.to_csv("zeros.csv", index=False)  # by itself a column of numbers
    printed = pd.read_csv(io.StringIO(run("predict", "study", "zeros.csv", "--proba").stdout))
    np.testing.assert_allclose(printed["p(oak)"], load_model("study").predict_proba(rows)[:, 1], rtol=1e-12)
    unknown = load_model("study").predict_proba(rows.assign(code="7"))[:, 1]
    assert not np.allclose(printed["p(oak)"], unknown)


def test_report_schema_datasets_and_version(folder: Path, run: Run) -> None:
    assert run("report", "study", "--out", "elsewhere.html").stdout == "elsewhere.html\n"
    assert Path("elsewhere.html").read_text().lstrip().lower().startswith("<")
    assert json.loads(run("schema").stdout) == json_schema()
    assert run("schema", "--out", "schema.json").exit_code == 0
    assert json.loads(Path("schema.json").read_text()) == json_schema()
    names = [one["name"] for one in json.loads(run("datasets", "--json").stdout)]
    assert names == ["digits", "breast-cancer", "wine", "iris", "diabetes"]
    assert "1,797 rows   61 features  multiclass classification, 10 classes" in run("datasets").stdout
    assert run("--version").stdout.startswith("paceline ")
    assert "Commands:" in run().stdout


def test_stored_programs_are_counted_and_cleared(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACELINE_CACHE", str(folder / "programs"))
    (folder / "programs").mkdir(mode=0o700)
    (folder / "programs" / "some.xla").write_bytes(bytes(2_000_000))
    assert run("cache").stdout == f"1 program, 2.0 MB, in {folder / 'programs'}\n"
    assert (folder / "programs" / "some.xla").exists()
    assert run("cache", "--clear").exit_code == 0
    assert not list((folder / "programs").iterdir())


@pytest.mark.compiles
def test_study_file_finds_its_data_beside_it(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "studies").mkdir()
    shutil.copy("table.csv", "studies/rows.csv")
    text = "name: beside\ndata: rows.csv\ntarget: kind\ntrials: 1\nepochs: 1\nretrain: 0\nlanes: 1\n"
    (folder / "studies" / "a.yaml").write_text(text + "params: {layers: 1, units: 8, batch_size: 32}\n")
    assert run("run", "studies/a.yaml", "--keep-test-closed").exit_code == 0
    kept = load_settings("runs/beside/study.yaml")
    assert kept.data == str(folder / "studies" / "rows.csv") and kept.trials == 1
    monkeypatch.chdir(folder / "studies")  # the data are found from anywhere
    assert run("evaluate", "../runs/beside").exit_code == 0


OPTIONS: list[tuple[list[str], dict[str, Any]]] = [
    (["--task", "classes"], {"task": "classes"}),
    (["--column", "width=category"], {"columns": {"width": "category"}}),
    (["--trials", "3"], {"trials": 3}),
    (["--minutes", "0.5"], {"minutes": 0.5}),
    (["--epochs", "4"], {"epochs": 4}),
    (["--seed", "5"], {"seed": 5}),
    (["--metric", "auc"], {"metric": "auc"}),
    (["--target-score", "0.1"], {"target_score": 0.1}),
    (["--space", "space.yaml"], {"search": {"learning_rate": {"low": 1e-3, "high": 0.1, "scale": "log"}}}),
    (["--param", "units=[64, 32]", "--param", "l2=1e-4"], {"params": {"units": [64, 32], "l2": 1e-4}}),
    (["--method", "sobol"], {"method": "sobol"}),
    (["--stopper", "median"], {"stopper": "median"}),
    (["--folds", "3"], {"folds": 3}),
    (["--outer-folds", "3", "--no-final"], {"outer_folds": 3, "final": False}),
    (["--select", "last"], {"select": "last"}),
    (["--retrain", "0"], {"retrain": 0}),
    (["--standardize", "robust"], {"standardize": "robust"}),
    (["--n-jobs", "2"], {"n_jobs": 2}),
    (["--net", "dense"], {"net": "dense"}),
    (["--out", "here"], {"out": "here"}),
    (["--target", "width"], {"target": ["kind", "width"]}),
]


@pytest.mark.parametrize(("words", "expected"), OPTIONS, ids=lambda value: value[0] if isinstance(value, list) else "")
def test_options_become_settings(
    words: list[str], expected: dict[str, Any], folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[StudySettings] = []
    monkeypatch.setattr(commands, "start", lambda settings, closed, as_json: started.append(settings))
    assert run(*TUNE, *words).exit_code == 0
    default = StudySettings(data=str(folder / "table.csv"), target="kind", out="runs/table")
    assert started == [default.changed(**expected)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--validation", "0.3", "--test", "0"], {"validation": 0.3, "test": 0}),
        (["--dev", "0.3"], {"validation": 0.3}),
        (["--test", "50"], {"test": 50}),
        (["--test", "table.csv"], {"test": "table.csv"}),
        (["--group", "code"], {"group": "code"}),
        (["--time", "width"], {"time": "width"}),
    ],
)
def test_options_become_the_split(
    words: list[str], expected: dict[str, Any], folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[StudySettings] = []
    monkeypatch.setattr(commands, "start", lambda settings, closed, as_json: started.append(settings))
    assert run(*TUNE, *words).exit_code == 0
    found = started[0].split.model_dump()
    for name, value in expected.items():
        assert found[name] == (str(folder / value) if value == "table.csv" else value)


def test_faults_and_stops_are_one_sentence_too(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(error: BaseException) -> Result:
        def fail(*_: object) -> None:
            raise error

        monkeypatch.setattr(commands, "start", fail)
        return run(*TUNE)

    broken = raising(EngineError("the program can't be compiled."))
    assert broken.exit_code == 1 and broken.stderr.startswith("Error: the program can't be compiled; please report it")
    unforeseen = raising(ZeroDivisionError("division by zero\nand more"))
    assert unforeseen.exit_code == 1 and "(ZeroDivisionError: division by zero)" in unforeseen.stderr
    stopped = raising(KeyboardInterrupt())
    assert (stopped.exit_code, stopped.stderr) == (130, "stopped; progress is saved.\n")
    for result in (broken, unforeseen, stopped):
        assert result.stderr.count("\n") == 1 and "Traceback" not in result.output


def test_debug_shows_the_traceback_wherever_it_stands(folder: Path, run: Run) -> None:
    for words in (("--debug", "show", "nothing"), ("show", "nothing", "--debug")):
        result = run(*words)
        assert result.exit_code == 2 and "Traceback" in result.stderr
        assert result.stderr.endswith("Error: 'nothing' holds no study (study.db is missing).\n")


def test_help_and_mistakes_load_nothing_heavy() -> None:
    code = (
        "import sys\nfrom paceline.cli import app\n"
        "try:\n    app(['tune', '--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'jax', 'pandas', 'numpy', 'paceline.settings', 'sqlalchemy', 'sklearn'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_ctrl_c_saves_everything_and_says_how_to_go_on(folder: Path, run: Run) -> None:
    words = [word for word in FEW if word not in ("--trials", "2", "--epochs")]
    words = [*TUNE, *words, *SMALL, "--trials", "100000", "--epochs", "400", "--out", "long"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` makes its children deaf to it
    process = subprocess.Popen(command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, before)
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(Exception):  # the study is just being made
                if any(trial.ended for trial in load_study("long").trials):
                    break
            time.sleep(0.2)
        os.kill(process.pid, signal.SIGINT)
        out, error = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out) == (130, "")
    assert error.count("\n") == 1 and "continue it with `paceline resume long`" in error
    study = load_study("long")
    assert study.state == "interrupted" and study.trials
    assert "paceline resume long" in run("show", "long").stdout


def test_table_is_cut_to_a_terminal_and_whole_elsewhere(template: Path) -> None:
    study = load_study(template / "study")
    drawn_at = {}
    for terminal in (True, False):
        console = Console(
            file=io.StringIO(), width=44, force_terminal=terminal, color_system=None, legacy_windows=False
        )
        trial_table(study, 10, console)
        assert isinstance(console.file, io.StringIO)
        drawn_at[terminal] = console.file.getvalue().splitlines()
    assert len(drawn_at[True]) == len(drawn_at[False]) == 5
    assert all(len(line) <= 44 for line in drawn_at[True]) and drawn_at[True][1].endswith("…")
    for line in drawn_at[False][1:]:
        number, status, epochs, score, configuration = line.split()
        trial = study.trials[int(number)]
        assert (status, int(epochs), score) == (str(trial.status), trial.epoch, f"{trial.score:.4g}")
        assert configuration == f"learning_rate={trial.params['learning_rate']:.4g}"


@pytest.mark.compiles
def test_a_failing_report_and_a_failing_extra_are_lines_and_no_fault(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*arguments: object, **named: object) -> None:
        raise RuntimeError("planted")

    for name in ("reporting.write_report", "study.conclude.importances"):
        monkeypatch.setattr(f"paceline.{name}", failing)
    result = run(*TUNE, *FEW, *SMALL, "--out", "new")
    assert (result.exit_code, result.stderr) == (0, "")
    problems = [
        "problem     importance could not be computed: planted",
        "problem     the report could not be written: planted",
    ]
    for shown in (result.stdout, run("show", "new").stdout):
        assert [line for line in shown.splitlines() if line.startswith("problem")] == problems
    assert load_model("new").predict([{"width": 0.1, "height": 0.2, "code": "007"}]).shape == (1,)


@pytest.mark.compiles
def test_a_failing_test_score_is_a_line(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*arguments: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr("paceline.study.study.on_test", failing)
    result = run(*TUNE, *FEW, *SMALL, "--out", "new")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "problem     the test set could not be evaluated: planted" in result.stdout
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    again = run("resume", "new")
    assert again.exit_code == 0 and "test set used 1 time" in again.stdout and "problem" not in again.stdout
