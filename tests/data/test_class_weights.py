"""Class weights against scikit-learn."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.class_weight import compute_class_weight

from paceline.data import class_weights, load
from paceline.errors import HyperparameterError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 2))


@pytest.mark.parametrize("labels", [["c", "a", "b"], [7, 1], [True, False], [0.5, 1.5]])
@pytest.mark.parametrize("spec", ["balanced", None, "dict"])
def test_equal_scikit_learn(labels: list[Any], spec: Any) -> None:
    y = RNG.choice(labels, 300, p=np.array([5, 2, 1])[: len(labels)] / sum([5, 2, 1][: len(labels)]))
    data = load(X, target=y)
    given = {label: weight for weight, label in enumerate(sorted(labels), 2)} if spec == "dict" else spec
    train = y[data.split.train]
    oracle = compute_class_weight(given, classes=np.unique(y), y=train) if spec != "dict" else given.values()
    for source in (data, data.fold(), train):
        found = class_weights(given, source)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, list(oracle), rtol=1e-6)


def test_a_dict_may_leave_classes_out_and_spell_them_as_text() -> None:
    y = RNG.integers(0, 3, 300)
    assert class_weights({2: 5}, y).tolist() == [1, 1, 5]
    assert class_weights({"2": 0.5, "0": 0}, load(X, target=y)).tolist() == [0, 1, 0.5]


def test_a_class_without_a_train_row() -> None:
    y = np.array([0, 1] * 150)
    test = (X[:20], np.full(20, 2))
    weights = class_weights("balanced", load(X, target=y, test=test))
    assert weights[2] == 1 and np.isfinite(weights).all()


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("balance", "must be None"),
        ({"d": 1}, "'d', which is no class"),
        ({"a": -1}, "'a' has -1"),
        ({"a": float("inf")}, "finite"),
        ({"a": "much"}, "'much'"),
        ({"a": True}, "True"),
        (3, "got 3"),
    ],
)
def test_wrong_specs(spec: Any, words: str) -> None:
    with pytest.raises(HyperparameterError, match=words):
        class_weights(spec, ["a", "b", "a"])


def test_other_tasks_have_no_weights() -> None:
    data = load(X, target=RNG.normal(size=300))
    assert class_weights(None, data).tolist() == [1]
    with pytest.raises(HyperparameterError, match="task is regression"):
        class_weights("balanced", data)
    labels = load(X, target=pd.DataFrame({"a": [0, 1] * 150, "b": [1, 0, 0] * 100}))
    assert class_weights(None, labels).tolist() == [1, 1]
    with pytest.raises(HyperparameterError, match="task is multilabel"):
        class_weights("balanced", labels)
