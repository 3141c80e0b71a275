"""Methods and stoppers by name, and the sentences for wrong names and options."""

import pytest

from paceline.errors import SettingsError, SpaceError
from paceline.search import METHODS, STOPPERS, Searcher, Stopper, make_searcher, make_stopper
from paceline.space import Space

SPACE = Space({"x": {"low": 0.0, "high": 1.0}})


def test_lists_name_what_can_be_made() -> None:
    needs = {"manual": {"configurations": [{"x": 0.5}]}}
    for method in METHODS:
        assert isinstance(make_searcher(method, SPACE, seed=0, **needs.get(method, {})), Searcher)
    for name in STOPPERS:
        assert isinstance(make_stopper(name, epochs=9), Stopper)


@pytest.mark.parametrize(
    ("method", "options", "words"),
    [
        ("randm", {}, "There is no method 'randm'; did you mean 'random'?"),
        ("grid", {"point": 3}, "Method 'grid' has no option 'point'; did you mean 'points'?"),
        ("random", {"points": 3}, "Method 'random' has no option 'points'; known: first."),
        ("grid", {"points": 0}, "Option 'points' must be a whole number of at least 1, but got 0."),
        ("grid", {"points": True}, "but got True"),
        ("grid", {"grids": [3]}, "must be a Space or a mapping"),
        ("grid", {"grids": [{"y": [1]}]}, "A grid names 'y', not a parameter; known: x."),
        ("grid", {"grids": [{"x": []}]}, "at least one value for 'x'"),
        ("grid", {"grids": [{"x": 0.5}]}, "at least one value for 'x', but got 0.5"),
        ("manual", {}, "needs option 'configurations'"),
        ("manual", {"configurations": [{"x": 0.5}], "repeats": 0}, "'repeats' must be a whole number"),
    ],
)
def test_wrong_methods_and_options_are_told(method: str, options: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make_searcher(method, SPACE, seed=0, **options)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("hyperbnd", {}, "There is no stopper 'hyperbnd'; did you mean 'hyperband'?"),
        ("hyperband", {"etta": 3}, "Stopper 'hyperband' has no option 'etta'; did you mean 'eta'?"),
        ("hyperband", {"eta": 1}, "Option 'eta' must be a whole number of at least 2, but got 1."),
        ("halving", {"min_epochs": 10}, "`min_epochs <= epochs` must hold, but got min_epochs=10, epochs=9."),
        ("patience", {"min_delta": -1.0}, "Option 'min_delta' must be a number at least 0, but got -1.0."),
        ("none", {"size": 0}, "Option 'size' must be a whole number of at least 1, but got 0."),
    ],
)
def test_wrong_stoppers_and_options_are_told(name: str, options: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make_stopper(name, epochs=9, **options)
    assert words in str(caught.value)


def test_a_configuration_outside_the_space_is_refused() -> None:
    with pytest.raises(SpaceError, match="must be between"):
        make_searcher("manual", SPACE, seed=0, configurations=[{"x": 7.0}])
    with pytest.raises(SpaceError, match="must be between"):
        make_searcher("random", SPACE, seed=0, first=[{"x": 7.0}])
