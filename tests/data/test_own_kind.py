"""A second kind of data, made in this file alone: small pictures, of which the package knows nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from paceline.data import (
    Dataset,
    Inputs,
    Source,
    SplitSettings,
    class_weights,
    inputs_from_json,
    outer_fold,
    register_inputs,
    without_test,
)
from paceline.data.loading import split_keys
from paceline.data.split import Rows, make_split
from paceline.data.target import read_target
from paceline.errors import DataError

Pixels = NDArray[np.uint8]


@register_inputs
@dataclass(frozen=True)
class PictureInputs(Inputs):
    """Pixels from 0 to 1, less the mean of each channel."""

    kind: ClassVar[str] = "small picture"
    means: tuple[float, ...]

    @property
    def sample(self) -> tuple[int, ...]:
        return (4, 3)

    @property
    def dtype(self) -> str:
        return "float32"

    def transform(self, rows: Pixels) -> NDArray[np.float32]:
        return np.ascontiguousarray(rows / np.float32(255) - np.array(self.means, np.float32))

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "means": list(self.means)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PictureInputs:
        return cls(tuple(data["means"]))


@dataclass(frozen=True, eq=False)
class Pictures(Source[None]):
    """pixels: (rows, 4, 3) uint8."""

    pixels: Pixels

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def sample(self) -> tuple[int, ...]:
        return (4, 3)

    def take(self, rows: Rows) -> Pixels:
        return self.pixels[rows]

    def plan(self, rows: Rows) -> None:
        return None

    def fit(self, layout: None, rows: Rows, standardize: str) -> PictureInputs:
        means = self.pixels[rows].mean(axis=(0, 1)) / 255 if standardize == "standard" else np.zeros(3)
        return PictureInputs(tuple(means.tolist()))

    def content(self) -> Iterator[bytes]:
        yield f"pictures{self.pixels.shape}".encode()
        yield self.pixels.tobytes()

    def describe(self) -> str:
        return "pictures of 4 × 3"


def pictures(seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    answer = read_target(pd.DataFrame({"animal": rng.choice(["cat", "dog", "owl"], 90)}), None)
    split = SplitSettings(seed=4)
    keys = split_keys(pd.DataFrame(answer.values), answer, split)
    return Dataset(
        name="zoo",
        source=Pictures(rng.integers(0, 256, (90, 4, 3)).astype(np.uint8)),
        target=answer.values,
        task=answer.task,
        classes=answer.classes,
        target_names=answer.names,
        notes=answer.notes,
        split=make_split(90, split, **keys.of(np.arange(90))),
        split_settings=split,
        split_keys=keys,
    )


def pixels_of(data: Dataset) -> Pixels:
    assert isinstance(data.source, Pictures)
    return data.source.pixels


@pytest.mark.parametrize("folds", [None, 3])
def test_folds_of_pictures(folds: int | None) -> None:
    data = pictures()
    fold = data.fold(1 if folds else 0, folds)
    assert len(fold.rows_train) == (54 if folds is None else 48)
    assert fold.x_train.shape == (len(fold.rows_train), *fold.inputs.sample)
    raw = pixels_of(data)
    means = raw[fold.rows_train].mean(axis=(0, 1)) / 255
    for x, rows in ((fold.x_train, fold.rows_train), (fold.x_dev, fold.rows_dev)):
        assert x.dtype == fold.inputs.dtype and x.flags.c_contiguous
        np.testing.assert_allclose(x, raw[rows] / 255 - means, atol=1e-6)
    assert fold.y_train.shape[1] == data.n_outputs == fold.target.n_outputs == 3


def test_whole_outer_and_without_test_part() -> None:
    data = pictures()
    assert len(data.train_dev_fold().x_train) == len(data.split.train) + len(data.split.dev)
    outer = outer_fold(data, 1, 3)
    assert outer.fold().x_train.shape[1:] == (4, 3) and len(outer.test) == 30
    assert not len(without_test(data).split.test)


def test_no_other_row_reaches_the_training() -> None:
    data = pictures()
    fold = data.fold()
    spoilt = pixels_of(data).copy()
    spoilt[[*data.split.dev, *data.split.test]] = 255
    after = replace(data, source=Pictures(spoilt)).fold()
    assert np.array_equal(fold.x_train, after.x_train) and fold.inputs == after.inputs
    assert not np.array_equal(fold.x_dev, after.x_dev)


def test_parts_are_raw_rows() -> None:
    data = pictures()
    assert len(data) == 90 and data.n_features == 12
    assert data.dev.features.dtype == np.uint8
    assert np.array_equal(data.dev.features, pixels_of(data)[data.split.dev])


def test_the_fingerprint_goes_by_the_pixels() -> None:
    data, other = pictures(), pictures(seed=1)
    assert data.fingerprint == pictures().fingerprint
    assert data.fingerprint != replace(data, source=other.source).fingerprint


def test_inputs_survive_json() -> None:
    data = pictures()
    inputs = data.fold().inputs
    back = inputs_from_json(json.loads(json.dumps(inputs.to_json())))
    assert back == inputs
    assert np.array_equal(back.transform(data.test.features), inputs.transform(data.test.features))


def test_what_is_said_of_them() -> None:
    lines = pictures().describe().splitlines()
    assert lines[0] == "zoo: 90 rows, pictures of 4 × 3"
    assert lines[1].startswith("target   animal: multiclass classification, 3 classes (cat ")


def test_class_weights_go_by_the_target_alone() -> None:
    data = pictures()
    assert np.array_equal(class_weights("balanced", data), class_weights("balanced", data.fold()))


@pytest.mark.parametrize("name", ["features", "columns"])
def test_what_only_a_table_has(name: str) -> None:
    with pytest.raises(DataError, match=f"Only a table has `{name}`, but the rows of 'zoo' are a Pictures"):
        getattr(pictures(), name)
