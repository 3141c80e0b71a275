"""What all tests share: how hypothesis looks for counter-examples, compiled programs, and where development data lie.

Hypothesis draws the same examples in every run, so that a red run is red again; to look further afield, run
`HYPOTHESIS_PROFILE=explore pytest tests/laws`.
"""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from paceline.pack.programs import Programs

ROOT = Path(__file__).resolve().parent.parent

# All workers, all processes that tests start, and later runs share one store of compiled programs. A stored program's
# name holds the source of the engine, so an edited engine never meets an old one.
PROGRAMS = ROOT / ".cache" / "programs"
os.environ.setdefault("PACELINE_CACHE", str(PROGRAMS))

settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of development data beside the checkout; the test is skipped where there is none."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"development data are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def program_folder() -> Path:
    """Where compiled programs are stored."""
    return Path(os.environ["PACELINE_CACHE"])


@pytest.fixture(scope="session")
def programs(program_folder: Path) -> Programs:
    """The compiled programs that the tests of a worker share."""
    return Programs(program_folder)
