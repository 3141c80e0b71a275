"""Every hyperparameter does something: a table that names, for each, a configuration where it is active and a change.

The same table shows that `extended_features` is complete: whatever needs none of them trains alike in the program that
has everything.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
from tiny_trials import Outcome, train, trial

from paceline.hyperparameters import CLASS_LOSSES
from paceline.net.dense.hyperparameters import KNOBS, STATIC
from paceline.net.dense.shape import DenseShape
from paceline.pack.programs import Programs
from paceline.pack.trials import PreparedTrial
from paceline.training.shape import ProgramShape

EPOCHS = 8
BASE = {"learning_rate": 0.01}
VISIBLE = 1e-4
"""Share by which a curve must move: more than rounding, which differs between two programs."""


class Change(NamedTuple):
    """`value` to set the hyperparameter to, and the configuration in which that must be seen."""

    value: Any
    active: Mapping[str, Any] = MappingProxyType({})
    task: str = "classes"


POINTS = [(0, 0.01), (3, 0.001)]
CHANGES: dict[str, Change] = {
    "learning_rate": Change(0.02),
    "optimizer": Change("rmsprop"),
    "momentum": Change(0.5, {"optimizer": "momentum"}),
    "momentum_form": Change("ewa_corrected", {"optimizer": "momentum"}),
    "rho": Change(0.5, {"optimizer": "rmsprop"}),
    "beta1": Change(0.5),
    "beta2": Change(0.9),
    "epsilon": Change(0.1),
    "epsilon_inside": Change(True, {"epsilon": 0.01}),
    "weight_decay": Change(0.5, {"optimizer": "adamw"}),
    "clip_value": Change(0.001, {"optimizer": "sgd"}),
    "clip_norm": Change(0.01, {"optimizer": "sgd"}),
    "batch_size": Change(8),
    "schedule": Change("cosine"),
    "schedule_unit": Change("step", {"schedule": "exponential"}),
    "schedule_rate": Change(0.5, {"schedule": "exponential"}),
    "schedule_drop": Change(0.5, {"schedule": "step", "schedule_every": 2}),
    "schedule_every": Change(3, {"schedule": "step"}),
    "schedule_power": Change(1.0, {"schedule": "power"}),
    "schedule_end": Change(0.5, {"schedule": "linear"}),
    "schedule_points": Change([(0, 0.01), (5, 0.001)], {"schedule": "manual", "schedule_points": POINTS}),
    "hold_epochs": Change(2.0, {"schedule": "linear"}),
    "warmup_epochs": Change(2.0),
    "plateau_patience": Change(1, {"schedule": "plateau", "learning_rate": 0.1, "plateau_patience": 0}),
    "plateau_factor": Change(0.5, {"schedule": "plateau", "learning_rate": 0.1, "plateau_patience": 0}),
    "momentum_schedule": Change("linear", {"momentum_end": 0.5}),
    "momentum_end": Change(0.1, {"momentum_schedule": "linear"}),
    "momentum_points": Change([(2, 0.1)], {"momentum_schedule": "manual", "momentum_points": [(2, 0.5)]}),
    "layers": Change(3),
    "units": Change([50, 50]),
    "activation": Change("tanh"),
    "activation_alpha": Change(0.3, {"activation": "leaky_relu"}),
    "skip": Change("add"),
    "norm": Change("batch"),
    "norm_position": Change("after", {"norm": "batch"}),
    "norm_momentum": Change(0.5, {"norm": "batch"}),
    "norm_epsilon": Change(0.1, {"norm": "layer"}),
    "init": Change("lecun"),
    "init_distribution": Change("uniform"),
    "init_gain": Change(0.5),
    "init_value": Change(0.2, {"init": "normal"}),
    "dropout": Change(0.5),
    "input_dropout": Change(0.5),
    "dropout_kind": Change("weights", {"dropout": 0.3}),
    "l1": Change(1.0),
    "l2": Change(1.0),
    "bias_l1": Change(5.0, {"optimizer": "sgd", "learning_rate": 0.1}),
    "bias_l2": Change(20.0, {"optimizer": "sgd", "learning_rate": 0.1}),
    "activity_l1": Change(0.1),
    "activity_l2": Change(0.1),
    "penalty_scale": Change("plain", {"l2": 1.0}),
    "max_norm": Change(0.5),
    "weight_rescale": Change(0.95),
    "label_smoothing": Change(0.3),
    "weight_noise": Change(0.3),
    "input_noise": Change(0.5),
    "patience": Change(1, {"learning_rate": 0.1}),
    "min_delta": Change(0.2, {"patience": 2, "learning_rate": 0.1}),
    "loss": Change("sigmoid"),
    "huber_delta": Change(0.1, {"loss": "huber"}, "regression"),
    "reduction": Change("sum", {"optimizer": "sgd"}),
    "class_weight": Change("balanced"),
}


def before_and_after(name: str) -> list[PreparedTrial]:
    change = CHANGES[name]
    params = {**BASE, **change.active}
    return [trial(item, seed=1, task=change.task, epochs=EPOCHS) for item in (params, params | {name: change.value})]


def distance(one: Outcome, other: Outcome) -> float:
    """The greatest difference of two curves, relative where figures are large; infinite where lengths differ."""
    if one.measurements.shape != other.measurements.shape:
        return float("inf")
    a, b = np.nan_to_num(one.measurements), np.nan_to_num(other.measurements)
    return float(np.max(np.abs(a - b) / np.maximum(1.0, np.abs(b))))


def extended(shape: ProgramShape, more: bool) -> ProgramShape:
    """The shape with or without the extended features."""
    assert isinstance(shape.net, DenseShape)
    return replace(shape, extended=more, net=replace(shape.net, extended=more))


def test_no_knob_is_missing_from_the_table() -> None:
    assert set(CHANGES) == set(KNOBS)


@pytest.mark.parametrize("name", [name for name in KNOBS if name not in STATIC])
def test_a_change_is_seen(programs: Programs, name: str) -> None:
    before, after = before_and_after(name)
    assert extended(before.shape, True) == extended(after.shape, True), "it is a number, no other program"
    outcomes = train(programs, [before, after], epochs=EPOCHS)
    assert distance(*outcomes) > VISIBLE or outcomes[0].state.best_epoch != outcomes[1].state.best_epoch


@pytest.mark.parametrize("name", STATIC)
def test_a_change_of_shape_is_seen(programs: Programs, name: str) -> None:
    before, after = before_and_after(name)
    if before.shape == after.shape:
        assert distance(*train(programs, [before, after], epochs=EPOCHS)) > VISIBLE
    else:
        assert name in ("batch_size", "layers")


def every_kind() -> dict[str, PreparedTrial]:
    """Both sides of every change, and every choice of every hyperparameter that has choices; one shape or the other."""
    trials = {f"{name} {side}": item for name in KNOBS for side, item in enumerate(before_and_after(name))}
    for name, knob in KNOBS.items():
        for choice in knob.choices:
            if name in STATIC or choice == "manual" or (name == "loss" and choice not in ("auto", *CLASS_LOSSES)):
                continue
            params = {**BASE, **CHANGES[name].active, name: choice}
            trials[f"{name} {choice}"] = trial(params, seed=1, task=CHANGES[name].task, epochs=EPOCHS)
    common = trial(BASE).shape
    return {name: item for name, item in trials.items() if extended(item.shape, False) == common}


def test_the_extended_program_is_for_what_needs_it_and_for_nothing_else(programs: Programs) -> None:
    """What needs no extended features trains alike in both programs; all else would train wrongly in the common one."""
    wrong = []
    kinds = every_kind()
    assert len(kinds) > 150 and {item.shape.extended for item in kinds.values()} == {True, False}
    for name, item in kinds.items():
        pair = [replace(item, shape=extended(item.shape, more)) for more in (False, True)]
        apart = distance(*train(programs, pair, epochs=EPOCHS))
        if apart > VISIBLE / 4 if not item.shape.extended else apart < VISIBLE:
            wrong.append((name, item.shape.extended, apart))
    assert not wrong
