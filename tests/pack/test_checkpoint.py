"""A checkpoint comes back bit for bit, or is refused in one sentence."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from safetensors.numpy import save_file

from paceline.errors import EngineError, StudyError
from paceline.pack.checkpoint import load_state, save_state

one_folder = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TYPES = ["float32", "float64", "float16", "int32", "uint32", "int64", "uint8", "bool"]


@st.composite
def arrays(draw: st.DrawFn) -> NDArray[Any]:
    """Any bits in any shape, NaNs with any payload among them; strided at times."""
    dtype = np.dtype(draw(st.sampled_from(TYPES)))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if dtype.kind == "b":
        array = rng.integers(0, 2, shape).astype(bool)
    else:
        size = int(np.prod(shape)) * dtype.itemsize
        array = np.frombuffer(rng.integers(0, 256, size, dtype=np.uint8).tobytes(), dtype).reshape(shape)
    return array.T[::-1] if array.ndim and draw(st.booleans()) else array


states = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), arrays(), max_size=5)
metas = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3)


@one_folder
@given(states, metas)
def test_a_state_returns_bit_for_bit(tmp_path: Path, state: dict[str, NDArray[Any]], meta: dict[str, str]) -> None:
    path = tmp_path / "state.safetensors"
    save_state(path, state, meta)
    back, told = load_state(path)
    assert told == meta
    assert back.keys() == state.keys()
    for name, array in state.items():
        assert (back[name].shape, back[name].dtype) == (array.shape, array.dtype)
        assert back[name].tobytes() == array.tobytes()
    assert os.listdir(tmp_path) == [path.name]


def test_0d_nan_payloads_and_other_byte_order(tmp_path: Path) -> None:
    nan = np.array(0x7FC12345, dtype=np.uint32).view(np.float32)
    save_state(tmp_path / "a", {"nan": nan, "big": np.array([1, 2], dtype=">i4")}, {})
    back, meta = load_state(tmp_path / "a")
    assert back["nan"].shape == () and back["nan"].view(np.uint32) == 0x7FC12345
    assert back["big"].tolist() == [1, 2] and back["big"].dtype == np.int32
    assert meta == {}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "state.safetensors"
    save_state(path, {"w": np.arange(12, dtype=np.float32), "step": np.int32(7).reshape(())}, {"epoch": "3"})
    return path


def refusal(path: Path) -> str:
    with pytest.raises(StudyError) as caught:
        load_state(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message and ". " not in message
    return message


def test_a_file_cut_short_anywhere_is_refused(saved: Path) -> None:
    content = saved.read_bytes()
    for length in range(len(content)):
        saved.write_bytes(content[:length])
        assert "is damaged" in refusal(saved)
    saved.write_bytes(content + b"\0")
    assert "is damaged" in refusal(saved)


def test_a_changed_byte_anywhere_is_refused(saved: Path) -> None:
    content = saved.read_bytes()
    expected = load_state(saved)[0]
    refused = 0
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 0x15
        saved.write_bytes(changed)
        try:
            back, meta = load_state(saved)
        except StudyError as error:
            assert "is damaged" in str(error)
            refused += 1
        else:  # a byte that says nothing, such as the padding of the head
            assert meta == {"epoch": "3"}
            assert all(back[name].tobytes() == expected[name].tobytes() for name in expected)
    assert refused > 0.9 * len(content)


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    assert "can't be read: No such file" in refusal(tmp_path / "none")
    assert "can't be read" in refusal(tmp_path)
    save_file({"w": np.zeros(3, np.float32)}, tmp_path / "foreign")
    assert "is damaged" in refusal(tmp_path / "foreign")


def test_a_failed_save_leaves_the_old_one(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:50])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(StudyError, match="can't be written: No space left on device"):
            save_state(saved, {"w": np.zeros(3, np.float32)}, {})
    assert os.listdir(saved.parent) == [saved.name]
    assert load_state(saved)[1] == {"epoch": "3"}
    with pytest.raises(StudyError, match="can't be written"):
        save_state(saved / "under a file", {}, {})


def test_arrays_of_objects_are_our_own_fault(saved: Path) -> None:
    with pytest.raises(EngineError, match="'names' is object"):
        save_state(saved, {"names": np.array([None])}, {})
    assert load_state(saved)[1] == {"epoch": "3"}
