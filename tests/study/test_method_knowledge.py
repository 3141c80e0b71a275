"""A study knows of its method only what the method's class says of itself, never by its name."""

import re
from pathlib import Path
from typing import Any

import pytest
from small_studies import hyperband_settings

import paceline.study
from paceline.data import Dataset
from paceline.errors import SettingsError
from paceline.net.dense.hyperparameters import DenseHyperparameters
from paceline.records import History
from paceline.search import METHODS, Searcher, searcher_type
from paceline.search.methods.bayes import Bayes
from paceline.search.methods.few_programs import FewPrograms
from paceline.search.methods.population import Succession
from paceline.study.searching import usual_point
from paceline.study.setup import Setup, set_up
from paceline.testing import StubExecutor, rng_at


@pytest.fixture
def under_another_name(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have "random" stand for another method."""

    def rename(made: str) -> None:
        monkeypatch.setitem(paceline.search._SEARCHERS, "random", made)

    return rename


def of_random(data: Dataset, **changes: Any) -> Setup:
    return set_up(hyperband_settings(method="random", **changes), data, StubExecutor())


def test_a_model_begins_with_the_usual_point(under_another_name: Any, digits: Dataset) -> None:
    under_another_name("methods.bayes:Bayes")
    setup = of_random(digits)
    assert isinstance(setup.method, Bayes)
    first = setup.searcher.suggest(History(()), 1, rng_at(History(())))
    assert first == [usual_point(setup.space, DenseHyperparameters())]


def test_a_method_that_ends_trials_brings_its_stopper(under_another_name: Any, digits: Dataset) -> None:
    under_another_name("methods.population:Population")
    assert isinstance(of_random(digits, stopper="none").stopper, Succession)
    with pytest.raises(SettingsError, match="ends trials itself, so `stopper` must be 'none', but got 'hyperband'"):
        of_random(digits, stopper="hyperband")
    with pytest.raises(SettingsError, match="there must be 1 objective, but got 2"):
        of_random(digits, stopper="none", objectives=["parameters"])


def test_a_plan_sets_the_number_of_trials_and_takes_no_warm_start(under_another_name: Any, digits: Dataset) -> None:
    under_another_name("methods.manual:manual")
    plan = {"base": {"dropout": 0.1}, "factors": {"dropout": [0.2, 0.3]}, "repeats": 2}
    assert of_random(digits, method_options=plan, trials=None, stopper="none").settings.trials == 6
    listed = {"configurations": [{"learning_rate": 1e-2, "dropout": 0.1}]}
    settings = hyperband_settings(method="random", method_options=listed)
    earlier = {"from": "older", "results": [[{"learning_rate": 1e-2, "dropout": 0.1}, 0.0]]}
    with pytest.raises(SettingsError, match="runs its own list, so a warm start has no place in it"):
        set_up(settings, digits, StubExecutor(), earlier)


def test_what_is_wrapped_is_asked() -> None:
    for method in METHODS:
        kind = searcher_type(method)
        assert issubclass(kind, Searcher) and not issubclass(kind, FewPrograms)
    with pytest.raises(SettingsError, match="There is no method 'bays'; did you mean 'bayes'"):
        searcher_type("bays")


def test_no_method_is_named_in_the_study() -> None:
    names = "|".join(METHODS)
    named = re.compile(rf"""["'](?:{names})["']|isinstance\([^)]*(?:Bayes|InitialPoints|Population|CoarseToFine)""")
    folder = Path(paceline.study.__file__).parent
    assert [found.group() for file in folder.glob("*.py") for found in named.finditer(file.read_text())] == []
