"""Evaluation goes over rows in chunks: each row counts once, whatever the arrays' length."""

from typing import Any

import jax
import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score
from tiny_trials import plain_data, tiny_fold, trial

from paceline.training.program import CHUNK, evaluate

pytestmark = pytest.mark.compiles

ROWS = CHUNK + 188


@pytest.mark.parametrize("capacity", [ROWS, ROWS + 7, 2 * CHUNK, 2 * CHUNK + 1])
def test_the_last_chunk_counts_no_row_twice(capacity: int) -> None:
    """The last chunk begins early enough to be whole; the rows that it shares with the one before count there."""
    item = trial({}, fold=tiny_fold("classes", dev_rows=ROWS), measured=("f1", "auc"))
    state = item.first_state()
    _, _, x, y = plain_data("classes", dev_rows=ROWS)
    wide_x = np.zeros((capacity, *item.shape.sample), np.float32)
    wide_y = np.zeros((capacity, item.shape.outputs), np.float32)
    wide_x[:ROWS, : x.shape[1]], wide_y[:ROWS, : y.shape[1]] = x, y

    def measured(x: Any, y: Any) -> Any:
        return evaluate(
            item.family, item.shape, state.optimizer.weights, state.optimizer.statistics, x, y, np.int32(ROWS),
            item.arguments, np.ones(item.shape.outputs, np.float32),
        )  # fmt: skip

    found = jax.jit(measured)(wide_x, wide_y)
    z = item.family.predict(item.config, item.spec, item.variables(state, best=False), x).astype(np.float64)
    chances = np.exp(z - z.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    assert float(found["error"]) == pytest.approx((z.argmax(axis=1) != y.argmax(axis=1)).mean(), abs=1e-6)
    assert float(found["loss"]) == pytest.approx(-np.log((chances * y).sum(axis=1)).mean(), rel=1e-5)
    truth = y.argmax(axis=1)
    assert float(found["f1"]) == pytest.approx(f1_score(truth, z.argmax(axis=1), average="macro"), abs=1e-6)
    assert float(found["auc"]) == pytest.approx(roc_auc_score(truth, chances, multi_class="ovr"), abs=1e-5)
