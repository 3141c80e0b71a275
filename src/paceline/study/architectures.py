"""How many architectures a study compared, out of how many, and why: for summary, report and `paceline show`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from paceline.records import Trial
from paceline.search import Searcher
from paceline.search.methods.architectures import architectures_compared
from paceline.search.methods.few_programs import FIRST_PROGRAMS, MAX_LISTED, TRIALS_PER_PROGRAM
from paceline.space import Space
from paceline.summary import Architectures


def architectures_summary(
    method: Searcher, space: Space, trials: Sequence[Trial], deciding: Collection[str]
) -> Architectures | None:
    """The architectures of a study; None where the space has one only.

    Args: method: without what is wrapped around it; deciding: hyperparameters that decide about a net's shape.
    """
    found = architectures_compared(space, trials, deciding)
    if found["possible"] == 1:
        return None
    names = [name for name, parameter in space.parameters.items() if name in deciding and parameter.count != 1]
    why = _why(method, found, len(trials))
    return Architectures(tuple(names), found["compared"] or 0, found["possible"], why)


def _why(method: Searcher, found: Mapping[str, int | None], trials: int) -> str:
    compared, possible = found["compared"], found["possible"]
    if compared == possible:
        return "The search has tried every one."
    if not method.draws_freely:
        return "The method's own list or sequence has chosen them."
    pace = (
        f"Each needs a program that takes seconds to compile, so a search begins with {FIRST_PROGRAMS} and adds one "
        f"every {TRIALS_PER_PROGRAM} trials, or sooner where training takes longer than compiling"
    )
    if possible is not None and possible <= MAX_LISTED:
        return f"{pace}; {trials} trials were too few for all."
    return f"{pace}; which of them are tried is left to the method."
