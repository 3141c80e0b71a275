"""The same trials through Keras `fit` on its JAX backend, one process a core, each bound to its core.

Binding is how a process gets a single-threaded XLA; a lone process isn't bound and has the whole machine, which is how
most people call `fit`. Every model is traced and compiled anew in its first epoch, as
Keras does for its users; `PeerResult.warm_step_microseconds` leaves that epoch out, `step_microseconds` doesn't.
"""

import os
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from peers.pool import Train, WarmPool
from peers.trials import Arrays, PeerResult, Settings, TrialResult, complete, require

ACTIVATIONS = ("linear", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "swish", "gelu", "softplus")
OPTIMIZERS = ("sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "nadam", "adamax", "adagrad", "lion")
NORMS = ("none", "batch", "layer")
MISSING = "Keras isn't installed; `pip install keras` (or `pip install -e '.[keras]'`) adds it to the comparison."


def available() -> bool:
    """Whether Keras is installed; say `MISSING` where it isn't."""
    return find_spec("keras") is not None


def run_keras(
    configs: Sequence[Mapping[str, Any]], arrays: Arrays, epochs: int, processes: int | None = None
) -> PeerResult:
    """Train all configurations; see `torch_trials.run_torch`.

    Raises:
        ValueError: a configuration that Keras has no equivalent of.
        ModuleNotFoundError: Keras isn't installed.
    """
    if not available():
        raise ModuleNotFoundError(MISSING)
    trials = [complete(config, epochs) for config in configs]
    for settings in trials:
        check(settings)
    with WarmPool(start, arrays, processes, pin=processes != 1) as pool:
        return pool.run(trials)


def check(settings: Settings) -> None:
    """Refuse what has no equivalent here."""
    require("activation", settings.activation, ACTIVATIONS, "Keras")
    require("optimizer", settings.optimizer, OPTIMIZERS, "Keras")
    require("norm", settings.norm, NORMS, "Keras")


def start(arrays: Arrays) -> Train:
    """In a child, before Keras is imported: its backend; then one short warm-up."""
    os.environ["KERAS_BACKEND"] = "jax"
    few = Arrays(arrays.x_train[:256], arrays.y_train[:256], arrays.x_dev[:256], arrays.y_dev[:256], arrays.classes)
    trainer(few)(complete({}, epochs=2))
    return trainer(arrays)


def model_of(settings: Settings, features: int, classes: int) -> Any:
    """A compiled Sequential model: dense, norm, activation, dropout."""
    import keras

    layers: list[Any] = [keras.Input((features,))]
    if settings.input_dropout > 0:
        layers.append(keras.layers.Dropout(settings.input_dropout))
    for units, dropout in zip(settings.units, settings.dropout, strict=True):
        bias = settings.norm != "batch"  # which would take it out again
        layers.append(keras.layers.Dense(units, use_bias=bias, kernel_initializer="he_normal"))
        if settings.norm == "batch":
            layers.append(keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5))
        elif settings.norm == "layer":
            layers.append(keras.layers.LayerNormalization(epsilon=1e-5))
        layers.append(keras.layers.Activation(settings.activation))
        if dropout > 0:
            layers.append(keras.layers.Dropout(dropout))
    layers.append(keras.layers.Dense(classes))
    model = keras.Sequential(layers)
    model.compile(
        optimizer=optimizer_of(settings),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def optimizer_of(settings: Settings) -> Any:
    """The update rule; decay is decoupled, as everywhere in Keras, and of the kernels only."""
    import keras

    kinds = {
        "rmsprop": keras.optimizers.RMSprop,
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "nadam": keras.optimizers.Nadam,
        "adamax": keras.optimizers.Adamax,
        "adagrad": keras.optimizers.Adagrad,
        "lion": keras.optimizers.Lion,
    }
    decay = settings.weight_decay or None
    if settings.optimizer == "adamw":
        decay = settings.weight_decay  # AdamW asks for a number
    if settings.optimizer in kinds:
        optimizer = kinds[settings.optimizer](settings.learning_rate, weight_decay=decay)
    else:
        optimizer = keras.optimizers.SGD(
            settings.learning_rate,
            momentum=0.0 if settings.optimizer == "sgd" else settings.momentum,
            nesterov=settings.optimizer == "nesterov",
            weight_decay=decay,
        )
    if decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def rates(settings: Settings) -> Any:
    """A callback that sets each epoch's learning rate, where it isn't constant."""
    import keras

    class Rates(keras.callbacks.Callback):  # type: ignore[misc] # Keras ships no types
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if settings.schedule != "constant":
                self.model.optimizer.learning_rate = settings.rate(epoch)

    return Rates()


def trainer(arrays: Arrays) -> Train:
    """What trains one trial on the arrays."""
    import keras

    class Clock(keras.callbacks.Callback):  # type: ignore[misc] # Keras ships no types
        """Takes each epoch's time, dev evaluation included."""

        def __init__(self) -> None:
            super().__init__()
            self.seconds: list[float] = []
            self.began = 0.0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seconds.append(time.perf_counter() - self.began)

    def train(settings: Settings) -> TrialResult:
        keras.utils.set_random_seed(settings.seed)
        model = model_of(settings, arrays.x_train.shape[1], arrays.classes)
        clock = Clock()
        history = model.fit(
            arrays.x_train,
            arrays.y_train,
            batch_size=settings.batch_size,
            epochs=settings.epochs,
            validation_data=(arrays.x_dev, arrays.y_dev),
            validation_batch_size=len(arrays.x_dev),
            callbacks=[clock, rates(settings), keras.callbacks.TerminateOnNaN()],
            verbose=0,
        )
        errors = [1 - float(accuracy) for accuracy in history.history["val_accuracy"]]
        updates = -(-len(arrays.x_train) // settings.batch_size)
        return TrialResult(min(errors), errors[-1], updates * len(errors), tuple(clock.seconds), updates)

    return train
