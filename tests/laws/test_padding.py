"""A masked, padded net equals the unpadded one: 48 units in 64, 11 features in 16, 5 classes in 8, rows in 16 384."""

from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_trials import CLASSES, DEV_ROWS, FEATURES, ROWS, plain_data, trial

from paceline.net.dense import DENSE
from paceline.net.dense.shape import DenseShape, padded
from paceline.pack.programs import Programs
from paceline.pack.trials import PreparedTrial
from paceline.training.program import State
from paceline.training.shape import ProgramShape
from paceline.training.step import Data

EPOCHS = 4


def shape_of(width: int, inputs: int, outputs: int, train_rows: int, dev_rows: int) -> ProgramShape:
    net = DenseShape(layers=2, width=width, inputs=inputs, outputs=outputs, extended=True)
    return ProgramShape(
        family=f"{DENSE.name} {DENSE.fingerprint}", net=net, batch=16, sample=(inputs,), dtype="float32",
        outputs=outputs, train_rows=train_rows, dev_rows=dev_rows, task="classes", extended=True,
        extras=("confusion",),
    )  # fmt: skip


EXACT = shape_of(width=48, inputs=FEATURES, outputs=CLASSES, train_rows=ROWS, dev_rows=DEV_ROWS)
PADDED = shape_of(width=64, inputs=16, outputs=8, train_rows=16_384, dev_rows=16_384)

CASES: list[dict[str, Any]] = [
    {},
    {"norm": "batch", "dropout": 0.4},
    {"norm": "layer", "activation": "gelu", "input_dropout": 0.2, "optimizer": "rmsprop"},
    {"norm": "batch", "norm_position": "after", "activation": "sigmoid", "optimizer": "nesterov"},
    {"norm": "layer", "norm_position": "after", "activation": "softplus", "skip": "add"},
    {"activation": "softplus", "activity_l1": 0.01, "activity_l2": 0.02, "clip_norm": 0.5},
    {"weight_noise": 0.1, "input_noise": 0.2, "activation": "tanh", "max_norm": 0.8},
    {"dropout": 0.3, "dropout_kind": "weights", "activation": "elu", "l1": 0.2, "l2": 0.3},
    {"activation": "prelu", "optimizer": "momentum", "skip": "add", "label_smoothing": 0.1},
    {"loss": "sigmoid", "class_weight": "balanced", "weight_decay": 0.1, "bias_l2": 0.1},
    {"optimizer": "adagrad", "weight_rescale": 0.99, "reduction": "sum", "patience": 3},
]


def trained(programs: Programs, item: PreparedTrial) -> tuple[State, NDArray[np.float32]]:
    """Train in a program of the trial's shape, which need not be the one that it would get by itself."""
    shape, (inputs,) = item.shape, item.shape.sample
    x_train, y_train, x_dev, y_dev = plain_data()
    data = Data(
        padded(x_train, shape.train_rows, inputs), padded(y_train, shape.train_rows, shape.outputs),
        padded(x_dev, shape.dev_rows, inputs), padded(y_dev, shape.dev_rows, shape.outputs),
        np.int32(ROWS), np.int32(DEV_ROWS), np.ones(shape.outputs, np.float32),
    )  # fmt: skip
    state, block, _ = programs.get(item)(item.first_state(), data, item.arguments, np.int32(EPOCHS))
    return state, np.asarray(block)[: int(state.epoch)]


def exact_and_padded(params: dict[str, Any]) -> tuple[PreparedTrial, PreparedTrial]:
    item = trial({"units": 48, "learning_rate": 0.003, **params}, seed=3, epochs=EPOCHS)
    weights = np.asarray(item.arguments.class_weights)[: EXACT.outputs]
    exact = replace(item, shape=EXACT, arguments=item.arguments._replace(class_weights=weights))
    return exact, replace(item, shape=PADDED)


@pytest.mark.parametrize("params", CASES, ids=str)
def test_the_padded_program_equals_the_exact_one(programs: Programs, params: dict[str, Any]) -> None:
    exact, wide = exact_and_padded(params)
    exact_state, exact_rows = trained(programs, exact)
    wide_state, wide_rows = trained(programs, wide)
    np.testing.assert_allclose(wide_rows, exact_rows, rtol=1e-5, atol=1e-5)
    assert int(exact_state.best_epoch) == int(wide_state.best_epoch) > 0
    for best in (False, True):
        ours, theirs = wide.variables(wide_state, best=best), exact.variables(exact_state, best=best)
        for layer, other in zip([*ours.params, *ours.statistics], [*theirs.params, *theirs.statistics], strict=True):
            assert layer.keys() == other.keys()
            for name in layer:
                np.testing.assert_allclose(layer[name], other[name], rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("params", CASES, ids=str)
def test_what_is_padded_stays_exactly_zero(programs: Programs, params: dict[str, Any]) -> None:
    """The padded weights are what one gets by padding their real part."""
    _, wide = exact_and_padded(params)
    state, _ = trained(programs, wide)
    again = wide.first_state(wide.variables(state, best=False)).optimizer.weights
    for ours, real in zip(jax.tree.leaves(state.optimizer.weights), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(ours, real)


def test_what_is_compared_is_the_shape_of_such_a_trial() -> None:
    shape = trial({"units": 48, "clip_norm": 1.0}).shape
    assert isinstance(shape.net, DenseShape)
    assert replace(shape, net=replace(shape.net, width=64)) == PADDED
