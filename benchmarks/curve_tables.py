"""What stoppers are judged on: tables of learning curves, one row a run.

TaskSet's recurrent nets (real, noisy, some of them divergent), and an invented one whose best rows learn slowest, so
that early readings mislead. Reading 0 of TaskSet's curves is taken before training and left out; 50 epochs remain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from search_tasks import HPO

from paceline.records import Params
from paceline.space import Space

BEST_SHARE = 0.01
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """A table of runs.

    Attributes:
        name: of the table; space: holds every row's configuration.
        rows: (rows) configurations; losses: (rows, epochs), inf from where a run diverged.
    """

    name: str
    space: Space
    rows: Sequence[Params]
    losses: Floats

    @property
    def epochs(self) -> int:
        return int(self.losses.shape[1])

    @cached_property
    def units(self) -> Floats:
        """(rows, slots) places in the unit cube."""
        return np.array([self.space.to_unit(row) for row in self.rows])

    @cached_property
    def target(self) -> float:
        """The least of a curve that the best hundredth of all rows reach."""
        return float(np.sort(self.losses.min(axis=1))[int(BEST_SHARE * len(self.rows)) - 1])


def taskset(file: Path) -> Curves:
    """A table of TaskSet: losses of 8-parameter Adam on the validation part."""
    found = np.load(file)
    values, losses = found["hyperparameters"], found["valid"][:, 1:].astype(np.float64)
    names = [str(name) for name in found["names"]]
    space = Space(
        {
            name: {
                "low": float(column.min()),
                "high": float(column.max()),
                "scale": "logit" if name.startswith("beta") else "log",
            }
            for name, column in zip(names, values.T, strict=True)
        }
    )
    rows = [dict(zip(names, row, strict=True)) for row in values.tolist()]
    broken = np.logical_or.accumulate(~np.isfinite(losses), axis=1)
    return Curves(file.stem.removeprefix("taskset_"), space, rows, np.where(broken, np.inf, losses))


def misleading(rows: int = 1000, epochs: int = 50) -> Curves:
    """Four numbers; most rows that end well fall slowly: by epoch 5 the order is nearly turned round."""
    rng = np.random.default_rng(0)
    space = Space({f"x{i}": {"low": 0.0, "high": 1.0} for i in range(4)})
    points = [space.sample(rng) for _ in range(rows)]
    distance = np.array([np.linalg.norm(np.array(list(p.values())) - [0.3, 0.7, 0.4, 0.6]) for p in points])
    level = 0.2 + 0.3 * distance
    slowness = 1.0 + 10.0 * (1.0 - distance / distance.max()) ** 2 * rng.lognormal(0.0, 0.5, rows)
    fall = np.exp(-np.arange(1, epochs + 1) / slowness[:, None])
    noise = rng.normal(0.0, 0.003, (rows, epochs))
    return Curves("misleading", space, points, level[:, None] + (1.0 - level[:, None]) * fall + noise)


def table_names() -> tuple[str, ...]:
    """The tables found, then the invented one."""
    found = sorted(HPO.glob("taskset_*.npz")) if HPO.is_dir() else []
    return (*(file.stem.removeprefix("taskset_") for file in found), "misleading")


def curves_of(name: str) -> Curves:
    """A table by its name."""
    return misleading() if name == "misleading" else taskset(HPO / f"taskset_{name}.npz")
