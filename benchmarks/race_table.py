"""What the runs of a race say: when each contestant reached the target of its repeat.

A repeat counts once Optuna has run in it. Its own time to target is that of its last improvement, which may come long
before its ten minutes end; so every time is shown as a share of both.
"""

import math
from collections.abc import Sequence
from typing import Any

from kept import Run
from race_runs import TOLERANCE

REFERENCE = "optuna"


def target_of(run: Run | None) -> float | None:
    """The least error of Optuna's run; None where there is none."""
    return None if run is None or run["best"] is None else float(run["best"])


def seconds_to(run: Run, target: float) -> float | None:
    """When a run reached a target; inf if it didn't in its time; None if it was ended before, at an easier one."""
    for seconds, error in run["path"]:
        if error <= target + TOLERANCE:
            return float(seconds)
    return None if run["ended"] == "target" else math.inf


def summaries(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """A row a table and contestant: times to target of its repeats (inf: missed), their median, and shares."""
    by = {(one["table"], one["contestant"], one["repeat"]): one for one in runs}
    targets = {
        (table, repeat): target
        for (table, name, repeat), one in by.items()
        if name == REFERENCE and (target := target_of(one)) is not None
    }
    found = []
    for table, name in sorted({(one["table"], one["contestant"]) for one in runs}):
        times: dict[int, float] = {}
        shares: list[float] = []
        mine = {repeat: one for (t, n, repeat), one in by.items() if (t, n) == (table, name)}
        for repeat, one in sorted(mine.items()):
            target = targets.get((table, repeat))
            seconds = None if target is None else seconds_to(one, target)
            if target is None or seconds is None:
                continue
            times[repeat] = seconds
            own = seconds_to(by[table, REFERENCE, repeat], target)
            shares.append(seconds / own if own else math.inf)
        limit = 60 * float(next(iter(mine.values()))["minutes"])
        middle = median(list(times.values()))
        found.append(
            {
                "table": table,
                "contestant": name,
                "targets": {str(repeat): targets[table, repeat] for repeat in times},
                # JSON has no infinity: a miss is None.
                "seconds": {str(repeat): finite(seconds) for repeat, seconds in times.items()},
                "missed": sum(math.isinf(seconds) for seconds in times.values()),
                "median_seconds": finite(middle),
                "share_of_budget": finite(middle / limit),
                "share_of_optuna": finite(median(shares)),
                "best": [one["best"] for _, one in sorted(mine.items())],
                "trials": [one["trials"] for _, one in sorted(mine.items())],
                "epochs": [one["epochs_trained"] for _, one in sorted(mine.items())],
            }
        )
    return found


def median(values: Sequence[float]) -> float:
    """Of an even number the greater of the two in the middle, so that a miss is never averaged; inf of none."""
    return sorted(values)[len(values) // 2] if values else math.inf


def finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def show(rows: Sequence[dict[str, Any]], minutes: float) -> None:
    limit = 60 * minutes
    print(f"\ntime to the dev error that Optuna found in {minutes:g} minutes")
    print(
        f"{'table':14s}{'contestant':18s}{'median':>9s}{'of ' + format(limit, 'g') + ' s':>10s}{'of Optuna':>11s}"
        f"   {'seconds (error to reach)':40s}{'best found'}"
    )
    for row in rows:
        cells = [
            f"{format(seconds, '.0f') if seconds is not None else '>' + format(limit, 'g')} "
            f"({row['targets'][repeat]:.4f})"
            for repeat, seconds in row["seconds"].items()
        ]
        best = " ".join("none" if error is None else f"{error:.4f}" for error in row["best"])
        if not cells:
            print(f"{row['table']:14s}{row['contestant']:18s}{'Optuna has not run yet':>42s}   {best}")
            continue
        middle = row["median_seconds"]
        text = f">{limit:g}" if middle is None else f"{middle:.0f} s"
        budget, own = (
            "" if row[name] is None else f"{row[name]:.2f}" for name in ("share_of_budget", "share_of_optuna")
        )
        print(
            f"{row['table']:14s}{row['contestant']:18s}{text:>9s}{budget:>10s}{own:>11s}   {', '.join(cells):40s}{best}"
        )
