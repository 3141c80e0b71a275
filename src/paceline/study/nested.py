"""Nested cross-validation: each outer fold is once the test part, with a whole study inside.

    outer_0/   rows of fold 0: test    all others: search, retrain, refit  ->  model  ->  scored once on the test rows
    outer_1/   rows of fold 1: test    ...
    final/     no test rows            the same once more with all rows    ->  the model that is delivered

The scores estimate the *procedure* (this search with this training on so many rows), not one model: a validation score
that a search has selected by is optimistic, and a single test set is small. The K + 1 studies are ordinary ones
in folders of their own, run one after the other (docs/decisions/nested.md has what that costs); the parent keeps
only its settings, and everything else is read from them. So a nested study resumes wherever its studies do.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paceline.data import Dataset, outer_fold, without_test
from paceline.data.split import part_name
from paceline.errors import StudyError
from paceline.model import Model
from paceline.records import StudyRecord, Trial
from paceline.runs import make_executor
from paceline.seeds import seed_for
from paceline.settings import StudySettings, dump_settings
from paceline.study.conclude import described, first_line
from paceline.study.estimate import nested_summary
from paceline.study.progress import Callback, Progress
from paceline.study.setup import set_up
from paceline.study.single import Executors, begin_single, environment_of, holds_study, load_single, resume_single
from paceline.study.study import (
    DATABASE,
    NO_REPORT,
    REPORT,
    SETTINGS_FILE,
    Study,
    StudyInterrupted,
    check_same_data,
    data_of,
    evaluate_or_note,
    report_or_note,
)
from paceline.summary import NestedSummary

if TYPE_CHECKING:
    import pandas as pd

RECORD, FINAL = "nested.json", "final"
FORMAT, VERSION = "paceline-nested", 1


@dataclass(eq=False)
class NestedStudy:
    """Studies in outer folds and what they say together; made by `tune`, `resume` and `load_study`.

    Attributes:
        record: settings and environment; its summary and state are those of the properties below.
        studies: of the outer folds that were begun, in order; each with its fold as test part.
        final: the study with all rows, whose model is delivered; None before it has begun, or if it isn't wanted.
        folder: where it is kept; None in memory.
    """

    record: StudyRecord
    studies: list[Study]
    final: Study | None = None
    folder: Path | None = None
    _data: Dataset | None = field(default=None, repr=False)
    _problems: list[str] = field(default_factory=list, repr=False)

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def settings(self) -> StudySettings:
        return StudySettings(**self.record.settings)

    @property
    def state(self) -> str:
        """ "running", "interrupted" or "finished"."""
        begun = [*self.studies, *([self.final] if self.final else [])]
        if any(study.state == "interrupted" for study in begun):
            return "interrupted"
        complete = [study.state == "finished" and not study.summary.pending for study in begun]
        ended = len(begun) == len(searches(self.settings, None)) and all(complete)
        return "finished" if ended and not any(owes_test(study) for study in self.studies) else "running"

    @property
    def summary(self) -> NestedSummary:
        """All that was found; see `study.estimate`."""
        found = nested_summary(self.record, self.studies, self.final)
        return replace(found, problems=(*found.problems, *self._problems))

    @property
    def scores(self) -> list[float]:
        """The test score of each outer fold; NaN where there is none (yet)."""
        return [float("nan") if fold.score is None else fold.score for fold in self.summary.folds]

    @property
    def mean(self) -> float | None:
        """Mean of the test scores; None before the first."""
        return self.summary.mean

    @property
    def sd(self) -> float | None:
        """Sample standard deviation of the test scores; None before the second."""
        return self.summary.sd

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the mean; see `study.estimate` for its rule. None before the second score."""
        return self.summary.interval

    @property
    def trials(self) -> list[Trial]:
        """The trials of the final study."""
        return [] if self.final is None else self.final.trials

    @property
    def best(self) -> Trial | None:
        """The best trial of the final study."""
        return None if self.final is None else self.final.best

    def model(self) -> Model:
        """The final study's model.

        Raises:
            StudyError: there is none, or none yet.
        """
        if self.final is not None:
            return self.final.model()
        why = "it was run with `final: false`" if self.settings.final is False else f"it is {self.state}"
        raise StudyError(f"the nested study {self.name!r} has no model to deliver; {why}.")

    def frame(self) -> pd.DataFrame:
        """A row an outer fold: rows, trials, validation and test score, and the selected configuration."""
        import pandas as pd

        rows = [
            {
                "fold": fold.fold,
                **{f"{part_name(part)}_rows": getattr(fold.rows, part, None) for part in ("train", "dev", "test")},
                **{part_name(name): getattr(fold, name) for name in ("trials", "dev", "retrained", "score")},
                **(fold.params or {}),
            }
            for fold in self.summary.folds
        ]
        return pd.DataFrame(rows)

    def data(self) -> Dataset:
        """The whole data set, read again where it isn't in memory.

        Raises:
            DataError: it can't be read; StudyError: it is not the data that the study was run on.
        """
        if self._data is None:
            self._data = data_of(self.settings)
            check_same_data(self.record, self._data)
        return self._data

    def report(self, path: str | Path | None = None) -> Path:
        """Write the HTML report, by default into the study's folder; returns its path."""
        from paceline.reporting import write_nested_report

        if path is None:
            if self.folder is None:
                raise StudyError("a study in memory has no folder; give the report a path.")
            path = self.folder / REPORT
        written: Path = write_nested_report(Path(path), replace(self.record, state=self.state), self.summary)
        return written

    def evaluate_test(self) -> dict[str, Any]:
        """Always refused: each outer fold was opened when its search ended, and there are no other test rows.

        Raises:
            StudyError: saying so.
        """
        raise StudyError(
            f"the test set of each outer fold of {self.name!r} is used once, when its search ends, and no rows are "
            "left to test on; `paceline show` has the scores."
        )


@dataclass(frozen=True)
class Search:
    """One of the searches of a nested study: its outer fold, or None for the final one; its settings; words for it."""

    fold: int | None
    settings: StudySettings
    words: str

    def sees(self, data: Dataset) -> Dataset:
        """What is handed to its study: an outer fold's study takes its part by itself."""
        return without_test(data) if self.fold is None else data


def searches(settings: StudySettings, folder: Path | None) -> list[Search]:
    """The searches of a nested study, in order; what limits its time is divided among them evenly."""
    count = settings.outer_folds or 0
    total = count + (settings.final is not False)
    name = settings.name or "study"
    minutes = None if settings.minutes is None else settings.minutes / total

    def place(part: str) -> str | None:
        return None if folder is None else str(folder / part)

    found = [
        Search(
            fold,
            settings.changed(
                outer_fold=fold, final=None, minutes=minutes, seed=seed_for(settings.seed, "outer", fold),
                name=f"{name}, outer fold {fold}", out=place(f"outer_{fold}"),
            ),
            f"search {fold + 1} of {total}, outer fold {fold}",
        )
        for fold in range(count)
    ]  # fmt: skip
    if settings.final is not False:
        whole = settings.split.model_dump() | {"test": 0}
        changes = {"outer_folds": None, "final": None, "minutes": minutes, "split": whole, "out": place(FINAL)}
        found.append(Search(None, settings.changed(**changes), f"search {total} of {total}, on all rows"))
    return found


def begin_nested(
    settings: StudySettings, data: Dataset, progress: Callback | None, executors: Executors = make_executor
) -> NestedStudy:
    """Start a nested study: check all folds, keep its settings, run its searches.

    Raises:
        SettingsError, SpaceError, HyperparameterError, DataError, StudyError: before anything is trained.
    """
    settings = settings.changed(name=settings.name or data.name).resolved()
    folder = None if settings.out is None else Path(settings.out)
    if folder is not None:
        refuse_nested(folder)
        if holds_study(folder / DATABASE):
            raise StudyError(f"folder {str(folder)!r} already contains a study; choose another folder.")
    plan = searches(settings, folder)
    for search in plan:
        rows = search.sees(data) if search.fold is None else outer_fold(data, search.fold, settings.outer_folds or 0)
        rows.fold_rows(0, settings.folds, search.settings.seed)
    with executors(settings.n_jobs) as executor:
        first = set_up(plan[0].settings, outer_fold(data, 0, settings.outer_folds or 0), executor)
    environment = environment_of(first) | {"fingerprint": data.fingerprint, "data": described(data).to_json()}
    del environment["space"]  # the default one goes by the rows, so each search has its own
    record = StudyRecord(settings.name or data.name, settings.to_dict(), environment, first.goal)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        write_record(folder, record)
        (folder / SETTINGS_FILE).write_text(dump_settings(settings), encoding="utf-8")
    return conduct_nested(NestedStudy(record, [], None, folder, data), progress, executors)


def resume_nested(
    folder: Path, progress: Callback | None, data: Dataset | None, executors: Executors = make_executor
) -> NestedStudy:
    """Continue a nested study: finished searches are kept, the one that was stopped goes on, the others follow."""
    nested = load_nested(folder)
    if nested.state == "finished":
        if not (folder / REPORT).exists():
            report_nested_or_note(nested)
        return nested
    nested._data = data if data is not None else data_of(nested.settings)
    check_same_data(nested.record, nested._data)
    nested.studies, nested.final = [], None
    return conduct_nested(nested, progress, executors)


def load_nested(folder: Path) -> NestedStudy:
    """A nested study as it stands, also while another process runs it.

    Raises:
        StudyError: its record can't be read.
    """
    record = read_record(folder)
    nested = NestedStudy(record, [], None, folder)
    for search in searches(nested.settings, folder):
        place = Path(str(search.settings.out))
        if not holds_study(place / DATABASE):
            break
        add(nested, search, load_single(place))
    return nested


def conduct_nested(nested: NestedStudy, progress: Callback | None, executors: Executors) -> NestedStudy:
    """Run the searches one after the other, and score each outer fold's model on its test rows when it is there."""
    plan = searches(nested.settings, nested.folder)
    words = plan[0].words
    try:
        for search in plan:
            words = search.words
            study = searched(search, nested.data(), with_part(progress, words), executors)
            add(nested, search, study)
            if search.fold is not None and owes_test(study):
                evaluate_or_note(study)
            if nested.folder is not None:
                if search.fold is not None:
                    report_or_note(study)  # with the test result in it
                report_nested_or_note(nested)
    except StudyInterrupted as stop:
        assert isinstance(stop.study, Study)
        add(nested, search, stop.study)
        raise StudyInterrupted(nested, f"in {words}") from None
    except KeyboardInterrupt:
        raise StudyInterrupted(nested, f"in {words}") from None
    return nested


def searched(search: Search, data: Dataset, progress: Callback | None, executors: Executors) -> Study:
    """One search run to its end, from wherever an earlier process left it."""
    place = None if search.settings.out is None else Path(search.settings.out)
    rows = search.sees(data)
    if place is not None and holds_study(place / DATABASE):
        return resume_single(place, progress, rows, executors)
    return begin_single(search.settings, rows, progress, executors=executors)


def add(nested: NestedStudy, search: Search, study: Study) -> None:
    """Put a study in its place."""
    if search.fold is None:
        nested.final = study
    else:
        nested.studies.append(study)


def owes_test(study: Study) -> bool:
    """Whether an outer fold's model is there and wasn't scored yet."""
    return study.state == "finished" and study.has_model and study.summary.test is None


def report_nested_or_note(nested: NestedStudy) -> None:
    """Write the report over all folds; a failure is noted, for the studies themselves are complete."""
    try:
        nested.report()
    except Exception as error:
        nested._problems[:] = [f"{NO_REPORT}: {first_line(error)}"]


def with_part(progress: Callback | None, words: str) -> Callback | None:
    """The callback, with the name of the search in each `Progress`."""
    if progress is None:
        return None

    def tell(item: Progress) -> None:
        progress(replace(item, part=words))

    return tell


def on_all_rows(study: Study | NestedStudy) -> Study:
    """A study itself; of a nested one the final study, which is what others may build upon.

    Raises:
        StudyError: there is none.
    """
    found = study if isinstance(study, Study) else study.final
    if found is None:
        raise StudyError(f"the nested study {study.name!r} has no final study, which a warm start would begin from.")
    return found


def holds_nested(folder: Path) -> bool:
    return (folder / RECORD).exists()


def refuse_nested(folder: Path) -> None:
    """Refuse to begin where a nested study is kept."""
    if holds_nested(folder):
        raise StudyError(
            f"the folder {str(folder)!r} holds a nested study already; resume it, or choose another folder."
        )


def write_record(folder: Path, record: StudyRecord) -> None:
    """Write `nested.json`, whole or not at all."""
    content = {
        "format": FORMAT, "version": VERSION, "name": record.name, "goal": record.goal,
        "settings": record.settings, "environment": record.environment,
    }  # fmt: skip
    fresh = folder / f".{RECORD}.{os.getpid()}.new"
    fresh.write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8")
    os.replace(fresh, folder / RECORD)


def read_record(folder: Path) -> StudyRecord:
    """What `write_record` wrote.

    Raises:
        StudyError: it is damaged or from a newer version.
    """
    file = folder / RECORD
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise KeyError("format")
        version = int(content["version"])
        record = StudyRecord(content["name"], content["settings"], content["environment"], content["goal"])
        StudySettings(**record.settings)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(f"{str(file)!r} can't be read as a nested study ({type(error).__name__}: {error}).") from None
    if version > VERSION:
        raise StudyError(f"{str(file)!r} has version {version}, newer than {VERSION}; update Paceline.")
    return record
