"""Searchers propose configurations, stoppers end trials early; any method goes with any stopper.

    searcher = make_searcher("tpe", space, seed=0)
    stopper = make_stopper("hyperband", epochs=81, eta=3)

The contracts are in `base`. Each method and each stopper is one file, imported when it is asked for:

    methods/        what to try next
    stoppers/       which trials go on
    surrogate/      models of the score, which `bayes` and `tpe` search by
    experiments/    controlled experiments, and what a study's trials say about its hyperparameters
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from inspect import signature
from typing import Any

from paceline.errors import SettingsError, did_you_mean
from paceline.records import Params
from paceline.search.base import Clone, Cohort, Decision, Searcher, Stopper
from paceline.search.history import HistoryView
from paceline.space import Space

__all__ = [
    "METHODS",
    "STOPPERS",
    "Clone",
    "Cohort",
    "Decision",
    "HistoryView",
    "Searcher",
    "Stopper",
    "check_objectives",
    "make_searcher",
    "make_stopper",
    "searcher_type",
]

_SEARCHERS = {
    "manual": "methods.manual:manual",
    "grid": "methods.listed:Grid",
    "random": "methods.random:Random",
    "sobol": "methods.sobol:Sobol",
    "coarse_to_fine": "methods.coarse_to_fine:CoarseToFine",
    "tpe": "methods.tpe:Tpe",
    "genetic": "methods.genetic:Genetic",
    "evolution": "methods.genetic:Evolution",
    "cmaes": "methods.cmaes:CmaEs",
    "differential": "methods.differential:Differential",
    "bayes": "methods.bayes:Bayes",
    "population": "methods.population:Population",
}

_STOPPERS = {
    "none": "stoppers.no_stopping:NoStopping",
    "median": "stoppers.median:Median",
    "halving": "stoppers.halving:Halving",
    "hyperband": "stoppers.halving:Hyperband",
    "patience": "stoppers.patience:Patience",
    "asha": "stoppers.asha:Asha",
    "curve": "stoppers.curve:Curve",
}

METHODS: tuple[str, ...] = tuple(_SEARCHERS)
"""Names that `make_searcher` knows."""

STOPPERS: tuple[str, ...] = tuple(_STOPPERS)
"""Names that `make_stopper` knows."""


def make_searcher(method: str, space: Space, *, seed: int, first: Sequence[Params] = (), **options: Any) -> Searcher:
    """A method by name.

    Args:
        method: one of `METHODS`.
        space: where to search.
        seed: the study's seed; only methods that draw a fixed sequence (`sobol`) use it.
        first: configurations to try before the method's own, e.g. the default one.
        options: the method's own, see its class.

    Raises:
        SettingsError: an unknown method or option, or an option out of its range.
        SpaceError: a configuration of `first` isn't in the space, or the method can't search the space.
    """
    make = _known("method", method, _SEARCHERS, options, given=("space", "seed"))
    searcher: Searcher = make(space, seed=seed, **options)
    if not first:
        return searcher
    from paceline.search.methods.initial_points import InitialPoints

    return InitialPoints(searcher, first)


def searcher_type(method: str) -> type[Searcher]:
    """The class of a method by name, for what its attributes say of the method before there is a searcher.

    Of `manual`, whose options choose between two classes, it is `Searcher`: what they share.

    Raises:
        SettingsError: an unknown method.
    """
    made = _attribute("method", method, _SEARCHERS)
    return made if isinstance(made, type) else Searcher


def make_stopper(name: str, *, epochs: int, **options: Any) -> Stopper:
    """A stopper by name.

    Args:
        name: one of `STOPPERS`.
        epochs: epochs of a whole training; sets the defaults of some options.
        options: the stopper's own, see its class.

    Raises:
        SettingsError: an unknown stopper or option, or an option out of its range.
    """
    make = _known("stopper", name, _STOPPERS, options, given=("epochs",))
    stopper: Stopper = make(epochs=epochs, **options)
    return stopper


def _known(
    kind: str, name: str, known: dict[str, str], options: dict[str, Any], given: tuple[str, ...]
) -> Callable[..., Any]:
    make: Callable[..., Any] = _attribute(kind, name, known)
    own = [option for option in signature(make).parameters if option not in given]
    own += ["first"] if kind == "method" else []
    wrong = [f"{option!r}{did_you_mean(option, own)}" for option in options if option not in own]
    if wrong:
        raise SettingsError(f"{kind.capitalize()} {name!r} has no option " + " And none ".join(wrong))
    return make


def _attribute(kind: str, name: str, known: dict[str, str]) -> Any:
    """What a name stands for, imported from its module."""
    if name not in known:
        raise SettingsError(f"There is no {kind} {name!r}{did_you_mean(name, known)}")
    module, _, attribute = known[name].partition(":")
    return getattr(import_module(f"paceline.search.{module}"), attribute)


def check_objectives(method: str, count: int) -> None:
    """Raises a SettingsError if a method can keep only one thing low and there are more."""
    if count > 1 and searcher_type(method).single_objective:
        raise SettingsError(
            f"Method {method!r} copies the best by the metric alone, so there must be 1 objective, but got {count}; "
            "choose another method, e.g. 'bayes' or 'genetic'."
        )
