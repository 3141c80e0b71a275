"""First weights: the variance that each rule promises, orthonormal columns, and independence of all but the seed."""

import math
from typing import Any

import numpy as np
import pytest

from paceline.hyperparameters import ACTIVATIONS
from paceline.net.dense.hyperparameters import resolve
from paceline.net.dense.initializers import initial_weights, layer_widths, output_inputs
from paceline.numerics.initializers import Init, draw

INPUTS, UNITS = 200, 300
SIGMA = {
    "normal": 0.05,
    "glorot": math.sqrt(2 / (INPUTS + UNITS)),
    "glorot_in": math.sqrt(1 / INPUTS),
    "he": math.sqrt(2 / INPUTS),
    "lecun": math.sqrt(1 / INPUTS),
}


def kernel(activation: str = "relu", **params: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    config = resolve(params)
    init = Init(config.init, config.init_distribution, config.init_gain, config.init_value)
    return draw(np.random.default_rng(0), INPUTS, UNITS, init, activation)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize("init", SIGMA)
def test_standard_deviations(init: str, distribution: str) -> None:
    values = kernel(init=init, init_distribution=distribution, init_gain=1.5)
    sigma = 1.5 * SIGMA[init]
    # Three standard errors of mean and of standard deviation over 60 000 draws.
    assert abs(values.mean()) < 3 * sigma / math.sqrt(values.size)
    assert abs(values.std() / sigma - 1) < 3 / math.sqrt(2 * values.size)
    assert values.dtype == np.float32 and values.shape == (INPUTS, UNITS)
    if distribution == "uniform":
        assert np.abs(values).max() <= math.sqrt(3) * sigma * (1 + 1e-6)
    else:
        assert np.abs(values).max() > 3.5 * sigma


def test_auto_goes_by_the_activation() -> None:
    he = {"relu", "leaky_relu", "prelu", "elu", "swish", "gelu", "softplus"}
    for activation in ACTIVATIONS:
        rule = "he" if activation in he else "lecun" if activation == "selu" else "glorot"
        assert kernel(activation, init="auto").tobytes() == kernel(activation, init=rule).tobytes()


def test_zero_and_constant() -> None:
    assert not kernel(init="zero").any()
    assert (kernel(init="constant", init_value=-0.3) == np.float32(-0.3)).all()


@pytest.mark.parametrize(("inputs", "units"), [(50, 20), (20, 50), (30, 30), (1, 7)])
def test_orthogonal_kernels(inputs: int, units: int) -> None:
    values = draw(np.random.default_rng(1), inputs, units, Init("orthogonal", gain=2.0), "relu")
    few = values.T @ values if inputs >= units else values @ values.T
    np.testing.assert_allclose(few, 4 * np.eye(min(inputs, units)), atol=1e-5)


def test_a_layers_weights_depend_on_seed_and_layer_alone() -> None:
    one = initial_weights(resolve({"layers": 2, "units": 9}), 5, 3, seed=4)
    deeper = initial_weights(resolve({"layers": 3, "units": 9, "dropout": 0.5}), 5, 3, seed=4)
    assert one[0]["kernel"].tobytes() == deeper[0]["kernel"].tobytes()
    assert one[1]["kernel"].tobytes() == deeper[1]["kernel"].tobytes()
    assert deeper[1]["kernel"].tobytes() != deeper[2]["kernel"].tobytes()
    other = initial_weights(resolve({"layers": 2, "units": 9}), 5, 3, seed=5)
    assert one[0]["kernel"].tobytes() != other[0]["kernel"].tobytes()


def test_shapes_under_skips() -> None:
    concat = resolve({"layers": 3, "units": [4, 5, 6], "skip": "concat"})
    assert layer_widths(concat, 10) == [(10, 4), (4, 5), (9, 6)] and output_inputs(concat, 10) == 15
    add = initial_weights(resolve({"layers": 3, "units": [4, 5, 5], "skip": "add"}), 10, 2, seed=0)
    assert ["projection" in layer for layer in add] == [False, True, False, False]
    assert add[1]["projection"].shape == (4, 5)
    flat = initial_weights(resolve({"layers": 0}), 10, 2, seed=0)
    assert [layer["kernel"].shape for layer in flat] == [(10, 2)]
    assert output_inputs(resolve({"layers": 0}), 10) == 10
