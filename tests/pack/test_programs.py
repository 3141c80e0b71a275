"""The program store: whatever is wrong with its folder or an entry, training works, at worst after compiling."""

import hashlib
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from tiny_trials import FOLDS, alone, tiny_fold, trial

from paceline.pack import cache
from paceline.pack import programs as module
from paceline.pack.cache import ProgramCache, default_folder
from paceline.pack.programs import Programs
from paceline.pack.trials import PreparedTrial

pytestmark = pytest.mark.compiles

EPOCHS = 2


@pytest.fixture(scope="module")
def it() -> PreparedTrial:
    """A trial of the smallest program."""
    return trial({"layers": 0, "batch_size": 8}, epochs=EPOCHS, fold=tiny_fold())


@pytest.fixture(scope="module")
def compiled(it: PreparedTrial) -> Any:
    return module.lower(it).compile()


@pytest.fixture(scope="module")
def digest(it: PreparedTrial, compiled: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What training must come to."""
    plain = Programs(None)
    plain._ready[it.shape, 0] = compiled
    return alone(plain, it, epochs=EPOCHS).digest


class Compiler:
    """Stands in for `programs.lower`: the program is compiled once for all these tests, and compilings are counted."""

    def __init__(self, trial: PreparedTrial, compiled: Any) -> None:
        self.trial, self.compiled, self.calls, self.seconds = trial, compiled, 0, 0.0

    def __call__(self, trial: PreparedTrial, pack: int = 0) -> "Compiler":
        assert (trial.shape, pack) == (self.trial.shape, 0)
        return self

    def compile(self) -> Any:
        self.calls += 1
        time.sleep(self.seconds)
        return self.compiled


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch, it: PreparedTrial, compiled: Any) -> Iterator[Compiler]:
    stand_in = Compiler(it, compiled)
    monkeypatch.setattr(module, "lower", stand_in)
    yield stand_in


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "programs"


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def test_stored_once_and_loaded_by_the_next(compiler: Compiler, it: PreparedTrial, digest: str, folder: Path) -> None:
    first = Programs(folder)
    assert alone(first, it, epochs=EPOCHS).digest == digest
    assert (first.stats.compiled, first.stats.loaded, len(first.stats.shapes)) == (1, 0, 1)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    [entry] = entries(folder)
    assert entry.suffix == ".xla" and stat.S_IMODE(entry.stat().st_mode) == 0o600
    second = Programs(folder)
    assert not second.ready(it.shape)
    assert alone(second, it, epochs=EPOCHS).digest == digest
    assert (second.stats.compiled, second.stats.loaded, compiler.calls) == (0, 1, 1)
    assert second.ready(it.shape)


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def summed(payload: bytes) -> bytes:
    """A foreign entry whose checksum is right."""
    return hashlib.sha256(payload).digest() + payload


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut short": lambda content: content[:-1000],
    "only a sum": lambda content: content[:32],
    "one bit flipped": flipped,
    "one byte more": lambda content: content + b"\0",
    "foreign bytes": lambda content: b"\x7fELF" + bytes(5000),
    "foreign bytes, right sum": lambda content: summed(b"not a program"),
    "foreign pickle, right sum": lambda content: summed(b"\x80\x04K\x01."),
    "half a program, right sum": lambda content: summed(content[32 : len(content) // 2]),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_compiled_anew(
    compiler: Compiler, it: PreparedTrial, digest: str, folder: Path, damage: str
) -> None:
    Programs(folder).get(it)
    [entry] = entries(folder)
    good = entry.read_bytes()
    entry.write_bytes(DAMAGE[damage](good))
    again = Programs(folder)
    assert alone(again, it, epochs=EPOCHS).digest == digest
    assert (again.stats.compiled, again.stats.loaded) == (1, 0)
    healed = Programs(folder)
    healed.get(it)
    assert (healed.stats.compiled, healed.stats.loaded) == (0, 1), "the damaged entry was replaced by a good one"


def test_an_entry_that_is_a_folder_is_no_obstacle(
    compiler: Compiler, it: PreparedTrial, digest: str, folder: Path
) -> None:
    Programs(folder).get(it)
    [entry] = entries(folder)
    entry.unlink()
    entry.mkdir()
    again = Programs(folder)
    assert alone(again, it, epochs=EPOCHS).digest == digest
    assert [path for path in entries(folder) if path.suffix != ".xla"] == [], "no drafts are left behind"


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize("mode", [0o720, 0o702, 0o770, 0o777, 0o755])
def test_a_folder_that_others_may_enter_is_refused(
    compiler: Compiler, it: PreparedTrial, digest: str, folder: Path, mode: int
) -> None:
    Programs(folder).get(it)
    folder.chmod(mode)
    before = {path: path.read_bytes() for path in entries(folder)}
    open_to_all = Programs(folder)
    assert alone(open_to_all, it, epochs=EPOCHS).digest == digest
    assert (open_to_all.stats.compiled, open_to_all.stats.loaded) == (1, 0), "what others may have put there isn't run"
    assert {path: path.read_bytes() for path in entries(folder)} == before, "and nothing is written there"


@pytest.mark.skipif(os.name != "posix", reason="owners are POSIX's")
def test_somebody_elses_folder_is_refused(
    compiler: Compiler, it: PreparedTrial, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Programs(folder).get(it)
    me = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: me + 1)
    theirs = Programs(folder)
    theirs.get(it)
    assert (theirs.stats.compiled, theirs.stats.loaded) == (1, 0)


def test_a_folder_that_cannot_be_made_costs_nothing(
    compiler: Compiler, it: PreparedTrial, digest: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    nowhere = Programs(tmp_path / "file" / "programs")
    assert alone(nowhere, it, epochs=EPOCHS).digest == digest
    assert (nowhere.stats.compiled, nowhere.stats.loaded) == (1, 0)


def test_a_folder_that_cannot_be_written_costs_nothing(
    compiler: Compiler, it: PreparedTrial, digest: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full disk. (A mode wouldn't stop root, who may run these tests.)"""

    def full(path: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    programs = Programs(folder)
    assert alone(programs, it, epochs=EPOCHS).digest == digest
    assert programs.stats.compiled == 1 and entries(folder) == []


def test_without_a_folder_nothing_is_stored(compiler: Compiler, it: PreparedTrial, digest: str) -> None:
    programs = Programs()
    assert alone(programs, it, epochs=EPOCHS).digest == digest


def test_another_pool_makes_another_entry(
    compiler: Compiler, it: PreparedTrial, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.fingerprint.cache_clear()
    mine = cache.fingerprint()
    Programs(folder).get(it)
    cache.fingerprint.cache_clear()
    try:
        with monkeypatch.context() as other_pool:
            other_pool.setenv("NPROC", "7")
            assert cache.fingerprint() != mine
            other = Programs(folder)
            other.get(it)
            assert (other.stats.compiled, other.stats.loaded, len(entries(folder))) == (1, 0, 2)
    finally:
        cache.fingerprint.cache_clear()


def test_trimming_drops_what_was_used_longest_ago(folder: Path) -> None:
    store = ProgramCache(folder)
    assert store.usable()
    for age, name in enumerate(["newest", "middle", "oldest"]):
        file = folder / f"{name}.xla"
        file.write_bytes(bytes(100))
        os.utime(file, (1e9 - age, 1e9 - age))
    (folder / "other.txt").write_text("not ours")
    assert [file.stem for file in store.entries()] == ["oldest", "middle", "newest"]
    store.trim(300)
    assert len(store.entries()) == 3, "at the limit nothing goes"
    store.trim(250)
    assert [file.stem for file in store.entries()] == ["middle", "newest"]
    store.trim(0)
    assert store.entries() == [] and (folder / "other.txt").exists()


def test_loading_marks_an_entry_as_used(compiler: Compiler, it: PreparedTrial, folder: Path) -> None:
    Programs(folder).get(it)
    [entry] = entries(folder)
    os.utime(entry, (1e9, 1e9))
    Programs(folder).get(it)
    assert entry.stat().st_mtime > 1.1e9


def test_saving_keeps_the_store_within_its_limit(
    compiler: Compiler, it: PreparedTrial, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ProgramCache(folder)
    assert store.usable()
    old = folder / "old.xla"
    old.write_bytes(bytes(1000))
    os.utime(old, (1e9, 1e9))
    size = 2_000_000
    monkeypatch.setattr(ProgramCache.trim, "__defaults__", (size,))
    with old.open("ab") as file:
        file.truncate(size)
    os.utime(old, (1e9, 1e9))
    Programs(folder).get(it)
    assert not old.exists() and len(entries(folder)) == 1


def test_threads_that_want_one_program_compile_it_once(compiler: Compiler, it: PreparedTrial) -> None:
    """As the docstring of `Programs` says."""
    compiler.seconds = 0.2
    programs = Programs()
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(programs.get(it))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len({id(program) for program in found}) == 1
    assert compiler.calls == programs.stats.compiled == 1


def test_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PACELINE_CACHE", str(tmp_path / "given"))
    assert default_folder() == tmp_path / "given"
    monkeypatch.delenv("PACELINE_CACHE")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_folder() == tmp_path / "xdg" / "paceline" / "programs"
    assert not (tmp_path / "xdg").exists(), "asking makes no folder"


def test_examples_fit_real_trials(it: PreparedTrial) -> None:
    """What a program is compiled for has the structure, shapes and types of what it is called with."""
    for item in (it, trial({"clip_norm": 1.0}), trial({"skip": "concat", "layers": 3, "units": 9})):
        example, real = module.example_data(item.shape), FOLDS[item.fold.handle]
        for one, other in zip(jax.tree.leaves(example), jax.tree.leaves(real), strict=True):
            assert np.shape(one) == np.shape(other) and one.dtype == np.asarray(other).dtype
