"""Nets of one shape, and how much memory a process holds: what the benchmarks of bookkeeping share."""

import resource
import sys
from pathlib import Path

ONE_SHAPE = {"layers": 2, "units": 64, "batch_size": 64}


def peak_megabytes() -> float:
    """Most memory that this process has held so far."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def megabytes() -> float:
    """Memory that this process holds now; where the system doesn't say, the most that it has held."""
    try:
        text = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return peak_megabytes()
    return int(text.partition("VmRSS:")[2].split()[0]) / (1 << 10)
