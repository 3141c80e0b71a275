"""Every page runs, and says what is: the Python and the commands that README.md, CONTRIBUTING.md and all pages below
docs/ show are executed, in page order; their links lead somewhere; the files and names that they cite exist; and the
reference pages, which `docs/reference.py` writes from the code, miss nothing.

The line that opens a block says what happens to it:

    ```python                         is executed; the blocks of a page share their names and a fresh folder
    ```python skip: needs two GPUs    is not, and the reason is printed among the skipped tests
    ```console runnable               its commands (the lines that begin with "$ ") must succeed
    ```console                        is for reading only
"""

import importlib.util
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import paceline
from paceline.net import family
from paceline.net.registry import family_names
from paceline.records import METRICS
from paceline.search import METHODS, STOPPERS
from paceline.settings import StudySettings

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
LINKING = [*PAGES, *sorted((ROOT / "benchmarks").glob("*.md"))]
LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?P<target>[^)#:]+)(?:#[^)]*)?\)")
FILE_ROW = re.compile(r"^\| \[[^\]]+\]\((?P<file>[^)]+\.py)\) \|(?P<rest>.*)\|$", re.MULTILINE)
NAME = re.compile(r"`([A-Za-z_]\w*)`")
FENCE = re.compile(r"^```(?P<info>\w[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: the page and line it stands at, its language, the words behind that, its text."""

    page: Path
    line: int
    language: str
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT) if self.page.is_relative_to(ROOT) else self.page.name}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    source = page.read_text(encoding="utf-8")
    blocks = []
    for match in FENCE.finditer(source):
        language, _, mark = match["info"].strip().partition(" ")
        blocks.append(Block(page, source.count("\n", 0, match.start()) + 1, language, mark.strip(), match["text"]))
    return blocks


def run_python(block: Block, names: dict[str, Any]) -> None:
    padding = "\n" * block.line  # so that a traceback names the page's own line
    exec(compile(padding + block.text, str(block.page), "exec"), names)


def run_console(block: Block, folder: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for line in block.text.replace("\\\n", " ").splitlines():
        if not line.startswith("$ "):
            continue
        result = subprocess.run(
            line[2:], shell=True, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
        )
        assert result.returncode == 0, f"{block}: {line}\n{result.stdout}{result.stderr}"


def run_page(page: Path, folder: Path) -> int:
    """Execute a page's blocks in order and return how many there were."""
    names: dict[str, Any] = {"__name__": page.stem}
    count = 0
    for block in blocks_of(page):
        if block.language == "python" and not block.mark:
            run_python(block, names)
        elif block.language == "console" and block.mark == "runnable":
            run_console(block, folder)
        else:
            continue
        count += 1
    return count


def runs_something(page: Path) -> bool:
    return any(not block.mark if block.language == "python" else block.mark == "runnable" for block in blocks_of(page))


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.compiles
@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if runs_something(page)], ids=name_of)
def test_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_page(page, tmp_path)


def test_skipped_blocks_give_their_reasons() -> None:
    skipped = [block for page in PAGES for block in blocks_of(page) if block.mark.startswith("skip:")]
    reasons = {str(block): block.mark.removeprefix("skip:").strip() for block in skipped}
    assert all(reasons.values()), f"skipped without a reason: {reasons}"
    if reasons:
        pytest.skip("; ".join(f"{block} not run: {reason}" for block, reason in reasons.items()))


def test_every_mark_is_known() -> None:
    for page in PAGES:
        for block in blocks_of(page):
            assert block.language not in {"py", "python3", "pycon", "sh", "bash", "shell"}, f"{block}: would not be run"
            if block.language == "python":
                assert not block.mark or block.mark.startswith("skip:"), f"{block}: unknown mark {block.mark!r}"
            if block.language == "console":
                assert block.mark in {"", "runnable"}, f"{block}: unknown mark {block.mark!r}"


def test_readme_shows_python_and_commands() -> None:
    kinds = {(block.language, block.mark) for block in blocks_of(ROOT / "README.md")}
    assert {("python", ""), ("console", "runnable")} <= kinds


def test_runner_sees_failures_and_shares_names(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nx = 1\n```\ntext\n```python\nassert x == 1\n```\n```console runnable\n$ test 1 = 1\n```\n"
    )
    assert run_page(page, tmp_path) == 3
    page.write_text("text\n```python\nassert 1 == 2\n```\n")
    with pytest.raises(AssertionError) as caught:
        run_page(page, tmp_path)
    assert caught.traceback[-1].lineno + 1 == 3  # the page's own line
    page.write_text("```console runnable\nshown only\n$ test 1 = \\\n2\n```\n")
    with pytest.raises(AssertionError, match="test 1 = "):
        run_page(page, tmp_path)


@pytest.mark.slow
def test_the_search_method_of_contributing_keeps_its_contract(tmp_path: Path) -> None:
    (example,) = (block for block in blocks_of(ROOT / "CONTRIBUTING.md") if block.language == "python")
    (tmp_path / "test_example.py").write_text(example.text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "ignore", "test_example.py"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0 and "passed" in result.stdout, result.stdout + result.stderr


# -- links and citations


@cache
def reference() -> dict[str, str]:
    """Path below docs/ -> text of the reference pages, which are no files."""
    spec = importlib.util.spec_from_file_location("docs_reference", DOCS / "reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pages: dict[str, str] = module.pages()
    return pages


@pytest.mark.parametrize("page", LINKING, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    written = {DOCS / path for path in reference()}
    for link in LINK.finditer(page.read_text(encoding="utf-8")):
        target = (page.parent / link["target"]).resolve()
        assert target.exists() or target in written, f"{page.name}: {link['target']} doesn't exist"


def test_architecture_names_what_its_files_hold() -> None:
    page = DOCS / "architecture.md"
    rows = list(FILE_ROW.finditer(page.read_text(encoding="utf-8")))
    assert len(rows) > 12
    for row in rows:
        text = (page.parent / row["file"]).read_text(encoding="utf-8")
        for name in NAME.findall(row["rest"]):
            assert re.search(rf"\b{name}\b", text), f"{row['file']} holds no {name!r}: mend docs/architecture.md"


def test_a_stranger_finds_where_the_learning_rate_is_applied() -> None:
    """README.md -> docs/architecture.md -> the file: three."""
    assert "(docs/architecture.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    assert "Where is the learning rate applied?" in page
    for place in ("training/schedules.py", "training/optimizers.py"):
        assert place in page


def test_every_decision_stands_in_the_index() -> None:
    index = (DOCS / "decisions" / "index.md").read_text(encoding="utf-8")
    missing = [page.name for page in (DOCS / "decisions").glob("*.md") if page.name != "index.md"]
    missing = [name for name in missing if f"]({name})" not in index]
    assert not missing, f"docs/decisions/index.md must list {', '.join(missing)}"


# -- the reference


def names_on(page: str) -> set[str]:
    """What stands in the first column of its tables, and its headings."""
    text = reference()[f"reference/{page}.md"]
    rows = re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)
    return {*rows, *re.findall(r"^## (\w+)$", text, re.MULTILINE)}


def test_reference_misses_nothing() -> None:
    for name in family_names():
        assert set(family(name).knobs) <= names_on("hyperparameters")
    assert set(METHODS) <= names_on("methods")
    assert set(STOPPERS) <= names_on("stoppers")
    assert set(METRICS) == names_on("metrics")
    assert set(StudySettings.model_fields) <= names_on("settings")
    assert {"tune", "run", "resume", "show", "evaluate", "predict", "report"} <= names_on("command-line")
    api = reference()["reference/api.md"]
    assert [name for name in paceline.__all__ if f"::: paceline.{name}\n" not in f"{api}\n"] == []


def test_reference_describes_every_hyperparameter() -> None:
    """Each row: name, meaning, values, default, what is searched, source; headed by the fields' own comments."""
    text = reference()["reference/hyperparameters.md"]
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert all(all(cell.strip() for cell in row.split(" | ")[1:4]) for row in rows)
    assert "### Optimiser\n" in text and "###  " not in text
    assert "0.0001 to 0.03, log scale" in text  # the default space's own range


def test_guide_explains_every_method_stopper_and_metric() -> None:
    for page, names in (("methods", (*METHODS, *STOPPERS)), ("metrics", METRICS)):
        text = (DOCS / "guide" / f"{page}.md").read_text(encoding="utf-8")
        assert [name for name in names if f"`{name}`" not in text] == []
