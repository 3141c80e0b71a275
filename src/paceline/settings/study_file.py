"""Reading and writing study files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paceline.errors import SettingsError
from paceline.settings.models import StudySettings, WrongSettings
from paceline.settings.names import OTHER_NAMES, OTHER_SPLIT_NAMES
from paceline.settings.yaml_text import Lines, read_yaml, write_yaml


def load_settings(path: str | Path) -> StudySettings:
    """The settings of a study file (YAML, of which JSON is a part).

    Raises:
        SettingsError: a file that can't be read, or one sentence for each wrong setting, with its line.
    """
    source = str(path)
    values, lines = _mapping(path)
    try:
        return StudySettings(**values)
    except WrongSettings as error:
        raise SettingsError(" ".join(_placed(error.faults, lines, source))) from None


def load_mapping(path: str | Path) -> dict[str, Any]:
    """A YAML file of names and values that is no whole study file, e.g. a search space by itself.

    Raises:
        SettingsError: a file that can't be read, or holds something else.
    """
    return _mapping(path)[0]


def dump_settings(settings: StudySettings) -> str:
    """The settings as the text of a study file; what isn't set (None) is left out."""
    return write_yaml({name: value for name, value in settings.to_dict().items() if value is not None})


def _mapping(path: str | Path) -> tuple[dict[str, Any], Lines]:
    source = str(path)
    data, lines = read_yaml(_text(Path(path)), source)
    if not isinstance(data, Mapping):
        raise SettingsError(f"{source}: the file must be a mapping of names to values, but holds {data!r}.")
    for key in data:
        if not isinstance(key, str):
            raise SettingsError(f"{source}: a name must be a text, but got {key!r}.")
    return dict(data), lines


def _text(path: Path) -> str:
    try:
        return path.expanduser().read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SettingsError(f"There must be a file at {str(path)!r}, but there is none.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"A settings file must be UTF-8 text, but {str(path)!r} is not.") from None
    except OSError as error:
        raise SettingsError(f"A settings file must be readable, but {str(path)!r} is not: {error.strerror}.") from None


def _placed(faults: Mapping[tuple[str, ...], str], lines: Lines, source: str) -> list[str]:
    """The sentences in the order of the file, each after its line."""
    usual = OTHER_NAMES | OTHER_SPLIT_NAMES
    known = {tuple(usual.get(name, name) for name in path): line for path, line in lines.items()}
    placed = sorted((known.get(path, 0), text) for path, text in faults.items())
    return [f"{source}, line {line}: {text}" if line else f"{source}: {text}" for line, text in placed]
