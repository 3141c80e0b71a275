"""The lines that a running study draws: they fit the terminal, say what is known, and are gone at the end."""

import io
import os
import signal
import time
from dataclasses import replace

import pytest
from rich.console import Console

from paceline.cli.live import LiveStudy, drawing, share_done
from paceline.study import Progress

PROGRESS = Progress(
    done=42, running=8, stopped=21, diverged=1, total=100, best_score=0.07423, metric="error",
    best_params={"learning_rate": 0.00312, "optimizer": "adam", "units": 128, "activation": "leaky_relu", "l2": 1e-5},
    steps=184_000, steps_per_second=18_412.3, seconds=83.0, seconds_left=41.0, compiled=3, compiling=2, phase="search",
)  # fmt: skip


def drawn(progress: Progress, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None, legacy_windows=False)
    console.print(drawing(progress, width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_progress_fits_the_terminal(width: int) -> None:
    lines = drawn(PROGRESS, width)
    assert all(len(line) <= width for line in lines)
    if width >= 80:
        assert len(lines) == 4
    text = " ".join(" ".join(lines).split())
    for words in (
        "42 of 100 trials",
        "1:23, 0:41 left",
        "8 active",
        "21 stopped",
        "1 diverged",
        "validation error 0.07423",
    ):
        assert words in text
    assert "18,412 updates/s (all trials)" in text and "2 compiling" in text and "learning_rate=0.00312" in text


def test_progress_by_time_and_before_the_first_score() -> None:
    timed = Progress(*[getattr(PROGRESS, name) for name in Progress.__slots__[:4]], None, None, "error", None,
                     0, 0.0, 30.0, 90.0, 0, 0, "search")  # fmt: skip
    assert share_done(timed) == pytest.approx(0.25)
    assert share_done(PROGRESS) == pytest.approx(83 / 124)
    text = " ".join(drawn(timed, 80))
    assert "42 trials" in text and "best" not in text and "compiling" not in text


def test_live_lines_are_gone_at_the_end() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, legacy_windows=False)
    with LiveStudy(console) as live:
        live(PROGRESS)
        live(replace(PROGRESS, phase="retrain"))
    assert isinstance(console.file, io.StringIO)
    written = console.file.getvalue()
    assert "repeating the best configuration" in written
    assert written.rindex("\x1b[2K") > written.rindex("best")  # the last thing done to the lines is to erase them


def test_ctrl_c_is_answered_at_once_on_a_terminal() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, legacy_windows=False)
    before = signal.getsignal(signal.SIGINT)
    with LiveStudy(console) as live:
        live(PROGRESS)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5.0)
        live(PROGRESS)  # told while what is under way ends: must not hide the answer
    assert signal.getsignal(signal.SIGINT) is before
    assert isinstance(console.file, io.StringIO)
    written = console.file.getvalue()
    assert written.rfind("saving progress") > written.rfind("best validation error")
