"""Who is compared: every method of Paceline, and peers where they are installed, each with its own defaults.

    run = CONTESTANT(space, call, evaluations, seed)       call(configuration) -> loss, so many times

Peers search the same unit cube, one number a slot (`Space.slots`): scales, orders and conditions are
handed to them as far as they know such things, so what is compared are the methods and not the ways of writing
a space down. Optuna asks only for active slots. skopt knows no conditions: it searches all slots, and those
that are inactive change nothing.
"""

import logging
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from paceline.records import History, Params, Status, Trial
from paceline.search import METHODS, make_searcher
from paceline.seeds import generator
from paceline.space import Slot, Space

Call = Callable[[Params], float]
Contestant = Callable[[Space, Call, int, int], None]

NOT_COMPARED = ("manual", "grid")
"""Methods that go through a list and learn nothing."""


def paceline(method: str) -> Contestant:
    """A method of Paceline, asked for one configuration at a time, as `pl.minimize` asks it."""

    def run(space: Space, call: Call, evaluations: int, seed: int) -> None:
        searcher = make_searcher(method, space, seed=seed)
        done: list[Trial] = []
        while len(done) < evaluations:
            rng = generator(seed, "search", len(done))
            points = searcher.suggest(History(tuple(done)), 1, rng)
            if not points:
                return
            done.append(Trial(len(done), points[0], 0, status=Status.FINISHED, score=call(points[0])))

    return run


def optuna(sampler: str) -> Contestant:
    """A sampler of Optuna with its defaults; TPE is told of groups where the space has conditions, as its pages say."""

    def run(space: Space, call: Call, evaluations: int, seed: int) -> None:
        library = import_module("optuna")
        library.logging.set_verbosity(logging.ERROR)
        conditions = any(parameter.when for parameter in space.parameters.values())
        options = {"group": True} if sampler == "TPESampler" and conditions else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of experimental options
            study = library.create_study(sampler=getattr(library.samplers, sampler)(seed=seed, **options))
            for _ in range(evaluations):
                trial = study.ask()
                study.tell(trial, call(asked(trial, space)))

    return run


def asked(trial: Any, space: Space) -> Params:
    """Define by run: a slot is asked for if the slots before it (parents come first) make it active."""
    u = np.full(len(space.slots), np.nan)
    params = space.from_unit(u)
    for index, slot in enumerate(space.slots):
        if slot.name not in params:
            continue
        values = _values(slot)
        if values is None:
            u[index] = trial.suggest_float(slot.name, 0.0, 1.0)
        elif slot.is_numeric:
            u[index] = (trial.suggest_int(slot.name, 0, values - 1) + 0.5) / values
        else:
            u[index] = (trial.suggest_categorical(slot.name, list(range(values))) + 0.5) / values
        params = space.from_unit(u)
    return params


def skopt_gp(space: Space, call: Call, evaluations: int, seed: int) -> None:
    """scikit-optimize's `gp_minimize` with its defaults."""
    library, dimensions = import_module("skopt"), import_module("skopt.space")

    def dimension(slot: Slot) -> Any:
        values = _values(slot)
        if values is None:
            return dimensions.Real(0.0, 1.0)
        return dimensions.Integer(0, values - 1) if slot.is_numeric else dimensions.Categorical(list(range(values)))

    counts = [_values(slot) for slot in space.slots]

    def loss(x: list[Any]) -> float:
        pairs = zip(x, counts, strict=True)
        return call(space.from_unit([float(v) if n is None else (int(v) + 0.5) / n for v, n in pairs]))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of each point that it proposes twice
        library.gp_minimize(loss, [dimension(slot) for slot in space.slots], n_calls=evaluations, random_state=seed)


def _values(slot: Slot) -> int | None:
    """How many values a slot has; None also for integers on a log scale, whose values aren't equally wide."""
    even = getattr(slot.parameter, "scale", "linear") == "linear"
    return slot.parameter.count if even else None


def contestants() -> Mapping[str, Contestant]:
    """All that can be run here, by name; peers whose package isn't installed are missing."""
    found = {method: paceline(method) for method in METHODS if method not in NOT_COMPARED}
    if find_spec("optuna") is not None:
        found["optuna_tpe"] = optuna("TPESampler")
        if find_spec("torch") is not None:
            found["optuna_gp"] = optuna("GPSampler")
    if find_spec("skopt") is not None:
        found["skopt_gp"] = skopt_gp
    return found


PEERS: Mapping[str, str] = {"optuna_tpe": "optuna", "optuna_gp": "optuna", "skopt_gp": "scikit-optimize"}
"""Contestants that aren't Paceline's, and the package they come from."""
