"""A warm start: what an older study found, as the beginning of a new one on new or more data.

    older study -> (configuration, loss) of its trials, best first, thinned -> kept in the new study's record
    its top configurations in the new space run first, whatever the method
    `bayes` gets all of them as results at a distance, which it learns (see `search.surrogate.earlier`)

The older study is read once: a resumed study goes on with what its own record holds. Configurations are carried over
by what they mean: a hyperparameter that the older study fixed or left at its default has that value in the new space.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from paceline.errors import StudyError
from paceline.hyperparameters import Hyperparameters
from paceline.records import History, Params, StudyRecord, Trial
from paceline.search.history import EncodedHistory
from paceline.search.ranking import has_costs, observations
from paceline.search.surrogate.earlier import MAX_EARLIER, thinned
from paceline.search.surrogate.scalarize import scalarize
from paceline.search.surrogate.targets import targets
from paceline.space import Space

RUN_FIRST = 3
"""Top configurations of the older study that the new one begins with."""


def earlier_of(record: StudyRecord, trials: Sequence[Trial]) -> dict[str, Any]:
    """What is worth knowing of an older study, as JSON data: {"from", "results": [[configuration, loss], ...]}.

    Losses are spread evenly as a Gaussian process wants them; where trials weren't trained equally long they are
    quantiles of their places, and where there were several objectives they are of an even mix.

    Raises:
        StudyError: no trial of the study has a result.
    """
    history = History(tuple(trials), record.goal)
    history = scalarize(history) if has_costs(history) else history
    known = observations(history, EncodedHistory(Space.from_dict(record.environment["space"])))
    if len(known) == known.broken:
        raise StudyError(f"no trial of the study {record.name!r} has a score, so there is nothing to start from.")
    losses = targets(history, known)
    fixed = dict(record.settings.get("params") or {})
    results = [
        [{**fixed, **history.trials[known.numbers[i]].params}, float(losses[i])]
        for i in thinned(len(known), MAX_EARLIER).tolist()
    ]
    return {"from": record.name, "results": results}


def translated_results(earlier: Mapping[str, Any], space: Space, usual: Hyperparameters) -> list[tuple[Params, float]]:
    """The older study's results that have a place in a space, best first, each configuration once."""
    found: dict[str, tuple[Params, float]] = {}
    for config, loss in earlier["results"]:
        point = placed(config, space, usual)
        if point is not None and math.isfinite(loss):
            found.setdefault(space.key(point), (point, float(loss)))
    return list(found.values())


def placed(config: Params, space: Space, usual: Hyperparameters) -> Params | None:
    """The point of a space that means a configuration; None if there is none. `usual`: the defaults of the net.

    >>> space = Space({"l1": {"low": 0.0, "high": 0.5}, "l2": {"low": 0.0, "high": 0.5}})
    >>> placed({"l1": 0.25, "momentum": 0.5}, space, Hyperparameters())
    {'l1': 0.25, 'l2': 0.0}
    """
    point: Params = {}
    for name, parameter in space.parameters.items():  # parents before children
        if name not in space.active(point):
            continue
        value = config.get(name, getattr(usual, name))
        values = list(value) if isinstance(value, list | tuple) else None
        if parameter.per is not None:
            layers = int(point[parameter.per])
            value = values[:layers] if values is not None else [value] * layers
        elif values is not None and len({repr(item) for item in values}) == 1:
            value = values[0]  # the same for each layer
        point[name] = value
    return point if space.contains(point) else None
