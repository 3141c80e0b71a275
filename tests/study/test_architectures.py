"""Which architectures a study compares on small tables, and what it says about that. Only the last test trains."""

from typing import Any

import pytest
from small_studies import SMALL

from paceline.cli.screens import Lines, study_lines
from paceline.data import Dataset, load
from paceline.net.dense.hyperparameters import STATIC
from paceline.records import Trial
from paceline.reporting.facts import uncertainty
from paceline.search import make_searcher
from paceline.settings import StudySettings
from paceline.space import Space
from paceline.study import tune
from paceline.study.architectures import architectures_summary
from paceline.study.setup import set_up
from paceline.summary import Architectures
from paceline.testing import StubExecutor, imitate

LOOP = {"learning_rate": {"low": 1e-4, "high": 1e-1, "scale": "log"}, "layers": {"low": 1, "high": 5}}


def proposed(data: Dataset, **settings: Any) -> tuple[Space, list[Trial]]:
    """The space and the trials of a study, with scores that are invented."""
    setup = set_up(StudySettings(**settings), data, StubExecutor())
    sizes = [cohort.size for cohort in setup.stopper.cohorts(setup.settings.trials, setup.settings.epochs)]
    return setup.space, list(imitate(setup.searcher, sizes, epochs=setup.settings.epochs))


@pytest.mark.parametrize("method", ["auto", "random", "tpe", "genetic"])
def test_digits_has_all_six_architectures_of_its_default_space_tried(method: str, digits: Dataset) -> None:
    space, trials = proposed(digits, trials=60, epochs=10, method=method)
    nets = {(trial.params["layers"], trial.params["units"]) for trial in trials}
    assert len(trials) == 60 and len(nets) == 6
    assert len({(trial.params["layers"], trial.params["units"]) for trial in trials[:6]}) == 2
    found = architectures_summary(make_searcher("random", space, seed=0), space, trials, STATIC)
    assert found == Architectures(("units", "layers"), 6, 6, "The search has tried every one.")


@pytest.mark.parametrize("epochs", [9, 30])
@pytest.mark.parametrize("layers", [{"low": 1, "high": 5}, [1, 2, 3, 4, 5]])
@pytest.mark.parametrize("method", ["auto", "random", "coarse_to_fine"])
def test_a_short_search_sees_several_numbers_of_layers(method: str, layers: Any, epochs: int) -> None:
    """24 trials of 5 numbers of layers: 23 of them had two layers once."""
    _, trials = proposed(load("iris"), search=LOOP | {"layers": layers}, trials=24, epochs=epochs, method=method)
    counts = [sum(trial.params["layers"] == count for trial in trials) for count in range(1, 6)]
    assert sum(count > 0 for count in counts) >= (4 if epochs == 30 else 5)
    assert max(counts) < 20


def why_of(compared: int, possible: int, method: str, trials: int = 9) -> str:
    options = {"configurations": [{"layers": 1}]} if method == "manual" else {}
    space = Space({"layers": {"low": 1, "high": possible}})
    nets = [Trial(i, {"layers": 1 + i % compared}, 0) for i in range(trials)]
    found = architectures_summary(make_searcher(method, space, seed=0, **options), space, nets, STATIC)
    assert found is not None and (found.compared, found.possible) == (compared, possible)
    return found.why


def test_why_is_told() -> None:
    assert why_of(5, 5, "random") == "The search has tried every one."
    assert why_of(2, 5, "sobol") == "The method's own list or sequence has chosen them."
    assert why_of(2, 5, "manual") == "The method's own list or sequence has chosen them."
    assert "seconds to compile" in why_of(2, 5, "bayes") and why_of(2, 5, "bayes").endswith(
        "9 trials were too few for all."
    )
    assert why_of(2, 500, "tpe").endswith("which of them are tried is left to the method.")
    space = Space({"dropout": {"low": 0.0, "high": 0.5}})
    assert architectures_summary(make_searcher("random", space, seed=0), space, [], STATIC) is None


@pytest.mark.compiles
def test_summary_screen_and_report_tell_it(digits: Dataset) -> None:
    space = {"units": [16, 24], "learning_rate": SMALL["space"]["learning_rate"]}
    params = {"layers": 1, "batch_size": 64}
    study = tune(digits, **SMALL | {"space": space, "params": params, "trials": 3, "epochs": 1}, stopper="none")
    found = study.summary.architectures
    assert found is not None and (found.names, found.compared, found.possible) == (("units",), 2, 2)
    lines = Lines()
    study_lines(lines, study)
    shown = {label: text.plain for label, text in lines._rows}
    assert shown["compared"] == "2 of 2 architectures (units). The search has tried every one."
    assert study.best is not None
    sentences = uncertainty(study.record, study.best, 3, "error")
    assert "2 of 2 architectures (units) were compared. The search has tried every one." in sentences
