"""The vmapped device lane agrees with the CPU lanes, trial by trial, and survives a device that is too small."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from paceline.pack.packs import PackLane, bytes_of_trial

from paceline.data import load
from paceline.net.dense.hyperparameters import resolve
from paceline.pack.executor import Done, Lanes
from paceline.pack.programs import Programs
from paceline.pack.trials import Prepared, prepare
from paceline.runs import fold_arrays

EPOCHS = 3
CONFIGS: list[dict[str, Any]] = [
    {"learning_rate": 1e-2, "optimizer": "momentum", "activation": "tanh"},
    {"learning_rate": 1e-3, "optimizer": "adam", "norm": "batch", "dropout": 0.2},
    {"learning_rate": 1e-3, "optimizer": "lion", "norm": "layer", "units": 13},
    {"learning_rate": 1e6, "optimizer": "sgd"},
    {"learning_rate": 1e-4, "optimizer": "adam", "patience": 1, "min_delta": 0.9},
]


@pytest.fixture(scope="module")
def trials() -> list[Prepared]:
    data = load("iris")
    arrays = fold_arrays(data.fold(), str(data.task))
    return [
        prepare(
            resolve({"layers": 1, "units": 16, "batch_size": 32} | config),
            arrays,
            seed=number,
            epochs=EPOCHS,
            metric="error",
        )
        for number, config in enumerate(CONFIGS)
    ]


def outcomes(lane: Any, trials: list[Prepared]) -> dict[object, Done]:
    found: dict[object, Done] = {}
    with lane:
        lane.submit(trial.job(number, trial.first_state(), EPOCHS) for number, trial in enumerate(trials))
        while len(found) < len(trials):
            found.update({done.key: done for done in lane.collect(timeout=120.0)})
    return found


@pytest.fixture(scope="module")
def programs() -> Iterator[Programs]:
    yield Programs()


def test_a_pack_agrees_with_cpu_lanes(trials: list[Prepared], programs: Programs) -> None:
    alone = outcomes(Lanes(programs, 1), trials)
    packed = outcomes(PackLane(programs, largest=16), trials)
    for number, trial in enumerate(trials):
        one, other = alone[number], packed[number]
        assert other.error is None
        assert int(one.state.status) == int(other.state.status)
        assert int(one.state.epoch) == int(other.state.epoch)
        np.testing.assert_allclose(one.measurements, other.measurements, rtol=1e-5, atol=1e-5)
        for a, b in zip(
            trial.weights(one.state, best=False)[0], trial.weights(other.state, best=False)[0], strict=True
        ):
            for name, array in a.items():
                np.testing.assert_allclose(array, b[name], rtol=1e-4, atol=1e-4, err_msg=f"trial {number} {name}")


def test_a_small_device_gets_smaller_packs(trials: list[Prepared], programs: Programs) -> None:
    lane = PackLane(programs, memory=2 * bytes_of_trial(trials[0].shape))
    assert lane.fitting(trials[0].shape) == 1


def test_running_out_of_memory_halves_the_pack(
    trials: list[Prepared], programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = PackLane._train
    refused: list[int] = []

    def small_device(self: PackLane, jobs: list[Any]) -> list[Done]:
        if len(jobs) > 1:
            refused.append(len(jobs))
            raise RuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return whole(self, jobs)

    monkeypatch.setattr(PackLane, "_train", small_device)
    kin = [trial for trial in trials if trial.shape == trials[1].shape]  # one program's trials make one pack
    found = outcomes(PackLane(programs, largest=16), kin)
    assert refused[0] == len(kin) >= 3
    assert all(done.error is None for done in found.values())
