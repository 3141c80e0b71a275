"""Searching as functions of the history.

Every method is one function: `suggest(history, count, rng)`. For example

    random:    suggest = [space.sample(rng) for _ in range(count)]
    grid:      suggest = points[len(history) : len(history) + count]
    tpe:       suggest = argmax over draws of density(good trials) / density(the rest)
    cma-es:    suggest = draws from the Gaussian that a replay of the history's generations ends in

No method keeps state of its own, so a resumed study is a replay: same history, same rng, same proposals.

Stopping likewise: trials come in *cohorts* (for Hyperband a cohort is a bracket) and are compared at *rungs*
(numbers of epochs). When all running trials of a cohort have reached a rung, `decide` says who goes on.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from paceline.records import History, Params
from paceline.space import Space


class Searcher(ABC):
    """Proposes configurations. Pure in the history: holds its space and options, nothing that changes.

    Attributes:
        space: where it searches.
        slow: whether it thinks so long that a study asks it in a thread, beside the training.
    """

    space: Space
    slow: bool = False

    @abstractmethod
    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        """Up to `count` new configurations, none of which is in the history (compare `space.key`).

        Fewer than `count` (or none) means that the space is used up.
        """

    def seed_numbers(self, history: History, proposals: Sequence[Params]) -> list[int]:
        """For each proposal the number that its seed is made of: the trial's own, so that no two trials share one.

        Trials with equal numbers have equal seeds: the same first weights, batches and masks, as far as their shapes
        allow. A method that compares trials in pairs says here who is paired with whom.

        Args:
            history: that the proposals were suggested for.
            proposals: in the order in which they become trials.
        """
        return list(range(len(history), len(history) + len(proposals)))

    def origins(self, history: History, proposals: Sequence[Params]) -> list[str]:
        """For each proposal who it comes from, if not from the method itself; "" for those that do.

        Args: as of `seed_numbers`.
        """
        return [""] * len(proposals)


@dataclass(frozen=True, slots=True)
class Cohort:
    """A group of trials that start together and are compared with each other.

    Attributes:
        number: 0, 1, 2, ...
        size: how many trials it starts with.
        rungs: increasing epochs at which they are compared; the last is the end of training.
        label: for people, e.g. "bracket 3".
    """

    number: int
    size: int
    rungs: tuple[int, ...]
    label: str = ""


@dataclass(frozen=True, slots=True)
class Birth:
    """A new trial of a cohort that begins as a copy of one of its running trials.

    Attributes:
        parent: number of the trial whose weights, optimiser state and epoch it takes over.
        params: its own configuration, with the parent's shape.
    """

    parent: int
    params: Params


@dataclass(frozen=True, slots=True)
class Decision:
    """Who of a cohort's running trials ends at this rung. All others go on to the next rung.

    Attributes:
        stop: number of trial -> one phrase of reason, e.g. "rank 20 of 27 at epoch 3".
        births: trials that join the cohort here.
    """

    stop: Mapping[int, str] = field(default_factory=dict)
    births: Sequence[Birth] = ()


class Stopper(ABC):
    """Decides which trials go on. Pure in its arguments, like a searcher.

    Attributes:
        in_flight: cohorts under way at a time; one less is the lag with which cohorts learn of each other.
    """

    in_flight: int = 2

    @abstractmethod
    def cohorts(self, trials: int | None, epochs: int) -> Iterator[Cohort]:
        """The cohorts of a study, in order; their sizes sum to `trials`, or they never end where it is None."""

    @abstractmethod
    def decide(self, history: History, cohort: Cohort, epoch: int) -> Decision:
        """Compare the cohort's running trials at a rung below the last.

        Args:
            history: all trials of this and earlier cohorts; `trial.curve[:epoch]` is known for each running one
                of this cohort. Later epochs of others must not be looked at.
            cohort: the cohort whose running trials are compared (`trial.cohort == cohort.number`).
            epoch: the rung reached.
        """
