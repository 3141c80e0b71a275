"""Numbers, times and configurations as people read them."""

import math
from collections.abc import Mapping
from typing import Any


def number(value: Any) -> str:
    """Four significant digits; whole numbers with separators.

    >>> number(0.0742315), number(13611), number(None), number(1e-5), number(52714.93)
    ('0.07423', '13,611', '–', '1e-05', '52,715')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float) and abs(value) < 1000:
        return f"{value:.4g}"
    return f"{value:,.0f}" if isinstance(value, int | float) and math.isfinite(value) else str(value)


def whole_number(value: float) -> str:
    """A number that may be a count: all its digits if it is whole.

    >>> whole_number(7114.0), whole_number(0.98)
    ('7,114', '0.98')
    """
    return number(int(value) if math.isfinite(value) and value == int(value) else value)


def count(items: int, thing: str) -> str:
    """
    >>> count(1, "trial"), count(1200, "trial")
    ('1 trial', '1,200 trials')
    """
    return f"{items:,} {thing}{'' if items == 1 else 's'}"


def clock(seconds: float) -> str:
    """
    >>> clock(83.4), clock(3725)
    ('1:23', '1:02:05')
    """
    minutes, rest = divmod(int(max(seconds, 0.0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def setting(value: Any) -> str:
    """A hyperparameter's value without blanks, so that a line isn't broken in it.

    >>> setting(0.00312345), setting([64, 32]), setting(True), setting(None), setting(2048)
    ('0.003123', '[64,32]', 'true', 'none', '2048')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{','.join(setting(item) for item in value)}]"
    return "none" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def assignments(params: Mapping[str, Any]) -> str:
    """
    >>> assignments({"optimizer": "adam", "units": [64, 32]})
    'optimizer=adam  units=[64,32]'
    """
    return "  ".join(f"{name}={setting(value)}" for name, value in params.items())
