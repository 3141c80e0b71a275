"""Trains a few trials of a wide net and prints their digests: `python one_process.py`, under any NPROC and cache."""

import json

from tiny_trials import tiny_fold, train, trial

from paceline.pack.cache import default_folder
from paceline.pack.programs import Programs
from paceline.pack.trials import PreparedTrial

POOL_EPOCHS = 3
WIDE = {"layers": 1, "units": 256, "batch_size": 64, "learning_rate": 0.01, "clip_norm": 0.1}


def pool_trials() -> list[PreparedTrial]:
    """Trials whose one kernel has 256 x 256 weights; all of one shape, all clipped by the norm of all weights."""
    fold = tiny_fold("classes", 300, 256, 40)
    variants = (
        {"norm": "batch", "dropout": 0.3},
        {"norm": "layer", "optimizer": "lion", "activation": "gelu", "max_norm": 1.0},
        {"optimizer": "sgd", "activation": "tanh", "activity_l2": 0.01, "weight_noise": 0.01},
        {"optimizer": "adamw", "activation": "prelu", "dropout": 0.2, "dropout_kind": "weights", "l1": 0.1},
    )
    return [
        trial({**WIDE, **variant}, seed=seed, epochs=POOL_EPOCHS, fold=fold) for seed, variant in enumerate(variants)
    ]


if __name__ == "__main__":
    programs = Programs(default_folder())
    digests = [outcome.digest for outcome in train(programs, pool_trials(), epochs=POOL_EPOCHS)]
    print(
        json.dumps({"digests": digests, "compiled": programs.stats.compiled, "loaded": programs.stats.loaded}),
    )
