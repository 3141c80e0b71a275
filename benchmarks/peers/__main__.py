"""The peers alone, on one table: do they learn, and how long is a step?

cd benchmarks && ../.venv/bin/python -m peers ../../shared/data/tables/dry_bean.csv --target target --epochs 5
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from peers.keras_fit import MISSING, available, run_keras
from peers.pool import cores
from peers.sklearn_mlp import plain, run_sklearn
from peers.torch_trials import run_torch
from peers.trials import Arrays, PeerResult

SMALL: dict[str, Any] = {"layers": 2, "units": 64, "norm": "batch", "dropout": 0.1, "batch_size": 64}


def read(path: Path, target: str) -> Arrays:
    """A CSV table of numbers with a class column: four fifths train, one fifth dev, normalised by the train rows."""
    frame = pd.read_csv(path)
    labels, y = np.unique(frame.pop(target).to_numpy().astype(str), return_inverse=True)
    x_train, x_dev, y_train, y_dev = train_test_split(
        frame.to_numpy(np.float32), y.astype(np.int64), test_size=0.2, random_state=0, stratify=y
    )
    scaler = StandardScaler().fit(x_train)
    return Arrays(scaler.transform(x_train), y_train, scaler.transform(x_dev), y_dev, len(labels))


def noise(rows: int, features: int, classes: int) -> Arrays:
    """Rows without meaning, for timing a net of a given size."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows + 2048, features)).astype(np.float32)
    y = rng.integers(0, classes, rows + 2048)
    return Arrays(x[:rows], y[:rows], x[rows:], y[rows:], classes)


def show(peer: str, net: str, result: PeerResult) -> None:
    print(
        f"{peer:12s} {net:32s} {result.step_microseconds:8.0f} {result.warm_step_microseconds:8.0f} "
        f"{np.median(result.errors):8.4f} {result.seconds:7.1f} {result.startup_seconds:7.1f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a few trials with each peer.")
    parser.add_argument("table", type=Path)
    parser.add_argument("--target", default="target")
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    count = 2 * len(cores())
    small = [{**SMALL, "seed": seed} for seed in range(count)]
    medium = [{"units": 256, "batch_size": 128, "seed": seed} for seed in range(count)]
    table, meaningless = read(options.table, options.target), noise(8192, 64, 10)
    names = (
        f"{options.table.stem}, 64-64, norm, dropout",
        f"{options.table.stem}, 64-64, plain",
        "64-256-256-10, noise",
    )
    print(f"{'peer':12s} {'net':32s} {'us/step':>8s} {'warm':>8s} {'error':>8s} {'s':>7s} {'start s':>7s}")
    show("PyTorch", names[0], run_torch(small, table, options.epochs))
    show("PyTorch", names[1], run_torch([plain(config) for config in small], table, options.epochs))
    show("PyTorch", names[2], run_torch(medium, meaningless, options.epochs))
    show("scikit-learn", names[1], run_sklearn([plain(config) for config in small], table, options.epochs))
    show("scikit-learn", names[2], run_sklearn(medium, meaningless, options.epochs))
    if not available():
        print(MISSING)
        return
    show("Keras", names[0], run_keras(small, table, options.epochs))
    show("Keras, alone", names[0], run_keras(small, table, options.epochs, processes=1))
    show("Keras", names[2], run_keras(medium, meaningless, options.epochs))


if __name__ == "__main__":
    main()
