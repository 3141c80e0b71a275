"""Lists for `--help`: search methods, stoppers, metrics and hyperparameters, a line each."""

from collections.abc import Mapping
from typing import Any

from paceline.errors import SettingsError, did_you_mean
from paceline.knobs import Knob

METHODS = {
    "auto": "bayes, or tpe for more than 1000 trials",
    "bayes": "Bayesian optimisation with a Gaussian process",
    "tpe": "tree-structured Parzen estimator",
    "random": "random search",
    "sobol": "Sobol sequence (quasi-random search)",
    "grid": "grid search",
    "coarse_to_fine": "random search in ranges that shrink round by round",
    "genetic": "genetic algorithm",
    "evolution": "regularised evolution",
    "cmaes": "CMA-ES (covariance matrix adaptation)",
    "differential": "differential evolution",
    "population": "population-based training",
    "manual": "a list of configurations, or controlled experiments",
}
STOPPERS = {
    "hyperband": "successive halving in several brackets",
    "halving": "successive halving",
    "asha": "asynchronous successive halving",
    "median": "stops trials that are worse than the median of the others",
    "curve": "stops trials whose extrapolated learning curve isn't promising",
    "patience": "stops trials that don't improve for some epochs",
    "none": "no early stopping of trials",
}
METRICS = {
    "error": "fraction of wrong predictions",
    "accuracy": "fraction of correct predictions",
    "balanced_accuracy": "mean recall over the classes",
    "f1": "F1 score (macro average for several classes)",
    "auc": "area under the ROC curve",
    "log_loss": "cross-entropy",
    "loss": "loss that is trained on, without penalties",
    "rmse": "root mean square error",
    "mae": "mean absolute error",
    "r2": "coefficient of determination",
}


def help_epilog() -> str:
    """The lists below the options of `paceline tune --help`; `\\b` keeps their lines."""
    parts = [
        ("Search methods (--method)", METHODS),
        ("Stoppers (--stopper)", STOPPERS),
        ("Metrics (--metric)", METRICS),
    ]
    listed = [f"\b\n{title}:\n{columns(rows)}" for title, rows in parts]
    return "\n\n".join([*listed, "Hyperparameters (--param, --space): see `paceline knobs`."])


def columns(rows: Mapping[str, str]) -> str:
    """
    >>> print(columns({"a": "first", "bcd": "second"}))
      a    first
      bcd  second
    """
    width = max(map(len, rows))
    return "\n".join(f"  {name:<{width}}  {words}" for name, words in rows.items())


def one_knob(name: str, knobs: Mapping[str, Knob], defaults: Any) -> str:
    """Meaning, range and default of a hyperparameter.

    Raises:
        SettingsError: there is no such hyperparameter.
    """
    if name not in knobs:
        raise SettingsError(f"there is no hyperparameter {name!r}{did_you_mean(name, knobs)}")
    rows = {"meaning": knobs[name].meaning, "values": knobs[name].rule, "default": value_words(getattr(defaults, name))}
    return f"{name}\n{columns(rows)}"


def all_knobs(knobs: Mapping[str, Knob], defaults: Any) -> str:
    """A line for each hyperparameter: name, default, meaning."""
    shown = {name: value_words(getattr(defaults, name)) for name in knobs}
    width = max(map(len, shown.values()))
    return columns({name: f"{shown[name]:<{width}}  {knob.meaning}" for name, knob in knobs.items()})


def value_words(value: Any) -> str:
    """
    >>> value_words(None), value_words(()), value_words(0.001), value_words("adam"), value_words(False)
    ('none', '[]', '0.001', 'adam', 'false')
    """
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else "[]" if value == () else str(value)
