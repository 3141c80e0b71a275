"""`Source`: the raw rows of a data set, whatever they are; rows of a table, for one.

    layout = source.plan(rows)                       which inputs a row becomes: from the split's train rows, once
    inputs = source.fit(layout, rows, standardize)   the numbers in them: from one fold's train rows
    inputs.transform(source.take(rows))              arrays

A `Dataset` adds what is the same for all kinds: target, task, split, folds and fingerprint.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from paceline.data.inputs import Inputs
from paceline.data.split import Rows

Layout = TypeVar("Layout")
"""What `plan` finds and `fit` is given; None for a kind whose inputs are the same whatever the rows hold."""


class Source(ABC, Generic[Layout]):
    """Raw rows, numbered from 0."""

    @abstractmethod
    def __len__(self) -> int:
        """The number of rows."""

    @property
    @abstractmethod
    def sample(self) -> tuple[int, ...]:
        """The shape of a raw row: (columns,) of a table, (height, width, channels) of pictures."""

    @property
    def n_features(self) -> int:
        """How many values a raw row has: columns of a table, numbers of a picture."""
        return math.prod(self.sample)

    @abstractmethod
    def take(self, rows: Rows) -> Any:
        """The raw rows of these numbers, in this order, as the kind's `Inputs.transform` reads them."""

    @abstractmethod
    def plan(self, rows: Rows) -> Layout:
        """Which inputs a row becomes; all folds of a data set share it, so that they share their nets' shapes.

        Args:
            rows: train rows of the split; what is planned depends on no other.
        """

    @abstractmethod
    def fit(self, layout: Layout, rows: Rows, standardize: str) -> Inputs:
        """The inputs of one fold.

        Args:
            layout: what `plan` found.
            rows: the fold's train rows; every number in the inputs is learnt from them and no other.
            standardize: "standard", "minmax", "robust" or "none".

        Raises:
            DataError: the kind has no such `standardize`.
        """

    @abstractmethod
    def content(self) -> Iterator[bytes]:
        """All that the rows hold, in bytes that are equal on every machine: what a fingerprint is taken of."""

    @abstractmethod
    def describe(self) -> str:
        """The features in a few words, e.g. "3 features (2 numeric, 1 date)"."""
