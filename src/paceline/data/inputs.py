"""`Inputs`: how raw rows become the arrays that a net reads. One class for each kind of data; tables are one.

    inputs = source.fit(layout, rows_train, standardize)      numbers are learnt from the train rows only
    inputs.transform(rows)                                    (n, *inputs.sample), of inputs.dtype
    inputs_from_json(inputs.to_json())                        transforms equally

The inputs travel with the model as JSON, so a raw row is encoded years later exactly as it was in training. A new kind
is a class of its own under `@register_inputs`, beside its `Source`; nothing else needs to know of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from numpy.typing import NDArray

from paceline.errors import ModelError, did_you_mean


class Inputs(ABC):
    """A fitted transform from raw rows to arrays.

    Attributes:
        kind: the word for this kind of data in a saved model, e.g. "table".
    """

    kind: ClassVar[str]

    @property
    @abstractmethod
    def sample(self) -> tuple[int, ...]:
        """The shape of one row's array, e.g. (features,)."""

    @property
    @abstractmethod
    def dtype(self) -> str:
        """The type of the arrays, as numpy names it, e.g. "float32"."""

    @abstractmethod
    def transform(self, rows: Any) -> NDArray[Any]:
        """(n, *sample) of `dtype`, C-contiguous.

        Args:
            rows: what the kind's `Source.take` returns, or the other forms of raw rows that the kind allows.

        Raises:
            DataError: the rows don't fit the rows of the training.
        """

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The inputs as plain JSON data, with "kind" among it."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: Mapping[str, Any]) -> Inputs:
        """The inputs that `to_json` wrote. For data of any kind there is `inputs_from_json`.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: a part is missing or damaged.
        """


Kind = TypeVar("Kind", bound=type[Inputs])

INPUT_KINDS: dict[str, type[Inputs]] = {}


def register_inputs(kind: Kind) -> Kind:
    """Class decorator: from then on `inputs_from_json` knows the class by its `kind`."""
    INPUT_KINDS[kind.kind] = kind
    return kind


def inputs_from_json(data: Mapping[str, Any]) -> Inputs:
    """The inputs that `to_json` of any registered kind wrote.

    Raises:
        ModelError: the kind is unknown, or a part is missing or damaged.
    """
    kind = str(data.get("kind"))
    if kind not in INPUT_KINDS:
        raise ModelError(f"There are no inputs of the kind {kind!r}{did_you_mean(kind, INPUT_KINDS)}")
    try:
        return INPUT_KINDS[kind].from_json(data)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"The model's inputs are damaged: {type(error).__name__} {error}.") from error
