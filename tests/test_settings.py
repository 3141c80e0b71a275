"""The study file: every wrong key and value is one sentence with its line, and YAML means what people mean."""

import json
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from paceline.data.encoders import STANDARDIZE
from paceline.data.loading import read_settings
from paceline.data.schema import KINDS, Task
from paceline.data.split import SplitSettings
from paceline.errors import SettingsError
from paceline.records import METRICS
from paceline.search import METHODS, STOPPERS
from paceline.settings import StudySettings, dump_settings, json_schema, load_mapping, load_settings
from paceline.settings.models import SplitPart
from paceline.settings.names import with_usual_names
from paceline.settings.yaml_text import read_yaml, write_yaml
from paceline.space import Space, parse


def written(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def options(name: str) -> set[str]:
    annotation: Any = StudySettings.model_fields[name].annotation
    parts = [annotation, *get_args(annotation)]
    return {option for part in parts if getattr(part, "__origin__", None) is Literal for option in get_args(part)}


@pytest.mark.parametrize(
    ("budget", "method"),
    [({}, "bayes"), ({"minutes": 3.0}, "bayes"), ({"trials": 1000}, "bayes"), ({"trials": 1001}, "tpe")],
)
def test_what_auto_is(budget: dict[str, Any], method: str) -> None:
    assert StudySettings(**budget).resolved().method == method
    assert StudySettings(method="random", **budget).resolved().method == "random"


COMPLETE = """
data: beans.csv
target: Class
task: classes
columns: {colour: category, id: drop}
split: {dev: 0.1, test: 500, stratify: true, group: farm}
search:
  learning_rate: {low: 1e-5, high: 1e-1, scale: log}   # a number, whatever YAML 1.1 says
  layers: {low: 1, high: 4}
  units: {choices: [16, 32, 64], per: layers}
  optimizer: [momentum, adam]
  momentum: {low: 0.5, high: 0.99, scale: logit, when: {optimizer: [momentum]}}
params: {dropout: .1}
method: random
trials: 1e3
minutes: 5
metric: balanced_accuracy
seed: 7
"""


def test_a_whole_study_file(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, COMPLETE))
    assert settings.search is not None
    assert settings.search["learning_rate"] == {"low": 1e-5, "high": 1e-1, "scale": "log"}
    assert Space(settings.search).names == ("learning_rate", "layers", "units", "optimizer", "momentum")
    assert (settings.trials, settings.minutes, settings.seed, settings.params) == (1000, 5.0, 7, {"dropout": 0.1})
    assert (settings.split.validation, settings.split.test, settings.split.group) == (0.1, 500, "farm")
    assert (settings.net, settings.resolved().stopper, settings.epochs, settings.retrain) == (
        "dense",
        "hyperband",
        30,
        5,
    )
    assert isinstance(settings.trials, int)


def test_what_is_dumped_loads_equal(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, COMPLETE))
    again = load_settings(written(tmp_path, dump_settings(settings)))
    assert again == settings
    assert StudySettings(**json.loads(json.dumps(settings.to_dict()))) == settings
    empty = StudySettings(search={"a": {"value": None}})
    assert load_settings(written(tmp_path, dump_settings(empty))) == empty


WRONG = [
    ("epoch: 3", "'epoch' is not a setting; did you mean 'epochs'?"),
    ("epochs: 0", "'epochs' must be a whole number of at least 1, but got 0."),
    ("epochs: 2.5", "'epochs' must be a whole number of at least 1, but got 2.5."),
    ("epochs: true", "'epochs' must be a whole number of at least 1, but got True."),
    ("epochs: '3'", "'epochs' must be a whole number of at least 1, but got '3'."),
    ("trials: no", "'trials' must be a whole number of at least 1, but got 'no'."),
    ("minutes: 0", "'minutes' must be a number above 0, but got 0."),
    ("minutes: .inf", "'minutes' must be a number above 0, but got inf."),
    ("target_score: .nan", "'target_score' must be a number, but got nan."),
    ("folds: 1", "'folds' must be a whole number of at least 2, but got 1."),
    ("outer_folds: 1", "'outer_folds' must be a whole number of at least 2, but got 1."),
    ("outer_fold: 0", "'outer_fold' is a setting of nested cross-validation and needs 'outer_folds'."),
    ("{outer_folds: 3, outer_fold: 3}", "'outer_fold' must lie between 0 and 2, but got 3."),
    ("final: false", "'final' is a setting of nested cross-validation and needs 'outer_folds'."),
    ("{outer_folds: 3, store: 'sqlite:///a.db'}", "'store' can't be given with 'outer_folds'"),
    ("retrain: -1", "'retrain' must be a whole number of at least 0, but got -1."),
    ("n_jobs: 0", "'n_jobs' must be a whole number of at least 1, but got 0."),
    ("seed: -1", f"'seed' must be a whole number of at least 0 and below {2**63}, but got -1."),
    ("select: lst", "'select' can't be 'lst'; did you mean 'last'?"),
    ("select: 3", "'select' must be 'best' or 'last', but got 3."),
    ("method: baies", "'method' can't be 'baies'; did you mean 'bayes'?"),
    ("stopper: off", "'stopper' can't be 'off'"),
    ("metric: acuracy", "'metric' can't be 'acuracy'; did you mean 'accuracy'?"),
    ("task: class", "'task' can't be 'class'; did you mean 'classes'?"),
    ("standardize: standart", "'standardize' can't be 'standart'; did you mean 'standard'?"),
    ("target: [1, 2]", "'target' must be a text or a list of texts, but got [1, 2]."),
    ("data: ''", "'data' must be a text that isn't empty, but got ''."),
    ("columns: {a: numerik}", "'columns.a' can't be 'numerik'; did you mean 'numeric'?"),
    ("columns: [a]", "'columns' must be a mapping, but got ['a']."),
    ("split: 0.2", "'split' must be a mapping, but got 0.2."),
    ("split: {tset: 0.2}", "'split.tset' is not a setting; did you mean 'test'?"),
    (
        "split: {train_dev: 1.5}",
        "'split.train_dev' must be a whole number of at least 0 or a number above 0 and below 1",
    ),
    ("search: {}", "'search' must be a mapping that isn't empty, but got {}."),
    ("search: [1]", "'search' must be a mapping that isn't empty, but got [1]."),
    ("params: 3", "'params' must be a mapping, but got 3."),
    ("method_options: []", "'method_options' must be a mapping, but got []."),
    ("{search: {a: [1, 2]}, params: {a: 1}}", "must be in `search` or in `params`, but 'a' is in both."),
]


@pytest.mark.parametrize(("text", "sentence"), WRONG)
def test_a_wrong_setting_is_one_sentence_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    path = written(tmp_path, f"# a comment\n\n{text}\n")
    with pytest.raises(SettingsError) as error:
        load_settings(path)
    message = str(error.value)
    assert message.startswith(f"{path}, line 3: ") and sentence in message
    assert message.count("line ") == 1 and "\n" not in message and "pydantic" not in message


def test_all_wrong_settings_are_named_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "trials: 5\nepoch: 3\nsplit:\n  dev: 0.2\n  tset: 3\nfolds: 1\n")
    with pytest.raises(SettingsError) as error:
        load_settings(path)
    places = [str(error.value).index(part) for part in ("line 2: 'epoch'", "line 5: 'split.tset'", "line 6: 'folds'")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must be a mapping of names to values, but holds None."),
        ("- 1", "must be a mapping of names to values, but holds [1]."),
        ("1: 2", "a name must be a text, but got 1."),
        ("a: [1", "line 1: this isn't YAML, because"),
        ("a: 1\n b: 2", "line 2: this isn't YAML, because"),
        ("a: 1\n---\nb: 2", "line 2: this isn't YAML, because"),
        ("data: x\ndata: y", "line 2: a key must stand once, but 'data' is there twice."),
        ("search: {a: &a [*a]}", "line 1: a value must not contain itself, but 'search.a.0' does."),
        ("data: !!python/object/apply:os.system [ls]", "line 1: this isn't YAML, because could not determine"),
        ("epochs: !!int many", "this isn't YAML, because"),
        ("data: \x01", "this isn't YAML, because"),
    ],
)
def test_a_file_that_is_no_study(tmp_path: Path, text: str, sentence: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SettingsError) as error:
        load_settings(path)
    assert str(error.value).startswith(str(path)) and sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="There must be a file at "):
        load_settings(tmp_path / "none.yaml")
    with pytest.raises(SettingsError, match="must be readable"):
        load_settings(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("data: h\xe4user.csv".encode("latin-1"))
    with pytest.raises(SettingsError, match="must be UTF-8 text"):
        load_settings(tmp_path / "latin.yaml")


def test_a_space_by_itself(tmp_path: Path) -> None:
    data = load_mapping(written(tmp_path, "lr: {low: 1e-4, high: 1, scale: log}"))
    assert Space(data).parameters["lr"].to_dict()["low"] == 1e-4


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1E5", 1e5),
        ("-1.5e+3", -1500.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-.inf", float("-inf")),
        ("12", 12),
        ("-3", -3),
        ("010", 10),
        ("0x1f", 31),
        ("0o17", 15),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("off", "off"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("'1e-5'", "1e-5"),
        ("1e", "1e"),
        ("e5", "e5"),
        (".", "."),
        ("1.2.3", "1.2.3"),
    ],
)
def test_yaml_scalars(text: str, value: object) -> None:
    data, _ = read_yaml(f"a: {text}", "text")
    assert data == {"a": value} and type(data["a"]) is type(value)


NUMBERS = ("1e-5", "0o17", "010", "1:30", ".5", "2024-01-01")
tricky = st.sampled_from([*NUMBERS, "no", "null", "~", "-", "#", "=", "<<", "", "a: b", "x\x85y\u2028"])
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | tricky
trees = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(tricky | st.text(), inner))


@given(trees)
def test_what_is_written_reads_back_equal(data: Any) -> None:
    again, _ = read_yaml(write_yaml(data), "text")
    assert again == data
    assert json.dumps(again) == json.dumps(data)  # 1 stays 1 and 1.0 stays 1.0


@given(st.dictionaries(st.text(max_size=3), st.text("0123456789eE+-._:xon", max_size=6)))
def test_texts_stay_texts_for_readers_of_either_version(data: dict[str, str]) -> None:
    assert yaml.safe_load(write_yaml(data)) == read_yaml(write_yaml(data), "text")[0] == data


def test_lines_are_those_of_the_file() -> None:
    _, lines = read_yaml("a: 1\nb:\n  c: [1,\n   2]\n  d: x\n", "text")
    assert lines[("a",)] == 1 and lines[("b",)] == 2 and lines[("b", "c")] == 3
    assert lines[("b", "c", "1")] == 4 and lines[("b", "d")] == 5


def test_settings_made_in_python() -> None:
    settings = StudySettings(data=Path("a") / "b.csv", seed=np.int64(3), trials=np.float64(20.0), split={"test": 0})
    assert (settings.data, settings.seed, settings.trials, settings.split.test) == ("a/b.csv", 3, 20, 0)
    assert type(settings.seed) is int and type(settings.trials) is int
    with pytest.raises(SettingsError, match="'trails' is not a setting; did you mean 'trials'"):
        StudySettings(trails=3)
    with pytest.raises(SettingsError, match="'epochs' must be"):
        settings.changed(epochs=0)
    assert settings.changed(epochs=4) == StudySettings(**(settings.to_dict() | {"epochs": 4}))
    with pytest.raises(ValidationError):
        settings.epochs = 4  # frozen


def test_a_study_has_a_limit() -> None:
    assert StudySettings().resolved().trials == 100
    assert StudySettings(minutes=3).resolved().trials is None
    assert StudySettings(trials=7).resolved().trials == 7


def test_other_spellings_and_settings_of_older_studies() -> None:
    usual = StudySettings(n_jobs=2, split={"validation": 0.1})
    assert StudySettings(lanes=2, split={"dev": 0.1}) == usual
    older = {**usual.to_dict(), "lanes": 2, "split": {**usual.split.model_dump(), "dev": 0.1}}
    del older["n_jobs"], older["split"]["validation"]
    assert StudySettings(**older) == usual and usual.changed(split={"dev": 0.3}).split.validation == 0.3
    with pytest.raises(SettingsError, match=r"'split.dev' and 'split.validation' are two names of one setting"):
        StudySettings(split={"dev": 0.1, "validation": 0.2})


def test_a_wrong_value_in_another_spelling_has_its_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"line 2: 'split.validation' must be"):
        load_settings(written(tmp_path, "split:\n  dev: -3\n"))


def test_what_load_is_told() -> None:
    settings = StudySettings(target="y", columns={"a": "drop"}, split={"dev": 0.1, "test": "test.csv"})
    told = settings.load_arguments()
    split = told.pop("split")
    assert read_settings(split, 0, None, None) == SplitSettings(dev=0.1) and split["validation"] == 0.1
    assert told == {"target": "y", "task": None, "columns": {"a": "drop"}, "test": "test.csv"}


def test_the_choices_are_those_of_the_parts() -> None:
    assert options("metric") == set(METRICS)
    assert options("task") == {str(task) for task in Task} | {"classification", "multiclass"}
    assert options("standardize") == set(STANDARDIZE)
    assert options("method") - {"auto"} >= set(METHODS)
    assert options("stopper") >= set(STOPPERS)
    kinds = get_args(get_args(StudySettings.model_fields["columns"].annotation)[1])
    assert set(kinds) == {*KINDS, "drop"}
    usual = [with_usual_names({"split": {name: 1}})["split"] for name in SplitSettings.__slots__]
    assert list(SplitPart.model_fields) == [name for (name,) in usual]


def test_the_schema_describes_every_setting() -> None:
    schema = json_schema()
    json.dumps(schema)
    assert set(schema["properties"]) == set(StudySettings.model_fields)
    for part in (schema, schema["$defs"]["SplitPart"]):
        assert part["additionalProperties"] is False
        assert all(len(field["description"]) > 15 for field in part["properties"].values())
    assert schema["properties"]["search"]["anyOf"][0]["additionalProperties"] == {"$ref": "#/$defs/Parameter"}
    assert "bayes" in schema["properties"]["method"]["enum"]


def test_the_schema_knows_each_key_of_a_parameter() -> None:
    forms = {form.get("title"): form for form in json_schema()["$defs"]["Parameter"]["anyOf"]}
    for title, keys in (("Range", parse.RANGE_KEYS), ("Choice", parse.CHOICE_KEYS), ("Fixed", parse.FIXED_KEYS)):
        assert set(forms[title]["properties"]) == {*keys, *parse.COMMON_KEYS}
