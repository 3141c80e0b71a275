"""The machine that a benchmark ran on, and the file that keeps what it found."""

import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
TABLES = Path(__file__).resolve().parents[2] / "shared" / "data" / "tables"
PACKAGES = ("jax", "jaxlib", "numpy", "torch", "keras", "scikit-learn", "sqlalchemy")
QUIET = 0.5  # load average a core, from which on a measurement isn't to be trusted


def machine() -> dict[str, Any]:
    """Processor, cores, versions and load average; take it before anything is measured."""
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: known for name in PACKAGES if (known := version_of(name))},
        "load_average": os.getloadavg()[0],
    }


def processor() -> str:
    """The model's name, where Linux says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def version_of(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def introduce(found: dict[str, Any]) -> None:
    """Print the machine, with a warning if others use it."""
    versions = ", ".join(f"{name} {known}" for name, known in found["versions"].items())
    print(f"{found['processor']}, {found['cores']} cores, Python {found['python']}, {versions}")
    load = found["load_average"]
    if load > QUIET * found["cores"]:
        print(f"warning: the load average is {load:.1f}; these figures are no measurement", file=sys.stderr)


def write_result(name: str, result: dict[str, Any]) -> Path:
    """Keep a result as results/NAME.json; a later run replaces it."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{name}.json"
    file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"written: {file}")
    return file
