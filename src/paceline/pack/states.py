"""A trial's state as named arrays and back: what checkpoints keep."""

from collections.abc import Mapping

import jax
import numpy as np
from numpy.typing import NDArray

from paceline.training.program import State


def state_arrays(state: State) -> dict[str, NDArray[np.generic]]:
    """Every array of a state under its path, e.g. "moving.weights.0.kernel"."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(state)
    return {jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf) for path, leaf in leaves}


def state_from(arrays: Mapping[str, NDArray[np.generic]], like: State) -> State:
    """The state that `state_arrays` took apart; `like` is any state of the same shape.

    Raises:
        KeyError, ValueError: the arrays are of another shape's state.
    """
    leaves, structure = jax.tree_util.tree_flatten_with_path(like)
    found = []
    for path, leaf in leaves:
        array = arrays[jax.tree_util.keystr(path, simple=True, separator=".")]
        if array.shape != np.shape(leaf) or array.dtype != np.asarray(leaf).dtype:
            raise ValueError(f"{jax.tree_util.keystr(path)} has shape {array.shape}, expected {np.shape(leaf)}")
        found.append(array)
    result: State = jax.tree_util.tree_unflatten(structure, found)
    return result
