"""A finished net without a formula of its own predicts by its compiled forward pass, in calls of one size."""

from typing import Any

import jax
import numpy as np
import pytest
from elementwise_scale import ElementwiseScale

from paceline.net import Spec

SPEC = Spec((4,), "float32", 2, "regression", 1, 1)


class Watched(ElementwiseScale):
    """Notes how exact products are to be while its forward pass is traced."""

    name = "watched"

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def apply(self, *given: Any, **named: Any) -> Any:
        self.seen.append(jax.config.jax_default_matmul_precision)
        return super().apply(*given, **named)


@pytest.mark.parametrize("rows", [0, 1, 1024, 1025])
def test_any_number_of_rows(rows: int) -> None:
    net = ElementwiseScale()
    config = net.resolve({"scale_init": 2.0})
    variables = net.init(config, SPEC, 0)
    x = np.random.default_rng(0).normal(size=(rows, 4)).astype(np.float32)
    expected = 2 * x @ variables.params["kernel"]
    np.testing.assert_allclose(net.predict(config, SPEC, variables, x), expected, rtol=1e-5, atol=1e-6)


def test_products_are_as_exact_as_in_training() -> None:
    net = Watched()
    config = net.resolve({})
    net.predict(config, SPEC, net.init(config, SPEC, 0), np.ones((1, 4), np.float32))
    assert net.seen == ["highest"]
