"""The ground that engine and oracle share: initial weights, the order of rows, masks and noises, all from Paceline.

`batch_rows` runs op by op, an eighth of a second a call; the oracle needs two thousand orders, so `compiled_batch_rows`
makes the same order by the same functions compiled once a row count (a test holds the two equal).
"""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import torch
from numpy.typing import NDArray
from random_configs import OUTPUTS, Problem
from torch_dense import OracleRun, Randomness, Weights, train

from paceline.net.dense.initializers import initial_weights
from paceline.numerics import randomness

BOUND_ONE_STEP, BOUND = 1e-5, 1e-4


@partial(jax.jit, static_argnums=2)
def _order(seed: jax.Array, epoch: jax.Array, rows: int) -> jax.Array:
    key = randomness.key_of(seed, epoch, randomness.SHUFFLE_STREAM)
    return randomness.permuted(key, jnp.arange(rows, dtype=jnp.int32), jnp.int32(rows))


def compiled_batch_rows(seed: int, epoch: int, rows: int, batch_size: int) -> list[NDArray[np.int32]]:
    """`randomness.batch_rows`, faster."""
    order = np.asarray(_order(jnp.uint32(seed), jnp.int32(epoch), rows))
    return [order[start : start + batch_size] for start in range(0, rows, batch_size)]


SHARED = Randomness(compiled_batch_rows, randomness.dropout_keep, randomness.normal_noise)


def one_step(case: Problem) -> Problem:
    """The same problem cut to one batch and one epoch."""
    rows = case.one_step_rows
    return replace(case, epochs=1, x_train=case.x_train[:rows], y_train=case.y_train[:rows])


def starting_weights(case: Problem) -> Weights:
    return initial_weights(case.config, case.x_train.shape[1], OUTPUTS[case.task], case.seed)


def oracle(case: Problem, weights: Weights | None = None, dtype: torch.dtype = torch.float64) -> OracleRun:
    """The oracle's training of a problem, from Paceline's initial weights unless others are given."""
    return train(
        case.config, *case.arguments(), task=case.task, seed=case.seed, epochs=case.epochs,
        weights=starting_weights(case) if weights is None else weights, randomness=SHARED,
        class_weights=case.class_weights, target_scale=case.target_scale, dtype=dtype,
    )  # fmt: skip
