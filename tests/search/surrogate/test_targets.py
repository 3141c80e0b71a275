"""What the Gaussian process of `bayes` is told of trials that weren't trained equally long."""

import numpy as np
import pytest
from scipy.special import ndtri

from paceline.records import History, Status, Trial
from paceline.search import make_searcher
from paceline.search.history import EncodedHistory
from paceline.search.ranking import observations
from paceline.search.surrogate.targets import standardize, targets
from paceline.space import Space

SPACE = Space({"x": {"low": 0.0, "high": 1.0}})


def finished(number: int, *curve: float) -> Trial:
    return Trial(number, {"x": number / 100}, 0, status=Status.FINISHED, score=min(curve), curve=curve)


def stopped(number: int, *curve: float) -> Trial:
    return Trial(number, {"x": number / 100}, 0, status=Status.STOPPED, score=min(curve), curve=curve)


def test_stopped_trials_are_seen_by_their_ranks() -> None:
    """However far apart the values are, and whatever epoch they were read at."""
    whole = [finished(0, 5.0, 1.0), finished(1, 7.0, 2.0), finished(2, 9.0, 100.0)]
    history = History((*whole, stopped(3, 6.0)))
    known = observations(history, EncodedHistory(SPACE))
    assert known.numbers.tolist() == [0, 3, 1, 2]
    assert targets(history, known) == pytest.approx(standardize(ndtri((np.arange(4) + 0.5) / 4)))


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
