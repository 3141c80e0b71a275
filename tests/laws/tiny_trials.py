"""Trials so small that hundreds of them train in a second, and everything of an outcome that a law may compare.

Whatever a random trial switches on, its program is one of two: LAYERS hidden layers, 64 wide, batch 16, with the rare
features or without. So a folder of laws compiles a handful of programs.
"""

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from paceline.data import class_weights
from paceline.hyperparameters import ACTIVATIONS, NORMS, OPTIMIZERS, SCHEDULES
from paceline.net.dense import DENSE
from paceline.pack.checkpoint import state_arrays
from paceline.pack.cpu import CpuLanes
from paceline.pack.executor import Done, Job
from paceline.pack.folds import FoldArrays, FoldData, fold_data, padded_data
from paceline.pack.programs import Programs
from paceline.pack.trials import PreparedTrial, prepare
from paceline.training.arguments import default_metric
from paceline.training.program import State
from paceline.training.step import Data

Array = NDArray[np.float32]

LAYERS, WIDTH, BATCH = 2, 64, 16
FEATURES, CLASSES = 11, 5
ROWS, DEV_ROWS = 70, 30  # 70 rows leave a last batch of 6
COLUMNS_OF = {"classes": CLASSES, "binary": 1, "multilabel": 3, "regression": 2}
EPOCHS = 5


def plain_data(
    task: str = "classes", rows: int = ROWS, features: int = FEATURES, dev_rows: int = DEV_ROWS
) -> tuple[Array, Array, Array, Array]:
    """(x_train, y_train, x_dev, y_dev) that a random linear map ties together, with noise."""
    rng = np.random.default_rng([7, features])
    teacher = rng.normal(size=(features, COLUMNS_OF[task])) / np.sqrt(features)

    def draw(count: int) -> tuple[Array, Array]:
        x = rng.normal(size=(count, features)).astype(np.float32)
        z = x @ teacher + 0.5 * rng.normal(size=(count, COLUMNS_OF[task]))
        if task == "classes":
            return x, np.eye(CLASSES, dtype=np.float32)[z.argmax(axis=1)]
        return x, (z if task == "regression" else z > 0).astype(np.float32)

    return (*draw(rows), *draw(dev_rows))


FOLDS: dict[str, Data] = {}
"""The padded arrays of all tiny folds, which every executor of these tests holds."""


@cache
def tiny_fold(task: str = "classes", rows: int = ROWS, features: int = FEATURES, dev_rows: int = DEV_ROWS) -> FoldData:
    arrays = FoldArrays(*plain_data(task, rows, features, dev_rows), task)
    fold = fold_data(f"{task} {rows} {features} {dev_rows}", arrays)
    FOLDS[fold.handle] = jax.tree.map(jax.device_put, padded_data(DENSE, fold, arrays))
    return fold


def cpu_lanes(programs: Programs, count: int) -> CpuLanes:
    """Lanes that hold the tiny folds."""
    lanes = CpuLanes(programs, count)
    lanes._folds = FOLDS
    return lanes


def trial(
    params: Mapping[str, Any],
    *,
    seed: int = 0,
    task: str = "classes",
    epochs: int = EPOCHS,
    metric: str | None = None,
    fold: FoldData | None = None,
    measured: Sequence[str] = ("f1",),
) -> PreparedTrial:
    """A configuration on a tiny fold, ready to train; what `params` leave out is `BATCH`, `WIDTH` and the defaults."""
    config = DENSE.resolve({"layers": LAYERS, "units": WIDTH, "batch_size": BATCH, **params}, task=task)
    labels = plain_data(task)[1]
    answers = labels.argmax(axis=1) if task == "classes" else labels[:, 0].astype(int)
    weights = None if config.class_weight is None else class_weights(config.class_weight, answers)
    return prepare(
        DENSE,
        config,
        fold or tiny_fold(task),
        seed=seed,
        epochs=epochs,
        metric=metric or default_metric(task),
        class_weights=weights,
        measured=measured,
    )


def random_params(number: int) -> dict[str, Any]:
    """Configuration `number` of an endless list over nearly everything that a classifying dense net may switch on."""
    rng = np.random.default_rng([11, number])

    def one(values: Sequence[Any]) -> Any:
        return values[int(rng.integers(len(values)))]

    params: dict[str, Any] = {
        "learning_rate": float(10 ** rng.uniform(-4, -1)),
        "optimizer": one(OPTIMIZERS),
        "schedule": one([name for name in SCHEDULES if name != "manual"]),
        "units": [int(rng.integers(1, 65)), int(rng.integers(49, 65))][:: one([1, -1])],
        "activation": [one(ACTIVATIONS), one(ACTIVATIONS)],
        "norm": one(NORMS),
        "dropout": one([0.0, float(rng.uniform(0.05, 0.6))]),
    }
    sometimes = {
        "input_dropout": 0.2, "l1": 0.1, "l2": 0.5, "weight_decay": 0.1, "label_smoothing": 0.1, "clip_value": 0.05,
        "patience": 2, "momentum_schedule": "linear", "warmup_epochs": 2.0, "class_weight": "balanced",
        "epsilon_inside": True, "reduction": "sum", "loss": "sigmoid", "init": "orthogonal",
    }  # fmt: skip
    rarely = {
        "input_noise": 0.1, "weight_noise": 0.05, "activity_l1": 0.01, "activity_l2": 0.01, "clip_norm": 0.5,
        "max_norm": 1.0, "norm_position": "after", "dropout_kind": "weights",
    }  # fmt: skip
    params |= {name: value for name, value in sometimes.items() if rng.random() < 0.25}
    if rng.random() < 0.5:
        params |= {name: value for name, value in rarely.items() if rng.random() < 0.3}
    # One width for both layers, or the net would need the third program, that of projected skips.
    if rng.random() < 0.3:
        params |= {"units": max(params["units"]), "skip": "add"}
    return params


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a trial.

    Attributes:
        measurements: (epochs, len(COLUMNS)) float32.
        state: after the last epoch; its arrays include the best weights.
    """

    measurements: Array
    state: State

    @property
    def bits(self) -> dict[str, bytes]:
        """Every byte of the outcome, by name: two outcomes are the same when these are equal."""
        arrays = {name: array.tobytes() for name, array in state_arrays(self.state).items()}
        return {"measurements": self.measurements.tobytes(), **arrays}

    @property
    def digest(self) -> str:
        """The bits in one line, to hand to another process."""
        total = hashlib.sha256()
        for name, content in sorted(self.bits.items()):
            total.update(name.encode() + content)
        return total.hexdigest()


@dataclass(frozen=True, eq=False)
class Ended:
    """A job's outcome and the state that its executor then holds; None where it holds none."""

    done: Done
    state: Any

    @property
    def measurements(self) -> Array:
        return self.done.measurements

    @property
    def first_epoch(self) -> int:
        return self.done.first_epoch

    @property
    def error(self) -> BaseException | None:
        return self.done.error


def run_jobs(
    programs: Programs, jobs: Sequence[Job], lanes: int = 1, states: Mapping[Hashable, State] | None = None
) -> list[Ended]:
    """Outcomes of jobs with distinct handles, in the order of the jobs. `states`: where some of them go on from."""
    found: dict[Hashable, Done] = {}
    with cpu_lanes(programs, lanes) as pool:
        for handle, state in (states or {}).items():
            pool.place(handle, state)
        pool.submit(jobs)
        while len(found) < len(jobs):
            found |= {done.handle: done for done in pool.collect(timeout=60)}
        return [Ended(found[job.handle], pool.state(job.handle) if pool.holds(job.handle) else None) for job in jobs]


def train(
    programs: Programs, trials: Sequence[PreparedTrial], *, epochs: int = EPOCHS, lanes: int = 1
) -> list[Outcome]:
    """Train trials in company, in the order given."""
    jobs = [Job(index, item, epochs, (index,)) for index, item in enumerate(trials)]
    outcomes = []
    for ended in run_jobs(programs, jobs, lanes):
        if ended.error is not None:
            raise ended.error
        outcomes.append(Outcome(ended.measurements, ended.state))
    return outcomes


def alone(programs: Programs, item: PreparedTrial, *, epochs: int = EPOCHS) -> Outcome:
    """Train one trial with nobody else, on one lane."""
    return train(programs, [item], epochs=epochs)[0]
