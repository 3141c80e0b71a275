"""Which few configurations, tried first, serve an unknown data set best: a portfolio learned on other tables.

    candidates    Sobol points of the default space with its wider layers, the same ones on every table
    regret        (error - least error) / (median error - least error), of all candidates on one table, cut at 1
    portfolio     greedily the candidate that lowers most the mean over tables of its members' least regret

Each choice is judged on tables that had no say in it as well: leaving out one table at a time, the portfolio of the
others beside random draws. No table of `time_to_target.py` is among them, so that what that finds is no echo.

python benchmarks/first_points.py [--candidates 128] [--epochs 30] [--tables ...] [--size 8] [--layers 2]
                                  [--show] [--smoke]

Source: Feurer et al. (2022), "Auto-sklearn 2.0: hands-free AutoML via meta-learning", section 3.2.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from machine import RESULTS, TABLES, introduce, machine, write_result
from numpy.typing import NDArray
from scipy.stats import qmc

FILES: Mapping[str, tuple[Any, dict[str, Any]]] = {
    "phoneme": (TABLES / "phoneme.parquet", {}),
    "segment": (TABLES / "segment.parquet", {}),
    "vehicle": (TABLES / "vehicle.parquet", {}),
    "credit_g": (TABLES / "credit_g.parquet", {}),
    "higgs": (TABLES / "higgs_small_35k.parquet", {}),
    "california": (TABLES / "california_housing.parquet", {}),
    "bike": (TABLES / "r_bike_noleak.parquet", {}),
    "abalone": (TABLES / "abalone.parquet", {}),
    "concrete": (TABLES / "r_concrete.parquet", {}),
    "digits": ("digits", {}),
    "beans": (TABLES.parent / "images" / "beans64.npz", {}),
}

SIZES = (1, 2, 4, 6, 8, 12, 16, 27)
"""Of portfolios that are judged."""

Table = NDArray[np.float64]


def beans(path: Path) -> Any:
    """The photographs at 16 x 16 pixels, by averaging, with their labels."""
    import paceline

    with np.load(path, allow_pickle=False) as found:
        pictures, labels = found["X"].astype(np.float32), found["y"]
    small = pictures.reshape(len(pictures), 16, 4, 16, 4, 3).mean((2, 4)).reshape(len(pictures), -1)
    return paceline.load(small, target=labels, name="beans")


def dataset(name: str) -> Any:
    import paceline

    source, options = FILES[name]
    if name == "beans":
        return beans(source)
    return paceline.load(source, **options)


def wide_space() -> Any:
    """The default space that has all parameters."""
    from paceline.net import default_space

    return default_space("dense", rows=50_000, features=100, task="classes")


def candidates(count: int) -> Table:
    """(count, slots) rows of the unit cube of the default space with many features."""
    space = wide_space()
    rows: Table = qmc.Sobol(len(space.slots), scramble=True, rng=np.random.default_rng(1)).random(count)
    rows[:, [slot.name for slot in space.slots].index("units")] = 0.75
    return rows


def as_points(rows: Table, space: Any) -> list[dict[str, Any]]:
    """The rows in a table's space, which may lack some of the wide one's columns."""
    wide = [slot.name for slot in wide_space().slots]
    places = [wide.index(slot.name) for slot in space.slots]
    return [space.from_unit(row[places]) for row in rows]


def errors_on(name: str, rows: Table, epochs: int) -> list[float]:
    """The least dev error of each candidate on a table; infinite where none was finite."""
    import paceline
    from paceline.net import default_space

    data = dataset(name)
    space = default_space("dense", rows=len(data.split.train), features=len(data.columns), task=str(data.task))
    points = as_points(rows, space)
    keys = [space.key(point) for point in points]
    metric = "rmse" if str(data.task) == "regression" else "error"
    began = time.time()
    with tempfile.TemporaryDirectory() as folder:
        study = paceline.tune(
            data, space=space.to_dict(), method="manual", method_options={"configurations": points}, stopper="none",
            trials=len(points), epochs=epochs, metric=metric, seed=0, retrain=0, refit=False,
            out=Path(folder) / "study",
        )  # fmt: skip
        found = {space.key(trial.params): trial.score for trial in study.trials}
    print(f"{name:12s} {len(found)} trials in {time.time() - began:.0f} s", flush=True)
    return [float("inf") if (score := found.get(key)) is None or not np.isfinite(score) else score for key in keys]


def regrets(errors: Table) -> Table:
    """(tables, candidates) 0 for the least error of a table, 1 for the median and all above."""
    least, median = errors.min(1, keepdims=True), np.median(errors, 1, keepdims=True)
    regret: Table = np.clip(np.nan_to_num((errors - least) / (median - least), nan=1.0), 0.0, 1.0)
    return regret


def greedy(regret: Table, size: int, allowed: Sequence[int]) -> list[int]:
    """The portfolio of a size among the allowed candidates."""
    chosen: list[int] = []
    least = np.ones(len(regret))
    for _ in range(size):
        left = [place for place in allowed if place not in chosen]
        means = np.minimum(least[:, None], regret[:, left]).mean(0)
        chosen.append(left[int(means.argmin())])
        least = np.minimum(least, regret[:, chosen[-1]])
    return chosen


def held_out(errors: Table, size: int, allowed: Sequence[int]) -> float:
    """Mean over tables of the least regret, on each, of the portfolio of all others."""
    regret = regrets(errors)
    others = [np.delete(regret, table, axis=0) for table in range(len(regret))]
    return float(np.mean([regret[table, greedy(rest, size, allowed)].min() for table, rest in enumerate(others)]))


def of_draws(errors: Table, size: int, repeats: int = 2000) -> float:
    """The same of candidates drawn at random."""
    rng, regret = np.random.default_rng(0), regrets(errors)
    draws = (rng.choice(regret.shape[1], size, replace=False) for _ in range(repeats))
    return float(np.mean([regret[:, draw].min(1).mean() for draw in draws]))


def written(point: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration as the portfolio writes it: two digits, and without what tables decide."""
    kept = {name: value for name, value in point.items() if name not in ("batch_size", "units")}
    return {name: float(f"{value:.2g}") if isinstance(value, float) else value for name, value in kept.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Learn which configurations to try first.")
    parser.add_argument("--candidates", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--tables", nargs="+", default=list(FILES), choices=list(FILES))
    parser.add_argument("--size", type=int, default=8)
    parser.add_argument("--layers", type=int, default=2, help="of the portfolio's nets: one shape, one program")
    parser.add_argument("--show", action="store_true", help="train nothing; choose from what was found last")
    parser.add_argument(
        "--smoke", action="store_true", help="two small tables, few candidates, one epoch; writes nothing"
    )
    options = parser.parse_args()
    if options.smoke:
        options.tables, options.candidates, options.epochs, options.size = ["digits", "concrete"], 32, 1, 2
    about = machine()
    introduce(about)
    if options.show:
        errors = json.loads((RESULTS / "first_points.json").read_text(encoding="utf-8"))["errors"]
        rows = candidates(len(next(iter(errors.values()))))
    else:
        rows = candidates(options.candidates)
        errors = {name: errors_on(name, rows, options.epochs) for name in options.tables}
    table = np.array(list(errors.values()), dtype=np.float64)
    points = as_points(rows, wide_space())
    allowed = [place for place, point in enumerate(points) if point["layers"] == options.layers]
    print(f"mean regret on {len(table)} tables    portfolio of the others    random draws")
    judged = {}
    for size in [size for size in SIZES if size <= len(allowed)]:
        judged[size] = {"portfolio": held_out(table, size, allowed), "draws": of_draws(table, size)}
        print(f"{size:4d} {judged[size]['portfolio']:28.3f} {judged[size]['draws']:22.3f}")
    chosen = [written(points[place]) for place in greedy(regrets(table), options.size, allowed)]
    for point in chosen:
        print(point)
    if options.smoke:
        return
    found = {"machine": about, "epochs": options.epochs, "held_out": judged, "portfolio": chosen, "errors": errors}
    write_result("first_points", found)


if __name__ == "__main__":
    main()
