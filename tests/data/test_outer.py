"""Outer folds: scikit-learn's test parts, every row tested once, nothing of a test row in its fold's training."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, TimeSeriesSplit

from paceline.data import Dataset, load, outer_fold, without_test
from paceline.errors import DataError


def table(rows: int = 60, *, classes: int = 3, seed: int = 0) -> pd.DataFrame:
    """Numbers with gaps, a category, groups, an order, a class and a number to predict."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "width": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)),
            "colour": rng.choice(["red", "green", "blue"], rows),
            "farm": [f"farm {index}" for index in rng.integers(0, 12, rows)],
            "day": rng.permutation(rows) / 7,
            "kind": [f"class {index}" for index in rng.permutation(np.arange(rows) % classes)],
            "mass": rng.normal(size=rows),
        }
    )


def parts_tested(data: Dataset, folds: int) -> list[np.ndarray]:
    return [outer_fold(data, index, folds).split.test for index in range(folds)]


@pytest.mark.parametrize("seed", [0, 3])
def test_test_parts_are_those_of_scikit_learn(seed: int) -> None:
    frame = table()
    places = np.zeros((60, 1))
    farms = pd.factorize(frame["farm"], sort=True)[0]
    shuffled = {"shuffle": True, "random_state": seed}
    cases = [
        ("kind", {}, StratifiedKFold(4, **shuffled), {}),
        ("mass", {}, KFold(4, **shuffled), {}),
        ("kind", {"stratify": False}, KFold(4, **shuffled), {}),
        ("mass", {"group": "farm"}, GroupKFold(4, **shuffled), {"groups": farms}),
        ("kind", {"group": "farm"}, StratifiedGroupKFold(4, **shuffled), {"groups": farms}),
    ]
    for target, split, splitter, keys in cases:
        data = load(frame, target=target, split=split, seed=seed)
        labels = pd.factorize(frame["kind"], sort=True)[0]
        wanted = [test for _, test in splitter.split(places, labels, **keys)]
        for found, expected in zip(parts_tested(data, 4), wanted, strict=True):
            np.testing.assert_array_equal(np.sort(found), np.sort(expected), err_msg=f"{target} {split}")


def test_in_order_of_time_a_fold_is_tested_on_what_comes_after_it() -> None:
    frame = table()
    data = load(frame, target="mass", split={"time": "day"})
    day = frame["day"].to_numpy()
    order = np.argsort(day)
    for index, (_, test) in enumerate(TimeSeriesSplit(4).split(order)):
        split = outer_fold(data, index, 4).split
        np.testing.assert_array_equal(split.test, order[test])
        assert day[split.train].max() < day[split.dev].min() <= day[split.dev].max() < day[split.test].min()
        assert len(split.train) + len(split.dev) == 12 * (index + 1)  # five blocks of twelve, all those before


@given(
    rows=st.integers(12, 80), folds=st.integers(2, 4), seed=st.integers(0, 9),
    target=st.sampled_from(["kind", "mass"]), split=st.sampled_from([{}, {"group": "farm"}, {"train_dev": 3}]),
)  # fmt: skip
def test_every_row_is_test_once_and_in_one_part_of_each_fold(
    rows: int, folds: int, seed: int, target: str, split: dict[str, object]
) -> None:
    data = load(table(rows, classes=2, seed=seed), target=target, split=split, seed=seed)
    tested: list[np.ndarray] = []
    for index in range(folds):
        fold = outer_fold(data, index, folds)
        parts = [fold.split.train, fold.split.dev, fold.split.test, fold.split.train_dev]
        np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(rows))
        assert len(fold.split.train) and len(fold.split.dev) and len(fold.split.test)
        if "group" in split:
            homes = [set(data.split_keys.groups[part]) for part in parts]
            assert sum(map(len, homes)) == len(set.union(*homes))
        tested.append(fold.split.test)
    np.testing.assert_array_equal(np.sort(np.concatenate(tested)), np.arange(rows))


@pytest.mark.parametrize("target", ["kind", "mass"])
def test_nothing_of_a_test_row_reaches_its_fold_s_training(target: str) -> None:
    frame = table(80)
    clean = load(frame, target=target)
    test = outer_fold(clean, 1, 4).split.test
    spoilt = frame.copy()
    spoilt.loc[test, "width"] = 1e6 * np.arange(len(test))  # a mean, a spread, a count of gaps that would tell
    spoilt.loc[test, "colour"] = "purple"  # a category that no train row has
    spoilt.loc[test, "day"] = np.nan  # gaps in a column that has none among the train rows
    if target == "mass":
        spoilt.loc[test, "mass"] *= 1e6
    dirty = load(spoilt, target=target)
    for folds in (None, 3):
        ours, theirs = (outer_fold(data, 1, 4).fold(0, folds) for data in (clean, dirty))
        for name in ("x_train", "y_train", "x_dev", "y_dev", "rows_train", "rows_dev"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
        assert (ours.inputs, ours.target) == (theirs.inputs, theirs.target)
    ours, theirs = (outer_fold(data, 0, 4).fold() for data in (clean, dirty))  # there they are trained on
    assert ours.inputs != theirs.inputs


@pytest.mark.parametrize("split", [{}, {"group": "farm"}, {"time": "day"}, {"train_dev": 5}, {"dev": 7}])
def test_without_test_is_what_load_makes_of_no_test_part(split: dict[str, object]) -> None:
    target = "mass" if "time" in split else "kind"
    ours = without_test(load(table(), target=target, split=split, seed=2))
    theirs = load(table(), target=target, split={**split, "test": 0}, seed=2)
    assert ours.fingerprint == theirs.fingerprint and ours.split_settings == theirs.split_settings
    assert len(ours.split.test) == 0


def test_what_is_learnt_of_columns_is_the_fold_s_own() -> None:
    """The layout is planned once a data set; a fold made after another one, or after its parent's, has its own."""
    frame = table(80)
    data = load(frame, target="kind")
    assert data.layout  # planned and kept
    fold = outer_fold(data, 2, 4)
    again = replace(data, split=fold.split)
    assert fold.layout == again.layout and fold.layout is not data.layout


@pytest.mark.parametrize(
    ("target", "folds", "more", "words"),
    [
        ("kind", 1, {}, "`outer_folds` must be a whole number of at least 2, but got 1"),
        ("kind", 2.0, {}, "at least 2, but got 2.0"),
        ("kind", 21, {}, r"21 need as many rows of each, but class 'class 0' has 20"),
        ("mass", 61, {}, "at most the number of rows, 60, but got 61"),
        ("mass", 13, {"split": {"group": "farm"}}, r"at most the number of groups, 1\d, but got 13"),
        ("kind", 3, {"test": table(9)}, "no part can be rows of its own, but the test rows of 'table' are"),
        ("kind", 3, {"dev": table(9)}, "but the dev rows of 'table' are"),
    ],
)
def test_folds_that_can_not_be(target: str, folds: int, more: dict[str, object], words: str) -> None:
    data = load(table(), target=target, **more)
    with pytest.raises(DataError, match=words) as error:
        outer_fold(data, 0, folds)
    assert str(error.value).count(". ") == 0


def test_what_is_left_must_be_enough_to_train_on() -> None:
    data = load(table(), target="mass", split={"dev": 40, "test": 10})
    with pytest.raises(DataError, match="At least 2 of 30 rows must be left to train on, but validation 40"):
        outer_fold(data, 0, 2)


def test_a_fold_that_is_none() -> None:
    with pytest.raises(DataError, match="`outer_fold` must lie between 0 and 2 for 3 outer folds, but got 3"):
        outer_fold(load(table(), target="kind"), 3, 3)
