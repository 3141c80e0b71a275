"""The law of independence: a trial's curve is a function of (shape, hyperparameters, seed, data) and nothing else.

Bit for bit, the whole state: alone or in any company, order and number of lanes; paused and continued; from a
compiled or a stored program; in other processes with other thread pools.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from one_process import POOL_EPOCHS, pool_trials
from tiny_trials import EPOCHS, Outcome, alone, random_params, run_jobs, train, trial

from paceline.pack.checkpoint import load_state, save_state, state_arrays, state_from
from paceline.pack.executor import Job
from paceline.pack.programs import Programs
from paceline.pack.trials import PreparedTrial
from paceline.training.program import RUNNING

numbers = st.integers(0, 10_000)


def random_trial(number: int, epochs: int = EPOCHS) -> PreparedTrial:
    return trial(random_params(number), seed=number, epochs=epochs)


@settings(max_examples=15)
@given(number=numbers, company=st.sampled_from([1, 7, 64]), place=st.integers(0, 64), lanes=st.sampled_from([1, 2, 3]))
def test_company_order_and_lanes_change_no_bit(
    programs: Programs, number: int, company: int, place: int, lanes: int
) -> None:
    it = random_trial(number)
    lonely = alone(programs, it).bits
    others = [random_trial(number + 1 + index) for index in range(company)]
    place = min(place, company)
    crowd = [*others[:place], it, *others[place:]]
    assert train(programs, crowd, lanes=lanes)[place].bits == lonely
    assert train(programs, crowd[::-1], lanes=lanes)[company - place].bits == lonely


def test_everybody_in_a_crowd_trains_as_if_alone(programs: Programs) -> None:
    crowd = [random_trial(number) for number in range(64)]
    assert len({item.shape for item in crowd}) == 2
    together = train(programs, crowd, lanes=3)
    assert [outcome.digest for outcome in together] == [alone(programs, item).digest for item in crowd]


@settings(max_examples=25)
@given(number=numbers, pauses=st.sets(st.integers(1, 8)), on_disk=st.booleans())
def test_pausing_changes_no_bit(
    programs: Programs, tmp_path_factory: pytest.TempPathFactory, number: int, pauses: set[int], on_disk: bool
) -> None:
    it = random_trial(number, epochs=9)
    whole = alone(programs, it, epochs=9)
    state: Any = None
    pieces: list[NDArray[np.float32]] = []
    file = tmp_path_factory.getbasetemp() / "paused.safetensors"
    for to_epoch in [*sorted(pauses), 9]:
        done = run_jobs(programs, [Job("it", it, to_epoch)], states={} if state is None else {"it": state})[0]
        assert done.first_epoch == sum(len(piece) for piece in pieces) + 1
        pieces.append(done.measurements)
        state = done.state
        assert int(state.epoch) == to_epoch or int(state.status) != RUNNING
        if on_disk:
            save_state(file, state_arrays(state), {"trial": "it"})
            arrays, meta = load_state(file)
            assert meta == {"trial": "it"}
            state = state_from(arrays, it.first_state())
    assert Outcome(np.concatenate(pieces), state).bits == whole.bits


def test_a_copied_state_goes_its_own_way(programs: Programs) -> None:
    """Two trials that go on from one state don't disturb each other, nor the state."""
    it = random_trial(5, epochs=6)
    half = run_jobs(programs, [Job("half", it, 3)])[0].state
    before = Outcome(np.zeros((0, 0), np.float32), half).bits
    other = trial(random_params(5) | {"learning_rate": 0.5}, seed=5, epochs=6)
    jobs = [Job("it", it, 6), Job("other", other, 6)]
    ends = run_jobs(programs, jobs, lanes=2, states={"it": half, "other": half})
    whole = alone(programs, it, epochs=6).bits
    ended = Outcome(np.zeros((0, 0), np.float32), ends[0].state).bits
    assert {**ended, "measurements": whole["measurements"]} == whole
    assert ended != Outcome(np.zeros((0, 0), np.float32), ends[1].state).bits
    assert Outcome(np.zeros((0, 0), np.float32), half).bits == before


def test_a_stored_program_changes_no_bit(programs: Programs, program_folder: Path) -> None:
    crowd = [random_trial(number) for number in range(10)]
    made = [outcome.digest for outcome in train(programs, crowd)]
    stored = Programs(program_folder)
    assert [outcome.digest for outcome in train(stored, crowd)] == made
    assert (stored.stats.compiled, stored.stats.loaded) == (0, len({item.shape for item in crowd}))


@settings(max_examples=10)
@given(number=numbers, seeds=st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=2, unique=True))
def test_two_seeds_differ(programs: Programs, number: int, seeds: list[int]) -> None:
    params = random_params(number) | {"init": "auto"}
    one, two = (alone(programs, trial(params, seed=seed)) for seed in seeds)
    assert one.measurements.tobytes() != two.measurements.tobytes()


def test_a_seed_moves_more_than_first_weights(programs: Programs) -> None:
    """From the same first weights two seeds still differ, by the order of rows, and more by dropout."""
    for params in ({"init": "constant"}, {"init": "constant", "dropout": 0.3}):
        one, two = (alone(programs, trial(params, seed=seed)) for seed in (1, 2))
        assert one.measurements.tobytes() != two.measurements.tobytes()


def in_process(cache: Path, pool: int | None) -> dict[str, object]:
    """What `one_process.py` prints in a fresh process with that program store and thread pool."""
    environment = {name: value for name, value in os.environ.items() if name != "NPROC"}
    environment |= {"PACELINE_CACHE": str(cache)} | ({} if pool is None else {"NPROC": str(pool)})
    script = Path(__file__).with_name("one_process.py")
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout)
    return result


@pytest.mark.compiles
@pytest.mark.slow
def test_processes_and_thread_pools_change_no_bit(tmp_path: Path) -> None:
    """The weights are so many here that XLA's pool would split a careless sum over them."""
    made = in_process(tmp_path / "first", None)
    here = Programs(tmp_path / "first")
    ours = [outcome.digest for outcome in train(here, pool_trials(), epochs=POOL_EPOCHS, lanes=2)]
    if "NPROC" not in os.environ:
        assert (here.stats.compiled, here.stats.loaded) == (0, 1), "this process loads what the other has stored"
    assert made == {"digests": ours, "compiled": 1, "loaded": 0}
    for pool in (1, 4):
        cold = in_process(tmp_path / "empty", pool)
        assert cold == {"digests": ours, "compiled": 1, "loaded": 0}, f"NPROC={pool}"
