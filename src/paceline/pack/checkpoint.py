"""Arrays on disk that are either whole or refused: the state of paused trials survives a crash, or is recomputed.

    file = safetensors(arrays, {"meta": JSON of the strings, "crc32": over everything above})

safetensors keeps names, types and bytes, and notices a file cut short. It has no sum over its content, so one is
added here. A file appears under its name only when it is complete; nothing is forced to the disk, because after a
power cut the sum tells, and the caller begins that trial again.
"""

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from paceline.errors import EngineError, StudyError
from paceline.training.program import State

KINDS = "biuf"  # bool, integers, floats: what safetensors and numpy both know


def save_state(path: Path, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, str]) -> None:
    """Write a checkpoint in place of the one that may be there; a crash leaves the old one or the new one.

    Args:
        path: of the file; its folder must exist. One caller at a time may write to one path.
        arrays: name -> bool, integer or float array of any shape (0-d, empty and strided ones too).
        meta: strings to keep with them.

    Raises:
        StudyError: the file can't be written.
        EngineError: an array of another type.
    """
    plain = {name: _plain(name, array) for name, array in arrays.items()}
    text = json.dumps(dict(meta), sort_keys=True)
    content = save(plain, {"meta": text, "crc32": _checksum(plain, text)})
    draft = path.with_name(path.name + ".tmp")  # always the same, so that a crash leaves one at most
    try:
        try:
            draft.write_bytes(content)
            os.replace(draft, path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StudyError(f"checkpoint {path} can't be written: {error.strerror or error}.") from None


def load_state(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """What `save_state` wrote there, bit for bit: (arrays, meta).

    Raises:
        StudyError: the file is missing, cut short, changed or foreign.
    """
    try:
        content = path.read_bytes()
        arrays = load(content)
        head = int.from_bytes(content[:8], "little")  # length of the JSON that follows; `load` leaves its strings out
        kept = json.loads(content[8 : 8 + head])["__metadata__"]
        text = kept["meta"]
        whole = kept["crc32"] == _checksum(arrays, text)
        meta: dict[str, str] = json.loads(text)
    except OSError as error:
        raise StudyError(f"checkpoint {path} can't be read: {error.strerror or error}.") from None
    except (SafetensorError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise StudyError(f"checkpoint {path} is damaged, so its trials begin again.")
    return arrays, meta


def _plain(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """C order and little-endian, as the file has it. (`np.ascontiguousarray` would turn 0-d into 1-d.)"""
    if array.dtype.kind not in KINDS:
        raise EngineError(f"a checkpoint holds bool, integer and float arrays, but {name!r} is {array.dtype}.")
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def _checksum(arrays: Mapping[str, NDArray[Any]], text: str) -> str:
    total = zlib.crc32(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        total = zlib.crc32(f"\n{name} {array.dtype.str} {array.shape} ".encode(), total)
        total = zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, total)
    return f"{total:08x}"


def state_arrays(state: State) -> dict[str, NDArray[np.generic]]:
    """Every array of a state under its path, e.g. "optimizer.weights.kernels.0"."""
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
