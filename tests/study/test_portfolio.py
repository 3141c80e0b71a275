"""A study begins with the usual configuration and, among a few draws, those that served other tables."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_studies import SMALL, SPACE

from paceline.data import Dataset
from paceline.errors import SettingsError, SpaceError
from paceline.net import default_space
from paceline.net.dense.hyperparameters import DenseHyperparameters
from paceline.net.dense.portfolio import PORTFOLIO, portfolio
from paceline.records import History
from paceline.search.methods.bayes import Bayes
from paceline.search.methods.sobol import sobol_points
from paceline.search.stoppers.control_trials import PROBES
from paceline.space import Space
from paceline.study import tune
from paceline.study.portfolio import usual_point

LEARNED = Path(__file__).parents[2] / "benchmarks" / "results" / "first_points.json"
EMPTY = History((), "minimize")
NARROW = {"learning_rate": {"low": 1e-4, "high": 4e-3, "scale": "log"}, "layers": [1, 3], "momentum": [0.1, 0.9]}


def test_it_is_what_the_benchmark_chose() -> None:
    learned = json.loads(LEARNED.read_text(encoding="utf-8"))
    assert list(PORTFOLIO) == learned["portfolio"]
    for size, regret in learned["held_out"].items():  # on tables that had no say
        assert regret["portfolio"] < regret["draws"], size
    assert learned["held_out"]["8"]["portfolio"] < learned["held_out"]["27"]["draws"]


@pytest.mark.parametrize(("rows", "features"), [(500, 8), (10_000, 16), (50_000, 14), (50_000, 784)])
def test_default_spaces_hold_all_of_it_in_their_wider_layers(rows: int, features: int) -> None:
    space = default_space("dense", rows=rows, features=features, task="classes")
    points = portfolio(space)
    assert len(points) == len(PORTFOLIO)
    widest = max(space.parameters["units"].to_dict()["choices"])
    for point, values in zip(points, PORTFOLIO, strict=True):
        assert space.contains(point) and (point["units"], point["layers"]) == (widest, 2)
        assert {name: point[name] for name in values if name in point} == {
            name: value for name, value in values.items() if name in space.names
        }


def test_what_a_space_lacks_is_its_middle_and_equals_are_tried_once() -> None:
    space = Space.from_dict(NARROW)
    points = portfolio(space)
    assert {point["layers"] for point in points} == {space.default_point()["layers"]}
    rates = sorted(point["learning_rate"] for point in points)
    held = sorted(values["learning_rate"] for values in PORTFOLIO if 1e-4 <= values["learning_rate"] <= 4e-3)
    middle = float(np.sqrt(1e-4 * 4e-3))
    assert rates == pytest.approx(sorted([middle, *held])) and len(held) < len(PORTFOLIO) - 1
    assert portfolio(Space({"l2": {"low": 0.0, "high": 1.0}})) == [{"l2": pytest.approx(0.5)}]


def searcher(**options: Any) -> Bayes:
    return Bayes(Space.from_dict(SPACE), seed=3, **options)


def test_it_follows_the_first_draws_whatever_the_batches() -> None:
    points = portfolio(Space.from_dict(SPACE))
    bayes = searcher(startup=3, portfolio=points)
    whole = bayes.suggest(EMPTY, 14, np.random.default_rng(0))
    draws = [bayes.space.from_unit(row) for row in sobol_points(2, 0, 3, 3)]
    assert whole[:3] == draws and whole[3 : 3 + len(points)] == points
    assert len({bayes.space.key(point) for point in whole}) == 14


@pytest.mark.parametrize("wrong", [3, "usual", {"dropout": 0.1}])
def test_what_is_no_list_is_refused(wrong: Any) -> None:
    with pytest.raises(SettingsError, match="must be a list of configurations"):
        searcher(portfolio=wrong)


def test_a_configuration_outside_the_space_is_refused() -> None:
    with pytest.raises(SpaceError, match="dropout"):
        searcher(portfolio=[{"learning_rate": 1e-3, "dropout": 0.9}])


@pytest.mark.compiles
@pytest.mark.parametrize(("stopper", "draws"), [("hyperband", range(1, PROBES)), ("none", range(1, 2))])
def test_a_study_begins_with_it(stopper: str, draws: range, digits: Dataset) -> None:
    study = tune(digits, **SMALL, method="bayes", stopper=stopper, trials=16)
    space = Space.from_dict(SPACE)
    points = portfolio(space)
    known = [space.key(trial.params) for trial in study.trials]
    assert known[0] == space.key(usual_point(space, DenseHyperparameters()))
    assert not set(known[draws.start : draws.stop]) & {space.key(point) for point in points}
    assert known[draws.stop : draws.stop + len(points)] == [space.key(point) for point in points]


@pytest.mark.compiles
def test_a_portfolio_of_one_s_own_keeps_its_nets(digits: Dataset) -> None:
    """Others share the few programs that there are, but what a user lists is trained as it stands."""
    space = {"units": [8, 16], "layers": [1, 2], "dropout": SPACE["dropout"]}
    usual = usual_point(Space.from_dict(space), DenseHyperparameters())
    nets = [(16, 1), (8, 1)]
    assert (usual["units"], usual["layers"]) not in nets
    mine = [{"units": units, "layers": layers, "dropout": 0.2} for units, layers in nets]
    settings = SMALL | {"space": space, "params": {"batch_size": 64}, "epochs": 2, "trials": 5}
    study = tune(digits, **settings, method="bayes", stopper="none", method_options={"portfolio": mine})
    assert [trial.params for trial in study.trials[2:4]] == mine


def test_layers_of_their_own_get_the_usual_value_each() -> None:
    space = Space({"layers": [2, 3], "dropout": {"low": 0.0, "high": 0.5, "per": "layers"}})
    assert usual_point(space, DenseHyperparameters())["dropout"] == pytest.approx(
        [0.0] * usual_point(space, DenseHyperparameters())["layers"]
    )


@pytest.mark.compiles
def test_its_program_is_in_use_from_the_start(digits: Dataset) -> None:
    """An epoch of digits pays for next to no program: the usual one and the portfolio's are all there are at first."""
    space = {"units": [16, 32, 96], "layers": [1, 2, 3], "dropout": SPACE["dropout"]}
    settings = SMALL | {"space": space, "params": {"batch_size": 64}, "epochs": 2}
    study = tune(digits, **settings, method="bayes", stopper="none", trials=10)
    usual = usual_point(Space.from_dict(space), DenseHyperparameters())
    assert {(trial.params["layers"], trial.params["units"]) for trial in study.trials} == {
        (usual["layers"], usual["units"]),
        (2, 96),
    }
    assert sum((trial.params["layers"], trial.params["units"]) == (2, 96) for trial in study.trials) >= len(PORTFOLIO)


@pytest.mark.compiles
def test_a_user_can_do_without_or_bring_their_own(digits: Dataset) -> None:
    mine = [{"learning_rate": 0.005, "dropout": 0.25}]
    study = tune(digits, **SMALL, method="bayes", stopper="none", trials=6, method_options={"portfolio": mine})
    assert study.trials[2].params == pytest.approx(mine[0])
    without = tune(digits, **SMALL, method="bayes", stopper="none", trials=6, method_options={"portfolio": []})
    assert without.trials[2].params != pytest.approx(mine[0])


@pytest.mark.compiles
def test_other_methods_draw_as_they_did(digits: Dataset) -> None:
    study = tune(digits, **SMALL, method="random", stopper="none", trials=6)
    space = Space.from_dict(SPACE)
    assert not {space.key(t.params) for t in study.trials} & {space.key(point) for point in portfolio(space)}
