"""The public list is the namespace, every name on it has one home, and importing it is cheap."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import paceline

HEAVY = ("jax", "pandas", "plotly", "pydantic", "scipy", "sklearn", "sqlalchemy", "torch", "typer")


def test_list_is_sorted_and_without_repeats() -> None:
    assert paceline.__all__ == sorted(set(paceline.__all__))


@pytest.mark.parametrize("name", paceline.__all__)
def test_every_name_is_that_of_its_home(name: str) -> None:
    home = import_module(paceline._MODULE_OF[name])
    assert getattr(paceline, name) is getattr(home, name)


def test_list_equals_namespace() -> None:
    for name in paceline._MODULE_OF:
        getattr(paceline, name)
    found = {
        name
        for name, value in vars(paceline).items()
        if not name.startswith("_")
        and not isinstance(value, ModuleType)
        and getattr(value, "__module__", "").startswith("paceline")
    }
    assert found == set(paceline.__all__)
    assert set(paceline.__all__) <= set(dir(paceline))


def test_type_checkers_see_the_same_list() -> None:
    source = Path(str(paceline.__file__)).read_text(encoding="utf-8")
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    seen = {
        alias.name: node.module
        for node in imports
        if node.module is not None and node.module.startswith("paceline.")
        for alias in node.names
    }
    assert seen == paceline._MODULE_OF


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'tuna'"):
        paceline.tuna  # noqa: B018 - touching it is the test


def test_import_is_quick_and_loads_nothing_heavy() -> None:
    program = (
        "import sys, time; start = time.perf_counter(); import paceline; "
        f"print(time.perf_counter() - start, *[name for name in {HEAVY} if name in sys.modules])"
    )
    runs = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(3)
    ]
    assert runs[0][1:] == []
    assert min(float(run[0]) for run in runs) < 0.3


def test_every_folder_is_a_package() -> None:
    """Without `__init__.py` a folder still imports, but import-linter doesn't see it and its contracts hold in vain."""
    root = Path(str(paceline.__file__)).parent
    bare = {file.parent.name for file in root.rglob("*.py") if not (file.parent / "__init__.py").exists()}
    assert not bare
