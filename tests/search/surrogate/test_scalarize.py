"""The power map against scikit-learn's."""

import math

import numpy as np
import pytest
from sklearn.preprocessing import power_transform

from paceline.search.surrogate.scalarize import likeliest_exponent, power_map, yeo_johnson
from paceline.search.surrogate.targets import standardize


def test_power_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    for scores in (rng.normal(size=50), rng.exponential(size=80) * 1e-3, -(rng.random(60) ** 4) * 1e6):
        theirs = power_transform(standardize(scores)[:, None], method="yeo-johnson", standardize=False)[:, 0]
        assert power_map(scores) == pytest.approx(theirs, abs=0.02 * np.ptp(theirs))
        assert (np.diff(power_map(np.sort(scores))) >= 0).all()
    assert yeo_johnson(np.array([-1.5, 0.0, 2.0]), 1.0) == pytest.approx([-1.5, 0.0, 2.0])
    assert yeo_johnson(np.array([2.0]), 0.0) == pytest.approx([math.log(3.0)])
    assert yeo_johnson(np.array([-2.0]), 2.0) == pytest.approx([-math.log(3.0)])
    assert likeliest_exponent(np.zeros(4)) == 1.0
    assert np.isfinite(power_map(np.array([0.1, 0.2, 0.3, 1e300]))).all()
