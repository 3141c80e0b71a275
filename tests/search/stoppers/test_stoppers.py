"""`none`, `median`, `patience`: who is stopped, by hand-made curves."""

import time

import numpy as np
import pytest

from paceline.records import History, Status, Trial
from paceline.search import Cohort, make_stopper
from paceline.search.stoppers.patience import _longest_wait
from paceline.testing import race

NAN = float("nan")


def running(*curves: tuple[float, ...], cohort: int = 0) -> tuple[Trial, ...]:
    return tuple(Trial(i, {}, i, cohort=cohort, epoch=len(c), curve=c) for i, c in enumerate(curves))


def test_none_stops_nobody() -> None:
    stopper = make_stopper("none", epochs=9)
    assert [(c.size, c.rungs) for c in stopper.cohorts(70, 9)] == [(8, (9,))] * 8 + [(6, (9,))]
    assert all(t.status is not Status.STOPPED for t in race(stopper, trials=40, epochs=9, crossing=True))


def test_median_compares_the_best_so_far() -> None:
    """The third has a bad last epoch but a good one before; the last is NaN and so worse than the median."""
    trials = running((3.0, 1.0), (3.0, 2.0), (0.5, 9.0), (4.0, 4.0), (NAN, NAN))
    stop = make_stopper("median", epochs=10).decide(History(trials), Cohort(0, 5, (2, 10)), 2).stop
    assert stop == {i: "worse than the median of 5 at epoch 2" for i in (3, 4)}


def test_median_of_equals_stops_nobody() -> None:
    trials = running(*[(1.0, 1.0)] * 8)
    assert not make_stopper("median", epochs=10).decide(History(trials), Cohort(0, 8, (2, 10)), 2).stop


def test_median_looks_at_earlier_cohorts_too() -> None:
    early = tuple(
        Trial(i, {}, i, status=Status.FINISHED, epoch=3, curve=(float(i), 0.0, 0.0), score=0.0) for i in range(6)
    )
    late = (Trial(6, {}, 6, cohort=1, epoch=1, curve=(2.5,)), Trial(7, {}, 7, cohort=1, epoch=1, curve=(4.5,)))
    median = make_stopper("median", epochs=5)
    assert set(median.decide(History(early + late), Cohort(1, 2, (1, 5)), 1).stop) == {7}


def test_median_warms_up() -> None:
    trials = running((0.0,), (1.0,), (2.0,), (3.0,))
    cohort = Cohort(0, 4, (1, 3))
    assert not make_stopper("median", epochs=3).decide(History(trials), cohort, 1).stop
    assert make_stopper("median", epochs=3, warmup_trials=4).decide(History(trials), cohort, 1).stop
    assert (
        not make_stopper("median", epochs=3, warmup_trials=4, warmup_epochs=2).decide(History(trials), cohort, 1).stop
    )
    assert next(make_stopper("median", epochs=30, every=7).cohorts(5, 30)).rungs == (6, 13, 20, 27, 30)


@pytest.mark.parametrize(
    ("losses", "min_delta", "wait"),
    [
        ((3.0, 2.0, 1.0), 0.0, 0),
        ((3.0, 2.0, 1.9, 1.8), 0.5, 2),
        ((3.0, 2.0, 1.6, 1.4), 0.5, 1),
        ((1.0, 1.0, 1.0), 0.0, 2),
        ((NAN, NAN), 0.0, 2),
        ((), 0.0, 0),
    ],
)
def test_waiting_is_counted_like_keras(losses: tuple[float, ...], min_delta: float, wait: int) -> None:
    assert _longest_wait(losses, min_delta) == wait


def test_patience_ends_flat_curves_only() -> None:
    trials = running((1.0, 0.9, 0.8, 0.7), (1.0, 0.9, 0.95, 0.99), (NAN, 1.0, NAN, 0.5))
    stopper = make_stopper("patience", epochs=9, patience=2)
    assert stopper.decide(History(trials), Cohort(0, 3, (4, 9)), 4).stop == {
        1: "no improvement for 2 epochs at epoch 4"
    }
    assert not stopper.decide(History(trials), Cohort(0, 3, (3, 9)), 3).stop
    assert next(stopper.cohorts(3, 9)).rungs == tuple(range(3, 10))


def test_patience_larger_than_the_training_never_looks() -> None:
    assert next(make_stopper("patience", epochs=5, patience=10).cohorts(3, 5)).rungs == (5,)


def test_every_stopper_is_cheap() -> None:
    """10 000 trials are compared within a second."""
    rng = np.random.default_rng(0)
    trials = tuple(
        Trial(i, {}, i, cohort=i // 100, epoch=9, curve=tuple(rng.random(9).tolist()), status=Status.STOPPED)
        for i in range(9900)
    )
    now = tuple(Trial(9900 + i, {}, i, cohort=99, epoch=9, curve=tuple(rng.random(9).tolist())) for i in range(100))
    for name in ("median", "halving", "hyperband", "patience"):
        begin = time.process_time()
        make_stopper(name, epochs=27).decide(History(trials + now), Cohort(99, 100, (9, 27)), 9)
        assert time.process_time() - begin < 1.0, name
