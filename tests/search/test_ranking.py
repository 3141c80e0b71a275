"""The order of trials that were trained unlike long, and what `EncodedHistory` makes of a history."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from paceline.records import History, Status, Trial
from paceline.search import make_stopper
from paceline.search.history import EncodedHistory
from paceline.search.ranking import observations, ranking
from paceline.space import Space
from paceline.testing import race

NAN = float("nan")


def finished(number: int, *curve: float) -> Trial:
    return Trial(number, {"x": number}, 0, status=Status.FINISHED, epoch=len(curve), score=min(curve), curve=curve)


def stopped(number: int, *curve: float) -> Trial:
    return Trial(number, {"x": number}, 0, status=Status.STOPPED, epoch=len(curve), score=min(curve), curve=curve)


def order(*trials: Trial, goal: str = "minimize") -> list[int]:
    places = ranking(History(trials, goal))
    return [int(i) for i in np.argsort(places, kind="stable") if np.isfinite(places[i])]


def test_whole_trainings_are_ordered_by_score() -> None:
    assert order(finished(0, 3.0), finished(1, 1.0), finished(2, 2.0)) == [1, 2, 0]
    assert order(finished(0, 3.0), finished(1, 1.0), finished(2, 2.0), goal="maximize") == [0, 2, 1]


def test_a_stopped_trial_stands_where_it_stood_when_it_was_stopped() -> None:
    """At epoch 1 the third lay between the two others, so it does at the end, though its score is the worst."""
    assert order(finished(0, 5.0, 1.0), finished(1, 7.0, 2.0), stopped(2, 6.0)) == [0, 2, 1]
    assert order(finished(0, 5.0, 1.0), finished(1, 7.0, 2.0), stopped(2, 8.0)) == [0, 1, 2]


def test_it_never_precedes_the_best_of_those_trained_further() -> None:
    assert order(finished(0, 5.0, 4.0), finished(1, 7.0, 6.0), stopped(2, 1.0)) == [0, 2, 1]


def test_rungs_are_taken_from_the_top_down() -> None:
    """The third was between the first two at epoch 2; the fourth follows the two that were better at epoch 1."""
    whole = (finished(0, 9.0, 5.0, 1.0), finished(1, 6.0, 4.0, 2.0))
    assert order(*whole, stopped(2, 7.0, 4.5), stopped(3, 8.0), stopped(4, 9.5)) == [0, 2, 3, 1, 4]


def test_broken_trials_share_the_last_place_and_the_unknown_have_none() -> None:
    trials = (
        finished(0, 2.0),
        Trial(1, {}, 0, status=Status.DIVERGED, score=0.0, curve=(0.0,)),
        Trial(2, {}, 0, status=Status.FAILED),
        finished(3, float("inf")),
        Trial(4, {}, 0),
        Trial(5, {}, 0, curve=(0.1,), score=0.1, epoch=1),
        Trial(6, {}, 0, status=Status.STOPPED),
        finished(7, 1.0),
    )
    places = ranking(History(trials))
    assert places[[7, 0, 1, 2, 3]].tolist() == [0, 1, 2, 2, 2]
    assert np.isnan(places[[4, 5, 6]]).all()


def test_scores_without_curves_are_enough() -> None:
    trials = tuple(Trial(i, {}, 0, status=s, score=v) for i, (s, v) in enumerate([("finished", 2.0), ("stopped", 1.0)]))
    history = History(tuple(Trial(t.number, {}, 0, status=Status(t.status), score=t.score) for t in trials))
    assert ranking(history).tolist() == [1, 0]
    mixed = (finished(0, 5.0, 3.0), Trial(1, {}, 0, status=Status.FINISHED, score=2.0), stopped(2, 2.5))
    assert order(*mixed) == [1, 2, 0]


def test_all_stopped_at_one_rung() -> None:
    assert order(stopped(0, 2.0), stopped(1, 1.0)) == [1, 0]


@given(st.integers(0, 50), st.sampled_from(["halving", "hyperband", "median", "patience", "asha"]))
def test_places_are_a_permutation_that_finished_trials_keep(seed: int, name: str) -> None:
    history = race(make_stopper(name, epochs=9), trials=30, epochs=9, crossing=True, seed=seed)
    places = ranking(history)
    broken = [t.status in (Status.DIVERGED, Status.FAILED) for t in history]
    kept = places[~np.array(broken)]
    assert sorted(kept.tolist()) == list(range(len(kept)))
    whole = [t for t in history if t.status is Status.FINISHED]
    by_score = sorted(whole, key=lambda t: (t.score, t.number))
    assert [t.number for t in sorted(whole, key=lambda t: places[t.number])] == [t.number for t in by_score]
    turned = History(
        tuple(
            Trial(
                t.number,
                t.params,
                0,
                t.cohort,
                t.status,
                t.epoch,
                t.score and -t.score,
                curve=tuple(-v for v in t.curve),
            )
            for t in history
        ),
        "maximize",
    )
    assert np.array_equal(ranking(turned), places, equal_nan=True)


def test_the_order_finds_the_truth_better_than_the_scores_do() -> None:
    """Under Hyperband, against the final levels that the invented curves have."""
    agree = []
    for seed in range(5):
        history = race(
            make_stopper("hyperband", epochs=27), trials=98, epochs=27, crossing=True, mishaps=False, seed=seed
        )
        truth = np.array([np.random.default_rng([seed, t.number]).random() for t in history])
        scores = np.array([t.score for t in history], dtype=float)
        ours = np.corrcoef(np.argsort(np.argsort(truth)), ranking(history))[0, 1]
        naive = np.corrcoef(np.argsort(np.argsort(truth)), np.argsort(np.argsort(scores)))[0, 1]
        agree.append((ours, naive))
    ours, naive = np.mean(agree, axis=0)
    assert ours > naive
    assert ours > 0.6


def test_evidence_is_sorted_and_leaves_strangers_out() -> None:
    space = Space({"x": {"low": 0, "high": 9}})
    trials = (
        finished(0, 2.0),
        Trial(1, {"y": 3}, 0, status=Status.FINISHED, score=0.0),
        finished(2, 1.0),
        Trial(3, {"x": 3}, 0, status=Status.DIVERGED),
        Trial(4, {"x": 4}, 0),
    )
    found = observations(History(trials), EncodedHistory(space))
    assert found.numbers.tolist() == [2, 0, 3]
    assert found.broken == 1
    assert found.units[:, 0].tolist() == [0.25, 0.05, 0.35]
    assert found.pending[:, 0].tolist() == [0.45]


def test_a_changed_history_is_read_anew() -> None:
    space = Space({"x": {"low": 0, "high": 9}})
    past = EncodedHistory(space)
    first, second = (History(tuple(Trial(i, {"x": x}, 0) for i, x in enumerate(xs))) for xs in ((1, 2, 3), (1, 5)))
    for history in (first, second, first, History(first.trials[:1])):
        assert past.keys(history) == [space.key(t.params) for t in history]
        assert past.units(history).shape == (len(history), 1)
        assert past.units(history)[:, 0].tolist() == [space.to_unit(t.params)[0] for t in history]
