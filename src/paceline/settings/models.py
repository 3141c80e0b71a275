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


def _whole(value: Any) -> Any:
    """1e3 is a whole number, whatever its notation, and so is numpy's 3."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return int(value) if isinstance(value, np.integer) else value


def _text(value: Any) -> Any:
    """A path may be given as one."""
    return str(value) if isinstance(value, PurePath) else value


Text = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
Whole = Annotated[int, BeforeValidator(_whole)]
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
    """How the rows are divided into train, dev and test."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    dev: Part | None = Field(
        default=None,
        description="Share (between 0 and 1) or number of dev rows, or a file of them; else 20 %, at most 10 000.",
    )
    test: Part | None = Field(
        default=None,
        description="The same for the test rows; 0 for no test part, as the test set is opened only on request.",
    )
    stratify: bool | None = Field(
        default=None,
        description="Keep the shares of the classes equal in all parts; by default where the target is a class.",
    )
    stratify_by: str | None = Field(
        default=None, description="A column, a source for example, whose every value is divided over all parts."
    )
    group: str | None = Field(
        default=None, description="A column whose rows with one value stay together in one part; it is no feature."
    )
    time: str | None = Field(
        default=None,
        description="A column to order by: the newest rows are test, those before them dev, the oldest train.",
    )
    train_dev: Size = Field(
        default=0,
        description="Share or number of rows with train's distribution that aren't trained on, to show a mismatch.",
    )
    seed: Seed = Field(default=0, description="Seed of the shuffle; the study's own seed leaves the split as it is.")


class StudySettings(BaseModel):
    """A Paceline study: data, search and training."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: Text | None = Field(default=None, description="Name of the study in reports; else that of the data.")
    data: Text | None = Field(
        default=None,
        description="A file (CSV, TSV, Parquet, Feather, Excel, JSON lines, ARFF, npz) or a carried data set: digits, "
        "breast-cancer, wine, iris, diabetes.",
    )
    target: str | list[str] | None = Field(
        default=None, description="Column to predict, or several; else the one called target, label, class or y."
    )
    task: Task | None = Field(default=None, description="What is predicted; else inferred from the target.")
    columns: dict[str, Kind] = Field(default={}, description="Kinds of columns, where the inferred ones are wrong.")
    split: SplitPart = Field(
        default=SplitPart(), strict=False, description="Sizes of the train, dev and test parts, and what rules them."
    )
    standardize: Literal["standard", "minmax", "robust", "none"] = Field(
        default="standard", description="How numeric features are brought to one scale, always by the train rows alone."
    )

    net: str = Field(default="dense", description="Kind of the net, e.g. dense.")
    search: dict[str, Any] | None = Field(
        default=None,
        min_length=1,
        description="The search space, parameter by parameter; else the default space of the net.",
    )
    params: dict[str, Any] = Field(
        default={},
        description="Hyperparameters that every trial has; what neither they nor the search name has its default.",
    )
    method: Method = Field(
        default="auto",
        description="How configurations are proposed; auto is bayes, or tpe where more than 1000 trials are asked for.",
    )
    method_options: dict[str, Any] = Field(default={}, description="Options of the method, by name.")
    warm_start: Text | None = Field(
        default=None,
        description="Folder of an older study whose best configurations run first, and from which method bayes learns.",
    )
    stopper: StopperName | None = Field(
        default=None,
        description="How trials that do badly are ended early; else hyperband, or none for the method population "
        "and for controlled experiments.",
    )
    stopper_options: dict[str, Any] = Field(default={}, description="Options of the stopper, by name.")
    metric: Metric | None = Field(
        default=None,
        description="What a trial is judged by, on the dev rows; else error for classes, rmse for regression.",
    )
    objectives: list[Objective] = Field(
        default=[],
        description="What is kept good beside the metric: parameters (values that the net trains) and operations "
        "(multiply-adds a row) low, or another metric by its own goal; the study then looks for the Pareto front.",
    )
    select: Literal["best", "last"] = Field(
        default="best",
        description="Which epoch a trial is judged at: its best one (a little optimistic) or its last one.",
    )
    folds: Annotated[Whole, Field(ge=2)] | None = Field(
        default=None,
        description="Cross-validation: number of dev folds that every trial is trained on; else one dev part.",
    )
    outer_folds: Annotated[Whole, Field(ge=2)] | None = Field(
        default=None,
        description="Nested cross-validation: number of folds, each of which is once the test part of a whole search; "
        "they take the place of the split's test part, and `minutes` is divided among the searches.",
    )
    outer_fold: Annotated[Whole, Field(ge=0)] | None = Field(
        default=None,
        description="Search only in this one of the outer folds, counted from 0, as the studies in a nested one do.",
    )
    final: bool | None = Field(
        default=None,
        description="With outer folds: whether one more search, with all rows, delivers a model; else it does.",
    )

    trials: Annotated[Whole, Field(ge=1)] | None = Field(
        default=None, description="Most trials to propose; 100 if neither trials nor minutes are given."
    )
    epochs: Annotated[Whole, Field(ge=1)] = Field(
        default=30, description="Epochs that a trial which isn't stopped is trained."
    )
    minutes: Annotated[Number, Field(gt=0)] | None = Field(
        default=None, description="Most minutes that the search may take."
    )
    target_score: Number | None = Field(default=None, description="The search ends when a trial's metric is this good.")
    stop_at_noise: bool = Field(
        default=False,
        description="The search ends when one more trial can't be expected to gain as much as another seed changes.",
    )
    retrain: Annotated[Whole, Field(ge=0)] = Field(
        default=5,
        description="Seeds that the best configuration is trained again with, to show its spread; 0 for none.",
    )
    refit: bool = Field(
        default=True, description="Train the delivered model on train and dev rows together, once choosing is over."
    )
    seed: Seed = Field(default=0, description="Root of all random numbers of the search and the training.")

    lanes: Annotated[Whole, Field(ge=1)] | None = Field(
        default=None,
        description="Trials trained side by side on a CPU; else one more than cores. It never changes a result.",
    )
    out: Text | None = Field(default=None, description="Folder of the study; else runs/ and the study's name.")
    store: Text | None = Field(
        default=None, description="URL of the database, sqlite:// or postgresql://; else study.db in the folder."
    )

    def __init__(self, **values: Any) -> None:
        """Raises a SettingsError with one sentence for each wrong setting."""
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
        files = {part: split.pop(part) for part in ("dev", "test") if isinstance(split[part], str)}
        return {"target": self.target, "task": self.task, "columns": dict(self.columns), "split": split, **files}
