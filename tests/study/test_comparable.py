"""Trials of different losses can't be compared by their losses: a study that would is refused before it trains."""

from typing import Any

import pytest
from small_studies import SMALL

from paceline.data import Dataset, load
from paceline.errors import SettingsError
from paceline.space import Space
from paceline.study import tune
from paceline.study.comparable import varied_loss

RATE = {"learning_rate": {"low": 1e-4, "high": 1e-1, "scale": "log"}}


@pytest.fixture(scope="module")
def numbers() -> Dataset:
    return load("diabetes")


@pytest.mark.parametrize(
    ("space", "params", "task", "varied"),
    [
        ({"loss": ["mse", "mae"]}, {}, "regression", "loss"),
        ({"loss": ["auto", "mse"]}, {}, "regression", None),  # one loss with two names
        ({"loss": ["auto", "mae"]}, {}, "regression", "loss"),
        ({"loss": {"value": "huber"}, "huber_delta": [0.5, 1.0]}, {}, "regression", "huber_delta"),
        ({"huber_delta": {"low": 0.5, "high": 2.0}}, {"loss": "huber"}, "regression", "huber_delta"),
        ({"huber_delta": {"low": 0.5, "high": 2.0}}, {}, "regression", None),  # mse has no delta
        ({"huber_delta": {"value": 2.0}}, {"loss": "huber"}, "regression", None),
        ({"loss": ["cross_entropy", "sigmoid"]}, {}, "classes", "loss"),
        ({"optimizer": ["adam", "nadam"], "loss": {"value": "mae", "when": {"optimizer": ["adam"]}}},
         {}, "regression", "loss"),
        ({"dropout": [0.0, 0.1]}, {"loss": "mae"}, "regression", None),
    ],
)  # fmt: skip
def test_what_varies_the_loss(space: dict[str, Any], params: dict[str, Any], task: str, varied: str | None) -> None:
    assert varied_loss(Space(space), params, task) == varied


@pytest.mark.parametrize(
    ("data", "losses", "changes", "words"),
    [
        ("diabetes", ["mse", "mae"], {"metric": "loss"}, "'rmse' or 'mae'"),
        ("diabetes", ["mse", "mae"], {"metric": "rmse", "objectives": ["loss"]}, "`objectives` must not be 'loss'"),
        ("digits", ["cross_entropy", "sigmoid"], {"metric": "log_loss"}, "'error'"),
        ("digits", ["cross_entropy", "sigmoid"], {"metric": "loss"}, "'error'"),
    ],
)
def test_a_search_over_losses_is_not_judged_by_loss(
    data: str, losses: list[str], changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingsError, match="takes more than one value") as caught:
        tune(load(data), **SMALL | {"space": RATE | {"loss": losses}}, trials=2, **changes)
    assert words in str(caught.value)


@pytest.mark.parametrize("factors", [{"loss": ["mae"]}, {"huber_delta": [0.5, 2.0]}], ids=["loss", "huber_delta"])
def test_nor_are_controlled_experiments(factors: dict[str, list[Any]], numbers: Dataset) -> None:
    options = {"base": {"loss": "huber", "units": 8, "layers": 1}, "factors": factors, "repeats": 2}
    with pytest.raises(SettingsError, match="takes more than one value"):
        tune(numbers, method="manual", method_options=options, epochs=2, metric="loss")


@pytest.mark.compiles
def test_other_metrics_and_one_loss_are_fine(numbers: Dataset) -> None:
    small = SMALL | {"epochs": 2, "retrain": 0}
    tune(numbers, **small | {"space": RATE | {"loss": ["mse", "mae"]}}, trials=2, metric="rmse")
    tune(numbers, **small | {"space": RATE}, trials=2, metric="loss")
