"""What searchers are judged on: tables of real nets, and functions whose optimum is known.

    read(params, number)    what a searcher is told of its call `number`: one repeat of the table, turned to minimise
    judge(params)           what counts: the mean of all repeats
    regret(params)          0 for the best configuration there is, 1 for the median of random ones

`read` is noisy as a real training is; a searcher that believes a lucky reading pays for it, because its incumbent
(the best *reading* so far) is judged by the mean. Errors of the fcnet tables span decades and are read as log10.
The tables lie outside the project (`machine.TABLES`'s neighbour `hpo`); without them only the functions are left.
"""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from machine import TABLES

from paceline.records import Params
from paceline.space import Space

HPO = TABLES.parent / "hpo"
LOGARITHMIC = "fcnet_"
"""Tables whose scores are read as log10."""

DRAWS = 10_000
"""Random configurations whose median loss is a function's regret of 1."""


@dataclass(frozen=True)
class Task:
    """Something to minimise.

    Attributes:
        name: of the table or function; group: "table" or "function".
        space: where to search.
        repeats: readings that there are of each configuration.
        reading: (configuration, repeat) -> loss; judge: configuration -> true loss.
        best: the least true loss there is; usual: the median one of random configurations.
    """

    name: str
    group: str
    space: Space
    repeats: int
    reading: Callable[[Params, int], float]
    judge: Callable[[Params], float]
    best: float
    usual: float

    def read(self, params: Params, seed: int, number: int) -> float:
        """What call `number` of a run returns; the repeat is drawn by (seed, number), alike for every method."""
        return self.reading(params, int(np.random.default_rng([seed, number]).integers(self.repeats)))

    def regret(self, params: Params) -> float:
        """Of a configuration: 0 is the best there is, 1 the median of random ones."""
        return (self.judge(params) - self.best) / (self.usual - self.best)


def names() -> tuple[str, ...]:
    """All tasks that there are here: tables first."""
    return (*table_names(), *FUNCTIONS)


def table_names() -> tuple[str, ...]:
    """The tables found, or none."""
    return tuple(sorted(file.stem for file in HPO.glob("*.json"))) if HPO.is_dir() else ()


def task(name: str) -> Task:
    """A task by its name."""
    return FUNCTIONS[name](name) if name in FUNCTIONS else from_table(HPO / f"{name}.npz")


def from_table(file: Path) -> Task:
    """A table: `scores` over the grid of the space in NAME.json, repeats last."""
    about = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    grid: dict[str, list[Any]] = about["space"]
    scores = np.load(file)["scores"].astype(np.float64)
    if file.stem.startswith(LOGARITHMIC):
        scores = np.log10(scores)
    losses = -scores if about["direction"] == "maximize" else scores
    means = losses.mean(axis=-1)

    def cell(params: Params) -> tuple[int, ...]:
        return tuple(values.index(params[name]) for name, values in grid.items())

    return Task(
        file.stem,
        "table",
        Space({name: {"choices": values} for name, values in grid.items()}),
        losses.shape[-1],
        lambda params, repeat: float(losses[(*cell(params), repeat)]),
        lambda params: float(means[cell(params)]),
        float(means.min()),
        float(np.median(means)),
    )


def from_function(name: str, space: Space, loss: Callable[[Params], float], best: float) -> Task:
    """A function without noise; its median is that of random draws."""
    rng = np.random.default_rng(0)
    usual = float(np.median([loss(space.sample(rng)) for _ in range(DRAWS)]))
    return Task(name, "function", space, 1, lambda params, _: loss(params), loss, best, usual)


def branin(name: str) -> Task:
    """Two numbers, three optima. Source: Dixon & Szegö (1978)."""
    space = Space({"x": {"low": -5.0, "high": 10.0}, "y": {"low": 0.0, "high": 15.0}})

    def loss(p: Params) -> float:
        bow = p["y"] - 5.1 / (4 * math.pi**2) * p["x"] ** 2 + 5 / math.pi * p["x"] - 6
        return float(bow**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(p["x"]) + 10)

    return from_function(name, space, loss, 10 / (8 * math.pi))


HARTMANN_HEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
HARTMANN_WIDTHS = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
HARTMANN_PLACES = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann(name: str) -> Task:
    """Six numbers, six local optima. Source: Dixon & Szegö (1978)."""
    space = Space({f"x{i}": {"low": 0.0, "high": 1.0} for i in range(6)})

    def loss(p: Params) -> float:
        x = np.array([p[f"x{i}"] for i in range(6)])
        return -float(HARTMANN_HEIGHTS @ np.exp(-(HARTMANN_WIDTHS * (x - HARTMANN_PLACES) ** 2).sum(axis=1)))

    return from_function(name, space, loss, -3.322368)


ACKLEY_AT = np.array([0.31, 0.73, 0.42, 0.62, 0.23])
"""Where the optimum of `ackley` lies: not in the middle, where a method that begins there would win by luck."""


def ackley(name: str) -> Task:
    """Five numbers, a funnel full of dents, moved off the middle. Source: Ackley (1987)."""
    space = Space({f"x{i}": {"low": 0.0, "high": 1.0} for i in range(5)})

    def loss(p: Params) -> float:
        z = 40.0 * (np.array([p[f"x{i}"] for i in range(5)]) - ACKLEY_AT)
        funnel = 20.0 * (1.0 - math.exp(-0.2 * math.sqrt(float(np.mean(z**2)))))
        return funnel + math.e - math.exp(float(np.mean(np.cos(2 * math.pi * z))))

    return from_function(name, space, loss, 0.0)


def mixed(name: str) -> Task:
    """Two numbers that are good only together, an integer and two choices that say where."""
    at = {"a": 0.3, "b": 0.7, "c": 0.5, "d": 0.1}
    extra = {"a": 0.0, "b": 0.1, "c": 0.4, "d": 0.8}
    space = Space(
        {
            "x": {"low": 0.0, "high": 1.0},
            "rate": {"low": 1e-5, "high": 1.0, "scale": "log"},
            "n": {"low": 1, "high": 9},
            "kind": list(at),
            "flag": [False, True],
        }
    )

    def loss(p: Params) -> float:
        off = p["x"] - at[p["kind"]]
        together = math.log10(p["rate"]) + 3.0 + 3.0 * off
        flag = 0.0 if p["flag"] else 0.03 * p["n"]
        return float(extra[p["kind"]] + 3.0 * off**2 + 0.1 * together**2 + 0.05 * abs(p["n"] - 6) + flag)

    return from_function(name, space, loss, 0.0)


def conditional(name: str) -> Task:
    """Settings of a net: an easy optimiser that ends at 0.1, a harder one that ends at 0, layers with own widths."""
    space = Space(
        {
            "rate": {"low": 1e-5, "high": 1.0, "scale": "log"},
            "optimizer": ["sgd", "momentum", "adam"],
            "momentum": {"low": 0.5, "high": 0.99, "scale": "logit", "when": {"optimizer": ["momentum"]}},
            "epsilon": {"low": 1e-8, "high": 1e-1, "scale": "log", "when": {"optimizer": ["adam"]}},
            "layers": {"low": 1, "high": 3},
            "width": {"low": 8, "high": 512, "scale": "log"},
            "second": {"low": 8, "high": 512, "scale": "log", "when": {"layers": [2, 3]}},
            "dropout": {"low": 0.0, "high": 0.8, "when": {"layers": [3]}},
        }
    )

    def loss(p: Params) -> float:
        rate = math.log10(p["rate"])
        total = {1: 0.3, 2: 0.0, 3: 0.1}[p["layers"]] + 0.1 * (math.log2(p["width"]) - 7.0) ** 2
        if p["optimizer"] == "sgd":
            total += 0.3 + 0.3 * abs(rate + 0.5)
        elif p["optimizer"] == "adam":
            total += 0.1 + 0.05 * (rate + 3.0) ** 2 + 0.01 * (math.log10(p["epsilon"]) + 5.0) ** 2
        else:
            depth = math.log(p["momentum"] / (1.0 - p["momentum"])) - math.log(9.0)
            total += 0.2 * (rate + 1.5 + 0.5 * depth) ** 2 + 0.1 * depth**2
        if "second" in p:
            total += 0.05 * (math.log2(p["second"]) - 5.0) ** 2
        return float(total + (2.0 * (p["dropout"] - 0.3) ** 2 if "dropout" in p else 0.0))

    return from_function(name, space, loss, 0.0)


FUNCTIONS: dict[str, Callable[[str], Task]] = {
    "branin": branin,
    "hartmann6": hartmann,
    "ackley5": ackley,
    "mixed": mixed,
    "conditional": conditional,
}


def tasks(wanted: list[str] | None) -> Iterator[Task]:
    """The wanted tasks, or all; each is read when its turn comes."""
    for name in wanted or names():
        yield task(name)
