"""What does stopping early save? Epochs spent until a reading as good as the best hundredth of all rows is seen.

    saving     epochs of random rows trained to the end / epochs of this pair, of means over seeds
    missed     seeds in which all rows were used up and no such reading was seen; they count as all rows in full

`curve_tables.py` says on what, `stopper_runs.py` how a run goes. A run is kept as one line of `--cache` with a mark of
the code that made it (see `kept`), so a cut-off benchmark goes on where it was; shown is all that is known.

python benchmarks/stopper_quality.py [--methods random bayes] [--stoppers none hyperband asha curve] [--tasks ...]
                                     [--seeds 20] [--jobs 1] [--minutes M] [--redo METHOD ...] [--smoke]
"""

import argparse
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from curve_tables import Curves, Floats, curves_of, table_names
from kept import Key, Run, collect, forget, imported, known, mark_of
from machine import RESULTS, introduce, machine, version_of, write_result
from search_tasks import HPO
from stopper_runs import OPTUNA, optuna_spent, spent

from paceline.search import METHODS, STOPPERS, make_searcher, make_stopper
from paceline.space import Space

BASELINE = ("random", "none")
RESAMPLES = 2000
FIELDS = ("task", "method", "stopper", "seed")


@cache
def task(name: str) -> Curves:
    """Read once a process."""
    return curves_of(name)


def run(name: str, method: str, stopper: str, seed: int) -> Run:
    """One study on a table; the line of the cache. `epochs` is None where no good reading was seen."""
    curves = task(name)
    epochs = optuna_spent(curves, seed) if stopper == OPTUNA else spent(curves, method, stopper, seed)
    return {
        "task": name,
        "method": method,
        "stopper": stopper,
        "seed": seed,
        "epochs": epochs,
        "mark": mark(method, stopper),
    }


@cache
def mark(method: str, stopper: str) -> str:
    """What a run depends on: the tables, how a run goes, and Optuna's version or the code of method and stopper."""
    own = [Path(__file__).with_name(f"{part}.py") for part in ("curve_tables", "stopper_runs")]
    if stopper == OPTUNA:
        return f"optuna {version_of('optuna')} {mark_of(own)}"
    searcher = make_searcher(method, Space({"x": {"low": 0.0, "high": 1.0}}), seed=0)
    modules = {type(searcher).__module__, type(make_stopper(stopper, epochs=50)).__module__}
    return mark_of([*own, *sorted(imported(modules, ("paceline.search", "paceline.space")))])


def cached(file: Path | None) -> dict[Key, Run]:
    """The runs of a file that today's code would repeat."""
    return known(file, FIELDS, lambda one: one["mark"] == mark(one["method"], one["stopper"]))


def rows_of(curves: Curves, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """What each pair of method and stopper spends on a table, the baseline first.

    A saving compares seeds that both the pair and the baseline ran; its 95 % interval is by resampling them.
    """
    full = float(curves.losses.size)
    by: dict[tuple[str, str], dict[int, float]] = {BASELINE: {}}
    missed: dict[tuple[str, str], int] = {}
    for one in runs:
        pair = (one["method"], one["stopper"])
        by.setdefault(pair, {})[one["seed"]] = full if one["epochs"] is None else float(one["epochs"])
        missed[pair] = missed.get(pair, 0) + (one["epochs"] is None)
    found = []
    for (method, stopper), epochs in by.items():
        both = sorted(set(epochs) & set(by[BASELINE]))
        counted = np.array([epochs[seed] for seed in sorted(epochs)])
        if not len(counted):
            continue
        found.append(
            {
                "method": method,
                "stopper": stopper,
                "seeds": len(counted),
                "median_epochs": float(np.median(counted)),
                "mean_epochs": float(counted.mean()),
                "missed": missed[method, stopper],
                "saving": saving(
                    np.array([by[BASELINE][seed] for seed in both]), np.array([epochs[seed] for seed in both])
                ),
                "epochs_of_seeds": {str(seed): epochs[seed] for seed in sorted(epochs)},
            }
        )
    return found


def saving(base: Floats, own: Floats) -> dict[str, float] | None:
    """How many times fewer epochs, with an interval; None without a seed in common."""
    if not len(own):
        return None
    again = np.random.default_rng(0).integers(len(own), size=(RESAMPLES, len(own)))
    low, high = np.quantile(base[again].mean(axis=1) / own[again].mean(axis=1), [0.025, 0.975])
    return {"mean": float(base.mean() / own.mean()), "low": float(low), "high": float(high)}


def show(curves: Curves, rows: Sequence[dict[str, Any]]) -> None:
    print(f"\n{curves.name}: epochs until a loss of {curves.target:.4g}")
    print(f"{'method':15s}{'stopper':18s}{'seeds':>6s}{'median':>9s}{'mean':>9s}{'missed':>8s}{'saving':>9s}")
    for row in rows:
        less = row["saving"]
        text = f"{less['mean']:8.2f}x [{less['low']:.2f} {less['high']:.2f}]" if less else ""
        print(
            f"{row['method']:15s}{row['stopper']:18s}{row['seeds']:6d}{row['median_epochs']:9.0f}"
            f"{row['mean_epochs']:9.0f}{row['missed']:8d}{text}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare stoppers by the epochs until a top row is found.")
    parser.add_argument("--methods", nargs="+", default=["random", "bayes"], choices=METHODS)
    parser.add_argument("--stoppers", nargs="+", default=["none", "hyperband", "asha", "curve"], choices=STOPPERS)
    parser.add_argument("--tasks", nargs="+", choices=table_names(), help="names of tables, or misleading")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time, a process each")
    parser.add_argument("--minutes", type=float, help="begin no run later than this")
    parser.add_argument("--redo", nargs="+", default=[], choices=METHODS, metavar="METHOD", help="make runs again")
    parser.add_argument("--cache", type=Path, default=RESULTS / "stopper_quality.jsonl", help="one line a run")
    parser.add_argument("--smoke", action="store_true", help="random rows, two seeds; nothing is written")
    options = parser.parse_args()
    if options.smoke:
        options.methods, options.seeds, options.cache = ["random"], 2, None
    about = machine()
    introduce(about)
    if not any(HPO.glob("taskset_*.npz")):
        print(f"skipped: the tables of TaskSet, because {HPO} doesn't have them")
    pairs = [BASELINE, *((m, s) for m in options.methods for s in options.stoppers if (m, s) != BASELINE)]
    if find_spec("optuna") is None:
        print("skipped: Optuna's Hyperband, because optuna isn't installed")
    elif "random" in options.methods:
        pairs.append(("random", OPTUNA))
    chosen = options.tasks or table_names()
    # All seeds of a pair on a table are worth more than one seed of everything: a cut-off run has whole rows.
    wanted = [(name, *pair, seed) for pair in pairs for name in chosen for seed in range(options.seeds)]
    again = {key for key in wanted if key[1] in options.redo}
    if again:
        gone = forget(options.cache, lambda one: tuple(one[name] for name in FIELDS) in again)
        print(f"dropped {gone} runs of {', '.join(options.redo)}")
    made = collect(wanted, cached(options.cache), run, options.cache, jobs=options.jobs, minutes=options.minutes)
    runs = list(cached(options.cache).values()) or made
    found = {}
    for name in table_names():
        found[name] = rows_of(task(name), [one for one in runs if one["task"] == name])
        if found[name]:
            show(task(name), found[name])
    if not options.smoke:
        about["peers"] = {"optuna": version_of("optuna")}
        write_result("stopper_quality", {"machine": about, "tasks": found})


if __name__ == "__main__":
    main()
