"""coarse_to_fine's boxes: the best trial lies in every one, whatever a stopper or a divergence did to the others."""

import math
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.records import History, Params, Status, Trial
from paceline.search.methods.coarse_to_fine import CoarseToFine, Round
from paceline.space import Space
from paceline.testing import rng_at

SPACE = Space(
    {
        "rate": {"low": 1e-5, "high": 1e-1, "scale": "log"},
        "keep": {"low": 0.5, "high": 0.99, "scale": "logit"},
        "layers": {"low": 1, "high": 3},
        "units": {"choices": [16, 32, 64], "per": "layers"},
        "optimizer": ["adam", "momentum"],
        "momentum": {"low": 0.5, "high": 0.9, "when": {"optimizer": ["momentum"]}},
    }
)
fates = st.lists(
    st.tuples(st.sampled_from([s for s in Status if s is not Status.RUNNING]), st.integers(0, 9), st.integers(1, 5)),
    min_size=10,
    max_size=45,
)


def value_at(params: Params, slot: str) -> Any:
    """A configuration's value on a slot; None where it isn't active."""
    name, _, layer = slot.rstrip("]").partition("[")
    value = params.get(name)
    if not layer or value is None:
        return value
    return value[int(layer) - 1] if int(layer) <= len(value) else None


def told(searcher: CoarseToFine, outcomes: list[tuple[Status, int, int]], goal: str) -> History:
    """A study of these outcomes: (status, score in tenths, epochs), one trial at a time."""
    trials: list[Trial] = []
    for number, (status, tenths, epochs) in enumerate(outcomes):
        history = History(tuple(trials), goal)
        (params,) = searcher.suggest(history, 1, rng_at(history))
        length = 5 if status is Status.FINISHED else epochs
        curve = (tenths / 10,) * length  # stopped trials may be the best: places and scores then disagree
        trials.append(Trial(number, params, 0, 0, status, length, tenths / 10, curve=curve))
    return History(tuple(trials), goal)


@settings(max_examples=60, deadline=None)
@given(fates, st.sampled_from(["minimize", "maximize"]), st.integers(2, 9), st.integers(1, 3))
def test_the_best_trial_lies_in_every_box(
    outcomes: list[tuple[Status, int, int]], goal: str, size: int, keep: int
) -> None:
    searcher = CoarseToFine(SPACE, size=size, keep=keep)
    history = told(searcher, outcomes, goal)
    rounds = searcher.rounds(history)
    assert [one.first for one in rounds] == list(range(0, len(history), size))
    best: list[float] = []
    for one in rounds:
        incumbent = History(history.trials[: one.first], goal).best()
        assert one.incumbent == (None if incumbent is None else incumbent.number)
        if incumbent is None:
            continue
        best.append(incumbent.score or 0.0)
        for slot, (low, high) in one.ranges.items():
            value = value_at(incumbent.params, slot)
            assert value is None or low <= value <= high
        for slot, shares in one.shares.items():
            value = value_at(incumbent.params, slot)
            assert value is None or shares[str(value)] > 1 / len(shares) / (keep + 2)
            assert math.isclose(sum(shares.values()), 1.0)
    assert best == sorted(best, reverse=goal == "minimize")  # never lost: each round's is as good as the one before's


def test_a_round_of_no_known_trial_is_the_whole_space() -> None:
    (one,) = CoarseToFine(SPACE).rounds(History([Trial(0, SPACE.sample(np.random.default_rng(0)), 0)]))
    assert isinstance(one, Round) and one.incumbent is None
    assert one.ranges["rate"] == (1e-5, 1e-1) and one.ranges["units[3]"] == (16, 64)
    assert one.shares == {"optimizer": {"adam": 0.5, "momentum": 0.5}}
