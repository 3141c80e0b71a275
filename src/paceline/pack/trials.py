"""A prepared trial: all that its curve depends on, resolved once, in the form that programs take."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paceline.hyperparameters import Hyperparameters, loss_name
from paceline.net.base import Family, Spec, Variables
from paceline.net.ladders import OUTPUTS, step_up
from paceline.pack.folds import FoldData, chance_loss
from paceline.training.arguments import TrialArguments, encode
from paceline.training.metrics import extras_of
from paceline.training.program import State, initial_state
from paceline.training.shape import ProgramShape

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PreparedTrial:
    """A trial on a fold, ready to train. It holds no data and no state: an executor does.

    Attributes:
        family: of its net; config: what it was made from; fold: what it is trained on.
        shape: its program; arguments: the program's run-time data, numpy.
        seed: of weights, batches and masks.
    """

    family: Family
    config: Hyperparameters
    fold: FoldData
    shape: ProgramShape
    arguments: TrialArguments
    seed: int

    @property
    def spec(self) -> Spec:
        return self.fold.spec

    @property
    def steps_per_epoch(self) -> int:
        return -(-self.spec.train_rows // self.shape.batch)

    def first_state(self, variables: Variables | None = None) -> State:
        """The state before the first epoch, from `variables` or freshly drawn ones; numpy."""
        if variables is None:
            variables = self.family.init(self.config, self.spec, self.seed)
        return initial_state(self.family.pad(self.shape.net, self.config, self.spec, variables))

    def variables(self, state: State, *, best: bool) -> Variables:
        """The net of a state in real sizes: at the best epoch, or at the last."""
        padded = (
            Variables(state.best_weights, state.best_statistics)
            if best
            else Variables(state.optimizer.weights, state.optimizer.statistics)
        )
        return self.family.unpad(self.shape.net, self.config, self.spec, padded)


def program_shape(
    family: Family, config: Hyperparameters, fold: FoldData, extras: tuple[str, ...] = ()
) -> ProgramShape:
    """The program of a configuration: a pure function of it and of the data."""
    spec = fold.spec
    most = fold.most_rows[0]
    train_rows, dev_rows = fold.capacity
    return ProgramShape(
        family=f"{family.name} {family.fingerprint}",
        net=family.shape(config, spec),
        batch=most if config.batch_size == "all" else min(int(config.batch_size), most),
        sample=family.sample(spec),
        dtype=spec.dtype,
        outputs=step_up(OUTPUTS, spec.outputs),
        train_rows=train_rows,
        dev_rows=dev_rows,
        task=spec.task,
        extended=config.extended_features(),
        extras=extras,
    )


def prepare(
    family: Family,
    config: Hyperparameters,
    fold: FoldData,
    *,
    seed: int,
    epochs: int,
    metric: str,
    class_weights: Array | None = None,
    measured: Iterable[str] = (),
) -> PreparedTrial:
    """A trial with its program's shape and run-time data.

    Args:
        epochs: the epochs that schedules spread over.
        metric: what its best epoch is chosen by; measured: other metrics that are wanted of each epoch.
        class_weights: (classes,), for binary (2,).
    """
    shape = program_shape(family, config, fold, extras_of((metric, *measured), fold.spec.task))
    arguments = encode(
        family,
        config,
        fold.spec,
        shape.net,
        metric=metric,
        seed=seed,
        epochs=epochs,
        padded_outputs=shape.outputs,
        class_weights=class_weights,
        chance_loss=chance_loss(loss_name(config, fold.spec.task), fold.shares),
    )
    return PreparedTrial(family, config, fold, shape, arguments, seed)
