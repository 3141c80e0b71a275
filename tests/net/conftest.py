"""Lets the tests of this folder import the modules beside them, and `tiny_trials` of the laws, by their plain names."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "laws")]
