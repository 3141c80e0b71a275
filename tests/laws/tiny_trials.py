"""Trials so small that hundreds of them train in a second, and everything of an outcome that a law may compare.

Whatever a random trial switches on, its program is one of two: LAYERS hidden layers, 64 wide, batch 16, with the rare
features or without. So a folder of laws compiles a handful of programs.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paceline.data import class_weights
from paceline.hyperparameters import ACTIVATIONS, NORMS, OPTIMIZERS, SCHEDULES
from paceline.net.dense.hyperparameters import resolve
from paceline.pack.checkpoint import state_arrays
from paceline.pack.executor import Done, Job, Lanes
from paceline.pack.programs import Programs
from paceline.pack.trials import Arrays, Prepared, prepare, put_arrays
from paceline.training.arguments import default_metric
from paceline.training.program import State

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


@cache
def tiny_fold(task: str = "classes", rows: int = ROWS, features: int = FEATURES, dev_rows: int = DEV_ROWS) -> Arrays:
    return put_arrays(*plain_data(task, rows, features, dev_rows), task=task)


def trial(
    params: Mapping[str, Any],
    *,
    seed: int = 0,
    task: str = "classes",
    epochs: int = EPOCHS,
    metric: str | None = None,
    fold: Arrays | None = None,
) -> Prepared:
    """A configuration on a tiny fold, ready to train; what `params` leave out is `BATCH`, `WIDTH` and the defaults."""
    config = resolve({"layers": LAYERS, "units": WIDTH, "batch_size": BATCH, **params}, task=task)
    labels = plain_data(task)[1]
    answers = labels.argmax(axis=1) if task == "classes" else labels[:, 0].astype(int)
    weights = None if config.class_weight is None else class_weights(config.class_weight, answers)
    return prepare(
        config,
        fold or tiny_fold(task),
        seed=seed,
        epochs=epochs,
        metric=metric or default_metric(task),
        class_weights=weights,
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


def run_jobs(programs: Programs, jobs: Sequence[Job], lanes: int = 1) -> list[Done]:
    """Outcomes of jobs with distinct keys, in the order of the jobs."""
    found: dict[Any, Done] = {}
    with Lanes(programs, lanes) as pool:
        pool.submit(jobs)
        while len(found) < len(jobs):
            found |= {done.key: done for done in pool.collect(timeout=60)}
    return [found[job.key] for job in jobs]


def train(programs: Programs, trials: Sequence[Prepared], *, epochs: int = EPOCHS, lanes: int = 1) -> list[Outcome]:
    """Train trials in company, in the order given."""
    jobs = [item.job(index, item.first_state(), epochs, (index,)) for index, item in enumerate(trials)]
    outcomes = []
    for done in run_jobs(programs, jobs, lanes):
        if done.error is not None:
            raise done.error
        outcomes.append(Outcome(done.measurements, done.state))
    return outcomes


def alone(programs: Programs, item: Prepared, *, epochs: int = EPOCHS) -> Outcome:
    """Train one trial with nobody else, on one lane."""
    return train(programs, [item], epochs=epochs)[0]
