"""Successive halving and Hyperband: the published tables, cut ends, and who goes on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.records import History, Status, Trial
from paceline.search import Cohort, make_stopper
from paceline.testing import race


def test_hyperband_is_the_table_of_the_paper() -> None:
    """Li et al. (2018), table 1: R = 81, η = 3."""
    cohorts = list(make_stopper("hyperband", epochs=81).cohorts(143, 81))
    assert [(c.size, c.rungs) for c in cohorts] == [
        (81, (1, 3, 9, 27, 81)),
        (34, (3, 9, 27, 81)),
        (15, (9, 27, 81)),
        (8, (27, 81)),
        (5, (81,)),
    ]


def test_survivors_are_those_of_the_paper() -> None:
    history = race(
        make_stopper("hyperband", epochs=81, control_trials=0), trials=143, epochs=81, crossing=False, mishaps=False
    )
    reached = {s: sorted((t.epoch for t in history if t.cohort == s), reverse=True) for s in range(5)}
    assert [reached[0].count(e) for e in (81, 27, 9, 3, 1)] == [1, 2, 6, 18, 54]
    assert [reached[1].count(e) for e in (81, 27, 9, 3)] == [1, 2, 8, 23]
    assert [reached[4].count(81)] == [5]


def test_a_cut_cohort_is_compared_later_and_less() -> None:
    hyperband = make_stopper("hyperband", epochs=81)
    assert [(c.size, c.rungs) for c in hyperband.cohorts(10, 81)] == [(10, (9, 27, 81))]
    assert [(c.size, c.rungs) for c in hyperband.cohorts(2, 81)] == [(2, (81,))]
    assert [(c.size, c.rungs) for c in make_stopper("halving", epochs=27).cohorts(30, 27)] == [
        (27, (1, 3, 9, 27)),
        (3, (9, 27)),
    ]


def test_min_epochs_sets_the_first_rung() -> None:
    assert next(make_stopper("hyperband", epochs=30, min_epochs=3).cohorts(None, 30)).rungs == (3, 10, 30)
    assert next(make_stopper("halving", epochs=30, min_epochs=30).cohorts(None, 30)).rungs == (30,)
    assert next(make_stopper("halving", epochs=8, eta=2, size=20).cohorts(None, 8)) == Cohort(
        0, 20, (1, 2, 4, 8), label="halving 1"
    )


def trial(number: int, value: float, **changes: object) -> Trial:
    return Trial(number, {}, number, epoch=1, curve=(value,), score=value, **changes)  # type: ignore[arg-type]


def test_ties_go_to_the_earlier_trial_and_the_broken_rank_last() -> None:
    cohort = Cohort(0, 6, (1, 3))
    history = History(
        (
            trial(0, float("nan")),
            trial(1, 0.0, status=Status.DIVERGED),
            trial(2, 0.5),
            trial(3, 0.5),
            trial(4, 0.1, status=Status.FINISHED),
            trial(5, float("inf")),
        )
    )
    stop = make_stopper("halving", epochs=3).decide(history, cohort, 1).stop
    assert stop == {3: "rank 3 of 6 at epoch 1", 0: "rank 4 of 6 at epoch 1", 5: "rank 5 of 6 at epoch 1"}


def test_the_goal_turns_the_order() -> None:
    trials = tuple(trial(i, float(i)) for i in range(3))
    halving, cohort = make_stopper("halving", epochs=3), Cohort(0, 3, (1, 3))
    assert set(halving.decide(History(trials), cohort, 1).stop) == {1, 2}
    assert set(halving.decide(History(trials, "maximize"), cohort, 1).stop) == {0, 1}


@given(st.integers(1, 400), st.integers(1, 200), st.integers(2, 4), st.sampled_from(["halving", "hyperband"]))
def test_a_cohort_never_shrinks_to_nobody(trials: int, epochs: int, eta: int, name: str) -> None:
    for cohort in make_stopper(name, epochs=epochs, eta=eta).cohorts(trials, epochs):
        assert cohort.size >= eta ** (len(cohort.rungs) - 1)


def test_epochs_spent_are_far_fewer() -> None:
    history = race(make_stopper("hyperband", epochs=27), trials=98, epochs=27, crossing=True)
    assert sum(t.epoch for t in history) < 0.45 * 27 * 98


@pytest.mark.parametrize("name", ["halving", "hyperband"])
def test_reasons_are_phrases(name: str) -> None:
    history = race(make_stopper(name, epochs=9), trials=30, epochs=9, crossing=True)
    assert all("rank" in t.reason for t in history if t.status is Status.STOPPED)
