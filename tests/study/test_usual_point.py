"""A study that learns begins with the usual configuration, the net's defaults, and goes on with its method."""

import pytest
from small_studies import SMALL, SPACE

from paceline.data import Dataset
from paceline.net.dense.hyperparameters import DenseHyperparameters
from paceline.search.methods.sobol import sobol_points
from paceline.space import Space
from paceline.study import tune
from paceline.study.searching import usual_point


def test_layers_of_their_own_get_the_usual_value_each() -> None:
    space = Space({"layers": [2, 3], "dropout": {"low": 0.0, "high": 0.5, "per": "layers"}})
    assert usual_point(space, DenseHyperparameters())["dropout"] == pytest.approx(
        [0.0] * usual_point(space, DenseHyperparameters())["layers"]
    )


@pytest.mark.compiles
@pytest.mark.parametrize("stopper", ["hyperband", "none"])
def test_the_method_s_own_draws_follow_it(stopper: str, digits: Dataset) -> None:
    study = tune(digits, **SMALL, method="bayes", stopper=stopper, trials=6)
    space = Space.from_dict(SPACE)
    known = [space.key(trial.params) for trial in study.trials]
    assert known[0] == space.key(usual_point(space, DenseHyperparameters()))
    draws = sobol_points(len(space.slots), 1, 5, study.settings.seed)
    assert known[1:] == [space.key(space.from_unit(row)) for row in draws]


@pytest.mark.compiles
def test_a_method_that_draws_at_random_begins_with_a_draw(digits: Dataset) -> None:
    study = tune(digits, **SMALL, method="random", stopper="none", trials=6)
    space = Space.from_dict(SPACE)
    usual = space.key(usual_point(space, DenseHyperparameters()))
    assert usual not in {space.key(trial.params) for trial in study.trials}
