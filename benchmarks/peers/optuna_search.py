"""A race's search by Optuna: TPE and its Hyperband pruner over the PyTorch loop, this being one of its processes.

python -m peers.optuna_search FOLDER NUMBER

Each process is one thread and joins one study in a journal file, the fastest of Optuna's storages that processes can
share. Defaults but for `constant_liar`, which Optuna's pages advise where several processes search at a time.
"""

import sys
import warnings
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from peers.race import LEAST, REDUCTION, Events, configuration, read_arrays, read_job
from peers.torch_trials import learner, one_thread
from peers.trials import complete


@dataclass
class AskTrial:
    """A trial of Optuna as `race.Ask`."""

    trial: Any

    def number(self, name: str, low: float, high: float, log: bool) -> float:
        return float(self.trial.suggest_float(name, low, high, log=log))

    def choice(self, name: str, values: list[Any]) -> Any:
        return self.trial.suggest_categorical(name, values)


def main(folder: Path, number: int) -> None:
    optuna = import_module("optuna")
    journal = import_module("optuna.storages.journal")
    one_thread()
    job = read_job(folder)
    learn = learner(read_arrays(folder))
    events = Events(folder, job, f"optuna-{number}")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")  # of experimental options
    study = optuna.create_study(
        study_name="race",
        storage=optuna.storages.JournalStorage(journal.JournalFileBackend(str(folder / "journal.log"))),
        load_if_exists=True,
        sampler=optuna.samplers.TPESampler(seed=2 * job.seed + number, constant_liar=True),
        pruner=optuna.pruners.HyperbandPruner(min_resource=LEAST, max_resource=job.epochs, reduction_factor=REDUCTION),
    )

    def objective(trial: Any) -> float:
        config = configuration(job.space, AskTrial(trial)) | {"seed": trial.number}
        best = 1.0
        for epoch, now in enumerate(learn(complete(config, job.epochs)), start=1):
            best = min(best, now.error)
            events.tell(trial.number, now.error)
            trial.report(best, epoch)
            if not now.finite or trial.should_prune():
                raise optuna.TrialPruned
        return best

    study.optimize(objective, timeout=job.seconds_left)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
