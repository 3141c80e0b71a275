"""The rounds of a study as its summary keeps them, worked out from its trials when it has ended.

A method that searches in rounds says itself what each one was (`Searcher.rounds`); of many rounds some are kept.
"""

from collections.abc import Sequence
from dataclasses import asdict

from paceline.records import History, Trial
from paceline.search import Searcher
from paceline.summary import SearchRound

KEPT = 16
"""Of more rounds than this, so many at even distances are kept, the first and the last among them."""


def rounds_of(method: Searcher, trials: Sequence[Trial], goal: str, lag: int) -> tuple[SearchRound, ...]:
    """The rounds of a study; () of a method without rounds.

    Args:
        method: of the study; trials: all, in order of number; goal: "minimize" or "maximize".
        lag: cohorts that were in flight at a time.
    """
    found = method.rounds(History(trials, goal), lag=lag, most=KEPT)
    return tuple(SearchRound.from_json(asdict(one)) for one in found)
