"""Files of every format give the same table; files that can't be read give one clear sentence."""

import gzip
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from paceline.data import load
from paceline.errors import DataError, MissingExtraError, UserError


def table(rows: int = 30) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": rng.normal(size=rows),
            "count": rng.integers(0, 9, rows),
            "colour": rng.choice(["red", "green"], rows),
            "paid": rng.choice([True, False], rows),
            "target": rng.choice(["yes", "no"], rows),
        }
    )
    return frame.assign(size=frame["size"].where(frame.index != 3))


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False, sep="\t" if ".tsv" in path.name else ",")


def write_arff(frame: pd.DataFrame, path: Path) -> None:
    head = "@relation t\n@attribute size numeric\n@attribute count integer\n@attribute colour {red,green}\n"
    head += "@attribute paid {True,False}\n@attribute target {yes, no}\n@data\n"
    path.write_text(head + frame.to_csv(index=False, header=False, na_rep="?"))


WRITERS: dict[str, Any] = {
    "t.csv": write_csv,
    "t.tsv": write_csv,
    "t.csv.gz": write_csv,
    "T.CSV": write_csv,
    "t.parquet": lambda frame, path: frame.to_parquet(path),
    "t.feather": lambda frame, path: frame.to_feather(path),
    "t.xlsx": lambda frame, path: frame.to_excel(path, index=False),
    "t.jsonl": lambda frame, path: frame.to_json(path, orient="records", lines=True, double_precision=15),
    "t.arff": write_arff,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_inputs(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    WRITERS[name](table(), path)
    data = load(path)
    oracle = load(table())
    keep = [place for place, word in enumerate(data.fold().inputs.feature_names) if "paid" not in word]
    keep_oracle = [place for place, word in enumerate(oracle.fold().inputs.feature_names) if "paid" not in word]
    np.testing.assert_allclose(data.fold().x_train[:, keep], oracle.fold().x_train[:, keep_oracle], rtol=1e-6)
    assert np.array_equal(data.fold().y_dev, oracle.fold().y_dev)
    assert data.classes == ("no", "yes") and data.name.lower() == "t"
    if name not in ("t.arff", "t.jsonl", "t.xlsx"):  # nominal attributes stay categories; JSON and Excel round
        assert data.fingerprint == oracle.fingerprint


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(separator: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    table().to_csv(path, index=False, sep=separator)
    assert load(path).fingerprint == load(table()).fingerprint


def test_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    table().to_csv(path, index=False, sep=";", decimal=",")
    assert load(path).fingerprint == load(table()).fingerprint


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding: str, tmp_path: Path) -> None:
    frame = table().assign(colour=["grün", "blå"] * 15)
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False, encoding=encoding)
    data = load(path)
    assert list(data.features["colour"].cat.categories) == ["blå", "grün"]
    assert ("Windows-1252" in " ".join(data.notes)) == (encoding == "cp1252")


def test_uci_style(tmp_path: Path) -> None:
    """Blanks after commas, quoted commas, question marks, empty lines, Windows' line ends, a column of row numbers."""
    path = tmp_path / "t.csv"
    lines = [f'{row}, {row * row}.5, {"?" if row == 4 else "a"}, "x, y {row % 2}", {row % 3}' for row in range(30)]
    path.write_bytes(("," + "n, c, q, y\r\n" + "\r\n\r\n".join(lines) + "\r\n").encode())
    data = load(path)
    assert [column.name for column in data.columns] == ["n", "c", "q"]
    assert list(data.features["q"].cat.categories) == ["x, y 0", "x, y 1"]
    assert data.features["c"].isna().sum() == 1
    assert data.classes == (0, 1, 2)
    assert "The first column is dropped: it looks like a row index." in data.notes


def test_spelling_is_kept_where_a_category_is_declared(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    frame = table().assign(zip=["02134", "10001", "00001"] * 10)
    frame.to_csv(path, index=False)
    assert list(load(path, columns={"zip": "category"}).features["zip"].cat.categories) == ["00001", "02134", "10001"]
    assert next(column for column in load(path).columns if column.name == "zip").kind == "numeric"


def test_npz(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)).astype(np.float32), np.arange(40) % 2
    np.savez(tmp_path / "a.npz", X=x, y=y)
    assert load(tmp_path / "a.npz").fingerprint == load(x, target=y).fingerprint
    pictures = rng.integers(0, 255, (40, 4, 4, 3)).astype(np.uint8)
    np.savez(tmp_path / "b.npz", x_train=pictures, y_train=y, x_test=pictures[:10], y_test=y[:10], names=["a", "b"])
    data = load(tmp_path / "b.npz")
    assert len(data.columns) == 48 and len(data.test) == 10 and len(data.dev) == 8 and len(data.train) == 32
    assert any("(40, 4, 4, 3) are flattened to (40, 48)" in note for note in data.notes)
    assert any("names" in note and "aren't used" in note for note in data.notes)
    assert data.features.dtypes.iloc[0] == np.float32


def test_a_second_sheet_is_mentioned(tmp_path: Path) -> None:
    with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
        table().to_excel(book, sheet_name="one", index=False)
        table(5).to_excel(book, sheet_name="two", index=False)
    data = load(tmp_path / "t.xlsx")
    assert len(data) == 30 and any("only the first sheet, 'one'" in note for note in data.notes)


def test_an_index_is_no_feature(tmp_path: Path) -> None:
    table().set_index("count").to_parquet(tmp_path / "t.parquet")
    data = load(tmp_path / "t.parquet")
    assert "count" not in data.features and any("index count" in note for note in data.notes)


def test_excel_without_openpyxl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "paceline.data.read.find_spec", lambda name: None if name == "openpyxl" else found(name), raising=True
    )
    with pytest.raises(MissingExtraError, match=r"paceline\[excel\]"):
        load(tmp_path / "t.xlsx")


GOOD = table().to_csv(index=False)
BAD: dict[str, tuple[str | bytes, str]] = {
    "empty.csv": ("", "'empty.csv' is empty"),
    "blank.csv": ("\n\n", "'blank.csv' is empty"),
    "header.csv": ("a,b,target\n", "a header but no rows"),
    "one.csv": ("a,target\n1,2\n", "At least 10 rows with a target are needed, but there are 1"),
    "twice.csv": ("a,b,a,target\n" + "1,2,3,4\n" * 20, "differ, but 'twice.csv' has 'a' more than once"),
    "long.csv": ("a,target\n" + "1,2\n" * 20 + "1,2,3\n", "isn't a table: Expected 2 fields in line 22, saw 3"),
    "longer.csv": ("a,target\n" + "1,2,3\n" * 20, "more values than the header has names"),
    "quote.csv": (GOOD + '"never closed,1,2', "isn't a table"),
    "numbers.csv": ("5.1,3.5,0\n" * 20, "must name the columns"),
    "binary.csv": (b"\x00\x01\x02" * 99, "isn't text"),
    "alone.csv": ("target\n" + "1\n2\n" * 20, "at least one usable feature"),
    "table.parquet": ("no parquet", "can't be read as parquet"),
    "table.feather": ("no feather", "can't be read as feather"),
    "table.xlsx": ("no workbook", "can't be read as xlsx"),
    "table.npz": ("no arrays", "can't be read as npz"),
    "cut.csv.gz": (gzip.compress(GOOD.encode())[:-30], "can't be read as csv"),
    "plain.csv.gz": (GOOD, "can't be read as csv"),
    "lines.jsonl": ('{"a": 1}\n{"a": \n', "line 2: not JSON"),
    "list.jsonl": ("[1, 2]\n", "line 1: a line must be an object"),
    "nested.jsonl": ('{"a": {"b": 1}, "target": 1}\n{"a": {"b": 1}, "target": 2}\n' * 20, "'a' holds a dict"),
    "table.docx": ("x", "unknown extension; known: .csv, .tsv"),
    "table": ("x", "unknown extension"),
    "table.zip.gz": ("x", "unknown extension"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_get_one_sentence(name: str, tmp_path: Path) -> None:
    content, words = BAD[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as caught:
        load(tmp_path / name)
    message = str(caught.value)
    assert words in message
    assert "\n" not in message and message.endswith((".", "?"))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"a": np.zeros((20, 2))}, "holds: a"),
        ({"X": np.array([{}] * 20), "y": np.arange(20)}, "can't be read as npz"),
        ({"X": np.zeros((20, 2)), "y": np.arange(19)}, "20 and 19"),
        ({"X": np.zeros((0, 2)), "y": np.zeros(0)}, "must have rows"),
    ],
)
def test_bad_npz(arrays: dict[str, Any], words: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(DataError, match=words):
        load(tmp_path / "t.npz")
    np.save(tmp_path / "single.npy", np.zeros(3))
    (tmp_path / "single.npy").rename(tmp_path / "single.npz")
    with pytest.raises(DataError, match="a single one"):
        load(tmp_path / "single.npz")


def test_missing_files_and_folders(tmp_path: Path) -> None:
    write_csv(table(), tmp_path / "beans.csv")
    with pytest.raises(DataError, match=r"did you mean '.*beans\.csv'\?"):
        load(tmp_path / "bean.csv")
    with pytest.raises(DataError, match="is a folder"):
        load(tmp_path)
    with pytest.raises(DataError, match=r"the folder '.*nowhere' doesn't exist either\."):
        load(tmp_path / "nowhere" / "beans.csv")
    with pytest.raises(DataError, match="did you mean 'digits'"):
        load("digit")
    with pytest.raises(DataError, match="known: digits"):
        load("xylophone")
