"""Runs of a benchmark, kept one a line as they come: one that was cut off goes on, and a long one is done in pieces.

    line    a JSON object; some of its fields are the run's key, and of equal keys the last line holds
    mark    what a run depends on: a package's version, or the code that made it; another mark, and it is made again

Files are merged by putting one behind the other.
"""

import ast
import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Run = dict[str, Any]
Key = tuple[Any, ...]


def lines(file: Path | None) -> Iterator[Run]:
    """The runs of a file, none if there is no file; a line that a kill cut off is dropped."""
    for line in file.read_text(encoding="utf-8").splitlines() if file is not None and file.exists() else ():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


def known(file: Path | None, fields: Sequence[str], holds: Callable[[Run], bool] = lambda run: True) -> dict[Key, Run]:
    """The runs of a file by their keys; those of which `holds` is false are left out."""
    return {tuple(run[name] for name in fields): run for run in lines(file) if holds(run)}


def keep(file: Path | None, run: Run) -> None:
    """Add a line; after one that a kill cut off, a fresh one."""
    if file is None:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+b") as out:
        if out.tell():
            out.seek(-1, os.SEEK_END)
            if out.read(1) != b"\n":
                out.write(b"\n")
        out.write(json.dumps(run).encode() + b"\n")


def forget(file: Path | None, unwanted: Callable[[Run], bool]) -> int:
    """Drop runs from a file, all or nothing; returns how many."""
    if file is None or not file.exists():
        return 0
    found = list(lines(file))
    left = [run for run in found if not unwanted(run)]
    fresh = file.with_suffix(".new")
    fresh.write_text("".join(json.dumps(run) + "\n" for run in left), encoding="utf-8")
    fresh.replace(file)
    return len(found) - len(left)


def collect(
    wanted: Sequence[Key],
    have: dict[Key, Run],
    make: Callable[..., Run],
    file: Path | None,
    *,
    jobs: int = 1,
    minutes: float | None = None,
) -> list[Run]:
    """The wanted runs, in their order: those there are, and those that `make(*key)` makes now.

    Args:
        wanted: keys; made in their order.
        have: what is known already.
        make: a module's function, so that processes can be sent it.
        file: keeps each run as soon as it is made.
        jobs: processes; 1 is this one.
        minutes: no run begins later than this; what is missing then is missing in the result.
    """
    missing = [key for key in wanted if key not in have]
    print(f"{len(wanted)} runs, {len(wanted) - len(missing)} of them known", flush=True)
    last = None if minutes is None else time.monotonic() + 60 * minutes
    found = dict(have)
    for count, (key, run) in enumerate(_made(missing, make, jobs, last), start=1):
        found[key] = run
        keep(file, run)
        if count % 100 == 0:
            print(f"{count} of {len(missing)}", flush=True)
    return [found[key] for key in wanted if key in found]


def _made(missing: Sequence[Key], make: Callable[..., Run], jobs: int, last: float | None) -> Iterator[tuple[Key, Run]]:
    def is_over() -> bool:
        return last is not None and time.monotonic() >= last

    if jobs == 1:
        for key in missing:
            if is_over():
                return
            yield key, make(*key)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        futures = {pool.submit(make, *key): key for key in missing}
        for done in as_completed(futures):
            if not done.cancelled():
                yield futures[done], done.result()
            if is_over():
                pool.shutdown(wait=False, cancel_futures=True)


def mark_of(files: Iterable[Path]) -> str:
    """A short hash of what stands in some files."""
    return hashlib.blake2b(b"\0".join(file.read_bytes() for file in files), digest_size=8).hexdigest()


def imported(modules: Collection[str], under: tuple[str, ...]) -> set[Path]:
    """The files of modules and of those below `under` that they import, directly or not, lazily or not."""
    files: set[Path] = set()
    left = list(modules)
    while left:
        spec = find_spec(left.pop())
        if spec is None or spec.origin is None or Path(spec.origin) in files:
            continue
        files.add(Path(spec.origin))
        if Path(spec.origin).name == "__init__.py":
            continue  # a package's list of all it has says nothing about one of them
        for node in ast.walk(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(under):
                left.append(str(node.module))
    return files
