"""Texts from the command line as settings: numbers, shares, files, name=value pairs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from paceline.errors import SettingsError, StudyError
from paceline.settings import StudySettings, load_mapping, load_settings
from paceline.settings.yaml_text import read_yaml

RUNS = "runs"
DATABASE, NESTED = "study.db", "nested.json"


def value_of(text: str, option: str) -> Any:
    """A value as a study file would have it: 0.1, [64, 32], adam, true.

    >>> value_of("1e-3", "--param"), value_of("[64, 32]", "--param"), value_of("adam", "--param")
    (0.001, [64, 32], 'adam')
    """
    return read_yaml(text, f"{option} {text}")[0]


def pairs_of(texts: Sequence[str], option: str) -> dict[str, Any]:
    """`name=value` texts as a mapping.

    >>> pairs_of(["optimizer=adam", "dropout=0.1"], "--param")
    {'optimizer': 'adam', 'dropout': 0.1}
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise SettingsError(f"{option} must be given as name=value, but got {text!r}.")
        if name.strip() in found:
            raise SettingsError(f"{option} must name each thing once, but names {name.strip()!r} twice.")
        found[name.strip()] = value_of(value, option)
    return found


def part_of(text: str, option: str) -> Any:
    """The size of a set of rows, 0.2 or 1000, or the path of a file that holds it."""
    value = value_of(text, option)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return absolute(text)
    if not (0 < value < 1 or (value >= 0 and value == int(value))):
        raise SettingsError(f"{option} must be a fraction below 1, a number of rows or a file, but got {text}.")
    return value


def tune_settings(
    data: str,
    *,
    targets: Sequence[str],
    columns: Sequence[str],
    params: Sequence[str],
    split: Mapping[str, Any],
    space: Path | None,
    out: Path | None,
    **others: Any,
) -> StudySettings:
    """The settings of `paceline tune`; what is None or empty isn't set.

    Raises:
        SettingsError: one sentence for each wrong setting.
        StudyError: the folder already contains a study.
    """
    values: dict[str, Any] = {
        "data": absolute(data),
        "target": targets[0] if len(targets) == 1 else list(targets),
        "columns": pairs_of(columns, "--column"),
        "params": pairs_of(params, "--param"),
        "split": {name: value for name, value in split.items() if value is not None},
        "search": None if space is None else load_mapping(space),
        "out": str(out or default_folder(data)),
        **others,
    }
    empty: tuple[Any, ...] = (None, [], {})
    if space is not None and not values["search"]:
        raise SettingsError(f"a search space must hold at least one parameter, but {str(space)!r} holds none.")
    settings = StudySettings(**{name: value for name, value in values.items() if value not in empty})
    refuse_taken(settings)
    return settings


def file_settings(file: Path, out: Path | None) -> StudySettings:
    """The settings of a study file. Paths in it are looked for beside the file first, then where the user stands."""
    settings = load_settings(file)
    if settings.data is None:
        raise SettingsError(f"{str(file)!r} must say where the data are, as in `data: beans.csv`.")
    beside = file.expanduser().parent
    split = {
        part: absolute(value, beside) if isinstance(value, str) else value
        for part, value in settings.split.model_dump().items()
        if part in ("validation", "test")
    }
    settings = settings.changed(
        data=absolute(settings.data, beside),
        warm_start=None if settings.warm_start is None else absolute(settings.warm_start, beside),
        split=settings.split.model_dump() | split,
        out=str(out or settings.out or default_folder(settings.name or settings.data)),
    )
    refuse_taken(settings)
    return settings


def absolute(path: str, beside: Path | None = None) -> str:
    """A path of a file that is there without regard to where one stands; other texts (names of data sets) as given."""
    for folder in (beside, Path()):
        if folder is not None and path and (folder / Path(path).expanduser()).exists():
            return str((folder / Path(path).expanduser()).resolve())
    return path


def default_folder(data: str) -> Path:
    """Where a study is kept unless the user says so.

    >>> default_folder("tables/beans.csv.gz").as_posix()
    'runs/beans'
    """
    name = Path(data).name.removesuffix(".gz")
    return Path(RUNS) / (name.rsplit(".", 1)[0] or "study")


def refuse_taken(settings: StudySettings) -> None:
    """A new study needs a folder of its own; said before the data are read."""
    folder = Path(settings.out or "")
    if any((folder / name).exists() for name in (DATABASE, NESTED)):
        raise StudyError(
            f"folder {str(folder)!r} already contains a study; continue it with `paceline resume {folder}`, "
            "or choose another folder with --out."
        )
    if folder.exists() and not folder.is_dir():
        raise StudyError(f"the place of a study must be a folder, but {str(folder)!r} is a file.")
