"""The corners of shapes: short last batch, batches of one row or of all, no hidden layer, one feature, one dev row."""

from typing import Any

import numpy as np
import pytest
from tiny_trials import COLUMNS_OF, EPOCHS, Outcome, alone, tiny_fold, train, trial

from paceline.pack.programs import Programs
from paceline.records import COLUMNS, METRICS
from paceline.training.program import RUNNING

TASKS = tuple(COLUMNS_OF)


def column(outcome: Outcome, name: str) -> Any:
    return outcome.measurements[:, COLUMNS.index(name)]


def learns(outcome: Outcome) -> None:
    assert int(outcome.state.status) == RUNNING and len(outcome.measurements) == EPOCHS
    assert np.isfinite(column(outcome, "loss")).all() and np.isfinite(column(outcome, "train_loss")).all()
    assert column(outcome, "train_loss")[-1] < column(outcome, "train_loss")[0]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("rows", [64, 65, 70, 79])
def test_short_last_batches(programs: Programs, task: str, rows: int) -> None:
    """From none short to a last batch of a single row, where a batch's variance is 0."""
    fold = tiny_fold(task, rows)
    learns(alone(programs, trial({}, task=task, fold=fold)))
    learns(alone(programs, trial({"norm": "batch", "dropout": 0.2}, task=task, fold=fold)))


@pytest.mark.parametrize("task", TASKS)
def test_one_feature_and_one_dev_row(programs: Programs, task: str) -> None:
    outcome = alone(programs, trial({}, task=task, fold=tiny_fold(task, 70, 1, 1)))
    learns(outcome)
    if task != "regression":
        assert set(np.unique(column(outcome, "error"))) <= {np.float32(k / 3) for k in range(4)} | {np.float32(1)}


@pytest.mark.parametrize("task", TASKS)
def test_no_hidden_layer_one_row_a_batch(programs: Programs, task: str) -> None:
    params = {"layers": 0, "batch_size": 1, "learning_rate": 0.003}
    learns(alone(programs, trial(params, task=task)))
    learns(alone(programs, trial(params, task=task, fold=tiny_fold(task, 2))))


def test_batch_norm_on_batches_of_one_row_stays_finite(programs: Programs) -> None:
    fold = tiny_fold("classes", 65)
    outcome = alone(programs, trial({"norm": "batch", "norm_momentum": 0.0}, fold=fold))
    assert np.isfinite(outcome.measurements[:, COLUMNS.index("loss")]).all()


def test_all_rows_a_batch_is_the_same_as_more_than_all(programs: Programs) -> None:
    fold = tiny_fold("classes", 40)
    small = {"layers": 1, "units": 8}
    crowd = [trial({**small, "batch_size": size}, fold=fold) for size in ("all", 40, 41, 4096)]
    assert len({item.shape for item in crowd}) == 1
    outcomes = train(programs, crowd)
    learns(outcomes[0])
    assert int(outcomes[0].state.optimizer.step) == EPOCHS
    assert len({outcome.digest for outcome in outcomes}) == 1


@pytest.mark.parametrize(("rows", "steps"), [(64, 4), (65, 5), (70, 5), (80, 5)])
def test_steps_are_counted_as_batches(programs: Programs, rows: int, steps: int) -> None:
    state = alone(programs, trial({}, fold=tiny_fold("classes", rows))).state
    assert int(state.optimizer.step) == steps * EPOCHS


@pytest.mark.parametrize("task", TASKS)
def test_columns_that_apply_are_finite_and_the_others_nan(programs: Programs, task: str) -> None:
    outcome = alone(programs, trial({}, task=task))
    applies = {
        "regression": {"train_loss", "loss", "rmse", "mae", "r2"},
        "multilabel": {"train_loss", "train_error", "loss", "error"},
    }.get(task, {"train_loss", "train_error", "loss", "error", "balanced_accuracy", "f1"}) | {"learning_rate"}
    for name in COLUMNS:
        values = column(outcome, name)
        assert np.isfinite(values).all() if name in applies else np.isnan(values).all(), name
    assert set(METRICS) - set(COLUMNS) == {"accuracy", "log_loss"}
