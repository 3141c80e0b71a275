"""Contracts that a new searcher, stopper or family must pass, and an executor that trains nothing. Run with pytest:

class TestMySearcher(SearcherContract):
    make = staticmethod(lambda space: MySearcher(space))
"""

from paceline.testing.executors import StubExecutor
from paceline.testing.families import FamilyContract
from paceline.testing.searchers import (
    SPACES,
    SearcherContract,
    finite_space,
    imitate,
    invented_costs,
    invented_score,
    outcome,
    rng_at,
)
from paceline.testing.stoppers import StopperContract, race

__all__ = [
    "SPACES",
    "FamilyContract",
    "SearcherContract",
    "StopperContract",
    "StubExecutor",
    "finite_space",
    "imitate",
    "invented_costs",
    "invented_score",
    "outcome",
    "race",
    "rng_at",
]
