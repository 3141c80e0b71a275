"""The winner becomes a model in the study's folder before anything else is worked out.

    retrained over seeds -> saved -> refitted on all rows -> saved again

So a crash costs no more than the last step. A step that fails is said in a sentence, and what came before it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from paceline.model import Model
from paceline.records import History, Trial
from paceline.search.experiments.tie_break import select_best
from paceline.study.conclude import Retrained, first_line, retrained
from paceline.study.refit import refitted
from paceline.study.setup import Setup
from paceline.study.study import BEST
from paceline.summary import Refit


@dataclass(eq=False)
class Delivery:
    """What came of training the winner again.

    Attributes:
        again, refit: None where that wasn't done or failed.
        model: the last one that was trained; None if there is none.
        problems: what failed, a sentence each.
    """

    again: Retrained | None = None
    refit: Refit | None = None
    model: Model | None = None
    problems: list[str] = field(default_factory=list)


def winner(setup: Setup, trials: list[Trial], problems: list[str]) -> Trial | None:
    """The trial to deliver: of several with the best score the one that their neighbours speak for."""
    history = History(trials, setup.goal)
    try:
        return select_best(history, setup.space)
    except Exception as error:
        problems.append(f"trials with equal scores could not be compared, so the first is taken: {first_line(error)}")
        return history.best()


def delivered(setup: Setup, trials: Mapping[int, Trial], best: Trial, folder: Path | None) -> Delivery:
    """Train the winner again and, if the settings say so, on all rows; keep each model as soon as it is there."""
    found = Delivery()
    found.again = trained_again(setup, trials, best, found.problems)
    if found.again is None:
        return found
    found.model = found.again.model
    save(found.model, folder)
    if not setup.settings.refit:
        return found
    try:
        model, found.refit = refitted(setup, best, found.again)
    except Exception as error:
        found.problems.append(
            f"the model could not be retrained on train + validation, so the repeated one is the final model: "
            f"{first_line(error)}"
        )
        return found
    if model is not found.model:
        found.model = model
        save(model, folder)
    return found


def trained_again(setup: Setup, trials: Mapping[int, Trial], best: Trial, problems: list[str]) -> Retrained | None:
    """The winner over seeds; if that fails with its own seed alone; None if that fails too."""
    try:
        return retrained(setup, trials, best)
    except Exception as error:
        problems.append(f"the best configuration could not be trained with other seeds: {first_line(error)}")
    try:
        return retrained(setup, trials, best, seeds_at_most=1)
    except Exception as error:
        problems.append(f"the best configuration could not be trained again, so there is no model: {first_line(error)}")
    return None


def save(model: Model, folder: Path | None) -> None:
    if folder is not None:
        model.save(folder / BEST)
