"""Bookkeeping of a study: its real loop, searcher, stopper and SQLite store, with training that takes no time.

    StudyLoop --submit(jobs)--> StubExecutor: every job is done at once, with an invented curve --collect()--> StudyLoop

What is counted: proposing, checking and encoding configurations, drawing first weights, judging, saving. Time a trial
is the whole loop's wall time over its trials. Peak memory is the process's, so each size runs in a process of its own.

python benchmarks/overhead.py [--profile] [--many] [--smoke]
"""

import argparse
import cProfile
import json
import math
import pstats
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import introduce, machine, write_result
from memory import ONE_SHAPE, peak_megabytes

PROMISE_MS = 1.0
SIZES = (1_000, 10_000)
STOPPERS = ("none", "hyperband")


def measure(trials: int, stopper: str, epochs: int, profile: int) -> dict[str, Any]:
    """Run one study on iris in this process; `profile` > 0: print so many of the costliest functions."""
    from paceline.data import load
    from paceline.records import StudyRecord
    from paceline.settings import StudySettings
    from paceline.store import open_store
    from paceline.study.loop import StudyLoop
    from paceline.study.setup import set_up
    from paceline.testing import StubExecutor

    settings = StudySettings(
        name="overhead", method="random", stopper=stopper, trials=trials, epochs=epochs, params=ONE_SHAPE, seed=0
    )  # fmt: skip
    data = load("iris")
    executor = StubExecutor()
    setup = set_up(settings, data, executor)
    before = peak_megabytes()
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        with open_store(str(folder / "study.db"), create=True) as store:
            record = StudyRecord(
                name="overhead", settings=setup.settings.to_dict(), environment={}, goal=setup.goal
            )  # fmt: skip
            store.begin(record)
            loop = StudyLoop(setup, store, executor, folder=folder, progress=None)
            profiler = cProfile.Profile()
            began, busy = time.perf_counter(), time.process_time()
            if profile:
                profiler.runcall(loop.run)
            else:
                loop.run()
            seconds, busy = time.perf_counter() - began, time.process_time() - busy
            began = time.perf_counter()
            stored = len(store.trials())
            listing = time.perf_counter() - began
        megabytes = (folder / "study.db").stat().st_size / (1 << 20)
    if profile:
        statistics = pstats.Stats(profiler)
        statistics.sort_stats("cumulative").print_stats(profile)
        statistics.sort_stats("tottime").print_stats(profile)
    if stored != len(loop.table.trials):
        raise RuntimeError(f"{len(loop.table.trials)} trials were run, but {stored} stored.")
    return {
        "stopper": stopper,
        "trials": stored,
        "milliseconds_a_trial": seconds / stored * 1e3,
        "processor_milliseconds_a_trial": busy / stored * 1e3,
        "seconds": seconds,
        "listing_seconds": listing,
        "peak_megabytes": peak_megabytes(),
        "megabytes_before": before,
        "database_megabytes": megabytes,
    }


def apart(trials: int, stopper: str, epochs: int) -> dict[str, Any]:
    """`measure` in a fresh process."""
    arguments = ["--child", "--trials", str(trials), "--stopper", stopper, "--epochs", str(epochs)]
    done = subprocess.run([sys.executable, __file__, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the bookkeeping of a study.")
    parser.add_argument("--trials", type=int, nargs="+", default=list(SIZES), help="sizes of the studies")
    parser.add_argument("--stopper", nargs="+", default=list(STOPPERS), choices=STOPPERS)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=3, help="studies of each size; the median counts")
    parser.add_argument("--profile", type=int, nargs="?", const=25, default=0, help="costliest functions to print")
    parser.add_argument("--many", action="store_true", help="50 000 trials: memory over the course, and what follows")
    parser.add_argument("--smoke", action="store_true", help="200 trials, once; nothing is written")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.trials[0], options.stopper[0], options.epochs, 0)))
        return
    if options.smoke:
        options.trials, options.repeats = [200], 1
    about = machine()
    introduce(about)
    if options.many:
        import many_trials

        found = many_trials.table(200 if options.smoke else many_trials.TRIALS, options.stopper, options.epochs)
        if not options.smoke:
            write_result("many_trials", {"machine": about, **found})
        return
    if options.profile:
        for stopper in options.stopper:
            print(f"\n{max(options.trials)} trials, stopper {stopper}")
            measure(max(options.trials), stopper, options.epochs, options.profile)
        return
    print(
        f"\n{'stopper':10s}{'trials':>8s}{'ms/trial':>10s}{'CPU ms':>8s}{'peak MB':>9s}{'before':>8s}"
        f"{'db MB':>7s}{'list s':>8s}"
    )
    rows = []
    for stopper in options.stopper:
        for trials in options.trials:
            runs = [apart(trials, stopper, options.epochs) for _ in range(options.repeats)]
            runs.sort(key=lambda run: float(run["milliseconds_a_trial"]))
            found = runs[len(runs) // 2]
            found["all_milliseconds_a_trial"] = [run["milliseconds_a_trial"] for run in runs]
            rows.append(found)
            print(
                f"{stopper:10s}{found['trials']:8d}{found['milliseconds_a_trial']:10.3f}"
                f"{found['processor_milliseconds_a_trial']:8.3f}{found['peak_megabytes']:9.0f}{found['megabytes_before']:8.0f}"
                f"{found['database_megabytes']:7.1f}{found['listing_seconds']:8.2f}"
            )
    worst = max((row["milliseconds_a_trial"] for row in rows), default=math.nan)
    print(f"\nworst: {worst:.2f} ms a trial; promised: at most {PROMISE_MS:g}")
    if not options.smoke:
        write_result("overhead", {"machine": about, "promised_ms": PROMISE_MS, "rows": rows})


if __name__ == "__main__":
    main()
