"""What a table is made of: columns of four kinds and a target of one of four tasks."""

from dataclasses import dataclass
from enum import StrEnum

Label = str | int | float | bool
"""A class as the user wrote it."""

KINDS = ("numeric", "category", "boolean", "date")


class Task(StrEnum):
    """What is to be predicted."""

    BINARY = "binary"  # one of two classes: one output
    CLASSES = "classes"  # one of C classes: C outputs
    MULTILABEL = "multilabel"  # any of C labels, several at once: C outputs
    REGRESSION = "regression"  # one or more numbers: an output each


def count_outputs(task: Task, classes: tuple[Label, ...], names: tuple[str, ...]) -> int:
    """Outputs of a net: 1 for binary, C for classes and labels, one a target (of these names) in regression."""
    if task is Task.BINARY:
        return 1
    return len(names) if task is Task.REGRESSION else len(classes)


@dataclass(frozen=True, slots=True)
class Column:
    """A feature as the user's table has it, before it is encoded.

    Attributes:
        name: its name.
        kind: "numeric", "category", "boolean" or "date".
        note: what was inferred or changed in it; "" if nothing.
        format: how dates given as text are written ("ISO8601" or a strptime pattern); "" for other kinds.
    """

    name: str
    kind: str
    note: str = ""
    format: str = ""


def several(items: list[str], limit: int = 5) -> str:
    """Names in a sentence: the first few, then how many more.

    >>> several(["a", "b"])
    "'a', 'b'"
    >>> several(["a", "b", "c"], limit=2)
    "'a', 'b' and 1 more"
    """
    shown = ", ".join(repr(item) for item in items[:limit])
    return shown if len(items) <= limit else f"{shown} and {len(items) - limit} more"
