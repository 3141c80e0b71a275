"""Which kind is a column, and which columns are dropped: what is inferred, said, and overruled."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.data.cells import MISSING, days, flags, numbers, texts
from paceline.data.infer import read_column, read_columns
from paceline.errors import DataError


def kind_of(cells: Any, declared: str | None = None) -> str:
    return read_column(pd.Series(cells, name="x"), declared)[0].kind


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([1, 2, 3], "numeric"),
        ([1.5, None, 3], "numeric"),
        (["1", " 2.5 ", "-3e4", "?"], "numeric"),
        (["0", "1", "0"], "numeric"),
        (pd.array([1, None], dtype="Int64"), "numeric"),
        ([True, False], "boolean"),
        ([True, None, False], "boolean"),
        (["True", "false", "NA"], "boolean"),
        (["yes", "no", "YES"], "boolean"),
        (pd.array([True, None], dtype="boolean"), "boolean"),
        (["a", "b"], "category"),
        (["yes", "maybe", "no"], "category"),
        (["yes", "yes", "yes"], "category"),
        (pd.Categorical([1, 2, 1]), "category"),
        ([1, "a", 2.5], "category"),
        (["1_000", "2_000"], "category"),
        (pd.to_datetime(["2020-01-01", None]), "date"),
        (["2020-01-01", "2021-02-03 04:05", ""], "date"),
        (["2020-1-1", "2021-12-3"], "date"),
        (["31.12.2020", "01.02.2021"], "date"),
        (["12/31/2020", "1/2/2021"], "date"),
        (["31/12/2020 23:59", "01/02/2021 01:00"], "date"),
        (["99.99.2020", "01.02.2021"], "category"),
        (["1-2-3", "4-5-6"], "category"),
        ([pd.Timestamp("2020-01-01").date(), None], "date"),
    ],
)
def test_kinds(cells: Any, kind: str) -> None:
    assert kind_of(cells) == kind


def test_day_and_month_are_told_apart_where_they_can_be() -> None:
    column, values = read_column(pd.Series(["31/12/2020", "01/02/2021"], name="x"), None)
    assert column.format == "%d/%m/%Y" and values[1] == pd.Timestamp("2021-02-01")
    assert "would fit" not in column.note
    column, _ = read_column(pd.Series(["03/04/2020", "01/02/2021"], name="x"), None)
    assert column.format == "%m/%d/%Y" and "(%d/%m/%Y would fit, too)" in column.note


@pytest.mark.parametrize(
    ("cells", "declared", "words"),
    [
        (["1", "two"], "numeric", "'x', row 1: 'two' isn't a number"),
        (["yes", "2"], "boolean", "'2' is neither true nor false"),
        (["yes"], "date", "isn't a date"),
        ([[1, 2], [3]], None, "'x' holds a list"),
        ([None, {"a": 1}], None, "'x' holds a dict"),
        ([1j, 2], None, "complex"),
        (pd.to_timedelta(["1D", "2D"]), None, "total_seconds"),
        (pd.period_range("2020", periods=2, freq="M"), None, "period"),
    ],
)
def test_cells_that_do_not_fit(cells: Any, declared: str | None, words: str) -> None:
    with pytest.raises(DataError, match=words):
        kind_of(cells, declared)


ROWS = 40
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("cells", "declared", "words"),
    [
        ([None] * ROWS, None, "all its values are missing"),
        (["?"] * ROWS, None, "all its values are missing"),
        ([3.0] * ROWS, None, r"same value in every row \(3\)"),
        (["a"] * ROWS, "category", r"same value in every row \(a\)"),
        ([f"user {row}" for row in range(ROWS)], None, 'looks like an ID.*columns={"x": "category"} keeps it'),
        (RNG.normal(size=ROWS), "drop", "as asked"),
    ],
)
def test_dropped_with_a_note(cells: Any, declared: str | None, words: str) -> None:
    frame = pd.DataFrame({"x": cells, "keep": RNG.normal(size=ROWS)})
    columns, clean, notes = read_columns(frame, {} if declared is None else {"x": declared})
    assert [column.name for column in columns] == list(clean.columns) == ["keep"]
    assert len(notes) == 1
    assert re.search(words, notes[0])


def test_kept() -> None:
    frame = pd.DataFrame(
        {
            "id": np.arange(ROWS) * 2,
            "one or nothing": [1.0, None] * (ROWS // 2),
            "user": [f"user {row}" for row in range(ROWS)],
        }
    )
    columns, _, notes = read_columns(frame, {"user": "category"})
    assert [column.name for column in columns] == list(frame.columns) and not notes
    assert [column.name for column in read_columns(frame.assign(id=range(ROWS)), {})[0]] == ["one or nothing"]


def test_infinite_values_are_missing_with_a_note() -> None:
    frame = pd.DataFrame({"x": [1.0, np.inf, -np.inf, 1e39, np.nan, 2.0]})
    columns, clean, notes = read_columns(frame, {})
    assert clean["x"].isna().sum() == 4 and columns[0].note
    assert notes == ("Column 'x' has 3 infinite values (or beyond ±3.4e38), treated as missing.",)


def test_a_stray_word_among_numbers_is_mentioned() -> None:
    cells = [*range(30), "n.a."]
    assert "'n.a.', for one, isn't a number" in read_columns(pd.DataFrame({"x": [str(c) for c in cells] * 2}), {})[2][0]


def test_wrong_declarations() -> None:
    frame = pd.DataFrame({"size": [1.0, 2.0]})
    with pytest.raises(DataError, match="did you mean 'size'"):
        read_columns(frame, {"sise": "numeric"})
    with pytest.raises(DataError, match="did you mean 'category'"):
        read_columns(frame, {"size": "categorical"})
    with pytest.raises(DataError, match="none is left"):
        read_columns(frame, {"size": "drop"})


def test_narrow_numbers_stay_narrow() -> None:
    assert numbers(pd.Series([1, 2], dtype="int16")).dtype == np.float32
    assert numbers(pd.Series([1, 2], dtype="float32")).dtype == np.float32
    assert numbers(pd.Series([1, 2**40])).dtype == np.float64


@given(st.lists(st.floats() | st.none(), min_size=1))
def test_numbers_mean_the_same_as_text(values: list[float | None]) -> None:
    column = pd.Series(values, dtype=np.float64, name="x")
    assert np.array_equal(numbers(column), numbers(column.map(repr).astype(object)), equal_nan=True)


@given(st.lists(st.text() | st.integers() | st.none(), min_size=1))
def test_texts_lose_nothing_but_blanks(values: list[Any]) -> None:
    codes, words = texts(pd.Series(values, dtype=object))
    assert words == sorted(set(words)) and not set(words) & MISSING
    for value, code in zip(values, codes, strict=True):
        word = str(value).strip()
        assert (code < 0) if word in MISSING else (words[code] == word)


def test_one_spelling_for_a_number() -> None:
    codes, words = texts(pd.Series([3, 3.0, " 3 ", "3", np.float32(0.1), True], dtype=object))
    assert words == ["0.1", "3", "True"] and codes.tolist() == [1, 1, 1, 1, 0, 2]


def test_flags_and_days() -> None:
    found = flags(pd.Series(["Yes", "f", "1", None, "TRUE"], dtype=object))
    assert np.array_equal(found, [1, 0, 1, np.nan, 1], equal_nan=True)
    stamps = pd.Series(["1970-01-02", "1969-12-31T12:00:00", "9999-12-31", None], dtype=object)
    assert np.array_equal(days(stamps, "ISO8601"), [1, -0.5, 2932896, np.nan], equal_nan=True)
