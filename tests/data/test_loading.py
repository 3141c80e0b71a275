"""`load` and what it returns: sources, targets, splits, given parts, fingerprints, descriptions, wrong arguments."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GroupKFold, StratifiedKFold

from paceline.data import DATASETS, SplitSettings, Task, load
from paceline.errors import DataError

RNG = np.random.default_rng(0)


def table(rows: int = 100) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "size": rng.normal(size=rows),
            "source": rng.choice(["web", "shop", "phone"], rows, p=[0.7, 0.2, 0.1]),
            "patient": [f"p{row // 5}" for row in range(rows)],
            "day": pd.date_range("2020-01-01", periods=rows)[rng.permutation(rows)],
            "target": rng.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1]),
        }
    )


@pytest.mark.parametrize("name", DATASETS)
def test_carried_data_sets(name: str) -> None:
    data = load(name)
    assert data.name == name and len(data.fold().x_train)
    outputs = {"digits": 10, "breast-cancer": 1, "wine": 3, "iris": 3, "diabetes": 1}
    assert data.n_outputs == outputs[name]
    assert (data.task is Task.REGRESSION) == (name == "diabetes")


def test_class_names_of_carried_data_sets() -> None:
    data, bunch = load("breast-cancer"), load_breast_cancer()
    assert data.classes == ("benign", "malignant")
    assert list(data.target) == [str(bunch.target_names[code]) for code in bunch.target]
    assert load("digits").classes == tuple(range(10))


def test_one_table_in_many_forms() -> None:
    x, y = RNG.normal(size=(60, 3)), RNG.integers(0, 2, 60)
    frame = pd.DataFrame(x, columns=["x0", "x1", "x2"])
    prints = {
        load(x, target=y).fingerprint,
        load(x.tolist(), target=y.tolist()).fingerprint,
        load(x, target=y[:, None]).fingerprint,
        load(frame, target=y).fingerprint,
        load(frame, target=pd.Series(y, index=range(100, 160))).fingerprint,
        load(frame.set_index(frame.index[::-1]), target=y).fingerprint,
        load(frame.assign(target=y)).fingerprint,
        load(frame.assign(target=y), target="target").fingerprint,
        load(frame.assign(target=y), target=["target"]).fingerprint,
    }
    assert len(prints) == 1


def test_names_of_given_targets() -> None:
    frame = pd.DataFrame({"target": RNG.normal(size=30), "x": RNG.normal(size=30)})
    assert load(frame, target=np.arange(30) % 2).target_names == ("target (given)",)
    assert load(frame, target=pd.Series(np.arange(30) % 2, name="sick")).target_name == "sick"
    two = pd.DataFrame({"u": RNG.normal(size=30), "v": RNG.normal(size=30)})
    assert load(frame, target=two).target_names == ("u", "v")
    assert load(frame, target=two.to_numpy()).target_name == "target 0, target 1"


@pytest.mark.parametrize("name", ["target", "Label", "CLASS", "y"])
def test_the_usual_name_is_found(name: str) -> None:
    assert load(table().rename(columns={"target": name})).target_name == name


@pytest.mark.parametrize(
    ("frame", "arguments", "words"),
    [
        (table().rename(columns={"target": "kind"}), {}, "its columns are 'size', 'source'"),
        (table().assign(label=1), {}, "must name the column"),
        (table(), {"target": "targett"}, "did you mean 'target'"),
        (table(), {"target": ["target", "siz"]}, "did you mean 'size'"),
        (table(), {"target": []}, "list is empty"),
        (table(), {"target": ["size", "size"]}, "'size' more than once"),
        (table().iloc[:0], {}, "must have rows"),
        (table()[["target"]], {}, "at least one usable feature"),
        (table().rename(columns={"size": "day"}), {}, "'day' more than once"),
        (table(), {"columns": {"target": "category"}}, "no feature"),
        (table(), {"columns": ["size"]}, "dict of column names"),
        (table(), {"split": {"strat": True}}, "did you mean 'stratify'"),
        (table(), {"split": 0.2}, "SplitSettings or a dict"),
        (table(), {"split": {"group": "patent"}}, "'patent' to be the group; did you mean 'patient'"),
        (table(), {"split": {"time": "source"}}, "'source' holds text"),
        (table(), {"split": {"time": "day", "group": "patient"}}, "can't be grouped"),
        (table(), {"split": {"time": "day", "stratify": True}}, "or stratified"),
        (table(), {"split": {"stratify_by": "sauce"}}, "did you mean 'source'"),
        (table().assign(patient=[None] + ["a", "b", "c"] * 33), {"split": {"group": "patient"}}, "none in row 0"),
        (table(), {"dev": 0.7, "test": 0.4}, "leave 0"),
        (table(), {"seed": -1}, "`seed`"),
        (table(), {"test": table().drop(columns="size")}, "The test rows must have .* missing columns: 'size'"),
        (table(), {"test": table().assign(target=None)}, "given test rows have no target"),
        (table(), {"dev": np.zeros((3, 3))}, "given as"),
        ({"a": [1]}, {}, "got dict"),
        (None, {}, "got NoneType"),
        (np.zeros((20, 2)), {}, r"load\(X, target=y\)"),
        (np.zeros((20, 2)), {"target": np.arange(19)}, "20 and 19"),
        (np.zeros((20, 2)), {"target": np.zeros((20, 2, 2))}, r"\(20, 2, 2\)"),
        ([[1, 2], [3]], {"target": [0, 1]}, "rows of one length"),
    ],
)
def test_wrong_arguments_get_one_sentence(frame: Any, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        load(frame, **arguments)
    assert "\n" not in str(caught.value)


def test_sparse_arrays_are_refused() -> None:
    from scipy.sparse import csr_matrix

    with pytest.raises(DataError, match="toarray"):
        load(csr_matrix(np.eye(20)), target=np.arange(20) % 2)


def test_default_split_is_stratified() -> None:
    data = load(table(200))
    assert (len(data.train), len(data.dev), len(data.test)) == (120, 40, 40)
    for part in (data.train, data.dev, data.test):
        assert part.features.equals(data.features.iloc[part.rows]) and part.target.equals(data.target.iloc[part.rows])
        exact = data.target.value_counts() * len(part) / 200
        assert ((part.target.value_counts() - exact).abs() < 1).all()


def test_parts_may_be_absent() -> None:
    data = load(table(), test=0)
    assert len(data.train) == 80
    with pytest.raises(DataError, match="no test set; load it with split"):
        _ = data.test
    only_folds = load(table(), dev=0, test=0)
    assert len(only_folds.fold(0, 4).x_dev) == 25
    with pytest.raises(DataError, match="no validation set"):
        only_folds.fold()
    assert len(load(table(), split={"train_dev": 7}).train_dev) == 7


def test_every_source_is_divided() -> None:
    data = load(table(200), split={"stratify_by": "source", "stratify": False})
    for part in (data.train, data.dev, data.test):
        exact = data.features["source"].value_counts() * len(part) / 200
        assert ((part.features["source"].value_counts() - exact).abs() < 1).all()
    both = load(table(200), split={"stratify_by": "source"})
    for part in (both.dev, both.test):
        assert set(zip(part.features["source"], part.target, strict=True)) >= {
            ("web", "a"),
            ("web", "b"),
            ("shop", "a"),
        }


def test_groups_stay_together_and_are_no_feature() -> None:
    frame = table()
    data = load(frame, split={"group": "patient"})
    assert "patient" not in data.features and any("'patient' groups the rows" in note for note in data.notes)
    found = [set(frame["patient"].iloc[part.rows]) for part in (data.train, data.dev, data.test)]
    assert sum(map(len, found)) == 20 and len(set.union(*found)) == 20
    for index in range(4):
        rows_train, rows_dev = data.fold_rows(index, 4, 0)
        assert not set(frame["patient"].iloc[rows_train]) & set(frame["patient"].iloc[rows_dev])
    assert "patient" in load(frame, split={"group": "patient"}, columns={"patient": "category"}).features


def test_time_orders_the_parts() -> None:
    data = load(table(), split={"time": "day"})
    assert data.train.features["day"].max() < data.dev.features["day"].min()
    assert data.dev.features["day"].max() < data.test.features["day"].min()
    for index in range(3):
        train, dev = data.fold_rows(index, 3, 0)
        assert data.features["day"].iloc[train].max() < data.features["day"].iloc[dev].min()


def test_regression_may_be_stratified() -> None:
    y = RNG.exponential(size=500)
    data = load(RNG.normal(size=(500, 2)), target=y, split={"stratify": True})
    edges = np.quantile(y, np.linspace(0, 1, 11))[1:-1]
    counts = np.bincount(np.searchsorted(edges, y[data.split.dev]), minlength=10)
    assert counts.max() - counts.min() <= 2


def test_folds_equal_scikit_learn_and_never_touch_test() -> None:
    data = load(table(200))
    rows = np.sort(np.concatenate([data.split.train, data.split.dev]))
    oracle = StratifiedKFold(5, shuffle=True, random_state=3).split(rows, data.target.iloc[rows])
    for index, (train, dev) in enumerate(oracle):
        fold = data.fold(index, folds=5, seed=3)
        assert np.array_equal(fold.rows_train, rows[train]) and np.array_equal(fold.rows_dev, rows[dev])
    grouped = load(table(200).assign(target=RNG.normal(size=200)), split={"group": "patient"})
    rows = np.sort(np.concatenate([grouped.split.train, grouped.split.dev]))
    oracle = GroupKFold(4, shuffle=True, random_state=0).split(
        rows, groups=np.unique(table(200)["patient"].iloc[rows], return_inverse=True)[1]
    )
    assert np.array_equal(grouped.fold(2, folds=4).rows_dev, rows[list(oracle)[2][1]])
    for index in (-1, 5):
        with pytest.raises(DataError, match="between 0 and 4"):
            data.fold(index, folds=5)
    with pytest.raises(DataError, match="only fold 0"):
        data.fold(1)


@pytest.mark.parametrize("form", ["file", "frame", "arrays"])
def test_given_parts_are_honoured(form: str, tmp_path: Path) -> None:
    frame, dev, test = table(100), table(20).assign(size=5.0), table(30).assign(size=7.0)
    if form == "file":
        for name, part in (("train", frame), ("dev", dev), ("test", test)):
            part.to_csv(tmp_path / f"{name}.csv", index=False)
        data = load(tmp_path / "train.csv", dev=tmp_path / "dev.csv", test=str(tmp_path / "test.csv"))
    elif form == "frame":
        data = load(frame, dev=dev.assign(extra=1), test=test[test.columns[::-1]])
        assert any("'extra'" in note and "ignored" in note for note in data.notes)
    else:
        x = [part[["size"]].to_numpy() for part in (frame, dev, test)]
        data = load(x[0], target=frame["target"], dev=(x[1], dev["target"]), test=(x[2], test["target"].to_numpy()))
    assert (len(data.train), len(data.dev), len(data.test)) == (100, 20, 30)
    numbers = data.features.columns[0]
    assert (data.dev.features[numbers] == 5).all() and (data.test.features[numbers] == 7).all()
    assert list(data.test.target) == list(test["target"])


def test_only_the_test_part_is_given() -> None:
    data = load(table(100), test=table(30))
    assert (len(data.train), len(data.dev), len(data.test)) == (80, 20, 30)
    assert data.split.test.min() == 100


def test_a_class_with_one_row_trains() -> None:
    frame = table().assign(target=["rare"] + ["a", "b", "b"] * 33)
    for seed in range(10):
        data = load(frame, seed=seed)
        assert 0 in data.split.train
        assert any("single row ('rare')" in note for note in data.notes)
    assert len(data.fold(1, 5).x_dev) == 16


def test_seed_and_settings() -> None:
    one, two = load(table(), seed=1), load(table(), seed=2)
    assert not np.array_equal(one.split.dev, two.split.dev)
    for split in ({"seed": 1}, SplitSettings(seed=1)):
        assert np.array_equal(load(table(), split=split).split.dev, one.split.dev)
    assert load(table(), split={"dev": 0.1}, dev=0.3).split_settings.dev == 0.3


FINGERPRINT = """
import numpy as np, pandas as pd
from paceline.data import load
t = pd.DataFrame({"n": np.arange(40.0) ** 2, "c": list("abcd") * 10, "b": [True, False] * 20,
                  "d": pd.date_range("2020-01-01", periods=40), "y": list("uuvw") * 10})
t.loc[3, "n"] = None
print(load(t).fingerprint)
"""


def test_the_fingerprint_is_the_same_in_every_process_and_for_good() -> None:
    done = subprocess.run([sys.executable, "-c", FINGERPRINT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "a92ac31b4d141641b358313d40eec24979834da50d8d58fe68e4be7ce3a84e47"


def test_the_fingerprint_tells_tables_apart() -> None:
    base = table()
    changed = base.copy()
    changed.loc[5, "size"] += 1e-9
    others = [changed, base.rename(columns={"size": "width"}), base.iloc[::-1], base.assign(source="web")]
    prints = {load(frame).fingerprint for frame in (base, *others)} | {load(base, seed=1).fingerprint}
    assert len(prints) == 6
    assert load(base.assign(size=-base["size"] * 0.0)).notes  # constant columns are dropped: -0.0 equals 0.0


def test_describe() -> None:
    lines = load(table(), name="clinic", columns={"patient": "drop"}).describe().splitlines()
    assert lines[0] == "clinic: 100 rows, 3 features (1 numeric, 1 category, 1 date)"
    assert lines[1].startswith("target   target: multiclass classification, 3 classes (a ")
    assert lines[2] == "split    train 60, validation 20, test 20"
    assert all(line.startswith("note     ") and line.endswith(".") for line in lines[3:])
    regression = load(pd.DataFrame({"x": np.arange(40.0) ** 3, "y": np.arange(40.0)})).describe()
    assert "regression, 0 to 39, mean 19.5" in regression


def test_validation_and_dev_are_two_names_of_one_set() -> None:
    usual = load(table(), split={"validation": 12})
    assert len(usual.validation.rows) == 12 and "validation 12" in usual.describe()
    for other in (load(table(), split={"dev": 12}), load(table(), dev=12), load(table(), validation=12)):
        assert other.dev.rows.tolist() == usual.part("validation").rows.tolist()
    for both in ({"dev": 12, "validation": 12}, {"split": {"dev": 12, "validation": 12}}):
        with pytest.raises(DataError, match="two names of one"):
            load(table(), **both)
    with pytest.raises(DataError, match=r"no validation set; load it with split=\{'validation': 0.2\}"):
        _ = load(table(), validation=0).dev
