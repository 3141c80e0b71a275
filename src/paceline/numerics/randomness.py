"""Random numbers as pure functions of where they are used: (trial seed, step, stream, row, column) -> number.

No generator state travels through training, so any batch order or mask can be made again, anywhere, and a
padded array gets the same numbers as the array inside it: a cell's number depends on its own row and column,
never on the array's size.

    bits   = mix(mix(seed, step, stream) ^ (row * 65 599 + column))      32-bit integer hash
    keep   = bits >= rate * 2^32                                          dropout
    order  = a keyed permutation (Feistel network) of 0..rows-1           shuffling without a table
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

ROW_STRIDE = 65_599  # odd and above any width: two cells of one array never meet below 2^16 rows
FEISTEL_ROUNDS = 6

INPUT_STREAM = 0  # dropout of the input; hidden layer l uses stream l
WEIGHT_DROP_STREAM = 100
INPUT_NOISE_STREAM = 200
WEIGHT_NOISE_STREAM = 300
SHUFFLE_STREAM = 1_000

Array = jax.Array


def mix(bits: Array) -> Array:
    """A well-mixed function of uint32 (two multiply-shift rounds, constants of "lowbias32")."""
    bits = bits ^ (bits >> 16)
    bits = bits * jnp.uint32(0x7FEB352D)
    bits = bits ^ (bits >> 15)
    bits = bits * jnp.uint32(0x846CA68B)
    return bits ^ (bits >> 16)


def key_of(seed: Array, step: Array, stream: int) -> Array:
    """One uint32 key for (trial seed, step, stream)."""
    key = mix(seed.astype(jnp.uint32) ^ jnp.uint32((stream * 0x9E3779B1) & 0xFFFFFFFF))
    return mix(key ^ (step.astype(jnp.uint32) * jnp.uint32(0x85EBCA6B) + jnp.uint32(0xC2B2AE35)))


def cell_bits(key: Array, rows: int, columns: int, numbers: Array | None = None) -> Array:
    """(rows, columns) uint32, one hash a cell. `numbers`: (rows,) what rows are called, where it isn't 0, 1, 2, ..."""
    row = jax.lax.broadcasted_iota(jnp.uint32, (rows, columns), 0)
    if numbers is not None:
        row = numbers.astype(jnp.uint32)[:, None]
    column = jax.lax.broadcasted_iota(jnp.uint32, (rows, columns), 1)
    return mix((row * jnp.uint32(ROW_STRIDE) + column) ^ key)


def keep_cells(key: Array, rows: int, columns: int, rate: Array, numbers: Array | None = None) -> Array:
    """(rows, columns) bool: True with probability 1 - rate. Rate 0 keeps every cell."""
    # 2^24 steps are exact in float32; the top 24 bits of the hash are compared.
    threshold = (rate * jnp.float32(1 << 24)).astype(jnp.uint32)
    result: Array = (cell_bits(key, rows, columns, numbers) >> 8) >= threshold
    return result


def normal_cells(key: Array, rows: int, columns: int, numbers: Array | None = None) -> Array:
    """(rows, columns) float32 standard normal, by the inverse of the error function."""
    uniform = ((cell_bits(key, rows, columns, numbers) >> 8).astype(jnp.float32) + 0.5) * jnp.float32(2.0**-24)
    result: Array = jnp.float32(math.sqrt(2.0)) * jax.lax.erf_inv(2.0 * uniform - 1.0)
    return result


def permuted(key: Array, position: Array, rows: Array) -> Array:
    """Where each position of the epoch finds its row: a keyed permutation of 0..rows-1, element by element.

    A Feistel network permutes side*side >= rows cells; a cell outside 0..rows-1 walks on until it is inside.

    Args:
        key: () uint32.
        position: (batch,) int32 in 0..rows-1.
        rows: () int32.
    """
    side = jnp.ceil(jnp.sqrt(rows.astype(jnp.float32))).astype(jnp.uint32)
    side = jnp.where(side * side < rows.astype(jnp.uint32), side + 1, side)
    round_keys = [mix(key + jnp.uint32((turn * 0x9E3779B1) & 0xFFFFFFFF)) for turn in range(FEISTEL_ROUNDS)]

    def network(cell: Array) -> Array:
        left, right = cell // side, cell % side
        for round_key in round_keys:
            left, right = right, (left + mix(right ^ round_key)) % side
        return left * side + right

    count = rows.astype(jnp.uint32)

    def walk(cell: Array) -> Array:
        return jnp.where(cell >= count, network(cell), cell)

    cell = jax.lax.while_loop(lambda cell: jnp.any(cell >= count), walk, network(position.astype(jnp.uint32)))
    return cell.astype(jnp.int32)


def batch_rows(seed: int, epoch: int, rows: int, batch_size: int) -> list[NDArray[np.int32]]:
    """The batches of one epoch (counted from 0), in order; the last may be short."""
    key = key_of(jnp.uint32(seed), jnp.int32(epoch), SHUFFLE_STREAM)
    order = np.asarray(permuted(key, jnp.arange(rows, dtype=jnp.int32), jnp.int32(rows)))
    return [order[start : start + batch_size] for start in range(0, rows, batch_size)]


def dropout_keep(seed: int, step: int, stream: int, rows: int, columns: int, rate: float) -> NDArray[np.bool_]:
    """The mask that training uses at a global step (counted from 0): True = kept."""
    key = key_of(jnp.uint32(seed), jnp.int32(step), stream)
    return np.asarray(keep_cells(key, rows, columns, jnp.float32(rate)))


def normal_noise(seed: int, step: int, stream: int, rows: int, columns: int) -> NDArray[np.float32]:
    """The standard normal noise that training uses at a global step."""
    return np.asarray(normal_cells(key_of(jnp.uint32(seed), jnp.int32(step), stream), rows, columns))
