"""Compiled programs on disk, an entry a file.

Compiling takes seconds, loading a stored program a fifth of one. A stored program is machine code, so its folder
must belong to the user alone (mode 0700), an entry's name carries everything it depends on (source of the engine and
of the net's family, jax, platform, processor, flags, pool size), and a damaged or foreign entry is compiled anew,
never fatal.
"""

import functools
import hashlib
import os
import platform
import stat
import threading
from pathlib import Path
from typing import Any

import jax
import jaxlib.version
from jax.experimental import serialize_executable

CACHE_LIMIT = 1 << 30
"""Bytes; beyond it the entries used longest ago are dropped."""

ENGINE_FILES = (
    "numerics/*.py",
    "training/*.py",
    "pack/*.py",
    "net/*.py",
    "knobs.py",
    "hyperparameters.py",
    "records.py",
)
"""Files that every program depends on. A family's own files are part of an entry's name."""


def default_folder() -> Path:
    """The user's program cache: $PACELINE_CACHE, or the platform's cache folder."""
    given = os.environ.get("PACELINE_CACHE")
    if given:
        return Path(given)
    base = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "paceline" / "programs"


@functools.cache
def fingerprint() -> str:
    """Hash of what every stored program depends on: the engine's source, versions, machine and flags."""
    digest = hashlib.sha256()
    package = Path(__file__).parent.parent
    for name in ENGINE_FILES:
        for file in sorted(package.glob(name)):
            digest.update(file.read_bytes())
    parts: tuple[str, ...] = (
        jax.__version__,
        jaxlib.version.__version__,
        jax.default_backend(),
        jax.devices()[0].device_kind,
        platform.machine(),
        _processor(),
    )
    parts += (os.environ.get("XLA_FLAGS", ""), os.environ.get("NPROC", ""), str(os.cpu_count()))
    digest.update("\n".join(parts).encode())
    return digest.hexdigest()[:16]


def _processor() -> str:
    """Model and instruction sets of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    wanted = [line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))]
    return "\n".join(sorted(set(wanted)))


class ProgramCache:
    """Compiled programs in a private folder, an entry a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def usable(self) -> bool:
        """Create the folder if need be; refuse one that others could write to."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = self.folder.stat()
        except OSError:
            return False
        if os.name != "posix":
            return True
        return status.st_uid == os.getuid() and not stat.S_IMODE(status.st_mode) & 0o077

    def _file(self, name: str) -> Path:
        return self.folder / f"{fingerprint()}-{hashlib.sha256(name.encode()).hexdigest()[:24]}.xla"

    def load(self, name: str, in_tree: Any, out_tree: Any) -> Any:
        """The stored program, or None where there is none that works."""
        if not self.usable():
            return None
        file = self._file(name)
        try:
            content = file.read_bytes()
            if hashlib.sha256(content[32:]).digest() != content[:32]:
                return None
            program = serialize_executable.deserialize_and_load(content[32:], in_tree, out_tree)
            os.utime(file)
        except Exception:  # whatever is wrong with an entry, the remedy is to compile
            return None
        return program

    def save(self, name: str, compiled: Any) -> None:
        """Store a program; a full disk or a foreign folder only costs the next study some seconds."""
        if not self.usable():
            return
        file = self._file(name)
        temporary = file.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        try:
            payload, _, _ = serialize_executable.serialize(compiled)
            temporary.write_bytes(hashlib.sha256(payload).digest() + payload)
            temporary.chmod(0o600)
            temporary.replace(file)
            self.trim()
        except Exception:  # a backend that can't serialise, or a disk that can't write
            temporary.unlink(missing_ok=True)

    def entries(self) -> list[Path]:
        """Stored programs, used longest ago first."""
        return sorted(self.folder.glob("*.xla"), key=lambda file: file.stat().st_mtime)

    def trim(self, limit: int = CACHE_LIMIT) -> None:
        """Drop what was used longest ago until at most `limit` bytes are left."""
        files = self.entries()
        total = sum(file.stat().st_size for file in files)
        for file in files:
            if total <= limit:
                return
            total -= file.stat().st_size
            file.unlink(missing_ok=True)
