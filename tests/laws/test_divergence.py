"""Isolation: a trial that overflows freezes with its last finite state, and its neighbours never notice."""

from typing import Any

import numpy as np
import pytest
from tiny_trials import EPOCHS, alone, random_params, train, trial

from paceline.pack.checkpoint import state_arrays
from paceline.pack.programs import Programs
from paceline.records import COLUMNS
from paceline.training.program import DIVERGED, State

CASES: list[dict[str, Any]] = [
    *({"optimizer": name} for name in ("sgd", "momentum", "nesterov", "rmsprop", "adam")),
    *({"optimizer": name} for name in ("nadam", "adamax", "adamw", "adagrad", "lion")),
    *({"activation": name} for name in ("linear", "sigmoid", "tanh", "prelu", "elu", "selu", "swish", "gelu")),
    *({"norm": "batch", "optimizer": name} for name in ("adam", "sgd", "lion")),
    {"norm": "batch", "norm_position": "after"},
    {"norm": "layer", "optimizer": "momentum"},
    {"loss": "sigmoid"},
    {"max_norm": 1.0},
    {"clip_norm": 1.0, "optimizer": "sgd"},
    {"dropout": 0.5, "optimizer": "sgd", "activation": "elu"},
    {"skip": "add", "weight_noise": 0.1},
    {"schedule": "one_cycle"},
    {"schedule": "manual", "schedule_points": [(0, 0.001), (3, 1e6)], "learning_rate": 0.001},
    *({"task": "regression", "loss": name} for name in ("mse", "half_sse", "mae", "huber")),
    {"task": "regression", "optimizer": "sgd", "activation": "linear"},
    {"task": "binary", "optimizer": "nesterov"},
    {"task": "multilabel"},
]


def optimizer_bits(state: State) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in state_arrays(state).items() if name.startswith("optimizer")}


@pytest.mark.parametrize("params", CASES, ids=str)
def test_an_absurd_rate_is_called_diverged_and_frozen(programs: Programs, params: dict[str, Any]) -> None:
    params = {"learning_rate": 1e6, **params}
    it = trial({name: value for name, value in params.items() if name != "task"}, task=params.get("task", "classes"))
    outcome = alone(programs, it)
    assert int(outcome.state.status) == DIVERGED
    trained = int(outcome.state.epoch)
    assert 1 <= trained == len(outcome.measurements) <= EPOCHS
    for name, array in state_arrays(outcome.state).items():
        if name.startswith(("optimizer", "best_weights", "best_statistics")):
            assert np.isfinite(array).all(), name
    # What is kept is the state before the epoch that went wrong.
    before = it.first_state() if trained == 1 else alone(programs, it, epochs=trained - 1).state
    assert optimizer_bits(outcome.state) == optimizer_bits(before)
    assert int(outcome.state.best_epoch) < trained


def test_a_rate_that_turns_absurd_late_keeps_what_was_good(programs: Programs) -> None:
    points = [(0, 0.001), (3, 1e6)]
    outcome = alone(programs, trial({"schedule": "manual", "schedule_points": points}))
    assert len(outcome.measurements) == 4, "epochs 1 to 3 are fine, the fourth is not"
    assert 1 <= int(outcome.state.best_epoch) <= 3
    assert np.isfinite(outcome.measurements[:3, COLUMNS.index("loss")]).all()


def test_a_diverged_trial_asked_to_go_on_stays_as_it_is(programs: Programs) -> None:
    outcome = alone(programs, trial({"learning_rate": 1e6}))
    again = train(programs, [trial({"learning_rate": 1e6})], epochs=EPOCHS + 3)[0]
    assert again.bits == outcome.bits


@pytest.mark.parametrize("lanes", [1, 2])
def test_its_63_neighbours_are_bitwise_unchanged(programs: Programs, lanes: int) -> None:
    crowd = [trial(random_params(number), seed=number) for number in range(64)]
    calm = [outcome.digest for outcome in train(programs, crowd, lanes=lanes)]
    crowd[20] = trial({"learning_rate": 1e6, "norm": "batch"})
    stormy = train(programs, crowd, lanes=lanes)
    assert int(stormy[20].state.status) == DIVERGED
    digests = [outcome.digest for outcome in stormy]
    assert digests[:20] + digests[21:] == calm[:20] + calm[21:]
