"""What does thinking cost the training beside it? Trial-steps a second of `bayes`, and of studies that don't think.

    same list    the configurations that bayes just trained, read from a list: what its thinking takes away
    random       random search in the same space: also that other configurations take other time a step

    kept = trial-steps a second of bayes / those of the other, of one table, time budget and stopper

Bayes prefers wider nets with norms and dropout, whose steps are dearer, so only the first ratio is about searching; the
second is taken in the whole default space and with shapes held equal. All in one process, in turns.

python benchmarks/busy_lanes.py [--minutes 0.4] [--repeats 3] [--smoke]
"""

import argparse
from typing import Any

import numpy as np
from machine import TABLES, introduce, machine, write_result

PROMISE = 0.9
TABLE = "dry_bean"
WARM_UP = 0.8
"""Minutes; the six programs of the default space take half of it to compile."""

SAME_SHAPE = {"units": 96, "layers": 2, "batch_size": 64}


def speed(data: Any, minutes: float, **settings: Any) -> tuple[Any, float]:
    """A study and its trial-steps a second."""
    from paceline.study import tune
    from paceline.summary import Summary

    study = tune(data, minutes=minutes, stopper="hyperband", seed=0, retrain=0, refit=False, **settings)
    summary = study.summary
    assert isinstance(summary, Summary)  # and not of a nested study
    return study, summary.steps / summary.seconds


def pairs(data: Any, minutes: float) -> dict[str, tuple[float, float]]:
    """name -> trial-steps a second of bayes and of the other, one repeat."""
    found = {}
    thought, with_thinking = speed(data, minutes, method="bayes")
    listed = {"configurations": [trial.params for trial in thought.trials]}
    found["same list"] = with_thinking, speed(data, minutes, method="manual", method_options=listed)[1]
    found["random"] = with_thinking, speed(data, minutes, method="random")[1]
    with_thinking = speed(data, minutes, method="bayes", params=SAME_SHAPE)[1]
    found["random, same shape"] = with_thinking, speed(data, minutes, method="random", params=SAME_SHAPE)[1]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what a searcher takes from the training beside it.")
    parser.add_argument("--minutes", type=float, default=0.4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--smoke", action="store_true", help="a glance; nothing is written")
    options = parser.parse_args()
    if options.smoke:
        options.minutes, options.repeats = 0.05, 1
    about = machine()
    introduce(about)
    from paceline.data import load

    file = TABLES / f"{TABLE}.csv"
    if file.exists():
        data = load(file, target="target")
    else:
        print(f"{TABLE} isn't here; digits takes its place")
        data = load("digits")
    speed(data, WARM_UP, method="random")  # programs are compiled before anything is measured
    speed(data, WARM_UP / 4, method="random", params=SAME_SHAPE)
    repeats = [pairs(data, options.minutes) for _ in range(options.repeats)]
    result = {}
    print(f"\n{'beside':22s}{'bayes, steps/s':>16s}{'other, steps/s':>16s}{'kept':>8s}   repeats")
    for name in repeats[0]:
        speeds = np.array([repeat[name] for repeat in repeats])
        kept = speeds[:, 0] / speeds[:, 1]
        bayes, other = np.median(speeds, axis=0)
        print(f"{name:22s}{bayes:16.0f}{other:16.0f}{np.median(kept):8.2f}   " + " ".join(f"{k:.2f}" for k in kept))
        result[name] = {"speeds": speeds.tolist(), "kept": float(np.median(kept))}
    print(f"promised: {PROMISE} of the same list")
    if not options.smoke:
        write_result("busy_lanes", {"machine": about, "table": data.name, "minutes": options.minutes, "kept": result})


if __name__ == "__main__":
    main()
