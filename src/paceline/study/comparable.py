"""Whether one metric can compare all trials of a study: `loss` can't where trials are trained by different losses.

A validation loss is measured by the trial's own loss function: 0.3 of `mae` isn't worse than 0.2 of `mse`, and
Huber's loss gets smaller with a smaller `huber_delta`, whatever the net does. `log_loss` is the loss of a class
task, so it has the same fault. Everything else (rmse, error, ...) is measured in the same way for all trials.
"""

from __future__ import annotations

from typing import Any

from paceline.errors import SettingsError
from paceline.hyperparameters import Hyperparameters, loss_name
from paceline.settings import StudySettings
from paceline.space import Choice, Fixed, Space

BY_THE_LOSS = ("loss", "log_loss")


def check_losses(space: Space, settings: StudySettings, metric: str, task: str) -> None:
    """Refuse a metric or an objective that is the trial's own loss where the space holds more than one loss.

    Controlled experiments and lists of configurations are refused likewise: their values are in the space.

    Raises:
        SettingsError: naming the hyperparameter and a metric that is the same for all trials.
    """
    named = [("metric", metric), *(("objectives", name) for name in settings.objectives)]
    judged = next(((place, name) for place, name in named if name in BY_THE_LOSS), None)
    varied = None if judged is None else varied_loss(space, settings.params, task)
    if judged is None or varied is None:
        return
    place, name = judged
    instead = "'rmse' or 'mae'" if task == "regression" else "'error'"
    raise SettingsError(
        f"`{place}` must not be {name!r} where {varied!r} takes more than one value: each trial's loss is measured by "
        f"its own {varied}, so they can't be compared; judge by {instead}, or fix {varied!r} in `params`."
    )


def varied_loss(space: Space, params: dict[str, Any], task: str) -> str | None:
    """The hyperparameter by which trials of a space have different losses, or None."""
    losses = {loss_name(Hyperparameters(loss=str(name)), task) for name in values_of("loss", space, params)}
    if len(losses) > 1:
        return "loss"
    delta = space.parameters.get("huber_delta")
    return "huber_delta" if "huber" in losses and delta is not None and delta.count != 1 else None


def values_of(name: str, space: Space, params: dict[str, Any]) -> list[Any]:
    """All values that trials can have of a hyperparameter that isn't a number; its default where it is left out."""
    usual = params.get(name, getattr(Hyperparameters(), name))
    parameter = space.parameters.get(name)
    if isinstance(parameter, Choice):
        return [*parameter.choices, *([usual] if parameter.when else [])]
    if isinstance(parameter, Fixed):
        return [parameter.value, *([usual] if parameter.when else [])]
    return [usual]
