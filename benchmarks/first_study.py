"""The first study on a machine, compiling and all, against the same trials in PyTorch; and how much a second one saves.

    cold   256 trials of the default space on dry_bean, 20 epochs, random search: `tune` in a fresh process, no program
    warm   the same once more in a fresh process, its programs stored
    peer   the 256 configurations that `tune` drew, on the same arrays, one single-threaded process a core

Paceline's wall time is that of its whole process: start, imports, reading the table, compiling, searching, storing,
reporting. The peer's counts from the first trial on; what starting its processes takes is shown beside it.

python benchmarks/first_study.py [--peer-trials 48] [--smoke]
python benchmarks/first_study.py --second [--minutes 3]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from machine import TABLES, introduce, machine, write_result

TARGET = "target"
COLD_PROMISE, WARM_PROMISE = 4.0, 6.0
FIRST_SHARE, SECOND_SHARE = 0.25, 0.03
COST = ("layers", "units", "norm", "optimizer", "activation", "schedule")
"""What a trial's time depends on, the weightiest first."""

Study = dict[str, Any]
"""What `study_in_this_process` finds out, and the whole process's `wall_seconds`."""


def study_in_this_process(file: Path, settings: dict[str, Any], began: float) -> Study:
    """Run one study and say where the time went. `began` is of time.time(), before this process was started."""
    started = time.time()
    import paceline
    from paceline.pack.cache import default_folder
    from paceline.pack.programs import Programs, program_name
    from paceline.runs import make_executor, shared_programs
    from paceline.study.setup import set_up

    imported = time.time()
    data = paceline.load(file, target=TARGET)
    loaded = time.time()
    with tempfile.TemporaryDirectory() as folder:
        study = paceline.tune(data, out=Path(folder) / "study", **settings)
        tuned = time.time()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    processor = usage.ru_utime + usage.ru_stime
    # After the study, so that it costs the study nothing: its programs made once more, alone, in processor time.
    # The wall time that lanes spent on them is no measure of it, where several share a core.
    with make_executor(1) as executor:
        setup = set_up(study.settings, data, executor)
    trials = {trial.shape: trial for trial in (setup.prepared(trial.params, 0, 0) for trial in study.trials)}.values()
    stats = shared_programs().stats
    compiled = [trial for trial in trials if program_name(trial) in stats.shapes]
    stored = [trial for trial in trials if program_name(trial) not in stats.shapes]
    compiling = processor_seconds_of(Programs(), compiled)
    loading = processor_seconds_of(Programs(default_folder()), stored)
    return {
        "start_seconds": started - began,
        "import_seconds": imported - started,
        "load_seconds": loaded - imported,
        "tune_seconds": tuned - loaded,
        "processor_seconds": processor,
        "trials": len(study.trials),
        "steps": study.summary.steps,
        "compiled": stats.compiled,
        "loaded": stats.loaded,
        "compile_wall_seconds": stats.seconds,
        "compile_seconds": compiling,
        "load_program_seconds": loading,
        "configs": [{**study.settings.params, **trial.params} for trial in study.trials],
        "best": None if study.best is None else study.best.score,
        "diverged": sum(str(trial.status) == "diverged" for trial in study.trials),
    }


def processor_seconds_of(programs: Any, trials: Iterable[Any]) -> float:
    """Processor time of making the programs of these trials."""
    busy = time.process_time()
    for trial in trials:
        programs.get(trial)
    return time.process_time() - busy


def study_apart(file: Path, settings: dict[str, Any], cache: Path) -> Study:
    """The same in a fresh process with its programs in `cache`."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        began = time.time()
        subprocess.run(
            [sys.executable, __file__, "--child", str(file), json.dumps(settings), str(answer), str(began)],
            check=True,
            env={**os.environ, "PACELINE_CACHE": str(cache)},
        )
        found: Study = json.loads(answer.read_text(encoding="utf-8"))
    found["wall_seconds"] = sum(found[f"{part}_seconds"] for part in ("start", "import", "load", "tune"))
    making = found["compile_seconds"] + found["load_program_seconds"]
    found["share_of_processor"] = making / found["processor_seconds"]
    return found


def show(name: str, study: Study) -> None:
    print(
        f"{name:22s}{study['wall_seconds']:8.1f} s = start {study['start_seconds']:.1f} + import "
        f"{study['import_seconds']:.1f} + read {study['load_seconds']:.1f} + tune {study['tune_seconds']:.1f}; "
        f"{study['trials']} trials, {study['diverged']} diverged, {study['steps']} steps, best {study['best']:.4f}\n"
        f"{'':22s}{study['compiled']} programs compiled, {study['loaded']} loaded: "
        f"{study['compile_seconds']:.1f} + {study['load_program_seconds']:.1f} s of "
        f"{study['processor_seconds']:.1f} s of processor time, {study['share_of_processor']:.1%}",
        flush=True,
    )


def sample(configs: Sequence[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Every n-th of the configurations, ordered by what their time depends on, so all kinds have their share."""
    ordered = sorted(configs, key=lambda config: tuple(str(config.get(name)) for name in COST))
    count = min(count, len(ordered))
    return [ordered[int((place + 0.5) * len(ordered) / count)] for place in range(count)]


def peer(file: Path, configs: Sequence[dict[str, Any]], trials: int, epochs: int) -> dict[str, Any]:
    """The configurations in PyTorch, or a sample of them scaled up, on the arrays that `tune` had."""
    import numpy as np
    from peers.torch_trials import run_torch
    from peers.trials import Arrays

    import paceline

    fold = paceline.load(file, target=TARGET).fold()
    arrays = Arrays(
        fold.x_train, fold.y_train.argmax(1).astype(np.int64), fold.x_dev, fold.y_dev.argmax(1).astype(np.int64),
        fold.y_train.shape[1],
    )  # fmt: skip
    chosen = list(configs) if trials >= len(configs) else sample(configs, trials)
    result = run_torch([{**config, "seed": seed} for seed, config in enumerate(chosen)], arrays, epochs)
    seconds = result.seconds
    if len(chosen) < len(configs):
        # Of a sample, the time that processes were busy: the wait for its last trial would be scaled up with it.
        busy = sum(sum(trial.epoch_seconds) for trial in result.trials) / result.processes
        seconds = busy * len(configs) / len(chosen)
    return {
        "seconds": seconds,
        "trained": len(chosen),
        "of": len(configs),
        "measured_seconds": result.seconds,
        "startup_seconds": result.startup_seconds,
        "step_microseconds": result.step_microseconds,
        "best": min(result.errors),
    }


def against_peer(trials: int, epochs: int, peer_trials: int, params: dict[str, Any]) -> dict[str, Any]:
    """Cold, warm, peer. `params` is what all trials have: nothing, but in a smoke test."""
    file = TABLES / "dry_bean.csv"
    settings = {
        "method": "random",
        "stopper": "none",
        "retrain": 0,
        "refit": False,
        "trials": trials,
        "epochs": epochs,
        "seed": 0,
        "params": params,
    }
    with tempfile.TemporaryDirectory() as cache:
        cold = study_apart(file, settings, Path(cache))
        show("Paceline, cold cache", cold)
        warm = study_apart(file, settings, Path(cache))
        show("Paceline, warm cache", warm)
    configs = cold.pop("configs")
    if configs != warm.pop("configs"):
        raise RuntimeError("the two studies drew different configurations.")
    theirs = peer(file, configs, peer_trials, epochs)
    scaled = "" if theirs["trained"] == theirs["of"] else f" (scaled up from {theirs['trained']} of {theirs['of']})"
    print(
        f"{'PyTorch':22s}{theirs['seconds']:8.1f} s{scaled}, best {theirs['best']:.4f}; "
        f"its start, not counted: {theirs['startup_seconds']:.1f} s"
    )
    ratios = {name: theirs["seconds"] / study["wall_seconds"] for name, study in (("cold", cold), ("warm", warm))}
    print(f"ratio: cold {ratios['cold']:.2f}x (promised >= {COLD_PROMISE:g}x), ", end="")
    print(f"warm {ratios['warm']:.2f}x (promised >= {WARM_PROMISE:g}x)")
    return {"settings": settings, "cold": cold, "warm": warm, "peer": theirs, "ratios": ratios}


def first_and_second(minutes: float) -> dict[str, Any]:
    """Default studies on two tables with one program cache."""
    settings = {"minutes": minutes, "seed": 0}
    found = {}
    with tempfile.TemporaryDirectory() as cache:
        for name, aim in (("dry_bean", FIRST_SHARE), ("adult", SECOND_SHARE)):
            study = study_apart(TABLES / f"{name}.csv", settings, Path(cache))
            study.pop("configs")
            show(name, study)
            print(f"{'':22s}aim: a share under {aim:.0%}")
            found[name] = study
    return {"settings": settings, **found}


def main() -> None:
    parser = argparse.ArgumentParser(description="Time a first study, compiling counted.")
    parser.add_argument("--trials", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--peer-trials", type=int, help="train a sample of so many in PyTorch and scale up")
    parser.add_argument("--second", action="store_true", help="default studies on two tables instead")
    parser.add_argument("--minutes", type=float, default=3.0, help="of each study of --second")
    parser.add_argument("--smoke", action="store_true", help="tiny; nothing is written")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        file, settings, answer, began = options.child
        found = study_in_this_process(Path(file), json.loads(settings), float(began))
        Path(answer).write_text(json.dumps(found), encoding="utf-8")
        return
    needed = ("dry_bean", "adult") if options.second else ("dry_bean",)
    missing = [f"{name}.csv" for name in needed if not (TABLES / f"{name}.csv").exists()]
    if missing:
        print(f"skipped: {TABLES} has no {' and no '.join(missing)}")
        return
    params: dict[str, Any] = {}
    if options.smoke:
        params = {"layers": 1, "units": 64}  # one program
        options.trials, options.epochs, options.peer_trials, options.minutes = 6, 2, 3, 0.2
    about = machine()
    introduce(about)
    if options.second:
        name, result = "second_study", first_and_second(options.minutes)
    else:
        name = "first_study"
        result = against_peer(options.trials, options.epochs, options.peer_trials or options.trials, params)
    if not options.smoke:
        write_result(name, {"machine": about, **result})


if __name__ == "__main__":
    main()
