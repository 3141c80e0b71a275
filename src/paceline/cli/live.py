"""A running study on a terminal: four lines that are drawn over and over, and gone when the study ends.

━━━━━━━━━━━━━━━━━━━━━━━━╺━━━━━━━━━━━━━━━  42 of 100 trials   1:23, 0:41 left
8 active   21 stopped   1 diverged   18,400 updates/s (all trials)   2 compiling
best validation error 0.0742
learning_rate=0.00312  optimizer=adam  units=128

Above them, for a nested study, which of its searches this is.
"""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from paceline.cli.words import assignments, clock, count, number
from paceline.study import Progress

CLOSING = {"retrain": "repeating the best configuration with other seeds", "report": "writing the report"}
PAINTS_A_SECOND = 4


class LiveStudy:
    """Draws `Progress` after `Progress`; a context manager and a callback for `tune`."""

    def __init__(self, console: Console) -> None:
        self._live = Live(
            Spinner("dots", "compiling the training code (first run only)"),
            console=console,
            refresh_per_second=PAINTS_A_SECOND,
            transient=True,
        )
        self._phase = ""
        self._stopping = False
        self._before: Any = None
        self._closing: Spinner | None = None

    def __enter__(self) -> Self:
        self._live.start()
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._interrupted)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        self._live.stop()

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        """Ctrl-C: saving takes some seconds, so the screen answers at once."""
        self._stopping = True
        self._live.update(Spinner("dots", "saving progress…"))
        signal.default_int_handler(number, frame)

    def __call__(self, progress: Progress) -> None:
        if self._stopping:
            return
        if progress.phase != self._phase:
            self._phase = progress.phase
            self._closing = Spinner("dots", CLOSING[progress.phase]) if progress.phase in CLOSING else None
        self._live.update(drawing(progress, self._live.console.width, self._closing))


def drawing(progress: Progress, width: int, closing: Spinner | None = None) -> RenderableType:
    """The lines for a terminal of some width; after the search, what is done then in place of the bar."""
    lines: list[RenderableType] = [Text(progress.part, style="bold")] if progress.part else []
    lines += [closing or bar(progress, width), Text(counts(progress), overflow="fold")]
    if progress.best_score is not None:
        lines.append(
            Text.assemble("best ", (f"validation {progress.metric} {number(progress.best_score)}", "bold green"))
        )
        lines.append(Text(assignments(progress.best_params or {}), style="dim", no_wrap=True, overflow="ellipsis"))
    return Group(*lines)


def bar(progress: Progress, width: int) -> Table:
    """How far the search is, by trials or by time, whichever ends it sooner."""
    trials = (
        count(progress.done, "trial") if progress.total is None else f"{progress.done:,} of {progress.total:,} trials"
    )
    left = "" if progress.seconds_left is None else f", {clock(progress.seconds_left)} left"
    words = f"{trials}   {clock(progress.seconds)}{left}"
    row = Table.grid(padding=(0, 2), expand=False)
    row.add_row(
        ProgressBar(total=1.0, completed=share_done(progress), width=max(8, min(40, width - len(words) - 4))), words
    )
    return row


def share_done(progress: Progress) -> float:
    """Between 0 and 1."""
    by_trials = 0.0 if not progress.total else progress.done / progress.total
    by_time = 0.0
    if progress.seconds_left is not None:
        by_time = progress.seconds / max(progress.seconds + progress.seconds_left, 1e-9)
    return min(1.0, max(by_trials, by_time))


def counts(progress: Progress) -> str:
    """Active trials and those that ended early, speed, and what is being compiled."""
    parts: list[Any] = [
        f"{progress.running:,} active",
        f"{progress.stopped:,} stopped",
        f"{progress.diverged:,} diverged",
    ]
    parts.append(f"{progress.steps_per_second:,.0f} updates/s (all trials)")
    if progress.compiling:
        parts.append(f"{progress.compiling} compiling")
    return "   ".join(parts)
