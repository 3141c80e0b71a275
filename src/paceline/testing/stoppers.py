"""The contract that a new stopper must pass.

    class TestMyStopper(StopperContract):
        make = staticmethod(lambda epochs: MyStopper(epochs=epochs))

`race` is a whole study of invented curves under a stopper.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import ClassVar

import numpy as np

from paceline.records import History, Status, Trial
from paceline.search.base import Cohort, Stopper
from paceline.testing.searchers import mirrored


class StopperContract:
    """The laws of `Stopper`. Override `make`: epochs -> stopper."""

    make: ClassVar[Callable[[int], Stopper]]

    def test_cohorts_sum_to_the_trials(self) -> None:
        for epochs in (1, 2, 9, 30, 81):
            for trials in (1, 2, 7, 50, 203):
                cohorts = list(type(self).make(epochs).cohorts(trials, epochs))
                assert sum(cohort.size for cohort in cohorts) == trials
                assert [cohort.number for cohort in cohorts] == list(range(len(cohorts)))

    def test_rungs_rise_to_the_end(self) -> None:
        for epochs in (1, 2, 9, 30, 81):
            for cohort in type(self).make(epochs).cohorts(60, epochs):
                assert cohort.size >= 1
                assert list(cohort.rungs) == sorted(set(cohort.rungs))
                assert cohort.rungs[0] >= 1
                assert cohort.rungs[-1] == epochs

    def test_cohorts_without_end(self) -> None:
        cohorts = type(self).make(9).cohorts(None, 9)
        total = sum(next(cohorts).size for _ in range(40))
        assert total >= 40

    def test_only_running_trials_of_the_cohort_are_stopped(self) -> None:
        for history, cohort, epoch in self._situations():
            decision = type(self).make(cohort.rungs[-1]).decide(history, cohort, epoch)
            may = {t.number for t in history if t.cohort == cohort.number and t.status is Status.RUNNING}
            assert set(decision.stop) <= may
            assert all(isinstance(reason, str) and reason for reason in decision.stop.values())

    def test_decisions_repeat(self) -> None:
        for history, cohort, epoch in self._situations():
            stopper = type(self).make(cohort.rungs[-1])
            first = stopper.decide(history, cohort, epoch)
            stopper.decide(History(history.trials[: len(history) // 2], history.goal), cohort, epoch)
            assert stopper.decide(history, cohort, epoch) == first
            assert type(self).make(cohort.rungs[-1]).decide(history, cohort, epoch) == first

    def test_later_epochs_and_later_cohorts_are_not_looked_at(self) -> None:
        for history, cohort, epoch in self._situations():
            stopper = type(self).make(cohort.rungs[-1])
            seen = History(
                tuple(
                    t if t.ended else replace(t, curve=t.curve[:epoch]) for t in history if t.cohort <= cohort.number
                ),
                history.goal,
            )
            ahead = [Trial(1000 + i, {}, 0, cohort.number + 1, epoch=epoch, curve=(-9.0,) * epoch) for i in range(99)]
            longer = History((*(_with_wild_future(t, cohort, epoch) for t in history), *ahead), history.goal)
            expected = stopper.decide(seen, cohort, epoch)
            assert stopper.decide(history, cohort, epoch) == expected
            assert stopper.decide(longer, cohort, epoch) == expected

    def test_maximising_mirrors_minimising(self) -> None:
        for history, cohort, epoch in self._situations():
            stopper = type(self).make(cohort.rungs[-1])
            turned = History(tuple(map(mirrored, history)), "maximize")
            assert (
                stopper.decide(turned, cohort, epoch).stop.keys() == stopper.decide(history, cohort, epoch).stop.keys()
            )

    def test_curves_of_nothing_finite_are_survived(self) -> None:
        for epochs in (2, 30):
            stopper = type(self).make(epochs)
            cohort = next(stopper.cohorts(12, epochs))
            for value in (float("nan"), float("inf")):
                history = History(
                    tuple(Trial(i, {}, i, epoch=epochs, curve=(value,) * epochs) for i in range(cohort.size))
                )
                for epoch in cohort.rungs[:-1]:
                    stopper.decide(history, cohort, epoch)

    def test_costs_beside_the_score_change_none_of_this(self) -> None:
        """The same laws where every trial has costs."""
        for history, cohort, epoch in self._situations():
            stopper = type(self).make(cohort.rungs[-1])
            costly = History(tuple(replace(t, costs=(float(t.number * 37 % 50),)) for t in history), history.goal)
            stop = stopper.decide(costly, cohort, epoch).stop
            assert stop.keys() <= {
                t.number for t in history if t.cohort == cohort.number and t.status is Status.RUNNING
            }
            assert stopper.decide(costly, cohort, epoch).stop == stop
            turned = History(tuple(map(mirrored, costly)), "maximize")
            assert stopper.decide(turned, cohort, epoch).stop.keys() == stop.keys()

    def test_a_cohort_of_one_or_none_running(self) -> None:
        stopper = type(self).make(30)
        for cohort in stopper.cohorts(1, 30):
            history = History((Trial(0, {}, 0, epoch=30, curve=(0.5,) * 30),))
            for epoch in cohort.rungs[:-1]:
                assert set(stopper.decide(history, cohort, epoch).stop) <= {0}
                assert not stopper.decide(History(), cohort, epoch).stop

    def test_the_best_of_smooth_curves_survives(self) -> None:
        """Where curves never cross, the trial that leads is never stopped."""
        history = race(type(self).make(27), trials=60, epochs=27, crossing=False, mishaps=False)
        best = min(history, key=lambda t: min(t.curve[:1]))
        assert best.status is Status.FINISHED

    def _situations(self) -> Iterator[tuple[History, Cohort, int]]:
        """Rungs in the middle of studies with two cohorts and every status."""
        for epochs in (2, 27):
            stopper = type(self).make(epochs)
            for crossing in (False, True):
                yield from _rungs_of(stopper, trials=50, epochs=epochs, crossing=crossing)


def race(stopper: Stopper, *, trials: int, epochs: int, crossing: bool, mishaps: bool = True, seed: int = 0) -> History:
    """A whole study of invented curves under a stopper; the history it ends with."""
    *_, (_, history) = _run(stopper, trials, epochs, crossing, mishaps, seed)
    return history


def _rungs_of(stopper: Stopper, *, trials: int, epochs: int, crossing: bool) -> Iterator[tuple[History, Cohort, int]]:
    for rung, history in _run(stopper, trials, epochs, crossing, True, 0):
        if rung is not None:
            yield history, *rung


def _run(
    stopper: Stopper, trials: int, epochs: int, crossing: bool, mishaps: bool, seed: int
) -> Iterator[tuple[tuple[Cohort, int] | None, History]]:
    done: list[Trial] = []
    for cohort in stopper.cohorts(trials, epochs):
        start = len(done)
        now = [_runner(start + i, cohort, epochs, crossing, mishaps, seed) for i in range(cohort.size)]
        for epoch in cohort.rungs[:-1]:
            now = [_advanced(t, epoch, seed, epochs, crossing) for t in now]
            history = History((*done, *now))
            yield (cohort, epoch), history
            stop = stopper.decide(history, cohort, epoch).stop
            now = [replace(t, status=Status.STOPPED, reason=stop[t.number]) if t.number in stop else t for t in now]
        now = [_finished(_advanced(t, epochs, seed, epochs, crossing)) for t in now]
        done += now
    yield None, History(tuple(done))


def _runner(number: int, cohort: Cohort, epochs: int, crossing: bool, mishaps: bool, seed: int) -> Trial:
    trial = Trial(number, {"x": number}, number, cohort=cohort.number)
    if mishaps and number % 7 == 3:
        return replace(trial, status=Status.DIVERGED, epoch=1, curve=(0.0,), score=0.0)
    if mishaps and number % 11 == 5:
        return replace(trial, status=Status.FAILED)
    if mishaps and number % 5 == 1:
        return _finished(_advanced(trial, max(1, epochs // 4), seed, epochs, crossing))
    return trial


def _advanced(trial: Trial, epoch: int, seed: int, epochs: int, crossing: bool) -> Trial:
    """A running trial trained on to an epoch: an exponential fall to its own level, or, crossing, with noise."""
    if trial.status is not Status.RUNNING:
        return trial
    rng = np.random.default_rng([seed, trial.number])
    level, speed, noise = rng.random(), rng.uniform(0.5, 2.0), rng.normal(0.0, 0.03, epochs)
    fall = np.exp(-3.0 * (speed if crossing else 1.0) * np.arange(1, epochs + 1) / epochs)
    curve = level + fall + (noise if crossing else 0.0)
    return replace(trial, epoch=epoch, curve=tuple(curve[:epoch].tolist()), score=float(curve[:epoch].min()))


def _finished(trial: Trial) -> Trial:
    return replace(trial, status=Status.FINISHED) if trial.status is Status.RUNNING else trial


def _with_wild_future(trial: Trial, cohort: Cohort, epoch: int) -> Trial:
    """The trial with other epochs behind the rung, as far as it goes on there."""
    if trial.status is Status.RUNNING and trial.cohort == cohort.number:
        return replace(trial, curve=(*trial.curve[:epoch], -100.0, 100.0), score=-100.0)
    return trial
