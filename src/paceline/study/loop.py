"""The loop of a study: propose cohorts, train them to their rungs, decide who goes on, save.

Repeatable whichever lane finishes first: cohort k is proposed and judged knowing only the cohorts up to k - 2 as
they ended (k - 1 by its configurations alone), and its own trials at the rung. Two cohorts are in progress, so that
lanes have work while the last trials of a cohort are awaited. A resumed study walks the same path and takes what
the store knows instead of training it.
"""

from __future__ import annotations

import dataclasses
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from paceline.pack.executor import Done, Executor, Job
from paceline.pack.trials import PreparedTrial
from paceline.records import EndReason, Status, Trial, loss_of
from paceline.search import Clone, Cohort
from paceline.search.surrogate.one_core import one_core
from paceline.seeds import generator, seed_for
from paceline.store import Store
from paceline.study.interrupts import interrupts_held
from paceline.study.progress import Callback, Progress
from paceline.study.proposing import Proposal, Proposer
from paceline.study.setup import Setup
from paceline.study.states import States
from paceline.study.stopping_criteria import StoppingCriteria
from paceline.study.trial_table import TrialTable
from paceline.study.visible_history import VisibleHistory
from paceline.summary import Summary

Rows = NDArray[np.float32]

WAIT_SECONDS, GLANCE_SECONDS = 0.25, 0.02
"""How long outcomes are waited for; the shorter while a cohort is being proposed."""

CHECKPOINT_SECONDS = 10.0


@dataclass(eq=False)
class ActiveCohort:
    """A cohort in training.

    Attributes:
        members: numbers of its trials; rung: index of the rung they are trained to; awaited: jobs still out.
        closed: those of the members that have ended and were counted.
    """

    cohort: Cohort
    members: list[int]
    rung: int = 0
    awaited: set[tuple[int, int]] = field(default_factory=set)
    closed: set[int] = field(default_factory=set)

    @property
    def epoch(self) -> int:
        return self.cohort.rungs[self.rung]


class StudyLoop:
    """Runs the search of one study in this process.

    Attributes:
        table: what is known of each trial.
        cut: why the search ended before its plan did; "" if it didn't.
    """

    def __init__(
        self, setup: Setup, store: Store, executor: Executor, *, folder: Path | None, spent: float = 0.0,
        progress: Callback | None,
    ) -> None:  # fmt: skip
        """Args: spent: seconds that earlier processes searched; they count against the time budget."""
        self.table = TrialTable(setup)
        self._visible = VisibleHistory(self.table.trials, setup.goal, setup.stopper.in_flight)
        self.cut = ""
        self._setup, self._store, self._executor = setup, store, executor
        self._spent, self._progress = spent, progress
        checkpoints = None if folder is None else folder / "checkpoints"
        self._states = States(self.table, self._prepare, executor, checkpoints)
        self._criteria = StoppingCriteria(setup)
        self._proposer = Proposer(setup.searcher)
        self._prepared: dict[tuple[int, int], PreparedTrial] = {}
        self._active_cohorts: list[ActiveCohort] = []
        self._next_number = self._next_cohort = 0
        self._exhausted = False
        self._began = self._last_checkpoint = time.monotonic()
        minutes = setup.settings.minutes
        self._deadline = None if minutes is None else self._began + 60 * minutes - spent
        self._speed: deque[tuple[float, int]] = deque([(self._began, 0)], maxlen=40)
        self._counts: dict[str, int] = defaultdict(int)
        self._best: Trial | None = None
        # What an earlier process measured of trials under way: replayed instead of trained.
        self._known: dict[tuple[int, int], Rows] = {}
        self._known_trials = sum(store.count().values())

    @property
    def seconds(self) -> float:
        """How long the study has been searched, in this process and earlier ones."""
        return self._spent + time.monotonic() - self._began

    def run(self) -> None:
        """Search until the plan, the budget or the target ends it. KeyboardInterrupt saves all and passes on."""
        with one_core(), interrupts_held() as raise_if_due:
            try:
                self._search(raise_if_due)
            except KeyboardInterrupt:
                self._drain()
                self._checkpoint(force=True)
                raise
            finally:
                self._proposer.close()

    def _search(self, raise_if_due: Callable[[], None]) -> None:
        settings = self._setup.settings
        cohorts = self._setup.stopper.cohorts(settings.trials, settings.epochs)
        while True:
            self._propose(cohorts)
            if not self._active_cohorts and not self._proposer.thinking:
                return
            self._collect()
            for active in list(self._active_cohorts):
                self._advance_rung(active)
            self._save()
            self._checkpoint()
            self._report_progress()
            raise_if_due()
            if self._deadline is not None and time.monotonic() > self._deadline:
                self._cut_off(f"the time limit of {settings.minutes:g} minutes was reached")
                return

    # -- proposing

    def _propose(self, cohorts: Iterator[Cohort]) -> None:
        """Propose and start cohorts as long as all that they may know of has ended."""
        while not self._exhausted:
            if not self._proposer.thinking:
                self._ask(cohorts)
            proposed = self._proposer.take()
            if proposed is None:
                return
            self._start(*proposed)

    def _ask(self, cohorts: Iterator[Cohort]) -> None:
        """Have the next cohort proposed, if its time has come."""
        lag = self._setup.stopper.in_flight
        if any(self._next_cohort - active.cohort.number >= lag for active in self._active_cohorts):
            return
        cohort = next(cohorts, None)
        if cohort is not None:
            self._visible.settle(cohort.number)
            self.cut = self._criteria.reason(self._visible.settled(cohort.number))
        if cohort is None or self.cut:
            self._exhausted = True
            return
        self._next_cohort = cohort.number + 1
        rng = generator(self._setup.settings.seed, "search", self._next_number)
        self._proposer.ask(cohort, self._visible.for_proposing(cohort.number), rng)

    def _start(self, cohort: Cohort, proposals: list[Proposal]) -> None:
        """A cohort's trials come to be and are sent to their first rung."""
        if len(proposals) < cohort.size:
            self._exhausted = True
            self.cut = "the search space is used up"
        if not proposals:
            return
        members = list(range(self._next_number, self._next_number + len(proposals)))
        self._next_number += len(proposals)
        self._recall(members)
        for number, (params, seed_index, source) in zip(members, proposals, strict=True):
            seed = seed_for(self._setup.settings.seed, "trial", seed_index)
            origin = source or self._setup.settings.method
            self.table.put(Trial(number, params, seed, cohort=cohort.number, origin=origin))
        active = ActiveCohort(dataclasses.replace(cohort, size=len(proposals)), members)
        self._active_cohorts.append(active)
        self._dispatch(active)

    # -- training

    def _dispatch(self, active: ActiveCohort) -> None:
        """Send every running trial of a cohort to its next rung, by replay where the store knows the way."""
        jobs: list[Job] = []
        for number in active.members:
            if self.table.trials[number].ended:
                continue
            for fold in range(len(self._setup.folds)):
                key = (number, fold)
                if self.table.ended(number, fold):
                    continue
                self._replay(key, active.epoch)
                if self.table.ended(number, fold) or self.table.epochs(number, fold) >= active.epoch:
                    continue
                active.awaited.add(key)
                priority = (active.cohort.number, active.rung, number, fold)
                self._states.ready(key)
                jobs.append(Job(key, self._prepare(key), active.epoch, priority, in_parts=True))
        self._executor.submit(jobs)

    def _prepare(self, key: tuple[int, int]) -> PreparedTrial:
        if key not in self._prepared:
            trial = self.table.trials[key[0]]
            self._prepared[key] = self._setup.prepared(trial.params, key[1], trial.seed)
        return self._prepared[key]

    def _recall(self, numbers: list[int]) -> None:
        """Read what an earlier process measured of these trials; a cohort at a time, so that memory stays flat."""
        if numbers[0] < self._known_trials:
            found = self._store.measurements(numbers)
            self._known |= {(block.trial, block.fold): block.values for block in found}

    def _replay(self, key: tuple[int, int], epoch: int) -> None:
        """Take epochs that an earlier process measured, up to `epoch`."""
        known = self._known.get(key)
        have = self.table.epochs(*key)
        if known is not None and len(known) > have:
            self.table.add(*key, known[have:epoch], self._prepare(key), save=False)

    def _collect(self) -> None:
        """Take in what lanes have trained."""
        if not any(active.awaited for active in self._active_cohorts):
            self._proposer.wait(WAIT_SECONDS)
            return
        for done in self._executor.collect(timeout=GLANCE_SECONDS if self._proposer.thinking else WAIT_SECONDS):
            self._take(done)

    def _take(self, done: Done) -> None:
        key = done.handle
        assert isinstance(key, tuple)
        number, fold = key
        active = next(active for active in self._active_cohorts if number in active.members)
        if done.over:
            active.awaited.discard(key)
        if done.error is not None:
            self._fail(number, done.error)
            return
        have = self.table.epochs(number, fold)
        new = done.measurements[max(0, have - done.first_epoch + 1) :]
        self.table.add(number, fold, new, self._prepare(key), save=True)

    def _fail(self, number: int, error: BaseException) -> None:
        reason = f"could not be run: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        self.table.end([number], Status.FAILED, {number: reason}, EndReason.FAILED)

    def _advance_rung(self, active: ActiveCohort) -> None:
        """Where a cohort has reached its rung, decide and send it on, as far as replay carries it."""
        while not active.awaited:
            running = [number for number in active.members if not self.table.trials[number].ended]
            running = [number for number in running if not self.table.summarise(number).ended]
            last = active.rung == len(active.cohort.rungs) - 1
            if running and not last:
                own = [self.table.trials[number] for number in active.members]
                known = self._visible.for_judging(active.cohort.number, own)
                decision = self._setup.stopper.decide(known, active.cohort, active.epoch)
                stop = {number: reason for number, reason in decision.stop.items() if number in running}
                for clone in decision.clones:
                    self._clone(active, clone)
                self.table.end(stop, Status.STOPPED, dict(stop), EndReason.PRUNED)
                running = [number for number in running if number not in stop]
            for number in active.members:
                if self.table.trials[number].ended:
                    self._close(active, number)
            if last or not running:
                self._active_cohorts.remove(active)
                return
            active.rung += 1
            self._dispatch(active)

    def _clone(self, active: ActiveCohort, clone: Clone) -> None:
        """A trial joins a cohort as a copy of another one: its curve so far, its state, its place in training."""
        number = self._next_number
        self._next_number += 1
        parent = self.table.trials[clone.parent]
        self.table.put(
            Trial(
                number, clone.params, seed_for(self._setup.settings.seed, "trial", number), cohort=parent.cohort,
                origin="clone", parent=parent.number, cloned_at=active.epoch,
            )
        )  # fmt: skip
        self._recall([number])
        for fold in range(len(self._setup.folds)):
            key = (number, fold)
            known = key in self._known
            self.table.add(*key, self.table.rows(clone.parent, fold), self._prepare(key), save=not known)
            if not known:
                self._states.copy(key, (clone.parent, fold))
        self.table.summarise(number)
        active.members.append(number)

    def _close(self, active: ActiveCohort, number: int) -> None:
        """A trial has ended: count it, free its arrays."""
        if number in active.closed:
            return
        active.closed.add(number)
        trial = self.table.trials[number]
        self._counts[trial.status] += 1
        sign = -1.0 if self._setup.goal == "maximize" else 1.0
        mine = loss_of(trial, sign)
        if np.isfinite(mine) and (self._best is None or mine < loss_of(self._best, sign)):
            self._best = trial
        for fold in range(len(self._setup.folds)):
            self._states.drop((number, fold))
            self._prepared.pop((number, fold), None)
            self._known.pop((number, fold), None)
        self.table.forget(number)

    # -- ending early

    def _drain(self) -> None:
        """Stop training after the running slices and take in what they bring."""
        self._executor.cancel()
        while any(active.awaited for active in self._active_cohorts) and self._executor.open_jobs:
            self._collect()
        for active in self._active_cohorts:
            for number in active.members:
                if not self.table.trials[number].ended:
                    self.table.summarise(number)
        self._save()

    def _cut_off(self, reason: str) -> None:
        """End the search now: running trials count with what they have."""
        self.cut = reason
        self._drain()
        for active in self._active_cohorts:
            running = [number for number in active.members if not self.table.trials[number].ended]
            self.table.end(running, Status.STOPPED, dict.fromkeys(running, reason), EndReason.TIME_LIMIT)
            for number in active.members:
                self._close(active, number)
        self._active_cohorts = []
        self._save()

    # -- saving and reporting

    def _save(self) -> None:
        """Hand on what is new, in one transaction."""
        trials, blocks = self.table.unsaved()
        if trials or blocks:
            self._store.save(trials, blocks)

    def _checkpoint(self, *, force: bool = False) -> None:
        """Now and then, write the states of paused trials and the time spent, so that a crash loses little."""
        now = time.monotonic()
        if not force and now - self._last_checkpoint < CHECKPOINT_SECONDS:
            return
        self._last_checkpoint = now
        self._store.update_study(summary=Summary(seconds=round(self.seconds, 1)))
        self._states.write()

    def _report_progress(self) -> None:
        now = time.monotonic()
        if self._progress is None or now - self._speed[-1][0] < WAIT_SECONDS:
            return
        self._speed.append((now, self._executor.steps))
        (then, before), (_, steps) = self._speed[0], self._speed[-1]
        done = sum(self._counts.values())
        total = self._setup.settings.trials
        seconds = now - self._began
        left = None if self._deadline is None else self._deadline - now
        if total is not None and done:
            by_trials = seconds / done * (total - done)
            left = by_trials if left is None else min(left, by_trials)
        best = self._best
        stats = self._executor.stats
        self._progress(
            Progress(
                done=done,
                running=len(self.table.trials) - done,
                stopped=self._counts[Status.STOPPED],
                diverged=self._counts[Status.DIVERGED],
                total=total,
                best_score=None if best is None else best.score,
                metric=self._setup.metric,
                best_params=None if best is None else dict(best.params),
                steps=steps,
                steps_per_second=(steps - before) / max(now - then, 1e-9),
                seconds=seconds,
                seconds_left=left,
                compiled=stats.compiled,
                compiling=self._executor.compiling,
                phase="search",
            )
        )
