"""A race: searches in processes of their own, what they are told and what they say.

    folder/job.json          the space, epochs of a whole training, when it began and ends, a seed
    folder/arrays.npz        the table, split and normalised
    folder/events-NAME.jsonl a line an epoch: {"seconds": since the race began, "trial": ..., "error": of the dev rows}

The space is plain JSON: name -> {"choices": [...]} or {"value": ...} or {"low", "high", "scale"}, and {"when":
{parent: [values]}} where a parameter is active only then; parents stand before their children. Each library draws
numbers and choices in its own way; `configuration` turns them into one, alike for all.
"""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from peers.trials import Arrays

Space = Mapping[str, Mapping[str, Any]]
LEAST, REDUCTION = 1, 3
"""Hyperband's and ASHA's first rung, in epochs, and η, alike for everyone."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a contestant is told. `began` and `ends` are of time.time(); imports and reading data count."""

    space: dict[str, dict[str, Any]]
    epochs: int
    began: float
    ends: float
    seed: int

    @property
    def seconds_left(self) -> float:
        return self.ends - time.time()


def write_job(folder: Path, job: Job) -> None:
    (folder / "job.json").write_text(json.dumps(asdict(job)), encoding="utf-8")


def read_job(folder: Path) -> Job:
    return Job(**json.loads((folder / "job.json").read_text(encoding="utf-8")))


def write_arrays(folder: Path, arrays: Arrays) -> None:
    np.savez(folder / "arrays.npz", **asdict(arrays))


def read_arrays(folder: Path) -> Arrays:
    with np.load(folder / "arrays.npz") as file:
        parts = {name: file[name] for name in ("x_train", "y_train", "x_dev", "y_dev")}
        return Arrays(**parts, classes=int(file["classes"]))


class Events:
    """Says what a process has measured, an epoch a line, at once.

    Args:
        name: of the process, without path separators; no two of a race have the same.
    """

    def __init__(self, folder: Path, job: Job, name: str) -> None:
        self._began = job.began
        self._file = folder / f"events-{name}.jsonl"

    def tell(self, trial: str | int, error: float) -> None:
        seconds = round(time.time() - self._began, 3)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"seconds": seconds, "trial": trial, "error": error}) + "\n")


class Ask(Protocol):
    """How a library draws a configuration: one number or choice after the other, by name."""

    def number(self, name: str, low: float, high: float, log: bool) -> float: ...

    def choice(self, name: str, values: list[Any]) -> Any: ...


def configuration(space: Space, ask: Ask) -> dict[str, Any]:
    """A configuration of active parameters, drawn by asking.

    Numbers on a logit scale are asked for as their logarithm of odds, because no peer knows that scale.
    """
    config: dict[str, Any] = {}
    for name, rule in space.items():
        if all(config.get(parent) in values for parent, values in rule.get("when", {}).items()):
            config[name] = _value(name, rule, ask)
    return config


def _value(name: str, rule: Mapping[str, Any], ask: Ask) -> Any:
    if "value" in rule:
        return rule["value"]
    if "choices" in rule:
        return ask.choice(name, list(rule["choices"]))
    low, high, scale = float(rule["low"]), float(rule["high"]), rule["scale"]
    if rule.get("type", "float") != "float" or scale not in ("linear", "log", "logit"):
        raise ValueError(f"a race's space may hold floats on the scales linear, log, logit, but got {name!r}: {rule}.")
    if scale == "logit":
        odds = ask.number(name, math.log(low / (1 - low)), math.log(high / (1 - high)), False)
        value = 1 / (1 + math.exp(-odds))
    else:
        value = ask.number(name, low, high, scale == "log")
    return min(max(value, low), high)  # the last bit, lost in rounding
