"""Which method should `auto` be? Whole studies of real tables under Hyperband, same minutes, each method in turns.

    dev        best dev score of the search; test: score of the delivered model on rows that nobody saw
    better     seeds and tables in which a method's dev score is below random's; equals share it

Dear trials (many rows) leave room for thinking, cheap ones (few rows) don't: the tables span both.

python benchmarks/auto_rule.py [--minutes 0.5] [--seeds 2] [--methods random bayes tpe] [--tables ...] [--smoke]
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from machine import TABLES, introduce, machine, write_result

METHODS = ("random", "bayes", "tpe")
WARM_UP = 0.3
"""Minutes."""

CHOSEN = ("vehicle", "digits", "dry_bean", "california_housing", "adult")


def table(name: str) -> Any:
    from paceline.data import load

    file = file_of(name)
    return load(name) if file is None else load(file, target="target")


def file_of(name: str) -> Path | None:
    """Where a table lies, or None; then it may be one of scikit-learn's."""
    return next((file for file in sorted(TABLES.glob(f"{name}.*")) if file.suffix in (".csv", ".parquet")), None)


def scores(data: Any, method: str, minutes: float, seed: int) -> dict[str, Any]:
    """One study: its dev score, the delivered model's on the test rows, and how many trials it made."""
    from paceline.study import tune

    study = tune(data, method=method, minutes=minutes, seed=seed, retrain=1)
    if study.best is None:
        raise SystemExit(f"no trial of {method} has a score after {minutes:g} minutes; give it more.")
    metrics = study.evaluate_test()["metrics"]
    test = 1.0 - metrics["accuracy"] if "accuracy" in metrics else metrics["rmse"]
    return {
        "table": data.name, "method": method, "seed": seed, "dev": study.best.score, "test": test,
        "trials": len(study.trials), "steps": study.summary.steps,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare methods under the same minutes on real tables.")
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--tables", nargs="+", default=list(CHOSEN))
    parser.add_argument("--smoke", action="store_true", help="a glance at one table; nothing is written")
    options = parser.parse_args()
    if options.smoke:
        options.minutes, options.seeds, options.tables = 0.1, 1, ["digits"]
    about = machine()
    introduce(about)
    found = []
    print(f"\n{'table':12s}{'seed':>5s}{'method':>10s}{'dev':>9s}{'test':>9s}{'trials':>8s}")
    for name in options.tables:
        if file_of(name) is None and name not in ("digits", "iris", "wine", "breast-cancer"):
            print(f"{name:12s} skipped, because it isn't here")
            continue
        data = table(name)
        scores(data, "random", WARM_UP, 99)  # programs are compiled before anything is compared
        for seed in range(options.seeds):
            for method in options.methods:
                one = scores(data, method, options.minutes, seed)
                found.append(one)
                print(
                    f"{name:12s}{seed:5d}{method:>10s}{one['dev']:9.4f}{one['test']:9.4f}{one['trials']:8d}", flush=True
                )
    by = {(one["table"], one["seed"], one["method"]): one for one in found}
    for method in options.methods[1:]:
        for part in ("dev", "test"):
            pairs = [
                (one[part], by[one["table"], one["seed"], "random"][part]) for one in found if one["method"] == method
            ]
            better = np.mean([0.5 if mine == theirs else float(mine < theirs) for mine, theirs in pairs])
            ratio = np.exp(np.mean([np.log(mine / theirs) for mine, theirs in pairs]))
            print(f"{method}: {part} better than random's in {better:.0%} of {len(pairs)}, mean ratio {ratio:.3f}")
    if not options.smoke:
        write_result("auto_rule", {"machine": about, "minutes": options.minutes, "studies": found})


if __name__ == "__main__":
    main()
