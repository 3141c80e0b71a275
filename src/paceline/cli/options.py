"""The options of the commands and their help; one that isn't given is None, and the settings have its default."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the study, e.g. runs/beans.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Closed = Annotated[bool, typer.Option("--keep-test-closed", help="Don't open the test set at the end.")]
Out = Annotated[Path | None, typer.Option(help="Folder of the study; default: runs/ and the name of the data.")]

Data = Annotated[
    str,
    typer.Argument(
        help="CSV, TSV, Parquet, Feather, Excel, JSON lines, ARFF or npz file, or a name; see `paceline datasets`."
    ),
]
Target = Annotated[list[str] | None, typer.Option(help="Column to predict; give it again for several.")]
Task = Annotated[str | None, typer.Option(help="binary, classes, multilabel or regression; default: inferred.")]
Column = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=KIND", help="A column's kind where the guess is wrong: numeric, category, boolean, date, drop."
    ),
]
Trials = Annotated[int | None, typer.Option(help="Most trials; default: 100, or any number within --minutes.")]
Minutes = Annotated[float | None, typer.Option(help="Most minutes that the search may take.")]
Epochs = Annotated[int | None, typer.Option(help="Epochs of a trial that isn't stopped; default: 30.")]
Seed = Annotated[int | None, typer.Option(help="Root of all random numbers; default: 0.")]
Metric = Annotated[str | None, typer.Option(help="Dev metric to judge by; default: error, for regression rmse.")]
Objective = Annotated[
    list[str] | None,
    typer.Option(
        help="Keep this good beside the metric: parameters, operations or another metric; give it again for several."
    ),
]
TargetScore = Annotated[float | None, typer.Option(help="End when a trial is this good.")]
Space = Annotated[Path | None, typer.Option(help="YAML file of a search space; default: the net's own.")]
Param = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="A hyperparameter that all trials have; give it again for several."),
]
Method = Annotated[
    str | None,
    typer.Option(
        help="How configurations are proposed; default: auto, which is bayes, or tpe for more than 1000 trials."
    ),
]
Stopper = Annotated[str | None, typer.Option(help="How bad trials are ended early; default: hyperband.")]
Net = Annotated[str | None, typer.Option(help="Family of the net; default: dense.")]
Dev = Annotated[str | None, typer.Option(help="Share, number or file of the dev rows.")]
Test = Annotated[str | None, typer.Option(help="Share, number or file of the test rows; 0 for none.")]
Group = Annotated[str | None, typer.Option(help="Column whose rows with one value stay in one part.")]
Time = Annotated[str | None, typer.Option(help="Column to order by: the newest rows are the test part.")]
Folds = Annotated[int | None, typer.Option(help="Cross-validation with so many folds; default: one dev part.")]
OuterFolds = Annotated[
    int | None,
    typer.Option(
        help="Nested cross-validation: a whole search in each of so many folds, whose rows are its test part."
    ),
]
Final = Annotated[
    bool | None,
    typer.Option(
        "--final/--no-final", help="With --outer-folds: one more search with all rows, for a model; default: so."
    ),
]
Select = Annotated[str | None, typer.Option(help="Judge a trial by its best or its last epoch; default: best.")]
Retrain = Annotated[int | None, typer.Option(help="Seeds that the best is trained again with; default: 5.")]
Refit = Annotated[
    bool | None, typer.Option("--refit/--no-refit", help="Deliver a model trained on train and dev rows; default: so.")
]
Standardize = Annotated[str | None, typer.Option(help="standard, minmax, robust or none; default: standard.")]
StopAtNoise = Annotated[
    bool | None, typer.Option("--stop-at-noise", help="End when a trial can't gain what another seed changes.")
]
WarmStart = Annotated[Path | None, typer.Option(metavar="FOLDER", help="An older study to start from.")]
Lanes = Annotated[int | None, typer.Option(help="Trials side by side; default: one more than cores.")]
