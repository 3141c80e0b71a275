"""The table of controlled experiments for a terminal: each variant against the baseline."""

from typing import TYPE_CHECKING

from paceline.cli.words import assignments, count, number, setting
from paceline.summary import ArmResult, BaseRuns, ExperimentResults

if TYPE_CHECKING:
    from paceline.cli.screens import Lines


VERDICTS = {"within noise": "not significant"}
"""Results in other words than the record's."""


def experiment_rows(found: ExperimentResults, metric: str) -> list[list[str]]:
    """Head, baseline and variants as texts; important columns first, because a narrow terminal cuts the end."""
    base, train = found.base, found.train_name.replace("_", " ")
    head = [
        "hyperparameter",
        "value",
        f"validation {metric}",
        "variant − baseline",
        "95 % interval",
        "result",
        "p (Holm)",
    ]
    rows = [[*head, "unpaired interval", "ratio", train, "not compared"]]
    rows.append(["baseline", "", number(base.mean), *[""] * 6, number(base.train), excluded_runs(base)])
    for arm in found.arms:
        rows.append(
            [
                arm.factor,
                setting(arm.value),
                number(arm.mean),
                signed(arm.difference),
                interval(arm.low, arm.high),
                VERDICTS.get(arm.verdict, arm.verdict),
                short(arm.p_adjusted, ".2g"),
                interval(arm.unpaired_low, arm.unpaired_high),
                short(arm.ratio, ".1f"),
                number(arm.train),
                excluded_runs(arm),
            ]
        )
    return rows if any(row[-1] for row in rows[1:]) else [row[:-1] for row in rows]


def experiment_lines(lines: "Lines", found: ExperimentResults) -> None:
    """The baseline, and the hyperparameter to change next."""
    base = assignments(found.base.params) or "the default configuration"
    lines.add("baseline", f"{base}; {count(found.repeats, 'repetition')} of each variant")
    lines.add("next", found.next.sentence, "bold")


def excluded_runs(runs: BaseRuns | ArmResult) -> str:
    """The runs that aren't compared.

    >>> excluded_runs(BaseRuns(lost=("repeat 2: diverged in epoch 1", "repeat 3: diverged in epoch 1")))
    'repeat 2: diverged in epoch 1, repeat 3: diverged in epoch 1'
    """
    return ", ".join(runs.lost)


def short(value: float | None, form: str) -> str:
    """
    >>> short(0.00173, ".2g"), short(None, ".2g")
    ('0.0017', '–')
    """
    return number(None) if value is None else format(value, form)


def signed(value: float | None) -> str:
    """
    >>> signed(0.00123456), signed(-3.0), signed(0.0)
    ('+0.00123', '-3', '0')
    """
    return short(value, "+.3g" if value else ".3g")


def interval(low: float | None, high: float | None) -> str:
    return number(None) if low is None else f"{signed(low)} to {signed(high)}"
