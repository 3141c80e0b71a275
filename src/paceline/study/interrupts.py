"""Ctrl-C at a safe point: the search is interrupted between two rounds of its loop, never in the middle of one.

A KeyboardInterrupt that Python raises anywhere could lose a result on its way from a lane to the store. So the
first Ctrl-C is only noted, and raised where the loop asks for it, within a fraction of a second; a second one is
raised at once.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupts_held() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C back; the yielded function raises the KeyboardInterrupt that is due.

    Does nothing outside the main thread, or where the program has its own handler.
    """
    noted = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal noted
        if noted:
            raise KeyboardInterrupt
        noted = True

    def check() -> None:
        if noted:
            raise KeyboardInterrupt

    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield check
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
