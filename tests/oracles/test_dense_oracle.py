"""The engine beside an independent PyTorch loop: sixty random trials, every loss, weight and running statistic.

Both sides start from the same weights and see the same batches, masks and noises; the oracle (torch_dense) computes
in float64. Bounds, in the distance that `closeness` defines: 1e-5 after one step, 1e-4 over fifty.
"""

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from closeness import columns, distances
from ground import BOUND, BOUND_ONE_STEP, compiled_batch_rows, one_step, oracle
from numpy.typing import NDArray
from random_configs import COUNT, Problem, dealt, problem

from paceline.hyperparameters import ACTIVATIONS, INITS, NORMS, OPTIMIZERS, SCHEDULES
from paceline.numerics.randomness import batch_rows
from paceline.records import COLUMNS
from paceline.runs import train_arrays

pytestmark = pytest.mark.compiles


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    """Small tensors: torch's threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def engine(case: Problem) -> Any:
    """Paceline's training of a problem."""
    return train_arrays(
        case.config, *case.arguments(), task=case.task, seed=case.seed, epochs=case.epochs,
        class_weights=case.class_weights, target_scale=case.target_scale,
    )  # fmt: skip


def measured(case: Problem, run: Any) -> dict[str, NDArray[np.float32]]:
    return {name: run.measurements[:, COLUMNS.index(name)] for name in columns(case.task)}


def too_far(case: Problem, bound: float) -> dict[str, float]:
    """What lies further from the oracle than the bound, and how far."""
    ours, reference = engine(case), oracle(case)
    found = distances(ours, measured(case, ours), reference)
    assert len(found) > 4
    assert (ours.status, ours.epochs, ours.best_epoch) == (reference.status, len(reference.rows), reference.best_epoch)
    return {name: distance for name, distance in found.items() if not distance <= bound}


@pytest.mark.slow
@pytest.mark.parametrize("number", range(COUNT))
def test_fifty_steps_equal_the_oracle(number: int) -> None:
    case = problem(number)
    assert not too_far(case, BOUND), case.params


@pytest.mark.slow
@pytest.mark.parametrize("number", range(COUNT))
def test_one_step_equals_the_oracle(number: int) -> None:
    case = one_step(problem(number))
    assert not too_far(case, BOUND_ONE_STEP), case.params


@cache
def all_cases() -> list[Problem]:
    return [problem(number) for number in range(COUNT)]


def test_the_sixty_leave_nothing_out() -> None:
    def seen(name: str) -> set[Any]:
        values = [case.params[name] for case in all_cases() if case.params["layers"] > 0]
        return {one for value in values for one in (value if isinstance(value, list) else [value])}

    assert seen("optimizer") == set(OPTIMIZERS)
    assert seen("schedule") == set(SCHEDULES)
    assert seen("activation") == set(ACTIVATIONS)
    assert {(c.params["norm"], c.params["norm_position"]) for c in all_cases()} == {
        (norm, position) for norm in NORMS for position in ("before", "after")
    }
    assert seen("skip") == {"none", "add", "concat"}
    assert {13, 37, 100} <= seen("units")
    assert seen("init") <= set(INITS)
    assert {c.config.loss for c in all_cases()} == {"cross_entropy", "sigmoid", "mse", "half_sse", "mae", "huber"}
    assert any(len(c.x_train) % int(c.params["batch_size"]) == 1 for c in all_cases() if c.config.batch_size != "all")
    dropped = [c for c in all_cases() if np.any(c.params.get("dropout", 0)) and c.params["layers"]]
    assert len(dropped) >= COUNT / 2
    assert {c.params["dropout_kind"] for c in dropped} == {"activations", "weights"}
    for name in (
        "l1", "l2", "bias_l1", "bias_l2", "activity_l1", "activity_l2", "weight_decay", "max_norm", "weight_rescale",
        "clip_value", "clip_norm", "weight_noise", "input_noise", "input_dropout", "label_smoothing", "patience",
        "warmup_epochs", "hold_epochs",
    ):  # fmt: skip
        assert sum(bool(c.params.get(name)) for c in all_cases()) >= 4, name


def test_choices_are_dealt_evenly() -> None:
    for name in ("optimizer", "schedule", "activation"):
        counts = np.unique(dealt()[name], return_counts=True)[1]
        assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize(("rows", "batch"), [(75, 16), (16, 16), (1, 4), (150, 32)])
def test_the_compiled_order_is_the_order(rows: int, batch: int) -> None:
    for ours, theirs in zip(compiled_batch_rows(7, 3, rows, batch), batch_rows(7, 3, rows, batch), strict=True):
        assert ours.tolist() == theirs.tolist()
