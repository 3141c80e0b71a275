"""Intervals and p-values against SciPy, Holm against its definition, and what pairing gains where it can."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from paceline.search.experiments.paired import Difference, holm, paired, repeats_needed, unpaired

NUMBERS = st.floats(-1e3, 1e3, allow_nan=False).map(lambda value: round(value, 6))
SAMPLES = st.integers(2, 12).flatmap(
    lambda count: st.tuples(*[st.lists(NUMBERS, min_size=count, max_size=count)] * 2)
)  # fmt: skip


def agree(found: Difference, oracle: Any) -> None:
    interval = oracle.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-6, abs=1e-9)
    assert found.p == pytest.approx(oracle.pvalue, rel=1e-6, abs=1e-12)
    assert found.low <= found.mean <= found.high


@given(SAMPLES)
def test_paired_is_scipy_s_ttest_rel(samples: tuple[list[float], list[float]]) -> None:
    arm, base = map(np.array, samples)
    assume(np.ptp(arm - base) > 1e-4 * max(1.0, np.abs([arm, base]).max()))
    agree(paired(arm, base), stats.ttest_rel(arm, base))


@given(SAMPLES)
def test_unpaired_is_scipy_s_welch_test(samples: tuple[list[float], list[float]]) -> None:
    arm, base = map(np.array, samples)
    assume(min(np.ptp(arm), np.ptp(base)) > 1e-3)
    agree(unpaired(arm, base), stats.ttest_ind(arm, base, equal_var=False))


def test_one_pair_has_a_difference_and_no_interval() -> None:
    for compare in (paired, unpaired):
        found = compare(np.array([0.3]), np.array([0.1]))
        assert found.mean == pytest.approx(0.2)
        assert math.isnan(found.low) and math.isnan(found.high) and math.isnan(found.p)


def test_equal_differences_are_judged_by_the_sign_test() -> None:
    base = np.array([0.10, 0.20, 0.15, 0.30, 0.25])
    found = paired(np.float32(base + 0.01).astype(np.float64), base)  # equal but for rounding to 32 bits
    assert found.p == pytest.approx(stats.binomtest(5, 5).pvalue) == 2 / 2**5
    assert paired(base, base) == Difference(0.0, 0.0, 0.0, 1.0)


@given(st.lists(st.floats(0, 1) | st.just(math.nan), max_size=8))
def test_holm_is_its_definition(probabilities: list[float]) -> None:
    """Adjusted p_i: the largest, over all p_j no greater than it, of (how many are at least p_j) * p_j."""
    known = [p for p in probabilities if not math.isnan(p)]
    for p, found in zip(probabilities, holm(probabilities), strict=True):
        if math.isnan(p):
            assert math.isnan(found)
            continue
        expected = max(min(1.0, other * sum(third >= other for third in known)) for other in known if other <= p)
        assert found == pytest.approx(expected)


@pytest.mark.parametrize("effect", [0.3, 0.6, 1.0, 2.0])
def test_repeats_needed_see_the_effect_in_four_of_five_experiments(effect: float) -> None:
    def power(count: int) -> float:
        reach = stats.t.ppf(0.975, count - 1)
        return float(stats.nct.sf(reach, count - 1, effect * math.sqrt(count)))

    needed = repeats_needed(-effect * 0.01, 0.01)
    assert needed is not None
    assert power(needed) > 0.77 and power(max(2, needed - 2)) < 0.8


def test_hopeless_effects_need_no_number() -> None:
    assert repeats_needed(0.0, 1.0) is None
    assert repeats_needed(1e-3, 1.0) is None
    assert repeats_needed(1e-3, 0.0) == 2
