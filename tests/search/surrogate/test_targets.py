"""What the Gaussian process of `bayes` is told of trials that weren't trained equally long."""

import numpy as np
import pytest
from scipy.special import ndtri

from paceline.records import History, Status, Trial
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
