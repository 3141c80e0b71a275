"""The commands. Each imports what it needs when it runs: help and mistyped options answer at once."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paceline.cli import lists, options
from paceline.cli.faults import Commands

if TYPE_CHECKING:
    from rich.console import Console

    from paceline.settings import StudySettings
    from paceline.study import NestedStudy, Progress, Study

app = typer.Typer(
    cls=Commands, add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]}
)


def main() -> None:
    """The entry point of the `paceline` command."""
    app()


def show_version(wanted: bool) -> None:
    if wanted:
        from paceline import __version__

        print(f"paceline {__version__}")
        raise typer.Exit()


@app.callback(invoke_without_command=True)
def every_command(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True, help="Version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show full tracebacks.")] = False,
) -> None:
    """Paceline finds good hyperparameters for neural networks on tables."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command(epilog=lists.help_epilog())
def tune(
    data: options.Data,
    target: options.Target = None,
    task: options.Task = None,
    column: options.Column = None,
    trials: options.Trials = None,
    minutes: options.Minutes = None,
    epochs: options.Epochs = None,
    seed: options.Seed = None,
    metric: options.Metric = None,
    objective: options.Objective = None,
    target_score: options.TargetScore = None,
    stop_at_noise: options.StopAtNoise = None,
    warm_start: options.WarmStart = None,
    space: options.Space = None,
    param: options.Param = None,
    method: options.Method = None,
    stopper: options.Stopper = None,
    net: options.Net = None,
    validation: options.Validation = None,
    test: options.Test = None,
    group: options.Group = None,
    time: options.Time = None,
    folds: options.Folds = None,
    outer_folds: options.OuterFolds = None,
    final: options.Final = None,
    select: options.Select = None,
    retrain: options.Retrain = None,
    refit: options.Refit = None,
    standardize: options.Standardize = None,
    n_jobs: options.NJobs = None,
    out: options.Out = None,
    keep_test_closed: options.Closed = False,
    as_json: options.AsJson = False,
) -> None:
    """Search hyperparameters, then retrain and test the best."""
    from paceline.cli.arguments import part_of, tune_settings

    settings = tune_settings(
        data,
        targets=target or [],
        columns=column or [],
        params=param or [],
        split={
            "validation": None if validation is None else part_of(validation, "--validation"),
            "test": None if test is None else part_of(test, "--test"),
            "group": group,
            "time": time,
        },
        space=space,
        out=out,
        task=task,
        trials=trials,
        minutes=minutes,
        epochs=epochs,
        seed=seed,
        metric=metric,
        objectives=objective,
        target_score=target_score,
        stop_at_noise=stop_at_noise,
        warm_start=None if warm_start is None else str(warm_start),
        method=method,
        stopper=stopper,
        net=net,
        folds=folds,
        outer_folds=outer_folds,
        final=final,
        select=select,
        retrain=retrain,
        refit=refit,
        standardize=standardize,
        n_jobs=n_jobs,
    )
    start(settings, keep_test_closed, as_json)


@app.command()
def run(
    file: Annotated[Path, typer.Argument(metavar="STUDY.YAML", help="A study file; `paceline schema` describes it.")],
    out: options.Out = None,
    keep_test_closed: options.Closed = False,
    as_json: options.AsJson = False,
) -> None:
    """Run the study that a file describes."""
    from paceline.cli.arguments import file_settings

    start(file_settings(file, out), keep_test_closed, as_json)


@app.command()
def resume(folder: options.Folder, keep_test_closed: options.Closed = False, as_json: options.AsJson = False) -> None:
    """Continue a study that was stopped or crashed."""
    from paceline import study as studies

    study = studies.load_study(folder)
    if study.state == "finished" and not (isinstance(study, studies.Study) and study.summary.pending):
        finish(study, as_json, keep_test_closed, "nothing to do: this study is finished")
        return
    run_study(lambda progress: studies.resume(folder, progress=progress), keep_test_closed, as_json)


@app.command()
def show(
    folder: options.Folder,
    top: Annotated[
        int | None, typer.Option(min=1, help="Number of trials to show, best first; default: 10, with --json all.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Show the current state of a study, also while it runs."""
    from paceline.cli import documents, nested, screens
    from paceline.cli.rounds import rounds_table
    from paceline.cli.trade_offs import pareto_table
    from paceline.study import NestedStudy, load_study

    study = load_study(folder)
    console = make_console()
    if isinstance(study, NestedStudy):
        nested.show(study, as_json, console)
        return
    if as_json:
        print(documents.text_of(documents.study_document(study, top)))
        return
    lines = screens.Lines()
    screens.data_lines(lines, study.summary.data, study.summary.split)
    screens.study_lines(lines, study)
    if study.summary.split is not None and study.best is not None:
        screens.test_line(lines, study.summary.test, study.summary.split.test)
    screens.problem_lines(lines, study.summary.problems)
    screens.state_lines(lines, study)
    screens.place_lines(lines, study.folder)
    lines.show(console)
    screens.experiment_table(study, console)
    pareto_table(study, console)
    console.print()
    screens.trial_table(study, top or 10, console)
    rounds_table(study.summary.rounds, console)


@app.command()
def evaluate(folder: options.Folder, as_json: options.AsJson = False) -> None:
    """Evaluate on the test set (each use is recorded)."""
    from paceline.cli import documents, screens
    from paceline.study import load_study
    from paceline.summary import TestResult

    study = load_study(folder)
    test = TestResult.from_json(study.evaluate_test())
    if as_json:
        print(documents.text_of(test.to_json()))
        return
    lines = screens.Lines()
    screens.test_line(lines, test, test.rows)
    lines.show(make_console())


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of a model or of a study.")],
    data: Annotated[str, typer.Argument(help="File with the rows to predict; extra columns are ignored.")],
    out: Annotated[Path | None, typer.Option(help="CSV file to write; default: standard output.")] = None,
    proba: Annotated[bool, typer.Option("--proba", help="Add the probability of each class.")] = False,
) -> None:
    """Predict the rows of a file."""
    from paceline.cli.predicting import predicted, write_table
    from paceline.model import load_model

    write_table(predicted(load_model(model), data, proba=proba), out, source=data)


@app.command()
def report(
    folder: options.Folder,
    out: Annotated[Path | None, typer.Option(help="File to write; default: report.html in the folder.")] = None,
) -> None:
    """Write the report: one HTML file that opens anywhere."""
    from paceline.study import load_study

    print(load_study(folder).report(out))


@app.command()
def datasets(as_json: options.AsJson = False) -> None:
    """List the built-in data sets."""
    from paceline.cli.documents import text_of
    from paceline.data import DATASETS, load
    from paceline.records import task_name

    found = [load(name) for name in DATASETS]
    if as_json:
        print(
            text_of(
                [{"name": one.name, "rows": len(one), "features": len(one.columns), "task": one.task} for one in found]
            )
        )
        return
    for one in found:
        size = f", {len(one.classes)} classes" if one.classes else ""
        print(f"{one.name:<15}{len(one):>6,} rows  {len(one.columns):>3} features  {task_name(one.task)}{size}")


@app.command()
def knobs(
    name: Annotated[str | None, typer.Argument(help="A hyperparameter; default: all.")] = None,
    net: options.Net = None,
) -> None:
    """Show the hyperparameters: meaning, values and default."""
    from paceline.net import family

    kind = family(net or "dense")
    defaults = kind.resolve({})
    print(lists.all_knobs(kind.knobs, defaults) if name is None else lists.one_knob(name, kind.knobs, defaults))


@app.command()
def schema(out: Annotated[Path | None, typer.Option(help="File to write; default: standard output.")] = None) -> None:
    """Print the JSON Schema of a study file, for editors."""
    import json

    from paceline.settings import json_schema

    text = json.dumps(json_schema(), indent=2, ensure_ascii=False)
    if out is None:
        print(text)
    else:
        out.write_text(f"{text}\n", encoding="utf-8")
        print(out)


@app.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Empty the cache; the next study compiles again.")] = False,
) -> None:
    """Show the size and the folder of the compilation cache."""
    from paceline.cli.words import count
    from paceline.pack.cache import ProgramCache, default_folder

    store = ProgramCache(default_folder())
    entries = store.entries()
    size = sum(entry.stat().st_size for entry in entries) / 1e6
    for entry in entries if clear else ():
        entry.unlink(missing_ok=True)
    print(f"{count(len(entries), 'program')}, {size:,.1f} MB, in {store.folder}{': removed' if clear else ''}")


def make_console() -> "Console":
    """Standard output; texts of the user are never taken for markup."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def start(settings: "StudySettings", keep_test_closed: bool, as_json: bool) -> None:
    """Run a new study and show what it found."""
    from paceline.cli import nested, screens
    from paceline.study.public import begin
    from paceline.study.study import data_of

    if settings.nested:
        nested.refuse_closed(keep_test_closed)
    data = data_of(settings)
    data_shown = not as_json and sys.stdout.isatty()
    if data_shown:  # how the data were read can then be seen, and stopped, before minutes are spent on it
        lines = screens.Lines()
        screens.dataset_lines(lines, data, nested.plan_words(settings) if settings.nested else "")
        lines.show(make_console())
    run_study(lambda progress: begin(settings, data, progress), keep_test_closed, as_json, data_shown=data_shown)


def run_study(
    work: "Callable[[Callable[[Progress], None] | None], Study | NestedStudy]",
    keep_test_closed: bool,
    as_json: bool,
    *,
    data_shown: bool = False,
) -> None:
    """Do the work, drawn live on a terminal, then evaluate on the test set and show the result."""
    console = make_console()
    if console.is_terminal and not as_json:
        from paceline.cli.live import LiveStudy

        with LiveStudy(console) as live:
            study = work(live)
    else:
        study = work(None)
    finish(study, as_json, keep_test_closed, data_shown=data_shown)


def finish(
    study: "Study | NestedStudy", as_json: bool, keep_test_closed: bool, remark: str = "", *, data_shown: bool = False
) -> None:
    """Evaluate on the test set once, unless that was done before or isn't wanted, and show all results."""
    from paceline.cli import documents, nested, screens
    from paceline.cli.trade_offs import pareto_table
    from paceline.study import NestedStudy
    from paceline.study.study import evaluate_or_note, report_or_note

    if isinstance(study, NestedStudy):
        nested.show(study, as_json, make_console(), remark, data_shown=data_shown)
        return
    rows = 0 if study.summary.split is None else study.summary.split.test
    first = study.summary.test is None and rows and not keep_test_closed and study.has_model
    if first:
        evaluate_or_note(study)
        if study.folder is not None:
            report_or_note(study)  # with the test result in it
    if as_json:
        print(documents.text_of(documents.result_document(study)))
        return
    lines = screens.Lines()
    if remark:
        lines.add("finished", remark)
    if not data_shown:
        screens.data_lines(lines, study.summary.data, study.summary.split)
    screens.study_lines(lines, study)
    if study.best is not None:
        screens.test_line(lines, study.summary.test, rows)
    screens.problem_lines(lines, study.summary.problems)
    screens.place_lines(lines, study.folder)
    console = make_console()
    lines.show(console)
    screens.experiment_table(study, console)
    pareto_table(study, console)
