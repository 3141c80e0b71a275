"""A study and what is known of it: its trials, its best configuration, its model, its report, its test score."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paceline.data import Dataset, load, outer_fold
from paceline.errors import SettingsError, StudyError
from paceline.model import Model, load_model
from paceline.pareto import front_of, in_own_units
from paceline.records import StudyRecord, Trial, best_of, settled_first
from paceline.settings import StudySettings
from paceline.store import MEMORY, Store, open_store, read_store
from paceline.study.conclude import first_line
from paceline.study.scoring import on_test
from paceline.summary import Inference, Summary

if TYPE_CHECKING:
    import pandas as pd

    from paceline.study.nested import NestedStudy


DATABASE, SETTINGS_FILE, REPORT, BEST = "study.db", "study.yaml", "report.html", "best"
NO_REPORT, NO_TEST = "the report could not be written", "the test set could not be evaluated"


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
    def summary(self) -> Summary:
        """What was found at the end; while the search runs all but its time is missing."""
        return self.record.summary

    @property
    def best(self) -> Trial | None:
        """The trial with the best validation score; None before there is one.

        Ties are broken by the surrogate's leave-one-out mean (see `search.experiments.tie_break`) once the study has
        ended, before that by order.
        """
        return best_of(self.record, self.trials)

    def pareto(self) -> pd.DataFrame:
        """The trials that no other dominates in metric and objectives, best score first: rows of `frame`.

        Where the front's times were measured (at the end of a study), columns "us_a_row_1" and so on give the
        microseconds a row in batches of that size. Without objectives that is the best trial alone.
        """
        front = front_of(settled_first(self.record, self.trials), self.record.goal)
        rows = self.frame().iloc[[trial.number for trial in front]]
        times = self.summary.inference or Inference()
        for place, batch in enumerate(times.batches):
            known = {int(number): row[place] for number, row in times.microseconds.items()}
            rows.insert(list(rows.columns).index("best_epoch"), f"us_a_row_{batch}", rows["trial"].map(known))
        return rows.reset_index(drop=True)

    def frame(self) -> pd.DataFrame:
        """A row a trial: number, status, epoch, score, objectives, best_epoch, reason and the hyperparameters."""
        import pandas as pd

        objectives = self.settings.objectives
        unknown = dict.fromkeys(objectives, float("nan"))
        rows = [
            {
                "trial": trial.number,
                "status": str(trial.status),
                "epoch": trial.epoch,
                "score": trial.score,
                **(unknown | in_own_units(objectives, trial.costs)),
                "best_epoch": trial.best_epoch,
                "reason": trial.reason,
                **trial.params,
            }
            for trial in self.trials
        ]
        if not rows:
            return pd.DataFrame(columns=["trial", "status", "epoch", "score", *objectives, "best_epoch", "reason"])
        return pd.DataFrame(rows)

    def model(self) -> Model:
        """The best configuration's model.

        Raises:
            StudyError: the study has none yet.
        """
        if self._model is None and self.folder is not None and (self.folder / BEST).exists():
            self._model = load_model(self.folder / BEST)
        if self._model is None:
            if self.state == "finished":
                why = self.summary.problems[-1] if self.summary.problems else "no trial ended with a finite score"
                raise StudyError(f"the study {self.name!r} has no model: {why}.")
            raise StudyError(f"the study {self.name!r} has no model yet; it is {self.state}.")
        return self._model

    @property
    def has_model(self) -> bool:
        """Whether `model` has one to give."""
        return self._model is not None or (self.folder is not None and (self.folder / BEST).exists())

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
                measurements=store.measurements(drawn_curves(self.record, self.trials)),
                space=self.record.environment.get("space"),
            )
            return result

    def evaluate_test(self) -> dict[str, Any]:
        """Open the test set: metrics and a 95 % interval. That it was opened, and how often, is kept.

        Raises:
            DataError: the data set has no test part; StudyError: the study has no model yet.
        """
        opened = 0 if self.summary.test is None else self.summary.test.opened
        result = replace(on_test(self.data(), self.model(), self.settings.seed), opened=opened + 1)
        self._keep(replace(self.summary, test=result, problems=self._problems_but(NO_TEST)))
        return result.to_json()

    def _problems_but(self, of: str) -> tuple[str, ...]:
        """The summary's problems without those that begin with these words."""
        return tuple(problem for problem in self.summary.problems if not problem.startswith(f"{of}: "))

    def _keep(self, summary: Summary, store: Store | None = None) -> None:
        with ExitStack() as stack:
            store = store or self._store or stack.enter_context(open_store(self._where, create=False))
            store.update_study(summary=summary)
            self.record = store.study()


def report_or_note(study: Study, store: Store | None = None) -> None:
    """Write a finished study's report; a failure is noted in its summary, for the study itself is complete.

    Args: store: the study's own, where it is open already.
    """
    left = study._problems_but(NO_REPORT)
    if left != study.summary.problems:  # of an earlier attempt, which this one's page shall not show
        study._keep(replace(study.summary, problems=left), store)
    try:
        study.report()
    except Exception as error:
        problem = f"{NO_REPORT}: {first_line(error)}"
        study._keep(replace(study.summary, problems=(*left, problem)), store)


def evaluate_or_note(study: Study) -> None:
    """Open a finished study's test set; a failure is noted in its summary."""
    try:
        study.evaluate_test()
    except Exception as error:
        problem = f"{NO_TEST}: {first_line(error)}"
        study._keep(replace(study.summary, problems=(*study._problems_but(NO_TEST), problem)))


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


def check_same_data(record: StudyRecord, data: Dataset) -> None:
    """Refuse data whose fingerprint isn't the study's."""
    if data.fingerprint != record.environment.get("fingerprint"):
        raise StudyError(
            f"the data of {record.name!r} have changed since the study began; start a new study, "
            "or bring the old data back."
        )
