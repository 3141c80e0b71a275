"""What all parameters are: plain data, with maps between [0, 1] and their values.

A parameter is what the study file says, and knows the rule that a wrong value breaks and its list of values for a
grid. It doesn't know its own name; the Space does, so `problems(name)` hands back sentences and the Space raises
them all at once.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paceline.space.values import plain


@dataclass(frozen=True, kw_only=True)
class Parameter(ABC):
    """One value of a configuration, and when it has a meaning.

    Attributes:
        when: parent -> the parent's values that make this parameter active; all parents must hold.
        per: name of a counter parameter; the value is then a list with one entry per counted layer.
    """

    when: Mapping[str, Sequence[Any]] | None = None
    per: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.when, Mapping):
            conditions = {parent: _listed(values) for parent, values in self.when.items()}
            object.__setattr__(self, "when", conditions or None)

    @abstractmethod
    def problems(self, name: str) -> list[str]:
        """One sentence for each rule that the parameter breaks."""

    @abstractmethod
    def fault(self, value: Any) -> str | None:
        """The rule that a value breaks, as the end of "must be ...", or None."""

    @property
    @abstractmethod
    def count(self) -> int | None:
        """Number of values; None where it is infinite."""

    @property
    def is_numeric(self) -> bool:
        """Whether the order of the values means something."""
        return True

    @property
    def size(self) -> int:
        """Columns of a one-hot coding: 1, or the number of unordered choices."""
        return 1

    @property
    def default(self) -> Any:
        """The middle of the scale, or the first choice."""
        return self.from_unit(0.5)

    @abstractmethod
    def from_unit(self, u: float) -> Any:
        """The value at u in [0, 1]; u outside is cut to it."""

    @abstractmethod
    def to_unit(self, value: Any) -> float:
        """The place of a valid value in [0, 1]."""

    def draw(self, u: float) -> Any:
        """The value that a uniform draw u stands for: `from_unit`, but by the weights of the choices."""
        return self.from_unit(u)

    @abstractmethod
    def cut(self, points: int) -> Iterable[Any]:
        """The values of a grid; continuous ranges are cut in `points`."""

    @abstractmethod
    def narrowed(self, name: str, to: Any) -> "Parameter":
        """The same parameter on a part of its values."""

    @abstractmethod
    def own_fields(self) -> dict[str, Any]:
        """The part of `to_dict` that belongs to the kind."""

    def to_dict(self) -> dict[str, Any]:
        """The long form of the study file, as JSON data."""
        result = self.own_fields()
        if self.when:
            result["when"] = plain(self.when)
        if self.per is not None:
            result["per"] = self.per
        return result


def _listed(values: Any) -> Any:
    """A condition's values as a tuple; a scalar is a list of one."""
    values = plain(values)
    return tuple(values) if isinstance(values, list) else (values,)
