"""The search space of a user who names none, in the order in which Kayal and Rafatirad tune.

Learning rate first; then units, batch size and momentum; then layers, decay and regularisation. `layers`, `units` and
`batch_size` are the shape of a program and so decide how many are compiled: 6 at most, with one batch size.
"""

from paceline.net.base import Spec
from paceline.space import Choice, Fixed, Float, Space
from paceline.space.parameter import Parameter

# The shapes: every combination is one program, so the lists are short and sit on the ladder of widths. Measured at
# equal configurations (docs/decisions/default-space.md): from 16 inputs and thousands of rows 256 units are no better
# than 96 and cost three times as much; with many inputs, or so few rows that an epoch is a handful of steps, they are
# better.
LAYERS = (1, 2, 3)
UNITS, WIDE_UNITS = (32, 96), (96, 256)
MANY_FEATURES, FEW_ROWS = 32, 2_000
BATCH_SIZE, LARGE_BATCH_SIZE = 64, 128
MANY_ROWS = 20_000  # from here on the larger batch: fewer steps an epoch


def dense_space(spec: Spec) -> Space:
    """The default space of a dense net.

    From 20 000 training rows on the batch is larger; below 2 000 layers are wider. Above 32 features layers are wider
    and inputs may be dropped.
    """
    rows, features = spec.train_rows, spec.sample[0]
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
    return Space(space)
