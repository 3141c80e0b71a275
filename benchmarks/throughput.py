"""µs a trial-step of the whole machine: Paceline against PyTorch, Keras and scikit-learn on the same nets.

A contestant is warm before its first timing: processes started, arrays in place, Paceline's program compiled (or
loaded). Each round times every contestant of a net once, and the order turns from round to round, so that a
disturbance or a clock that sinks hits all alike. A timing trains as many trials as fill `--seconds`.

    ratio = median of the peer's µs / median of Paceline's; spread = least and greatest ratio within one round

python benchmarks/throughput.py [--smoke] [--repeats 5]
"""

import argparse
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from machine import introduce, machine, write_result
from numpy.typing import NDArray
from peers import keras_fit, sklearn_mlp, torch_trials
from peers.pool import Start, WarmPool
from peers.trials import Arrays, complete

TRAIN_ROWS, DEV_ROWS = 8192, 2048
PACELINE = "Paceline"

Config = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Net:
    """A net to be trained: its sizes, what a trial of it is, and by which factor Paceline should beat each peer."""

    name: str
    features: int
    classes: int
    config: Config
    promises: dict[str, float] = field(default_factory=dict)


SMALL: Config = {"layers": 2, "units": 64, "batch_size": 64, "optimizer": "adam", "norm": "batch", "dropout": 0.1}
MEDIUM: Config = {"layers": 2, "units": 256, "batch_size": 128, "optimizer": "adam"}
NETS = (
    Net("small: 16-64-64-7, batch norm, dropout .1, batch 64", 16, 7, SMALL, {"PyTorch": 8, "Keras fit": 15}),
    Net("small, plain (all that scikit-learn has)", 16, 7, sklearn_mlp.plain(SMALL), {"scikit-learn": 4}),
    Net("medium: 64-256-256-10, batch 128", 64, 10, MEDIUM, {"PyTorch": 1.5}),
)


@dataclass(frozen=True, slots=True)
class Timing:
    """Some trials, trained: wall seconds, updates made, median over trials of the last dev error."""

    seconds: float
    steps: int
    error: float
    warm: float = math.nan  # µs a step without each trial's first epoch, where the peer says it

    @property
    def microseconds(self) -> float:
        return self.seconds / self.steps * 1e6


Train = Callable[[int], Timing]
"""Trains so many trials."""


def table(net: Net, seed: int = 0) -> Arrays:
    """Rows with the classes of a fixed random net, so that a contestant which doesn't learn is noticed."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(TRAIN_ROWS + DEV_ROWS, net.features)).astype(np.float32)
    hidden = np.tanh(x @ rng.normal(size=(net.features, 32)) / math.sqrt(net.features))
    y = np.argmax(hidden @ rng.normal(size=(32, net.classes)), axis=1).astype(np.int64)
    return Arrays(x[:TRAIN_ROWS], y[:TRAIN_ROWS], x[TRAIN_ROWS:], y[TRAIN_ROWS:], net.classes)


def trials_of(net: Net, count: int) -> list[Config]:
    """So many trials with rates between 1e-4 and 1e-2, in any number of them: what differs costs nothing."""
    return [{**net.config, "learning_rate": 10 ** (-4 + 2 * (0.618034 * i % 1)), "seed": i} for i in range(count)]


def paceline(net: Net, arrays: Arrays, epochs: int) -> Train:
    """Paceline's contestant: trials prepared before the clock starts, lanes as default."""
    from paceline.net import family
    from paceline.pack.folds import FoldArrays
    from paceline.pack.trials import prepare
    from paceline.records import COLUMNS
    from paceline.runs import make_executor, train_prepared

    def one_hot(labels: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.eye(net.classes, dtype=np.float32)[labels]

    dense = family("dense")
    fold = FoldArrays(arrays.x_train, one_hot(arrays.y_train), arrays.x_dev, one_hot(arrays.y_dev), "classes")

    def train(count: int) -> Timing:
        with make_executor(None) as executor:
            data = executor.put_fold(dense, fold)
            prepared = []
            for trial in trials_of(net, count):
                seed = trial.pop("seed")
                config = dense.resolve(trial, task="classes")
                prepared.append(prepare(dense, config, data, seed=seed, epochs=epochs, metric="error"))
            began = time.perf_counter()
            runs = train_prepared(executor, prepared, epochs=epochs)
            seconds = time.perf_counter() - began
        steps = sum(run.epochs for run in runs) * -(-TRAIN_ROWS // net.config["batch_size"])
        errors = [run.measurements[-1, COLUMNS.index("error")] for run in runs]
        return Timing(seconds, steps, float(np.median(errors)))

    return train


def peer(pool: WarmPool, net: Net, epochs: int) -> Train:
    """A peer's contestant: its warm processes, one a core."""

    def train(count: int) -> Timing:
        result = pool.run([complete(trial, epochs) for trial in trials_of(net, count)])
        error = float(np.median([trial.last_error for trial in result.trials]))
        return Timing(result.seconds, result.steps, error, result.warm_step_microseconds)

    return train


def contestants(net: Net, arrays: Arrays, epochs: int, stack: ExitStack) -> dict[str, Train]:
    """All that can train this net. Processes live until `stack` closes, and sleep while they have no trials."""
    found = {PACELINE: paceline(net, arrays, epochs)}

    def add(name: str, start: Start, *, pin: bool = False) -> None:
        found[name] = peer(stack.enter_context(WarmPool(start, arrays, pin=pin)), net, epochs)

    add("PyTorch", torch_trials.start)
    if "scikit-learn" in net.promises:
        add("scikit-learn", sklearn_mlp.start)
    elif keras_fit.available():
        add("Keras fit", keras_fit.start, pin=True)
    return found


def trials_for(train: Train, seconds: float, group: int) -> int:
    """How many trials fill the seconds, in whole groups, so that no process idles at the end; also warms up."""
    train(group)
    timing = train(group)
    return group * math.ceil(1.1 * seconds / timing.seconds)


def compare(net: Net, *, epochs: int, repeats: int, seconds: float) -> dict[str, Any]:
    """Time all contestants of a net, in turns, and print their table."""
    arrays = table(net)
    timings: dict[str, list[Timing]] = {}
    with ExitStack() as stack:
        trains = contestants(net, arrays, epochs, stack)
        # 6: whole rounds of the usual three lanes on two cores; a peer's trial is long, so it has a group a core.
        counts = {
            name: trials_for(train, seconds, 6 if name == PACELINE else 2) for name, train in trains.items()
        }  # fmt: skip
        names = list(trains)
        for round_ in range(repeats):
            for name in names if round_ % 2 == 0 else names[::-1]:
                timings.setdefault(name, []).append(trains[name](counts[name]))
    rows = {name: row(name, net, items, timings[PACELINE], counts[name]) for name, items in timings.items()}
    show(net, rows)
    return {"net": net.name, "config": net.config, "epochs": epochs, "contestants": rows}


def row(name: str, net: Net, mine: Sequence[Timing], ours: Sequence[Timing], trials: int) -> dict[str, Any]:
    """A contestant's figures, compared with Paceline's of the same rounds."""
    times = [timing.microseconds for timing in mine]
    base = [timing.microseconds for timing in ours]
    by_round = [their / our for their, our in zip(times, base, strict=True)]
    warm = [timing.warm for timing in mine if math.isfinite(timing.warm)]
    return {
        "trials": trials,
        "microseconds": {"median": float(np.median(times)), "min": min(times), "max": max(times), "all": times},
        "microseconds_without_first_epochs": float(np.median(warm)) if warm else None,
        "ratio": {"of_medians": float(np.median(times) / np.median(base)), "min": min(by_round), "max": max(by_round)},
        "ratio_without_first_epochs": float(np.median(warm) / np.median(base)) if warm else None,
        "promised": net.promises.get(name),
        "dev_error": float(np.median([timing.error for timing in mine])),
        "shortest_timing_seconds": min(timing.seconds for timing in mine),
    }


def show(net: Net, rows: Mapping[str, dict[str, Any]]) -> None:
    """The table of one net."""
    print(f"\n{net.name}")
    print(
        f"  {'':13s}{'µs/trial-step':>14s}{'min-max':>16s}{'ratio':>8s}{'min-max':>14s}"
        f"{'promised':>10s}{'warm µs':>9s}{'ratio':>7s}{'error':>8s}"
    )
    for name, found in rows.items():
        micro, ratio, warm = found["microseconds"], found["ratio"], found["microseconds_without_first_epochs"]
        spread = f"{micro['min']:.1f}-{micro['max']:.1f}"
        ratios = "" if name == PACELINE else f"{ratio['min']:.1f}-{ratio['max']:.1f}"
        promised = "" if found["promised"] is None else f">= {found['promised']:g}x"
        rest = f"{'':16s}" if warm is None else f"{warm:9.1f}{found['ratio_without_first_epochs']:7.1f}"
        print(
            f"  {name:13s}{micro['median']:14.1f}{spread:>16s}{ratio['of_medians']:8.2f}{ratios:>14s}"
            f"{promised:>10s}{rest}{found['dev_error']:8.3f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Time a trial-step of Paceline and of its peers.")
    parser.add_argument("--repeats", type=int, default=5, help="timings of each contestant")
    parser.add_argument("--epochs", type=int, default=10, help="epochs of a trial")
    parser.add_argument("--seconds", type=float, default=2.0, help="least length of a timing")
    parser.add_argument("--smoke", action="store_true", help="two short timings; nothing is written")
    options = parser.parse_args()
    if options.smoke:
        options.repeats, options.epochs, options.seconds = 2, 2, 0.1
    about = machine()
    introduce(about)
    print(f"{TRAIN_ROWS} train rows, {DEV_ROWS} dev rows evaluated every epoch, {options.epochs} epochs a trial")
    print("Convolutional nets are missing: Paceline has none yet.")
    if not keras_fit.available():
        print(keras_fit.MISSING)
    began = time.perf_counter()
    nets = [
        compare(net, epochs=options.epochs, repeats=options.repeats, seconds=options.seconds) for net in NETS
    ]  # fmt: skip
    took = time.perf_counter() - began
    print(f"\ntook {took:.0f} s")
    if not options.smoke:
        write_result("throughput", {"machine": about, "repeats": options.repeats, "seconds": took, "nets": nets})


if __name__ == "__main__":
    main()
