"""Acquisitions against integrals, simulation and numerical slopes, also where plain figures underflow."""

import numpy as np
import pytest
from scipy import integrate, stats

from paceline.search.surrogate.acquisition import (
    FAR,
    confidence_bound,
    log_expected_improvement,
    log_gain,
    log_probability_of_improvement,
)

ALL = {
    "logei": log_expected_improvement,
    "pi": log_probability_of_improvement,
    "ucb": confidence_bound(1.7),
}


def integrated(z: float) -> float:
    """log ∫ t φ(t - z) dt over t > 0; for z < 0 with t = s / |z|, so that nothing underflows or cancels."""
    if z >= 0:
        value, _ = integrate.quad(lambda t: t * stats.norm.pdf(t - z), 0, z + 40, points=[z], epsabs=0, epsrel=1e-12)
        return float(np.log(value))
    value, _ = integrate.quad(lambda s: s * np.exp(-s - 0.5 * (s / z) ** 2), 0, 800, points=[1, 30], epsrel=1e-12)
    return float(np.log(value) - 2.0 * np.log(-z) - 0.5 * z * z - 0.5 * np.log(2.0 * np.pi))


@pytest.mark.parametrize("z", [5.0, 0.7, 0.0, -0.3, -0.999, -1.001, -3.0, -12.0, -37.0, -49.99, -50.01, -400.0, -1e5])
def test_log_gain_is_the_integral(z: float) -> None:
    assert log_gain(np.array([z]))[0][0] == pytest.approx(integrated(z), rel=1e-11, abs=1e-11)


def test_log_gain_is_finite_and_rises_everywhere() -> None:
    z = np.sort(np.concatenate([-np.logspace(9, -3, 4000), np.linspace(-60, 8, 5000)]))
    value, slope = log_gain(z)
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()
    assert (np.diff(value) >= 0).all()
    assert (np.diff(slope) <= 1e-9 * np.abs(slope[1:])).all()


@pytest.mark.parametrize("border", [-1.0, FAR])
def test_the_pieces_meet(border: float) -> None:
    left, right = (log_gain(np.array([np.nextafter(border, to)])) for to in (-np.inf, np.inf))
    assert left[0] == pytest.approx(right[0], rel=1e-13)
    assert left[1] == pytest.approx(right[1], rel=1e-11)


def test_expected_improvement_is_the_mean_of_simulated_ones() -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(size=2_000_000)
    for mean, sd, best in [(0.0, 1.0, 0.5), (1.0, 0.5, 0.3), (-2.0, 0.1, -1.0), (3.0, 1.0, 1.0)]:
        gains = np.maximum(best - (mean + sd * draws), 0.0)
        error = gains.std() / np.sqrt(len(draws))
        value = np.exp(log_expected_improvement(np.array([mean]), np.array([sd]), best)[0][0])
        assert value == pytest.approx(gains.mean(), abs=4.0 * error)


def test_probability_of_improvement_is_the_normal_distribution() -> None:
    mean, sd = np.array([0.0, 0.4, 3.0, 80.0]), np.array([1.0, 0.2, 0.5, 0.5])
    value = log_probability_of_improvement(mean, sd, 0.3)[0]
    assert value == pytest.approx(stats.norm.logcdf((0.3 - mean) / sd), rel=1e-12)
    assert np.isfinite(value).all()


def test_the_bound_rewards_a_low_mean_and_doubt() -> None:
    value = ALL["ucb"](np.array([1.0, 2.0]), np.array([0.5, 3.0]), 0.0)[0]
    assert value.tolist() == pytest.approx([1.7 * 0.5 - 1.0, 1.7 * 3.0 - 2.0])


@pytest.mark.parametrize("name", ALL)
def test_slopes_are_those_of_the_value(name: str) -> None:
    """Central differences; z from 20 to -2000."""
    mean = np.array([-4.0, 0.0, 0.3, 1.0, 2.0, 12.0, 40.0, 200.0])
    sd = np.array([0.2, 0.5, 0.4, 2.0, 0.3, 0.25, 0.5, 0.1])
    _, in_mean, in_sd = ALL[name](mean, sd, 0.1)
    step = 1e-6 * sd
    by_mean = (ALL[name](mean + step, sd, 0.1)[0] - ALL[name](mean - step, sd, 0.1)[0]) / (2 * step)
    by_sd = (ALL[name](mean, sd + step, 0.1)[0] - ALL[name](mean, sd - step, 0.1)[0]) / (2 * step)
    assert in_mean == pytest.approx(by_mean, rel=1e-6, abs=1e-6)
    assert in_sd == pytest.approx(by_sd, rel=1e-6, abs=1e-6)
