"""A seed may be any whole number below 2^63; libraries that take 32 bits must never see more."""

import numpy as np
import pytest

from paceline.data import load
from paceline.data.split import k_folds
from paceline.records import History, Status, Trial
from paceline.search import METHODS, make_searcher
from paceline.search.experiments.importance import importances
from paceline.seeds import library_seed
from paceline.space import Space
from paceline.study import tune
from paceline.testing import imitate

LARGE = (2**32, 2**40, 2**63 - 1)
SPACE = Space({"x": {"low": 0.0, "high": 1.0}, "kind": ["a", "b", "c"]})


@pytest.mark.parametrize("seed", LARGE)
def test_a_library_s_seed_has_32_bits(seed: int) -> None:
    assert 0 <= library_seed(seed) < 2**32 and library_seed(seed) == library_seed(seed)
    assert len({library_seed(each) for each in (0, 1, *LARGE)}) == 2 + len(LARGE)
    assert library_seed(2**32 - 1) == 2**32 - 1  # what fits stays, and so do results of former versions


@pytest.mark.parametrize("seed", LARGE)
@pytest.mark.parametrize("method", [name for name in METHODS if name != "manual"])
def test_every_method_takes_it(method: str, seed: int) -> None:
    assert len(imitate(make_searcher(method, SPACE, seed=seed), [12, 12, 12], seed=seed)) >= 15


@pytest.mark.parametrize("seed", LARGE)
def test_importance_takes_it(seed: int) -> None:
    points = [SPACE.sample(np.random.default_rng(i)) for i in range(40)]
    history = History(tuple(Trial(i, p, 0, status=Status.FINISHED, score=p["x"]) for i, p in enumerate(points)))
    assert importances(SPACE, history, seed)[0].name == "x"


@pytest.mark.parametrize("seed", LARGE)
@pytest.mark.parametrize("keys", [(), ("strata",), ("groups",), ("strata", "groups")])
def test_folds_take_it(keys: tuple[str, ...], seed: int) -> None:
    codes = {name: np.arange(30) % 6 for name in keys}
    folds = k_folds(30, 3, seed, **codes)
    assert np.array_equal(np.sort(np.concatenate([dev for _, dev in folds])), np.arange(30))


@pytest.mark.compiles
def test_a_study_takes_it_to_its_end() -> None:
    """With its own folds and enough trials for importances, which are asked for after the search."""
    space = {"learning_rate": {"low": 1e-4, "high": 1e-1, "scale": "log"}, "dropout": {"low": 0.0, "high": 0.5}}
    params = {"layers": 1, "units": 16, "batch_size": 64}
    study = tune(
        load("digits"), space=space, params=params, method="random", stopper="none", trials=20, epochs=1, folds=2,
        retrain=2, refit=True, seed=2**63 - 1, n_jobs=2,
    )  # fmt: skip
    assert study.state == "finished" and len(study.summary.importance) == 2
