"""Studies that the tests of this folder share."""

import sys
from pathlib import Path

import pytest

from paceline.data import Dataset, load
from paceline.study import Study

sys.path.insert(0, str(Path(__file__).resolve().parent))  # small_studies, kill_study

from small_studies import hyperband_study


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load("digits")


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """60 trials under Hyperband that nothing interrupted, in a folder. Read only: tests must not change it."""
    return hyperband_study(tmp_path_factory.mktemp("whole") / "study")


@pytest.fixture
def telling_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress after every round of the loop, so that a callback sees a study of a second from near."""
    monkeypatch.setattr("paceline.study.loop.WAIT_SECONDS", 0.001)
