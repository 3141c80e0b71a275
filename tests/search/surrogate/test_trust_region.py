"""The trust region: its size is what happened to it, its box holds the centre, long histories propose within it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from paceline.records import History, Status, Trial
from paceline.search import make_searcher
from paceline.search.methods.bayes import MAX_RESULTS
from paceline.search.surrogate.trust_region import FIRST, LARGEST, LEAST, box, nearest, size_after
from paceline.space import Space

SPACE = Space(
    {
        "x": {"low": 0.0, "high": 1.0},
        "y": {"low": 0.0, "high": 1.0},
        "n": {"low": 1, "high": 5},
        "kind": ["a", "b", "c"],
    }
)


@pytest.mark.parametrize(
    ("places", "size"),
    [
        ([], 0.8),
        ([5.0, 4.0, 3.0], 1.6),  # three bests in a row; the first result is one
        ([5.0, 4.0, 3.0, 2.0, 1.0, 0.0], 1.6),  # no larger
        ([float(i) for i in range(8)], 0.8),
        ([float(i) for i in range(9)], 0.4),  # eight in vain
        (([3.0] + [4.0] * 5 + [2.0] + [4.0] * 6 + [1.0]), 0.8),  # a best now and then
        ([0.0] + [1.0] * 8 * 6, 0.8 / 64),
        ([0.0] + [1.0] * 8 * 7, 0.8),  # too small: begun anew
    ],
)
def test_the_size_replays_what_happened(places: list[float], size: float) -> None:
    assert size_after(np.array(places), 2) == pytest.approx(size)


def test_more_slots_want_more_patience() -> None:
    vain = np.arange(21.0)
    assert size_after(vain, 20) == 0.8
    assert size_after(vain, 5) == 0.2


@given(arrays(np.float64, st.integers(0, 200), elements=st.floats(-5, 5)), st.integers(1, 30))
def test_the_size_stays_in_its_range(places: np.ndarray, slots: int) -> None:
    assert LEAST <= size_after(places, slots) <= max(FIRST, LARGEST)


@given(
    arrays(np.float64, 4, elements=st.floats(0, 1)),
    st.floats(LEAST, LARGEST),
    arrays(np.float64, 4, elements=st.floats(0.05, 50)),
)
def test_the_box_holds_its_centre(centre: np.ndarray, size: float, lengths: np.ndarray) -> None:
    ends = box(SPACE, centre, size, lengths)
    assert ((ends[:, 0] <= centre) & (centre <= ends[:, 1])).all()
    assert (ends >= 0.0).all() and (ends <= 1.0).all()
    assert ends[3].tolist() == [0.0, 1.0], "a choice is free"


def test_the_box_is_longer_where_little_changes() -> None:
    ends = box(SPACE, np.full(4, 0.5), 0.25, np.array([0.5, 2.0, 1.0, 1.0]))
    width = ends[:, 1] - ends[:, 0]
    assert width[:3] == pytest.approx([0.125, 0.5, 0.4])  # the lattice: its neighbours


def test_the_nearest_keep_their_order() -> None:
    units = np.array([[0.9, 0.9], [0.1, 0.1], [np.nan, 0.5], [0.2, 0.1]])
    assert nearest(units, np.array([0.1, 0.1]), 2).tolist() == [1, 3]
    assert nearest(units, np.array([np.nan, 0.6]), 2).tolist() == [0, 2]


REACH = 0.25  # the size was halved four times, and even the slot of the longest length keeps to so much


def test_proposals_of_a_long_history_lie_near_its_best() -> None:
    rng = np.random.default_rng(0)
    trials = []
    while len(trials) < MAX_RESULTS + 33:
        point = SPACE.sample(rng)
        loss = rng.random() + (point["x"] > 0.1)
        trials.append(Trial(len(trials), point, 0, status=Status.FINISHED, score=float(loss)))
    history = History(tuple(trials))
    best = history.best()
    assert best is not None
    searcher = make_searcher("bayes", SPACE, seed=0)
    near = 0
    for seed in range(12):
        found = searcher.suggest(history, 16, np.random.default_rng(seed))
        assert len(found) == 16
        near += all(abs(p[axis] - best.params[axis]) <= REACH for p in found for axis in "xy")
    assert near >= 6, "two proposals in three"
    assert near < 12, "one in three sees the whole space"
