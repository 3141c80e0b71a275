"""Training a few trials at once, and everything of what comes of them that a law may compare."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from paceline.pack.checkpoint import state_arrays, state_from
from paceline.pack.executor import Executor, Job
from paceline.pack.trials import PreparedTrial
from paceline.training.program import State

Array = NDArray[np.float32]


class Outcome:
    """What came of a trial.

    Attributes:
        measurements: (epochs, len(COLUMNS)) float32; state: after the last epoch.
    """

    def __init__(self, measurements: Array, state: State) -> None:
        self.measurements, self.state = measurements, state

    @property
    def bits(self) -> dict[str, bytes]:
        """Every byte of it, by name."""
        arrays = {name: array.tobytes() for name, array in state_arrays(self.state).items()}
        return {"measurements": self.measurements.tobytes(), **arrays}


def train(
    executor: Executor, trials: Sequence[PreparedTrial], epochs: int, pauses: Sequence[int] = ()
) -> list[Outcome]:
    """Train trials together for so many epochs; outcomes in their order.

    Args:
        pauses: epochs after which each trial is stopped, taken apart as for a checkpoint, and taken up again.
    """
    blocks: list[list[Array]] = [[] for _ in trials]
    for epoch in (*pauses, epochs):
        executor.submit(Job(place, trial, epoch, (place,)) for place, trial in enumerate(trials))
        while executor.open_jobs:
            for done in executor.collect(timeout=60):
                if done.error is not None:
                    raise done.error
                assert isinstance(done.handle, int)
                blocks[done.handle].append(done.measurements)
        for place, trial in enumerate(trials):
            arrays = state_arrays(executor.state(place))
            executor.place(place, state_from(arrays, trial.first_state()))
    outcomes = [Outcome(np.concatenate(parts), executor.state(place)) for place, parts in enumerate(blocks)]
    for place in range(len(trials)):
        executor.drop(place)
    return outcomes


def measured(task: str, z: Array, y: Array) -> dict[str, float]:
    """Metrics of outputs z (rows, outputs) against targets y, in plain numpy: the usual loss of a task, and more."""
    z, y = z.astype(np.float64), y.astype(np.float64)
    if task == "regression":
        squares = (z - y) ** 2
        return {"loss": float(squares.mean()), "rmse": float(np.sqrt(squares.mean(axis=0)).mean())}
    if task == "classes":
        losses = np.logaddexp.reduce(z, axis=1) - (z * y).sum(axis=1)
        return {"loss": float(losses.mean()), "error": float((z.argmax(axis=1) != y.argmax(axis=1)).mean())}
    losses = (np.logaddexp(0, z) - z * y).sum(axis=1)
    return {"loss": float(losses.mean()), "error": float(((z > 0) != (y > 0.5)).mean())}
