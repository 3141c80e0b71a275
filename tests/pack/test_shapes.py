"""Padding and its way back, and shapes as a pure function of a trial and its data."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paceline.pack.shapes import (
    INPUTS,
    OUTPUTS,
    ROWS,
    WIDTHS,
    input_places,
    is_rare,
    pad_weights,
    padded,
    shape_of,
    step_up,
    unpad_statistics,
    unpad_weights,
)

from paceline.net.dense.hyperparameters import MAX_UNITS, resolve
from paceline.net.dense.initializers import initial_weights, output_inputs
from paceline.pack.trials import Prepared, prepare, put_arrays
from paceline.training.program import initial_state


@st.composite
def configurations(draw: st.DrawFn) -> Hyperparameters:
    layers = draw(st.integers(0, 4))
    return resolve(
        {
            "layers": layers,
            "units": draw(st.lists(st.integers(1, 40), min_size=layers, max_size=layers)),
            "skip": draw(st.sampled_from(["none", "add", "concat"])),
            "activation": draw(st.sampled_from(["relu", "prelu"])),
        }
    )


@settings(max_examples=60)
@given(config=configurations(), inputs=st.integers(1, 40), outputs=st.integers(1, 12), seed=st.integers(0, 99))
def test_unpadding_undoes_padding(config: Hyperparameters, inputs: int, outputs: int, seed: int) -> None:
    weights = initial_weights(config, inputs, outputs, seed)
    rng = np.random.default_rng(seed)
    for layer in weights:
        for name, array in layer.items():
            layer[name] = np.asarray(rng.uniform(1, 2, array.shape), np.float32)  # nothing is 0 but the padding
    shape = shape_of(config, inputs=inputs, outputs=outputs, train_rows=50, dev_rows=20, task="classes")
    full = pad_weights(shape, config, weights, inputs)
    back = unpad_weights(shape, config, full, inputs, outputs)
    assert [set(layer) for layer in back] == [set(layer) for layer in weights]
    for layer, other in zip(back, weights, strict=True):
        for name in layer:
            assert layer[name].shape == other[name].shape and np.array_equal(layer[name], other[name]), name
    # Every real number is in the padded arrays once, and all else there is 0.
    leaves = [*full.kernels, *full.projections, full.vectors]
    assert sum(np.count_nonzero(leaf) for leaf in leaves) == sum(a.size for layer in weights for a in layer.values())
    statistics = initial_state(full, shape.layers, shape.width).moving.statistics
    assert [len(layer["mean"]) for layer in unpad_statistics(config, statistics)] == list(
        config.units if isinstance(config.units, tuple) else ()
    )


@given(config=configurations(), inputs=st.integers(1, 40))
def test_the_places_of_inputs_are_all_different_and_fit(config: Hyperparameters, inputs: int) -> None:
    shape = shape_of(config, inputs=inputs, outputs=3, train_rows=50, dev_rows=20, task="classes")
    for index in range(config.layers + 1):
        places = input_places(shape, config, index, inputs)
        assert len(set(places.tolist())) == len(places)
        assert places.min() >= 0 and places.max() < shape.layer_inputs(index)
    assert len(places) == output_inputs(config, inputs)


@given(value=st.integers(1, MAX_UNITS))
def test_ladders_hold_what_they_must(value: int) -> None:
    for ladder in (WIDTHS, INPUTS, OUTPUTS, ROWS):
        step = step_up(ladder, value)
        assert step >= value and step in ladder
        assert all(other < value for other in ladder if other < step)
    assert step_up(WIDTHS, value) <= max(8, 2 * value), "a net is padded to at most twice its width"


@given(inputs=st.integers(1, 1_900_000))
def test_inputs_are_hardly_padded(inputs: int) -> None:
    """The first layer of pictures is most of a step: 784 inputs in 1024 would cost a quarter of it."""
    padded = step_up(INPUTS, inputs)
    assert padded % 16 == 0 and padded - inputs < max(16, inputs / 8)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, {"skip": "plain", "layers": 2, "width": 64, "batch": 64}),
        ({"layers": 0}, {"layers": 0, "width": 8}),
        ({"units": [13, 37]}, {"width": 48}),
        ({"skip": "add"}, {"skip": "plain"}),
        ({"skip": "add", "units": [13, 37]}, {"skip": "project"}),
        ({"skip": "concat"}, {"skip": "concat"}),
        ({"skip": "concat", "layers": 1}, {"skip": "plain"}),
        ({"batch_size": "all"}, {"batch": 100}),
        ({"batch_size": 4096}, {"batch": 100}),
        ({"batch_size": 1}, {"batch": 1}),
        ({"clip_norm": 1.0}, {"rare": True}),
    ],
)
def test_shapes(params: dict[str, Any], expected: dict[str, Any]) -> None:
    shape = shape_of(resolve(params), inputs=10, outputs=7, train_rows=100, dev_rows=30, task="classes")
    assert {name: getattr(shape, name) for name in expected} == expected
    assert (shape.inputs, shape.outputs, shape.train_rows, shape.dev_rows) == (16, 8, 16_384, 16_384)


def test_what_is_switched_off_is_not_rare() -> None:
    for params in (
        {},
        {"norm_position": "after"},
        {"dropout_kind": "weights"},
        {"dropout_kind": "weights", "dropout": 0.0, "input_dropout": 0.5},
        {"norm": "batch"},
        {"dropout": 0.5},
        {"layers": 0, "dropout_kind": "weights", "dropout": 0.5},
    ):
        assert not is_rare(resolve(params)), params


def test_padded_is_a_corner_of_zeros() -> None:
    full = padded(np.ones((2, 3), np.float32), 4, 5)
    assert full.sum() == 6 and full[:2, :3].all() and full.dtype == np.float32


def some_trial(task: str, y: Any, loss: str = "auto") -> Prepared:
    x = np.zeros((len(y), 3), np.float32)
    arrays = put_arrays(x, y, x, y, task=task)
    metric = "rmse" if task == "regression" else "error"
    return prepare(resolve({"loss": loss}, task=task), arrays, seed=0, epochs=1, metric=metric)


def test_the_limit_of_divergence_goes_by_the_chance_loss() -> None:
    """The loss of a net that knows the class shares alone, as scikit-learn reckons it."""
    from sklearn.metrics import log_loss

    from paceline.pack.trials import chance_loss
    from paceline.training.arguments import FLOATS, LOSS_LIMIT

    y = np.eye(3, dtype=np.float32)[[0, 0, 0, 1, 1, 2]]
    shares = y.mean(axis=0)
    wanted = log_loss(y.argmax(axis=1), np.tile(shares, (6, 1)))
    assert chance_loss("cross_entropy", shares) == pytest.approx(wanted, rel=1e-6)
    limit = some_trial("classes", y).hyper.floats[FLOATS.index("loss_limit")]
    assert limit == pytest.approx(LOSS_LIMIT * wanted, rel=1e-5)
    yes = np.array([[1], [0], [0], [0]], np.float32)
    assert chance_loss("sigmoid", yes.mean(axis=0)) == pytest.approx(log_loss(yes[:, 0], [0.25] * 4), rel=1e-6)
    assert chance_loss("mse", np.zeros(1, np.float32)) == 1.0
    one_class = chance_loss("cross_entropy", np.array([1, 0, 0], np.float32))
    assert np.isfinite(one_class) and one_class >= 0
