"""Rows into parts and folds: laws of the split, and scikit-learn's splitters as the oracle of the folds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from paceline.data.split import PART_NAMES, Split, SplitSettings, allocate, k_folds, make_split, part_size
from paceline.errors import DataError


def parts_of(split: Split) -> list[np.ndarray]:
    return [getattr(split, name) for name in PART_NAMES]


def assert_partition(split: Split, rows: int) -> None:
    together = np.sort(np.concatenate(parts_of(split)))
    assert np.array_equal(together, np.arange(rows))


@pytest.mark.parametrize(
    ("wanted", "rows", "size"),
    [(None, 100, 20), (None, 1_000_000, 10_000), (None, 3, 1), (0, 50, 0), (0.5, 9, 4), (7, 9, 7), (0.001, 10, 1)],
)
def test_part_size(wanted: float | None, rows: int, size: int) -> None:
    assert part_size(wanted, rows, "dev") == size


@pytest.mark.parametrize("wanted", [1.5, -0.1, -3, True, "half", float("nan")])
def test_part_size_refuses(wanted: object) -> None:
    with pytest.raises(DataError, match="`dev`"):
        part_size(wanted, 100, "dev")  # type: ignore[arg-type]  # what a user may well pass


@given(
    strata=st.lists(st.integers(0, 200), min_size=1, max_size=40),
    shares=st.lists(st.integers(0, 30), min_size=1, max_size=4),
)
@settings(deadline=None)
def test_allocate_rounds_every_cell_and_keeps_every_sum(strata: list[int], shares: list[int]) -> None:
    counts = np.array(strata, dtype=np.int64)
    total = int(counts.sum())
    bounds = np.cumsum(shares) * total // max(sum(shares), 1)
    sizes = np.diff(np.concatenate([[0], bounds]))
    if sum(shares) == 0:
        sizes[-1] = total
    table = allocate(counts, list(sizes))
    assert np.array_equal(table.sum(axis=1), counts)
    assert np.array_equal(table.sum(axis=0), sizes)
    exact = counts[:, None] * sizes[None, :] / max(total, 1)
    assert (np.abs(table - exact) < 1).all()
    assert (table >= 0).all()


def test_allocate_needs_more_than_rounding_each_cell() -> None:
    # three strata of 1 row into parts 1, 1, 1: every exact share is 1/3, so naive rounding would place nobody
    table = allocate(np.array([1, 1, 1]), [1, 1, 1])
    assert table.sum() == 3 and set(table.sum(axis=0)) == {1} and set(table.sum(axis=1)) == {1}


def test_rounding_favours_no_stratum() -> None:
    # 40 strata of a single row, half of them for dev: over seeds each stratum goes to dev about as often
    strata = np.arange(40)
    in_dev = np.zeros(40)
    for seed in range(200):
        in_dev[make_split(40, SplitSettings(dev=20, test=0, seed=seed), strata=strata).dev] += 1
    assert in_dev.sum() == 4000
    assert np.abs(in_dev - 100).max() < 5 * np.sqrt(200 * 0.25)


@given(
    labels=st.lists(st.sampled_from("aaaaabbbc"), min_size=12, max_size=300),
    dev=st.floats(0.05, 0.3),
    test=st.one_of(st.just(0), st.floats(0.05, 0.3)),
    train_dev=st.sampled_from([0, 0.1]),
    seed=st.integers(0, 9),
)
@settings(deadline=None)
def test_stratified_split(labels: list[str], dev: float, test: float, train_dev: float, seed: int) -> None:
    names, strata = np.unique(labels, return_inverse=True)
    wanted = SplitSettings(dev=dev, test=test, train_dev=train_dev, seed=seed)
    split = make_split(len(labels), wanted, strata=strata)
    assert_partition(split, len(labels))
    assert len(split.dev) == max(round(dev * len(labels)), 1)
    assert len(split.test) == (max(round(test * len(labels)), 1) if test else 0)
    for part in parts_of(split):
        exact = np.bincount(strata, minlength=len(names)) * len(part) / len(labels)
        assert (np.abs(np.bincount(strata[part], minlength=len(names)) - exact) < 1).all()
        assert (np.diff(part) > 0).all()


def test_split_depends_on_the_seed_alone() -> None:
    strata = np.arange(100) % 3
    first, again, other = (
        make_split(100, SplitSettings(seed=seed), strata=strata, home=np.zeros(100, dtype=bool)) for seed in (1, 1, 2)
    )
    assert all(np.array_equal(one, two) for one, two in zip(parts_of(first), parts_of(again), strict=True))
    assert not np.array_equal(first.dev, other.dev)
    # fixed for good: a stored study must find its dev rows again, on any machine
    assert make_split(10, SplitSettings(dev=3, test=2, seed=0)).dev.tolist() == [4, 6, 7]


def test_home_rows_train() -> None:
    strata = np.array([0] * 30 + [1] * 30 + [2, 3, 4])
    home = strata >= 2
    for seed in range(20):
        split = make_split(63, SplitSettings(seed=seed), strata=strata, home=home)
        assert_partition(split, 63)
        assert set(np.flatnonzero(home)) <= set(split.train.tolist())
        assert (len(split.dev), len(split.test)) == (13, 13)


@given(
    groups=st.lists(st.integers(0, 12), min_size=20, max_size=120),
    seed=st.integers(0, 5),
)
@settings(deadline=None)
def test_groups_stay_together(groups: list[int], seed: int) -> None:
    codes = np.unique(groups, return_inverse=True)[1]
    if codes.max() < 2:
        with pytest.raises(DataError, match="as many groups"):
            make_split(len(codes), SplitSettings(seed=seed), groups=codes)
        return
    split = make_split(len(codes), SplitSettings(seed=seed), groups=codes, strata=np.arange(len(codes)) % 2)
    assert_partition(split, len(codes))
    found = [set(codes[part]) for part in parts_of(split)]
    assert sum(len(one) for one in found) == codes.max() + 1
    assert all(found[:3])


def test_groups_give_nearly_exact_sizes_and_shares() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 200, 4000)
    strata = (rng.random(4000) < 0.3).astype(np.int64)
    split = make_split(4000, SplitSettings(seed=3), groups=groups, strata=strata)
    for part, size in ((split.train, 2400), (split.dev, 800), (split.test, 800)):
        assert abs(len(part) - size) < 40
        assert abs(strata[part].mean() - strata.mean()) < 0.02


def test_time_keeps_the_order() -> None:
    times = np.random.default_rng(0).permutation(100).astype(float)
    split = make_split(100, SplitSettings(dev=20, test=10, train_dev=5), times=times)
    assert_partition(split, 100)
    assert [len(part) for part in parts_of(split)] == [65, 20, 10, 5]
    assert max(times[split.train].max(), times[split.train_dev].max()) < times[split.dev].min()
    assert times[split.dev].max() < times[split.test].min()
    assert (np.diff(times[split.dev]) > 0).all()


def test_too_little_left_to_train() -> None:
    with pytest.raises(DataError, match=r"2 of 10 rows .* validation 5, test 4 leave 1"):
        make_split(10, SplitSettings(dev=5, test=4))


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("folds", [2, 5])
def test_folds_equal_scikit_learn(folds: int, seed: int) -> None:
    rng = np.random.default_rng(1)
    y = rng.choice(["c", "a", "b"], 97, p=[0.1, 0.6, 0.3])
    strata = np.unique(y, return_inverse=True)[1]
    groups = rng.integers(0, 15, 97)
    shuffled = {"shuffle": True, "random_state": seed}
    x = np.zeros((97, 1))
    cases = [
        ({}, KFold(folds, **shuffled).split(x)),
        ({"strata": strata}, StratifiedKFold(folds, **shuffled).split(x, y)),
        ({"groups": groups}, GroupKFold(folds, **shuffled).split(x, groups=groups)),
        ({"strata": strata, "groups": groups}, StratifiedGroupKFold(folds, **shuffled).split(x, y, groups)),
    ]
    for keys, oracle in cases:
        for (train, dev), (train_sk, dev_sk) in zip(k_folds(97, folds, seed, **keys), oracle, strict=True):
            assert np.array_equal(train, train_sk) and np.array_equal(dev, dev_sk)


def test_folds_in_time_equal_scikit_learn() -> None:
    times = np.arange(50.0)[::-1]
    for (train, dev), (train_sk, dev_sk) in zip(
        k_folds(50, 4, 0, times=times), TimeSeriesSplit(4).split(np.zeros((50, 1))), strict=True
    ):
        assert np.array_equal(train, 49 - train_sk) and np.array_equal(dev, 49 - dev_sk)


@pytest.mark.parametrize(
    ("folds", "keys", "words"),
    [
        (1, {}, "2 or more"),
        (2.0, {}, "2 or more"),
        (11, {}, "there are 10"),
        (4, {"groups": np.arange(10) % 3}, "as many groups"),
        (6, {"strata": np.arange(10) % 2}, "the largest has 5"),
    ],
)
def test_folds_that_cannot_be(folds: int, keys: dict[str, np.ndarray], words: str) -> None:
    with pytest.raises(DataError, match=words):
        k_folds(10, folds, 0, **keys)


def test_a_class_smaller_than_the_folds_is_no_crash_and_no_warning() -> None:
    strata = np.array([0] * 10 + [1] * 2)
    devs = [dev for _, dev in k_folds(12, 4, 0, strata=strata)]
    assert np.array_equal(np.sort(np.concatenate(devs)), np.arange(12))
