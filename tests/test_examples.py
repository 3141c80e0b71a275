"""The examples run, in a small form."""

from pathlib import Path
from runpy import run_path

import pytest

import paceline as pl

pytestmark = pytest.mark.compiles

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def test_tuning_by_hand_goes_through_its_steps(capsys: pytest.CaptureFixture[str]) -> None:
    tune_by_hand = run_path(str(EXAMPLES / "manual_dry_bean.py"))["tune_by_hand"]
    start = {"learning_rate": 1e-4, "momentum": 0.9, "layers": 1, "units": 16}
    steps = {"learning_rate": [1e-2, 1e9], "momentum": [0.5]}
    chosen = tune_by_hand(pl.load("digits"), start=start, steps=steps, epochs=3, repeats=3)
    told = capsys.readouterr().out
    assert chosen == start | {"learning_rate": 1e-2}
    assert "Change learning_rate to 0.01 next" in told
    assert "1000000000.0  unreliable: repeat 1: diverged in epoch 1" in told
    assert told.count("(base)") == 2
