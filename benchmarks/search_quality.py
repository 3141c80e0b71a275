"""How good are proposals? Each method searches each task alone, one evaluation at a time, from many seeds.

    incumbent(n)    the best reading of the first n
    regret(n)       of the incumbent, by its true loss: 0 is the best there is, 1 the median of random ones
    win             a smaller regret than the other's on the same task and seed; equals share it

Intervals are of 95 %, by resampling seeds within tasks: they tell what other seeds would change, not other tasks.
Times are processor time a suggestion, of the whole run and of its last quarter. A run is kept as one line of
`--cache` with a mark of the code that made it, so a cut-off benchmark goes on where it was, and
changed methods are run again.

python benchmarks/search_quality.py [--tasks ...] [--methods ...] [--seeds 20] [--jobs 1] [--smoke]
"""

import argparse
import ast
import hashlib
import json
import math
import multiprocessing
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from machine import RESULTS, introduce, machine, version_of, write_result
from numpy.typing import NDArray
from search_contestants import NOT_COMPARED, PEERS, contestants
from search_tasks import HPO, Task, names, table_names, task

from paceline.records import Params
from paceline.search import METHODS, make_searcher
from paceline.space import Space

CHECKPOINTS = (10, 25, 50, 100)
RIVALS = ("random", "optuna_tpe")
RESAMPLES = 2000
Run = dict[str, Any]
Floats = NDArray[np.float64]


class Recorder:
    """The function that a contestant minimises; it notes incumbents and the time between calls."""

    def __init__(self, on: Task, seed: int) -> None:
        self._task = on
        self._seed = seed
        self._best = math.inf
        self._since = time.process_time()
        self.incumbents: list[Params] = []
        self.seconds: list[float] = []

    def __call__(self, params: Params) -> float:
        self.seconds.append(time.process_time() - self._since)
        reading = self._task.read(params, self._seed, len(self.incumbents))
        better = reading < self._best or not self.incumbents
        self._best = min(self._best, reading)
        self.incumbents.append(params if better else self.incumbents[-1])
        self._since = time.process_time()
        return reading


def run(name: str, method: str, seed: int, evaluations: int) -> Run:
    """One search; the line of the cache."""
    on = task(name)
    warm_up(method)
    recorder = Recorder(on, seed)
    contestants()[method](on.space, recorder, evaluations, seed)
    done = len(recorder.incumbents)
    at = sorted({n for n in CHECKPOINTS if n <= evaluations} | {evaluations})
    late = recorder.seconds[-max(1, done // 4) :]
    return {
        "task": name,
        "method": method,
        "seed": seed,
        "evaluations": evaluations,
        "mark": mark(method),
        "regret": {str(n): on.regret(recorder.incumbents[min(n, done) - 1]) for n in at},
        "milliseconds": 1e3 * float(np.mean(recorder.seconds)),
        "late_milliseconds": 1e3 * float(np.mean(late)),
    }


@cache
def warm_up(method: str) -> None:
    """Imports aren't counted: a short search of nothing before a process's first run of a method."""
    contestants()[method](Space({"x": {"low": 0.0, "high": 1.0}}), lambda params: float(params["x"]), 12, 0)


# The cache


@cache
def mark(method: str) -> str:
    """What a run depends on: the tasks, and a peer's version or the code of search and space that a method imports."""
    own = [Path(__file__).with_name(f"search_{part}.py") for part in ("tasks", "contestants")]
    if method in PEERS:
        return f"{PEERS[method]} {version_of(PEERS[method])} {_hash(own[:1])}"
    start = type(make_searcher(method, Space({"x": {"low": 0.0, "high": 1.0}}), seed=0)).__module__
    return _hash([*own[:1], *sorted(_imported(start))])


def _hash(files: Iterable[Path]) -> str:
    return hashlib.blake2b(b"\0".join(file.read_bytes() for file in files), digest_size=8).hexdigest()


def _imported(module: str) -> set[Path]:
    """The files of search and space that a module imports, directly or not, lazily or not; its own among them."""
    files: set[Path] = set()
    left = [module]
    while left:
        spec = find_spec(left.pop())
        if spec is None or spec.origin is None or Path(spec.origin) in files:
            continue
        files.add(Path(spec.origin))
        if Path(spec.origin).name == "__init__.py":
            continue  # a list of all methods says nothing about one
        for node in ast.walk(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                ("paceline.search", "paceline.space")
            ):
                left.append(str(node.module))
    return files


def cached(file: Path) -> dict[tuple[str, str, int, int], Run]:
    """The runs of a cache that today's code would repeat; a last line cut off by a kill is dropped."""
    runs: dict[tuple[str, str, int, int], Run] = {}
    known = contestants()
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        try:
            found = json.loads(line)
        except json.JSONDecodeError:
            continue
        if found["method"] in known and found["mark"] == mark(found["method"]):
            runs[found["task"], found["method"], found["seed"], found["evaluations"]] = found
    return runs


def collect(wanted: Sequence[tuple[str, str, int, int]], file: Path | None, jobs: int) -> list[Run]:
    """The wanted runs, from the cache or made now; each is kept as soon as it is there."""
    known = cached(file) if file is not None else {}
    missing = [one for one in wanted if one not in known]
    print(f"{len(wanted)} runs, {len(wanted) - len(missing)} of them known")
    for count, made in enumerate(_made(missing, jobs), start=1):
        known[made["task"], made["method"], made["seed"], made["evaluations"]] = made
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(made) + "\n")
        if count % 100 == 0:
            print(f"{count} of {len(missing)}", flush=True)
    return [known[one] for one in wanted]


def _made(missing: Sequence[tuple[str, str, int, int]], jobs: int) -> Iterator[Run]:
    if jobs == 1:
        yield from (run(*one) for one in missing)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(run, *one) for one in missing]):
            yield done.result()


# What the runs say


def interval(samples: Sequence[Floats]) -> dict[str, Any]:
    """Mean over tasks of the mean over seeds, with a 95 % interval by resampling seeds within tasks."""
    rng = np.random.default_rng(0)
    draws = [each[rng.integers(len(each), size=(RESAMPLES, len(each)))].mean(axis=1) for each in samples]
    low, high = np.quantile(np.mean(draws, axis=0), [0.025, 0.975])
    return {"mean": float(np.mean([each.mean() for each in samples])), "low": float(low), "high": float(high)}


def wins(own: Run, other: Run) -> float:
    """1, 0 or, between equals, one half, at the last evaluation."""
    last = str(own["evaluations"])
    mine, theirs = own["regret"][last], other["regret"][last]
    return 0.5 if mine == theirs else float(mine < theirs)


def summary(runs: Sequence[Run], method: str, among: Sequence[str]) -> dict[str, Any]:
    """One method on some tasks."""
    by: dict[tuple[str, str], dict[int, Run]] = {}
    for one in runs:
        by.setdefault((one["task"], one["method"]), {})[one["seed"]] = one
    own = {name: by[name, method] for name in among if (name, method) in by}
    every = [one for found in own.values() for one in found.values()]
    regrets = {
        n: interval([np.array([one["regret"][n] for one in found.values()]) for found in own.values()])
        for n in every[0]["regret"]
    }
    rivals = {}
    for rival in RIVALS:
        pairs = [
            np.array([wins(one, by[name, rival][seed]) for seed, one in found.items() if seed in by[name, rival]])
            for name, found in own.items()
            if (name, rival) in by
        ]
        if rival != method and pairs:
            rivals[rival] = interval(pairs)
    return {
        "method": method,
        "tasks": len(own),
        "regret": regrets,
        "wins": rivals,
        "milliseconds": float(np.mean([one["milliseconds"] for one in every])),
        "late_milliseconds": float(np.mean([one["late_milliseconds"] for one in every])),
    }


def show(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """A table of methods, best first."""
    at = [n for n in rows[0]["regret"] if int(n) >= CHECKPOINTS[1]] or list(rows[0]["regret"])
    print(f"\n{title}\n{'method':15s}" + "".join(f"{'regret at ' + n:>24s}" for n in at), end="")
    print("".join(f"{'wins, ' + rival:>20s}" for rival in RIVALS) + f"{'ms':>8s}{'late ms':>9s}")
    for row in best_first(rows):
        regrets = [f"{r['mean']:.4f} [{r['low']:.4f} {r['high']:.4f}]" for r in (row["regret"][n] for n in at)]
        shares = [row["wins"].get(rival) for rival in RIVALS]
        wins = [f"{s['mean']:.0%} [{s['low']:4.0%} {s['high']:4.0%}]" if s else "" for s in shares]
        print(f"{row['method']:15s}" + "".join(f"{cell:>24s}" for cell in regrets), end="")
        print("".join(f"{cell:>20s}" for cell in wins) + f"{row['milliseconds']:8.1f}{row['late_milliseconds']:9.1f}")


def show_each(found: dict[str, list[dict[str, Any]]], order: Sequence[str]) -> None:
    """The last regret of each method on each task."""
    last = list(next(iter(found.values()))[0]["regret"])[-1]
    print(f"\nregret at {last}\n{'method':15s}" + "".join(f"{name.replace('fcnet_', '')[:12]:>13s}" for name in found))
    for method in order:
        means = [next(r for r in rows if r["method"] == method)["regret"][last]["mean"] for rows in found.values()]
        print(f"{method:15s}" + "".join(f"{mean:13.4f}" for mean in means))


def best_first(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """By the last regret."""
    return sorted(rows, key=lambda row: float(list(row["regret"].values())[-1]["mean"]))


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare methods of search by regret.")
    parser.add_argument("--tasks", nargs="+", choices=names(), metavar="TASK", help=", ".join(names()))
    everyone = tuple(contestants())
    parser.add_argument("--methods", nargs="+", choices=everyone, metavar="METHOD", help=", ".join(everyone))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--evaluations", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time, a process each")
    parser.add_argument("--cache", type=Path, default=RESULTS / "search_quality.jsonl", help="one line a run")
    parser.add_argument("--smoke", action="store_true", help="two short runs of everyone; nothing is written")
    options = parser.parse_args()
    if options.smoke:
        options.seeds, options.evaluations, options.cache = 1, 12, None
        options.tasks = options.tasks or ["conditional", *table_names()[:1]]
    about = machine()
    introduce(about)
    if not table_names():
        print(f"skipped: all tables, because {HPO} isn't here")
    for peer, package in PEERS.items():
        if peer not in everyone:
            print(f"skipped: {peer}, because {package} (for optuna_gp also torch) isn't installed")
    chosen, methods = list(options.tasks or names()), list(options.methods or everyone)
    wanted = [(n, m, s, options.evaluations) for m in methods for n in chosen for s in range(options.seeds)]
    runs = collect(wanted, options.cache, options.jobs)
    tables = [name for name in chosen if name in table_names()]
    groups = {"all tasks": chosen, "tables": tables, "functions": [name for name in chosen if name not in tables]}
    found = {title: [summary(runs, m, among) for m in methods] for title, among in groups.items() if among}
    for title, rows in found.items():
        show(title, rows)
    each = {name: [summary(runs, method, [name]) for method in methods] for name in chosen}
    show_each(each, [row["method"] for row in best_first(found["all tasks"])])
    if not options.smoke:
        write_result(
            "search_quality",
            {
                "machine": about | {"peers": {p: version_of(package) for p, package in PEERS.items()}},
                "seeds": options.seeds,
                "evaluations": options.evaluations,
                "not_compared": [m for m in METHODS if m in NOT_COMPARED],
                "groups": found,
                "tasks": each,
            },
        )


if __name__ == "__main__":
    main()
