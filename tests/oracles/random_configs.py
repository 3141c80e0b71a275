"""Sixty random configurations over a few shapes, each with data of its own: what engine and oracle are compared on.

Every named choice (optimisers, schedules, activations, norms, ...) is dealt like cards, so that each comes up in equal
number, and all else is drawn. The shapes are few, and each has one task or two, because each task of a shape
compiles a program; among them are widths 13, 37 and 100, a short last batch (once of a single row), no hidden layer,
both skips and one batch of all rows.

A comparison to 1e-4 after 50 float32 steps needs a problem that float32 can solve to 1e-4: where a gradient entry
that is nearly zero decides a sign (lion, adam's first steps, the kink of relu), rounding alone moves the result
further. `python tests/oracles/rounding.py` trains each configuration in the oracle in float64, in float32, and
in float64 with inputs and weights shaken in their seventh digit, and prints how far these lie apart. A configuration
where that came near the bound has been drawn anew: `REDRAWS` counts how often.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paceline.hyperparameters import ACTIVATIONS, OPTIMIZERS, SCHEDULES
from paceline.net.dense.hyperparameters import DenseHyperparameters, resolve

COUNT = 60
INPUTS = 11
OUTPUTS = {"classes": 5, "binary": 1, "multilabel": 3, "regression": 2}
LOSSES = {
    "classes": ("cross_entropy", "sigmoid"),
    "binary": ("sigmoid",),
    "multilabel": ("sigmoid",),
    "regression": ("mse", "half_sse", "mae", "huber"),
}
REDRAWS: dict[int, int] = {
    5: 1, 8: 2, 14: 1, 16: 9, 17: 1, 24: 1, 28: 15, 29: 1, 32: 1, 37: 2, 38: 5, 41: 1, 42: 5, 45: 1, 50: 2, 54: 2,
    56: 3, 59: 3,
}  # fmt: skip
"""Number of a configuration -> which draw of it is used (0 where it isn't named)."""

# (layers, units, batch, skip, training rows); steps an epoch divide 50.
SHAPES: tuple[tuple[int, int | list[int], int | str, str, int], ...] = (
    (0, 16, 16, "none", 75),
    (1, 37, 16, "none", 75),
    (2, [13, 37], 16, "none", 65),
    (2, [100, 13], 32, "none", 150),
    (3, [13, 37, 37], 16, "add", 75),
    (3, [37, 13, 13], 16, "concat", 75),
    (4, 13, "all", "add", 53),
    (3, [13, 100, 37], 32, "none", 150),
)
TASKS: tuple[dict[str, int], ...] = (
    {"binary": 4},
    {"classes": 5, "regression": 4},
    {"classes": 6, "multilabel": 4},
    {"binary": 4, "regression": 3},
    {"classes": 5, "multilabel": 4},
    {"classes": 4, "regression": 4},
    {"classes": 4, "multilabel": 3},
    {"binary": 4, "regression": 2},
)
"""For each shape, how many of its configurations have which task."""
STEPS = 50
DEV_ROWS = 41

RATES = {
    "sgd": 0.05, "momentum": 0.01, "nesterov": 0.01, "rmsprop": 0.001, "adam": 0.002, "nadam": 0.002,
    "adamax": 0.003, "adamw": 0.002, "adagrad": 0.02, "lion": 0.0003,
}  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """A configuration with its data.

    Attributes:
        number: 0, 1, ..., COUNT - 1.
        params: what `resolve` is given.
        task: "classes", "binary", "multilabel" or "regression".
        seed: seed of weights, batches and masks.
        epochs: so many that they are STEPS steps.
        x_train, y_train, x_dev, y_dev: float32, (rows, INPUTS) and (rows, OUTPUTS[task]).
        class_weights: (classes,) float32 or None.
        target_scale: unit of the target.
    """

    number: int
    params: dict[str, Any]
    task: str
    seed: int
    epochs: int
    x_train: NDArray[np.float32]
    y_train: NDArray[np.float32]
    x_dev: NDArray[np.float32]
    y_dev: NDArray[np.float32]
    class_weights: NDArray[np.float32] | None
    target_scale: float

    @property
    def config(self) -> DenseHyperparameters:
        return resolve(self.params, task=self.task)

    @property
    def one_step_rows(self) -> int:
        """How many training rows make one batch, so that one epoch is one step."""
        return len(self.x_train) if self.params["batch_size"] == "all" else int(self.params["batch_size"])

    def arguments(self) -> tuple[NDArray[np.float32], ...]:
        return self.x_train, self.y_train, self.x_dev, self.y_dev


@cache
def dealt() -> dict[str, list[Any]]:
    """For each named choice a list of COUNT values in which every value comes up in equal number."""
    rng = np.random.default_rng(20)

    def deal(values: Sequence[Any]) -> list[Any]:
        cards = [values[i % len(values)] for i in range(COUNT)]
        return [cards[i] for i in rng.permutation(COUNT)]

    shapes = [number for number, counts in enumerate(TASKS) for _ in range(sum(counts.values()))]
    tasks = [task for counts in TASKS for task, count in counts.items() for _ in range(count)]
    return {
        "shape": shapes,
        "optimizer": deal(OPTIMIZERS),
        "schedule": deal(SCHEDULES),
        "activation": deal(ACTIVATIONS),
        "norm": deal(("none", "batch", "layer", "batch")),
        "norm_position": deal(("before", "after")),
        "task": tasks,
        "dropout_kind": deal(("activations", "activations", "weights")),
        "penalty_scale": deal(("per_row", "plain")),
        "reduction": deal(("mean", "mean", "sum")),
        "momentum_schedule": deal(("constant", "linear", "constant", "manual")),
        "schedule_unit": deal(("epoch", "step")),
        "epsilon_inside": deal((False, True)),
        "init": deal(("auto", "auto", "normal", "glorot", "orthogonal", "he", "lecun", "glorot_in")),
    }


def problem(number: int, redraw: int | None = None) -> Problem:
    """Configuration `number` with its data; `redraw` overrules REDRAWS."""
    draw = REDRAWS.get(number, 0) if redraw is None else redraw
    rng = np.random.default_rng([number, draw])
    hand = {name: cards[number] for name, cards in dealt().items()}
    layers, units, batch, skip, rows = SHAPES[hand.pop("shape")]
    task = hand.pop("task")
    steps = 1 if batch == "all" else -(-rows // int(batch))
    epochs = STEPS // steps
    params: dict[str, Any] = {"layers": layers, "units": units, "batch_size": batch, "skip": skip, **hand}
    if layers >= 2 and rng.random() < 0.4:  # one activation a layer, the dealt one among them
        others = rng.choice(ACTIVATIONS, layers - 1).tolist()
        params["activation"] = [hand["activation"], *others]
    if params["norm"] == "batch" and "linear" in params["activation"]:
        # A shift before batch norm has no effect, so its gradient is 0 but for rounding, which adam and others
        # blow up to full steps.
        params["norm"] = "layer"
    params |= _rates(rng, hand, task, epochs, 1 if batch != "all" else rows, batch)
    params |= _regularisation(rng, layers, params["penalty_scale"], task)
    params |= _some(rng, 0.3, {"init_gain": rng.uniform(0.7, 1.3), "init_distribution": "uniform"})
    params |= {
        "norm_momentum": rng.choice([0.5, 0.9, 0.95]),
        "norm_epsilon": rng.choice([1e-5, 1e-3]),
        "init_value": 0.2,
    }
    params |= {"loss": str(rng.choice(LOSSES[task])), "huber_delta": rng.uniform(0.3, 1.5)}
    if task == "regression":  # four losses for a dozen problems: dealt in turn
        turn = dealt()["task"][:number].count(task)
        params["loss"] = LOSSES[task][turn % len(LOSSES[task])]
    params = {name: value.item() if isinstance(value, np.generic) else value for name, value in params.items()}
    x_train, y_train = _data(rng, rows, task, number)
    x_dev, y_dev = _data(rng, DEV_ROWS, task, number)
    weighted = task in ("classes", "binary") and rng.random() < 0.5
    class_weights = rng.uniform(0.4, 2.0, max(2, OUTPUTS[task])).astype(np.float32) if weighted else None
    return Problem(
        number, params, task, int(rng.integers(2**32)), epochs, x_train, y_train, x_dev, y_dev, class_weights,
        float(rng.uniform(0.5, 20)) if task == "regression" else 1.0,
    )  # fmt: skip


def _some(rng: np.random.Generator, share: float, values: dict[str, Any]) -> dict[str, Any]:
    """Each of the values with that probability."""
    return {name: value for name, value in values.items() if rng.random() < share}


def _rates(
    rng: np.random.Generator, hand: dict[str, Any], task: str, epochs: int, rows: int, batch: int | str
) -> dict[str, Any]:
    optimizer = hand["optimizer"]
    rate = RATES[optimizer] * float(np.exp(rng.uniform(-0.7, 0.7)))
    summed = hand["reduction"] == "sum" and optimizer in ("sgd", "momentum", "nesterov")
    if summed:
        rate /= rows if batch == "all" else int(batch)
    values: dict[str, Any] = {"learning_rate": rate}
    values |= {"momentum": rng.uniform(0.5, 0.9), "rho": rng.uniform(0.8, 0.95), "beta1": rng.uniform(0.7, 0.92)}
    values |= {"beta2": rng.uniform(0.95, 0.999), "momentum_end": rng.uniform(0.4, 0.95)}
    values |= {"momentum_form": str(rng.choice(["heavy_ball", "ewa", "ewa_corrected"]))}
    values |= {"momentum_points": ((epochs // 4, 0.6), (epochs // 2, 0.85))}
    if rng.random() < 0.6:
        values["epsilon"] = float(rng.choice([1e-6, 1e-5, 1e-4]))
    values |= _some(rng, 0.25, {"clip_value": rng.uniform(0.01, 0.1), "clip_norm": rng.uniform(0.1, 1.0)})
    values |= _some(rng, 0.3, {"weight_decay": rng.uniform(0.01, 0.3)})
    # the schedule
    values |= {"schedule_drop": rng.uniform(0.3, 0.7), "schedule_every": int(rng.integers(2, 5))}
    values |= {"schedule_power": rng.uniform(0.55, 1.0), "schedule_end": float(rng.choice([0.0, 0.2]))}
    values |= {"schedule_points": ((1, rate * 0.7), (epochs // 2, rate * 0.2), (epochs // 2 + 2, rate * 1.1))}
    values |= {"plateau_patience": int(rng.integers(0, 3)), "plateau_factor": rng.uniform(0.3, 0.7)}
    values |= _some(
        rng, 0.3, {"warmup_epochs": float(rng.choice([2.0, 3.0])), "hold_epochs": float(rng.choice([1.0, 2.0]))}
    )
    if rng.random() < 0.5:
        low, high = {"exponential": (0.8, 0.98)}.get(hand["schedule"], (0.3, 1.5))
        values["schedule_rate"] = rng.uniform(low, high)
    if rng.random() < 0.25:
        values |= {"patience": int(rng.integers(2, 6)), "min_delta": float(rng.choice([0.0, 0.011]))}
    return values


def _regularisation(rng: np.random.Generator, layers: int, scale: str, task: str) -> dict[str, Any]:
    unit = 1.0 if scale == "per_row" else 0.005
    values = _some(
        rng, 0.3, {name: unit * rng.uniform(0.2, 2.0) for name in ("l1", "l2", "bias_l1", "bias_l2")}
    )  # fmt: skip
    values |= _some(rng, 0.25, {name: rng.uniform(0.001, 0.02) for name in ("activity_l1", "activity_l2")})
    values |= _some(rng, 0.25, {"max_norm": rng.uniform(0.5, 1.2), "weight_rescale": rng.uniform(0.99, 0.999)})
    values |= _some(rng, 0.2, {"weight_noise": rng.uniform(0.01, 0.1), "input_noise": rng.uniform(0.05, 0.3)})
    values |= _some(rng, 0.3, {"input_dropout": rng.uniform(0.05, 0.3)})
    if task != "regression":
        values |= _some(rng, 0.35, {"label_smoothing": rng.uniform(0.02, 0.2)})
    draw = rng.random()
    if draw < 0.4:
        values["dropout"] = rng.uniform(0.1, 0.5)
    elif draw < 0.75:
        values["dropout"] = rng.uniform(0.0, 0.5, layers).tolist()
    return values


def _data(
    rng: np.random.Generator, rows: int, task: str, number: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Inputs and targets that a random linear map and a fold of it tie together, with noise."""
    x = rng.normal(size=(rows, INPUTS)).astype(np.float32)
    teacher = np.random.default_rng([1, number]).normal(size=(INPUTS, OUTPUTS[task])) / np.sqrt(INPUTS)
    z = x @ teacher + np.abs(x @ teacher[::-1]) - 0.7 + 0.3 * rng.normal(size=(rows, OUTPUTS[task]))
    if task == "regression":
        return x, z.astype(np.float32)
    if task == "classes":
        return x, np.eye(OUTPUTS[task], dtype=np.float32)[z.argmax(1)]
    return x, (z > 0).astype(np.float32)


def problems() -> Iterator[Problem]:
    return (problem(number) for number in range(COUNT))
