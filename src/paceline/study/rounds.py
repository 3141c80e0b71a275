"""The rounds of a study as its summary keeps them, worked out from its trials when it has ended.

A method that searches in rounds says itself what each one was (`Searcher.rounds`); of many rounds some are kept.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from paceline.records import History, Trial
from paceline.search import Searcher

KEPT = 16
"""Of more rounds than this, so many at even distances are kept, the first and the last among them."""


def rounds_of(method: Searcher, trials: Sequence[Trial], goal: str, lag: int) -> list[dict[str, Any]]:
    """The rounds of a study as JSON data; [] of a method without rounds.

    Args:
        method: of the study; trials: all, in order of number; goal: "minimize" or "maximize".
        lag: cohorts that were in flight at a time.
    """
    return [asdict(one) for one in method.rounds(History(trials, goal), lag=lag, most=KEPT)]
