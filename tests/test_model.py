"""A saved model predicts as before it was saved, and so does one that an earlier version of Paceline saved."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from paceline.data import Dataset, load
from paceline.errors import ModelError
from paceline.model import Model, load_model
from paceline.net.dense import DENSE
from paceline.net.dense.hyperparameters import resolve
from paceline.net.dense.initializers import initial_weights

VERSION_1 = Path(__file__).parent / "saved_models" / "version_1"
ROWS = pd.DataFrame(
    {"size": [3.0, None], "paid": [True, None], "colour": ["blue", "mauve"], "since": ["2020-02-03", "2021-05-06"]}
)


def table(**targets: Any) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"width": rng.normal(size=60), "colour": rng.choice(["red", "blue"], 60), **targets})


DATA = {
    "binary": load(table(kind=["oak", "elm"] * 30), target="kind"),
    "classes": load(table(kind=[3, 1, 2] * 20), target="kind"),
    "multilabel": load(table(wet=[0, 1] * 30, cold=[0, 0, 1] * 20), target=["wet", "cold"]),
    "one number": load(table(mass=np.arange(60.0) ** 2), target="mass"),
    "two numbers": load(table(mass=np.arange(60.0) ** 2, cost=np.arange(60.0)), target=["mass", "cost"]),
}


def untrained(data: Dataset) -> Model:
    fold = data.fold()
    config = resolve({"layers": 1, "units": 3, "norm": "batch"}, task=str(data.task))
    statistics = [{"mean": np.full(3, 0.1, np.float32), "variance": np.full(3, 2, np.float32)}]
    weights = initial_weights(config, fold.x_train.shape[1], data.n_outputs, seed=1)
    return Model(DENSE, config, weights, statistics, fold.inputs, fold.target)


@pytest.mark.parametrize("task", DATA)
def test_a_saved_model_is_the_same_model(task: str, tmp_path: Path) -> None:
    data = DATA[task]
    model = untrained(data)
    again = load_model(model.save(tmp_path / "model"))
    assert (again.config, again.inputs, again.target) == (model.config, model.inputs, model.target)
    rows = data.test.features
    np.testing.assert_array_equal(again.predict(rows), model.predict(rows))
    assert again.evaluate(data.test) == model.evaluate(data.test)
    if model.classes:
        np.testing.assert_array_equal(again.predict_proba(rows), model.predict_proba(rows))
    else:
        with pytest.raises(ModelError, match="predicts numbers, not probabilities"):
            again.predict_proba(rows)


def test_the_file_holds_inputs_and_target_apart(tmp_path: Path) -> None:
    content = json.loads((untrained(DATA["binary"]).save(tmp_path) / "recipe.json").read_text())
    assert list(content) == ["format", "version", "net", "hyperparameters", "inputs", "target"]
    assert content["version"] == 2 and content["inputs"]["kind"] == "table" and content["target"]["task"] == "binary"


def test_classes_of_version_1() -> None:
    model = load_model(VERSION_1 / "classes")
    assert model.classes == ("elm", "oak", "yew") and model.predict(ROWS).tolist() == ["oak", "oak"]
    known = [
        [0.3001369281685218, 0.43839962999776516, 0.26146344183371306],
        [0.33033870316266145, 0.3700478202106002, 0.29961347662673843],
    ]
    np.testing.assert_allclose(model.predict_proba(ROWS), known, rtol=1e-6)


def test_numbers_of_version_1() -> None:
    model = load_model(VERSION_1 / "numbers")
    assert model.target.names == ("mass", "cost")
    known = [[33.200060343174684, 833.9209160974893], [40.11429596532926, 903.4831316510189]]
    np.testing.assert_allclose(model.predict(ROWS), known, rtol=1e-6)


def test_a_model_of_version_1_is_saved_as_one_of_today(tmp_path: Path) -> None:
    old = load_model(VERSION_1 / "classes")
    new = load_model(old.save(tmp_path))
    assert json.loads((tmp_path / "recipe.json").read_text())["version"] == 2
    assert (new.inputs, new.target) == (old.inputs, old.target)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ({"version": 3}, "has version 3, newer than 2; update Paceline"),
        ({"inputs": {"kind": "tabel"}}, "did you mean 'table'"),
        ({"inputs": {"kind": "table"}}, "inputs are damaged: KeyError 'encoders'"),
        ({"target": {"task": "classes"}}, "target is damaged: KeyError 'classes'"),
        ({"target": {}}, "target is damaged: KeyError 'task'"),
        ({"inputs": 3}, "is damaged"),
        ({"version": 1}, "is damaged"),
        ({"version": "two"}, "is damaged"),
        ({"version": None}, "is damaged"),
    ],
)
def test_damaged_files(damage: dict[str, Any], words: str, tmp_path: Path) -> None:
    file = untrained(DATA["classes"]).save(tmp_path) / "recipe.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | damage))
    with pytest.raises(ModelError, match=words):
        load_model(tmp_path)
