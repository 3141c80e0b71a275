"""Studies on digits that take a second, and what of an outcome must be equal however it came about."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from paceline.cli.documents import study_document, text_of
from paceline.data import Dataset
from paceline.settings import StudySettings
from paceline.study import Study, run_settings
from paceline.study.progress import Callback, Progress
from paceline.study.public import begin
from paceline.testing import StubExecutor
from paceline.testing.executors import Curve, falling

ONE_SHAPE = {"layers": 1, "units": 16, "batch_size": 64}
SPACE = {
    "learning_rate": {"low": 1e-4, "high": 1e-1, "scale": "log"},
    "dropout": {"low": 0.0, "high": 0.5},
}
EPOCHS = 9
BATCH = ONE_SHAPE["batch_size"]
SMALL: dict[str, Any] = {
    "space": SPACE,
    "params": ONE_SHAPE,
    "epochs": EPOCHS,
    "n_jobs": 2,
    "retrain": 2,
    "refit": False,
}
"""Arguments of `tune`."""


def hyperband_settings(**changes: Any) -> StudySettings:
    """60 trials of 9 epochs under Hyperband: nine cohorts, two of them in flight at a time."""
    plain: dict[str, Any] = {
        "data": "digits",
        "search": SPACE,
        "params": ONE_SHAPE,
        "epochs": EPOCHS,
        "trials": 60,
        "n_jobs": 2,
        "retrain": 2,
    }
    return StudySettings(**(plain | changes))


def hyperband_study(folder: Path | None, *, progress: Callback | None = None, **changes: Any) -> Study:
    out = None if folder is None else str(folder)
    return run_settings(hyperband_settings(out=out, **changes), progress=progress)


def untrained(
    data: Dataset, curve: Curve = falling, *, progress: Callback | None = None, older: Study | None = None, **asked: Any
) -> Study:
    """What `tune` gives for the same arguments, but with invented curves: nothing is trained, so nothing compiled."""
    space = asked.pop("space", None)
    study = begin(StudySettings(search=space, **asked), data, progress, older, lambda _: StubExecutor(curve))
    assert isinstance(study, Study)
    return study


def interrupt_after(trials: int) -> Callable[[Progress], None]:
    """A progress callback that stops the study once so many trials have ended."""

    def stop(progress: Progress) -> None:
        if progress.done >= trials:
            raise KeyboardInterrupt

    return stop


def outcome(study: Study) -> str:
    """All that must not depend on interruptions or lanes, as text: the canonical document, curves, ties, edges."""
    summary = study.summary.to_json()
    more = {
        "curves": [list(trial.curve) for trial in study.trials],
        "cohorts": [trial.cohort for trial in study.trials],
        **{name: summary[name] for name in ("tied", "edges", "dev", "ended", "stopped", "split")},
    }
    return text_of(study_document(study)) + text_of(more)


def steps_of(study: Study, train_rows: int, batch: int = BATCH) -> int:
    """Trial-steps if every trial's every epoch was trained exactly once (studies without folds)."""
    return sum(trial.epoch for trial in study.trials) * -(-train_rows // batch)
