"""Controlled experiments as studies: their space and number of trials follow from the plan, and what they found.

A plan needs no space of its own: the base and the values of the factors are all that is ever proposed, so together
they are the space, with the defaults of the hyperparameters where the base says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from paceline.errors import SettingsError
from paceline.net import Family
from paceline.records import COLUMNS, History, Trial
from paceline.search import Searcher
from paceline.search.experiments.controlled import check_plan
from paceline.search.experiments.effects import effects_of
from paceline.settings import StudySettings
from paceline.space import Choice, Space
from paceline.space.values import is_number, plain, token
from paceline.store import Store
from paceline.summary import ExperimentResults


def method_options(settings: StudySettings, net: Family) -> dict[str, Any]:
    """The method's options; for experiments as JSON data and, without a space, with the whole base.

    Raises:
        SettingsError: a plan of a wrong form, with an unknown name or one that `params` fixes.
    """
    if not settings.experiments:
        return dict(settings.method_options)
    options: dict[str, Any] = plain(settings.method_options)
    if settings.search is not None:
        return options
    base: Any
    factors: Any
    base, factors = ({} if options.get(name) is None else options[name] for name in ("base", "factors"))
    check_plan(base, factors, net.knobs)
    if twice := [name for name in (*base, *factors) if name in settings.params]:
        raise SettingsError(
            f"A hyperparameter must be in `params` or in the plan of experiments, but {twice[0]!r} is in both."
        )
    defaults = net.resolve({})
    whole = {name: base.get(name, getattr(defaults, name)) for name in (*base, *factors)}
    return {**options, "base": plain(whole), "factors": factors}


def space_of_plan(options: Mapping[str, Any]) -> Space:
    """For each name of the base a choice of its value and those of its factor, numbers in rising order."""
    space = {}
    for name, value in options["base"].items():
        values = {token(item): item for item in (value, *options["factors"].get(name, ()))}
        rising = sorted(values.values()) if all(map(is_number, values.values())) else list(values.values())
        space[name] = Choice(rising)
    return Space(space)


def planned_trials(searcher: Searcher, wanted: int | None, usual: int | None) -> int | None:
    """Trials of a study: as many as the method has planned, or those that are wanted; other methods the usual."""
    planned = searcher.unwrapped.planned
    if planned is None:
        return usual
    return planned if wanted is None else min(wanted, planned)


def experiments_of(
    searcher: Searcher, trials: Sequence[Trial], goal: str, task: str, store: Store
) -> ExperimentResults | None:
    """`effects_of` a study's trials, with the mean training figure of each arm; None for other methods.

    Adds "train_name" ("train_error", for regression "train_loss") and to base and arms "train": its mean over the runs
    that count, at the epoch that gave the score. A validation score that falls while the training figure stays
    where it was is a sign of variance, both falling together of bias.
    """
    found = effects_of(searcher, History(trials, goal))
    if found is None:
        return None
    from paceline.reporting.curves import mean_curves

    found["train_name"] = name = "train_loss" if task == "regression" else "train_error"
    curves = mean_curves(store.measurements(), [trial.number for trial in trials])
    by_number = {trial.number: trial for trial in trials}

    def train(numbers: Sequence[int]) -> float | None:
        ended = [by_number[number] for number in numbers if number in curves and by_number[number].best_epoch]
        rows = [curves[trial.number][trial.best_epoch - 1, COLUMNS.index(name)] for trial in ended]
        mean = float(np.mean(rows)) if rows else math.nan
        return mean if math.isfinite(mean) else None

    for arm in (found["base"], *found["arms"]):
        arm["train"] = train(arm["trials"])
    return ExperimentResults.from_json(found)
