"""Every value that a space lists is checked before anything is trained, and points by the rules between them."""

from typing import Any

import pandas as pd
import pytest
from small_studies import untrained

from paceline.data import Dataset, load
from paceline.errors import HyperparameterError, SpaceError
from paceline.net.dense.hyperparameters import resolve
from paceline.settings import StudySettings
from paceline.space import Fixed, Space
from paceline.study import tune
from paceline.study.checks import check_values, sample_points, value_points
from paceline.study.setup import Setup, set_up
from paceline.testing import StubExecutor

ACTIVATIONS = ["relu", "elu", "tanh", "swish", "gelu", "selu", "softplus", "sigmoid", "linear", "leaky_relu", "step"]


def checked(space: dict[str, Any], task: str = "classes", **fixed: Any) -> None:
    check_values(Space(space), lambda params: resolve({**fixed, **params}, task=task))


def test_the_draws_differ() -> None:
    space = Space({"learning_rate": {"low": 1e-4, "high": 1.0, "scale": "log"}, "dropout": {"low": 0.0, "high": 0.5}})
    assert len({space.key(point) for point in sample_points(space)}) == 11


def test_every_value_is_in_a_point() -> None:
    space = Space(
        {
            "optimizer": ["adam", "sgd", "momentum"],
            "momentum": {"low": 0.5, "high": 0.9, "when": {"optimizer": ["momentum"]}},
            "layers": {"low": 0, "high": 3},
            "units": {"choices": [8, 16, 32], "per": "layers"},
            "batch_size": Fixed(64),
        }
    )
    points = list(value_points(space))
    assert all(space.contains(point) for point in points)
    assert {point["optimizer"] for point in points} == {"adam", "sgd", "momentum"}
    assert {point["layers"] for point in points} >= {0, 3}
    assert {point["momentum"] for point in points if "momentum" in point} >= {0.5, 0.9}
    assert [[width] * 3 in [point["units"] for point in points] for width in (8, 16, 32)] == [True] * 3


@pytest.mark.parametrize("place", range(12))
def test_a_misspelt_value_is_found_wherever_it_stands(place: int) -> None:
    values = [*ACTIVATIONS[:place], "reluu", *ACTIVATIONS[place:]]
    with pytest.raises(SpaceError, match=r"'activation' must be one of linear, .*but got 'reluu'.*did you mean"):
        checked({"activation": values, "learning_rate": {"low": 1e-3, "high": 1e-1}})


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({"dropout": {"low": 0.0, "high": 1.0}}, "`0 <= dropout < 1` must hold, but got dropout=1.0"),
        ({"learning_rate": {"low": 0.0, "high": 0.1}}, "`0 < learning_rate` must hold, but got learning_rate=0.0"),
        ({"layers": {"low": 1, "high": 9}}, "`0 <= layers <= 8` must hold, but got layers=9"),
        ({"batch_size": [32, "al"]}, "'batch_size' must be a number, but got 'al'"),
        ({"layers": [1, 2], "activation": {"choices": ["relu", "elu", "reluu"], "per": "layers"}}, "got 'reluu'"),
        ({"layers": [1, 2], "momentum": {"choices": [0.5, 0.9], "per": "layers"}}, "'momentum' must be a number"),
        (
            {"optimizer": ["adam", "momentum"], "momentum": {"choices": [0.5, 1.5], "when": {"optimizer": "momentum"}}},
            "`0 <= momentum < 1` must hold, but got momentum=1.5",
        ),
        (
            {
                "optimizer": ["adam", "sgd"],
                "schedule": {"choices": ["constant", "step"], "when": {"optimizer": "sgd"}},
                "schedule_every": {"choices": [5, 0], "when": {"schedule": "step"}},
            },
            "`1 <= schedule_every` must hold, but got schedule_every=0",
        ),
        ({"loss": ["auto", "cross_entropy", "mse"]}, "loss 'mse' doesn't suit a classes target"),
    ],
)  # fmt: skip
def test_every_kind_of_value_is_checked(space: dict[str, Any], words: str) -> None:
    with pytest.raises(SpaceError) as caught:
        checked(space)
    assert words in str(caught.value)


def test_all_wrong_values_are_told_at_once() -> None:
    with pytest.raises(SpaceError) as caught:
        checked({"activation": ["relu", "reluu", "elu"], "optimizer": ["adam", "adm"]})
    assert "'reluu'" in str(caught.value) and "'adm'" in str(caught.value)


def test_values_that_need_another_hyperparameter_beside_them_pass() -> None:
    checked({"schedule": ["constant", "manual"]}, schedule_points=[[0, 0.1]])
    checked({"schedule": ["constant", "manual"], "schedule_points": Fixed([[0, 0.1]], when={"schedule": "manual"})})
    checked({"units": [[8, 16], [16, 16]]}, layers=2)


def test_a_study_refuses_it_before_anything_is_made(digits: Dataset, tmp_path: Any) -> None:
    space = {"activation": ["relu", "elu", "tanh", "swish", "reluu", "gelu", "selu"]}
    with pytest.raises(SpaceError, match="'reluu'"):
        tune(digits, space=space, out=tmp_path / "study", trials=3)
    assert not (tmp_path / "study").exists()


def test_rules_between_hyperparameters_are_checked_on_draws(digits: Dataset) -> None:
    """Lists of two widths with one or two layers: corners and the default fit together, other points don't."""
    space = {"layers": [1, 2], "units": [[8], [16, 16]], "dropout": {"low": 0.0, "high": 0.5}}
    with pytest.raises(SpaceError, match="must list one value a hidden layer"):
        set_up(StudySettings(search=space), digits, StubExecutor())


def test_the_configurations_of_a_list_are_checked_too(digits: Dataset) -> None:
    listed = [{"units": [8], "layers": 1}, {"units": [8], "layers": 2}]
    space = {"layers": [1, 2], "units": [[8], [16, 16]]}
    manual = StudySettings(search=space, method="manual", method_options={"configurations": listed})
    with pytest.raises(SpaceError, match="must list one value a hidden layer"):
        set_up(manual, digits, StubExecutor())
    fine = manual.changed(method_options={"configurations": listed[:1]})
    assert isinstance(set_up(fine, digits, StubExecutor()), Setup)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"params": {"class_weight": {"noo": 2.0}}}, "names 'noo', which is no class"),
        ({"space": {"class_weight": [None, {"noo": 2.0}]}}, "names 'noo', which is no class"),
    ],
)
def test_class_weights_that_do_not_suit_the_data_are_refused_before_anything_is_made(
    settings: dict[str, Any], words: str, tmp_path: Any
) -> None:
    with pytest.raises((HyperparameterError, SpaceError), match=words):
        untrained(load("breast-cancer"), out=tmp_path / "study", trials=1, **settings)
    assert not (tmp_path / "study").exists()


def test_class_weights_of_several_labels_are_refused_before_anything_is_made(tmp_path: Any) -> None:
    labels = pd.DataFrame({"x": range(40), "one": [0, 1] * 20, "two": [0, 0, 1, 1] * 10})
    data = load(labels, target=["one", "two"])
    with pytest.raises(HyperparameterError, match="needs a target with one class a row"):
        untrained(data, out=tmp_path / "study", trials=1, params={"class_weight": "balanced"})
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("name", ["digits", "diabetes"])
def test_default_spaces_pass(name: str) -> None:
    assert isinstance(set_up(StudySettings(), load(name), StubExecutor()), Setup)
