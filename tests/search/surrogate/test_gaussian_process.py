"""The Gaussian process against scikit-learn's, numerical slopes, and what is known of it in closed form."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import approx_fprime, minimize
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from paceline.search.surrogate.gaussian_process import (
    BOUNDS,
    LEVEL,
    GPParameters,
    Posterior,
    fit,
    log_likelihood,
    log_prior,
)

pytestmark = pytest.mark.compiles

Array = NDArray[np.float64]

GROUPS = np.array([0, 1, 2, 2, 2, 3])
HYPER = GPParameters(np.array([0.3, 2.0, 0.9, 0.5]), 1.7, 0.013)


def data(rows: int, seed: int = 0) -> tuple[Array, Array]:
    """Two numbers, a choice of three, one more number; a smooth function of them and noise."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(3, size=rows)
    numbers = rng.random((rows, 3))
    features = np.column_stack([numbers[:, :2], np.eye(3)[kind] / np.sqrt(2.0), numbers[:, 2]])
    raw = np.sin(6.0 * numbers[:, 0]) + 0.7 * kind * numbers[:, 2] + 0.1 * rng.normal(size=rows)
    return features, (raw - raw.mean()) / raw.std()


def peer(features: Array, targets: Array) -> GaussianProcessRegressor:
    kernel = (
        ConstantKernel(HYPER.signal) * Matern(HYPER.lengths[GROUPS], nu=2.5)
        + ConstantKernel(LEVEL)
        + WhiteKernel(HYPER.noise)
    )
    return GaussianProcessRegressor(kernel, optimizer=None, alpha=0.0).fit(features, targets)


def test_mean_and_sd_are_scikit_learns() -> None:
    features, targets = data(40)
    places = data(25, seed=1)[0]
    posterior = Posterior.given(HYPER, GROUPS, features, targets)
    mean, sd = posterior.predict(places)
    theirs, single = peer(features, targets).predict(places, return_std=True)  # sd of a single noisy result
    assert mean == pytest.approx(theirs, abs=1e-8)
    assert np.sqrt(sd**2 + HYPER.noise) == pytest.approx(single, abs=1e-8)


def test_likelihood_and_slopes_are_scikit_learns() -> None:
    features, targets = data(40)
    value, slopes = log_likelihood(HYPER.theta, features, GROUPS, targets)
    model = peer(features, targets)
    theirs, each = model.log_marginal_likelihood(model.kernel_.theta, eval_gradient=True)
    assert value == pytest.approx(theirs, abs=1e-8)
    signal, lengths, noise = each[0], each[1:7], each[8]  # each[7] belongs to the level
    assert slopes[:4] == pytest.approx(np.bincount(GROUPS, weights=lengths), abs=1e-8)
    assert slopes[4:] == pytest.approx([signal, noise], abs=1e-8)


def test_slopes_of_the_prior() -> None:
    theta = np.array([-1.0, 0.2, 3.0, 0.4, -5.0])
    numerical = approx_fprime(theta, lambda t: log_prior(t)[0], 1e-7)
    assert log_prior(theta)[1] == pytest.approx(numerical, abs=1e-5)


def test_the_prior_expects_longer_lengths_in_more_dimensions() -> None:
    def favourite(groups: int) -> float:
        at = np.linspace(-3, 3, 4001)
        densities = [log_prior(np.concatenate([np.full(groups, t), [0.0, -4.0]]))[0] for t in at]
        return float(np.exp(at[np.argmax(densities)]))

    assert favourite(1) == pytest.approx(favourite(8), rel=0.01) == pytest.approx(1.0, rel=0.01)
    assert favourite(32) == pytest.approx(2.0, rel=0.01)


def test_slopes_of_mean_and_sd() -> None:
    features, targets = data(30)
    places = data(6, seed=2)[0]
    posterior = Posterior.given(HYPER, GROUPS, features, targets)
    mean, sd, mean_slopes, sd_slopes = posterior.predict_with_slopes(places)
    assert mean == pytest.approx(posterior.predict(places)[0])
    assert sd == pytest.approx(posterior.predict(places)[1])
    for number, place in enumerate(places):
        for which, slopes in enumerate((mean_slopes, sd_slopes)):
            step = 1e-5 * np.eye(len(place))
            numerical = [
                (
                    posterior.predict(np.array([place + s]))[which][0]
                    - posterior.predict(np.array([place - s]))[which][0]
                )
                / 2e-5
                for s in step
            ]
            assert slopes[number] == pytest.approx(numerical, abs=1e-7)


def test_an_imagined_result_is_one_more_result() -> None:
    features, targets = data(30)
    posterior = Posterior.given(HYPER, GROUPS, features, targets)
    places = data(3, seed=3)[0]
    for place in places:
        posterior = posterior.extended(place)
    whole = Posterior.given(HYPER, GROUPS, posterior.features, posterior.targets)
    assert posterior.features[-3:].tolist() == places.tolist()
    assert posterior.lower == pytest.approx(whole.lower, abs=1e-10)
    others = data(10, seed=4)[0]
    before = Posterior.given(HYPER, GROUPS, features, targets).predict(others)
    after = posterior.predict(others)
    assert after[0] == pytest.approx(before[0], abs=1e-9), "a result as expected changes no mean"
    assert (after[1] < before[1]).all()


def test_leaving_out_is_leaving_out() -> None:
    features, targets = data(12)
    mean, sd = Posterior.given(HYPER, GROUPS, features, targets).leave_one_out()
    for row in range(12):
        rest = np.arange(12) != row
        less = Posterior.given(HYPER, GROUPS, features[rest], targets[rest])
        alone, doubt = less.predict(features[row : row + 1])
        assert mean[row] == pytest.approx(alone[0], abs=1e-8)
        assert sd[row] == pytest.approx(np.sqrt(doubt[0] ** 2 + HYPER.noise), abs=1e-8)


def test_a_choice_is_known_apart_but_not_ordered() -> None:
    """With one-hot columns of a common length every two values of a choice are equally far apart."""
    places = np.column_stack([np.zeros((3, 2)), np.eye(3) / np.sqrt(2.0), np.zeros(3)])
    between = Posterior.given(HYPER, GROUPS, places, np.zeros(3)).covariances(places)
    assert between[0, 1] == pytest.approx(between[0, 2]) == pytest.approx(between[1, 2])
    assert between[0, 1] < between[0, 0]


@pytest.mark.parametrize("rows", [25, 160])
def test_the_fit_is_the_best_of_many(rows: int) -> None:
    """No worse than the best of twenty searches from random beginnings, at which all is given."""
    features, targets = data(rows)

    def loss(theta: Array) -> tuple[float, Array]:
        likely, slope = log_likelihood(theta, features, GROUPS, targets)
        prior, pull = log_prior(theta)
        return -likely - prior, -slope - pull

    bounds = np.log([BOUNDS["lengths"]] * 4 + [BOUNDS["signal"], BOUNDS["noise"]])
    rng = np.random.default_rng(0)
    starts = rng.uniform(np.maximum(bounds[:, 0], -4), np.minimum(bounds[:, 1], 2), (20, 6))
    best = min(minimize(loss, s, jac=True, method="L-BFGS-B", bounds=bounds).fun for s in starts)
    assert loss(fit(features, GROUPS, targets).theta)[0] < best + 0.05


def test_the_fit_tells_what_matters() -> None:
    lengths = fit(*data(100)[:1], GROUPS, data(100)[1]).lengths
    assert lengths[1] > 4.0 * lengths[0], "the second number has no influence"
    assert lengths[1] > 2.0 * lengths[2]


@pytest.mark.parametrize("targets", [np.zeros(9), np.array([1.0] * 3 + [-0.5] * 6)])
def test_equal_places_and_equal_results_are_survived(targets: Array) -> None:
    features = np.repeat(data(3)[0], 3, axis=0)
    parameters = fit(features, GROUPS, targets)
    mean, sd = Posterior.given(parameters, GROUPS, features, targets).predict(features)
    assert np.isfinite(mean).all()
    assert (sd > 0).all()
