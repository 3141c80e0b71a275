"""What the Gaussian process of `bayes` is told of trials that weren't trained equally long: both views."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.records import History, Status, Trial
from paceline.search import make_searcher, make_stopper
from paceline.search.encoded_history import Past
from paceline.search.ranking import as_if_finished, evidence, is_judged
from paceline.search.surrogate.targets import comparable, targets
from paceline.space import Space
from paceline.testing import race

SPACE = Space({"x": {"low": 0.0, "high": 1.0}})


def finished(number: int, *curve: float) -> Trial:
    return Trial(number, {"x": number / 100}, 0, status=Status.FINISHED, score=min(curve), curve=curve)


def stopped(number: int, *curve: float) -> Trial:
    return Trial(number, {"x": number / 100}, 0, status=Status.STOPPED, score=min(curve), curve=curve)


def test_the_score_is_read_off_the_line_through_those_trained_further() -> None:
    whole = [finished(0, 5.0, 1.0), finished(1, 7.0, 2.0)]
    assert as_if_finished([*whole, stopped(2, 6.0)], 1.0) == pytest.approx([1.0, 2.0, 1.5])
    assert as_if_finished([*whole, stopped(2, 4.0)], 1.0)[2] == 1.0  # nobody gets less than the least
    assert as_if_finished([*whole, stopped(2, 7.5)], 1.0)[2] == 2.5  # as much worse as its value was


def test_values_and_scores_are_sorted_each_by_themselves() -> None:
    """At epoch 1 the order was the other way round: the line goes through (5, 1) and (7, 2) all the same."""
    assert as_if_finished([finished(0, 7.0, 1.0), finished(1, 5.0, 2.0), stopped(2, 6.5)], 1.0)[2] == 1.75


def test_rungs_are_taken_from_the_top_down() -> None:
    """The third becomes 1.5 and is one of those that the fourth, who saw epoch 1 alone, is compared with."""
    trials = [finished(0, 9.0, 5.0, 1.0), finished(1, 6.0, 4.0, 2.0), stopped(2, 7.0, 4.5), stopped(3, 8.0)]
    assert as_if_finished(trials, 1.0) == pytest.approx([1.0, 2.0, 1.5, 1.75])


def test_who_had_no_reading_yet_is_not_compared_with() -> None:
    late = finished(0, float("nan"), 1.0)
    assert as_if_finished([late, finished(1, 7.0, 2.0), stopped(2, 7.5)], 1.0)[2] == 2.5
    assert as_if_finished([late, stopped(2, 7.5)], 1.0)[1] == 7.5


@given(
    st.integers(0, 50),
    st.sampled_from(["halving", "hyperband", "median", "asha"]),
    st.floats(0.1, 10.0),
    st.floats(-5.0, 5.0),
)
def test_laws(seed: int, name: str, scale: float, shift: float) -> None:
    """Finished trials keep their scores, none gets less than the least, and another unit or sign changes no more."""
    history = race(make_stopper(name, epochs=9), trials=30, epochs=9, crossing=True, seed=seed)
    trials = [t for t in history if is_judged(t)]
    became = as_if_finished(trials, 1.0)
    whole = np.array([t.status is Status.FINISHED for t in trials])
    assert became[whole].tolist() == [t.score for t, w in zip(trials, whole, strict=True) if w]
    assert became.min() == became[whole].min()
    for rung in {len(t.curve) for t in trials if t.status is Status.STOPPED}:
        mine = [i for i, t in enumerate(trials) if t.status is Status.STOPPED and len(t.curve) == rung]
        best = [min(trials[i].curve) for i in mine]
        assert (np.diff(became[mine][np.argsort(best)]) >= 0).all()
    for sign in (1.0, -1.0):
        turned = [_changed(t, sign * scale, sign * shift) for t in trials]
        assert as_if_finished(turned, sign) == pytest.approx(scale * became + shift, abs=1e-9)


def _changed(trial: Trial, scale: float, shift: float) -> Trial:
    curve = tuple(scale * value + shift for value in trial.curve)
    score = scale * (trial.score or 0.0) + shift
    return Trial(trial.number, trial.params, 0, trial.cohort, trial.status, trial.epoch, score, curve=curve)


def test_a_plateau_stays_flat_among_scores_and_is_torn_apart_by_places() -> None:
    """Twenty equally good trials but for noise, ten bad ones that were stopped: how much of all variance is noise."""
    rng = np.random.default_rng(0)
    good = [finished(i, 0.5 + noise, 0.1 + noise) for i, noise in enumerate(rng.normal(0.0, 1e-3, 20))]
    bad = [stopped(20 + i, 0.6 + i / 50) for i in range(10)]
    known = evidence(history := History((*good, *bad)), Past(SPACE))
    by_places, by_scores = targets(history, known), targets(history, known, as_scores=True)
    for goals in (by_places, by_scores):
        assert (goals.mean(), goals.std()) == pytest.approx((0.0, 1.0), abs=1e-12)
        assert (np.diff(goals) >= 0).all()
    assert np.var(by_places[:20]) > 2.0 * np.var(by_scores[:20])


def test_whole_trainings_have_one_view() -> None:
    history = History(tuple(finished(i, float(value)) for i, value in enumerate([3.0, 1.0, 2.0, 9.0])))
    known = evidence(history, Past(SPACE))
    assert comparable(history.trials)
    assert targets(history, known).tolist() == targets(history, known, as_scores=True).tolist()


def test_probes_are_random_draws() -> None:
    """The best lie at 0.1, and all picks but number 48 are near it."""
    points = np.random.default_rng(0).random(49)
    curves = [(1.0 + abs(x - 0.1), abs(x - 0.1)) for x in points]
    trials = [
        Trial(i, {"x": x}, 0, status=Status.FINISHED, score=c[-1], curve=c)
        for i, (x, c) in enumerate(zip(points.tolist(), curves, strict=True))
    ]

    def spread(known: int, count: int = 1) -> float:
        """The furthest that the last of `count` picks is away, over ten draws."""
        history = History(tuple(trials[:known]))
        rngs = map(np.random.default_rng, range(10))
        asked = [make_searcher("bayes", SPACE, seed=0).suggest(history, count, rng) for rng in rngs]
        return max(points[-1]["x"] for points in asked)

    assert spread(48) < 0.4  # without a stopper there are no probes
    trials[5] = stopped(5, 1.3)
    assert spread(48) > 0.8
    assert spread(47) < 0.4
    assert spread(49) < 0.4
    assert spread(47, count=2) > 0.8


def test_a_study_takes_both_views() -> None:
    """Of some proposals for one history, by different draws, some come from a model of places, others of scores."""
    history = race(make_stopper("hyperband", epochs=9), trials=30, epochs=9, crossing=True, mishaps=False)
    space = Space({"x": {"low": 0, "high": 10_000}})
    asked: list[bool] = []
    searcher = make_searcher("bayes", space, seed=0, candidates=8)
    model = searcher._model
    searcher._model = lambda *args, **more: asked.append(more["as_scores"]) or model(*args, **more)
    for seed in range(12):
        searcher.suggest(history, 1, np.random.default_rng(seed))
    assert {False, True} == set(asked)
    asked.clear()
    for seed in range(12):
        searcher.outlook(history, np.random.default_rng(seed))
    assert set(asked) == {False}
