"""Bad inputs, tabulated: each is answered by one sentence on stderr and exit code 2, and no file is lost or changed."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import Result

TUNE = "tune table.csv --target kind"
SETTINGS = "data: table.csv\ntarget: kind\n"


def write_bad_files(folder: Path) -> None:
    """Files that something is wrong with, by name."""
    good = pd.read_csv(folder / "table.csv")
    texts = {
        "empty.csv": "",
        "header.csv": "a,b,kind\n",
        "notes.docx": "a,b\n1,2\n",
        "wide.csv": "a,b\n1,2\n3,4,5\n",
        "numbers.csv": "1,2\n3,4\n",
        "twice.csv": "a,a,kind\n1,2,x\n3,4,y\n",
        "unnamed.csv": "a,b\n1,2\n2,3\n",
        "two.csv": "a,kind\n1,x\n2,y\n",
        "bad.parquet": "PAR1 nothing",
        "bad.xlsx": "nothing",
        "bad.npz": "nothing",
        "bad.jsonl": '{"a": 1}\n{"a": \n',
        "bad.arff": "@relation x\n@attribute a whatever\n@data\n1\n",
        "low.yaml": "learning_rate: {low: 1e-1, high: 1e-3}\n",
        "log.yaml": "l2: {low: 0, high: 1.0, scale: log}\n",
        "key.yaml": "learning_rate: {low: 1e-3, hihg: 1e-1}\n",
        "name.yaml": "leraning_rate: {low: 1e-3, high: 1e-1}\n",
        "when.yaml": "momentum: {low: 0.1, high: 0.9, when: {optimiser: sgd}}\n",
        "choices.yaml": "optimizer: {choices: []}\n",
        "range.yaml": "dropout: {low: 0.5, high: 1.5}\n",
        "choice.yaml": "optimizer: [adam, adamm]\n",
        "list.yaml": "- learning_rate\n",
        "nothing.yaml": "",
        "broken.yaml": "learning_rate: {low: 1e-3\n",
        "setting.yaml": SETTINGS + "trails: 10\n",
        "fine.yaml": SETTINGS,
        "type.yaml": SETTINGS + "trials: many\n",
        "nodata.yaml": "trials: 10\n",
        "gone.yaml": "data: nowhere.csv\n",
        "both.yaml": SETTINGS + "params: {dropout: 0.1}\nsearch: {dropout: [0.0, 0.2]}\n",
        "method.yaml": SETTINGS + "method_options: {nonsense: 1}\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    (folder / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x01")
    (folder / "cut.csv.gz").write_bytes(b"\x1f\x8b\x08\x00nothing")
    (folder / "latin.yaml").write_bytes("name: caf\xe9".encode("latin-1"))
    (folder / "afolder").mkdir()
    good.assign(kind="oak").to_csv(folder / "one_class.csv", index=False)
    good.assign(kind=np.nan).to_csv(folder / "no_target.csv", index=False)
    good.assign(kind=3.5).to_csv(folder / "constant.csv", index=False)
    good.drop(columns="height").to_csv(folder / "lacks.csv", index=False)
    good.assign(width="wide").to_csv(folder / "words.csv", index=False)
    np.savez(folder / "odd.npz", a=np.zeros(3), b=np.zeros(3))
    for name in ("damaged", "newer", "foreign", "halved"):
        shutil.copytree(folder / "study" / "best", folder / name)
    (folder / "damaged" / "recipe.json").write_text('{"format": "paceline-dense"')
    (folder / "foreign" / "recipe.json").write_text('{"format": "other"}')
    (folder / "newer" / "recipe.json").write_text('{"format": "paceline-dense", "version": 99}')
    weights = (folder / "halved" / "model.safetensors").read_bytes()
    (folder / "halved" / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    (folder / "notastudy").mkdir()
    (folder / "notastudy" / "study.db").write_text("a diary")


CASES = {
    # files
    "file missing": ("tune tabel.csv --target kind", "did you mean 'table.csv'?"),
    "file empty": ("tune empty.csv --target kind", "empty"),
    "file with a header only": ("tune header.csv --target kind", "no rows"),
    "folder": ("tune afolder --target kind", "folder"),
    "extension unknown": ("tune notes.docx --target kind", "unknown extension"),
    "row too wide": ("tune wide.csv --target b", "line 3"),
    "header missing": ("tune numbers.csv", "name the columns"),
    "column names twice": ("tune twice.csv --target kind", "'a'"),
    "parquet corrupt": ("tune bad.parquet --target kind", "can't be read as parquet"),
    "excel corrupt": ("tune bad.xlsx --target kind", "can't be read as xlsx"),
    "npz corrupt": ("tune bad.npz", "can't be read as npz"),
    "npz without X and y": ("tune odd.npz", "odd.npz"),
    "json lines corrupt": ("tune bad.jsonl --target a", "bad.jsonl"),
    "arff corrupt": ("tune bad.arff --target a", "bad.arff"),
    "gzip corrupt": ("tune cut.csv.gz --target kind", "cut.csv.gz"),
    "no text": ("tune picture.csv --target kind", "isn't text"),
    "built-in data set unknown": ("tune digitz", "did you mean 'digits'?"),
    # targets and columns
    "target unknown": ("tune table.csv --target kimd", "did you mean 'kind'?"),
    "target named twice": (f"{TUNE} --target kind", "'kind'"),
    "target not named": ("tune unnamed.csv", "`target`"),
    "target with one class": ("tune one_class.csv --target kind", "at least two"),
    "target all missing": ("tune no_target.csv --target kind", "'kind'"),
    "target constant": ("tune constant.csv --target kind --task regression", "'kind'"),
    "task that doesn't suit": (f"{TUNE} --task regression", "'kind'"),
    "task unknown": (f"{TUNE} --task clases", "did you mean 'classes'?"),
    "column kind unknown": (f"{TUNE} --column width=numerical", "did you mean 'numeric'?"),
    "column unknown": (f"{TUNE} --column widht=numeric", "did you mean 'width'?"),
    "column without a kind": (f"{TUNE} --column width", "name=value"),
    # splits
    "dev part of everything": (f"{TUNE} --validation 1.5", "--validation must be"),
    "test part negative": (f"{TUNE} --test -0.2", "--test must be"),
    "parts larger than the table": (f"{TUNE} --dev 100 --test 50", "left to train on"),
    "too few rows": ("tune two.csv --target kind", "rows"),
    "test file missing": (f"{TUNE} --test tset.csv", "tset.csv"),
    "test file without columns": (f"{TUNE} --test lacks.csv", "height"),
    "group column unknown": (f"{TUNE} --group widht", "did you mean 'width'?"),
    "time column of text": (f"{TUNE} --time code", "'code'"),
    "folds of one": (f"{TUNE} --folds 1", "at least 2"),
    "more folds than rows": (f"{TUNE} --folds 1000", "1000"),
    # spaces
    "low above high": (f"{TUNE} --space low.yaml", "learning_rate"),
    "log of zero": (f"{TUNE} --space log.yaml", "l2"),
    "key of a parameter unknown": (f"{TUNE} --space key.yaml", "did you mean 'high'?"),
    "hyperparameter unknown": (f"{TUNE} --space name.yaml", "did you mean 'learning_rate'?"),
    "condition on nothing": (f"{TUNE} --space when.yaml", "optimiser"),
    "choices empty": (f"{TUNE} --space choices.yaml", "optimizer"),
    "range outside the knob's": (f"{TUNE} --space range.yaml", "dropout < 1"),
    "choice unknown": (f"{TUNE} --space choice.yaml", "did you mean 'adam'?"),
    "space that is a list": (f"{TUNE} --space list.yaml", "mapping"),
    "space that is empty": (f"{TUNE} --space nothing.yaml", "nothing.yaml"),
    "space that isn't yaml": (f"{TUNE} --space broken.yaml", "broken.yaml, line"),
    "space missing": (f"{TUNE} --space nowhere.yaml", "nowhere.yaml"),
    # settings
    "study file not in UTF-8": ("run latin.yaml", "UTF-8"),
    "study file that is a folder": ("run afolder", "afolder"),
    "setting unknown": ("run setting.yaml", "did you mean 'trials'?"),
    "setting of a wrong type": ("run type.yaml", "line 3"),
    "study file without data": ("run nodata.yaml", "data: beans.csv"),
    "study file with data that are gone": ("run gone.yaml", "nowhere.csv"),
    "study file missing": ("run nowhere.yaml", "nowhere.yaml"),
    "searched and fixed": ("run both.yaml", "'dropout'"),
    "option of a method unknown": ("run method.yaml", "nonsense"),
    "method unknown": (f"{TUNE} --method randon", "did you mean 'random'?"),
    "stopper unknown": (f"{TUNE} --stopper hyperbend", "did you mean 'hyperband'?"),
    "net unknown": (f"{TUNE} --net desne", "did you mean 'dense'?"),
    "metric unknown": (f"{TUNE} --metric acuracy", "did you mean 'accuracy'?"),
    "metric that doesn't suit": (f"{TUNE} --metric rmse", "rmse"),
    "no trials": (f"{TUNE} --trials 0", "at least 1"),
    "negative minutes": (f"{TUNE} --minutes -1", "above 0"),
    "no epochs": (f"{TUNE} --epochs 0", "at least 1"),
    "negative seed": (f"{TUNE} --seed -1", "at least 0"),
    "seed of text": (f"{TUNE} --seed lucky", "--seed"),
    "no jobs": (f"{TUNE} --n-jobs 0", "at least 1"),
    "select unknown": (f"{TUNE} --select lats", "did you mean 'last'?"),
    "standardize unknown": (f"{TUNE} --standardize standart", "did you mean 'standard'?"),
    "option unknown": (f"{TUNE} --trails 3", "--trials"),
    "option without a value": (f"{TUNE} --trials", "--trials"),
    "command unknown": ("tuen table.csv", "tune"),
    "argument missing": ("tune", "data"),
    # hyperparameters
    "dropout of all": (f"{TUNE} --param dropout=1", "dropout < 1"),
    "too many layers": (f"{TUNE} --param layers=9", "layers <= 8"),
    "no units": (f"{TUNE} --param units=0", "1 <= units"),
    "optimizer unknown": (f"{TUNE} --param optimizer=adan", "did you mean 'adam'?"),
    "units of a wrong length": (f"{TUNE} --param layers=2 --param units=[8,8,8]", "units"),
    "param unknown": (f"{TUNE} --param momentun=0.9", "did you mean 'momentum'?"),
    "param without a value": (f"{TUNE} --param momentum", "name=value"),
    "param twice": (f"{TUNE} --param layers=1 --param layers=2", "twice"),
    "loss that doesn't suit": (f"{TUNE} --param loss=huber", "huber"),
    # study folders
    "study missing": ("show runs/nothing", "no study"),
    "study to resume missing": ("resume runs/nothing", "no study"),
    "study that is none": ("show notastudy", "isn't a study"),
    "study there already": (f"{TUNE} --out study", "paceline resume study"),
    "study there already, from a file": ("run fine.yaml --out study", "paceline resume study"),
    "out is a file": (f"{TUNE} --out table.csv", "is a file"),
    "evaluate without a study": ("evaluate afolder", "no study"),
    "report into nowhere": ("report study --out nowhere/report.html", "nowhere"),
    "top of none": ("show study --top 0", "--top"),
    # models and rows to predict
    "model missing": ("predict afolder table.csv", "is missing"),
    "model damaged": ("predict damaged table.csv", "can't be read"),
    "model of something else": ("predict foreign table.csv", "isn't a Paceline model"),
    "model from the future": ("predict newer table.csv", "99"),
    "model cut off": ("predict halved table.csv", "can't be read"),
    "rows missing": ("predict study nowhere.csv", "nowhere.csv"),
    "rows without a column": ("predict study lacks.csv", "'height'"),
    "rows of a wrong kind": ("predict study words.csv", "'width'"),
    "predictions over their rows": ("predict study table.csv --out table.csv", "must not replace"),
    "predictions into nowhere": ("predict study table.csv --out nowhere/pred.csv", "doesn't exist"),
}


def contents(folder: Path) -> dict[str, str]:
    """Every file's digest, but for the side files by which SQLite lets readers and a writer meet."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
        if not path.name.endswith(("-shm", "-wal", ".lock"))
    }


@pytest.fixture(scope="module")
def bad_folder(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template's files and the bad ones; every case must leave them as they are, so all cases share it."""
    folder = tmp_path_factory.mktemp("bad")
    shutil.copytree(template, folder, dirs_exist_ok=True)
    write_bad_files(folder)
    return folder


@pytest.mark.parametrize("case", CASES)
def test_one_sentence_and_nothing_lost(
    case: str, bad_folder: Path, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bad_folder)
    before = contents(bad_folder)
    command, hint = CASES[case]
    result = run(*command.split())
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    message = result.stderr
    assert message.startswith("Error: ")
    assert message.count("\n") == 1
    assert message.endswith((".\n", "?\n"))
    assert hint in message
    assert "Traceback" not in message
    assert len(message) < 420
    assert contents(bad_folder) == before


def test_the_table_is_long_enough() -> None:
    assert len(CASES) >= 40
    assert len({command for command, _ in CASES.values()}) == len(CASES)


def test_real_process_tells_the_same(folder: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "paceline.cli", "tune", "tabel.csv", "--target", "kind"], capture_output=True, text=True
    )
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "Error: There is no file 'tabel.csv'; did you mean 'table.csv'?\n"
