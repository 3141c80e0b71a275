"""Time to the best dev error that Optuna finds in ten minutes, on real tables; and how long others take to get there.

    target(table, repeat)   the least dev error that Optuna (TPE, Hyperband pruner, PyTorch, 2 processes) found
    time to target          from the start of a contestant's process to its first epoch as good; imports, reading the
                            table (peers are handed arrays) and compiling counted, with no program stored

Contestants: `paceline_METHOD`; Optuna; KerasTuner's Hyperband (Keras, JAX backend, a worker a core); Ray Tune's ASHA
(PyTorch, a trial a core). The same space (Paceline's default one for the table), rows, epochs, η and first rung;
nothing else stops a trial, but a diverged one ends. They run one after the other, in an order that turns from repeat to
repeat. A contestant whose turn comes after Optuna's ends at the target; others use their whole time, and where they
reached the target is looked up afterwards.

Each run is kept as one line of `--cache`, so the benchmark can be done in pieces, over days; shown is all that is
known. A peer that isn't installed is skipped. Needs a quiet machine.

python benchmarks/time_to_target.py [--minutes 10] [--tables ...] [--repeats 3] [--peers optuna kerastuner ray]
                                    [--methods auto] [--redo CONTESTANT ...] [--show]
"""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from kept import Run, forget, keep, known
from machine import RESULTS, TABLES, introduce, machine, version_of, write_result
from peers.pool import cores
from peers.race import Job
from peers.trials import Arrays
from race_runs import TOLERANCE, Contestant, free_port, race
from race_table import REFERENCE, show, summaries, target_of

IMAGES = TABLES.parent / "images"
FILES = {
    "dry_bean": TABLES / "dry_bean.csv",
    "adult": TABLES / "adult.csv",
    "letter": TABLES / "letter.parquet",
    "fashion_mnist": IMAGES / "fashion_mnist.npz",
}
PEERS: Mapping[str, tuple[str, ...]] = {
    "optuna": ("optuna", "torch"),
    "kerastuner": ("keras_tuner", "keras"),
    "ray": ("ray", "torch"),
}
"""Peer -> modules that it needs."""

CACHE = RESULTS / "time_to_target.jsonl"
FIELDS = ("table", "repeat", "contestant", "minutes", "epochs")


@cache
def task(name: str) -> tuple[Arrays, dict[str, Any]]:
    """A table's arrays and the default space for it."""
    import paceline
    from paceline.net import default_space

    data = paceline.load(FILES[name])
    fold = data.fold()
    if data.n_outputs == 1:
        y_train, y_dev = (y[:, 0].astype(np.int64) for y in (fold.y_train, fold.y_dev))
    else:
        y_train, y_dev = (y.argmax(1).astype(np.int64) for y in (fold.y_train, fold.y_dev))
    arrays = Arrays(fold.x_train, y_train, fold.x_dev, y_dev, len(data.classes))
    space = default_space("dense", rows=len(fold.x_train), features=len(data.columns), task=str(data.task))
    return arrays, space.to_dict()


def contestant(name: str, table: str, target: float | None) -> Contestant:
    """The processes of a contestant."""
    workers = len(cores())
    if name == "optuna":
        return Contestant(tuple(("-m", "peers.optuna_search", "{folder}", str(i)) for i in range(workers)))
    if name == "ray":
        return Contestant((("-m", "peers.ray_search", "{folder}"),))
    if name == "kerastuner":
        port = str(free_port())
        return Contestant(
            tuple(("-m", "peers.keras_tuner_search", "{folder}", str(i), port) for i in range(workers + 1))
        )
    at = () if target is None else (str(target + TOLERANCE),)
    method = name.removeprefix("paceline_")
    return Contestant((("paceline_search.py", "{folder}", str(FILES[table]), method, *at),), ends_itself=True)


def order(contestants: Sequence[str], repeat: int) -> list[str]:
    """The contestants in turn: each repeat begins with the next one."""
    turn = repeat % len(contestants)
    return [*contestants[turn:], *contestants[:turn]]


def run(table: str, repeat: int, name: str, minutes: float, epochs: int, target: float | None) -> Run:
    """One contestant's search; the line of the cache."""
    arrays, space = task(table)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        job = Job(space, epochs, began=0.0, ends=60 * minutes, seed=repeat)
        found = race(contestant(name, table, target), Path(folder), job, arrays, target)
    return {
        "table": table,
        "repeat": repeat,
        "contestant": name,
        "minutes": minutes,
        "epochs": epochs,
        "day": date.today().isoformat(),
        "load_average": load,
        "ended_at_target": None if target is None else found.ended == "target",
        "aim": target,
        **found.to_dict(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Time to the dev error that Optuna finds in ten minutes.")
    parser.add_argument("--minutes", type=float, default=10.0, help="everyone's time")
    parser.add_argument("--epochs", type=int, default=30, help="of a whole training")
    parser.add_argument("--tables", nargs="+", default=list(FILES), choices=list(FILES))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--methods", nargs="*", default=["auto"], help="of Paceline")
    parser.add_argument("--redo", nargs="+", default=[], metavar="CONTESTANT", help="make these runs again")
    parser.add_argument("--cache", type=Path, default=CACHE, help="one line a run; another is a try")
    parser.add_argument("--show", action="store_true", help="make nothing; show what is known")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # so that contestants end with it
    about = machine()
    introduce(about)
    tables = [name for name in options.tables if FILES[name].exists()]
    for name in options.tables:
        if name not in tables:
            print(f"skipped: {name}, because {FILES[name]} isn't here")
    peers = []
    for name in options.peers:
        missing = [module for module in PEERS[name] if find_spec(module) is None]
        if missing:
            print(f"skipped: {name}, because {missing[0]} isn't installed")
        else:
            peers.append(name)
    contestants = [*peers, *(f"paceline_{method}" for method in options.methods)]
    wanted = [
        (table, repeat, name, options.minutes, options.epochs)
        for repeat in range(options.repeats)
        for table in tables
        for name in order(contestants, repeat)
    ]
    if options.redo:
        gone = forget(
            options.cache,
            lambda one: one["contestant"] in options.redo and tuple(one[field] for field in FIELDS) in set(wanted),
        )
        print(f"dropped {gone} runs of {', '.join(options.redo)}")
    for key in [] if options.show else wanted:
        have = known(options.cache, FIELDS)
        if key in have:
            continue
        table, repeat, name, minutes, epochs = key
        aim = None if name == REFERENCE else target_of(have.get((table, repeat, REFERENCE, minutes, epochs)))
        made = run(*key, aim)
        keep(options.cache, made)
        print(
            f"{table:14s} repeat {repeat}  {name:16s} best {made['best']} in {made['seconds']:.0f} s, "
            f"{made['trials']} trials, {made['epochs_trained']} epochs; ended by {made['ended']}",
            flush=True,
        )
    runs = [
        one
        for one in known(options.cache, FIELDS).values()
        if (one["minutes"], one["epochs"]) == (options.minutes, options.epochs)
    ]
    rows = summaries(runs)
    show(rows, options.minutes)
    versions = {module: version_of(module) for module in ("optuna", "keras-tuner", "ray", "torch", "keras")}
    if rows and options.cache == CACHE:
        about["peers"] = versions
        write_result(
            "time_to_target",
            {"machine": about, "minutes": options.minutes, "epochs": options.epochs, "rows": rows, "runs": runs},
        )


if __name__ == "__main__":
    main()
