"""Plain tables and texts of a study: the best trials, how trials ended, the winner as code."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from paceline.records import Status, StudyRecord, Trial, loss_of


def ranked(trials: Sequence[Trial], goal: str) -> list[Trial]:
    """Trials from best to worst; those without a finite score last, equals by number."""
    sign = -1.0 if goal == "maximize" else 1.0

    def place(trial: Trial) -> tuple[float, int]:
        loss = loss_of(trial, sign)
        return (loss if math.isfinite(loss) else math.inf, trial.number)

    return sorted(trials, key=place)


def shown(value: Any) -> str:
    """A value for people: floats with four digits.

    >>> shown(0.00123456), shown([64, 32]), shown(None)
    ('0.001235', '64, 32', '–')
    """
    if value is None:
        return "–"
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(item) for item in value)
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def table_of(trials: Sequence[Trial], goal: str, top: int = 10) -> list[dict[str, str]]:
    """The best trials as rows of text: trial, score, epochs, status, then the hyperparameters that differ."""
    best = ranked(trials, goal)[:top]
    names = list(dict.fromkeys(name for trial in best for name in trial.params))
    return [
        {
            "trial": str(trial.number),
            "score": shown(trial.score),
            "epochs": str(trial.epoch),
            "status": str(trial.status),
            **{name: shown(trial.params[name]) if name in trial.params else "" for name in names},
        }
        for trial in best
    ]


def endings(trials: Sequence[Trial]) -> list[tuple[str, int]]:
    """How trials ended, most frequent first: ("stopped at epoch 3", 27)."""
    kinds: Counter[str] = Counter()
    for trial in trials:
        if trial.status is Status.STOPPED:
            budget = "budget" in trial.reason
            kinds["cut by the time budget" if budget else f"stopped at epoch {trial.epoch}, behind others"] += 1
        elif trial.status is Status.FINISHED:
            kinds["ended by its early stopping" if trial.reason.startswith("early") else "trained to the end"] += 1
        else:
            kinds[str(trial.status)] += 1
    return sorted(kinds.items(), key=lambda item: (-item[1], item[0]))


def recipe_code(record: StudyRecord, trial: Trial) -> str:
    """The trial as runnable Python: the same data, configuration, epochs and seed."""
    settings = record.settings
    source = settings.get("data") or (record.summary.get("data") or {}).get("name") or record.name
    arguments = [f"{str(source)!r}"]
    if settings.get("target") is not None:
        arguments.append(f"target={settings['target']!r}")
    params = {**(settings.get("params") or {}), **trial.params}
    lines = "".join(f"    {name}={value!r},\n" for name, value in params.items())
    return (
        "import paceline as pl\n\n"
        f"data = pl.load({', '.join(arguments)})\n"
        "run = pl.train(\n    data,\n"
        f"    epochs={settings.get('epochs', 30)},\n    seed={trial.seed},\n{lines})\n"
        "print(run.history.tail())\n"
        "run.model.save('model')\n"
    )
