"""Sizes against the numpy net: a value counts if the outputs depend on it."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.net import Variables
from paceline.net.dense import predict
from paceline.net.dense.hyperparameters import per_layer, resolve
from paceline.net.dense.initializers import initial_weights
from paceline.net.dense.size import operations, parameters

INPUTS, OUTPUTS = 3, 2
configs = st.fixed_dictionaries(
    {
        "units": st.lists(st.integers(1, 4), min_size=1, max_size=3),
        "norm": st.sampled_from(["none", "batch", "layer"]),
        "norm_position": st.sampled_from(["before", "after"]),
        "skip": st.sampled_from(["none", "add", "concat"]),
        "activation": st.sampled_from(["tanh", "prelu", "linear"]),
    }
).map(lambda params: {**params, "layers": len(params["units"])})


def used(params: dict[str, Any]) -> int:
    """How many values spoil an output when they are NaN."""
    config = resolve(params, task="classes")
    x = np.random.default_rng(0).normal(size=(60, INPUTS)).astype(np.float32)
    statistics = [
        {"mean": np.zeros(units, np.float32), "variance": np.ones(units, np.float32)}
        for units in per_layer(config, "units")
    ]
    weights = initial_weights(config, INPUTS, OUTPUTS, seed=1)
    found = 0
    for layer in weights:
        for name, array in layer.items():
            for place in np.ndindex(array.shape):
                spoiled = np.array(array)
                spoiled[place] = np.nan
                layer[name] = spoiled
                found += bool(np.isnan(predict.outputs(config, Variables(weights, statistics), x)).any())
            layer[name] = array
    return found


@settings(max_examples=40)
@given(configs)
def test_parameters_are_the_values_that_outputs_depend_on(params: dict[str, Any]) -> None:
    assert parameters(resolve(params, task="classes"), INPUTS, OUTPUTS) == used(params)


def test_operations_by_hand() -> None:
    def count(**params: Any) -> int:
        return operations(resolve({"norm": "none", **params}, task="classes"), 10, 3)

    assert count(layers=0) == 10 * 3
    assert count(layers=2, units=[4, 5]) == 10 * 4 + 4 * 5 + 5 * 3
    assert count(layers=2, units=[4, 5], norm="layer") == 10 * 4 + 4 * 5 + 5 * 3 + 9
    assert count(layers=2, units=[4, 5], skip="add") == 10 * 4 + 2 * 4 * 5 + 5 * 3
    assert count(layers=2, units=[4, 4], skip="add") == 10 * 4 + 4 * 4 + 4 * 3
    assert count(layers=2, units=[4, 5], skip="concat") == 10 * 4 + 4 * 5 + (4 + 5) * 3
