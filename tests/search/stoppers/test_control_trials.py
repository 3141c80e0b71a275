"""Probes: who counts as unpicked, when readings are believed, and what stoppers make of it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from paceline.errors import SettingsError
from paceline.records import History, Status, Trial
from paceline.search import Cohort, Decision, make_stopper
from paceline.search.stoppers.control_trials import (
    CONTROL_EVERY,
    CONTROL_TRIALS,
    MIN_TRIALS,
    _rank_correlation,
    rank_correlates,
    spare_control_trials,
)
from paceline.testing import race

LATER = Cohort(1, 6, (1, 3, 9))


def ended(number: int, curve: tuple[float, ...], *, cohort: int = 0, status: Status = Status.STOPPED) -> Trial:
    return Trial(number, {}, number, cohort=cohort, epoch=len(curve), curve=curve, score=min(curve), status=status)


def falling(levels: list[float], *, crossing: bool, epochs: int = 3) -> list[Trial]:
    """Trials that end at these levels; crossing ones begin in the opposite order."""
    return [
        ended(i, ((2 - level if crossing else 1 + level), *[level] * (epochs - 1))) for i, level in enumerate(levels)
    ]


LEVELS = [0.1 * i for i in range(CONTROL_TRIALS)]


def test_control_trials_tell_whether_readings_are_believed() -> None:
    assert rank_correlates(History(falling(LEVELS, crossing=False)), LATER, 1, CONTROL_TRIALS) is True
    assert rank_correlates(History(falling(LEVELS, crossing=True)), LATER, 1, CONTROL_TRIALS) is False


def test_too_few_or_none_of_them_tell_nothing() -> None:
    few = History(falling(LEVELS[: MIN_TRIALS - 1], crossing=True))
    assert rank_correlates(few, LATER, 1, CONTROL_TRIALS) is None
    assert rank_correlates(History(falling(LEVELS, crossing=True)), LATER, 1, 0) is None
    # They were stopped at epoch 3 among others, so what comes after it is not known.
    assert rank_correlates(History(falling(LEVELS, crossing=True)), LATER, 3, CONTROL_TRIALS) is None


def test_picked_trials_are_not_asked() -> None:
    """Trials that went on because they read well, beside one that didn't, are left out."""
    picked = [ended(t.number + 10, t.curve) for t in falling(LEVELS, crossing=True)]
    dropped = ended(30, (9.0,))
    assert rank_correlates(History([*picked, dropped]), LATER, 1, CONTROL_TRIALS) is None
    assert rank_correlates(History(picked), LATER, 1, CONTROL_TRIALS) is False


def test_broken_and_running_trials_are_not_asked() -> None:
    trials = falling(LEVELS, crossing=True)
    for status in (Status.RUNNING, Status.DIVERGED, Status.FAILED):
        changed = [ended(t.number, t.curve, status=status) for t in trials]
        assert rank_correlates(History(changed), LATER, 1, CONTROL_TRIALS) is None


def test_the_latest_rung_is_asked_first() -> None:
    """By epoch 3 the order holds, by epoch 9 it is turned round; all were trained to the end."""
    curves = [(level, level, level, *[1.0 - level] * 6) for level in LEVELS]
    whole = [ended(i, (*curve[:3], *[curve[-1] - 1.0] * 6), status=Status.FINISHED) for i, curve in enumerate(curves)]
    assert rank_correlates(History(whole), LATER, 1, CONTROL_TRIALS) is False
    assert rank_correlates(History(whole), LATER, 3, CONTROL_TRIALS) is False
    assert rank_correlates(History([ended(t.number, t.curve[:3]) for t in whole]), LATER, 1, CONTROL_TRIALS) is True


def test_the_goal_turns_both() -> None:
    trials = [ended(t.number, tuple(-v for v in t.curve)) for t in falling(LEVELS, crossing=True)]
    assert rank_correlates(History(trials, "maximize"), LATER, 1, CONTROL_TRIALS) is False


@pytest.mark.parametrize("name", ["hyperband", "asha"])
def test_control_trials_come_to_the_rung_below_the_end(name: str) -> None:
    history = race(make_stopper(name, epochs=27), trials=60, epochs=27, crossing=False, mishaps=False)
    assert min(trial.epoch for trial in history.trials[:CONTROL_TRIALS]) == 9
    published = race(
        make_stopper(name, epochs=27, control_trials=0), trials=60, epochs=27, crossing=False, mishaps=False
    )
    assert min(trial.epoch for trial in published.trials[:CONTROL_TRIALS]) == 1


@pytest.mark.parametrize("name", ["hyperband", "asha"])
def test_a_rung_that_misleads_stops_nobody(name: str) -> None:
    now = [Trial(20 + i, {}, 0, cohort=1, epoch=1, curve=(float(i),)) for i in range(6)]
    stopper = make_stopper(name, epochs=9)
    misled = stopper.decide(History([*falling(LEVELS, crossing=True), *now]), LATER, 1)
    assert misled == Decision()
    assert stopper.decide(History([*falling(LEVELS, crossing=False), *now]), LATER, 1).stop
    assert (
        make_stopper(name, epochs=9, control_trials=0)
        .decide(History([*falling(LEVELS, crossing=True), *now]), LATER, 1)
        .stop
    )


def test_believed_readings_are_compared_with_earlier_brackets() -> None:
    """All six read worse than everyone before: Hyperband would let two of them on, whoever came before."""
    now = [Trial(20 + i, {}, 0, cohort=1, epoch=1, curve=(8.0 + i,)) for i in range(6)]
    history = History([*falling(LEVELS, crossing=False), *now])
    assert len(make_stopper("hyperband", epochs=9).decide(history, LATER, 1).stop) == 6
    assert len(make_stopper("hyperband", epochs=9, control_trials=0).decide(history, LATER, 1).stop) == 4


def test_control_trials_are_spared_below_the_last_rung_only() -> None:
    stop = dict.fromkeys(range(4, 8), "rank")
    assert spare_control_trials(stop, LATER, 1, CONTROL_TRIALS) == {6: "rank", 7: "rank"}
    assert spare_control_trials(stop, LATER, 3, CONTROL_TRIALS) == stop


def test_a_negative_number_of_control_trials_is_refused() -> None:
    with pytest.raises(SettingsError, match="control_trials"):
        make_stopper("asha", epochs=9, control_trials=-1)


@given(st.lists(st.tuples(*[st.integers(0, 5).map(float)] * 2), min_size=3, max_size=12))
def test_correlation_is_spearmans(pairs: list[tuple[float, float]]) -> None:
    a, b = (list(values) for values in zip(*pairs, strict=True))
    if len(set(a)) > 1 and len(set(b)) > 1:
        assert _rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic, abs=1e-9)
    else:
        assert _rank_correlation(a, b) == 1.0
    assert _rank_correlation([math.inf, *a], [math.inf, *b]) <= 1.0


def test_now_and_then_another_trial_is_a_probe() -> None:
    stop = dict.fromkeys((CONTROL_EVERY - 1, CONTROL_EVERY, 3 * CONTROL_EVERY), "rank")
    assert spare_control_trials(stop, LATER, 1, CONTROL_TRIALS) == {CONTROL_EVERY - 1: "rank"}
    assert spare_control_trials(stop, LATER, 1, 0) == stop
    late = [ended(CONTROL_EVERY * (t.number + 1), t.curve) for t in falling(LEVELS, crossing=True)]
    assert rank_correlates(History([*late, ended(30, (9.0,))]), LATER, 1, CONTROL_TRIALS) is False
