"""Searching as functions of the history.

Every method is one function: `suggest(history, count, rng)`. For example

    random:    suggest = [space.sample(rng) for _ in range(count)]
    grid:      suggest = points[len(history) : len(history) + count]
    tpe:       suggest = argmax over draws of density(good trials) / density(the rest)
    cma-es:    suggest = draws from the Gaussian that a replay of the history's generations ends in

What else a study must know of a method is said by attributes and further functions of `Searcher`, all with defaults: a
new method overrides those that concern it, and nothing outside of its own file changes.

No method keeps state of its own, so a resumed study is a replay: same history, same rng, same proposals.

Stopping likewise: trials come in *cohorts* (for Hyperband a cohort is a bracket) and are compared at *rungs*
(numbers of epochs). When all running trials of a cohort have reached a rung, `decide` says who goes on.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from paceline.records import History, Params
from paceline.space import Space


@dataclass(frozen=True, slots=True)
class Round:
    """One round of a method that searches in rounds, for people.

    Attributes:
        number: 0, 1, 2, ...
        first: number of its first trial.
        incumbent: number of the trial with the best score that the box knew; None if it knew none.
        ranges: slot -> (low, high) in the parameter's own values. A slot is a parameter's name, or name[layer] with
            layers counted from 1.
        shares: slot -> {choice: probability}; choices as text, as they may be lists.
    """

    number: int
    first: int
    incumbent: int | None
    ranges: dict[str, tuple[Any, Any]]
    shares: dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Calibration:
    """How often results fell into the intervals that a method's model gave them, each predicted from all others.

    Attributes:
        trials: results that were predicted.
        within_50: share of them in the middle interval of 50 %; about 0.5 for an honest model.
        within_90: the same of 90 %.
    """

    trials: int
    within_50: float
    within_90: float


class Searcher(ABC):
    """Proposes configurations. Pure in the history: holds its space and options, nothing that changes.

    Attributes:
        space: where it searches.
        slow: whether it thinks so long that a study asks it in a thread, beside the training.
        single_objective: whether it can keep only the score low, and no costs beside it.
        learns_from_earlier: whether it has an option `earlier` for the results of an earlier study.
        begins_with_usual: whether a study begins with the net's defaults, before the method's proposals.
        draws_freely: whether a proposal means the same with another number of layers or units; False for a method
            whose proposals belong together, such as a list, a grid or an even sequence.
        only_fixed: whether it never proposes anything but its `fixed_points`.
        planned: trials of a method that knows how many it needs; None for any other.
        no_stopper: why no stopper may end its trials, as the beginning of a sentence; "" where one may.
    """

    space: Space
    slow: bool = False
    single_objective: bool = False
    learns_from_earlier: bool = False
    begins_with_usual: bool = False
    draws_freely: bool = True
    only_fixed: bool = False
    planned: int | None = None
    no_stopper: str = ""

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

    @property
    def unwrapped(self) -> "Searcher":
        """The method itself, without what is wrapped around it."""
        return self

    def fixed_points(self) -> Sequence[Params]:
        """Configurations that it proposes as they are, whatever the history says."""
        return ()

    def stopper(self, epochs: int, inherited: Collection[str] = ()) -> "Stopper | None":
        """The stopper of a method that ends trials itself; None for any other.

        Args:
            epochs: of a whole training.
            inherited: parameters that the copy of a trial may not change.
        """
        return None

    def rounds(self, history: History, *, lag: int | None = None, most: int | None = None) -> list[Round]:
        """The rounds that the history has begun, in order; [] for a method without rounds.

        Args:
            history: of a study that has ended, or that far.
            lag: a trial was proposed knowing the results of the cohorts up to so many before its own; None: of all
                trials before it.
            most: of more rounds, so many at even distances, the first and the last among them.
        """
        return []

    def calibration(self, history: History) -> Calibration | None:
        """How well its model predicts each result from the others; None without a model, or for too few results."""
        return None


class Wrapper(Searcher):
    """A method with something around it: what a study asks about the method, the method answers.

    Attributes:
        searcher: what is wrapped.
    """

    def __init__(self, searcher: Searcher) -> None:
        self.searcher = searcher
        self.space, self.slow = searcher.space, searcher.slow

    @property
    def unwrapped(self) -> Searcher:
        return self.searcher.unwrapped

    def seed_numbers(self, history: History, proposals: Sequence[Params]) -> list[int]:
        return self.searcher.seed_numbers(history, proposals)

    def origins(self, history: History, proposals: Sequence[Params]) -> list[str]:
        return self.searcher.origins(history, proposals)


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
class Clone:
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
        clones: trials that join the cohort here.
    """

    stop: Mapping[int, str] = field(default_factory=dict)
    clones: Sequence[Clone] = ()


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
