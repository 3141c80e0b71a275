"""What every peer is given and gives back: arrays and plain configurations in; dev errors, seconds and steps out.

A configuration is a dict with the names that Paceline uses, e.g. `{"layers": 2, "units": 64, "norm": "batch"}`. What it
leaves out takes a default; a name that a peer doesn't know is refused, because a silently ignored setting makes
another race than the one reported.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCHEDULES = ("constant", "linear", "cosine")


@dataclass(frozen=True, slots=True)
class Arrays:
    """A table of classes, normalised already.

    Attributes:
        x_train, x_dev: (rows, features) float32.
        y_train, y_dev: (rows,) int64, 0 <= y < classes.
        classes: how many there are.
    """

    x_train: NDArray[np.float32]
    y_train: NDArray[np.int64]
    x_dev: NDArray[np.float32]
    y_dev: NDArray[np.int64]
    classes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A complete configuration. `units` and `dropout` hold one value a hidden layer; decay is of kernels only."""

    layers: int = 2
    units: tuple[int, ...] = (64, 64)
    batch_size: int = 64
    learning_rate: float = 1e-3
    optimizer: str = "adam"
    activation: str = "relu"
    norm: str = "none"
    dropout: tuple[float, ...] = (0.0, 0.0)
    input_dropout: float = 0.0
    weight_decay: float = 0.0
    schedule: str = "constant"
    momentum: float = 0.9
    epochs: int = 10
    seed: int = 0

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 0."""
        share = epoch / self.epochs
        factor = {"constant": 1.0, "linear": 1 - share, "cosine": 0.5 * (1 + math.cos(math.pi * share))}
        return self.learning_rate * factor[self.schedule]


NAMES = tuple(item.name for item in dataclasses.fields(Settings))


def complete(config: Mapping[str, Any], epochs: int) -> Settings:
    """A configuration with its defaults; `epochs` holds where the configuration names none.

    Raises:
        ValueError: an unknown name or schedule, or lists that don't fit the layers.

    >>> complete({"layers": 1, "units": 32}, epochs=5).units
    (32,)
    """
    unknown = sorted(set(config) - set(NAMES))
    if unknown:
        raise ValueError(f"a peer's configuration may hold {', '.join(NAMES)}, but got {', '.join(unknown)}.")
    values = {"epochs": epochs, **config}
    layers = values.setdefault("layers", 2)
    values["units"] = _one_a_layer("units", values.get("units", 64), layers)
    values["dropout"] = _one_a_layer("dropout", values.get("dropout", 0.0), layers)
    settings = Settings(**values)
    require("schedule", settings.schedule, SCHEDULES, "peers")
    return settings


def _one_a_layer(name: str, value: Any, layers: int) -> tuple[Any, ...]:
    values = tuple(value) if isinstance(value, Sequence) else (value,) * layers
    if len(values) != layers:
        raise ValueError(f"{name!r} must list one value a hidden layer ({layers}), but got {value!r}.")
    return values


def require(name: str, value: object, known: Sequence[object], peer: str) -> None:
    """Refuse a value that a peer has no equivalent of."""
    if value not in known:
        raise ValueError(f"{name!r} of {peer} must be one of {', '.join(map(str, known))}, but got {value!r}.")


@dataclass(frozen=True, slots=True)
class TrialResult:
    """One trained trial.

    Attributes:
        error: least dev error over the epochs.
        last_error: dev error after the last epoch.
        steps: optimiser updates made.
        epoch_seconds: wall time of each epoch, its dev evaluation included.
        epoch_steps: updates of each epoch.
    """

    error: float
    last_error: float
    steps: int
    epoch_seconds: tuple[float, ...]
    epoch_steps: int


@dataclass(frozen=True, slots=True)
class PeerResult:
    """A list of trials, trained.

    Attributes:
        seconds: wall time from handing out the first trial to having the last; processes were warm.
        errors: least dev error of each trial, in the order of the configurations.
        steps: optimiser updates of all trials.
        startup_seconds: what starting and importing took before that; not part of `seconds`.
        processes: how many worked.
        trials: each trial in full, in the order of the configurations.
    """

    seconds: float
    errors: tuple[float, ...]
    steps: int
    startup_seconds: float
    processes: int
    trials: tuple[TrialResult, ...]

    @property
    def step_microseconds(self) -> float:
        """µs a trial-step of the whole machine, everything counted."""
        return self.seconds / self.steps * 1e6

    @property
    def warm_step_microseconds(self) -> float:
        """µs a trial-step of the whole machine by the median epoch, each trial's first (where Keras compiles) left out.

        Assumes that all processes are busy all the time, so it flatters the peer a little. NaN with one epoch.
        """
        times = [
            seconds / trial.epoch_steps / self.processes for trial in self.trials for seconds in trial.epoch_seconds[1:]
        ]
        return float(np.median(times)) * 1e6 if times else math.nan
