"""The inputs of tables against scikit-learn, the leak law, the JSON round trip, and raw text against typed rows."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler

from paceline.data import Dataset, Fold, TargetEncoder, inputs_from_json, load
from paceline.errors import DataError, ModelError

SCALERS: dict[str, Any] = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}


def mixed_table(rows: int = 200, seed: int = 0) -> pd.DataFrame:
    """Every kind of column, with gaps; the first row has no gap."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "size": rng.normal(50, 9, rows),
            "count": rng.integers(0, 40, rows),
            "gaps": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(size=rows)),
            "colour": rng.choice(["red", "green", "blue"], rows),
            "town": rng.choice(["Oslo", "Rome", None], rows),
            "paid": rng.choice([True, False], rows),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D"),
            "target": rng.choice(["yes", "no"], rows),
        }
    )
    frame.loc[0, ["gaps", "town"]] = [0.5, "Oslo"]
    frame.loc[1, ["town"]] = [None]
    return frame


def numeric_table(gaps: bool) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(300, 4)) * [1e-3, 1, 1e3, 1e6] + [1, 0, -500, 1e7]
    if gaps:
        values[rng.random(values.shape) < 0.1] = np.nan
    frame = pd.DataFrame(values, columns=list("abcd"))
    return frame.assign(target=rng.normal(size=300) * 7 + 100)


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("standardize", ["standard", "minmax", "robust"])
@pytest.mark.parametrize("folds", [None, 3])
def test_numbers_equal_scikit_learn(standardize: str, gaps: bool, folds: int | None) -> None:
    frame = numeric_table(gaps)
    fold = load(frame).fold(1 if folds else 0, folds, standardize)
    oracle = make_pipeline(SimpleImputer(strategy="median"), SCALERS[standardize]())
    plain = [place for place, name in enumerate(fold.inputs.feature_names) if not name.endswith("missing")]
    x = frame[list("abcd")]
    np.testing.assert_allclose(fold.x_train[:, plain], oracle.fit_transform(x.iloc[fold.rows_train]), atol=3e-6)
    np.testing.assert_allclose(fold.x_dev[:, plain], oracle.transform(x.iloc[fold.rows_dev]), atol=3e-6)
    if gaps:
        marked = [place for place, name in enumerate(fold.inputs.feature_names) if name.endswith("missing")]
        assert np.array_equal(fold.x_dev[:, marked], x.iloc[fold.rows_dev].isna().to_numpy())


def test_none_only_fills() -> None:
    fold = load(numeric_table(False)).fold(standardize="none")
    assert np.array_equal(fold.x_dev, numeric_table(False)[list("abcd")].iloc[fold.rows_dev].astype(np.float32))


def test_regression_target_is_standardised_by_the_train_rows() -> None:
    data = load(numeric_table(False))
    fold = data.fold()
    train = numeric_table(False)["target"].to_numpy()[fold.rows_train]
    assert fold.target.mean == pytest.approx((train.mean(),))
    assert fold.target.scale == pytest.approx((train.std(),))
    np.testing.assert_allclose(fold.y_train.mean(), 0, atol=1e-6)
    back = fold.y_dev[:, 0] * fold.target.scale[0] + fold.target.mean[0]
    np.testing.assert_allclose(back, data.dev.target, rtol=1e-6)


def test_categories_equal_scikit_learn() -> None:
    frame = mixed_table()[["colour", "town", "target"]]
    fold = load(frame).fold()
    x = frame[["colour", "town"]].astype(object).where(frame[["colour", "town"]].notna(), np.nan)
    oracle = make_pipeline(
        SimpleImputer(strategy="most_frequent"), OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    ).fit(x.iloc[fold.rows_train])
    plain = [place for place, name in enumerate(fold.inputs.feature_names) if not name.endswith("missing")]
    assert np.array_equal(fold.x_train[:, plain], oracle.transform(x.iloc[fold.rows_train]))
    assert np.array_equal(fold.x_dev[:, plain], oracle.transform(x.iloc[fold.rows_dev]))
    names = ("colour = blue", "colour = green", "colour = red", "town = Oslo", "town = Rome", "town missing")
    assert fold.inputs.feature_names == names


def test_shape_type_and_order_of_inputs() -> None:
    data = load(mixed_table())
    fold = data.fold()
    assert fold.x_train.dtype == fold.y_train.dtype == fold.x_dev.dtype == np.float32
    assert fold.x_train.flags.c_contiguous and fold.x_dev.flags.c_contiguous
    assert fold.x_train.shape == (120, len(fold.inputs.feature_names)) and fold.y_train.shape == (120, 1)
    assert {data.fold(k, 4).x_train.shape[1] for k in range(4)} == {fold.x_train.shape[1]}
    assert np.isfinite(fold.x_train).all()


def test_rare_and_unknown_categories() -> None:
    words = ["a"] * 60 + ["b"] * 30 + [f"r{number}" for number in range(10)]
    frame = pd.DataFrame({"word": words, "x": np.arange(100.0) ** 2, "y": np.arange(100) % 2})
    inputs = load(frame).fold().inputs
    assert inputs.feature_names[:3] == ("word = a", "word = b", "word rare")
    rows = pd.DataFrame({"word": ["a", "r1", "never seen", None], "x": [0.0] * 4})
    found = inputs.transform(rows)[:, :3]
    assert found.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1], [1, 0, 0]]  # a gap becomes the most frequent
    known = load(frame.assign(word=["a", "b"] * 50)).fold().inputs
    assert known.transform(rows)[2, :2].tolist() == [0, 0]  # no rare input: unknown is all zeros


def test_at_most_256_inputs_a_category() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"code": [f"c{number:03d}" for number in rng.integers(0, 400, 6000)], "y": rng.normal(size=6000)}
    )
    inputs = load(frame).fold().inputs
    assert len(inputs.feature_names) == 256 and inputs.feature_names[-1] == "code rare"
    few = frame.assign(code=[f"c{number % 256:03d}" for number in range(6000)])
    assert len(load(few).fold().inputs.feature_names) == 256
    assert "code rare" not in load(few).fold().inputs.feature_names


def test_dates_become_days_and_cycles() -> None:
    stamps = pd.date_range("2021-03-01 06:00", periods=40, freq="9h")
    frame = pd.DataFrame({"when": stamps, "y": np.random.default_rng(0).normal(size=40)})
    inputs = load(frame).fold(standardize="none").inputs
    cycles = [f"when {wave} of {cycle}" for cycle in ("year", "week", "day") for wave in ("sin", "cos")]
    assert inputs.feature_names == ("when", *cycles)
    row = inputs.transform(pd.DataFrame({"when": ["1970-01-08 06:00"]}))[0]
    np.testing.assert_allclose(
        row[[0, 3, 4, 5, 6]], [7.25, np.sin(np.pi * 0.5 / 7), np.cos(np.pi * 0.5 / 7), 1, 0], atol=1e-6
    )
    yearly = frame.assign(when=pd.date_range("2021-03-01", periods=40, freq="7D"))
    assert load(yearly).fold().inputs.feature_names == ("when", "when sin of year", "when cos of year")


def test_dates_in_any_zone_mean_the_same_instant() -> None:
    stamps = pd.date_range("2021-03-01", periods=40, freq="9h", tz="Europe/Oslo")
    y = np.random.default_rng(0).normal(size=40)
    here, there = (load(pd.DataFrame({"when": one, "y": y})).fold() for one in (stamps, stamps.tz_convert("UTC")))
    assert np.array_equal(here.x_train, there.x_train)


def test_json_round_trip_gives_equal_encoders() -> None:
    for frame in (mixed_table(), numeric_table(True)):
        fold = load(frame).fold()
        back = inputs_from_json(json.loads(json.dumps(fold.inputs.to_json(), allow_nan=False)))
        target = TargetEncoder.from_json(json.loads(json.dumps(fold.target.to_json(), allow_nan=False)))
        assert back == fold.inputs and target == fold.target
        assert np.array_equal(back.transform(frame.iloc[fold.rows_dev]), fold.x_dev)
        assert np.array_equal(target.encode(frame["target"].iloc[fold.rows_dev]), fold.y_dev)


@pytest.mark.parametrize(
    "damage",
    [
        {"kind": "tabel"},
        {"encoders": [{"kind": "numeric"}]},
        {"encoders": [{"name": "x"}]},
        {"encoders": ["size"]},
        {"input_names": 3},
    ],
)
def test_damaged_inputs_are_refused(damage: dict[str, Any]) -> None:
    data = load(mixed_table()).fold().inputs.to_json() | damage
    with pytest.raises(ModelError, match="did you mean 'table'" if "kind" in damage else "inputs are damaged"):
        inputs_from_json(data)


def test_raw_text_is_encoded_like_typed_rows(tmp_path: Any) -> None:
    path = tmp_path / "mixed.csv"
    mixed_table().to_csv(path, index=False)
    data = load(path)
    kinds = [column.kind for column in data.columns]
    assert kinds == ["numeric", "numeric", "numeric", "category", "category", "boolean", "date"]
    inputs = data.fold().inputs
    raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    typed = inputs.transform(data.features)
    assert np.array_equal(inputs.transform(raw), typed)
    assert np.array_equal(inputs.transform(raw.to_dict("records")), typed)
    assert np.array_equal(inputs.transform(raw.iloc[5].to_dict()), typed[5:6])
    assert np.array_equal(inputs.transform(mixed_table()), typed)
    assert np.array_equal(inputs.transform(raw[raw.columns[::-1]]), typed)


def test_a_row_may_lack_every_value() -> None:
    inputs = load(mixed_table()).fold().inputs
    empty = pd.DataFrame({encoder.name: [None] for encoder in inputs.encoders})
    assert np.isfinite(inputs.transform(empty)).all()
    assert np.isfinite(inputs.transform(empty.assign(size=np.inf))).all()
    assert np.isfinite(inputs.transform(empty.assign(size=1e300))).all()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (pd.DataFrame({"siz": [1]}), "did you mean 'siz'"),
        (mixed_table().assign(size="tall"), r"'size', row 0: 'tall' isn't a number"),
        (mixed_table().assign(paid="perhaps"), "'perhaps' is neither true nor false"),
        (mixed_table().assign(since="yesterday"), "'yesterday' isn't a date"),
        (np.zeros((3, 2)), r"shape \(n, 7\), but got \(3, 2\)"),
        (pd.concat([mixed_table(), mixed_table()[["size"]]], axis=1), "'size' more than once"),
    ],
)
def test_rows_that_cannot_be_encoded(rows: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        load(mixed_table()).fold().inputs.transform(rows)


def test_arrays_go_by_order_with_dropped_columns_or_without() -> None:
    x = np.random.default_rng(0).normal(size=(50, 3))
    x[:, 1] = 4
    data = load(x, target=np.arange(50) % 2)
    inputs = data.fold().inputs
    assert inputs.feature_names == ("x0", "x2")
    assert np.array_equal(inputs.transform(x), inputs.transform(x[:, [0, 2]]))


def test_a_column_constant_in_the_train_rows_only_has_scale_1() -> None:
    frame = numeric_table(False)
    split = load(frame).split
    frame.loc[split.train, "a"] = 0.1
    frame.loc[split.dev, "a"] = 5.1
    for standardize in SCALERS:
        fold = load(frame).fold(standardize=standardize)
        assert np.array_equal(fold.x_train[:, 0], np.zeros(len(fold.x_train)))
        np.testing.assert_allclose(fold.x_dev[:, 0], 5, rtol=1e-6)


def test_unknown_standardize() -> None:
    with pytest.raises(DataError, match="did you mean 'standard'"):
        load(mixed_table()).fold(standardize="standart")


CELLS: dict[str, Any] = {
    "size": st.floats(-1e9, 1e9) | st.just(np.nan) | st.just(np.inf),
    "count": st.integers(-5, 1000),
    "gaps": st.floats(-9, 9) | st.just(np.nan),
    "colour": st.sampled_from(["red", "mauve", "", "green"]),
    "town": st.sampled_from(["Oslo", "Atlantis", None]),
    "paid": st.booleans(),
    "since": st.datetimes(pd.Timestamp("1990-01-01"), pd.Timestamp("2060-01-01")),
    "target": st.sampled_from(["yes", "no"]),
}
DATA = load(mixed_table())
FOLDS = [DATA.fold(standardize=standardize) for standardize in (*SCALERS, "none")]


@given(rows=st.lists(st.fixed_dictionaries(CELLS), min_size=1), fold=st.sampled_from(FOLDS))
@settings(deadline=None, max_examples=60)
def test_inputs_of_json_transform_equally(rows: list[dict[str, Any]], fold: Fold) -> None:
    back = inputs_from_json(json.loads(json.dumps(fold.inputs.to_json(), allow_nan=False)))
    x = fold.inputs.transform(rows)
    assert x.shape == (len(rows), *fold.inputs.sample) and x.dtype == fold.inputs.dtype and x.flags.c_contiguous
    assert np.array_equal(back.transform(rows), x)


def changed(frame: pd.DataFrame, row: int, cells: dict[str, Any]) -> pd.DataFrame:
    frame = frame.copy()
    for name, cell in cells.items():
        frame[name] = [cell if number == row else old for number, old in enumerate(frame[name])]
    return frame


@given(
    data=st.data(), cells=st.fixed_dictionaries(CELLS), standardize=st.sampled_from(["standard", "minmax", "robust"])
)
@settings(deadline=None, max_examples=60)
def test_no_dev_or_test_row_leaks_into_training(data: st.DataObject, cells: dict[str, Any], standardize: str) -> None:
    """Whatever is written into a dev or test row, train inputs and all encoders stay bitwise the same."""
    row = int(data.draw(st.sampled_from([*DATA.split.dev.tolist(), *DATA.split.test.tolist()])))
    before = DATA.fold(standardize=standardize)
    # the split itself is stratified by the target, so it is pinned by giving the rows their parts
    after = pinned(changed(mixed_table(), row, cells)).fold(standardize=standardize)
    assert np.array_equal(before.x_train, after.x_train)
    assert np.array_equal(before.y_train, after.y_train)
    assert (before.inputs, before.target) == (after.inputs, after.target)


def pinned(frame: pd.DataFrame) -> Dataset:
    """The table with the split of DATA, train rows in the same order."""
    parts = [frame.iloc[rows] for rows in (DATA.split.train, DATA.split.dev, DATA.split.test)]
    return load(parts[0], target="target", dev=parts[1], test=parts[2])


@given(cells=st.fixed_dictionaries(CELLS | {"target": st.just("yes")}), place=st.integers(0, 10))
@settings(deadline=None, max_examples=30)
def test_no_dev_row_of_a_fold_leaks_its_numbers(cells: dict[str, Any], place: int) -> None:
    """In k-fold, too: the numbers of the encoders come from the fold's train rows; test rows are in no fold."""
    whole = mixed_table().drop(columns="target").assign(target=np.arange(200) % 7 * 1.5)
    del cells["target"]
    data = load(whole)
    before = data.fold(1, 4)
    row = int(before.rows_dev[place])
    if row in data.split.train:  # the layout is planned on the split's train rows: leave those as they are
        row = int(next(one for one in before.rows_dev if one in data.split.dev))
    after = load(changed(whole, row, cells)).fold(1, 4)
    assert np.array_equal(before.x_train, after.x_train)
    assert (before.inputs, before.target) == (after.inputs, after.target)
    assert not set(data.split.test) & {*before.rows_train, *before.rows_dev}


def test_the_inputs_do_depend_on_the_train_rows() -> None:
    frame = mixed_table()
    row = int(DATA.split.train[3])
    after = pinned(changed(frame, row, {"size": 1e6}))
    assert after.fold().inputs != DATA.fold().inputs
