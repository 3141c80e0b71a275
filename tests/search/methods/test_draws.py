"""`random` and `sobol`: where the points fall, and finding every last one."""

import numpy as np
from scipy import stats

from paceline.records import History
from paceline.search import make_searcher
from paceline.search.methods.sobol import sobol_points
from paceline.space import Space
from paceline.testing import SPACES, imitate

SPACE = Space({"x": {"low": 0.0, "high": 1.0}, "rate": {"low": 1e-4, "high": 1.0, "scale": "log"}})


def units(method: str, count: int, seed: int = 0) -> np.ndarray:
    history = imitate(make_searcher(method, SPACE, seed=seed), [count])
    return np.array([SPACE.to_unit(trial.params) for trial in history])


def test_random_is_uniform_on_each_scale() -> None:
    for column in units("random", 2000).T:
        assert stats.kstest(column, "uniform").pvalue > 1e-3


def test_sobol_is_more_even_than_random() -> None:
    sobol, random = (stats.qmc.discrepancy(units(method, 128)) for method in ("sobol", "random"))
    assert sobol < random / 5


def test_sobol_goes_on_where_it_was() -> None:
    """Asked one by one or all at once, the sequence is the same."""
    once = imitate(make_searcher("sobol", SPACE, seed=4), [405])
    piecewise = imitate(make_searcher("sobol", SPACE, seed=4), [1, 7, 392, 5])
    assert [t.params for t in once] == [t.params for t in piecewise]
    assert not np.array_equal(units("sobol", 8, seed=4), units("sobol", 8, seed=5))


def test_sobol_points_are_those_of_scipy() -> None:
    expected = stats.qmc.Sobol(3, rng=np.random.default_rng(7)).random(16)
    assert np.array_equal(sobol_points(3, 5, 11, seed=7), expected[5:])
    assert sobol_points(0, 0, 2, seed=0).shape == (2, 0)


def test_rare_points_of_a_finite_space_are_found() -> None:
    space = Space({"a": {"choices": ["often", "seldom", "never"], "weights": [1e9, 1.0, 1e-9]}})
    for method in ("random", "sobol"):
        history = imitate(make_searcher(method, space, seed=0), [1] * 5)
        assert {t.params["a"] for t in history} == {"often", "seldom", "never"}


def test_a_space_too_large_to_list_is_still_drawn_from() -> None:
    searcher = make_searcher("random", SPACES["choices"](), seed=0)
    assert len(imitate(searcher, [100])) == SPACES["choices"]().size
    huge = Space({f"c{i}": ["a", "b", "c", "d"] for i in range(60)})
    assert len(make_searcher("random", huge, seed=0).suggest(History(), 64, np.random.default_rng(0))) == 64
