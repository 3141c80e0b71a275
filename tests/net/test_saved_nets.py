"""A net that is saved and read again predicts as before, whatever the shapes of its weights."""

from pathlib import Path

import numpy as np

from paceline.data import load
from paceline.model import Model, load_model
from paceline.net import Spec, Variables, family


def test_a_net_with_a_learned_slope(tmp_path: Path) -> None:
    data = load("iris")
    fold, net = data.fold(), family("dense")
    config = net.resolve({"layers": 1, "units": 3, "activation": "prelu"}, task="classes")
    spec = Spec(fold.inputs.sample, "float32", data.n_outputs, "classes", 1, 1)
    model = Model(net, config, *net.init(config, spec, 0), fold.inputs, fold.target)
    expected = model.outputs(data.dev.features)
    again = load_model(model.save(tmp_path / "model"))
    assert again.params[0]["slope"].shape == ()
    np.testing.assert_array_equal(again.outputs(data.dev.features), expected)


def test_a_slope_that_an_earlier_version_saved_as_a_vector() -> None:
    net = family("dense")
    config = net.resolve({"layers": 1, "units": 3, "activation": "prelu"})
    spec = Spec((4,), "float32", 2, "classes", 1, 1)
    params, statistics = net.init(config, spec, 0)
    older = [{name: np.atleast_1d(array) for name, array in layer.items()} for layer in params]
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    expected = net.predict(config, spec, Variables(params, statistics), x)
    np.testing.assert_array_equal(net.predict(config, spec, Variables(older, statistics), x), expected)
