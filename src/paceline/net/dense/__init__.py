"""The dense net (multilayer perceptron), as a family."""

from paceline.net.dense.family import DENSE

__all__ = ["DENSE"]
