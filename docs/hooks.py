"""What MkDocs does beside its own work: it takes in pages that are written from the code or lie outside docs/.

- the reference pages (`reference.py`), and CONTRIBUTING.md as a page;
- what stands behind the language of a code block is for the tests that run it (`console runnable`), and is left out;
- a link to a file of the repository that isn't a page, such as ../src/paceline/records.py, becomes the file's name, as
  the site doesn't hold the file. A link to a file that doesn't exist stays a link, and the strict build refuses it.
"""

import re
from pathlib import Path
from typing import Any

import reference
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

DOCS = Path(__file__).parent
ROOT = DOCS.parent
FENCE = re.compile(r"^```(\w+) [^\n`]*$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<target>[^)#:]+)(?P<anchor>#[^)]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the decisions, a file each, behind their index in the menu."""
    pages = sorted(page.name for page in (DOCS / "decisions").glob("*.md") if page.name != "index.md")
    development = next(part["Development"] for part in config.nav or () if "Development" in part)
    decisions = next(part["Decisions"] for part in development if "Decisions" in part)
    decisions += [f"decisions/{name}" for name in pages]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that aren't files below docs/."""
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").replace("](docs/", "](")
    for path, text in {**reference.pages(), "contributing.md": contributing}.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: MkDocsConfig, files: Files) -> str:
    """Leave out what is for the tests, and rewrite the links that lead out of the site."""
    if page.file.src_uri == "index.md":
        page.meta["hide"] = ["navigation"]  # the menu at its side would hold this one page
    # CONTRIBUTING.md lies in the root, though its page stands in docs/.
    home = ROOT if page.file.src_uri == "contributing.md" else (DOCS / page.file.src_uri).parent

    def rewritten(link: re.Match[str]) -> str:
        target = (home / link["target"]).resolve()
        if target == ROOT / "CONTRIBUTING.md":
            return f"[{link['text']}]({'../' * page.file.src_uri.count('/')}contributing.md)"
        outside = target.is_relative_to(ROOT) and not target.is_relative_to(DOCS)
        if not outside or not target.exists():
            return link[0]
        return link["text"] if "`" in link["text"] else f"`{target.relative_to(ROOT)}`"

    return LINK.sub(rewritten, FENCE.sub(r"```\1", markdown))
