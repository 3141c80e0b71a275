"""Does an older study help a new one? The same search, warm and cold, at equal budget.

    tables     an older search of 50 evaluations on one table, then 50 on another, told of the older one or not;
               regret of the incumbent: 0 is the best there is, 1 the median of random configurations
    dry_bean   an older study on half of its rows, then one on all of them; best dev error

Pairs of tables are of the same kind of net on unrelated data. Each seed has an older search of its own. Intervals of
the differences are of 95 %, by resampling seeds; below 0 warm is better.

python benchmarks/warm_start.py [--seeds 10] [--smoke]
"""

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
from machine import TABLES, introduce, machine, write_result
from numpy.typing import NDArray
from search_tasks import Task, table_names, task

from paceline.records import History, Status, Trial
from paceline.search import make_searcher
from paceline.seeds import generator
from paceline.study.warm import RUN_FIRST

PAIRS = (
    ("mlp_phoneme", "mlp_segment"),
    ("mlp_segment", "mlp_phoneme"),
    ("mlp_car", "mlp_vehicle"),
    ("fcnet_naval_propulsion", "fcnet_parkinsons_telemonitoring"),
)
BUDGETS = (10, 25, 50)
TRIALS = 24
STUDY: dict[str, Any] = {"method": "bayes", "stopper": "none", "epochs": 8, "retrain": 0, "refit": False}
SAME_SHAPE = {"units": 32, "layers": 2, "batch_size": 128}
RESAMPLES = 2000
OLDER = 1000
"""Added to a seed: the older search's."""

Floats = NDArray[np.float64]


def searched(on: Task, seed: int, evaluations: int, **options: Any) -> list[Trial]:
    """A search of a table by bayes."""
    searcher = make_searcher("bayes", on.space, seed=seed, **options)
    done: list[Trial] = []
    while len(done) < evaluations:
        (point,) = searcher.suggest(History(tuple(done)), 1, generator(seed, "search", len(done)))
        score = on.read(point, seed, len(done))
        done.append(Trial(len(done), point, 0, status=Status.FINISHED, score=score))
    return done


def by_score(trials: Sequence[Trial]) -> list[Trial]:
    return sorted(trials, key=lambda trial: np.inf if trial.score is None else trial.score)


def on_tables(older: str, newer: str, seeds: int, evaluations: int) -> Floats:
    """(2, seeds, budgets) regrets, cold and warm."""
    old, new = task(older), task(newer)
    budgets = [n for n in BUDGETS if n <= evaluations]
    found = np.zeros((2, seeds, len(budgets)))
    for seed in range(seeds):
        before = searched(old, OLDER + seed, evaluations)
        first = [trial.params for trial in by_score(before)[:RUN_FIRST]]
        told = {"first": first, "earlier": [(trial.params, trial.score) for trial in before]}
        for row, options in enumerate(({}, told)):
            trials = searched(new, seed, evaluations, **options)
            found[row, seed] = [new.regret(by_score(trials[:n])[0].params) for n in budgets]
    return found


def on_rows(file: Any, seeds: int, trials: int) -> Floats:
    """(2, seeds, 2) best dev errors after half and all of the trials, cold and warm; half of the rows came before."""
    import pandas as pd

    from paceline.data import load
    from paceline.study import tune

    frame = pd.read_csv(file)
    whole = load(frame, target="target")
    found = np.zeros((2, seeds, 2))
    for seed in range(seeds):
        half = load(frame.sample(frac=0.5, random_state=seed), target="target")
        settings = STUDY | {"trials": trials, "params": SAME_SHAPE}
        older = tune(half, seed=OLDER + seed, **settings)
        for row, before in enumerate((None, older)):
            study = tune(whole, seed=seed, warm_start=before, **settings)
            found[row, seed] = [by_score(study.trials[:n])[0].score for n in (trials // 2, trials)]
    return found


def summed_up(found: Floats, budgets: Sequence[int]) -> list[dict[str, Any]]:
    """Means of both, and their paired difference with its interval, a budget each."""
    cold, warm = found
    draws = np.random.default_rng(0).integers(len(cold), size=(RESAMPLES, len(cold)))
    low, high = np.quantile((warm - cold)[draws].mean(axis=1), [0.025, 0.975], axis=0)
    return [
        {
            "budget": n, "cold": float(cold[:, i].mean()), "warm": float(warm[:, i].mean()),
            "difference": float((warm - cold)[:, i].mean()), "low": float(low[i]), "high": float(high[i]),
            "warm_better": float(np.mean(warm[:, i] < cold[:, i])), "equal": float(np.mean(warm[:, i] == cold[:, i])),
        }
        for i, n in enumerate(budgets)
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare warm and cold starts.")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--smoke", action="store_true", help="one short pair; nothing is written")
    options = parser.parse_args()
    seeds, evaluations, trials = (1, 12, 4) if options.smoke else (options.seeds, max(BUDGETS), TRIALS)
    about = machine()
    introduce(about)
    found: dict[str, list[dict[str, Any]]] = {}
    budgets = [n for n in BUDGETS if n <= evaluations]
    for older, newer in PAIRS[: 1 if options.smoke else None]:
        if {older, newer} <= set(table_names()):
            found[f"{older} -> {newer}"] = summed_up(on_tables(older, newer, seeds, evaluations), budgets)
        else:
            print(f"skipped: {older} -> {newer}, because a table isn't here")
    if (file := TABLES / "dry_bean.csv").exists():
        found["dry_bean, half -> whole"] = summed_up(on_rows(file, seeds, trials), [trials // 2, trials])
    else:
        print("skipped: dry_bean, because it isn't here")
    print(f"\n{'':52s}{'at':>4s}{'cold':>9s}{'warm':>9s}{'warm - cold':>28s}{'better':>8s}{'equal':>7s}")
    for name, rows in found.items():
        for row in rows:
            change = f"{row['difference']:+.4f} [{row['low']:+.4f} {row['high']:+.4f}]"
            print(f"{name:52s}{row['budget']:4d}{row['cold']:9.4f}{row['warm']:9.4f}{change:>28s}", end="")
            print(f"{row['warm_better']:8.0%}{row['equal']:7.0%}")
    if not options.smoke:
        write_result("warm_start", {"machine": about, "seeds": seeds, "found": found})


if __name__ == "__main__":
    main()
