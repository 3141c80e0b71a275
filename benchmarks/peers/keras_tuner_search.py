"""A race's search by KerasTuner: its Hyperband over Keras `fit` on the JAX backend, this being one of its processes.

python -m peers.keras_tuner_search FOLDER NUMBER PORT

Number 0 is the chief, which only proposes; each other is a worker bound to one core, as KerasTuner's pages distribute
a search. What it saves of each trial, to train survivors on from there, is its own and counts.
"""

import os
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from peers.pool import cores
from peers.race import REDUCTION, Events, Job, configuration, read_arrays, read_job
from peers.trials import Arrays, complete


@dataclass
class AskHyper:
    """KerasTuner's hyperparameters as `race.Ask`."""

    hyper: Any

    def number(self, name: str, low: float, high: float, log: bool) -> float:
        return float(self.hyper.Float(name, low, high, sampling="log" if log else "linear"))

    def choice(self, name: str, values: list[Any]) -> Any:
        return self.hyper.Choice(name, values)


def tuner_of(folder: Path, job: Job, arrays: Arrays, events: Events) -> Any:
    """KerasTuner's Hyperband. The seed of a trial's weights is the order in which its process built it."""
    import keras

    from peers.keras_fit import check, model_of, rates

    keras_tuner = import_module("keras_tuner")
    HyperModel = keras_tuner.HyperModel

    class Model(HyperModel):  # type: ignore[misc, valid-type] # KerasTuner ships no types
        """Builds and trains one configuration."""

        def __init__(self) -> None:
            super().__init__()
            self.built = 0

        def settings(self, hyper: Any) -> Any:
            settings = complete(configuration(job.space, AskHyper(hyper)), job.epochs)
            check(settings)
            return settings

        def build(self, hyper: Any) -> Any:
            keras.utils.set_random_seed(job.seed + self.built)
            self.built += 1
            return model_of(self.settings(hyper), arrays.x_train.shape[1], arrays.classes)

        def fit(self, hyper: Any, model: Any, *arguments: Any, callbacks: Any = (), **options: Any) -> Any:
            settings = self.settings(hyper)
            tell = keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: events.tell(id(model), 1 - float(logs["val_accuracy"]))
            )
            return model.fit(
                arrays.x_train,
                arrays.y_train,
                batch_size=settings.batch_size,
                validation_data=(arrays.x_dev, arrays.y_dev),
                validation_batch_size=len(arrays.x_dev),
                callbacks=[*callbacks, rates(settings), tell, keras.callbacks.TerminateOnNaN()],
                **options,
            )

    return keras_tuner.Hyperband(
        Model(),
        objective=keras_tuner.Objective("val_accuracy", "max"),
        max_epochs=job.epochs,
        factor=REDUCTION,
        hyperband_iterations=1000,
        seed=job.seed,
        directory=str(folder / "keras_tuner"),
        project_name="race",
        max_consecutive_failed_trials=1_000_000,
    )


def main(folder: Path, number: int, port: int) -> None:
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["KERASTUNER_TUNER_ID"] = "chief" if number == 0 else f"worker{number}"
    os.environ["KERASTUNER_ORACLE_IP"] = "127.0.0.1"
    os.environ["KERASTUNER_ORACLE_PORT"] = str(port)
    if number > 0:
        os.sched_setaffinity(0, {cores()[(number - 1) % len(cores())]})
    job = read_job(folder)
    tuner = tuner_of(folder, job, read_arrays(folder), Events(folder, job, f"keras-{number}"))
    tuner.search(verbose=0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
