"""One study on a table of learning curves, without training: epochs until a reading as good as the best rows'.

    cohort -> its rows from the searcher -> trained to the first rung -> stopper -> ... -> next cohort

`random` takes rows in the order of a permutation (by the seed, alike for everyone); another method proposes a
configuration and gets the unused row nearest to it in the unit cube. A diverged row ends by itself.

Optuna's Hyperband prunes trials one by one and is asked after every epoch, as its pages show it.
"""

import logging
import warnings
from dataclasses import replace
from importlib import import_module

import numpy as np
from curve_tables import Curves, Floats

from paceline.records import History, Params, Status, Trial
from paceline.search import make_searcher, make_stopper
from paceline.seeds import generator

OPTUNA = "optuna_hyperband"


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
