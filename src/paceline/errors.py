"""Every error that Paceline raises on purpose, in one tree.

    PacelineError
    ├── UserError                 the request can't be met as it stands; CLI exit code 2
    │   ├── DataError             a file, table, target or split
    │   ├── SpaceError            a search space or one of its parameters
    │   ├── HyperparameterError   a knob of a trial
    │   ├── SettingsError         a study file or an argument of `tune`
    │   ├── StudyError            a study folder: missing, locked, foreign, finished
    │   ├── ModelError            a saved model, or rows it can't predict
    │   └── MissingExtraError     an optional dependency isn't installed
    └── EngineError               our own fault: a program that can't be compiled or run

A message is a small lesson in one sentence: the rule, the value, and the nearest right name.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class PacelineError(Exception):
    """Base of all errors raised on purpose."""


class UserError(PacelineError, ValueError):
    """The user's request can't be met as it stands; the message says how to mend it."""


class DataError(UserError):
    """A file, table, target or split that can't be used."""


class SpaceError(UserError):
    """A search space, or a parameter of it, that breaks a rule."""


class HyperparameterError(UserError):
    """A hyperparameter of a trial that breaks a rule."""


class SettingsError(UserError):
    """A study file, or an argument of a public function, that breaks a rule."""


class StudyError(UserError):
    """A study that is missing, locked, foreign or already finished."""


class NoStudyError(StudyError):
    """A database in which no study was begun."""


class ModelError(UserError):
    """A saved model that can't be read, or rows that it can't predict."""


class MissingExtraError(UserError):
    """An optional dependency is needed and isn't installed."""


class EngineError(PacelineError):
    """A fault of Paceline itself."""


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """The end of an error sentence that names the nearest known name, or lists the known ones.

    >>> did_you_mean("leraning_rate", ["learning_rate", "momentum"])
    "; did you mean 'learning_rate'?"
    >>> did_you_mean("zzz", ["adam", "sgd"])
    '; known: adam, sgd.'
    """
    known = list(known)
    if not known:
        return "."
    return nearest(name, known) or f"; known: {', '.join(known)}."


def nearest(name: object, known: Iterable[str]) -> str:
    """The end of an error sentence that names the nearest known name; "" where none is near.

    >>> nearest("leraning_rate", ["learning_rate", "momentum"]), nearest("zzz", ["adam"])
    ("; did you mean 'learning_rate'?", '')
    """
    near = get_close_matches(str(name), list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""
