"""Every page runs: the Python and the commands that README.md and docs/*.md show are executed, in page order.

The line that opens a block says what happens to it:

    ```python                         is executed; the blocks of a page share their names and a fresh folder
    ```python skip: needs two GPUs    is not, and the reason is printed among the skipped tests
    ```console runnable               its commands (the lines that begin with "$ ") must succeed
    ```console                        is for reading only
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
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
        return f"{self.page.name}:{self.line}"


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


@pytest.mark.compiles
@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
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
