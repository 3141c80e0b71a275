"""ARFF: the corners of the format, and scipy's reader as the oracle."""

from io import StringIO

import numpy as np
import pandas as pd
import pytest
from scipy.io import arff as scipy_arff

from paceline.data.arff import read_arff
from paceline.errors import DataError

WEATHER = """% a comment
@RELATION 'the weather'

@ATTRIBUTE outlook {sunny, 'light rain' , "it's\\tfine", '?'}
@attribute 'wind speed' REAL  % in knots
@attribute\tday\tdate "yyyy-MM-dd HH:mm"
@attribute note string
@attribute windy {TRUE,FALSE}

@DATA
sunny, 1.5, '2020-01-02 03:04', 'a, b % c', TRUE   % trailing
'light rain',?,?,?,FALSE
% in between
"it's\\tfine" , -1e3 ,"2021-12-31 23:59", 'it\\'s', ?

'?', 2, ?, "", TRUE
"""


def read(text: str) -> pd.DataFrame:
    return read_arff(text.splitlines(), "t.arff")


def test_everything_at_once() -> None:
    frame = read(WEATHER)
    assert list(frame.columns) == ["outlook", "wind speed", "day", "note", "windy"]
    assert list(frame["outlook"]) == ["sunny", "light rain", "it's\tfine", "?"]
    assert list(frame["outlook"].cat.categories) == ["sunny", "light rain", "it's\tfine", "?"]
    assert np.array_equal(frame["wind speed"], [1.5, np.nan, -1000, 2], equal_nan=True)
    assert frame["day"][0] == pd.Timestamp("2020-01-02 03:04") and pd.isna(frame["day"][1])
    assert list(frame["note"]) == ["a, b % c", None, "it's", ""]
    assert frame["windy"].isna().tolist() == [False, False, True, False]


def test_plain_files_equal_scipy() -> None:
    rng = np.random.default_rng(0)
    lines = [f"{a!r},{b},{c}" for a, b, c in zip(rng.normal(size=50).tolist(), "xyz" * 17, range(50), strict=False)]
    text = "@relation r\n@attribute a real\n@attribute b {x,y,z}\n@attribute c integer\n@data\n" + "\n".join(lines)
    oracle = pd.DataFrame(scipy_arff.loadarff(StringIO(text))[0])
    frame = read(text)
    assert np.array_equal(frame["a"], oracle["a"]) and np.array_equal(frame["c"], oracle["c"])
    assert list(frame["b"]) == [value.decode() for value in oracle["b"]]


def test_rows_separated_by_tabs() -> None:
    frame = read("@relation r\n@attribute a real\n@attribute b real\n@data\n1\t2\n3,\t4\n")
    assert frame.to_numpy().tolist() == [[1, 2], [3, 4]]


HEAD = "@relation r\n@attribute a real\n@attribute b {x,y}\n@data\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + "1,x\n{0 1, 1 y}", "line 6: sparse"),
        (HEAD + "1", "line 5: a row must have 2 values, but got 1"),
        (HEAD + "tall,x", "line 5: 'a' is numeric, but got 'tall'"),
        (HEAD + "1,z", "line 5: 'z' isn't among the values of 'b'"),
        (HEAD + "1,'x", "line 5: the quote ' isn't closed"),
        ("a,b\n1,2", "line 1: expected @relation"),
        ("@relation r\n@attribute a real\n", "no @data line"),
        ("@relation r\n@data\n1", "no @attribute"),
        ("@relation r\n@attribute a nummeric\n@data\n1", "did you mean 'numeric'"),
        ("@relation r\n@attribute a relational\n@data\n1", "can't be read"),
        ("@relation r\n@attribute a\n@data\n1", "needs a name and a type"),
        ("@relation r\n@attribute a {x,y\n@data\nx", "must end with '}'"),
        ("@relation r\n@attribute a real\n@attribute a real\n@data\n1,2", "'a' more than once"),
        ("@relation r\n@attribute a date yyyy-MM-dd\n@data\nnoon", "a date of 'a' isn't written as %Y-%m-%d"),
    ],
)
def test_broken_files(text: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read(text)
    assert words in str(caught.value) and "t.arff" in str(caught.value)
