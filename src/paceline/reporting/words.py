"""Numbers and values as words, and as JSON that every browser reads."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

NOTHING = "–"
METHOD_NAMES = {
    "bayes": "Bayesian",
    "tpe": "TPE",
    "sobol": "Sobol sequence",
    "coarse_to_fine": "coarse-to-fine",
    "genetic": "genetic algorithm",
    "evolution": "regularised evolution",
    "cmaes": "CMA-ES",
    "differential": "differential evolution",
    "population": "population-based training",
    "halving": "successive halving",
    "hyperband": "Hyperband",
    "median": "median rule",
    "asha": "ASHA",
    "curve": "curve extrapolation",
}  # of methods and stoppers whose setting is not their usual name
LONGEST_LABEL = 28


def number_text(number: float | None, digits: int = 4) -> str:
    """A number with so many significant digits; a dash for none and for NaN.

    >>> number_text(0.0123456), number_text(17), number_text(1e-5), number_text(None), number_text(float("nan"))
    ('0.01235', '17', '1e-5', '–', '–')
    """
    if number is None or number != number:
        return NOTHING
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    if isinstance(number, int | np.integer) or (float(number).is_integer() and abs(number) < 10**digits):
        return str(int(number))
    mantissa, e, exponent = f"{float(number):.{digits}g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def count_text(number: Any) -> str:
    """A count with its thousands apart; anything else as it is.

    >>> count_text(13611).split()
    ['13', '611']
    """
    if isinstance(number, int) and not isinstance(number, bool):
        return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return value_text(number)


def plural(number: int, noun: str) -> str:
    """
    >>> plural(1, "trial"), plural(2, "epoch"), plural(0, "class"), plural(3, "search")
    ('1 trial', '2 epochs', '0 classes', '3 searches')
    """
    many = f"{noun}es" if noun.endswith(("s", "rch")) else f"{noun}s"
    return f"{count_text(number)} {noun if number == 1 else many}"


def value_text(value: Any) -> str:
    """The value of a hyperparameter or setting, short enough for a table.

    >>> value_text([64, 32]), value_text(None), value_text(True), value_text(0.000123456), value_text({"a": 1})
    ('64, 32', 'none', 'yes', '0.0001235', 'a: 1')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {value_text(item)}" for key, item in value.items()) or NOTHING
    if isinstance(value, list | tuple):
        return ", ".join(f"({value_text(item)})" if isinstance(item, list) else value_text(item) for item in value)
    return str(value)


def method_name(setting: Any) -> str:
    """The usual name of a method or stopper.

    >>> method_name("hyperband"), method_name("random")
    ('Hyperband', 'random')
    """
    return METHOD_NAMES.get(str(setting), str(setting))


def label_text(value: Any) -> str:
    """A value as a label in a drawing: cut where it is long, and no markup to Plotly, which reads a kind of HTML.

    >>> label_text("<b>bold</b> & more")
    '&lt;b&gt;bold&lt;/b&gt; &amp; more'
    """
    text = value_text(value)
    text = text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def finite(value: Any) -> float | None:
    """The number, if it is a finite one."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    return None


def as_json(value: Any) -> Any:
    """Plain data with floats of six digits, which is more than a screen shows, and None for NaN and infinities."""
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return as_json(value.tolist())
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
