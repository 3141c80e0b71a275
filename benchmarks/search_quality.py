"""How good are proposals? Each method searches each task alone, one evaluation at a time, from many seeds.

    incumbent(n)    what a search ended after n evaluations hands over: the best reading; of equal ones a peer's is the
                    first, as in `best_trial`, and Paceline's the one with the best predicted mean (`search.choice`)
    regret(n)       of the incumbent, by its true loss: 0 is the best there is, 1 the median of random ones; for
                    Paceline also of the first of equals (`regret_of_first`), to tell what the choice is worth
    win             a smaller regret than the other's on the same task and seed; equals share it

Intervals are of 95 %, by resampling seeds within tasks: they tell what other seeds would change, not other tasks.
Times are processor time a suggestion, of the whole run and of its last quarter. A run is kept as one line of
`--cache` with a mark of the code that made it (see `kept`), so a cut-off benchmark goes on where it was, and
changed methods are run again. Regrets don't depend on the clock and may be made on a busy machine with `--untimed`;
times are then those of other runs, made again on a quiet one.

python benchmarks/search_quality.py [--tasks ...] [--methods ...] [--seeds 20] [--jobs 1] [--minutes M] [--untimed]
    --minutes 0                           makes nothing and shows what is known
    --redo METHOD ...                     drops these methods' runs of the chosen tasks and seeds first
    --methods skopt_gp --seeds 1 --redo skopt_gp      (quiet machine) times of a method that ran untimed
"""

import argparse
import time
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from kept import Key, Run, collect, forget, imported, known, mark_of
from machine import RESULTS, introduce, machine, version_of, write_result
from numpy.typing import NDArray
from search_contestants import NOT_COMPARED, PEERS, contestants
from search_tasks import HPO, Task, names, table_names, task

from paceline.records import History, Params, Status, Trial
from paceline.search import METHODS, make_searcher
from paceline.search.choice import chosen
from paceline.space import Space

CHECKPOINTS = (10, 25, 50, 100)
RIVALS = ("random", "optuna_tpe", "optuna_gp")
RESAMPLES = 2000
Floats = NDArray[np.float64]


class Recorder:
    """The function that a contestant minimises; it notes what was asked and the time between calls."""

    def __init__(self, on: Task, seed: int) -> None:
        self._task = on
        self._seed = seed
        self._since = time.process_time()
        self._trials: list[Trial] = []
        self.seconds: list[float] = []

    def __len__(self) -> int:
        return len(self._trials)

    def __call__(self, params: Params) -> float:
        self.seconds.append(time.process_time() - self._since)
        reading = self._task.read(params, self._seed, len(self))
        self._trials.append(Trial(len(self), params, 0, status=Status.FINISHED, score=reading))
        self._since = time.process_time()
        return reading

    def first(self, count: int) -> Params:
        """The first of the best readings of so many."""
        best = History(self._trials[:count]).best()
        assert best is not None
        return best.params

    def choice(self, count: int) -> Params:
        """What Paceline would hand over after so many."""
        best = chosen(History(self._trials[:count]), self._task.space)
        assert best is not None
        return best.params


def run(name: str, method: str, seed: int, evaluations: int, *, timed: bool = True) -> Run:
    """One search; the line of the cache. Without `timed` its times are None."""
    on = task(name)
    warm_up(method)
    recorder = Recorder(on, seed)
    contestants()[method](on.space, recorder, evaluations, seed)
    done = len(recorder)
    at = sorted({n for n in CHECKPOINTS if n <= evaluations} | {evaluations})
    late = recorder.seconds[-max(1, done // 4) :]
    first = {str(n): on.regret(recorder.first(n)) for n in at}
    own = {} if method in PEERS else {"regret_of_first": first}
    return {
        "task": name,
        "method": method,
        "seed": seed,
        "evaluations": evaluations,
        "mark": mark(method),
        "regret": first if method in PEERS else {str(n): on.regret(recorder.choice(n)) for n in at},
        **own,
        "milliseconds": 1e3 * float(np.mean(recorder.seconds)) if timed else None,
        "late_milliseconds": 1e3 * float(np.mean(late)) if timed else None,
    }


@cache
def warm_up(method: str) -> None:
    """Imports aren't counted: a short search of nothing before a process's first run of a method."""
    contestants()[method](Space({"x": {"low": 0.0, "high": 1.0}}), lambda params: float(params["x"]), 12, 0)


# The runs that are kept

FIELDS = ("task", "method", "seed", "evaluations")


@cache
def mark(method: str) -> str:
    """What a run depends on: the tasks, and a peer's version or the code of search and space that a method imports."""
    tasks = Path(__file__).with_name("search_tasks.py")
    if method in PEERS:
        return f"{PEERS[method]} {version_of(PEERS[method])} {mark_of([tasks])}"
    start = type(make_searcher(method, Space({"x": {"low": 0.0, "high": 1.0}}), seed=0)).__module__
    modules = imported([start, chosen.__module__], ("paceline.search", "paceline.space"))
    return mark_of([tasks, *sorted(modules)])


def cached(file: Path | None) -> dict[Key, Run]:
    """The runs of a file that today's code would repeat."""
    there = contestants()
    return known(file, FIELDS, lambda run: run["method"] in there and run["mark"] == mark(run["method"]))


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


def ran_on_all(runs: Sequence[Run], methods: Sequence[str], among: Sequence[str]) -> list[str]:
    """The methods that have runs on each of these tasks: means over different tasks can't be compared."""
    ran = {(one["task"], one["method"]) for one in runs}
    return [method for method in methods if all((name, method) in ran for name in among)]


def mean_time(runs: Sequence[Run], name: str) -> float | None:
    """Of the runs that were timed; None where none was."""
    timed = [one[name] for one in runs if one[name] is not None]
    return float(np.mean(timed)) if timed else None


def summary(runs: Sequence[Run], method: str, among: Sequence[str]) -> dict[str, Any]:
    """One method on some tasks. `seeds` is the least number of them on any task."""
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
        "seeds": min(len(found) for found in own.values()),
        "regret": regrets,
        "wins": rivals,
        "milliseconds": mean_time(every, "milliseconds"),
        "late_milliseconds": mean_time(every, "late_milliseconds"),
    }


def show(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """A table of methods, best first."""
    at = [n for n in rows[0]["regret"] if int(n) >= CHECKPOINTS[1]] or list(rows[0]["regret"])
    print(f"\n{title}\n{'method':15s}{'seeds':>6s}" + "".join(f"{'regret at ' + n:>24s}" for n in at), end="")
    print("".join(f"{'wins, ' + rival:>18s}" for rival in RIVALS) + f"{'ms':>8s}{'late ms':>9s}")
    for row in best_first(rows):
        regrets = [f"{r['mean']:.4f} [{r['low']:.4f} {r['high']:.4f}]" for r in (row["regret"][n] for n in at)]
        shares = [row["wins"].get(rival) for rival in RIVALS]
        wins = [f"{s['mean']:.0%} [{s['low']:.0%} {s['high']:.0%}]" if s else "" for s in shares]
        times = ["" if row[n] is None else f"{row[n]:.1f}" for n in ("milliseconds", "late_milliseconds")]
        print(f"{row['method']:15s}{row['seeds']:6d}" + "".join(f"{cell:>24s}" for cell in regrets), end="")
        print("".join(f"{cell:>18s}" for cell in wins) + f"{times[0]:>8s}{times[1]:>9s}")


def show_each(found: dict[str, list[dict[str, Any]]], order: Sequence[str]) -> None:
    """The last regret of each method on each task that it ran on."""
    last = list(next(iter(found.values()))[0]["regret"])[-1]
    print(f"\nregret at {last}\n{'method':15s}" + "".join(f"{name.replace('fcnet_', '')[:12]:>13s}" for name in found))
    for method in order:
        means = [[r["regret"][last]["mean"] for r in rows if r["method"] == method] for rows in found.values()]
        if any(means):
            print(f"{method:15s}" + "".join(f"{mean[0]:13.4f}" if mean else f"{'':13s}" for mean in means))


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
    parser.add_argument("--minutes", type=float, help="begin no run later than this")
    parser.add_argument("--redo", nargs="+", default=[], choices=everyone, metavar="METHOD", help="make runs again")
    parser.add_argument("--untimed", action="store_true", help="for a busy machine: keep no times")
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
    searched, methods = list(options.tasks or names()), list(options.methods or everyone)
    wanted = [(n, m, s, options.evaluations) for m in methods for s in range(options.seeds) for n in searched]
    again = {key for key in wanted if key[1] in options.redo}
    if again:
        gone = forget(options.cache, lambda one: tuple(one[name] for name in FIELDS) in again)
        print(f"dropped {gone} runs of {', '.join(options.redo)}")
    make = partial(run, timed=not options.untimed)
    made = collect(wanted, cached(options.cache), make, options.cache, jobs=options.jobs, minutes=options.minutes)
    # Shown is all that is known, so that a benchmark done in pieces ends with one table.
    kept = [one for one in cached(options.cache).values() if one["evaluations"] == options.evaluations]
    runs = kept or made
    if not runs:
        return
    ran = [name for name in names() if any(one["task"] == name for one in runs)]
    tables = [name for name in ran if name in table_names()]
    groups = {"all tasks": ran, "tables": tables, "functions": [name for name in ran if name not in tables]}
    found = {
        title: [summary(runs, m, among) for m in ran_on_all(runs, everyone, among)]
        for title, among in groups.items()
        if among
    }
    for title, rows in found.items():
        if rows:
            show(title, rows)
    each = {name: [summary(runs, m, [name]) for m in ran_on_all(runs, everyone, [name])] for name in ran}
    show_each(each, everyone)
    if not options.smoke:
        write_result(
            "search_quality",
            {
                "machine": about | {"peers": {p: version_of(package) for p, package in PEERS.items()}},
                "evaluations": options.evaluations,
                "not_compared": [m for m in METHODS if m in NOT_COMPARED],
                "groups": found,
                "tasks": each,
            },
        )


if __name__ == "__main__":
    main()
