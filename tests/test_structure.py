"""How the package hangs together: who may import whom, that no kind of net is named where all are meant, no circles."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

import paceline

SOURCE = Path(paceline.__file__).parent
NET = SOURCE / "net"
FOR_EVERY_NET = ("training", "pack", "study", "store", "search", "reporting", "runs.py", "model.py")
WITH_A_DEFAULT_NET = ("runs.py", "study/public.py")
"""Where a function that users call may have a family's name as the default of an argument."""


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def modules() -> dict[str, Path]:
    """Dotted name -> file of every module of the package; a folder's name stands for its `__init__`."""
    found = {}
    for file in sorted(SOURCE.rglob("*.py")):
        parts = file.relative_to(SOURCE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below one, but what stands under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for other in child.orelse:
                yield other
                yield from statements(other)
            continue
        yield child
        yield from statements(child)


def imports(name: str) -> set[str]:
    """The modules of the package that a module imports, in functions too.

    `from package import part` is an import of the part where that is a module, else of the package's `__init__`. That
    importing a part runs the `__init__` of the folders above it doesn't count.
    """
    found = set()
    for node in statements(tree_of(modules()[name])):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name} line {node.lineno}: write the whole name, as in `from paceline.x import y`"
            parts = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            found |= {part if part in modules() else str(node.module) for part in parts.values()}
    return found & modules().keys()


def inside(name: str, folder: str) -> bool:
    return name == folder or name.startswith(f"{folder}.")


@pytest.mark.parametrize(("folder", "unknown"), [("net", "training"), ("numerics", "net"), ("numerics", "training")])
def test_lower_parts_know_nothing_of_higher_ones(folder: str, unknown: str) -> None:
    for name in modules():
        if inside(name, f"paceline.{folder}"):
            wrong = [other for other in imports(name) if inside(other, f"paceline.{unknown}")]
            assert not wrong, f"{name} imports {wrong[0]}, but {folder}/ knows nothing of {unknown}/"


# -- no kind of net is named where all are meant


@cache
def own_families() -> dict[str, str]:
    """Name -> module of the package's own families, as `registry` is written."""
    for node in ast.walk(tree_of(NET / "registry.py")):
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "_FAMILIES" and node.value is not None:
            places: dict[str, str] = ast.literal_eval(node.value)
            return {name: place.partition(":")[0] for name, place in places.items()}
    raise AssertionError("net/registry.py has no _FAMILIES: {name: place}")


def docstrings(tree: ast.AST) -> set[ast.AST]:
    """The texts that stand alone as statements."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def defaults(tree: ast.AST) -> set[ast.AST]:
    """The defaults of arguments called `net`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.arguments):
            plain = [*node.posonlyargs, *node.args][len(node.posonlyargs) + len(node.args) - len(node.defaults) :]
            values = [*zip(plain, node.defaults, strict=True), *zip(node.kwonlyargs, node.kw_defaults, strict=True)]
            found |= {value for argument, value in values if argument.arg == "net" and value is not None}
    return found


def families_named(name: str) -> list[str]:
    """Where a module names a single family, a line each."""
    file, own = modules()[name], own_families()
    where = file.relative_to(SOURCE).as_posix()
    tree = tree_of(file)
    allowed = docstrings(tree) | (defaults(tree) if where in WITH_A_DEFAULT_NET else set())
    homes = set(own.values())
    found = [f"{where} imports {other}" for other in imports(name) if any(inside(other, home) for home in homes)]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or node in allowed:
            continue
        if node.value in own or any(inside(node.value.partition(":")[0], home) for home in homes):
            found.append(f"{where}:{node.lineno} names {node.value!r}")
    return found


def test_no_family_is_named_where_all_are_meant() -> None:
    assert own_families()["dense"] == "paceline.net.dense"
    for name, file in modules().items():
        if file.relative_to(SOURCE).parts[0] in FOR_EVERY_NET:
            assert not families_named(name), "\n".join(families_named(name))


# -- no circles


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """A circle of the graph, from a node back to it; [] where there is none."""
    done: set[str] = set()

    def walk(path: list[str]) -> list[str]:
        for other in sorted(graph[path[-1]] - done):
            if other in path:
                return [*path[path.index(other) :], other]
            if found := walk([*path, other]):
                return found
        done.add(path[-1])
        return []

    return next((found for name in sorted(graph) if (found := walk([name]))), [])


def test_circles_are_found() -> None:
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": {"b"}}) == ["b", "c", "d", "b"]
    assert circle({"a": {"a"}}) == ["a", "a"]


def test_imports_go_round_in_no_circle() -> None:
    found = circle({name: imports(name) for name in modules()})
    assert not found, "a circle of imports: " + " -> ".join(found)
