"""The boxes that a coarse-to-fine study drew from, worked out from its trials when it has ended.

A study proposes whole cohorts, and a cohort knows the trials of the cohorts up to k - lag as they ended (see
`horizon`). So the box of a round isn't what all trials before it say, but what those say that its cohort knew:

    cohort   0 0 0 0 0 0 | 1 1 1 1 1 1 | 2 2 2 2 2 2       lag 2
    round    0 0 0 0|1 1   1 1|2 2 2 2   3 3 3 3|4 4       rounds 0 to 2 know nothing, 3 and 4 know cohort 0

A round that reaches into the next cohort may go on in a smaller box; what is kept is that of its first trial.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from paceline.records import History, Trial
from paceline.search import Growing, Searcher
from paceline.search.coarse_to_fine import CoarseToFine
from paceline.summary import SearchRound

KEPT = 16
"""Of more rounds than this, so many at even distances are kept, the first and the last among them."""


def rounds_of(method: Searcher, trials: Sequence[Trial], goal: str, lag: int) -> tuple[SearchRound, ...]:
    """The rounds of a study; () of any method but coarse_to_fine.

    Args:
        method: of the study; trials: all, in order of number; goal: "minimize" or "maximize".
        lag: cohorts that were in flight at a time.
    """
    if not isinstance(method, CoarseToFine) or not trials:
        return ()
    shared = list(trials)
    cohorts = [trial.cohort for trial in shared]
    begun = -(-len(shared) // method.size)
    found = []
    for number in np.unique(np.linspace(0, begun - 1, min(begun, KEPT)).round().astype(int)).tolist():
        known = bisect_right(cohorts, cohorts[number * method.size] - lag)
        found.append(SearchRound.from_json(asdict(method.round(History(Growing(shared, known), goal), number))))
    return tuple(found)
