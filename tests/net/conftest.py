"""Programs for the tests of this folder, stored in a folder of the test session instead of the user's."""

import sys
from pathlib import Path

import pytest

from paceline.pack.programs import Programs

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "laws"))  # tiny_trials


@pytest.fixture(scope="session")
def program_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where compiled programs are stored; the folders that have this fixture share one."""
    return tmp_path_factory.getbasetemp() / "programs"


@pytest.fixture(scope="session")
def programs(program_folder: Path) -> Programs:
    return Programs(program_folder)
