"""`tune`, `resume`, `load_study` and `Study`: where settings, data, search, training, store and report meet."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paceline.data import Dataset, load, outer_fold
from paceline.errors import NoStudyError, SettingsError, StudyError
from paceline.model import Model, load_model
from paceline.pack.lanes import Lanes
from paceline.pack.packs import PackLane
from paceline.pack.programs import Tally
from paceline.pareto import front_of, in_own_units
from paceline.records import Status, StudyRecord, Trial
from paceline.runs import make_lanes, shared_programs
from paceline.settings import StudySettings, dump_settings
from paceline.space import Space
from paceline.store import MEMORY, Store, open_store, read_store
from paceline.study.conclude import best_of, on_test, retrained, summary_of
from paceline.study.conduct import Conductor
from paceline.study.experiments import experiments_of
from paceline.study.progress import Callback, Progress
from paceline.study.refit import refitted
from paceline.study.setup import Setup, set_up
from paceline.study.warm import earlier_of

if TYPE_CHECKING:
    import pandas as pd

    from paceline.study.nested import NestedStudy

DATABASE, SETTINGS_FILE, REPORT, BEST = "study.db", "study.yaml", "report.html", "best"


class StudyInterrupted(KeyboardInterrupt):
    """The user stopped a study. Everything measured is saved.

    Attributes:
        study: as far as it came.
    """

    def __init__(self, study: Study | NestedStudy, reached: str = "") -> None:
        """Args: reached: how far it came, in words; else the number of its trials."""
        self.study = study
        how = f"continue it with `paceline resume {study.folder}`" if study.folder else "it was kept in memory only"
        super().__init__(f"the study was stopped {reached or f'with {len(study.trials)} trials'}; {how}.")


@dataclass(eq=False)
class Study:
    """A study and what is known of it; made by `tune`, `resume` and `load_study`.

    Attributes:
        record: settings, environment, summary and state as stored.
        trials: in order of number.
        folder: where it is kept; None for a study in memory.
    """

    record: StudyRecord
    trials: list[Trial]
    folder: Path | None = None
    _where: str = MEMORY
    _data: Dataset | None = field(default=None, repr=False)
    _model: Model | None = field(default=None, repr=False)
    _store: Store | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def settings(self) -> StudySettings:
        return StudySettings(**self.record.settings)

    @property
    def state(self) -> str:
        """ "running", "interrupted" or "finished"."""
        return self.record.state

    @property
    def summary(self) -> dict[str, Any]:
        """What was found at the end; see docs. {} while the search runs."""
        return self.record.summary

    @property
    def best(self) -> Trial | None:
        """The trial with the best dev score; None before there is one."""
        return best_of(self.trials, self.record.goal)

    def pareto(self) -> pd.DataFrame:
        """The trials that no other dominates in metric and objectives, best score first: rows of `frame`.

        Where the front's times were measured (at the end of a study), columns "us_a_row_1" and so on give the
        microseconds a row in batches of that size. Without objectives that is the best trial alone.
        """
        rows = self.frame().iloc[[trial.number for trial in front_of(self.trials, self.record.goal)]]
        times = self.summary.get("inference") or {"batches": [], "microseconds": {}}
        for place, batch in enumerate(times["batches"]):
            known = {int(number): row[place] for number, row in times["microseconds"].items()}
            rows.insert(list(rows.columns).index("best_epoch"), f"us_a_row_{batch}", rows["trial"].map(known))
        return rows.reset_index(drop=True)

    def frame(self) -> pd.DataFrame:
        """A row a trial: number, status, epoch, score, objectives, best_epoch, reason and the hyperparameters."""
        import pandas as pd

        objectives = self.settings.objectives
        rows = [
            {
                "trial": trial.number,
                "status": str(trial.status),
                "epoch": trial.epoch,
                "score": trial.score,
                **in_own_units(objectives, trial.costs),
                "best_epoch": trial.best_epoch,
                "reason": trial.reason,
                **trial.params,
            }
            for trial in self.trials
        ]
        return pd.DataFrame(rows)

    def model(self) -> Model:
        """The best configuration's model.

        Raises:
            StudyError: the study has none yet.
        """
        if self._model is None and self.folder is not None and (self.folder / BEST).exists():
            self._model = load_model(self.folder / BEST)
        if self._model is None:
            raise StudyError(f"the study {self.name!r} has no model yet; it is {self.state}.")
        return self._model

    def data(self) -> Dataset:
        """The data set of the study, read again where it isn't in memory.

        Raises:
            DataError: it can't be read; StudyError: it is not the data that the study was run on.
        """
        if self._data is None:
            self._data = seen_by(self.settings, data_of(self.settings))
            check_same_data(self.record, self._data)
        return self._data

    def report(self, path: str | Path | None = None) -> Path:
        """Write the HTML report, by default into the study's folder; returns its path."""
        from paceline.reporting import drawn_curves, write_report

        if path is None:
            if self.folder is None:
                raise StudyError("a study in memory has no folder; give the report a path.")
            path = self.folder / REPORT
        with ExitStack() as stack:
            store = self._store or stack.enter_context(read_store(self._where))
            result: Path = write_report(
                Path(path),
                record=self.record,
                trials=self.trials,
                measurements=store.measurements(drawn_curves(self.trials, self.record.goal)),
                space=self.record.environment.get("space"),
            )
            return result

    def evaluate_test(self) -> dict[str, Any]:
        """Open the test set: metrics and a 95 % interval. That it was opened, and how often, is kept.

        Raises:
            DataError: the data set has no test part; StudyError: the study has no model yet.
        """
        result = on_test(self.data(), self.model(), self.settings.seed)
        opened = (self.summary.get("test") or {}).get("opened", 0) + 1
        result["opened"] = opened
        summary = {**self.summary, "test": result}
        with ExitStack() as stack:
            store = self._store or stack.enter_context(open_store(self._where, create=False))
            store.update_study(summary=summary)
            self.record = store.study()
        return result


def tune(
    data: Dataset | Any,
    *,
    net: str = "dense",
    space: Space | Mapping[str, Any] | None = None,
    method: str = "auto",
    trials: int | None = None,
    epochs: int = 30,
    seed: int = 0,
    stopper: str | None = None,
    metric: str | None = None,
    objectives: Sequence[str] = (),
    minutes: float | None = None,
    folds: int | None = None,
    outer_folds: int | None = None,
    final: bool | None = None,
    select: str = "best",
    retrain: int = 5,
    refit: bool = True,
    params: Mapping[str, Any] | None = None,
    lanes: int | None = None,
    method_options: Mapping[str, Any] | None = None,
    stopper_options: Mapping[str, Any] | None = None,
    standardize: str = "standard",
    target_score: float | None = None,
    stop_at_noise: bool = False,
    warm_start: Study | NestedStudy | str | Path | None = None,
    out: str | Path | None = None,
    store: str | None = None,
    name: str | None = None,
    progress: Callback | None = None,
) -> Study | NestedStudy:
    """Search for the best hyperparameters on a data set.

    Args:
        data: from `load`, or anything that `load` reads.
        net: family of the net.
        space: what to search; default: the net's own (`default_space`).
        method: how configurations are proposed.
        stopper: how bad ones are ended early; default hyperband, none for the method population and for controlled
            experiments (method manual with `method_options` base and factors).
        trials: most trials (default 100 where `minutes` isn't given either); minutes: most time for the search.
        epochs: epochs of a trial that isn't stopped.
        seed: root of all random numbers.
        metric: dev metric to judge by; default error, for regression rmse.
        objectives: what is kept good beside the metric: "parameters", "operations" (multiply-adds a row), or other
            metrics by their own goals; see `Study.pareto`. The model delivered is still the best by the metric.
        folds: cross-validation with so many dev folds; default one dev part.
        outer_folds: nested cross-validation: each of so many folds is once the test part of a whole search (see
            `study.nested`); `trials` is for each search, `minutes` for all of them.
        final: with outer folds, whether one more search, with all rows, delivers a model; default so.
        select: "best" (score of the best epoch) or "last".
        retrain: seeds that the winner is trained again with.
        refit: train the delivered model on train and dev rows together (see `study.refit` for how long).
        params: hyperparameters that all trials have.
        lanes: threads that train.
        target_score: the search ends when a trial is this good.
        stop_at_noise: the search ends when one more trial can't be expected to gain as much as another seed changes
            (see `study.endings`).
        warm_start: an older study, or its folder: on other data, or less. Its best configurations run first, and
            `bayes` learns from all its trials, as far as the two studies prove to agree.
        out: folder of the study; default: in memory only.
        store: URL of another database than `out`/study.db.
        progress: called with a `Progress` a few times a second.

    Returns:
        The finished study; a `NestedStudy` with outer folds.

    Raises:
        SettingsError, SpaceError, HyperparameterError, DataError, StudyError: before anything is trained.
        StudyInterrupted: on Ctrl-C, when everything is saved.
    """
    if not isinstance(data, Dataset):
        data = load(data)
    settings = StudySettings(
        name=name or data.name,
        net=net,
        search=None if space is None else (space if isinstance(space, Space) else Space(space)).to_dict(),
        method=method,
        trials=trials,
        epochs=epochs,
        seed=seed,
        stopper=stopper,
        metric=metric,
        objectives=list(objectives),
        minutes=minutes,
        folds=folds,
        outer_folds=outer_folds,
        final=final,
        select=select,
        retrain=retrain,
        refit=refit,
        params=dict(params or {}),
        lanes=lanes,
        method_options=dict(method_options or {}),
        stopper_options=dict(stopper_options or {}),
        standardize=standardize,
        target_score=target_score,
        stop_at_noise=stop_at_noise,
        warm_start=str(warm_start) if isinstance(warm_start, str | Path) else None,
        out=None if out is None else str(out),
        store=store,
    )
    return begin(settings, data, progress, None if isinstance(warm_start, str | Path) else warm_start)


def run_settings(settings: StudySettings, *, progress: Callback | None = None) -> Study | NestedStudy:
    """Run the study that a study file describes, data included; see `tune`."""
    return begin(settings, data_of(settings), progress)


def holds_study(file: Path) -> bool:
    """Whether a database exists and has a study in it; a process killed at once leaves one without."""
    if not file.exists():
        return False
    try:
        read_store(str(file)).close()
    except NoStudyError:
        return False
    return True


def data_of(settings: StudySettings) -> Dataset:
    """Load the data set that the settings name."""
    if settings.data is None:
        raise SettingsError("the study doesn't say where its data are; run it from Python with the same data set.")
    return load(settings.data, **settings.load_arguments())


def seen_by(settings: StudySettings, data: Dataset) -> Dataset:
    """The data set as a study on one split sees it: the whole, or its outer fold of it."""
    if settings.outer_folds is None or settings.outer_fold is None:
        return data
    return outer_fold(data, settings.outer_fold, settings.outer_folds)


def begin(
    settings: StudySettings, data: Dataset, progress: Callback | None, older: Study | NestedStudy | None = None
) -> Study | NestedStudy:
    """Start a new study, or one in each outer fold.

    Args: older: for a warm start, where the settings name none.
    """
    from paceline.study import nested  # it runs studies of this module, so neither can come first

    if settings.outer_folds is not None and (older is not None or settings.warm_start is not None):
        raise SettingsError(
            "`warm_start` can't be had with `outer_folds`: the older study may have learnt from rows that a fold tests."
        )
    if settings.nested:
        return nested.begin_nested(settings, data, progress)
    if settings.out is not None:
        nested.refuse_nested(Path(settings.out))
    if settings.warm_start is not None:
        older = load_study(settings.warm_start)
    return begin_single(settings, data, progress, None if older is None else nested.on_all_rows(older))


def begin_single(
    settings: StudySettings, data: Dataset, progress: Callback | None, older: Study | None = None
) -> Study:
    """Start a new study on one split: check all, make its folder and store, run it."""
    data = seen_by(settings, data)
    setup = set_up(settings, data, None if older is None else earlier_of(older.record, older.trials))
    folder = None if settings.out is None else Path(settings.out)
    where = settings.store or (MEMORY if folder is None else str(folder / DATABASE))
    if folder is not None and holds_study(folder / DATABASE):
        raise StudyError(f"the folder {str(folder)!r} holds a study already; resume it, or choose another folder.")
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
        return conduct(setup, store, where, folder, progress)


def resume(path: str | Path, *, progress: Callback | None = None, data: Dataset | None = None) -> Study | NestedStudy:
    """Continue an interrupted or crashed study; a finished one is returned as it is.

    Args:
        path: folder of the study.
        data: its data set, where the study was started from Python with data that no file holds (of an outer fold's
            study the whole data set).

    Raises:
        StudyError: there is no study, another process runs it, or the data aren't the same.
    """
    from paceline.study import nested

    folder = Path(path)
    if nested.holds_nested(folder):
        return nested.resume_nested(folder, progress, data)
    return resume_single(folder, progress, data)


def resume_single(folder: Path, progress: Callback | None, data: Dataset | None) -> Study:
    """Continue a study on one split."""
    study = load_single(folder)
    if study.state == "finished":
        study._data = None if data is None else seen_by(study.settings, data)
        if not (folder / REPORT).exists():  # killed between its last row and its report
            study.report()
        return study
    data = seen_by(study.settings, data if data is not None else data_of(study.settings))
    check_same_data(study.record, data)
    setup = set_up(study.settings, data, study.record.environment.get("warm_start"))
    where = study.settings.store or str(folder / DATABASE)
    with open_store(where, create=False) as store:
        store.update_study(state="running")
        return conduct(setup, store, where, folder, progress)


def load_study(path: str | Path) -> Study | NestedStudy:
    """A study as it stands, also while another process runs it.

    Raises:
        StudyError: the folder holds no study.
    """
    from paceline.study import nested

    folder = Path(path)
    return nested.load_nested(folder) if nested.holds_nested(folder) else load_single(folder)


def load_single(folder: Path) -> Study:
    """A study on one split, as it stands."""
    file = folder / DATABASE
    if not file.exists():
        raise StudyError(f"{str(folder)!r} holds no study ({DATABASE} is missing).")
    with read_store(str(file)) as store:
        return Study(store.study(), store.trials(), folder, str(file))


def conduct(setup: Setup, store: Store, where: str, folder: Path | None, progress: Callback | None) -> Study:
    """Search, retrain the winner, write summary, model and report."""
    settings = setup.settings
    programs = shared_programs()
    before = Tally(programs.tally.compiled, programs.tally.loaded, programs.tally.seconds)
    start = time.monotonic()
    lanes = make_lanes(settings.lanes)
    spent = float(store.study().summary.get("seconds", 0.0))
    conductor = Conductor(setup, store, lanes, folder=folder, spent=spent, progress=progress)

    def study(model: Model | None = None) -> Study:
        return Study(
            store.study(),
            list(conductor.ledger.trials.values()),
            folder,
            where,
            setup.data,
            model,
            store if where == MEMORY else None,
        )

    try:
        with lanes:
            conductor.run()
        searched = conductor.seconds
        trials = list(conductor.ledger.trials.values())
        best = best_of(trials, setup.goal)
        model, again, refit, more_steps = None, None, None, 0
        if best is not None:
            if progress is not None:
                progress(closing(setup, trials, best, lanes, time.monotonic() - start, "retrain"))
            again = retrained(setup, conductor.ledger.trials, best, settings.lanes)
            model, more_steps = again.model, again.steps
            if settings.refit:
                model, refit, last_steps = refitted(setup, best, again, settings.lanes)
                more_steps += last_steps
    except KeyboardInterrupt:
        store.update_study(state="interrupted")
        raise StudyInterrupted(study()) from None
    tally = Tally(
        programs.tally.compiled - before.compiled,
        programs.tally.loaded - before.loaded,
        programs.tally.seconds - before.seconds,
    )
    steps = lanes.steps + more_steps
    summary = summary_of(setup, trials, best, again, refit, tally, steps, conductor.cut)
    summary["experiments"] = experiments_of(setup.searcher, trials, setup.goal, setup.task, store)
    summary["seconds"] = round(searched, 1)
    if model is not None and folder is not None:
        model.save(folder / BEST)
    store.update_study(summary=summary, state="finished")
    result = study(model)
    if folder is not None:
        if progress is not None:
            progress(closing(setup, trials, best, lanes, time.monotonic() - start, "report"))
        result.report()
    return result


def closing(
    setup: Setup, trials: list[Trial], best: Trial | None, lanes: Lanes | PackLane, seconds: float, phase: str
) -> Progress:
    """Progress after the search."""
    return Progress(
        done=len(trials),
        running=0,
        stopped=sum(trial.status is Status.STOPPED for trial in trials),
        diverged=sum(trial.status is Status.DIVERGED for trial in trials),
        total=setup.settings.trials,
        best_score=None if best is None else best.score,
        metric=setup.metric,
        best_params=None if best is None else dict(best.params),
        steps=lanes.steps,
        steps_per_second=lanes.steps / max(seconds, 1e-9),
        seconds=seconds,
        seconds_left=None,
        compiled=lanes.programs.tally.compiled,
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


def check_same_data(record: StudyRecord, data: Dataset) -> None:
    """Refuse data whose fingerprint isn't the study's."""
    if data.fingerprint != record.environment.get("fingerprint"):
        raise StudyError(
            f"the data of {record.name!r} have changed since the study began; start a new study, "
            "or bring the old data back."
        )
