"""`curve` and `asha`: forecasts of known laws, who is stopped, and that misleading beginnings aren't believed."""

import numpy as np
import pytest

from paceline.records import History, Status, Trial
from paceline.search import Cohort, make_stopper
from paceline.search.stoppers.curve import _chance_below
from paceline.search.stoppers.extrapolation import forecast

T = np.arange(1, 51)
LAWS = {
    "power": 0.3 + 0.9 * T**-0.5,
    "exponential": 0.1 + 2.0 * np.exp(-6.0 * T / 50),
    "flat": np.full(50, 0.7),
    "large": 1e6 + 1e5 * T**-1.0,
}


@pytest.mark.parametrize("law", LAWS)
def test_known_laws_are_continued(law: str) -> None:
    curve = LAWS[law]
    mean, sd = forecast([curve.tolist()], 12, 50)
    fall = max(float(np.ptp(curve)), 1e-9)
    assert mean[0] == pytest.approx(curve[-1], abs=1e-3 * fall)
    assert sd[0] < 0.01 * fall


def test_uncertainty_covers_noisy_curves() -> None:
    """Not quite as often as it claims to; that is what `curve` adds its past errors for."""
    rng = np.random.default_rng(0)
    curves = [
        (a + b * T**-c)
        for a, b, c in zip(rng.random(200), 1 + rng.random(200), rng.uniform(0.3, 1.5, 200), strict=True)
    ]
    noisy = [(c + rng.normal(0.0, 0.01, 50)).tolist() for c in curves]
    mean, sd = forecast(noisy, 15, 50)
    off = (mean - [c[-1] for c in curves]) / sd
    assert 0.7 < np.mean(np.abs(off) < 2.0) < 1.0
    assert np.median(sd) < 0.1


def test_gaps_are_left_out_and_short_curves_have_no_forecast() -> None:
    holes = LAWS["power"].copy()
    holes[[1, 4]] = np.nan
    mean, sd = forecast([holes.tolist(), [1.0, 0.5, 0.4], [float("inf")] * 50], 12, 50)
    assert mean[0] == pytest.approx(LAWS["power"][-1], abs=1e-3)
    assert np.isnan(mean[1:]).all()
    assert np.isnan(sd[1:]).all()
    assert forecast([], 5, 9)[0].shape == (0,)


def test_chances() -> None:
    assert _chance_below(0.0, 0.0, 1.0) == pytest.approx(0.5)
    assert _chance_below(0.0, 1.6449, 1.0) == pytest.approx(0.05, abs=1e-4)
    assert _chance_below(float("inf"), 0.0, 1.0) == 1.0
    assert _chance_below(0.0, float("nan"), 1.0) == 1.0
    assert _chance_below(0.0, 1.0, 0.0) == 0.0


def trial(number: int, curve: np.ndarray, epoch: int, status: Status = Status.RUNNING, cohort: int = 0) -> Trial:
    values = tuple(curve[:epoch].tolist())
    return Trial(number, {}, 0, cohort=cohort, status=status, epoch=epoch, curve=values, score=min(values))


def test_a_hopeless_curve_is_stopped_and_a_late_bloomer_is_not() -> None:
    best, poor, slow = 0.2 + T**-1.0, 0.6 + T**-1.0, 0.05 + 1.2 * T**-0.4
    assert slow[9] > best[-1]
    done = tuple(trial(i, best + 0.02 * i, 50, Status.FINISHED) for i in range(10))
    now = (trial(10, poor, 10, cohort=1), trial(11, slow - 0.15, 10, cohort=1))
    stop = make_stopper("curve", epochs=50).decide(History(done + now), Cohort(1, 2, (10, 50)), 10).stop
    assert set(stop) == {10}
    assert stop[10].endswith("chance to beat the best, by its curve at epoch 10")


def test_the_best_tenth_is_never_stopped() -> None:
    curves = [0.5 + 0.01 * i + np.exp(-T / 2.0) for i in range(20)]
    history = History(tuple(trial(i, c, 10) for i, c in enumerate(curves)))
    stop = make_stopper("curve", epochs=50).decide(history, Cohort(0, 20, (10, 50)), 10).stop
    assert set(stop) == set(range(2, 20))
    assert not make_stopper("curve", epochs=50, protect=1.0).decide(history, Cohort(0, 20, (10, 50)), 10).stop


def test_forecasts_that_failed_before_make_it_careful() -> None:
    """In the earlier cohort every curve had a second fall after epoch 25; so the plateau at 10 isn't believed."""
    plateau = 1.0 + np.exp(-T / 2.0)
    falls = np.where(T > 25, 0.8, 0.0)
    best = trial(0, np.where(T > 25, 0.3, plateau), 50, Status.FINISHED)
    now = tuple(trial(20 + i, plateau + 0.01 * (i + 1), 10, cohort=1) for i in range(3))
    cohort = Cohort(1, 3, (10, 50))
    honest = tuple(trial(i, plateau + 0.01 * i, 50, Status.FINISHED) for i in range(1, 10))
    misleading = tuple(trial(i, plateau + 0.01 * i - falls, 50, Status.FINISHED) for i in range(1, 10))
    stopper = make_stopper("curve", epochs=50, protect=0.0)
    assert len(stopper.decide(History((best, *honest, *now)), cohort, 10).stop) == 3
    assert len(stopper.decide(History((best, *misleading, *now)), cohort, 10).stop) == 0


def test_asha_compares_with_everyone_before() -> None:
    early = tuple(trial(i, np.full(9, 0.1 * i), 1 if i > 2 else 9, Status.STOPPED) for i in range(9))
    late = (trial(9, np.full(9, 0.15), 1, cohort=1), trial(10, np.full(9, 0.65), 1, cohort=1))
    asha = make_stopper("asha", epochs=9)
    assert asha.decide(History(early + late), Cohort(1, 2, (1, 3, 9)), 1).stop == {10: "rank 9 of 11 at epoch 1"}
    assert set(asha.decide(History(late), Cohort(1, 2, (1, 3, 9)), 1).stop) == {10}


def test_asha_counts_who_ended_by_itself() -> None:
    early = (
        trial(0, np.full(9, 0.0), 2, Status.FINISHED),
        trial(1, np.full(9, 0.0), 1, Status.DIVERGED),
        trial(2, np.full(9, 0.0), 1, Status.STOPPED),
    )
    late = tuple(trial(3 + i, np.full(9, 0.5 + i), 3, cohort=1) for i in range(4))
    stop = make_stopper("asha", epochs=9).decide(History(early + late), Cohort(1, 4, (1, 3, 9)), 3).stop
    assert stop == {i: f"rank {i - 1} of 6 at epoch 3" for i in (4, 5, 6)}
