"""The settings of a study as pydantic models, with a line of prose for each field.

Whatever is wrong with values given to a model is raised as one `SettingsError`; see `faults`.
"""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from paceline.errors import SettingsError
from paceline.settings.faults import Path, faults
from paceline.settings.names import with_usual_names

DEFAULT_TRIALS = 100  # of a study that limits neither trials nor minutes

MOST_FOR_BAYES = 1000
"""Up to so many proposals `bayes` takes a minute to think. Whoever asks for more has cheap trials or calls."""

Task = Literal["classification", "binary", "multiclass", "classes", "multilabel", "regression"]
Kind = Literal["numeric", "category", "boolean", "date", "drop"]
Method = Literal[
    "auto",
    "manual",
    "grid",
    "random",
    "sobol",
    "coarse_to_fine",
    "bayes",
    "tpe",
    "genetic",
    "evolution",
    "cmaes",
    "differential",
    "population",
]
StopperName = Literal["none", "median", "halving", "hyperband", "patience", "asha", "curve"]
Metric = Literal[
    "error", "loss", "log_loss", "accuracy", "balanced_accuracy", "f1", "auc", "rmse", "mae", "r2"
]  # the keys of records.METRICS; a test keeps the two equal

Objective = Literal["parameters", "operations", Metric]


def _as_int(value: Any) -> Any:
    """1e3 is a whole number, whatever its notation, and so is numpy's 3."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return int(value) if isinstance(value, np.integer) else value


def _text(value: Any) -> Any:
    """A path may be given as one."""
    return str(value) if isinstance(value, PurePath) else value


Text = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
Whole = Annotated[int, BeforeValidator(_as_int)]
Seed = Annotated[Whole, Field(ge=0, lt=2**63)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Size = Annotated[Whole, Field(ge=0)] | Annotated[float, Field(gt=0, lt=1)]
Part = Size | Text


def auto_method(proposals: int | None) -> str:
    """What the method "auto" is, of a study and of `minimize`: `bayes`, or `tpe` for more than 1000 proposals.

    Args: proposals: trials or calls that are asked for at most; None where only time limits them.

    >>> auto_method(None), auto_method(1000), auto_method(1001)
    ('bayes', 'bayes', 'tpe')
    """
    return "bayes" if proposals is None or proposals <= MOST_FOR_BAYES else "tpe"


class WrongSettings(SettingsError):
    """A SettingsError that remembers which sentence is about which setting, for line numbers."""

    def __init__(self, faults: Mapping[Path, str]) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = faults


class SplitPart(BaseModel):
    """How the rows are divided into training, validation and test set."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    validation: Part | None = Field(
        default=None,
        description="Validation set: fraction (between 0 and 1), row count or file; default: 20 %, at most 10 000 "
        "rows. `dev` is another spelling.",
    )
    test: Part | None = Field(
        default=None,
        description="Test set: fraction, row count or file; 0 for none.",
    )
    stratify: bool | None = Field(
        default=None,
        description="Keep the class proportions equal in all sets; default: yes for classification.",
    )
    stratify_by: str | None = Field(
        default=None, description="A column, a source for example, whose values are divided proportionally."
    )
    group: str | None = Field(
        default=None, description="Group column: rows with the same value stay in the same set; it is not a feature."
    )
    time: str | None = Field(
        default=None,
        description="Time column: the newest rows are the test set, those before them the validation set.",
    )
    train_dev: Size = Field(
        default=0,
        description="Fraction or number of rows of the training distribution that aren't trained on, to show a "
        "mismatch of distributions.",
    )
    seed: Seed = Field(default=0, description="Random seed of the split; it doesn't depend on the seed of the study.")


class StudySettings(BaseModel):
    """A Paceline study: data, search and training."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: Text | None = Field(default=None, description="Name of the study in reports; default: that of the data.")
    data: Text | None = Field(
        default=None,
        description="A file (CSV, TSV, Parquet, Feather, Excel, JSON lines, ARFF, npz) or a built-in data set: digits, "
        "breast-cancer, wine, iris, diabetes.",
    )
    target: str | list[str] | None = Field(
        default=None, description="Column(s) to predict; default: the one called target, label, class or y."
    )
    task: Task | None = Field(
        default=None,
        description="Task: classification (binary or multiclass), multilabel or regression; default: inferred.",
    )
    columns: dict[str, Kind] = Field(default={}, description="Kinds of columns, where the inferred ones are wrong.")
    split: SplitPart = Field(
        default=SplitPart(),
        strict=False,
        description="Sizes of the training, validation and test set, and how the rows are divided.",
    )
    standardize: Literal["standard", "minmax", "robust", "none"] = Field(
        default="standard", description="Scaling of numeric features, fitted on the training rows only."
    )

    net: str = Field(default="dense", description="Model type: dense (MLP).")
    search: dict[str, Any] | None = Field(
        default=None,
        min_length=1,
        description="The search space, parameter by parameter; default: that of the model type.",
    )
    params: dict[str, Any] = Field(
        default={},
        description="Fixed hyperparameters of all trials; others that aren't searched have their defaults.",
    )
    method: Method = Field(
        default="auto",
        description="Search algorithm; auto is bayes, or tpe for more than 1000 trials.",
    )
    method_options: dict[str, Any] = Field(default={}, description="Options of the search algorithm, by name.")
    warm_start: Text | None = Field(
        default=None,
        description="Warm start: folder of an earlier study; its best configurations run first.",
    )
    stopper: StopperName | None = Field(
        default=None,
        description="Early stopping of trials (pruner); default: hyperband, or none for the method population "
        "and for controlled experiments.",
    )
    stopper_options: dict[str, Any] = Field(default={}, description="Options of the stopper, by name.")
    metric: Metric | None = Field(
        default=None,
        description="Validation metric to optimise; default: error, or rmse for regression.",
    )
    objectives: list[Objective] = Field(
        default=[],
        description="Additional objectives (multi-objective search for the Pareto front): parameters (their number), "
        "operations (multiply-adds per row), both minimised, or another metric.",
    )
    select: Literal["best", "last"] = Field(
        default="best",
        description="Score of a trial: that of its best epoch (slightly optimistic) or of its last epoch.",
    )
    folds: Annotated[Whole, Field(ge=2)] | None = Field(
        default=None,
        description="Number of cross-validation folds; default: one validation set.",
    )
    outer_folds: Annotated[Whole, Field(ge=2)] | None = Field(
        default=None,
        description="Nested cross-validation: number of outer folds; each is the test set of a search of its own. "
        "They replace the test set of the split, and `minutes` is divided among the searches.",
    )
    outer_fold: Annotated[Whole, Field(ge=0)] | None = Field(
        default=None,
        description="Search only in this outer fold, counted from 0, as the studies of a nested one do.",
    )
    final: bool | None = Field(
        default=None,
        description="With outer folds: one more search on all rows, for the final model; default: yes.",
    )

    trials: Annotated[Whole, Field(ge=1)] | None = Field(
        default=None, description="Maximum number of trials; default: 100, or no limit with minutes."
    )
    epochs: Annotated[Whole, Field(ge=1)] = Field(default=30, description="Maximum number of epochs of a trial.")
    minutes: Annotated[Number, Field(gt=0)] | None = Field(
        default=None, description="Time limit of the search in minutes."
    )
    target_score: Number | None = Field(default=None, description="Stop the search at this score.")
    stop_at_noise: bool = Field(
        default=False,
        description="Stop the search when the expected improvement is below seed noise.",
    )
    retrain: Annotated[Whole, Field(ge=0)] = Field(
        default=5,
        description="Number of seeds to repeat the best configuration with, to show its spread; 0 for none.",
    )
    refit: bool = Field(default=True, description="Retrain the final model on train + validation.")
    seed: Seed = Field(default=0, description="Random seed of the search and the training.")

    n_jobs: Annotated[Whole, Field(ge=1)] | None = Field(
        default=None,
        description="Number of parallel workers on a CPU; default: one more than cores. It never changes a result.",
    )
    out: Text | None = Field(default=None, description="Folder of the study; default: runs/ and the name of the study.")
    store: Text | None = Field(
        default=None, description="URL of the database, sqlite:// or postgresql://; default: study.db in the folder."
    )

    def __init__(self, **values: Any) -> None:
        """Raises a SettingsError with one sentence for each wrong setting."""
        values = with_usual_names(values)
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise WrongSettings(faults(StudySettings, values, error)) from None
        twice = sorted(set(self.search or {}) & set(self.params))
        if twice:
            text = f"A hyperparameter must be in `search` or in `params`, but {twice[0]!r} is in both."
            raise WrongSettings({("params", twice[0]): text})
        again = [name for place, name in enumerate(self.objectives) if name in self.objectives[:place]]
        if again:
            text = f"`objectives` must name each thing once, but names {again[0]!r} twice."
            raise WrongSettings({("objectives",): text})
        if wrong := self._wrong_nesting():
            raise WrongSettings(wrong)

    def _wrong_nesting(self) -> dict[Path, str]:
        """What is wrong with the settings of nested cross-validation, by setting."""
        if self.outer_folds is None:
            lonely = [name for name in ("outer_fold", "final") if getattr(self, name) is not None]
            return {
                (name,): f"{name!r} is a setting of nested cross-validation and needs 'outer_folds'." for name in lonely
            }
        if self.outer_fold is not None:
            if self.outer_fold < self.outer_folds:
                return {}
            most = self.outer_folds - 1
            return {("outer_fold",): f"'outer_fold' must lie between 0 and {most}, but got {self.outer_fold}."}
        if self.store is None:
            return {}
        return {
            ("store",): "'store' can't be given with 'outer_folds': each fold keeps its study in a folder of its own."
        }

    @property
    def nested(self) -> bool:
        """Whether this is a study of studies: one in each outer fold."""
        return self.outer_folds is not None and self.outer_fold is None

    def resolved(self) -> "StudySettings":
        """The same settings with what is open decided: method, stopper, and 100 trials where nothing limits them."""
        update: dict[str, Any] = {}
        if self.trials is None and self.minutes is None:
            update["trials"] = DEFAULT_TRIALS
        if self.method == "auto":
            update["method"] = auto_method(self.trials)
        if self.stopper is None:
            update["stopper"] = "none" if self.method == "population" or self.experiments else "hyperband"
        return self.model_copy(update=update)

    @property
    def experiments(self) -> bool:
        """Whether these are controlled experiments: the method manual with a base or factors."""
        asked = (self.method_options.get(name) is not None for name in ("base", "factors"))
        return self.method == "manual" and any(asked)

    def changed(self, **values: Any) -> "StudySettings":
        """The same settings with some values replaced, checked again. Raises SettingsError."""
        return StudySettings(**(self.to_dict() | values))

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON data; `StudySettings(**data)` reads it back equal."""
        return self.model_dump()

    def load_arguments(self) -> dict[str, Any]:
        """Keyword arguments of `paceline.load`, beside the source itself."""
        split = self.split.model_dump()
        files = {part: split.pop(part) for part in ("validation", "test") if isinstance(split[part], str)}
        return {"target": self.target, "task": self.task, "columns": dict(self.columns), "split": split, **files}
