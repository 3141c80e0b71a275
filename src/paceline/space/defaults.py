"""The search space of a user who names none, in the order in which N1 and N2 tune.

Learning rate first; then units, batch size and momentum; then layers, decay and regularisation. `layers`, `units` and
`batch_size` are the shape of a program and so decide how many are compiled: 6 at most, with one batch size.
"""

from collections.abc import Callable

from paceline.errors import SpaceError, did_you_mean
from paceline.space.choices import Choice, Fixed
from paceline.space.parameter import Parameter
from paceline.space.ranges import Float
from paceline.space.space import Space

TASKS = ("binary", "classes", "multilabel", "regression")

# The shapes: every combination is one program, so the lists are short and sit on the ladder of widths. Measured at
# equal configurations (docs/decisions.md): from 16 inputs and thousands of rows 256 units are no better than 96 and
# cost three times as much; with many inputs, or so few rows that an epoch is a handful of steps, they are better.
LAYERS = (1, 2, 3)
UNITS, WIDE_UNITS = (32, 96), (96, 256)
MANY_FEATURES, FEW_ROWS = 32, 2_000
BATCH_SIZE, LARGE_BATCH_SIZE = 64, 128
MANY_ROWS = 20_000  # from here on the larger batch: fewer steps an epoch


def default_space(net: str = "dense", *, rows: int, features: int, task: str) -> Space:
    """The space that ships with a net family.

    Args:
        net: "dense".
        rows: training rows, at least 1; from 20 000 on the batch is larger, below 2 000 layers are wider.
        features: columns of the table, at least 1; above 32 layers are wider and inputs may be dropped.
        task: "binary", "classes", "multilabel" or "regression".

    Raises:
        SpaceError: for an unknown net or task, or no rows or features.
    """
    if net not in FAMILIES:
        raise SpaceError(f"There is no default space for the net {net!r}{did_you_mean(net, FAMILIES)}")
    if task not in TASKS:
        raise SpaceError(f"{task!r} is not a task{did_you_mean(task, TASKS)}")
    if rows < 1 or features < 1:
        raise SpaceError(f"A default space needs at least one training row and feature, but got {rows=}, {features=}.")
    return Space(FAMILIES[net](rows, features))


def _dense(rows: int, features: int) -> dict[str, Parameter]:
    many = features > MANY_FEATURES
    space: dict[str, Parameter] = {
        "learning_rate": Float(1e-4, 3e-2, scale="log"),
        "units": Choice(WIDE_UNITS if many or rows < FEW_ROWS else UNITS),
        "batch_size": Fixed(BATCH_SIZE if rows < MANY_ROWS else LARGE_BATCH_SIZE),
        "optimizer": Choice(["adam", "nadam", "rmsprop", "momentum"]),
        "momentum": Float(0.5, 0.99, scale="logit", when={"optimizer": ["momentum"]}),
        "layers": Choice(LAYERS),
        "schedule": Choice(["constant", "cosine", "linear"]),
        "activation": Choice(["relu", "leaky_relu", "elu", "swish", "gelu", "tanh"]),
        "norm": Choice(["none", "batch", "layer"]),
        "dropout": Float(0.0, 0.5),
        "weight_decay": Float(1e-6, 1e-1, scale="log"),
    }
    if many:
        space["input_dropout"] = Float(0.0, 0.3)
    return space


FAMILIES: dict[str, Callable[[int, int], dict[str, Parameter]]] = {"dense": _dense}
