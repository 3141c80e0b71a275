"""How much of the Pareto front does a method find? Each searches each task alone, one evaluation at a time.

    area(points)    what lies between the points and a reference that all of the front is better than (hypervolume)
    share(n)        area of the first n evaluations / area of the whole front: 1 is all that there is
    win             a larger share than random's on the same task and seed; equals share it

The tasks: ZDT1 (a convex front) and ZDT2 (a hollow one) in five dimensions, Branin against Currin, and two tables of
real nets, error against parameters, where they are found. In a table a reading is one repeat of the training, and
shares are those of the repeats' means. Intervals are of 95 %, by resampling seeds within tasks. Times are processor
time a suggestion.

python benchmarks/pareto_quality.py [--tasks ...] [--methods ...] [--seeds 10] [--jobs 1] [--keep] [--smoke]
"""

import argparse
import json
import logging
import math
import multiprocessing
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from machine import RESULTS, introduce, machine, version_of, write_result
from numpy.typing import NDArray
from search_contestants import NOT_COMPARED, asked
from search_quality import Floats, interval
from search_tasks import HPO

from paceline.pareto import nondominated
from paceline.records import History, Params, Status, Trial
from paceline.search import METHODS, make_searcher, searcher_type
from paceline.seeds import generator
from paceline.space import Space

Pair = tuple[float, float]
Call = Callable[[Params], Pair]
CHECKPOINTS = (25, 50, 100)
BEYOND = 0.1
"""A table's reference lies so far beyond the worst of its front, by the front's span."""

ZDT_REFERENCE = np.array([2.0, 2.0])
"""The fronts end at (1, 1); few methods get near that in 100 evaluations, so approaching it counts too."""


@dataclass(frozen=True)
class Task:
    """Two things to be kept low.

    Attributes:
        name: of the function or table; space: where to search.
        reading: (configuration, number of the call) -> what a searcher is told; judge: configuration -> what counts.
        reference: (2,) worse than all of the front; whole: area of the whole front.
    """

    name: str
    space: Space
    reading: Callable[[Params, int], Pair]
    judge: Call
    reference: Floats
    whole: float


def area(points: Floats, reference: Floats) -> float:
    """What points (n, 2), lower is better, dominate of the rectangle below the reference (2,).

    >>> area(np.array([[1.0, 2.0], [2.0, 1.0], [2.0, 2.0], [9.0, 0.0]]), np.array([3.0, 3.0]))
    3.0
    """
    inside = points[(points < reference).all(axis=1)]
    total, ceiling = 0.0, float(reference[1])
    for x, y in sorted(map(tuple, inside.tolist())):
        if y < ceiling:
            total += (float(reference[0]) - x) * (ceiling - y)
            ceiling = y
    return total


def zdt(name: str, shape: Callable[[float], float]) -> Task:
    """Five numbers; the front has all but the first at 0. Source: Zitzler, Deb & Thiele (2000)."""
    space = Space({f"x{i}": {"low": 0.0, "high": 1.0} for i in range(5)})

    def judge(p: Params) -> Pair:
        g = 1.0 + 9.0 * sum(p[f"x{i}"] for i in range(1, 5)) / 4.0
        return p["x0"], g * shape(p["x0"] / g)

    xs = np.linspace(0.0, 1.0, 100_001)
    front = np.column_stack([xs, [shape(x) for x in xs.tolist()]])
    return Task(name, space, lambda p, _: judge(p), judge, ZDT_REFERENCE, area(front, ZDT_REFERENCE))


def branin_currin(name: str) -> Task:
    """Two numbers. Source: Belakaria, Deshwal & Doppa (2019); reference and area are those of BoTorch."""
    space = Space({"x": {"low": 0.0, "high": 1.0}, "y": {"low": 0.0, "high": 1.0}})

    def judge(p: Params) -> Pair:
        x, y = 15.0 * p["x"] - 5.0, 15.0 * p["y"]
        bow = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
        branin = bow**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10
        u = p["x"]
        rise = (2300 * u**3 + 1900 * u**2 + 2092 * u + 60) / (100 * u**3 + 500 * u**2 + 4 * u + 20)
        damp = 1.0 - math.exp(-1.0 / (2.0 * p["y"])) if p["y"] > 0 else 1.0
        return branin, damp * rise

    return Task(name, space, lambda p, _: judge(p), judge, np.array([18.0, 6.0]), 59.36011874867746)


def beyond(front: Floats) -> Floats:
    """A reference for the front (points, 2)."""
    return np.asarray(front.max(axis=0) + BEYOND * np.ptp(front, axis=0))


def fcnet(name: str) -> Task:
    """Error and parameters of nets of two layers on 15 features, both as log10. Source: Klein & Hutter (2019)."""

    def size(p: Params) -> int:
        return 16 * int(p["n_units_1"]) + (int(p["n_units_1"]) + 1) * int(p["n_units_2"]) + int(p["n_units_2"]) + 1

    return table(name, size, np.log10)


def mlp(name: str) -> Task:
    """Error and parameters (as log10) of nets of equal layers, 18 features, 4 classes. Source: Eggensperger et al.
    (2021)."""

    def size(p: Params) -> int:
        width = int(p["width"])
        return 19 * width + (int(p["depth"]) - 1) * (width + 1) * width + 4 * (width + 1)

    return table(name, size, lambda scores: 1.0 - scores)


def table(name: str, size: Callable[[Params], int], turned: Callable[[NDArray[np.float64]], Floats]) -> Task:
    """A table of `search_tasks`, with the size of the net as the second objective."""
    grid: dict[str, list[Any]] = json.loads((HPO / f"{name}.json").read_text(encoding="utf-8"))["space"]
    losses = turned(np.load(HPO / f"{name}.npz")["scores"].astype(np.float64))
    means = losses.mean(axis=-1)

    def cell(p: Params) -> tuple[int, ...]:
        return tuple(values.index(p[key]) for key, values in grid.items())

    def judge(p: Params) -> Pair:
        return float(means[cell(p)]), math.log10(size(p))

    def reading(p: Params, number: int) -> Pair:
        return float(losses[(*cell(p), number % losses.shape[-1])]), math.log10(size(p))

    space = Space({key: {"choices": values} for key, values in grid.items()})
    every = np.array([judge(p) for p in space.grid(1)])
    front = every[nondominated(every)]
    reference = beyond(front)
    return Task(name, space, reading, judge, reference, area(front, reference))


TASKS: Mapping[str, Callable[[str], Task]] = {
    "zdt1": lambda name: zdt(name, lambda x: 1.0 - math.sqrt(x)),
    "zdt2": lambda name: zdt(name, lambda x: 1.0 - x * x),
    "branin_currin": branin_currin,
    "fcnet_naval_propulsion": fcnet,
    "mlp_vehicle": mlp,
}


@cache
def task(name: str) -> Task:
    return TASKS[name](name)


def names() -> list[str]:
    """The tasks that there are here."""
    return [name for name in TASKS if not name.startswith(("fcnet", "mlp")) or (HPO / f"{name}.npz").exists()]


# Contestants


def paceline(method: str) -> Callable[[Space, Call, int, int], None]:
    """A method of Paceline, asked for one configuration at a time."""

    def run(space: Space, call: Call, evaluations: int, seed: int) -> None:
        searcher = make_searcher(method, space, seed=seed)
        done: list[Trial] = []
        while len(done) < evaluations:
            points = searcher.suggest(History(tuple(done)), 1, generator(seed, "search", len(done)))
            if not points:
                return
            first, second = call(points[0])
            done.append(Trial(len(done), points[0], 0, status=Status.FINISHED, score=first, costs=(second,)))

    return run


def optuna(sampler: str) -> Callable[[Space, Call, int, int], None]:
    """A sampler of Optuna with its defaults."""

    def run(space: Space, call: Call, evaluations: int, seed: int) -> None:
        library = import_module("optuna")
        library.logging.set_verbosity(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of experimental options
            made = getattr(library.samplers, sampler)(seed=seed)
            study = library.create_study(sampler=made, directions=["minimize", "minimize"])
            for _ in range(evaluations):
                trial = study.ask()
                study.tell(trial, call(asked(trial, space)))

    return run


def contestants() -> dict[str, Callable[[Space, Call, int, int], None]]:
    """All that can be run here, by name."""
    found = {
        method: paceline(method)
        for method in METHODS
        if method not in NOT_COMPARED and not searcher_type(method).single_objective
    }
    if find_spec("optuna") is not None:
        found |= {"optuna_nsga2": optuna("NSGAIISampler"), "optuna_tpe": optuna("TPESampler")}
        if find_spec("torch") is not None:
            found["optuna_gp"] = optuna("GPSampler")
    return found


def run(name: str, method: str, seed: int, evaluations: int) -> dict[str, Any]:
    """One search: its shares, and milliseconds a suggestion."""
    on = task(name)
    judged: list[Pair] = []
    busy = 0.0

    def call(params: Params) -> Pair:
        nonlocal busy
        begun = time.process_time()
        judged.append(on.judge(params))
        reading = on.reading(params, seed + len(judged))
        busy += time.process_time() - begun
        return reading

    begun = time.process_time()
    contestants()[method](on.space, call, evaluations, seed)
    spent = time.process_time() - begun - busy
    at = sorted({n for n in CHECKPOINTS if n <= evaluations} | {evaluations})
    shares = {str(n): area(np.array(judged[:n]), on.reference) / on.whole for n in at}
    return {"task": name, "method": method, "seed": seed, "share": shares, "milliseconds": 1e3 * spent / len(judged)}


def kept(besides: Sequence[str], among: Sequence[str], evaluations: int) -> list[dict[str, Any]]:
    """The runs of the last result that aren't of these methods."""
    last = json.loads((RESULTS / "pareto_quality.json").read_text(encoding="utf-8"))
    if last["evaluations"] != evaluations:
        raise SystemExit(f"the last result has {last['evaluations']} evaluations a run, not {evaluations}.")
    return [one for one in last["runs"] if one["method"] not in besides and one["task"] in among]


# What the runs say


def summary(runs: Sequence[dict[str, Any]], method: str, among: Sequence[str]) -> dict[str, Any]:
    """One method on some tasks."""
    own = [[one for one in runs if one["method"] == method and one["task"] == name] for name in among]
    last = list(own[0][0]["share"])[-1]
    random = {(one["task"], one["seed"]): one["share"][last] for one in runs if one["method"] == "random"}
    wins = [
        np.array([0.5 + 0.5 * np.sign(one["share"][last] - random[one["task"], one["seed"]]) for one in each])
        for each in own
        if random
    ]
    return {
        "method": method,
        "share": {
            n: interval([np.array([one["share"][n] for one in each]) for each in own]) for n in own[0][0]["share"]
        },
        "wins": interval(wins) if wins else None,
        "milliseconds": float(np.mean([one["milliseconds"] for each in own for one in each])),
    }


def show(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """A table of methods, best first."""
    at = list(rows[0]["share"])
    print(
        f"\n{title}\n{'method':16s}"
        + "".join(f"{'share at ' + n:>23s}" for n in at)
        + f"{'wins, random':>19s}{'ms':>8s}"
    )
    for row in sorted(rows, key=lambda row: -float(row["share"][at[-1]]["mean"])):
        cells = [f"{s['mean']:.3f} [{s['low']:.3f} {s['high']:.3f}]" for s in row["share"].values()]
        won = row["wins"]
        wins = f"{won['mean']:.0%} [{won['low']:4.0%} {won['high']:4.0%}]" if won else ""
        print(
            f"{row['method']:16s}"
            + "".join(f"{cell:>23s}" for cell in cells)
            + f"{wins:>19s}{row['milliseconds']:8.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare methods by the share of the Pareto front's area.")
    parser.add_argument("--tasks", nargs="+", choices=names())
    parser.add_argument("--methods", nargs="+", choices=tuple(contestants()))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--evaluations", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time, a process each")
    parser.add_argument("--keep", action="store_true", help="take the other methods' runs over from the last result")
    parser.add_argument("--smoke", action="store_true", help="one short run of everyone; nothing is written")
    options = parser.parse_args()
    if options.smoke:
        options.seeds, options.evaluations, options.tasks = 1, 12, options.tasks or ["zdt1"]
    about = machine()
    introduce(about)
    missing = [name for name in TASKS if name not in names()]
    if missing:
        print(f"skipped: {', '.join(missing)}, because {HPO} doesn't have them")
    if find_spec("optuna") is None:
        print("skipped: Optuna's samplers, because optuna isn't installed")
    chosen, methods = list(options.tasks or names()), list(options.methods or contestants())
    wanted = [(n, m, s, options.evaluations) for m in methods for n in chosen for s in range(options.seeds)]
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
        runs = list(pool.map(run, *zip(*wanted, strict=True)))
    if options.keep:
        runs += kept(methods, chosen, options.evaluations)
        methods = list(dict.fromkeys(one["method"] for one in runs))
    each = {name: [summary(runs, method, [name]) for method in methods] for name in chosen}
    everywhere = [summary(runs, method, chosen) for method in methods]
    for title, rows in {**each, "all tasks": everywhere}.items():
        show(title, rows)
    if not options.smoke:
        peers = {"optuna": version_of("optuna")}
        write_result(
            "pareto_quality",
            {
                "machine": about | {"peers": peers},
                "seeds": options.seeds,
                "evaluations": options.evaluations,
                "tasks": each,
                "all_tasks": everywhere,
                "runs": runs,
            },
        )


if __name__ == "__main__":
    main()
