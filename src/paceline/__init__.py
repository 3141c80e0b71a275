"""Paceline trains the hyperparameter trials of deep networks together and hands over the best as a plain model.

    import paceline as pl

The public list is `__all__`. A name is looked up in its module when it is first touched, so that importing
Paceline stays quick and loads neither JAX nor pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paceline.data import Dataset, load
    from paceline.errors import (
        DataError,
        EngineError,
        HyperparameterError,
        MissingExtraError,
        ModelError,
        PacelineError,
        SettingsError,
        SpaceError,
        StudyError,
        UserError,
    )
    from paceline.minimum import Minimum, minimize
    from paceline.model import Model, load_model
    from paceline.net import default_space
    from paceline.records import History, Status, Trial
    from paceline.runs import Run, train, train_many
    from paceline.space import Choice, Fixed, Float, Int, Space
    from paceline.study import NestedStudy, Study, load_study, resume, tune

__version__ = "0.1.0"

__all__ = [
    "Choice",
    "DataError",
    "Dataset",
    "EngineError",
    "Fixed",
    "Float",
    "History",
    "HyperparameterError",
    "Int",
    "Minimum",
    "MissingExtraError",
    "Model",
    "ModelError",
    "NestedStudy",
    "PacelineError",
    "Run",
    "SettingsError",
    "Space",
    "SpaceError",
    "Status",
    "Study",
    "StudyError",
    "Trial",
    "UserError",
    "default_space",
    "load",
    "load_model",
    "load_study",
    "minimize",
    "resume",
    "train",
    "train_many",
    "tune",
]

_HOMES = {
    "data": ("Dataset", "load"),
    "errors": (
        "DataError",
        "EngineError",
        "HyperparameterError",
        "MissingExtraError",
        "ModelError",
        "PacelineError",
        "SettingsError",
        "SpaceError",
        "StudyError",
        "UserError",
    ),
    "minimum": ("Minimum", "minimize"),
    "model": ("Model", "load_model"),
    "net": ("default_space",),
    "records": ("History", "Status", "Trial"),
    "runs": ("Run", "train", "train_many"),
    "space": ("Choice", "Fixed", "Float", "Int", "Space"),
    "study": ("NestedStudy", "Study", "load_study", "resume", "tune"),
}
_MODULE_OF = {name: f"{__name__}.{module}" for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Look a public name up in its module and keep it (PEP 562)."""
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *globals()})
