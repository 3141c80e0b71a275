"""Random numbers as functions of their place: fair masks, true permutations, normal noise, no relation among them."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from paceline.numerics.randomness import (
    SHUFFLE_STREAM,
    batch_rows,
    cell_bits,
    dropout_keep,
    keep_cells,
    key_of,
    normal_cells,
    normal_noise,
    permuted,
)

pytestmark = pytest.mark.compiles

seeds = st.integers(0, 2**32 - 1)
WIDE = (64, 256)


@jax.jit
def wide_keep(seed: jax.Array, step: jax.Array, rate: jax.Array) -> jax.Array:
    return keep_cells(key_of(seed, step, 1), *WIDE, rate)


@jax.jit
def narrow_keep(seed: jax.Array, step: jax.Array, rate: jax.Array) -> jax.Array:
    return keep_cells(key_of(seed, step, 1), 16, 48, rate)


@jax.jit
def order(seed: jax.Array, epoch: jax.Array, rows: jax.Array) -> jax.Array:
    """The order of `rows` <= 300 rows, in the first of 300 places."""
    places = jnp.minimum(jnp.arange(300, dtype=jnp.int32), rows - 1)
    return permuted(key_of(seed, epoch, SHUFFLE_STREAM), places, rows)


def keep(seed: int, step: int, rate: float) -> NDArray[np.bool_]:
    return np.asarray(wide_keep(jnp.uint32(seed), jnp.int32(step), jnp.float32(rate)))


@given(seed=seeds, step=st.integers(0, 100_000), rate=st.floats(0.01, 0.95))
def test_the_share_kept_is_fair(seed: int, step: int, rate: float) -> None:
    kept = keep(seed, step, rate)
    # Of a hundred examples the most unlucky lies within 4 standard deviations; three hold nearly always.
    assert abs(kept.mean() - (1 - rate)) < 4 * math.sqrt(rate * (1 - rate) / kept.size)


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.3, 0.5, 0.9])
def test_the_share_kept_within_three_sd(rate: float) -> None:
    """Over all, in each row, and in each column: no row or column is special."""
    masks = np.stack([keep(7, step, rate) for step in range(50)])
    sd = math.sqrt(rate * (1 - rate))
    assert abs(masks.mean() - (1 - rate)) < 3 * sd / math.sqrt(masks.size)
    for axis in ((0, 1), (0, 2)):
        share = masks.mean(axis=axis)
        z = (share - (1 - rate)) / (sd / math.sqrt(masks.size / share.size))
        assert np.abs(z).max() < 5 and 0.75 < z.std() < 1.25


def test_rate_zero_keeps_all_and_higher_rates_keep_less() -> None:
    assert keep(1, 2, 0.0).all()
    low, high = keep(1, 2, 0.2), keep(1, 2, 0.6)
    assert (high <= low).all() and high.sum() < low.sum()


@given(seed=seeds, step=st.integers(0, 1000), rate=st.floats(0.05, 0.9))
def test_masks_do_not_know_the_padded_width(seed: int, step: int, rate: float) -> None:
    narrow = narrow_keep(jnp.uint32(seed), jnp.int32(step), jnp.float32(rate))
    assert np.array_equal(keep(seed, step, rate)[:16, :48], narrow)


def test_masks_differ_by_seed_step_and_stream_without_relation() -> None:
    """Correlations of a mask with its relatives, and with itself a row or a column further on, are those of chance."""
    rate, size = 0.5, WIDE[0] * WIDE[1]
    base = keep(3, 10, rate)
    relatives = [keep(4, 10, rate), keep(3, 11, rate), dropout_keep(3, 10, 2, *WIDE, rate)]
    relatives += [np.roll(base, 1, axis) for axis in (0, 1)] + [base.reshape(-1)[::-1].reshape(WIDE)]
    for other in relatives:
        agreement = (base == other).mean()
        assert abs(agreement - 0.5) < 4 * 0.5 / math.sqrt(size)
    assert np.array_equal(dropout_keep(3, 10, 1, *WIDE, rate), base)


def test_cells_of_a_large_array_have_numbers_of_their_own() -> None:
    """65 536 rows by 8 columns: as many different numbers as a random function would give, about n - n²/2³³."""
    bits = np.asarray(cell_bits(jnp.uint32(99), 1 << 16, 8)).reshape(-1)
    twice = len(bits) - len(np.unique(bits))
    assert twice <= 2 * len(bits) ** 2 / 2**33


def test_every_row_count_to_300_is_permuted() -> None:
    orders = []
    for rows in range(1, 301):
        found = np.asarray(order(jnp.uint32(rows), jnp.int32(rows % 7), jnp.int32(rows)))[:rows]
        assert np.array_equal(np.sort(found), np.arange(rows)), rows
        orders.append(found)
    moved = [(found != np.arange(len(found))).mean() for found in orders[50:]]
    assert np.mean(moved) > 0.97, "about one row an order stays in its place"


@given(seed=seeds, epoch=st.integers(0, 10_000), rows=st.integers(1, 300))
def test_any_order_is_a_permutation(seed: int, epoch: int, rows: int) -> None:
    found = np.asarray(order(jnp.uint32(seed), jnp.int32(epoch), jnp.int32(rows)))[:rows]
    assert np.array_equal(np.sort(found), np.arange(rows))


def test_16384_rows_are_permuted() -> None:
    batches = batch_rows(5, 3, 16_384, 100)
    assert [len(batch) for batch in batches] == [100] * 163 + [84]
    assert np.array_equal(np.sort(np.concatenate(batches)), np.arange(16_384))


def test_orders_are_fair_and_differ_by_epoch() -> None:
    """Over 400 epochs of 40 rows, each row comes to each place about ten times."""
    orders = np.array([np.asarray(order(jnp.uint32(1), jnp.int32(epoch), jnp.int32(40)))[:40] for epoch in range(400)])
    counts = np.zeros((40, 40))
    for found in orders:
        counts[np.arange(40), found] += 1
    assert stats.chisquare(counts.reshape(-1)).pvalue > 1e-3
    assert len({found.tobytes() for found in orders}) == 400


def test_noise_is_standard_normal() -> None:
    noise = np.asarray(jax.jit(lambda: normal_cells(key_of(jnp.uint32(5), jnp.int32(9), 200), 500, 200))())
    n = noise.size
    assert np.isfinite(noise).all()
    assert abs(noise.mean()) < 3 / math.sqrt(n)
    assert abs(noise.var() - 1) < 3 * math.sqrt(2 / n)
    assert abs(stats.skew(noise, axis=None)) < 3 * math.sqrt(6 / n)
    assert abs(stats.kurtosis(noise, axis=None)) < 3 * math.sqrt(24 / n)
    assert stats.kstest(noise.reshape(-1), "norm").pvalue > 1e-3
    assert 3.8 < np.abs(noise).max() < 6


def test_noise_does_not_know_the_padded_width() -> None:
    assert np.array_equal(normal_noise(1, 2, 200, 20, 30)[:7, :11], normal_noise(1, 2, 200, 7, 11))
