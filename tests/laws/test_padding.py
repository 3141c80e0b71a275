"""A masked, padded net equals the unpadded one: 48 units in 64, 11 features in 16, 5 classes in 8, rows in 16 384."""

from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest
from numpy.typing import NDArray
from paceline.pack.shapes import padded
from tiny_trials import CLASSES, DEV_ROWS, FEATURES, ROWS, plain_data, trial

from paceline.net.dense import DenseShape
from paceline.pack.programs import Programs
from paceline.pack.trials import Prepared
from paceline.training.program import State
from paceline.training.step import Data

EPOCHS = 4
EXACT = DenseShape(
    layers=2,
    width=48,
    batch=16,
    inputs=FEATURES,
    outputs=CLASSES,
    train_rows=ROWS,
    dev_rows=DEV_ROWS,
    task="classes",
    rare=True,
)
PADDED = DenseShape(
    layers=2, width=64, batch=16, inputs=16, outputs=8, train_rows=16_384, dev_rows=16_384, task="classes", rare=True
)  # fmt: skip

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


def trained(programs: Programs, item: Prepared) -> tuple[State, NDArray[np.float32]]:
    """Train in a program of the trial's shape, which need not be the one that it would get by itself."""
    shape = item.shape
    x_train, y_train, x_dev, y_dev = plain_data()
    data = Data(
        padded(x_train, shape.train_rows, shape.inputs), padded(y_train, shape.train_rows, shape.outputs),
        padded(x_dev, shape.dev_rows, shape.inputs), padded(y_dev, shape.dev_rows, shape.outputs),
        np.int32(ROWS), np.int32(DEV_ROWS), np.float32(1),
    )  # fmt: skip
    state, block = programs.get(shape)(item.first_state(), data, item.hyper, np.int32(EPOCHS))
    return state, np.asarray(block)[: int(state.epoch)]


def exact_and_padded(params: dict[str, Any]) -> tuple[Prepared, Prepared]:
    item = trial({"units": 48, "learning_rate": 0.003, **params}, seed=3, epochs=EPOCHS)
    weights = np.asarray(item.hyper.class_weights)[: EXACT.outputs]
    exact = replace(item, shape=EXACT, hyper=item.hyper._replace(class_weights=weights))
    return exact, replace(item, shape=PADDED)


@pytest.mark.parametrize("params", CASES, ids=str)
def test_the_padded_program_equals_the_exact_one(programs: Programs, params: dict[str, Any]) -> None:
    exact, wide = exact_and_padded(params)
    exact_state, exact_rows = trained(programs, exact)
    wide_state, wide_rows = trained(programs, wide)
    np.testing.assert_allclose(wide_rows, exact_rows, rtol=1e-5, atol=1e-5)
    assert int(exact_state.best_epoch) == int(wide_state.best_epoch) > 0
    for best in (False, True):
        (ours, our_statistics), (theirs, their_statistics) = (
            wide.weights(wide_state, best=best), exact.weights(exact_state, best=best)
        )  # fmt: skip
        for layer, other in zip([*ours, *our_statistics], [*theirs, *their_statistics], strict=True):
            assert layer.keys() == other.keys()
            for name in layer:
                np.testing.assert_allclose(layer[name], other[name], rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("params", CASES, ids=str)
def test_what_is_padded_stays_exactly_zero(programs: Programs, params: dict[str, Any]) -> None:
    """The padded weights are what one gets by padding their real part."""
    _, wide = exact_and_padded(params)
    state, _ = trained(programs, wide)
    again = wide.first_state(wide.weights(state, best=False)[0]).moving.weights
    for ours, real in zip(jax.tree.leaves(state.moving.weights), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(ours, real)


def test_what_is_compared_is_the_shape_of_such_a_trial() -> None:
    assert replace(trial({"units": 48, "clip_norm": 1.0}).shape, width=64) == PADDED
