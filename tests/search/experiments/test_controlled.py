"""Controlled experiments as a searcher: the arms, their order, who shares a seed, and what is refused."""

from itertools import groupby
from typing import Any

import numpy as np
import pytest

from paceline.errors import SettingsError, SpaceError
from paceline.records import History, Trial
from paceline.search import Searcher, make_searcher
from paceline.search.experiments.controlled import Experiments
from paceline.space import Space
from paceline.testing import SPACES, imitate

PLAN: dict[str, Any] = {
    "base": {"rate": 1e-3, "layers": 1, "optimizer": "momentum", "momentum": 0.9},
    "factors": {"rate": [1e-3, 1e-2], "momentum": [0.5], "layers": [2, 3]},
}


def experiments(**changes: Any) -> Searcher:
    return make_searcher("manual", SPACES["conditional"](), seed=0, **PLAN | changes)


def test_arms_differ_from_the_base_in_one_factor() -> None:
    searcher = experiments()
    assert isinstance(searcher, Experiments)
    base = searcher.arms[0]
    assert base.params == {
        "rate": 1e-3, "layers": 1, "units": [8], "optimizer": "momentum", "momentum": 0.9, "nesterov": True,
    }  # fmt: skip
    assert [(arm.factor, arm.value) for arm in searcher.arms[1:]] == [
        ("rate", 1e-2), ("momentum", 0.5), ("layers", 2), ("layers", 3),
    ]  # fmt: skip
    for arm in searcher.arms[1:]:
        other = {name for name in base.params if base.params[name] != arm.params[name]}
        assert other - {"units"} == {arm.factor}  # a layer more is a width more
    assert searcher.planned == 5 * 5


@pytest.mark.parametrize("batches", [[1] * 15, [4, 7, 4], [64]])
def test_repeats_come_one_after_the_other_and_share_a_seed(batches: list[int]) -> None:
    searcher = experiments(repeats=3)
    assert isinstance(searcher, Experiments)
    history = imitate(searcher, batches, lag=2)
    assert [trial.params for trial in history] == 3 * [arm.params for arm in searcher.arms]
    assert [[seed, len(list(trials))] for seed, trials in groupby(trial.seed for trial in history)] == [
        [0, 5], [1, 5], [2, 5],
    ]  # fmt: skip


def test_pairs_are_kept_whatever_else_is_in_the_history() -> None:
    """A user's own first point, or foreign trials, shift numbers; an arm's r-th run has the r-th seed still."""
    space = SPACES["conditional"]()
    arm = experiments().arms[2].params  # type: ignore[attr-defined]
    searcher = make_searcher("manual", space, seed=0, first=[arm], repeats=2, **PLAN)
    foreign = Trial(0, {"not in it": 1}, 77)
    history = imitate(searcher, [4, 4, 4], history=History((foreign,)))
    seeds: dict[str, list[int]] = {}
    for trial in history.trials[1:]:
        seeds.setdefault(space.key(trial.params), []).append(trial.seed)
    assert list(seeds.values()) == [[0, 1]] * 5


def test_other_methods_seed_each_trial_by_its_own_number() -> None:
    searcher = make_searcher("random", SPACES["numbers"](), seed=0)
    assert [trial.seed for trial in imitate(searcher, [3, 2])] == [0, 1, 2, 3, 4]


def test_a_base_alone_measures_the_noise_of_seeds() -> None:
    searcher = make_searcher("manual", Space({"a": ["p", "q"]}), seed=0, base={"a": "q"}, repeats=4)
    assert [(trial.params, trial.seed) for trial in imitate(searcher, [9])] == [({"a": "q"}, n) for n in range(4)]


def test_arrays_of_numpy_are_values() -> None:
    searcher = experiments(factors={"rate": np.geomspace(1e-4, 1e-2, 3)})
    assert isinstance(searcher, Experiments)
    assert [arm.value for arm in searcher.arms[1:]] == pytest.approx([1e-4, 1e-2])
    assert all(type(arm.value) is float for arm in searcher.arms[1:])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"factors": {"rtae": [1]}}, r"Option 'factors' names 'rtae', not a parameter; did you mean 'rate'\?"),
        ({"base": {"layer": 1}}, r"Option 'base' names 'layer', not a parameter; did you mean 'layers'\?"),
        ({"base": [1]}, r"Option 'base' must be a mapping of parameters, but got \[1\]\."),
        ({"factors": {"rate": 0.01}}, r"Factor 'rate' must be a list of at least one value, but got 0.01\."),
        ({"factors": {"rate": []}}, r"Factor 'rate' must be a list of at least one value, but got \[\]\."),
        ({"factors": {"optimizer": "adam"}}, r"Factor 'optimizer' must be a list .* but got 'adam'\."),
        ({"factors": {"rate": [1e-3]}}, r"Factor 'rate' must list a value other than the base's 0.001, but got"),
        ({"base": {"optimizer": "sgd"}}, r"Each of 'factors' must be active in the base, but 'momentum' isn't"),
        ({"base": {"optimizer": "sgd", "momentum": 0.9}}, r"The base must name active parameters only, but 'momentum'"),
        ({"repeats": 0}, r"Option 'repeats' must be a whole number of at least 1, but got 0\."),
        ({"configurations": [{}]}, r"takes either 'configurations' or 'base' and 'factors', but got both"),
        ({"base": None, "factors": None}, r"needs option 'configurations' with at least one, or 'base' and 'factors'"),
    ],
)
def test_what_breaks_a_rule_is_told(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        experiments(**changes)


def test_values_outside_the_space_are_told() -> None:
    with pytest.raises(SpaceError, match=r"Factor 'rate' leaves the space at 7: 'rate' must be"):
        experiments(factors={"rate": [7]})
    with pytest.raises(SpaceError, match=r"The base isn't in the space: 'rate' must be"):
        experiments(base={"rate": 7})
