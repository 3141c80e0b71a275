"""Lets the tests of this folder import `tiny_trials` of the laws by its plain name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "laws"))
