"""Dev metrics beside scikit-learn's, on random predictions, with padded rows and columns around them."""

import warnings
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from sklearn import metrics as oracle

from paceline.training.metrics import add_rows, finished, no_sums, ranked_auc

pytestmark = pytest.mark.compiles

Table = np.ndarray[Any, np.dtype[np.float32]]

CAPACITY, OUTPUTS = 96, 8
CLOSE: Any = {"rtol": 1e-5, "atol": 1e-5}
sizes = st.integers(1, CAPACITY)
seeds = st.integers(0, 10_000)
steps = st.sampled_from([0.0, 0.25, 1.0])  # what outputs are rounded to: ties, from none to nearly all


@partial(jax.jit, static_argnums=(0, 7))
def measured(
    task: str, columns: Any, losses: Any, z: Any, y: Any, rows: Any, scale: Any, confusion: bool
) -> dict[str, Any]:
    """All metrics, the rows added in two chunks."""
    mask = (jnp.arange(OUTPUTS) < columns).astype(jnp.float32)
    real = (jnp.arange(CAPACITY) < rows).astype(jnp.float32)
    sums = no_sums(OUTPUTS, confusion)
    for half in (slice(0, CAPACITY // 2), slice(CAPACITY // 2, None)):
        sums = add_rows(sums, task, losses[half], z[half], y[half], mask, real[half])
    return {**finished(sums, task, mask, scale), "auc": ranked_auc(task, z, y, mask, rows)}


def engine(
    task: str, z: Table, y: Table, losses: Table | None = None, scale: Any = 1.0, confusion: bool = True
) -> dict[str, float]:
    """Metrics of real rows and columns; what stands in the padded ones must not matter."""
    rows, columns = z.shape
    rng = np.random.default_rng(rows)
    wide_z = rng.normal(size=(CAPACITY, OUTPUTS)).astype(np.float32) * 50
    wide_y = np.zeros((CAPACITY, OUTPUTS), np.float32)
    wide_losses = np.full(CAPACITY, np.inf, np.float32)
    wide_z[:rows, :columns], wide_y[:rows, :columns] = z, y
    wide_losses[:rows] = 0 if losses is None else losses
    wide_scale = np.ones(OUTPUTS, np.float32)
    wide_scale[:columns] = scale
    found = measured(task, np.int32(columns), wide_losses, wide_z, wide_y, np.int32(rows), wide_scale, confusion)
    return {name: float(value) for name, value in found.items()}


def rounded(values: Any, step: float) -> Table:
    return np.asarray(np.round(values / step) * step if step else values, np.float32)


@settings(max_examples=60)
@given(rows=sizes, classes=st.integers(2, OUTPUTS), step=steps, seed=seeds)
def test_classes(rows: int, classes: int, step: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    true = rng.integers(0, classes, rows)
    z = rounded(rng.normal(size=(rows, classes)) + 1.5 * np.eye(classes)[true], step)
    y = np.eye(classes, dtype=np.float32)[true]
    chances = softmax(z.astype(np.float64), axis=1)
    losses = -np.log(chances[np.arange(rows), true])
    found = engine("classes", z, y, losses.astype(np.float32))
    predicted = z.argmax(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # classes that are predicted but never true
        wanted = {
            "error": 1 - oracle.accuracy_score(true, predicted),
            "balanced_accuracy": oracle.balanced_accuracy_score(true, predicted),
            "f1": oracle.f1_score(true, predicted, average="macro"),
            "loss": oracle.log_loss(true, chances, labels=np.arange(classes)),
        }
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, **CLOSE, err_msg=name)
    for name in ("rmse", "mae", "r2"):
        assert np.isnan(found[name])
    low, high = one_against_the_rest(true, chances)
    assert (np.isnan(found["auc"]) and np.isnan(low)) or low - 1e-5 <= found["auc"] <= high + 1e-5
    assert not high - low > 1e-9 or step > 0, "without rounded outputs there are no ties to hide behind"


def one_against_the_rest(true: Any, chances: Any) -> tuple[float, float]:
    """Bounds of the area under the curve, macro mean over the classes where it is defined.

    A float32 softmax may part what is equal and join what is nearly so: such pairs count 0 below and 1 above.
    """
    areas = []
    for k in range(chances.shape[1]):
        ahead = chances[true == k, k][:, None] - chances[true != k, k][None, :]
        if ahead.size:
            areas.append(((ahead > 1e-6).mean(), (ahead > -1e-6).mean()))
    low, high = np.mean(areas, axis=0) if areas else (np.nan, np.nan)
    return float(low), float(high)


def test_macro_auc_is_scikit_learns_ovr() -> None:
    rng = np.random.default_rng(3)
    true = np.arange(90) % 5
    z = (rng.normal(size=(90, 5)) + np.eye(5)[true]).astype(np.float32)
    chances = softmax(z.astype(np.float64), axis=1)
    wanted = oracle.roc_auc_score(true, chances, multi_class="ovr", average="macro")
    found = engine("classes", z, np.eye(5, dtype=np.float32)[true])["auc"]
    np.testing.assert_allclose(found, wanted, **CLOSE)


@settings(max_examples=60)
@given(rows=sizes, step=steps, seed=seeds, share=st.floats(0, 1))
def test_binary(rows: int, step: float, seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    true = (rng.random(rows) < share).astype(int)
    z = rounded(rng.normal(size=(rows, 1)) + true[:, None], step)
    predicted = (z[:, 0] > 0).astype(int)
    losses = np.logaddexp(0, z[:, 0].astype(np.float64)) - z[:, 0] * true
    found = engine("binary", z, true[:, None].astype(np.float32), losses.astype(np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        balanced = oracle.balanced_accuracy_score(true, predicted)
    wanted = {
        "error": 1 - oracle.accuracy_score(true, predicted),
        "balanced_accuracy": balanced,
        "f1": oracle.f1_score(true, predicted, zero_division=0),
        "loss": oracle.log_loss(true, expit(z[:, 0].astype(np.float64)), labels=[0, 1]),
        "auc": oracle.roc_auc_score(true, z[:, 0]) if 0 < true.sum() < rows else np.nan,
    }
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, **CLOSE, err_msg=name)


@settings(max_examples=30)
@given(rows=sizes, columns=st.integers(1, OUTPUTS), step=steps, seed=seeds)
def test_multilabel(rows: int, columns: int, step: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = (rng.random((rows, columns)) < 0.4).astype(np.float32)
    z = rounded(rng.normal(size=(rows, columns)) + y, step)
    found = engine("multilabel", z, y)
    np.testing.assert_allclose(found["error"], oracle.hamming_loss(y > 0.5, z > 0), **CLOSE)
    usable = [k for k in range(columns) if 0 < y[:, k].sum() < rows]
    areas = [oracle.roc_auc_score(y[:, k], z[:, k]) for k in usable]
    np.testing.assert_allclose(found["auc"], np.mean(areas) if areas else np.nan, **CLOSE)
    assert np.isnan(found["f1"]) and np.isnan(found["rmse"])


def test_without_the_confusion_matrix_only_its_metrics_are_missing() -> None:
    rng = np.random.default_rng(4)
    z, y = rng.normal(size=(50, 5)).astype(np.float32), np.eye(5, dtype=np.float32)[rng.integers(0, 5, 50)]
    with_it, without = engine("classes", z, y), engine("classes", z, y, confusion=False)
    assert np.isnan([without["f1"], without["balanced_accuracy"]]).all()
    for name in ("error", "loss", "auc"):
        assert without[name] == with_it[name]


@settings(max_examples=60)
@given(rows=st.integers(2, CAPACITY), columns=st.integers(1, OUTPUTS), seed=seeds)
def test_regression(rows: int, columns: int, seed: int) -> None:
    """Of several targets the mean over targets, each in its own unit."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(rows, columns)).astype(np.float32)
    z = (y + rng.normal(size=(rows, columns)) * rng.choice([0.1, 1.0])).astype(np.float32)
    scale = 10 ** rng.uniform(-2, 4, columns)
    found = engine("regression", z, y, scale=scale)
    true, guess = y.astype(np.float64), z.astype(np.float64)
    wanted = {
        "rmse": oracle.root_mean_squared_error(scale * true, scale * guess),
        "mae": oracle.mean_absolute_error(scale * true, scale * guess),
        "r2": oracle.r2_score(true, guess),
    }
    variance = true.var(axis=0).min()
    for name, value in wanted.items():
        tolerance = CLOSE
        if name == "r2":  # the difference 1 - SSE/SST keeps the digits of float32 sums
            tolerance = {"rtol": 1e-4, "atol": 1e-5 / min(variance, 1.0)}
        np.testing.assert_allclose(found[name], value, **tolerance, err_msg=name)
    assert np.isnan(found["error"]) and np.isnan(found["f1"]) and np.isnan(found["balanced_accuracy"])


def test_rows_far_from_zero_keep_r2() -> None:
    """Dev targets are standardised by the train rows; a dev set elsewhere must not lose R²'s digits."""
    rng = np.random.default_rng(0)
    y = (3 + 0.5 * rng.normal(size=(90, 1))).astype(np.float32)
    z = (y + 0.2 * rng.normal(size=(90, 1))).astype(np.float32)
    wanted = oracle.r2_score(y.astype(np.float64), z.astype(np.float64))
    np.testing.assert_allclose(engine("regression", z, y)["r2"], wanted, rtol=1e-4)


@pytest.mark.parametrize("perfect", [True, False])
def test_r2_of_a_constant_target_is_a_number_like_scikit_learns(perfect: bool) -> None:
    y = np.full((20, 1), 0.5, np.float32)
    z = y if perfect else y + 1
    assert engine("regression", z, y)["r2"] == oracle.r2_score(y, z)
