"""The line of parents of a trial: the schedule of settings that it was trained by.

    trial 31  copy of 12 at epoch 20
    trial 12  copy of 3 at epoch 5          ->   epochs 1-5 as trial 3, 6-20 as trial 12, 21-30 as trial 31
    trial 3   fresh weights

Most trials have no parent and one setting throughout; see `search.population` for those that have.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from paceline.pack.folds import FoldData
from paceline.pack.trials import PreparedTrial
from paceline.records import Params, Trial
from paceline.study.setup import Setup


@dataclass(frozen=True)
class Stage:
    """Settings and the epoch up to which they hold."""

    trial: int
    params: Params
    until: int


def line_of(trials: Mapping[int, Trial], last: Trial, epochs: int) -> list[Stage]:
    """The stages of a trial, from fresh weights to its last epoch.

    >>> trials = {0: Trial(0, {"lr": 1.0}, 0), 1: Trial(1, {"lr": 0.1}, 0, parent=0, cloned_at=4)}
    >>> [(stage.params["lr"], stage.until) for stage in line_of(trials, trials[1], epochs=9)]
    [(1.0, 4), (0.1, 9)]
    """
    stages = [Stage(last.number, last.params, epochs)]
    while last.parent is not None:
        cloned_at, last = last.cloned_at, trials[last.parent]
        stages.insert(0, Stage(last.number, last.params, cloned_at))
    return stages


def prepared_line(
    setup: Setup, fold: FoldData, line: Sequence[Stage], seeds: Sequence[int], *, until: int, patience: bool = True
) -> list[tuple[list[PreparedTrial], int]]:
    """The stages for `runs.train_stages`: the same line once a seed.

    Args:
        until: the last epoch; stages beyond it are left out.
        patience: whether early stopping is as configured; else there is none.
    """
    over = {} if patience else {"patience": None}
    stages = [stage for index, stage in enumerate(line) if index == 0 or line[index - 1].until < until]
    stages[-1] = dataclasses.replace(stages[-1], until=min(stages[-1].until, until))
    return [
        ([setup.prepared_on(fold, {**stage.params, **over}, seed) for seed in seeds], stage.until) for stage in stages
    ]
