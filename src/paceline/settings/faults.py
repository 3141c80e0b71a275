"""What pydantic found, as sentences for people: the setting's name, its rule, the value, the near name.

The rule is derived from the field's own type and limits, so that it is written down once, where the field is.
"""

from collections.abc import Iterable, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from annotated_types import Ge, Gt, Lt, MinLen
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from paceline.errors import did_you_mean

Path: TypeAlias = tuple[str, ...]
"""Names from the top of the settings down to one value, e.g. ("split", "validation")."""

NAMES: dict[Any, str] = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}


def faults(model: type[BaseModel], values: Mapping[str, Any], error: ValidationError) -> dict[Path, str]:
    """Path of each wrong setting -> a sentence on it; a setting is named once, however many rules it breaks."""
    found: dict[Path, str] = {}
    for detail in error.errors(include_url=False, include_context=False):
        loc = [str(part) for part in detail["loc"]]
        owner, path = _owner(model, loc)
        name = ".".join(path)
        field = owner.model_fields.get(path[-1])
        if field is None:
            text = f"{name!r} is not a setting{did_you_mean(path[-1], owner.model_fields)}"
        elif get_origin(field.annotation) is dict and len(loc) > len(path):
            path = (*path, loc[len(path)])
            text = _broken(".".join(path), get_args(field.annotation)[1], (), _at(values, path))
        elif get_origin(field.annotation) is list and len(loc) > len(path):
            item = _at(values, path)[int(loc[len(path)])]
            text = _broken(name, get_args(field.annotation)[0], (), item)
        else:
            text = _broken(name, field.annotation, field.metadata, _at(values, path))
        found.setdefault(path, text)
    return found


def rule_of(annotation: Any, limits: Iterable[Any] = ()) -> str:
    """What a value of a type must be, in words.

    >>> rule_of(Literal["best", "last"] | None)
    "'best' or 'last'"
    >>> rule_of(Annotated[int, Ge(2)] | str)
    'a whole number of at least 2 or a text'
    """
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return rule_of(parts[0], [*limits, *parts[1:]])
    if origin in (Union, UnionType):
        return " or ".join(rule_of(part, limits) for part in parts if part is not NoneType)
    if origin is Literal:
        return " or ".join(map(repr, parts))
    if origin is list:
        return "a list of texts"
    if annotation in NAMES:
        return NAMES[annotation] + _in_words(limits)
    return "a mapping" + _in_words(limits)


def _owner(model: type[BaseModel], loc: list[str]) -> tuple[type[BaseModel], Path]:
    """The model whose field a location names, and the path of that field."""
    field = model.model_fields.get(loc[0])
    inner = None if field is None else field.annotation
    if len(loc) > 1 and isinstance(inner, type) and issubclass(inner, BaseModel):
        owner, path = _owner(inner, loc[1:])
        return owner, (loc[0], *path)
    return model, (loc[0],)


def _at(values: Any, path: Path) -> Any:
    for part in path:
        values = values[part] if isinstance(values, Mapping) else getattr(values, part)
    return values


def _broken(name: str, annotation: Any, limits: Iterable[Any], value: Any) -> str:
    options = _options(annotation)
    if options and isinstance(value, str):
        return f"{name!r} can't be {value!r}{did_you_mean(value, options)}"
    return f"{name!r} must be {rule_of(annotation, limits)}, but got {value!r}."


def _options(annotation: Any) -> list[str]:
    """The texts that a setting chooses from; empty for other settings."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [option for part in get_args(annotation) if part is not NoneType for option in _options(part)]


def _in_words(limits: Iterable[Any]) -> str:
    flat = [one for limit in limits for one in (limit.metadata if isinstance(limit, FieldInfo) else [limit])]
    words = []
    for limit in flat:
        if isinstance(limit, Ge):
            words.append(f"of at least {limit.ge}")
        elif isinstance(limit, Gt):
            words.append(f"above {limit.gt}")
        elif isinstance(limit, Lt):
            words.append(f"below {limit.lt}")
        elif isinstance(limit, MinLen):
            words.append("that isn't empty")
    return "".join(f" {word}" for word in [" and ".join(words)] if word)
