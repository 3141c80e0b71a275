"""What does stopping early save? Epochs spent until a reading as good as the best hundredth of all rows is seen.

    cohort -> its rows from the searcher -> trained to the first rung -> stopper -> ... -> next cohort

A task is a table of learning curves, one row a run: TaskSet's recurrent nets, and an invented one whose best rows learn
slowest, so that early readings mislead. Reading 0 of TaskSet's curves is taken before training and left out; 50 epochs
remain. `random` takes rows in the order of a permutation (by the seed, alike for everyone); another method proposes
a configuration and gets the unused row nearest to it in the unit cube. A diverged row ends by itself.

    saving     epochs of random rows trained to the end / epochs of this pair, of means over seeds
    missed     seeds in which all rows were used up and no such reading was seen; they count as all rows in full

Optuna's Hyperband prunes trials one by one and is asked after every epoch, as its pages show it.

python benchmarks/stopper_quality.py [--methods random bayes] [--stoppers none hyperband asha curve] [--smoke]
"""

import argparse
import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from machine import introduce, machine, version_of, write_result
from numpy.typing import NDArray
from search_tasks import HPO

from paceline.records import History, Params, Status, Trial
from paceline.search import METHODS, STOPPERS, make_searcher, make_stopper
from paceline.seeds import generator
from paceline.space import Space

BEST_SHARE = 0.01
BASELINE = ("random", "none")
OPTUNA = ("random", "optuna_hyperband")
RESAMPLES = 2000
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """A table of runs.

    Attributes:
        name: of the table; space: holds every row's configuration.
        rows: (rows) configurations; losses: (rows, epochs), inf from where a run diverged.
    """

    name: str
    space: Space
    rows: Sequence[Params]
    losses: Floats

    @property
    def epochs(self) -> int:
        return int(self.losses.shape[1])

    @cached_property
    def units(self) -> Floats:
        """(rows, slots) places in the unit cube."""
        return np.array([self.space.to_unit(row) for row in self.rows])

    @cached_property
    def target(self) -> float:
        """The least of a curve that the best hundredth of all rows reach."""
        return float(np.sort(self.losses.min(axis=1))[int(BEST_SHARE * len(self.rows)) - 1])


def taskset(file: Path) -> Curves:
    """A table of TaskSet: losses of 8-parameter Adam on the validation part."""
    found = np.load(file)
    values, losses = found["hyperparameters"], found["valid"][:, 1:].astype(np.float64)
    names = [str(name) for name in found["names"]]
    space = Space(
        {
            name: {
                "low": float(column.min()),
                "high": float(column.max()),
                "scale": "logit" if name.startswith("beta") else "log",
            }
            for name, column in zip(names, values.T, strict=True)
        }
    )
    rows = [dict(zip(names, row, strict=True)) for row in values.tolist()]
    broken = np.logical_or.accumulate(~np.isfinite(losses), axis=1)
    return Curves(file.stem.removeprefix("taskset_"), space, rows, np.where(broken, np.inf, losses))


def misleading(rows: int = 1000, epochs: int = 50) -> Curves:
    """Four numbers; most rows that end well fall slowly: by epoch 5 the order is nearly turned round."""
    rng = np.random.default_rng(0)
    space = Space({f"x{i}": {"low": 0.0, "high": 1.0} for i in range(4)})
    points = [space.sample(rng) for _ in range(rows)]
    distance = np.array([np.linalg.norm(np.array(list(p.values())) - [0.3, 0.7, 0.4, 0.6]) for p in points])
    level = 0.2 + 0.3 * distance
    slowness = 1.0 + 10.0 * (1.0 - distance / distance.max()) ** 2 * rng.lognormal(0.0, 0.5, rows)
    fall = np.exp(-np.arange(1, epochs + 1) / slowness[:, None])
    noise = rng.normal(0.0, 0.003, (rows, epochs))
    return Curves("misleading", space, points, level[:, None] + (1.0 - level[:, None]) * fall + noise)


def all_curves() -> Iterator[Curves]:
    """The tables found, then the invented one."""
    for file in sorted(HPO.glob("taskset_*.npz")) if HPO.is_dir() else ():
        yield taskset(file)
    yield misleading()


class Rows:
    """Turns proposals into unused rows; `random` needs none."""

    def __init__(self, curves: Curves, method: str, seed: int) -> None:
        self._curves = curves
        self._searcher = None if method == "random" else make_searcher(method, curves.space, seed=seed)
        self._seed = seed
        self._left = order(curves, seed)

    def next(self, history: History, count: int) -> list[int]:
        """Indices of up to `count` rows that weren't given before."""
        if self._searcher is None:
            return [self._left.pop(0) for _ in range(min(count, len(self._left)))]
        rng = generator(self._seed, "search", len(history))
        return [self._nearest(point) for point in self._searcher.suggest(history, min(count, len(self._left)), rng)]

    def _nearest(self, point: Params) -> int:
        away = self._curves.units[self._left] - self._curves.space.to_unit(point)
        return self._left.pop(int(np.argmin((away**2).sum(axis=1))))


def order(curves: Curves, seed: int) -> list[int]:
    """The rows in the order that random search takes them."""
    rows: list[int] = np.random.default_rng(seed).permutation(len(curves.rows)).tolist()
    return rows


def spent(curves: Curves, method: str, stopper_name: str, seed: int) -> int | None:
    """Epochs until the target is read; None where it never is."""
    stopper = make_stopper(stopper_name, epochs=curves.epochs)
    rows = Rows(curves, method, seed)
    total = 0
    done: list[Trial] = []
    for cohort in stopper.cohorts(len(curves.rows), curves.epochs):
        chosen = rows.next(History(tuple(done)), cohort.size)
        start = len(done)
        now = [Trial(start + i, curves.rows[row], 0, cohort=cohort.number) for i, row in enumerate(chosen)]
        for rung in cohort.rungs:
            for i, (trial, row) in enumerate(zip(now, chosen, strict=True)):
                if trial.ended:
                    continue
                now[i], reached = advanced(trial, curves.losses[row], rung, curves.target)
                total += reached - trial.epoch
                if min(now[i].curve, default=np.inf) <= curves.target:
                    return total
            if rung < curves.epochs:
                stop = stopper.decide(History((*done, *now)), cohort, rung).stop
                now = [replace(t, status=Status.STOPPED) if t.number in stop else t for t in now]
        done += [t if t.ended else replace(t, status=Status.FINISHED) for t in now]
    return None


def advanced(trial: Trial, losses: Floats, rung: int, target: float) -> tuple[Trial, int]:
    """A trial trained on to a rung, to its divergence or to the target, and the epoch it came to."""
    part = losses[trial.epoch : rung]
    ends = np.flatnonzero(~np.isfinite(part) | (part <= target))
    reached = trial.epoch + (int(ends[0]) + 1 if len(ends) else len(part))
    curve = tuple(losses[:reached][np.isfinite(losses[:reached])].tolist())
    status = Status.RUNNING if len(curve) == reached else Status.DIVERGED
    return replace(trial, epoch=reached, curve=curve, score=min(curve, default=None), status=status), reached


def optuna_spent(curves: Curves, seed: int) -> int | None:
    """The same with Optuna's Hyperband pruner, on random rows."""
    optuna = import_module("optuna")
    optuna.logging.set_verbosity(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of experimental options
        pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=curves.epochs, reduction_factor=3)
        study = optuna.create_study(
            study_name=f"seed {seed}", pruner=pruner, sampler=optuna.samplers.RandomSampler(seed)
        )
        total, states = 0, optuna.trial.TrialState
        for row in order(curves, seed):
            trial, state = study.ask(), states.COMPLETE
            for epoch, loss in enumerate(curves.losses[row].tolist(), start=1):
                total += 1
                if loss <= curves.target:
                    return total
                if not np.isfinite(loss):
                    state = states.FAIL
                    break
                trial.report(loss, epoch)
                if trial.should_prune():
                    state = states.PRUNED
                    break
            study.tell(trial, loss if state is states.COMPLETE else None, state=state)
    return None


def rows_of(curves: Curves, pairs: Sequence[tuple[str, str]], seeds: int) -> list[dict[str, Any]]:
    """What each pair of method and stopper spends; the baseline first."""
    found: list[dict[str, Any]] = []
    full = curves.losses.size
    for method, stopper in pairs:
        epochs = [
            optuna_spent(curves, seed) if (method, stopper) == OPTUNA else spent(curves, method, stopper, seed)
            for seed in range(seeds)
        ]
        counted = np.array([full if n is None else n for n in epochs], dtype=np.float64)
        base = counted if not found else np.array(found[0]["epochs_of_seeds"])
        again = np.random.default_rng(0).integers(seeds, size=(RESAMPLES, seeds))
        low, high = np.quantile(base[again].mean(axis=1) / counted[again].mean(axis=1), [0.025, 0.975])
        found.append(
            {
                "method": method,
                "stopper": stopper,
                "median_epochs": float(np.median(counted)),
                "mean_epochs": float(counted.mean()),
                "missed": sum(n is None for n in epochs),
                "saving": {"mean": float(base.mean() / counted.mean()), "low": float(low), "high": float(high)},
                "epochs_of_seeds": counted.tolist(),
            }
        )
        show(found[-1])
    return found


def show(row: dict[str, Any]) -> None:
    saving = row["saving"]
    print(
        f"{row['method']:15s}{row['stopper']:18s}{row['median_epochs']:10.0f}{row['mean_epochs']:10.0f}"
        f"{row['missed']:8d}{saving['mean']:9.2f}x [{saving['low']:.2f} {saving['high']:.2f}]",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare stoppers by the epochs until a top row is found.")
    usual = [method for method in ("random", "bayes") if method in METHODS]
    parser.add_argument("--methods", nargs="+", default=usual, choices=METHODS)
    parser.add_argument("--stoppers", nargs="+", default=["none", "hyperband", "asha", "curve"], choices=STOPPERS)
    parser.add_argument("--tasks", nargs="+", help="names of tables, or misleading")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--smoke", action="store_true", help="random rows, two seeds; nothing is written")
    options = parser.parse_args()
    if options.smoke:
        options.methods, options.seeds = ["random"], 2
    about = machine()
    introduce(about)
    tables = [curves for curves in all_curves() if options.tasks is None or curves.name in options.tasks]
    if not any(HPO.glob("taskset_*.npz")):
        print(f"skipped: the tables of TaskSet, because {HPO} doesn't have them")
    pairs = [BASELINE, *((m, s) for m in options.methods for s in options.stoppers if (m, s) != BASELINE)]
    if find_spec("optuna") is None:
        print("skipped: Optuna's Hyperband, because optuna isn't installed")
    else:
        pairs.append(OPTUNA)
    found = {}
    for curves in tables:
        print(f"\n{curves.name}: epochs until a loss of {curves.target:.4g}")
        print(f"{'method':15s}{'stopper':18s}{'median':>10s}{'mean':>10s}{'missed':>8s}{'saving':>10s}")
        found[curves.name] = rows_of(curves, pairs, options.seeds)
    if not options.smoke:
        about["peers"] = {"optuna": version_of("optuna")}
        write_result("stopper_quality", {"machine": about, "seeds": options.seeds, "tasks": found})


if __name__ == "__main__":
    main()
