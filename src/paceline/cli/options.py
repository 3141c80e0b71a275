"""The options of the commands and their help; an option that isn't given is None, and the settings have its default."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the study, e.g. runs/beans.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Closed = Annotated[bool, typer.Option("--keep-test-closed", help="Don't evaluate on the test set at the end.")]
Out = Annotated[Path | None, typer.Option(help="Folder of the study; default: runs/ and the name of the data.")]

Data = Annotated[
    str,
    typer.Argument(
        help="CSV, TSV, Parquet, Feather, Excel, JSON lines, ARFF or npz file, or a name; see `paceline datasets`."
    ),
]
Target = Annotated[list[str] | None, typer.Option(help="Column to predict; repeatable.")]
Task = Annotated[
    str | None, typer.Option(help="classification (binary or multiclass), multilabel or regression; default: inferred.")
]
Column = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=KIND", help="A column's kind where the guess is wrong: numeric, category, boolean, date, drop."
    ),
]
Trials = Annotated[int | None, typer.Option(help="Maximum number of trials; default: 100, or no limit with --minutes.")]
Minutes = Annotated[float | None, typer.Option(help="Time limit of the search in minutes.")]
Epochs = Annotated[int | None, typer.Option(help="Maximum number of epochs of a trial; default: 30.")]
Seed = Annotated[int | None, typer.Option(help="Random seed; default: 0.")]
Metric = Annotated[
    str | None, typer.Option(help="Validation metric to optimise; default: error (rmse for regression).")
]
Objective = Annotated[
    list[str] | None,
    typer.Option(
        help="Additional objective (multi-objective search): parameters, operations or another metric; repeatable."
    ),
]
TargetScore = Annotated[float | None, typer.Option(help="Stop the search at this score.")]
Space = Annotated[Path | None, typer.Option(help="YAML file of the search space; default: that of the model type.")]
Param = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="Fix a hyperparameter in all trials; repeatable."),
]
Method = Annotated[
    str | None,
    typer.Option(
        help="Search algorithm: bayes, tpe, random, ... (listed below); default: auto, which is bayes, "
        "or tpe for more than 1000 trials."
    ),
]
Stopper = Annotated[
    str | None, typer.Option(help="Early stopping of trials (pruner), listed below; default: hyperband.")
]
Net = Annotated[str | None, typer.Option(help="Model type; default: dense (MLP).")]
Validation = Annotated[
    str | None, typer.Option("--validation", "--dev", help="Validation set: fraction, row count or file.")
]
Test = Annotated[str | None, typer.Option(help="Test set: fraction, row count or file; 0 for none.")]
Group = Annotated[str | None, typer.Option(help="Group column: rows with the same value stay in the same set.")]
Time = Annotated[str | None, typer.Option(help="Time column: the newest rows are the test set.")]
Folds = Annotated[int | None, typer.Option(help="Number of cross-validation folds; default: one validation set.")]
OuterFolds = Annotated[
    int | None,
    typer.Option(help="Nested cross-validation: number of outer folds; each is the test set of a search of its own."),
]
Final = Annotated[
    bool | None,
    typer.Option(
        "--final/--no-final", help="With --outer-folds: one more search on all rows, for the final model; default: yes."
    ),
]
Select = Annotated[
    str | None, typer.Option(help="Score of a trial: that of its best or its last epoch; default: best.")
]
Retrain = Annotated[int | None, typer.Option(help="Number of seeds to repeat the best with; default: 5.")]
Refit = Annotated[
    bool | None, typer.Option("--refit/--no-refit", help="Retrain the final model on train + validation; default: yes.")
]
Standardize = Annotated[
    str | None, typer.Option(help="Scaling of numeric features: standard, minmax, robust or none; default: standard.")
]
StopAtNoise = Annotated[
    bool | None, typer.Option("--stop-at-noise", help="Stop when the expected improvement is below seed noise.")
]
WarmStart = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Warm start: folder of an earlier study.")]
NJobs = Annotated[
    int | None, typer.Option("--n-jobs", help="Number of parallel workers (n_jobs); default: one more than cores.")
]
