"""Kinds of nets, each a family in a folder of its own; `base` says what a family is, `registry` finds it by name."""

from paceline.net.base import Arguments, Family, Key, Masks, Size, Spec, Variables
from paceline.net.registry import default_space, family, family_names, register

__all__ = [
    "Arguments",
    "Family",
    "Key",
    "Masks",
    "Size",
    "Spec",
    "Variables",
    "default_space",
    "family",
    "family_names",
    "register",
]
