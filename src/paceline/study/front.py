"""How fast the members of a study's Pareto front predict.

Search goes by sizes and metrics alone, which are the same on every machine. The clock is read only here, when all is
decided, and only for the front: the time of the net's forward pass as a
delivered model runs it, on freshly drawn weights, as time doesn't depend on their values.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from paceline.net import Family, Spec
from paceline.pareto import front_of
from paceline.records import Trial
from paceline.study.setup import Setup
from paceline.summary import Inference

BATCHES = (1, 1024)
"""Rows a call that are timed."""

MAX_TIMED = 20
"""Members of the front that are timed: all, or so many at even distances."""

CALLS = 7


def inference_summary(setup: Setup, trials: Sequence[Trial]) -> Inference | None:
    """The times of the front; None for a study of one objective."""
    if not setup.settings.objectives:
        return None
    front = front_of(trials, setup.goal)
    timed = [
        front[index] for index in sorted({round(i) for i in np.linspace(0, len(front) - 1, min(MAX_TIMED, len(front)))})
    ]
    spec = setup.folds[0].spec
    found = {
        str(trial.number): tuple(microseconds(setup.family, setup.config(trial.params), spec, rows) for rows in BATCHES)
        for trial in timed
    }
    return Inference(BATCHES, found)


def microseconds(family: Family, config: Any, spec: Spec, rows: int) -> float:
    """Time a row of the net's forward pass over so many rows: the median of a few calls, the first left out."""
    variables = family.init(config, spec, seed=0)
    x = np.zeros((rows, *spec.sample), spec.dtype)
    times = []
    for _ in range(CALLS + 1):
        begun = time.perf_counter()
        family.predict(config, spec, variables, x)
        times.append(time.perf_counter() - begun)
    return round(1e6 * float(np.median(times[1:])) / rows, 3)
