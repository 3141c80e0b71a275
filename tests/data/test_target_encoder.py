"""Targets to arrays and back, outputs to probabilities, and the round trip through JSON."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, softmax

from paceline.data import TargetEncoder, Task, load
from paceline.data.target_encoder import fit_target
from paceline.errors import ModelError

LABELS = st.lists(st.text("abc", min_size=1), min_size=2, max_size=5, unique=True) | st.lists(
    st.integers(-9, 9), min_size=2, max_size=5, unique=True
)
Z = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32) * 4


@given(classes=LABELS, data=st.data())
def test_decoding_gives_the_labels_back(classes: list[Any], data: st.DataObject) -> None:
    classes = sorted(classes)
    labels = data.draw(st.lists(st.sampled_from(classes), min_size=1, max_size=20))
    for task in (Task.BINARY, Task.CLASSES) if len(classes) == 2 else (Task.CLASSES,):
        encoder = TargetEncoder(task, tuple(classes), ("target",))
        y = encoder.encode(labels)
        assert y.shape == (len(labels), encoder.n_outputs) and y.dtype == np.float32
        assert encoder.decode(y - np.float32(0.5)).tolist() == labels


# Numbers of 32 bits, whose squares are numbers too: below 1e-160 a variance is 0, and a target counts as constant.
@given(st.lists(st.tuples(st.floats(-1e6, 1e6, width=32), st.floats(-1, 1, width=32)), min_size=2, max_size=20))
def test_decoding_gives_the_numbers_back(rows: list[tuple[float, float]]) -> None:
    frame = pd.DataFrame(rows, columns=["a", "b"])
    encoder = fit_target(Task.REGRESSION, (), ("a", "b"), frame)
    assert len(encoder.mean) == len(encoder.scale) == encoder.n_outputs == 2
    np.testing.assert_allclose(encoder.decode(encoder.encode(frame)), frame, atol=1e-6 * frame.abs().max().max())


def test_each_target_has_its_own_scale() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(size=60), "a": rng.normal(5, 2, 60), "b": rng.normal(-3, 40, 60)})
    data = load(frame, target=["a", "b"])
    train = frame[["a", "b"]].iloc[data.split.train]
    target = data.fold().target
    assert target.scale == pytest.approx(tuple(train.std(ddof=0)))
    assert target.mean == pytest.approx(tuple(train.mean()))


def test_multilabel_is_each_output_by_itself() -> None:
    encoder = TargetEncoder(Task.MULTILABEL, ("wet", "cold", "dark"), ("wet", "cold", "dark"))
    assert np.array_equal(encoder.decode(Z), Z > 0)
    np.testing.assert_allclose(encoder.probabilities(Z, "sigmoid"), expit(Z.astype(float)), rtol=1e-12)


def test_probabilities_of_classes_sum_to_one() -> None:
    three = TargetEncoder(Task.CLASSES, ("a", "b", "c"), ("kind",))
    z = Z.astype(float)
    np.testing.assert_allclose(three.probabilities(Z, "cross_entropy"), softmax(z, axis=1), rtol=1e-12)
    each = expit(z)
    np.testing.assert_allclose(three.probabilities(Z, "sigmoid"), each / each.sum(axis=1, keepdims=True), rtol=1e-12)
    two = TargetEncoder(Task.BINARY, ("a", "b"), ("kind",)).probabilities(Z[:, :1], "sigmoid")
    np.testing.assert_allclose(two, np.concatenate([1 - each[:, :1], each[:, :1]], axis=1), rtol=1e-12)


def test_numbers_have_no_probabilities() -> None:
    with pytest.raises(ModelError, match="predicts numbers"):
        TargetEncoder(Task.REGRESSION, (), ("a",), (0.0,), (1.0,)).probabilities(Z[:, :1], "mse")


@pytest.mark.parametrize(
    "encoder",
    [
        TargetEncoder(Task.BINARY, (False, True), ("paid",)),
        TargetEncoder(Task.CLASSES, (0.5, 1.5, 2.0), ("kind",)),
        TargetEncoder(Task.REGRESSION, (), ("a", "b"), (1.0, 1 / 3), (2.0, 1e-9)),
    ],
)
def test_json_gives_an_equal_encoder(encoder: TargetEncoder) -> None:
    data = json.loads(json.dumps(encoder.to_json(), allow_nan=False))
    assert TargetEncoder.from_json(data) == encoder
    for damage in ({"task": "guessing"}, {"classes": 3}, {"scale": None}):
        with pytest.raises(ModelError, match="target is damaged"):
            TargetEncoder.from_json(data | damage)
