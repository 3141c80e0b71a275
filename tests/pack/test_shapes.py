"""Padding and its way back, and shapes as a pure function of a trial and its data."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.net import Spec, Variables
from paceline.net.dense import DENSE
from paceline.net.dense.hyperparameters import MAX_UNITS, DenseHyperparameters, resolve
from paceline.net.dense.initializers import initial_statistics, initial_weights, output_inputs
from paceline.net.dense.shape import DenseShape, input_places, pad_variables, padded, shape_of, unpad_variables
from paceline.net.ladders import INPUTS, OUTPUTS, ROWS, WIDTHS, step_up
from paceline.pack.folds import FoldArrays, chance_loss, fold_data
from paceline.pack.trials import PreparedTrial, prepare, program_shape
from paceline.training.arguments import FLOATS, LOSS_LIMIT


def spec_of(inputs: int, outputs: int) -> Spec:
    return Spec((inputs,), "float32", outputs, "classes", 50, 20)


@st.composite
def configurations(draw: st.DrawFn) -> DenseHyperparameters:
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
def test_unpadding_undoes_padding(config: DenseHyperparameters, inputs: int, outputs: int, seed: int) -> None:
    weights = initial_weights(config, inputs, outputs, seed)
    rng = np.random.default_rng(seed)
    for layer in weights:
        for name, array in layer.items():
            layer[name] = np.asarray(rng.uniform(1, 2, array.shape), np.float32)  # nothing is 0 but the padding
    statistics = initial_statistics(config)
    for layer in statistics:
        for name, array in layer.items():
            layer[name] = np.asarray(rng.uniform(1, 2, array.shape), np.float32)
    spec = spec_of(inputs, outputs)
    shape = shape_of(config, spec)
    full = pad_variables(shape, config, spec, Variables(weights, statistics))
    back = unpad_variables(shape, config, spec, full)
    for layers, others in zip(back, (weights, statistics), strict=True):
        assert [set(layer) for layer in layers] == [set(layer) for layer in others]
        for layer, other in zip(layers, others, strict=True):
            for name in layer:
                assert layer[name].shape == other[name].shape and np.array_equal(layer[name], other[name]), name
    # Every real number is in the padded arrays once, and all else there is 0.
    leaves = [*full.params.kernels, *full.params.projections, full.params.vectors]
    assert sum(np.count_nonzero(leaf) for leaf in leaves) == sum(a.size for layer in weights for a in layer.values())


@given(config=configurations(), inputs=st.integers(1, 40))
def test_the_places_of_inputs_are_all_different_and_fit(config: DenseHyperparameters, inputs: int) -> None:
    shape = shape_of(config, spec_of(inputs, 3))
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


@given(rows=st.integers(1, 10_000_000))
def test_rows_are_hardly_padded(rows: int) -> None:
    """Small tables share programs; of a large one's memory at most an eighth is padding."""
    padded = step_up(ROWS, rows)
    assert padded == 16_384 if rows <= 16_384 else padded - rows < rows / 8


def test_folds_that_differ_by_a_row_share_a_program() -> None:
    """18 432 and 18 433 rows are on two steps of the ladder, and a batch of all rows is as large as the largest."""
    y = np.eye(2, dtype=np.float32)[np.arange(18_433) % 2]
    x = np.zeros((18_433, 3), np.float32)
    folds = [FoldArrays(x[:rows], y[:rows], x[:10], y[:10], "classes") for rows in (18_432, 18_433)]
    for batch in (64, "all"):
        config = resolve({"batch_size": batch})
        apart = {program_shape(DENSE, config, fold_data("it", fold)) for fold in folds}
        together = {program_shape(DENSE, config, fold_data("it", fold, (18_433, 10))) for fold in folds}
        assert len(apart) == 2 and len(together) == 1


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
        ({"clip_norm": 1.0}, {"extended": True}),
    ],
)
def test_shapes(params: dict[str, Any], expected: dict[str, Any]) -> None:
    y = np.eye(7, dtype=np.float32)[np.arange(100) % 7]
    x = np.zeros((100, 10), np.float32)
    shape = program_shape(DENSE, resolve(params), fold_data("it", FoldArrays(x, y, x[:30], y[:30], "classes")))
    assert isinstance(shape.net, DenseShape)
    for name, value in expected.items():
        assert getattr(shape if name == "batch" else shape.net, name) == value
    assert shape.extended == shape.net.extended
    assert (shape.sample, shape.outputs, shape.train_rows, shape.dev_rows) == ((16,), 8, 16_384, 16_384)
    assert (shape.net.inputs, shape.net.outputs) == (16, 8)


def test_what_is_switched_off_needs_no_extended_features() -> None:
    for params in (
        {},
        {"norm_position": "after"},
        {"dropout_kind": "weights"},
        {"dropout_kind": "weights", "dropout": 0.0, "input_dropout": 0.5},
        {"norm": "batch"},
        {"dropout": 0.5},
        {"layers": 0, "dropout_kind": "weights", "dropout": 0.5},
    ):
        assert not resolve(params).extended_features(), params


def test_padded_is_a_corner_of_zeros() -> None:
    full = padded(np.ones((2, 3), np.float32), 4, 5)
    assert full.sum() == 6 and full[:2, :3].all() and full.dtype == np.float32


def some_trial(task: str, y: Any, loss: str = "auto") -> PreparedTrial:
    x = np.zeros((len(y), 3), np.float32)
    fold = fold_data("it", FoldArrays(x, y, x, y, task))
    metric = "rmse" if task == "regression" else "error"
    return prepare(DENSE, resolve({"loss": loss}, task=task), fold, seed=0, epochs=1, metric=metric)


def test_the_limit_of_divergence_goes_by_the_chance_loss() -> None:
    """The loss of a net that knows the class shares alone, as scikit-learn reckons it."""
    from sklearn.metrics import log_loss

    y = np.eye(3, dtype=np.float32)[[0, 0, 0, 1, 1, 2]]
    shares = y.mean(axis=0)
    wanted = log_loss(y.argmax(axis=1), np.tile(shares, (6, 1)))
    assert chance_loss("cross_entropy", shares) == pytest.approx(wanted, rel=1e-6)
    limit = FLOATS.read(some_trial("classes", y).arguments.floats).loss_limit
    assert limit == pytest.approx(LOSS_LIMIT * wanted, rel=1e-5)
    yes = np.array([[1], [0], [0], [0]], np.float32)
    assert chance_loss("sigmoid", yes.mean(axis=0)) == pytest.approx(log_loss(yes[:, 0], [0.25] * 4), rel=1e-6)
    assert chance_loss("mse", np.zeros(1, np.float32)) == 1.0
    one_class = chance_loss("cross_entropy", np.array([1, 0, 0], np.float32))
    assert np.isfinite(one_class) and one_class >= 0
