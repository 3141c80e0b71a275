"""One writer a study. The lock belongs to the operating system (or the database server), never to a file's presence.

A lock that is only a file outlives a crash and must be removed by hand. Here the kernel holds it, and drops it when
the process ends in whatever way. It lies on `<study>.lock` beside the study and not on the study itself, because
SQLite locks its own file, and on POSIX closing any other handle of that file would drop SQLite's locks.
The lock file stays behind when the lock is dropped: removing it would let two writers lock two files of one name.
"""

import os
import socket
import sys
from pathlib import Path

from sqlalchemy import Connection, text

from paceline.errors import StudyError

NAMESPACE = 0x7061636C  # "pacl": the first half of our advisory locks' keys; the second is the schema's hash
FAR = 1 << 30  # Windows forbids reading locked bytes, so the locked one lies behind the holder's name


def this_process() -> str:
    """Who we are, for the message that another writer gets."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def refusal(label: str, holder: str) -> StudyError:
    return StudyError(f"{label} is being written by {holder or 'another process'}; a study has one writer at a time.")


class FileLock:
    """Held from construction to `release`.

    Raises:
        StudyError: another process, or another store of this one, holds it.
        OSError: the file can't be made.
    """

    def __init__(self, study: Path) -> None:
        descriptor = os.open(f"{study}.lock", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not _lock(descriptor):
                raise refusal(str(study), os.read(descriptor, 400).decode("utf-8", "replace").strip())
            os.ftruncate(descriptor, 0)
            os.write(descriptor, this_process().encode())
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Drop the lock; a second call does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        os.lseek(descriptor, FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def lock_schema(connection: Connection, label: str) -> None:
    """PostgreSQL: lock the connection's schema for as long as the connection lives.

    Raises:
        StudyError: another connection holds it.
    """
    connection.execute(text("SELECT set_config('application_name', :name, false)"), {"name": this_process()})
    key = {"space": NAMESPACE}
    taken = connection.execute(text("SELECT pg_try_advisory_lock(:space, hashtext(current_schema()))"), key).scalar()
    if not taken:
        holder = connection.execute(
            text(
                "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE locktype = 'advisory' "
                "AND classid = :space AND objid::int8 = hashtext(current_schema())::int8 & 4294967295 AND granted"
            ),
            key,
        ).scalar()
        raise refusal(label, holder or "")
