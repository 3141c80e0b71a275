"""What a study reports while it runs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a study stands; handed to the `progress` callback a few times a second from the main thread.

    Attributes:
        done: trials that have ended; stopped, diverged: how many of them so.
        running: trials proposed and not ended.
        total: trials in all; None where only time limits them.
        best_score, best_params: of the best trial so far.
        steps: trial-steps trained by this process; steps_per_second: over the last seconds.
        seconds: since this process began; seconds_left: estimate, None if unknown.
        compiled, compiling: programs made and being made.
        phase: "search", "retrain" or "report".
        part: which search of a nested study this is, in words; "" for a study by itself.
    """

    done: int
    running: int
    stopped: int
    diverged: int
    total: int | None
    best_score: float | None
    metric: str
    best_params: dict[str, Any] | None
    steps: int
    steps_per_second: float
    seconds: float
    seconds_left: float | None
    compiled: int
    compiling: int
    phase: str
    part: str = field(default="", kw_only=True)


Callback = Callable[[Progress], None]
