"""Lanes: order, errors that stay with their job, stopping without loss, and threads that end."""

import threading
import time
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest
from tiny_trials import Outcome, alone, run_jobs, trial

from paceline.net.dense import DenseShape
from paceline.pack.executor import Done, Job, Lanes, default_count
from paceline.pack.programs import Program, Programs
from paceline.training.program import BLOCK, DIVERGED, EARLY


def collected(lanes: Lanes, count: int, seconds: float = 300.0) -> list[Done]:
    found: list[Done] = []
    limit = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < limit:
        found += lanes.collect(timeout=0.2)
    return found


def job(key: Any, number: int = 0, to_epoch: int = 3, priority: tuple[int, ...] = (0,)) -> Job:
    it = trial({"learning_rate": 0.001 * (number + 1)}, seed=number, epochs=to_epoch)
    return it.job(key, it.first_state(), to_epoch, priority)


def test_every_job_comes_back_once_with_its_epochs(programs: Programs) -> None:
    with Lanes(programs, 3) as lanes:
        lanes.submit([job(key, key, 2 + key % 3) for key in range(20)])
        assert lanes.open_jobs == 20
        found = collected(lanes, 20)
        assert lanes.open_jobs == 0 and lanes.collect(timeout=0.05) == []
    assert sorted(int(str(done.key)) for done in found) == list(range(20))
    for done in found:
        assert len(done.measurements) == int(done.state.epoch) == 2 + int(str(done.key)) % 3
        assert done.first_epoch == 1 and done.error is None
    assert lanes.steps == sum(5 * (2 + key % 3) for key in range(20)), "70 rows are five batches of 16"


def test_one_lane_goes_by_priority_then_by_submission(programs: Programs) -> None:
    programs.get(trial({}).shape)
    priorities = {"c": (2, 0), "a": (0, 5), "d": (2, 1), "b": (1,), "e": (2, 1)}
    with Lanes(programs, 1) as lanes:
        lanes.submit([job("first", to_epoch=400, priority=(9,))])  # holds the lane while the others queue up
        time.sleep(0.05)
        lanes.submit([job(key, priority=priority) for key, priority in priorities.items()])
        order = [done.key for done in collected(lanes, 6)]
    assert [key for key in order if key != "first"] == ["a", "b", "c", "d", "e"]


def test_more_epochs_than_a_call_can_return(programs: Programs) -> None:
    done = run_jobs(programs, [job("long", to_epoch=2 * BLOCK + 7)])[0]
    assert len(done.measurements) == 2 * BLOCK + 7 and np.isfinite(done.measurements[:, 0]).all()
    again = job("more", to_epoch=2 * BLOCK + 10)
    more = run_jobs(programs, [replace(again, state=done.state)])[0]
    assert more.first_epoch == 2 * BLOCK + 8 and len(more.measurements) == 3


@pytest.mark.parametrize("count", [1, 2])
def test_parts_are_the_job_cut_up(programs: Programs, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run_jobs(programs, [job("it", to_epoch=6)])[0]
    monkeypatch.setattr("paceline.pack.executor.SLICE_SECONDS", 0.0)  # a slice is one epoch
    with Lanes(programs, count) as lanes:
        lanes.submit([replace(job("it", to_epoch=6), in_parts=True)])
        *parts, last = collected(lanes, 6)
        assert lanes.open_jobs == 0 and lanes.collect(timeout=0.05) == []
    assert [part.first_epoch for part in (*parts, last)] == [1, 2, 3, 4, 5, 6]
    assert [part.over for part in (*parts, last)] == [False] * 5 + [True]
    assert [int(part.state.epoch) for part in (*parts, last)] == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(np.concatenate([part.measurements for part in (*parts, last)]), whole.measurements)
    for mine, other in zip(jax.tree.leaves(last.state), jax.tree.leaves(whole.state), strict=True):
        np.testing.assert_array_equal(mine, other)
    again = run_jobs(programs, [replace(job("it", to_epoch=6), state=parts[1].state)])[0]
    np.testing.assert_array_equal(again.measurements, whole.measurements[2:], err_msg="a part's state goes on")


def test_a_trial_that_ends_by_itself_ends_its_parts(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paceline.pack.executor.SLICE_SECONDS", 0.0)
    it = trial({"patience": 1, "learning_rate": 0.3}, epochs=200)
    with Lanes(programs, 1) as lanes:
        lanes.submit([it.job("it", it.first_state(), 200, in_parts=True)])
        found: list[Done] = []
        while not found or not found[-1].over:
            found += collected(lanes, 1)
    assert int(found[-1].state.status) == EARLY and not any(part.over for part in found[:-1])
    assert sum(len(part.measurements) for part in found) == int(found[-1].state.epoch) < 200


@pytest.mark.parametrize(("count", "most"), [(1, 1), (3, 1), (5, 2)])
def test_programs_made_at_a_time(count: int, most: int) -> None:
    """Three lanes are two cores, which make one program at a time; four cores make two."""
    making, seen = 0, [0]
    lock = threading.Lock()

    class Making(Programs):
        def get(self, shape: DenseShape, pack: int = 0) -> Program:
            nonlocal making
            with lock:
                making += 1
                seen.append(making)
            time.sleep(0.02)
            with lock:
                making -= 1
            raise ArithmeticError("never made")

    with Lanes(Making(), count) as lanes:
        lanes.submit([replace(job(key), shape=replace(job(key).shape, batch=16 + key)) for key in range(6)])
        assert all(isinstance(done.error, ArithmeticError) for done in collected(lanes, 6))
    assert max(seen) == most


def test_a_job_that_is_done_already_comes_back_as_it_is(programs: Programs) -> None:
    first = run_jobs(programs, [job("it")])[0]
    for to_epoch in (3, 1):
        again = run_jobs(programs, [replace(job("it"), state=first.state, to_epoch=to_epoch)])[0]
        assert again.error is None and again.measurements.shape == (0, first.measurements.shape[1])
        assert int(again.state.epoch) == 3 and again.first_epoch == 4


ENDING: list[tuple[dict[str, Any], int]] = [
    ({"patience": 1, "learning_rate": 0.3}, EARLY),
    ({"learning_rate": 1e6}, DIVERGED),
]


@pytest.mark.parametrize(("params", "status"), ENDING)
def test_an_ended_trial_uses_no_more_epochs(programs: Programs, params: dict[str, Any], status: int) -> None:
    it = trial(params, epochs=200)
    done = run_jobs(programs, [it.job("it", it.first_state(), 200)])[0]
    assert int(done.state.status) == status and len(done.measurements) == int(done.state.epoch) < 200


@pytest.mark.parametrize("count", [1, 2])
def test_an_error_stays_with_its_job(programs: Programs, count: int) -> None:
    good, bad = job("good"), job("bad", 1)
    bad = replace(bad, data=bad.data._replace(x_train=np.zeros((3, 3), np.float32)))
    with Lanes(programs, count) as lanes:
        lanes.submit([bad, good])
        found = {done.key: done for done in collected(lanes, 2)}
        lanes.submit([job("after", 2)])
        found |= {done.key: done for done in collected(lanes, 1)}
    assert found["bad"].error is not None and len(found["bad"].measurements) == 0
    assert int(found["bad"].state.epoch) == 0, "its state comes back untouched"
    assert found["good"].error is None and found["after"].error is None
    it = trial({"learning_rate": 0.001}, seed=0, epochs=3)
    ours = Outcome(found["good"].measurements, found["good"].state)
    assert ours.bits == alone(programs, it, epochs=3).bits


class Failing(Programs):
    """Programs of which those with batches of 7 can't be compiled."""

    def get(self, shape: DenseShape, pack: int = 0) -> Any:
        if shape.batch == 7:
            raise MemoryError("the compiler ran out of memory")
        return super().get(shape, pack)


@pytest.mark.parametrize("count", [1, 3])
def test_a_program_that_cannot_be_made_fails_its_jobs_alone(programs: Programs, count: int) -> None:
    failing = Failing()
    failing._ready = programs._ready
    programs.get(trial({}).shape)
    sevens = [replace(job(f"bad {number}"), shape=trial({"batch_size": 7}).shape) for number in range(3)]
    with Lanes(failing, count) as lanes:
        lanes.submit([*sevens, job("good")])
        found = {done.key: done for done in collected(lanes, 4)}
        assert lanes.compiling == 0
    assert {key for key, done in found.items() if isinstance(done.error, MemoryError)} == {"bad 0", "bad 1", "bad 2"}
    assert found["good"].error is None and len(found["good"].measurements) == 3


@pytest.mark.parametrize("count", [1, 2, 3])
def test_stopping_hands_back_every_job_with_its_state(programs: Programs, count: int) -> None:
    programs.get(trial({}).shape)
    epochs = 200_000  # minutes of work
    jobs = [job(key, key, epochs) for key in range(6)]
    with Lanes(programs, count) as lanes:
        lanes.submit(jobs)
        time.sleep(0.3)
        start = time.monotonic()
        lanes.stop()
    assert time.monotonic() - start < 5, "a slice, not the whole job"
    found = {done.key: done for done in lanes.collect(timeout=1)}
    assert set(found) == set(range(6)) and lanes.open_jobs == 0
    begun = [key for key, done in found.items() if len(done.measurements)]
    assert 1 <= len(begun) <= count
    for key, done in found.items():
        assert done.error is None and int(done.state.epoch) == len(done.measurements) < epochs
        if key not in begun:
            assert done.state is jobs[int(str(key))].state
    # What was handed back goes on to the same bits.
    stopped = found[begun[0]]
    goal = int(stopped.state.epoch) + 3
    it = jobs[int(str(begun[0]))]
    rest = run_jobs(programs, [replace(it, state=stopped.state, to_epoch=goal)])[0]
    whole = run_jobs(programs, [replace(it, to_epoch=goal)])[0]
    joined = np.concatenate([stopped.measurements, rest.measurements])
    assert Outcome(joined, rest.state).bits == Outcome(whole.measurements, whole.state).bits


def test_a_job_submitted_after_stopping_comes_back_untrained(programs: Programs) -> None:
    """Or else whoever waits for it waits for ever."""
    with Lanes(programs, 2) as lanes:
        lanes.stop()
        for thread in lanes._threads:
            thread.join(5)
        lanes.submit([job("late")])
        found = collected(lanes, 1, seconds=1)
    assert [done.key for done in found] == ["late"] and len(found[0].measurements) == 0


def test_threads_end_with_the_lanes_even_after_an_error(programs: Programs) -> None:
    before = threading.active_count()
    for _ in range(5):
        with Lanes(programs, 4) as lanes:
            lanes.submit([job(key, key) for key in range(4)])
            collected(lanes, 4)
    with pytest.raises(ZeroDivisionError), Lanes(programs, 2) as lanes:
        lanes.submit([job("it", to_epoch=200_000)])
        raise ZeroDivisionError
    assert threading.active_count() == before


def test_one_lane_more_than_cores() -> None:
    assert [default_count(cores) for cores in (1, 2, 8)] == [2, 3, 9]
