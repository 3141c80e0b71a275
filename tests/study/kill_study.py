"""`kill -9` at random moments, then resume, until the study is done: is the result that of a quiet study?

    python tests/study/kill_study.py --kills 20

Prints a line a kill and exits with 1 if an outcome differs.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from small_studies import hyperband_study, outcome

from paceline.data import load
from paceline.study import load_study, resume

BEGUN = "begun"
SLOWER = 2.0  # times as long as in a process that has its program and its data, a child takes at most
MOST_STUDIES = 20  # for each kill that is still to land
LONGEST_START = 240.0  # seconds; a loaded machine is slow, and a hang should end some day


def child(folder: Path) -> None:
    """What the killed process does: begin the study, or go on with it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts background jobs with it ignored
    load("digits")
    print(BEGUN, flush=True)
    if (folder / "study.yaml").exists():
        resume(folder)
    else:
        hyperband_study(folder)


def start(folder: Path) -> subprocess.Popen[str]:
    """A process at work on the study in `folder`; returns when it has begun."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--child", str(folder)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert process.stdout is not None
    with process.stdout as said:
        if said.readline().strip() != BEGUN:
            raise RuntimeError(f"the child ended with code {process.wait()} before it began")
    return process


def wait_until_kept(process: subprocess.Popen[str], folder: Path) -> None:
    """Wait until the study is on disk: before that there is nothing to resume."""
    deadline = time.monotonic() + LONGEST_START
    while not (folder / "study.yaml").exists() and process.poll() is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"no study appeared in {folder}")
        time.sleep(0.005)


def harry(folder: Path, kills: int, longest: float, rng: random.Random, sign: int = signal.SIGKILL) -> int:
    """Run a study under at most so many kills, each within `longest` seconds of a start; returns how many landed."""
    landed = 0
    while landed < kills:
        process = start(folder)
        wait_until_kept(process, folder)
        try:
            process.wait(timeout=rng.uniform(0, longest))
        except subprocess.TimeoutExpired:
            process.send_signal(sign)
            process.wait()
            study = load_study(folder)
            if study.state == "finished":  # too late to hurt
                break
            landed += 1
            counts = f"{sum(trial.ended for trial in study.trials)} of {len(study.trials)} trials ended"
            print(f"kill {landed}: {study.state}, {counts}", flush=True)
        else:
            if process.returncode != 0:
                raise RuntimeError(f"a process that nobody killed ended with code {process.returncode}")
            break
    resume(folder)
    return landed


def harried_outcomes(root: Path, kills: int, longest: float, rng: random.Random, sign: int) -> list[str]:
    """The outcomes of as many studies as it takes for so many kills to land."""
    outcomes: list[str] = []
    while kills > 0:
        if len(outcomes) >= MOST_STUDIES * kills:
            raise RuntimeError(f"of {len(outcomes)} studies none was hit in time; the moments are drawn too late")
        folder = root / f"harried-{len(outcomes)}"
        kills -= harry(folder, kills, longest, rng, sign)
        outcomes.append(outcome(load_study(folder)))
    return outcomes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--signal", choices=["KILL", "INT"], default="KILL", help="INT is Ctrl-C")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        child(given.child)
        return 0
    with tempfile.TemporaryDirectory() as root:
        hyperband_study(None)  # compiles
        began = time.monotonic()
        expected = outcome(hyperband_study(Path(root) / "quiet"))
        longest = SLOWER * (time.monotonic() - began)
        sign = signal.Signals[f"SIG{given.signal}"]
        outcomes = harried_outcomes(Path(root), given.kills, longest, random.Random(given.seed), sign)
    for index, found in enumerate(outcomes):
        print(f"study {index} is {'equal to' if found == expected else 'NOT equal to'} the quiet one")
    return int(any(found != expected for found in outcomes))


if __name__ == "__main__":
    sys.exit(main())
