"""What a study found, for people: a labelled line or a few for each thing, and a table of the trials."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from paceline.cli.documents import ranked
from paceline.cli.experiments import experiment_lines, experiment_rows
from paceline.cli.words import assignments, count, number
from paceline.records import Status, task_name
from paceline.summary import DataSummary, SplitSizes, Summary, TestResult

if TYPE_CHECKING:
    from paceline.data import Dataset
    from paceline.records import Trial
    from paceline.study import NestedStudy, Study

PART_WORDS = {"dev": "validation"}
LABEL_WIDTH = 12
SHOWN_CLASSES = 8
SHOWN_NOTES = 5


class Lines:
    """Labelled texts, to be printed with the labels in a column."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, Text]] = []

    def add(self, label: str, text: str, style: str = "") -> None:
        self._rows.append((label, Text(text, style=style)))

    def show(self, console: Console) -> None:
        """On a terminal the texts are wrapped beside their labels; elsewhere a line stays a line."""
        if not console.is_terminal:
            for label, text in self._rows:
                console.print(f"{label:<{LABEL_WIDTH}}{text.plain}", markup=False, soft_wrap=True)
            return
        grid = Table.grid(padding=(0, 1))
        grid.add_column(min_width=LABEL_WIDTH - 1, style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for label, text in self._rows:
            grid.add_row(label, text)
        console.print(grid)


def data_lines(lines: Lines, data: DataSummary | None, split: str | SplitSizes | None) -> None:
    """What the data were read as; nothing before that is known. `split`: their parts, or words for how they are
    divided."""
    if data is None:
        return
    lines.add("data", f"{data.name}: {count(data.rows or 0, 'row')}, {count(data.features or 0, 'feature')}")
    classes = [str(label) for label in data.classes]
    more = f" and {len(classes) - SHOWN_CLASSES} more" if len(classes) > SHOWN_CLASSES else ""
    task = task_name(data.task)
    kind = f"{task}: {', '.join(classes[:SHOWN_CLASSES])}{more}" if classes else task
    lines.add("target", f"{data.target}, {kind}")
    words = split if isinstance(split, str) else split_words({} if split is None else split.to_json())
    split_and_notes(lines, words, data.notes)


def dataset_lines(lines: Lines, data: "Dataset", split: str = "") -> None:
    """What the data were read as, before anything is trained; with kinds of columns and shares of classes."""
    lines.add("data", f"{data.name}: {count(len(data), 'row')}, {data.source.describe()}")
    lines.add("target", f"{data.target_name}, {task_name(data.task)}: {data.describe_target().removeprefix(', ')}")
    parts = {part: len(getattr(data.split, part)) for part in ("train", "dev", "test")}
    split_and_notes(lines, split or split_words(parts), data.notes)


def split_words(parts: Mapping[str, int]) -> str:
    """
    >>> split_words({"train": 1200, "dev": 300, "test": 0})
    'train 1,200, validation 300'
    """
    return ", ".join(f"{PART_WORDS.get(part, part)} {rows:,}" for part, rows in parts.items() if rows)


def split_and_notes(lines: Lines, split: str, notes: Sequence[str]) -> None:
    lines.add("split", split)
    for note in notes[:SHOWN_NOTES]:
        lines.add("note", note)
    if len(notes) > SHOWN_NOTES:
        lines.add("note", f"{count(len(notes) - SHOWN_NOTES, 'more note')} in the report")


def experiment_table(study: "Study", console: Console) -> None:
    """The results of controlled experiments, a line for each variant; nothing for other studies."""
    if (found := study.summary.experiments) is not None:
        console.print()
        print_rows(experiment_rows(found, str(study.record.environment.get("metric", "score"))), console)
        lines = Lines()
        experiment_lines(lines, found)
        lines.show(console)


def study_lines(lines: Lines, study: "Study") -> None:
    """The progress of the search and its results."""
    summary = study.summary
    metric = str(study.record.environment.get("metric", "score"))
    found = Counter(str(trial.status) for trial in study.trials)
    counts = ", ".join(f"{found[status]:,} {status}" for status in Status if found[status])
    ended = f"; {summary.ended}" if summary.ended else ""
    lines.add("search", f"{count(len(study.trials), 'trial')}{': ' if counts else ''}{counts}{ended}")
    if (nets := summary.architectures) is not None:
        of = "" if nets.possible is None else f" of {nets.possible:,}"
        lines.add("compared", f"{nets.compared:,}{of} architectures ({', '.join(nets.names)}). {nets.why}")
    best = study.best
    if best is None:
        hopeless = "no trial finished an epoch; give the search more time, or look at why trials diverged"
        lines.add("best", hopeless if study.state == "finished" else "no trial has a score yet", "yellow")
        return
    over = "" if best.score_sd is None else f" ± {number(best.score_sd)} over folds"
    lines.add(
        "best",
        f"trial {best.number}: validation {metric} {number(best.score)}{over} at epoch {best.best_epoch}",
        "bold green",
    )
    lines.add("", assignments(best.params) or "the default configuration")
    if fixed := study.record.settings.get("params"):
        lines.add("", f"fixed: {assignments(fixed)}")
    if summary.best is not None and (same := summary.best.equals):
        verb = "has" if same == 1 else "have"
        lines.add(
            "tie-break",
            f"{count(same, 'other trial')} {verb} the same score; the one with the best predicted score was selected",
        )
    if (warm := summary.warm_start) is not None:
        learned = f"; the surrogate model used {count(warm.results, 'result')} of it" if warm.results else ""
        lines.add("warm start", f"{count(warm.first, 'best configuration')} of {warm.study} first{learned}")
    if (retrain := summary.retrain) is not None and retrain.mean is not None:
        spread = "" if retrain.sd is None else f" ± {number(retrain.sd)}"
        lines.add(
            "repeated",
            f"with {count(len(retrain.seeds), 'seed')}: mean validation {metric} {number(retrain.mean)}{spread}",
        )
    if (refit := summary.refit) is not None:
        done = f"retrained on train + validation ({refit.rows:,} rows) for {count(refit.epochs, 'epoch')}"
        lines.add("final", done if refit.epochs else f"trained on the training set only: {refit.reason}")
    if (tied := summary.tied) is not None and tied.count > 1:
        lines.add("ties", f"not significantly worse: {count(tied.count - 1, 'trial')} ({tied.rule})")
    if listed := summary.importance:
        clear = [f"{item.name} {item.ped_anova:.0%}".replace("%", " %") for item in listed if item.clear]
        noise = "others not distinguishable from noise" if clear else "no hyperparameter is distinguishable from noise"
        lines.add("importance", "; ".join([", ".join(clear), noise] if clear else [noise]))
    for sentence in summary.edges:
        lines.add("warning", sentence, "yellow")


def problem_lines(lines: Lines, problems: Sequence[str]) -> None:
    """What could not be computed at the end of a study."""
    for sentence in problems:
        lines.add("problem", sentence, "yellow")


def test_line(lines: Lines, test: TestResult | None, rows: int) -> None:
    """The test result with its interval, or that there is none yet."""
    if test is None:
        lines.add("test", "not evaluated yet; run `paceline evaluate`" if rows else "there is no test set")
        return
    metrics, of = test.metrics, test.of
    low, high = (number(bound) for bound in test.interval or (None, None))
    interval = f"{test.interval_kind}: {low} to {high}; {count(test.rows, 'row')}"
    lines.add("test", f"{of} {number(metrics.get(of))} ({interval})", "bold")
    lines.add("", "  ".join(f"{name} {number(value)}" for name, value in metrics.items() if name != of))
    lines.add("", test_uses(test.opened))


def test_uses(times: int) -> str:
    """How often the test set was used; the score is biased once a decision was based on it.

    >>> test_uses(1)
    'test set used 1 time'
    """
    used = f"test set used {count(times, 'time')}"
    return used if times == 1 else f"{used}; its score is too optimistic if it has influenced a decision"


def place_lines(lines: Lines, folder: Path | None) -> None:
    """Where report and model are."""
    if folder is None:
        return
    for label, name in (("report", "report.html"), ("model", "best"), ("model", "final/best")):
        if (folder / name).exists():
            lines.add(label, str(folder / name))


def state_lines(lines: Lines, study: "Study | NestedStudy") -> None:
    """How to continue a study that hasn't ended."""
    if study.state == "interrupted":
        lines.add("stopped", f"continue with: paceline resume {study.folder}", "yellow")
    elif study.state == "finished" and isinstance(study.summary, Summary) and study.summary.pending:
        lines.add(
            "stopped",
            f"the model is saved, the report is incomplete; continue with: paceline resume {study.folder}",
            "yellow",
        )
    elif study.state == "running":
        lines.add("running", f"or crashed; if it crashed, continue with: paceline resume {study.folder}", "yellow")


def trial_table(study: "Study", top: int, console: Console) -> None:
    """The best trials, a line each, cut to the terminal's width; uncut where there is no terminal."""
    if not study.trials:
        return
    metric = str(study.record.environment.get("metric", "score"))
    folds = any(trial.score_sd is not None for trial in study.trials)
    spread = ["± folds"] if folds else []
    rows = [["trial", "status", "epochs", f"validation {metric}", *spread, "configuration"]]
    rows += [cells(trial, folds) for trial in ranked(study)[:top]]
    print_rows(rows, console)


def print_rows(rows: Sequence[Sequence[str]], console: Console) -> None:
    """A head and lines in columns, cut to the terminal's width; uncut where there is no terminal.

    Columns of words are set to the left and those of numbers to the right, heads with them; the last is as it comes.
    """
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    left = [any(cell[:1].isalpha() for cell in column[1:]) for column in columns]
    for row in rows:
        placed = [
            cell.ljust(width) if words else cell.rjust(width)
            for cell, width, words in zip(row, widths, left, strict=True)
        ]
        line = Text("  ".join([*placed[:-1], row[-1]]), style="dim" if row is rows[0] else "")
        console.print(
            line, no_wrap=True, overflow="ellipsis" if console.is_terminal else "ignore", crop=console.is_terminal
        )


def cells(trial: "Trial", folds: bool) -> list[str]:
    """A line of the table."""
    spread = [number(trial.score_sd)] if folds else []
    numbers = [str(trial.epoch), number(trial.score), *spread]
    return [str(trial.number), str(trial.status), *numbers, assignments(trial.params)]
