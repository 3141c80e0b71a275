"""Records that are kept as JSON: frozen dataclasses that write themselves as an object, and read what they wrote.

Record.to_json() -> {"key": ...}            nested records, tuples and dicts included
Record.from_json(document)                  tolerant: unknown keys are left out, missing ones take their default
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from types import UnionType
from typing import Any, Self, get_args, get_origin, get_type_hints


class Record:
    """A frozen dataclass that is written as a JSON object: one key a field."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        """The record as JSON data."""
        kind: Any = type(self)
        return {key: _plain(getattr(self, name)) for name, key in _keys(kind).items()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The record that `to_json` wrote, today or in an earlier version.

        Keys that no field has are left out. A field whose key is missing or null takes its default.

        Raises:
            TypeError, ValueError: the document isn't of that form.
        """
        record: Self = _read(cls, document)
        return record


@cache
def _keys(kind: Any) -> dict[str, str]:
    """Name of each field -> its key in JSON."""
    return {item.name: item.metadata.get("key", item.name) for item in fields(kind)}


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """Name of each field -> its type."""
    return get_type_hints(kind)


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _read(kind: Any, value: Any) -> Any:
    """JSON data as what a field of that type holds."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is UnionType:  # always of the form X | None
        return None if value is None else _read(parts[0], value)
    if isinstance(kind, type) and issubclass(kind, Record):
        return _read_record(kind, value)
    if origin is tuple:
        items = [parts[0]] * len(value) if parts[-1] is ... else parts
        return tuple(_read(part, item) for part, item in zip(items, value, strict=True))
    if origin is dict:
        return {str(key): _read(parts[1], item) for key, item in value.items()}
    return value


def _read_record(kind: Any, document: Any) -> Record:
    if not isinstance(document, Mapping):
        raise TypeError(f"{kind.__name__} is read from an object, but got {document!r}")
    hints = _hints(kind)
    given = {name: (hints[name], document.get(key)) for name, key in _keys(kind).items()}
    record: Record = kind(**{name: _read(hint, item) for name, (hint, item) in given.items() if item is not None})
    return record
