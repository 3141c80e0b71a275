"""The numpy forward pass, which models predict with, equals the compiled one: every activation, norm, place, skip."""

from functools import cache
from typing import Any

import jax
import numpy as np
import pytest
from tiny_trials import FEATURES, Array, tiny_fold, trial

from paceline.hyperparameters import ACTIVATIONS, NORMS
from paceline.net import Variables
from paceline.net.dense import DENSE, predict
from paceline.net.dense.shape import DenseShape
from paceline.pack.trials import PreparedTrial

pytestmark = pytest.mark.compiles

ROWS = 25
SKIPS = {
    "plain": ("none", [40, 40, 40]),
    "add": ("add", [40, 40, 40]),
    "project": ("add", [40, 33, 33]),
    "concat": ("concat", [40, 33, 37]),
}


@cache
def compiled(shape: DenseShape) -> Any:
    def outputs(variables: Variables, x: Any, arguments: Any) -> Any:
        weights = np.ones(ROWS, np.float32)
        return DENSE.apply(shape, *variables, x, arguments, row_weights=weights, key=None)[0]

    return jax.jit(outputs)


def learned(item: PreparedTrial, rng: np.random.Generator) -> Variables:
    """Plain weights and statistics with every number drawn, as after a training."""
    variables = item.variables(item.first_state(), best=False)
    for layer in variables.params:
        for name, array in layer.items():
            layer[name] = (array + 0.3 * rng.normal(size=array.shape)).astype(np.float32)
    for layer in variables.statistics:
        layer["mean"] = rng.normal(size=layer["mean"].shape).astype(np.float32)
        layer["variance"] = rng.uniform(0.3, 3.0, layer["variance"].shape).astype(np.float32)
    return variables


def both(params: dict[str, Any], seed: int) -> tuple[Array, Array]:
    """(numpy's, the compiled net's) outputs on the same inputs."""
    item = trial(params, seed=seed, fold=tiny_fold())
    rng = np.random.default_rng(seed)
    variables = learned(item, rng)
    x = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
    shape = item.shape.net
    assert isinstance(shape, DenseShape)
    wide = np.zeros((ROWS, shape.inputs), np.float32)
    wide[:, :FEATURES] = x
    z = compiled(shape)(DENSE.pad(shape, item.config, item.spec, variables), wide, item.arguments.net)
    return DENSE.predict(item.config, item.spec, variables, x), np.asarray(z)[:, : item.spec.outputs]


@pytest.mark.parametrize("skip", SKIPS)
@pytest.mark.parametrize("position", ["before", "after"])
@pytest.mark.parametrize("norm", NORMS)
def test_it_equals_the_compiled_net(skip: str, norm: str, position: str) -> None:
    kind, units = SKIPS[skip]
    for index, activation in enumerate(ACTIVATIONS):
        params = {"layers": 3, "units": units, "skip": kind, "norm": norm, "norm_position": position}
        # clip_norm changes no output; it puts all of these into one program a skip.
        ours, theirs = both({**params, "activation": activation, "clip_norm": 1.0}, seed=index)
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(ours, theirs, atol=2e-5 * max(scale, 1.0), rtol=0, err_msg=activation)
        assert ours.dtype == np.float32


@pytest.mark.parametrize("activation", ["leaky_relu", "prelu", "elu", "swish"])
def test_alpha_matters_and_equals_too(activation: str) -> None:
    params = {"layers": 3, "units": [40, 40, 40], "activation": activation, "clip_norm": 1.0}
    ours, theirs = both({**params, "activation_alpha": 0.7}, seed=1)
    np.testing.assert_allclose(ours, theirs, atol=2e-5 * max(np.abs(theirs).max(), 1.0), rtol=0)
    assert np.abs(ours - both(params, seed=1)[0]).max() > 1e-3


def test_mixed_layers_and_no_layers() -> None:
    mixed = {"layers": 3, "units": [40, 33, 37], "activation": ["tanh", "gelu", "prelu"], "skip": "concat"}
    for params in ({**mixed, "clip_norm": 1.0}, {"layers": 0}):
        ours, theirs = both(params, seed=5)
        np.testing.assert_allclose(ours, theirs, atol=2e-5 * max(np.abs(theirs).max(), 1.0), rtol=0)


def test_huge_inputs_stay_finite() -> None:
    for name, value in predict.ACTIVATION_VALUES.items():
        with np.errstate(over="raise", invalid="raise"):
            u = np.array([[-1e4, 1e4, 0.0]], np.float32)
            assert np.isfinite(value(u, 1.0)).all(), name
