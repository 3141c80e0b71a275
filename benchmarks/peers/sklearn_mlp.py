"""The same trials in scikit-learn's MLPClassifier, one single-threaded process a core.

It has neither norms nor dropout nor schedules, so it trains plain nets only (`plain` makes one of any configuration; a
step then does less work than the full one, in scikit-learn's favour). Each epoch is one `partial_fit` in float32,
which keeps the optimiser's state and shuffles anew, followed by a prediction of the dev rows.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from peers.pool import Train, WarmPool
from peers.trials import Arrays, PeerResult, Settings, TrialResult, complete, require

ACTIVATIONS = {"linear": "identity", "sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}
OPTIMIZERS = ("sgd", "momentum", "nesterov", "adam")
UNKNOWN = ("norm", "dropout", "input_dropout", "weight_decay", "schedule")


def run_sklearn(
    configs: Sequence[Mapping[str, Any]], arrays: Arrays, epochs: int, processes: int | None = None
) -> PeerResult:
    """Train all configurations; see `torch_trials.run_torch`.

    Raises:
        ValueError: a configuration with a norm, dropout, decay or schedule, or an unknown optimiser or activation.
    """
    trials = [complete(config, epochs) for config in configs]
    for settings in trials:
        check(settings)
    with WarmPool(start, arrays, processes) as pool:
        return pool.run(trials)


def plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without what MLPClassifier can't do."""
    return {name: value for name, value in config.items() if name not in UNKNOWN}


def check(settings: Settings) -> None:
    """Refuse what has no equivalent here."""
    require("activation", settings.activation, tuple(ACTIVATIONS), "scikit-learn")
    require("optimizer", settings.optimizer, OPTIMIZERS, "scikit-learn")
    require("norm", settings.norm, ("none",), "scikit-learn")
    require("dropout", max(settings.dropout, default=0.0), (0.0,), "scikit-learn")
    require("input_dropout", settings.input_dropout, (0.0,), "scikit-learn")
    require("weight_decay", settings.weight_decay, (0.0,), "scikit-learn")
    require("schedule", settings.schedule, ("constant",), "scikit-learn")


def start(arrays: Arrays) -> Train:
    """In a child: one thread and one short warm-up."""
    threadpool_limits(limits=1)
    few = Arrays(arrays.x_train[:256], arrays.y_train[:256], arrays.x_dev[:256], arrays.y_dev[:256], arrays.classes)
    trainer(few)(complete({}, epochs=2))
    return trainer(arrays)


def trainer(arrays: Arrays) -> Train:
    """What trains one trial on the arrays."""
    labels = np.arange(arrays.classes)

    def train(settings: Settings) -> TrialResult:
        net = MLPClassifier(
            hidden_layer_sizes=settings.units,
            activation=ACTIVATIONS[settings.activation],
            solver="adam" if settings.optimizer == "adam" else "sgd",
            alpha=0.0,
            batch_size=min(settings.batch_size, len(arrays.x_train)),
            learning_rate_init=settings.learning_rate,
            momentum=0.0 if settings.optimizer == "sgd" else settings.momentum,
            nesterovs_momentum=settings.optimizer == "nesterov",
            random_state=settings.seed,
        )
        errors: list[float] = []
        seconds: list[float] = []
        for _ in range(settings.epochs):
            began = time.perf_counter()
            try:
                net.partial_fit(arrays.x_train, arrays.y_train, classes=labels)
            except ValueError:  # raised where weights or loss are no longer finite
                errors.append(1.0)
                break
            errors.append(float(np.mean(net.predict(arrays.x_dev) != arrays.y_dev)))
            seconds.append(time.perf_counter() - began)
        updates = -(-len(arrays.x_train) // settings.batch_size)
        return TrialResult(min(errors), errors[-1], updates * len(errors), tuple(seconds), updates)

    return train
