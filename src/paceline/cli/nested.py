"""A nested study on the screen: its estimate, a line for each outer fold, the configurations that they chose."""

from typing import TYPE_CHECKING, Any

from rich.console import Console

from paceline.cli import documents, screens
from paceline.cli.words import assignments, count, number, setting
from paceline.errors import SettingsError
from paceline.summary import FoldResult, NestedSummary

if TYPE_CHECKING:
    from paceline.settings import StudySettings
    from paceline.study import NestedStudy


def refuse_closed(keep_test_closed: bool) -> None:
    """Nested cross-validation evaluates on the test set of each outer fold."""
    if keep_test_closed:
        raise SettingsError(
            "--keep-test-closed can't be combined with --outer-folds: each outer fold is a test set that is used once."
        )


def plan_words(settings: "StudySettings") -> str:
    """What will be done and what it costs, before it starts."""
    folds, trials = settings.outer_folds or 0, settings.resolved().trials
    searches = folds + (settings.final is not False)
    limits = [] if trials is None else [count(trials, "trial")]
    if settings.minutes is not None:
        limits.append(f"{settings.minutes / searches:.3g} minutes")
    more = "" if searches == folds else ", one more on all rows for the final model"
    return (
        f"nested cross-validation, {count(folds, 'outer fold')}: a search in each{more}; {' or '.join(limits)} a search"
    )


def show(study: "NestedStudy", as_json: bool, console: Console, remark: str = "", *, data_shown: bool = False) -> None:
    """All that is known of a nested study. `data_shown`: the data were described already."""
    summary = study.summary
    if as_json:
        print(documents.text_of(nested_document(study, summary)))
        return
    lines = screens.Lines()
    if remark:
        lines.add("finished", remark)
    if not data_shown:
        screens.data_lines(lines, summary.data, plan_words(study.settings))
    estimate_lines(lines, summary)
    final_lines(lines, summary)
    screens.problem_lines(lines, summary.problems)
    screens.state_lines(lines, study)
    screens.place_lines(lines, study.folder)
    lines.show(console)
    if summary.folds:
        console.print()
        fold_table(summary, console)


def estimate_lines(lines: screens.Lines, summary: NestedSummary) -> None:
    """The mean score with its interval, what it is of, and how alike the chosen configurations are."""
    scored = summary.scored
    if summary.mean is None:
        lines.add("test", "no outer fold has a score yet", "yellow")
        return
    spread = "" if summary.sd is None else f" ± {number(summary.sd)}"
    lines.add(
        "test", f"{summary.metric} {number(summary.mean)}{spread} over {count(len(scored), 'outer fold')}", "bold"
    )
    if summary.interval is not None:
        low, high = (number(bound) for bound in summary.interval)
        lines.add("", f"{low} to {high}: {summary.interval_kind}; approximate, because folds share training rows")
    lines.add("", "estimates the whole procedure (search and training), not one model; each test set was used once")
    if summary.dev_mean is not None:
        lines.add(
            "validation",
            f"{summary.metric} {number(summary.dev_mean)} (optimistic: configurations were selected by it)",
        )
    unscored = [str(fold.fold) for fold in summary.folds if fold.state == "finished" and fold.score is None]
    if unscored:
        lines.add(
            "warning", f"no score in fold {', '.join(unscored)}: the mean excludes it and is optimistic", "yellow"
        )
    if len(scored) > 1:
        for item in summary.stability:
            if item.agree == len(item.values):
                lines.add("agreement", f"{item.name}={setting(item.values[0])} in every fold")


def final_lines(lines: screens.Lines, summary: NestedSummary) -> None:
    """The search on all rows."""
    final = summary.final
    if final is None:
        return
    if final.params is None:
        lines.add("model", "the search on all rows has no score yet", "yellow")
        return
    lines.add(
        "final", f"trial {final.trial} of the search on all rows: validation score {number(final.dev)}", "bold green"
    )
    lines.add("", assignments(final.params) or "the default configuration")


def fold_table(summary: NestedSummary, console: Console) -> None:
    """A line for each outer fold, cut to the terminal's width; whole where there is no terminal."""
    rows = [["fold", f"test {summary.metric}", "validation", "trials", "configuration"]]
    rows += [fold_cells(fold) for fold in summary.folds]
    screens.print_rows(rows, console)


def fold_cells(fold: FoldResult) -> list[str]:
    """Numbers, then the configuration."""
    score = number(fold.score) if fold.state == "finished" else fold.state
    chosen = assignments(fold.params) if fold.params else ""
    return [str(fold.fold), score, number(fold.dev), str(fold.trials), chosen]


def nested_document(study: "NestedStudy", summary: NestedSummary) -> dict[str, Any]:
    """What a nested study found, for machines: no clock, no folder."""
    found = summary.to_json()
    del found["steps"]  # those of a resumed study are fewer
    return {
        "name": study.name,
        "state": study.state,
        "settings": documents.settings_document(study.record.settings),
        "fingerprint": study.record.environment.get("fingerprint"),
        **found,
        "studies": [documents.study_document(inner) for inner in study.studies],
        "final_study": None if study.final is None else documents.study_document(study.final),
    }
