"""Lanes: order, errors that stay with their job, stopping without loss, and threads that end."""

import threading
import time
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest
from tiny_trials import Outcome, alone, cpu_lanes, run_jobs, trial

from paceline.pack.cpu import CpuLanes, default_count
from paceline.pack.executor import Done, Job
from paceline.pack.folds import FoldData
from paceline.pack.programs import Program, Programs
from paceline.pack.trials import PreparedTrial
from paceline.training.program import BLOCK, DIVERGED, EARLY


def collected(lanes: CpuLanes, count: int, seconds: float = 300.0) -> list[Done]:
    found: list[Done] = []
    limit = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < limit:
        found += lanes.collect(timeout=0.2)
    return found


def job(key: Any, number: int = 0, to_epoch: int = 3, priority: tuple[int, ...] = (0,)) -> Job:
    it = trial({"learning_rate": 0.001 * (number + 1)}, seed=number, epochs=to_epoch)
    return Job(key, it, to_epoch, priority)


def epoch_of(lanes: CpuLanes, handle: Any) -> int:
    return int(lanes.state(handle).epoch)


def test_every_job_comes_back_once_with_its_epochs(programs: Programs) -> None:
    with cpu_lanes(programs, 3) as lanes:
        lanes.submit([job(key, key, 2 + key % 3) for key in range(20)])
        assert lanes.open_jobs == 20
        found = collected(lanes, 20)
        assert lanes.open_jobs == 0 and lanes.collect(timeout=0.05) == []
    assert sorted(int(str(done.handle)) for done in found) == list(range(20))
    for done in found:
        assert len(done.measurements) == epoch_of(lanes, done.handle) == 2 + int(str(done.handle)) % 3
        assert done.first_epoch == 1 and done.error is None
    assert lanes.steps == sum(5 * (2 + key % 3) for key in range(20)), "70 rows are five batches of 16"


def test_one_lane_goes_by_priority_then_by_submission(programs: Programs) -> None:
    programs.get(trial({}))
    priorities = {"c": (2, 0), "a": (0, 5), "d": (2, 1), "b": (1,), "e": (2, 1)}
    with cpu_lanes(programs, 1) as lanes:
        lanes.submit([job("first", to_epoch=400, priority=(9,))])  # holds the lane while the others queue up
        time.sleep(0.05)
        lanes.submit([job(key, priority=priority) for key, priority in priorities.items()])
        order = [done.handle for done in collected(lanes, 6)]
    assert [key for key in order if key != "first"] == ["a", "b", "c", "d", "e"]


def test_more_epochs_than_a_call_can_return(programs: Programs) -> None:
    done = run_jobs(programs, [job("long", to_epoch=2 * BLOCK + 7)])[0]
    assert len(done.measurements) == 2 * BLOCK + 7 and np.isfinite(done.measurements[:, 0]).all()
    again = job("more", to_epoch=2 * BLOCK + 10)
    more = run_jobs(programs, [again], states={"more": done.state})[0]
    assert more.first_epoch == 2 * BLOCK + 8 and len(more.measurements) == 3


@pytest.mark.parametrize("count", [1, 2])
def test_parts_are_the_job_cut_up(programs: Programs, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run_jobs(programs, [job("it", to_epoch=6)])[0]
    monkeypatch.setattr("paceline.pack.cpu.SLICE_SECONDS", 0.0)  # a slice is one epoch
    with cpu_lanes(programs, count) as lanes:
        lanes.submit([replace(job("it", to_epoch=6), in_parts=True)])
        *parts, last = collected(lanes, 6)
        assert lanes.open_jobs == 0 and lanes.collect(timeout=0.05) == []
        state = lanes.state("it")
    assert [part.first_epoch for part in (*parts, last)] == [1, 2, 3, 4, 5, 6]
    assert [part.over for part in (*parts, last)] == [False] * 5 + [True]
    np.testing.assert_array_equal(np.concatenate([part.measurements for part in (*parts, last)]), whole.measurements)
    for mine, other in zip(jax.tree.leaves(state), jax.tree.leaves(whole.state), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_a_state_belongs_to_what_was_collected(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    """However far the lane has trained, the executor holds the state after the epochs that its caller knows."""
    whole = run_jobs(programs, [job("it", to_epoch=6)])[0]
    monkeypatch.setattr("paceline.pack.cpu.SLICE_SECONDS", 0.0)
    with cpu_lanes(programs, 1) as lanes:
        lanes.submit([replace(job("it", to_epoch=60), in_parts=True)])
        known, state = 0, None
        while known < 60:
            known += sum(len(done.measurements) for done in lanes.collect(timeout=1.0))
            if known:
                assert epoch_of(lanes, "it") == known
            if state is None and 0 < known < 6:
                state = lanes.state("it")
    if state is not None:
        rest = run_jobs(programs, [job("it", to_epoch=6)], states={"it": state})[0]
        np.testing.assert_array_equal(rest.measurements, whole.measurements[int(state.epoch) :])


def test_a_trial_that_ends_by_itself_ends_its_parts(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paceline.pack.cpu.SLICE_SECONDS", 0.0)
    it = trial({"patience": 1, "learning_rate": 0.3}, epochs=200)
    with cpu_lanes(programs, 1) as lanes:
        lanes.submit([Job("it", it, 200, in_parts=True)])
        found: list[Done] = []
        while not found or not found[-1].over:
            found += collected(lanes, 1)
        state = lanes.state("it")
    assert int(state.status) == EARLY and not any(part.over for part in found[:-1])
    assert sum(len(part.measurements) for part in found) == int(state.epoch) < 200


@pytest.mark.parametrize(("count", "most"), [(1, 1), (3, 1), (5, 2)])
def test_programs_made_at_a_time(count: int, most: int) -> None:
    """Three lanes are two cores, which make one program at a time; four cores make two."""
    making, seen = 0, [0]
    lock = threading.Lock()

    class Making(Programs):
        def get(self, trial: PreparedTrial, pack: int = 0) -> Program:
            nonlocal making
            with lock:
                making += 1
                seen.append(making)
            time.sleep(0.02)
            with lock:
                making -= 1
            raise ArithmeticError("never made")

    with cpu_lanes(Making(), count) as lanes:
        lanes.submit([Job(key, trial({"batch_size": 17 + key}), 3) for key in range(6)])
        assert all(isinstance(done.error, ArithmeticError) for done in collected(lanes, 6))
    assert max(seen) == most


def test_a_job_that_is_done_already_comes_back_as_it_is(programs: Programs) -> None:
    first = run_jobs(programs, [job("it")])[0]
    for to_epoch in (3, 1):
        again = run_jobs(programs, [replace(job("it"), to_epoch=to_epoch)], states={"it": first.state})[0]
        assert again.error is None and again.measurements.shape == (0, first.measurements.shape[1])
        assert int(again.state.epoch) == 3 and again.first_epoch == 4


ENDING: list[tuple[dict[str, Any], int]] = [
    ({"patience": 1, "learning_rate": 0.3}, EARLY),
    ({"learning_rate": 1e6}, DIVERGED),
]


@pytest.mark.parametrize(("params", "status"), ENDING)
def test_an_ended_trial_uses_no_more_epochs(programs: Programs, params: dict[str, Any], status: int) -> None:
    it = trial(params, epochs=200)
    done = run_jobs(programs, [Job("it", it, 200)])[0]
    assert int(done.state.status) == status and len(done.measurements) == int(done.state.epoch) < 200


@pytest.mark.parametrize("count", [1, 2])
def test_an_error_stays_with_its_job(programs: Programs, count: int) -> None:
    good, bad = job("good"), job("bad", 1)
    nowhere = FoldData("no such fold", bad.trial.spec, bad.trial.fold.most_rows, bad.trial.fold.shares)
    bad = replace(bad, trial=replace(bad.trial, fold=nowhere))
    with cpu_lanes(programs, count) as lanes:
        lanes.submit([bad, good])
        found = {done.handle: done for done in collected(lanes, 2)}
        lanes.submit([job("after", 2)])
        found |= {done.handle: done for done in collected(lanes, 1)}
        assert not lanes.holds("bad"), "it never had a state"
        state = lanes.state("good")
    assert found["bad"].error is not None and len(found["bad"].measurements) == 0
    assert found["good"].error is None and found["after"].error is None
    it = trial({"learning_rate": 0.001}, seed=0, epochs=3)
    ours = Outcome(found["good"].measurements, state)
    assert ours.bits == alone(programs, it, epochs=3).bits


class Failing(Programs):
    """Programs of which those with batches of 7 can't be compiled."""

    def get(self, trial: PreparedTrial, pack: int = 0) -> Any:
        if trial.shape.batch == 7:
            raise MemoryError("the compiler ran out of memory")
        return super().get(trial, pack)


@pytest.mark.parametrize("count", [1, 3])
def test_a_program_that_cannot_be_made_fails_its_jobs_alone(programs: Programs, count: int) -> None:
    failing = Failing()
    failing._ready = programs._ready
    programs.get(trial({}))
    sevens = [Job(f"bad {number}", trial({"batch_size": 7}), 3) for number in range(3)]
    with cpu_lanes(failing, count) as lanes:
        lanes.submit([*sevens, job("good")])
        found = {done.handle: done for done in collected(lanes, 4)}
        assert lanes.compiling == 0
    assert {key for key, done in found.items() if isinstance(done.error, MemoryError)} == {"bad 0", "bad 1", "bad 2"}
    assert found["good"].error is None and len(found["good"].measurements) == 3


@pytest.mark.parametrize("count", [1, 2, 3])
def test_cancelling_hands_back_every_job_with_its_state(programs: Programs, count: int) -> None:
    programs.get(trial({}))
    epochs = 200_000  # minutes of work
    jobs = [job(key, key, epochs) for key in range(6)]
    with cpu_lanes(programs, count) as lanes:
        lanes.submit(jobs)
        time.sleep(0.3)
        start = time.monotonic()
        lanes.cancel()
        found = {done.handle: done for done in collected(lanes, 6)}
        assert time.monotonic() - start < 5, "a slice, not the whole job"
        assert set(found) == set(range(6)) and lanes.open_jobs == 0
        begun = [key for key, done in found.items() if len(done.measurements)]
        assert 1 <= len(begun) <= count
        for key, done in found.items():
            assert done.error is None and len(done.measurements) < epochs
            assert (epoch_of(lanes, key) if key in begun else 0) == len(done.measurements)
            assert lanes.holds(key) == (key in begun)
        # What was handed back goes on to the same bits, on the same lanes.
        stopped = found[begun[0]]
        goal = len(stopped.measurements) + 3
        it = jobs[int(str(begun[0]))]
        lanes.submit([replace(it, to_epoch=goal)])
        [rest] = collected(lanes, 1)
        state = lanes.state(it.handle)
    whole = run_jobs(programs, [replace(it, to_epoch=goal)])[0]
    both = np.concatenate([stopped.measurements, rest.measurements])
    assert Outcome(both, state).bits == Outcome(whole.measurements, whole.state).bits


def test_a_job_submitted_while_others_are_cancelled_is_trained(programs: Programs) -> None:
    programs.get(trial({}))
    with cpu_lanes(programs, 1) as lanes:
        lanes.submit([job("long", to_epoch=200_000)])
        time.sleep(0.1)
        lanes.cancel()
        lanes.submit([job("late")])
        found = {done.handle: done for done in collected(lanes, 2)}
    assert len(found["late"].measurements) == 3 and len(found["long"].measurements) < 200_000


def test_threads_end_with_the_lanes_even_after_an_error(programs: Programs) -> None:
    before = threading.active_count()
    for _ in range(5):
        with cpu_lanes(programs, 4) as lanes:
            lanes.submit([job(key, key) for key in range(4)])
            collected(lanes, 4)
    with pytest.raises(ZeroDivisionError), cpu_lanes(programs, 2) as lanes:
        lanes.submit([job("it", to_epoch=200_000)])
        raise ZeroDivisionError
    assert threading.active_count() == before


def test_one_lane_more_than_cores() -> None:
    assert [default_count(cores) for cores in (1, 2, 8)] == [2, 3, 9]
