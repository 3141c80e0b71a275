"""YAML as people mean it: numbers are numbers, `no` is a word, a key stands once, and each value knows its line.

PyYAML follows YAML 1.1, where 1e-5 is a text, `off` is false, 1:30 is ninety and 010 is eight. The reader here keeps
to the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema). The writer quotes any text that either
version would read as something else.
"""

import re
from typing import Any, TypeAlias

import yaml

from paceline.errors import SettingsError

Lines: TypeAlias = dict[tuple[str, ...], int]
"""Path of a value -> its line, counted from 1."""

_FLOAT = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
_PATTERNS = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", rf"{_FLOAT}|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", list("-+0123456789.")),
)


class _Reader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2."""


class _Writer(yaml.SafeDumper):
    """SafeDumper that also quotes texts which are numbers in YAML 1.2."""


def _int(loader: _Reader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


def _text(writer: _Writer, text: str) -> yaml.ScalarNode:
    """PyYAML folds Unicode's own line ends away unless they are written as escapes, within double quotes."""
    style = '"' if any(end in text for end in "\x85\u2028\u2029") else None
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Reader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in _PATTERNS:
    for _class in (_Reader, _Writer):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)
_Reader.add_constructor("tag:yaml.org,2002:int", _int)
_Writer.add_representer(str, _text)


def read_yaml(text: str, source: str) -> tuple[Any, Lines]:
    """The data of one YAML document, and the line of each value in it.

    Args:
        text: the document; nothing in it is executed.
        source: what it is called in errors.

    Raises:
        SettingsError: with the line, where it isn't YAML, a key stands twice, or a value contains itself.
    """
    try:
        reader = _Reader(text)
        node = reader.get_single_node()
    except yaml.YAMLError as error:
        raise _not_yaml(error, source) from None
    lines: Lines = {}
    if node is None:
        return None, lines
    _walk(node, (), (), lines, source)
    try:
        return reader.construct_document(node), lines
    except (yaml.YAMLError, ValueError) as error:
        raise _not_yaml(error, source) from None


def _not_yaml(error: Exception, source: str) -> SettingsError:
    """The error as one sentence, with its line where it has one."""
    if isinstance(error, yaml.MarkedYAMLError) and (mark := error.problem_mark or error.context_mark):
        return SettingsError(f"{source}, line {mark.line + 1}: this isn't YAML, because {error.problem}.")
    return SettingsError(f"{source}: this isn't YAML, because of {' '.join(str(error).split())}.")


def write_yaml(data: Any) -> str:
    """JSON data as YAML that `read_yaml` reads back equal; keys keep their order."""
    text: str = yaml.dump(data, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=110)
    return text


def _walk(node: yaml.Node, path: tuple[str, ...], above: tuple[int, ...], lines: Lines, source: str) -> None:
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if id(node) in above:
        raise SettingsError(f"{source}, line {line}: a value must not contain itself, but {'.'.join(path)!r} does.")
    inside = (*above, id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*path, str(index)), inside, lines, source)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, item in node.value:
            name = str(key.value)
            line = key.start_mark.line + 1
            if name in seen:
                raise SettingsError(f"{source}, line {line}: a key must stand once, but {name!r} is there twice.")
            seen.add(name)
            lines[(*path, name)] = line
            _walk(item, (*path, name), inside, lines, source)
