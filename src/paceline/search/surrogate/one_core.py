"""Linear algebra on one core.

    with one_core():
        ...

The last bits of a product depend on how many cores shared it, so a searcher that multiplies matrices would propose
other points on another machine; and lanes want the other cores. The limit is the whole process's and belongs to the
thread that set it first: a study holds it while it searches, and what its other threads set inside changes nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController


@contextmanager
def one_core() -> Iterator[None]:
    """BLAS works on one core in here."""
    with _threads().limit(limits=1, user_api="blas"):
        yield


@lru_cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()
