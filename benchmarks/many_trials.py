"""A study of 50 000 trials: does its memory stay flat, and do `show` and `report` still answer in seconds?

    one process     the search, its memory looked at on the way, and what is said at its end
    one each        paceline show, show --json, report; the study loaded in Python and turned into a frame
    one process     pl.minimize, one call at a time, on a function that takes no time

Run by `python benchmarks/overhead.py --many`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from memory import ONE_SHAPE, megabytes, peak_megabytes

TRIALS = 50_000
LOOKS = 10
COMMANDS = (("show",), ("show", "--json"), ("report",))
LOADING = """
import json, sys, time
import paceline as pl
from paceline.study import load_study
began = time.perf_counter()
study = load_study(sys.argv[1])
loaded = time.perf_counter()
rows = len(study.frame())
print(json.dumps({"load_seconds": loaded - began, "frame_seconds": time.perf_counter() - loaded, "rows": rows}))
"""


def table(trials: int, stoppers: list[str], epochs: int) -> dict[str, Any]:
    """Measure and print; the figures as JSON data."""
    rows = []
    for stopper in stoppers:
        with tempfile.TemporaryDirectory() as folder:
            found = child("study", str(trials), stopper, str(epochs), folder)
            found |= {"commands": [command(*words, folder) for words in COMMANDS]}
            found |= {"loaded": last_line([sys.executable, "-c", LOADING, folder])}
            found["report_megabytes"] = (Path(folder) / "report.html").stat().st_size / (1 << 20)
        rows.append(found)
        print(f"\nrandom, stopper {stopper}, {found['trials']} trials of {epochs} epochs: ", end="")
        print(f"{found['milliseconds_a_trial']:.3f} ms a trial ", end="")
        print(f"({found['processor_milliseconds_a_trial']:.3f} of the processor), ", end="")
        print(f"{found['bytes_a_trial']:.0f} bytes a trial")
        grown = ", ".join(f"{at}: {megabytes:.0f}" for at, megabytes in found["grown_megabytes"])
        print(f"  MB more than the {found['megabytes_before']:.0f} before the study, after so many trials: {grown}")
        print(f"  summary {found['summary_seconds']:.2f} s")
        for one in found["commands"]:
            print(f"  paceline {one['command']}: {one['seconds']:.2f} s ", end="")
            print(f"({one['processor_seconds']:.2f} of the processor), {one['peak_megabytes']:.0f} MB")
        loaded = found["loaded"]
        print(f"  loaded in {loaded['load_seconds']:.2f} s, frame in {loaded['frame_seconds']:.2f} s; ", end="")
        print(f"report.html {found['report_megabytes']:.1f} MB")
    calls = child("minimize", str(trials))
    print(f"\npl.minimize, random, {trials} calls: {calls['milliseconds_a_call']:.3f} ms a call, ", end="")
    print(f"{calls['bytes_a_call']:.0f} bytes a call; first and last tenth {calls['tenths'][0]:.2f} and ", end="")
    print(f"{calls['tenths'][-1]:.2f} s")
    return {"rows": rows, "minimize": calls}


def child(*arguments: str) -> dict[str, Any]:
    """A part of this file in a fresh process."""
    return last_line([sys.executable, __file__, *arguments])


def last_line(command_line: list[str]) -> dict[str, Any]:
    done = subprocess.run(command_line, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def command(*words: str) -> dict[str, Any]:
    """Wall time and peak memory of a `paceline` command."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "paceline.cli", *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise RuntimeError(f"paceline {words[0]} ended with {status}.")
    processor = usage.ru_utime + usage.ru_stime
    peak = usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    said = " ".join(words[:-1])
    return {"command": said, "seconds": seconds, "processor_seconds": processor, "peak_megabytes": peak}


def study(trials: int, stopper: str, epochs: int, folder: Path) -> dict[str, Any]:
    """Search and conclude in this process; the folder then holds a finished study without a model."""
    from paceline.data import load
    from paceline.records import History, StudyRecord
    from paceline.search.experiments.tie_break import select_best
    from paceline.settings import StudySettings
    from paceline.store import open_store
    from paceline.study.conclude import extras, summary_of
    from paceline.study.loop import StudyLoop
    from paceline.study.setup import set_up
    from paceline.study.single import environment_of
    from paceline.testing import StubExecutor

    settings = StudySettings(
        name="many trials", data="iris", method="random", stopper=stopper, trials=trials, epochs=epochs,
        params=ONE_SHAPE, seed=0,
    )  # fmt: skip
    executor = StubExecutor()
    setup = set_up(settings, load("iris"), executor)
    grown: list[tuple[int, float]] = []
    before = megabytes()

    class Watched(StudyLoop):
        """Looks at the memory on the way."""

        def _save(self) -> None:
            super()._save()
            if len(self.table.trials) >= (grown[-1][0] if grown else 0) + trials // LOOKS:
                grown.append((len(self.table.trials), megabytes() - before))

    with open_store(str(folder / "study.db"), create=True) as store:
        record = StudyRecord(
            name="many trials", settings=setup.settings.to_dict(), environment=environment_of(setup), goal=setup.goal
        )
        store.begin(record)
        loop = Watched(setup, store, executor, folder=folder, progress=None)
        began, busy = time.perf_counter(), time.process_time()
        loop.run()
        seconds, busy = time.perf_counter() - began, time.process_time() - busy
        after = megabytes()
        began = time.perf_counter()
        listed = list(loop.table.trials.values())
        best = select_best(History(listed, setup.goal), setup.space)
        kept = summary_of(setup, listed, best, None, None, executor.stats, executor.steps, loop.cut)
        summary = extras(setup, listed, kept, store)
        summary_seconds = time.perf_counter() - began
        store.update_study(summary=summary, state="finished")
    first, last = grown[0], (len(listed), after - before)
    return {
        "stopper": stopper,
        "trials": len(listed),
        "milliseconds_a_trial": seconds / len(listed) * 1e3,
        "processor_milliseconds_a_trial": busy / len(listed) * 1e3,
        "bytes_a_trial": (last[1] - first[1]) * (1 << 20) / max(1, last[0] - first[0]),
        "grown_megabytes": grown,
        "megabytes_before": before,
        "peak_megabytes": peak_megabytes(),
        "summary_seconds": summary_seconds,
    }


def minimised(calls: int) -> dict[str, Any]:
    """So many calls of a trivial function, one by one."""
    import paceline as pl

    ends: list[float] = []
    space = {
        "x": {"low": -5.0, "high": 5.0},
        "rate": {"low": 1e-5, "high": 1.0, "scale": "log"},
        "kind": ["a", "b"],
    }

    def parabola(params: dict[str, Any]) -> float:
        ends.append(time.perf_counter())
        return float((params["x"] - 2) ** 2 + params["rate"])

    pl.minimize(parabola, space, method="random", calls=20)
    ends.clear()
    before, began = megabytes(), time.perf_counter()
    pl.minimize(parabola, space, method="random", calls=calls)
    seconds = time.perf_counter() - began
    marks = [began, *(ends[calls * tenth // 10 - 1] for tenth in range(1, 11))]
    return {
        "calls": calls,
        "milliseconds_a_call": seconds / calls * 1e3,
        "bytes_a_call": (megabytes() - before) * (1 << 20) / calls,
        "tenths": [end - start for start, end in pairwise(marks)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="One part of the measurement; see overhead.py --many.")
    parser.add_argument("part", choices=("study", "minimize"))
    parser.add_argument("rest", nargs="+")
    options = parser.parse_args()
    if options.part == "minimize":
        print(json.dumps(minimised(int(options.rest[0]))))
        return
    trials, stopper, epochs, folder = options.rest
    print(json.dumps(study(int(trials), stopper, int(epochs), Path(folder))))


if __name__ == "__main__":
    main()
