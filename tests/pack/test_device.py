"""The vmapped device lane agrees with the CPU lanes, trial by trial, and survives a device that is too small."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tiny_trials import FOLDS, Ended, cpu_lanes, trial

from paceline.pack.device import SIZES, DevicePack, bytes_of_trial, difference, pack_size
from paceline.pack.executor import Job, LocalExecutor
from paceline.pack.programs import Programs
from paceline.pack.trials import PreparedTrial

EPOCHS = 3
CONFIGS: list[dict[str, Any]] = [
    {"learning_rate": 1e-2, "optimizer": "momentum", "activation": "tanh"},
    {"learning_rate": 1e-3, "optimizer": "adam", "norm": "batch", "dropout": 0.2},
    {"learning_rate": 1e-3, "optimizer": "lion", "norm": "layer", "units": 13},
    {"learning_rate": 1e6, "optimizer": "sgd"},
    {"learning_rate": 1e-4, "optimizer": "adam", "patience": 1, "min_delta": 0.9},
]


SMALL = {"layers": 1, "units": 16, "batch_size": 32}


@pytest.fixture(scope="module")
def trials() -> list[PreparedTrial]:
    return [trial(SMALL | config, seed=number, epochs=EPOCHS) for number, config in enumerate(CONFIGS)]


def device_pack(programs: Programs, **options: Any) -> DevicePack:
    pack = DevicePack(programs, **options)
    pack._folds = FOLDS
    return pack


def outcomes(executor: LocalExecutor, trials: list[PreparedTrial]) -> dict[object, Ended]:
    found: dict[object, Ended] = {}
    with executor:
        executor.submit(Job(number, item, EPOCHS) for number, item in enumerate(trials))
        while len(found) < len(trials):
            for done in executor.collect(timeout=120.0):
                state = executor.state(done.handle) if executor.holds(done.handle) else None
                found[done.handle] = Ended(done, state)
    return found


@pytest.fixture(scope="module")
def programs() -> Iterator[Programs]:
    yield Programs()


def test_a_pack_agrees_with_cpu_lanes(trials: list[PreparedTrial], programs: Programs) -> None:
    alone = outcomes(cpu_lanes(programs, 1), trials)
    packed = outcomes(device_pack(programs, largest=16), trials)
    for number, item in enumerate(trials):
        one, other = alone[number], packed[number]
        assert other.error is None
        assert int(one.state.status) == int(other.state.status)
        assert int(one.state.epoch) == int(other.state.epoch)
        np.testing.assert_allclose(one.measurements, other.measurements, rtol=1e-5, atol=1e-5)
        ours, theirs = item.variables(one.state, best=False), item.variables(other.state, best=False)
        for layer, same in zip(ours.params, theirs.params, strict=True):
            for name, array in layer.items():
                np.testing.assert_allclose(array, same[name], rtol=1e-4, atol=1e-4, err_msg=f"trial {number} {name}")


def test_states_between_jobs_lie_on_the_host(trials: list[PreparedTrial], programs: Programs) -> None:
    """They are in no memory model, so the device must not hold them; and none keeps the whole pack alive."""
    executor = device_pack(programs, largest=16)
    outcomes(executor, trials[:3])
    for handle in range(3):
        for leaf in (held := executor._states[handle]).optimizer.weights.kernels:
            assert type(leaf) is np.ndarray and leaf.base is None
        assert type(held.epoch) in (np.ndarray, np.int32)


@pytest.mark.parametrize("room", range(1, 70))
def test_a_pack_is_no_larger_than_what_fits_when_it_is_filled_up(
    trials: list[PreparedTrial], programs: Programs, room: int
) -> None:
    """Five trials fit, but a pack of five is filled up to sixteen, which don't."""
    executor = device_pack(programs, memory=int((room + 0.5) * bytes_of_trial(trials[0]) / 0.8))
    size = executor.fitting(trials[0])
    assert size in SIZES and pack_size(size) == size <= room
    assert all(pack_size(count) <= room for count in range(1, size + 1))


def test_a_small_device_trains_one_by_one(trials: list[PreparedTrial], programs: Programs) -> None:
    assert device_pack(programs, memory=bytes_of_trial(trials[0])).fitting(trials[0]) == 1


def test_a_pack_takes_what_is_most_alike(programs: Programs) -> None:
    """Of twenty jobs in mixed order four fit; they are the most urgent one and three of its kind."""
    kinds = ["relu", "tanh", "gelu", "elu", "selu"]
    mixed = [trial({**SMALL, "activation": kinds[number % 5]}, seed=number) for number in range(20)]
    jobs = [Job(number, item, EPOCHS) for number, item in enumerate(mixed)]
    picked = device_pack(programs, largest=4)._choose(jobs)
    assert picked is not None
    pack, begun = picked
    assert pack == begun and sorted(job.handle for job in pack) == [0, 5, 10, 15]
    assert difference(jobs[0], jobs[5]) == 0 < difference(jobs[0], jobs[1])


def test_running_out_of_memory_halves_the_pack(
    trials: list[PreparedTrial], programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = DevicePack._train
    refused: list[int] = []

    def small_device(self: DevicePack, jobs: list[Job]) -> None:
        if len(jobs) > 1:
            refused.append(len(jobs))
            raise RuntimeError("RESOURCE_EXHAUSTED: out of memory")
        whole(self, jobs)

    monkeypatch.setattr(DevicePack, "_train", small_device)
    kin = [item for item in trials if item.shape == trials[1].shape]  # one program's trials make one pack
    found = outcomes(device_pack(programs, largest=16), kin)
    assert refused[0] == len(kin) >= 3
    assert all(ended.error is None for ended in found.values())


def test_a_device_states_its_precision_and_kind_in_a_programs_name(
    trials: list[PreparedTrial], monkeypatch: pytest.MonkeyPatch
) -> None:
    import jax

    from paceline.pack import programs as module

    plain = module.program_name(trials[0])
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert module.program_name(trials[0]) == f"{plain} precision=highest"
    seen: list[Any] = []

    class Watched(Exception):
        pass

    def lowering(*arguments: Any, **options: Any) -> Any:
        seen.append(jax.config.jax_default_matmul_precision)
        raise Watched

    monkeypatch.setattr(jax, "jit", lowering)
    with pytest.raises(Watched):
        module.lower(trials[0])
    assert seen == ["highest"] and jax.config.jax_default_matmul_precision is None
