"""One study on one split, from its settings to its report: begun, resumed or read.

settings -> setup -> store -> search -> retrain, refit, model saved -> summary -> all else that is said -> report
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from paceline.data import Dataset
from paceline.errors import NoStudyError, StudyError
from paceline.model import Model
from paceline.pack.executor import Executor
from paceline.pack.programs import CompileStats
from paceline.records import Status, StudyRecord, Trial
from paceline.runs import make_executor
from paceline.settings import StudySettings, dump_settings
from paceline.store import MEMORY, Store, open_store, read_store
from paceline.study.conclude import extras, summary_of
from paceline.study.deliver import Delivery, delivered, winner
from paceline.study.loop import StudyLoop
from paceline.study.progress import Callback, Progress
from paceline.study.setup import Setup, set_up
from paceline.study.study import (
    DATABASE,
    REPORT,
    SETTINGS_FILE,
    Study,
    StudyInterrupted,
    check_same_data,
    data_of,
    report_or_note,
    seen_by,
)
from paceline.study.warm import earlier_of

Executors = Callable[[int | None], Executor]
"""Makes what trains, given the number of lanes that is asked for; `make_executor`, or another one in tests."""


def begin_single(
    settings: StudySettings,
    data: Dataset,
    progress: Callback | None,
    older: Study | None = None,
    executors: Executors = make_executor,
) -> Study:
    """Start a new study on one split: check all, make its folder and store, run it."""
    earlier = None if older is None else earlier_of(older.record, older.trials)
    with executors(settings.n_jobs) as executor:
        return _begun(set_up(settings, seen_by(settings, data), executor, earlier), progress)


def _begun(setup: Setup, progress: Callback | None) -> Study:
    """Make the folder and store of a checked study, and run it."""
    settings, data = setup.settings, setup.data
    folder = None if settings.out is None else Path(settings.out)
    where = settings.store or (MEMORY if folder is None else str(folder / DATABASE))
    if folder is not None and holds_study(folder / DATABASE):
        raise StudyError(f"folder {str(folder)!r} already contains a study; resume it, or choose another folder.")
    record = StudyRecord(
        name=settings.name or data.name,
        settings=setup.settings.to_dict(),
        environment=environment_of(setup),
        goal=setup.goal,
    )
    store = open_store(where, create=True)
    with ExitStack() as stack:
        if where != MEMORY:
            stack.enter_context(store)
        store.begin(record)
        if folder is not None:
            (folder / SETTINGS_FILE).write_text(dump_settings(setup.settings), encoding="utf-8")
        return run_loop(setup, store, where, folder, progress)


def resume_single(
    folder: Path, progress: Callback | None, data: Dataset | None, executors: Executors = make_executor
) -> Study:
    """Continue a study on one split. See `begin_single`."""
    study = load_single(folder)
    if study.state == "finished" and not study.summary.pending:
        study._data = None if data is None else seen_by(study.settings, data)
        if not (folder / REPORT).exists():  # killed between its last row and its report
            report_or_note(study)
        return study
    data = seen_by(study.settings, data if data is not None else data_of(study.settings))
    check_same_data(study.record, data)
    where = study.settings.store or str(folder / DATABASE)
    with executors(study.settings.n_jobs) as executor, open_store(where, create=False) as store:
        setup = set_up(study.settings, data, executor, study.record.environment.get("warm_start"))
        if study.state == "finished":  # killed when its model was there, and before all else was
            store.update_study(summary=extras(setup, study.trials, study.summary, store))
            study.record, study._data = store.study(), data
            report_or_note(study, store)
            return study
        store.update_study(state="running")
        return run_loop(setup, store, where, folder, progress)


def load_single(folder: Path) -> Study:
    """A study on one split, as it stands."""
    file = folder / DATABASE
    if not file.exists():
        raise StudyError(f"{str(folder)!r} holds no study ({DATABASE} is missing).")
    with read_store(str(file)) as store:
        return Study(store.study(), store.trials(), folder, str(file))


def holds_study(file: Path) -> bool:
    """Whether a database exists and has a study in it; a process killed at once leaves one without."""
    if not file.exists():
        return False
    try:
        read_store(str(file)).close()
    except NoStudyError:
        return False
    return True


def run_loop(setup: Setup, store: Store, where: str, folder: Path | None, progress: Callback | None) -> Study:
    """Search, then keep what was found: first model and summary, then all else and the report."""
    executor = setup.executor
    before = replace(executor.stats)
    start = time.monotonic()
    spent = float(store.study().summary.seconds)
    loop = StudyLoop(setup, store, executor, folder=folder, spent=spent, progress=progress)

    def study(model: Model | None = None) -> Study:
        return Study(
            store.study(),
            list(loop.table.trials.values()),
            folder,
            where,
            setup.data,
            model,
            store if where == MEMORY else None,
        )

    try:
        loop.run()
        searched = loop.seconds
        trials = list(loop.table.trials.values())
        problems: list[str] = []
        best = winner(setup, trials, problems)
        delivery = Delivery()
        if best is not None:
            if progress is not None:
                progress(closing(setup, trials, best, time.monotonic() - start, "retrain"))
            delivery = delivered(setup, loop.table.trials, best, folder)
    except KeyboardInterrupt:
        store.update_study(state="interrupted")
        raise StudyInterrupted(study()) from None
    stats = CompileStats(
        executor.stats.compiled - before.compiled,
        executor.stats.loaded - before.loaded,
        executor.stats.seconds - before.seconds,
    )
    summary = summary_of(
        setup, trials, best, delivery.again, delivery.refit, stats, executor.steps, loop.cut,
        [*problems, *delivery.problems],
    )  # fmt: skip
    summary = replace(summary, seconds=round(searched, 1))
    store.update_study(summary=summary, state="finished")
    try:
        store.update_study(summary=extras(setup, trials, summary, store))
        result = study(delivery.model)
        if folder is not None:
            if progress is not None:
                progress(closing(setup, trials, best, time.monotonic() - start, "report"))
            report_or_note(result, store)
    except KeyboardInterrupt:
        raise StudyInterrupted(study(delivery.model)) from None
    return result


def closing(setup: Setup, trials: list[Trial], best: Trial | None, seconds: float, phase: str) -> Progress:
    """Progress after the search."""
    executor = setup.executor
    return Progress(
        done=len(trials),
        running=0,
        stopped=sum(trial.status is Status.STOPPED for trial in trials),
        diverged=sum(trial.status is Status.DIVERGED for trial in trials),
        total=setup.settings.trials,
        best_score=None if best is None else best.score,
        metric=setup.metric,
        best_params=None if best is None else dict(best.params),
        steps=executor.steps,
        steps_per_second=executor.steps / max(seconds, 1e-9),
        seconds=seconds,
        seconds_left=None,
        compiled=executor.stats.compiled,
        compiling=0,
        phase=phase,
    )


def environment_of(setup: Setup) -> dict[str, Any]:
    """Versions, machine, data fingerprint and the search space as it was resolved."""
    import jax
    import numpy

    import paceline

    return {
        "paceline": paceline.__version__,
        "jax": jax.__version__,
        "numpy": numpy.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "device": jax.default_backend(),
        "fingerprint": setup.data.fingerprint,
        "split": json.loads(json.dumps(asdict(setup.data.split_settings), default=str)),
        "space": setup.space.to_dict(),
        "metric": setup.metric,
    } | ({} if setup.earlier is None else {"warm_start": dict(setup.earlier)})
