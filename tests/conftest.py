"""What all tests share: how hypothesis looks for counter-examples, compiled programs, and where development data lie.

Hypothesis draws the same examples in every run, so that a red run is red again; to look further afield, run
`HYPOTHESIS_PROFILE=explore pytest tests/laws`.
"""

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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


# Tests that ask for these fixtures compile, whichever of them comes first.
COMPILING_FIXTURES = {"programs", "whole", "undisturbed"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for compiled programs bears the marker `compiles`."""
    for item in items:
        if COMPILING_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("compiles")


class Asked:
    """How often programs were asked for in this process; `Programs.get` tells it."""

    count = 0


def counted(get: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(get)
    def asked(*arguments: Any, **named: Any) -> Any:
        Asked.count += 1
        return get(*arguments, **named)

    return asked


Programs.get = counted(Programs.get)  # type: ignore[method-assign]


ASKED_BEFORE = pytest.StashKey[int]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[ASKED_BEFORE] = Asked.count  # before fixtures, which may train too


@pytest.fixture(autouse=True)
def compiles_only_where_marked(request: pytest.FixtureRequest) -> Iterator[None]:
    """`make check` runs what bears no marker `compiles`; a test that compiles and isn't marked would slow it down."""
    yield
    if Asked.count > request.node.stash[ASKED_BEFORE] and request.node.get_closest_marker("compiles") is None:
        pytest.fail("this test asks for a compiled program: mark it with @pytest.mark.compiles")


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
