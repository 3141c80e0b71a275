"""The checks that options of searchers and stoppers share; each failure is a SettingsError of one sentence."""

from paceline.errors import SettingsError


def check_int(name: str, value: object, least: int) -> int:
    """`value` as an int of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise SettingsError(f"Option {name!r} must be a whole number of at least {least}, but got {value!r}.")
    return value


def check_float(name: str, value: object, low: float, high: float = float("inf"), *, open_low: bool = False) -> float:
    """`value` as a float within [low, high], or (low, high] with `open_low`."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not low <= value <= high
        or (open_low and value == low)
    ):
        rule = f"{'above' if open_low else 'at least'} {low:g}" + (
            "" if high == float("inf") else f", at most {high:g}"
        )
        raise SettingsError(f"Option {name!r} must be a number {rule}, but got {value!r}.")
    return float(value)
