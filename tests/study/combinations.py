"""Combinations of study settings on a table of 40 rows, drawn by hypothesis, and curves that nothing was trained for.

    Combination = table (task, split) x settings x curve x folder or memory x what is done with the study

Draws lean to what can be run. What can't is refused by the product and worth a look too, so some of it is left in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from paceline.data import Dataset, load
from paceline.records import COLUMNS
from paceline.search import METHODS, STOPPERS
from paceline.testing.executors import Curve, Rows, falling, with_mishaps

ROWS = 40

TARGETS: dict[str, list[str]] = {
    "binary": ["flag"],
    "binary of a rare one": ["seldom"],
    "classes": ["kind"],
    "classes of a rare one": ["rare"],
    "classes of numbers": ["grade"],
    "multilabel": ["one", "two", "three"],
    "regression of 1": ["first"],
    "regression of 2": ["first", "second"],
    "regression of 3": ["first", "second", "third"],
    "regression of a rare one": ["nearly_flat"],
}

SPLITS: dict[str, dict[str, Any]] = {
    "default": {},
    "no dev": {"dev": 0},
    "shares": {"dev": 0.3, "test": 0.15},
    "no test": {"test": 0},
    "neither": {"dev": 0, "test": 0},
    "train_dev": {"train_dev": 0.1},
    "groups": {"group": "farm"},
    "in time": {"time": "age"},
}

METRICS: dict[str, list[str]] = {
    "binary": ["error", "loss", "log_loss", "accuracy", "balanced_accuracy", "f1", "auc"],
    "classes": ["error", "loss", "log_loss", "accuracy", "balanced_accuracy", "f1", "auc"],
    "multilabel": ["loss", "log_loss", "error", "accuracy", "auc"],
    "regression": ["loss", "rmse", "mae", "r2"],
}
"""That suit a task."""

RATE = {"low": 1e-4, "high": 1e-1, "scale": "log"}
SPACES: list[dict[str, Any] | None] = [
    None,
    {"learning_rate": RATE, "dropout": {"low": 0.0, "high": 0.5}},
    {"activation": ["relu", "tanh"], "dropout": [0.0, 0.2, 0.4]},
    {"layers": [1, 2], "units": {"low": 8, "high": 32, "per": "layers"}},
    {
        "learning_rate": RATE,
        "optimizer": ["adam", "momentum"],
        "momentum": {"low": 0.5, "high": 0.99, "when": {"optimizer": ["momentum"]}},
    },
    {"dropout": [0.1]},
    {"learning_rate": RATE, "patience": {"low": 1, "high": 4}},
]

PARAMS: list[dict[str, Any]] = [
    {},
    {},
    {"units": 16},
    {"patience": 2},
    {"patience": 1, "min_delta": 0.01},
    {"class_weight": "balanced"},
    {"schedule": "plateau"},
    {"batch_size": "all", "layers": 1},
]

METHOD_OPTIONS: dict[str, list[dict[str, Any]]] = {
    "manual": [],  # see `manual`
    "auto": [{}],
    "grid": [{}, {"points": 2}, {"points": 2, "repeats": 2}],
    "random": [{}],
    "sobol": [{}],
    "coarse_to_fine": [{}, {"size": 3, "keep": 1}],
    "bayes": [
        {},
        {"startup": 2},
        {"startup": 3, "acquisition": "logei_per_cost"},
        {"startup": 2, "acquisition": "ucb"},
    ],
    "tpe": [{}, {"startup": 2}],
    "genetic": [{}, {"population": 3}],
    "evolution": [{}, {"population": 3, "tournament": 2}],
    "cmaes": [{}, {"population": 4, "startup": 2}],
    "differential": [{}, {"population": 4}],
    "population": [{}, {"size": 3, "interval": 2}, {"size": 4, "share": 0.5}],
}

STOPPER_OPTIONS: dict[str, list[dict[str, Any]]] = {
    "none": [{}, {"size": 4}],
    "median": [{}, {"size": 3, "warmup_trials": 1, "warmup_epochs": 1}],
    "halving": [{}, {"size": 4, "eta": 2}],
    "hyperband": [{}, {"eta": 2}, {"probes": 0}],
    "patience": [{}, {"patience": 1, "size": 3}],
    "asha": [{}, {"size": 2, "probes": 0, "eta": 2}],
    "curve": [{}, {"size": 4, "warmup_epochs": 1}],
}

assert set(METHOD_OPTIONS) == {*METHODS, "auto"} and set(STOPPER_OPTIONS) == set(STOPPERS)


def diverging(trial: Any, epochs: int) -> Rows:
    """Like `falling`, but every trial diverges in its second epoch."""
    rows = falling(trial, epochs)
    rows[1:, COLUMNS.index("train_loss")] = np.inf
    return rows


def diverging_at_once(trial: Any, epochs: int) -> Rows:
    """No trial gets through its first epoch."""
    rows = falling(trial, epochs)
    rows[:, COLUMNS.index("train_loss")] = np.nan
    return rows


def failing(trial: Any, epochs: int) -> Rows:
    """No trial can be trained."""
    raise RuntimeError("invented failure")


def without_metrics(trial: Any, epochs: int) -> Rows:
    """Like `falling`, but no metric of the dev rows is a number; their loss is."""
    rows = falling(trial, epochs)
    measured = [name not in ("train_loss", "train_error", "loss", "learning_rate") for name in COLUMNS]
    rows[:, np.array(measured)] = np.nan
    return rows


def losing_metrics(trial: Any, epochs: int) -> Rows:
    """Like `without_metrics`, but from the third epoch on."""
    rows = falling(trial, epochs)
    rows[2:] = without_metrics(trial, epochs)[2:]
    return rows


CURVES: dict[str, Curve] = {
    "falling": falling,
    "with mishaps": with_mishaps,
    "diverging": diverging,
    "diverging at once": diverging_at_once,
    "failing": failing,
    "without metrics": without_metrics,
    "losing metrics": losing_metrics,
}

USUAL_CURVES = ("falling", "falling", "falling", "with mishaps", "with mishaps", "with mishaps", *CURVES)


@cache
def table(target: str, split: str) -> Dataset:
    """A table of noise whose targets are of the kinds of `TARGETS`."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "size": rng.normal(size=ROWS),
            "age": rng.normal(size=ROWS),
            "colour": rng.choice(["red", "blue", None], ROWS),
            "weight": np.where(rng.random(ROWS) < 0.1, np.nan, rng.normal(size=ROWS)),
            "farm": rng.choice(list("abcdefghij"), ROWS),
        }
    )
    labels = {
        "flag": rng.choice(["no", "yes"], ROWS),
        "seldom": np.arange(ROWS) == 17,
        "rare": ["ant" if row % 3 else "bee" for row in range(ROWS - 1)] + ["fly"],
        "grade": rng.integers(1, 5, ROWS),
        "nearly_flat": (np.arange(ROWS) == 17).astype(float),
        "kind": rng.choice(["ant", "bee", "fly"], ROWS),
        **{name: rng.integers(0, 2, ROWS) for name in TARGETS["multilabel"]},
        **{name: rng.normal(size=ROWS) for name in TARGETS["regression of 3"]},
    }
    for name in TARGETS[target]:
        rows[name] = labels[name]
    return load(rows, target=TARGETS[target], task=task_of(target), split=SPLITS[split], name="noise")


def task_of(target: str) -> str:
    return target.split()[0]


@dataclass(frozen=True)
class Combination:
    """A study to be run, and what is done with it.

    Attributes:
        target, split: keys of `TARGETS` and `SPLITS`; settings: of the study; curve: a key of `CURVES`.
        kept: in "memory", a "folder", or a "store" without a folder.
        older: what an earlier study was like that this one starts from; None for a cold start.
        again: whether it is run a second time, to the same end.
        interrupted: when it is interrupted before it goes on: after so many trials, or in a phase; "crash" for an
            error after two trials, None for never.
    """

    target: str
    split: str
    settings: Mapping[str, Any]
    curve: str
    kept: str = "memory"
    older: Combination | None = None
    again: bool = False
    interrupted: int | str | None = None

    @property
    def data(self) -> Dataset:
        return table(self.target, self.split)


@st.composite
def combinations(draw: st.DrawFn) -> Combination:
    """Any combination that a user can ask for."""
    target = draw(st.sampled_from(list(TARGETS)))
    warm = draw(st.sampled_from([False, False, True]))
    outer = None if warm else draw(st.sampled_from([None, None, None, 2]))
    settings = draw(settings_of(target, outer))
    timed = settings["minutes"] is not None  # what a clock decides need not repeat
    return Combination(
        target,
        draw(split_for(settings)),
        settings,
        draw(st.sampled_from(USUAL_CURVES)),
        kept=draw(
            st.sampled_from(["memory", "memory", "folder"] if outer else ["memory", "memory", "folder", "store"])
        ),
        older=draw(older_studies(target, settings)) if warm else None,
        again=not timed and draw(st.sampled_from([False, False, False, True])),
        interrupted=None
        if timed
        else draw(st.sampled_from([None, None, None, None, 0, 3, "crash", "retrain", "report"])),
    )


@st.composite
def older_studies(draw: st.DrawFn, target: str, settings: Mapping[str, Any]) -> Combination:
    """A study that another one starts from, mostly with the same space."""
    own = draw(settings_of(target, draw(st.sampled_from([None, None, None, None, None, 2]))))
    own |= {"retrain": 1, "refit": False}  # what it trains again says nothing to another study
    if own["method"] != "manual" and settings["method"] != "manual" and draw(st.sampled_from([True, True, False])):
        own |= {"search": settings["search"], "params": settings["params"]}
    curve = draw(st.sampled_from(["falling", "falling", "with mishaps", "with mishaps", *CURVES]))
    return Combination(target, draw(split_for(own)), own, curve)


def split_for(settings: Mapping[str, Any]) -> st.SearchStrategy[str]:
    """Without folds there must be a dev part."""
    return st.sampled_from([name for name, sizes in SPLITS.items() if settings["folds"] or sizes.get("dev") != 0])


@st.composite
def settings_of(draw: st.DrawFn, target: str, outer: int | None) -> dict[str, Any]:
    """Settings of a study, by name."""
    suitable = METRICS[task_of(target)]
    method = draw(st.sampled_from(list(METHOD_OPTIONS)))
    asked = draw(manual()) if method == "manual" else draw(searched(method))
    unstopped = method == "population" or "base" in asked["method_options"]
    stopper = draw(st.sampled_from([None, "none"] if unstopped else [None, *STOPPERS]))
    sizes = {} if stopper is None else {"stopper_options": draw(st.sampled_from(STOPPER_OPTIONS[stopper]))}
    metric = draw(st.sampled_from([None, *suitable]))
    judged = metric or ("rmse" if task_of(target) == "regression" else "error")
    beside = [name for name in suitable if name != judged]
    goals = [[], [], ["parameters"], ["operations"], beside[-1:], ["parameters", beside[0]]]
    objectives = [] if method == "population" else draw(st.sampled_from(goals))
    noise = not objectives and draw(st.sampled_from([False, False, False, True]))
    minutes = draw(st.sampled_from([None] * 7 + [1e-9]))
    least = 3 if method == "population" else 1
    usual = 40 if noise and method in ("random", "sobol") else draw(st.integers(1, 4 if outer else 12))
    return {
        **asked,
        **sizes,
        "params": fixed(draw(st.sampled_from(PARAMS)), asked, target),
        "stopper": stopper,
        "metric": metric,
        "objectives": objectives,
        "folds": draw(st.sampled_from([None, None, 2, 3])),
        "outer_folds": outer,
        "final": None if outer is None else draw(st.sampled_from([None, True, False])),
        "seed": draw(st.sampled_from([0, 1, 2, 3, 2**32, 2**63 - 1])),
        "select": draw(st.sampled_from(["best", "best", "last"])),
        "standardize": draw(st.sampled_from(["standard", "minmax", "robust", "none"])),
        "retrain": draw(st.sampled_from([0, 1, 3])),
        "refit": draw(st.booleans()),
        "minutes": minutes,
        "trials": None if minutes or ("base" in asked["method_options"] and draw(st.booleans())) else usual,
        "epochs": draw(st.integers(least, 9)),
        "target_score": draw(st.sampled_from([None, None, None, 0.2])),
        "stop_at_noise": noise,
    }


@st.composite
def searched(draw: st.DrawFn, method: str) -> dict[str, Any]:
    """A space and a method that searches it."""
    space, options = draw(st.sampled_from(SPACES)), draw(st.sampled_from(METHOD_OPTIONS[method]))
    if space is SPACES[1] and draw(st.booleans()):
        options = {**options, "first": [{"learning_rate": 0.02, "dropout": 0.25}]}
    return {"method": method, "search": space, "method_options": options}


@st.composite
def manual(draw: st.DrawFn) -> dict[str, Any]:
    """A list of configurations, or controlled experiments."""
    listed = [{"learning_rate": 0.01, "dropout": 0.1}, {"learning_rate": 0.001, "dropout": 0.0}]
    plan: dict[str, Any] = {"base": {"dropout": 0.1}, "factors": {"learning_rate": [0.01, 0.1], "layers": [1]}}
    options = draw(st.sampled_from([{"configurations": listed}, {"configurations": listed, "repeats": 3}, plan]))
    repeats = {"repeats": draw(st.integers(1, 3))} if "base" in options else {}
    return {
        "method": "manual",
        "search": None if "base" in options else SPACES[1],
        "method_options": {**options, **repeats},
    }


def fixed(params: Mapping[str, Any], asked: Mapping[str, Any], target: str) -> dict[str, Any]:
    """Those of the hyperparameters that nothing searches and, mostly, the task can have."""
    plan = asked["method_options"]
    searched = {*(asked["search"] or ()), *plan.get("base", ()), *plan.get("factors", ())}
    unsuited = {"class_weight"} if task_of(target) == "regression" else set()
    return {name: value for name, value in params.items() if name not in searched | unsuited}
