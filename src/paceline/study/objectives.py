"""What a study keeps low beside its metric: sizes of the net, or other metrics at the trial's chosen epoch.

All are functions of the configuration or of what was measured, never of a clock, so a resumed study replays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from paceline.errors import SettingsError
from paceline.net import Size
from paceline.records import METRICS
from paceline.runs import chosen_metric, metric_value
from paceline.search import check_objectives
from paceline.settings import StudySettings

Rows = NDArray[np.float32]

SIZES = ("parameters", "operations")
"""Objectives that the net's size tells; see `net.Size`."""


def check(settings: StudySettings, metric: str, task: str) -> None:
    """Raises a SettingsError for an objective that is the metric itself or doesn't suit the task, and for a method or
    a rule that knows only one thing to keep low."""
    check_objectives(settings.method, 1 + len(settings.objectives))
    if settings.objectives and settings.stop_at_noise:
        raise SettingsError(
            f"`stop_at_noise` judges one objective, but `objectives` names {', '.join(settings.objectives)} too."
        )
    for name in settings.objectives:
        if name not in SIZES:
            chosen_metric(name, task)
        if name == metric:
            raise SettingsError(f"`objectives` must name things beside the metric, but {name!r} is the metric itself.")


def costs_of(objectives: Sequence[str], size: Size, chosen: Sequence[Rows]) -> tuple[float, ...]:
    """A trial's costs, in the order of the objectives.

    Args:
        size: of the trial's net.
        chosen: of each fold, the row of measurements (len(COLUMNS),) that the score is taken from.
    """
    found = []
    for name in objectives:
        if name in SIZES:
            found.append(float(getattr(size, name)))
            continue
        sign = -1.0 if METRICS[name] == "maximize" else 1.0
        value = float(np.mean([metric_value(name, row) for row in chosen]))
        found.append(sign * value if math.isfinite(value) else math.inf)
    return tuple(found)
