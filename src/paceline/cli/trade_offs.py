"""The Pareto-optimal trials for people: a line each, best score first, with prediction times where they are known."""

from typing import TYPE_CHECKING

from rich.console import Console

from paceline.cli.screens import print_rows
from paceline.cli.words import assignments, count, number, whole_number
from paceline.pareto import front_document
from paceline.summary import Inference

if TYPE_CHECKING:
    from paceline.study import Study


def pareto_table(study: "Study", console: Console) -> None:
    """Nothing for a study of one objective, or without a score yet."""
    found = front_document(study.trials, study.record.goal, study.record.settings.get("objectives") or ())
    if found is None or not found["front"]:
        return
    times = study.summary.inference or Inference()
    heads = [f"µs/row, batch {batch}" for batch in times.batches]
    metric = str(study.record.environment.get("metric", "score"))
    trials = {trial.number: trial for trial in study.trials}
    rows = [["trial", f"validation {metric}", *found["objectives"], *heads, "configuration"]]
    for member in found["front"]:
        costs = [whole_number(cost) for cost in member["costs"].values()]
        known = times.of(member["trial"])
        params = trials[member["trial"]].params
        rows.append(
            [
                str(member["trial"]),
                number(member["score"]),
                *costs,
                *(number(time) for time in known),
                assignments(params),
            ]
        )
    front = count(len(found["front"]), "Pareto-optimal trial")
    rule = "no other trial is better in one objective without being worse in another"
    console.print(f"\n{front}; {rule}", soft_wrap=True)
    print_rows(rows, console)
