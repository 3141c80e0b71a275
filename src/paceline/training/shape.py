"""The static part of a trial: one compiled program each."""

from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProgramShape:
    """What a program is compiled for.

    Attributes:
        family: name and fingerprint of the net's family, so that an edited family has programs of its own, in one
            process too; net: the family's own part, see `Family.shape`.
        batch: rows a step.
        sample: padded shape of one row's input; dtype: of the inputs.
        outputs: padded columns of y.
        train_rows, dev_rows: padded rows of the data arrays.
        task: "binary", "classes", "multilabel" or "regression": its losses and metrics are compiled in.
        extended: rarely used features are compiled in too; see `Hyperparameters.extended_features`.
        extras: what is measured beside the usual metrics; see `training.metrics.EXTRAS`.
    """

    family: str
    net: Hashable
    batch: int
    sample: tuple[int, ...]
    dtype: str
    outputs: int
    train_rows: int
    dev_rows: int
    task: str
    extended: bool = False
    extras: tuple[str, ...] = ()
