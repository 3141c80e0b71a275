"""A race's search by Ray Tune: random configurations and ASHA over the PyTorch loop, one trial a core.

python -m peers.ray_search FOLDER

Ray starts its own processes. Actors are used again for the next trial, so PyTorch is imported once in each; the
arrays are read there once too.
"""

import logging
import os
import sys
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from peers.pool import cores
from peers.race import LEAST, REDUCTION, Events, Job, Space, configuration, read_arrays, read_job
from peers.trials import complete

FOREVER = 1_000_000
"""Trials; time ends the race."""


class Leaves:
    """A search space of Ray from a race's, conditions left out: what isn't active is drawn and not used."""

    def __init__(self) -> None:
        self.tune = import_module("ray.tune")
        self.found: dict[str, Any] = {}

    def number(self, name: str, low: float, high: float, log: bool) -> float:
        self.found[name] = (self.tune.loguniform if log else self.tune.uniform)(low, high)
        return 0.0

    def choice(self, name: str, values: list[Any]) -> Any:
        self.found[name] = self.tune.choice(values)
        return values[0]


def ray_space(space: Space) -> dict[str, Any]:
    """Ray's own domains, by name."""
    leaves = Leaves()
    configuration({name: {key: rule[key] for key in rule if key != "when"} for name, rule in space.items()}, leaves)
    return leaves.found


@dataclass
class Drawn:
    """Ray's values as `race.Ask`."""

    values: dict[str, Any]

    def number(self, name: str, low: float, high: float, log: bool) -> float:
        return float(self.values[name])

    def choice(self, name: str, values: list[Any]) -> Any:
        return self.values[name]


@cache
def ready(folder: Path) -> tuple[Job, Any, Events]:
    """In an actor, once."""
    from peers.torch_trials import learner, one_thread

    one_thread()
    job = read_job(folder)
    return job, learner(read_arrays(folder)), Events(folder, job, f"ray-{os.getpid()}")


def train(values: dict[str, Any], folder: Path) -> None:
    """One trial; Ray's scheduler ends it where it reports."""
    tune = import_module("ray.tune")
    job, learn, events = ready(folder)
    trial = tune.get_context().get_trial_id()
    config = configuration(job.space, Drawn(values)) | {"seed": values["seed"]}
    best = 1.0
    for epoch in learn(complete(config, job.epochs)):
        best = min(best, epoch.error)
        events.tell(trial, epoch.error)
        tune.report({"error": best})


def main(folder: Path) -> None:
    job = read_job(folder)
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
    ray, tune = import_module("ray"), import_module("ray.tune")
    ray.init(
        num_cpus=len(cores()), include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False,
        _temp_dir=None,
    )  # fmt: skip
    tuner = tune.Tuner(
        tune.with_parameters(train, folder=folder),
        param_space={**ray_space(job.space), "seed": tune.randint(0, 2**31)},
        tune_config=tune.TuneConfig(
            metric="error",
            mode="min",
            num_samples=FOREVER,
            time_budget_s=max(job.seconds_left, 0.1),
            reuse_actors=True,
            search_alg=import_module("ray.tune.search").BasicVariantGenerator(random_state=job.seed),
            scheduler=import_module("ray.tune.schedulers").ASHAScheduler(
                max_t=job.epochs, grace_period=LEAST, reduction_factor=REDUCTION
            ),
        ),
        run_config=tune.RunConfig(storage_path=str(folder / "ray"), verbose=0),
    )
    tuner.fit()


if __name__ == "__main__":
    # By its module's name, so that Ray's actors import `train` instead of being sent a copy of this script's.
    import_module("peers.ray_search").main(Path(sys.argv[1]))
