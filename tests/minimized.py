"""Functions that tests minimise in other processes, which must be able to import them."""

import os
import signal
import subprocess
import sys
import time
from typing import Any


def bowl(p: dict[str, Any]) -> float:
    return float((p["x"] - 2.0) ** 2)


def late_first(p: dict[str, Any]) -> float:
    """The smaller x, the longer it takes: calls end in another order than they begin."""
    time.sleep(0.02 * (5.0 - p["x"]) / 10.0)
    return bowl(p)


def hangs_on_the_left(p: dict[str, Any]) -> float:
    if p["n"] <= 2:
        time.sleep(600.0)
    return float(p["n"])


def dies_on_the_left(p: dict[str, Any]) -> float:
    if p["n"] == 1:
        os._exit(7)
    if p["n"] == 2:
        os.kill(os.getpid(), signal.SIGSEGV)
    return float(p["n"])


def starts_a_sleeper(p: dict[str, Any]) -> float:
    """Leaves its child's number in a file and waits for the child."""
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with open(p["file"], "w", encoding="utf-8") as file:
        file.write(str(sleeper.pid))
    return float(sleeper.wait())


def process_number(p: dict[str, Any]) -> float:
    return float(os.getpid())


def two_bowls(p: dict[str, Any]) -> tuple[float, float]:
    return bowl(p), float((p["x"] + 2.0) ** 2)
