"""Blocks of an older or newer list of columns, and what the engine must not hand over."""

import numpy as np
import pytest

from paceline.errors import EngineError
from paceline.records import COLUMNS, Measurements
from paceline.store.codec import Layout

VALUES = np.arange(2 * len(COLUMNS), dtype=np.float32).reshape(2, -1)


def test_a_store_of_fewer_columns_reads_nan_for_the_new_ones() -> None:
    old = Layout(COLUMNS[:4])
    (block,) = old.merged([(0, 0, 1, 2, VALUES[:, :4].tobytes())])
    assert np.array_equal(block.values[:, :4], VALUES[:, :4])
    assert np.isnan(block.values[:, 4:]).all()


def test_columns_go_by_name_not_by_place() -> None:
    other = Layout(["forgotten", *reversed(COLUMNS)])
    stored = np.hstack([np.full((2, 1), -1, np.float32), VALUES[:, ::-1]])
    (block,) = other.merged([(0, 0, 1, 2, stored.tobytes())])
    assert np.array_equal(block.values, VALUES)


def test_an_old_store_goes_on_with_wider_blocks() -> None:
    """Blocks written before and after the new columns came lie side by side."""
    old = ["error", "forgotten", "loss"]
    layout = Layout(old).extended()
    assert layout.names[:3] == tuple(old)
    assert set(layout.names) == {*COLUMNS, "forgotten"}
    narrow = np.array([[0.25, 9.0, 0.5]], dtype=np.float32)
    wide = layout.row(Measurements(0, 0, 2, VALUES))
    (block,) = layout.merged([(0, 0, 1, 1, narrow.tobytes()), tuple(wide.values())])
    assert block.values[0, COLUMNS.index("error")] == 0.25
    assert block.values[0, COLUMNS.index("loss")] == 0.5
    assert np.isnan(block.values[0]).sum() == len(COLUMNS) - 2
    assert np.array_equal(block.values[1:], VALUES)


@pytest.mark.parametrize(
    "values", [np.zeros((2, 3), np.float32), np.zeros((2, len(COLUMNS))), np.zeros((0, len(COLUMNS)), np.float32)]
)
def test_blocks_of_another_form_are_our_own_fault(values: np.ndarray) -> None:
    with pytest.raises(EngineError, match="trial 4 must be float32 of shape"):
        Layout(COLUMNS).row(Measurements(4, 0, 1, values))
