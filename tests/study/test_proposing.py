"""A searcher that thinks beside the lanes proposes what it would have proposed alone."""

import threading
import time
from typing import Any

import numpy as np
import pytest
from small_studies import SMALL, hyperband_settings, outcome

from paceline.data import Dataset
from paceline.net.dense.hyperparameters import DenseHyperparameters
from paceline.records import History, Params, Status, Trial
from paceline.search import Cohort, Searcher
from paceline.search.methods.bayes import Bayes
from paceline.search.methods.few_programs import BATCH_PER_PROGRAM, FIRST_PROGRAMS, FewPrograms
from paceline.search.surrogate.one_core import one_core
from paceline.space import Space
from paceline.study import tune
from paceline.study.proposing import Proposer
from paceline.study.searching import (
    COMPILING_SECONDS,
    MULTIPLY_ADDS_A_SECOND,
    STEP_SECONDS,
    share_of_compiling,
    usual_point,
)
from paceline.study.setup import Setup, set_up
from paceline.testing import StubExecutor, rng_at

SPACE = Space({"x": {"low": 0.0, "high": 1.0}})
UNDER_WAY, ENDED = Trial(0, {"x": 0.5}, 0), Trial(0, {"x": 0.5}, 0, status=Status.FINISHED, score=1.0)
BAYES = SMALL | {"method": "bayes", "method_options": {"startup": 3}, "trials": 18, "stopper": "none", "epochs": 3}


class Thinker(Searcher):
    """Waits for a sign, then proposes by rng; notes the thread it was asked in."""

    def __init__(self, slow: bool) -> None:
        self.space, self.slow = SPACE, slow
        self.go = threading.Event()
        self.thread: threading.Thread | None = None

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        self.thread = threading.current_thread()
        assert self.go.wait(10)
        return [{"x": float(x)} for x in rng.random(count)]


def test_a_slow_searcher_is_asked_in_a_thread_and_waited_for() -> None:
    thinker = Thinker(slow=True)
    proposer = Proposer(thinker)
    proposer.ask(Cohort(0, 3, (1,)), History((ENDED,)), np.random.default_rng(0))
    proposer.wait(0.01)
    assert proposer.thinking and proposer.take() is None
    thinker.go.set()
    proposer.wait(10)
    answer = proposer.take()
    assert answer is not None and len(answer[1]) == answer[0].size == 3
    assert thinker.thread is not threading.main_thread()
    assert not proposer.thinking and proposer.take() is None
    proposer.close()


@pytest.mark.parametrize(("slow", "history"), [(False, (ENDED,)), (True, ()), (True, (UNDER_WAY,))])
def test_a_quick_searcher_or_one_without_results_is_asked_at_once(slow: bool, history: tuple[Trial, ...]) -> None:
    thinker = Thinker(slow=slow)
    thinker.go.set()
    proposer = Proposer(thinker)
    proposer.ask(Cohort(0, 1, (1,)), History(history), np.random.default_rng(0))
    assert thinker.thread is threading.main_thread() and proposer.take() is not None
    proposer.close()


def test_what_goes_wrong_while_thinking_is_raised(monkeypatch: pytest.MonkeyPatch, digits: Dataset) -> None:
    def fail(*_: object) -> list[Params]:
        raise ArithmeticError("no such luck")

    monkeypatch.setattr(Bayes, "suggest", fail)
    with pytest.raises(ArithmeticError, match="no such luck"):
        tune(digits, **BAYES)


@pytest.mark.compiles
def test_how_long_it_thinks_changes_no_result(monkeypatch: pytest.MonkeyPatch, digits: Dataset) -> None:
    usual = outcome(tune(digits, **BAYES))
    suggest = Bayes.suggest

    def slowly(self: Bayes, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        time.sleep(0.1)
        return suggest(self, history, count, rng)

    monkeypatch.setattr(Bayes, "suggest", slowly)
    assert outcome(tune(digits, **BAYES)) == usual
    monkeypatch.setattr(Bayes, "slow", False)
    assert outcome(tune(digits, **BAYES)) == usual


def test_one_core_holds_in_the_threads_of_a_study() -> None:
    """Whoever held the limit before: the thread that sets it owns it, and must give it back."""
    import scipy.linalg  # noqa: F401 - its BLAS too
    from threadpoolctl import ThreadpoolController

    def cores() -> set[int]:
        return {lib.num_threads for lib in ThreadpoolController().select(user_api="blas").lib_controllers}

    seen: list[set[int]] = []

    def think() -> None:
        with one_core():
            seen.append(cores())

    def in_thread() -> None:
        thread = threading.Thread(target=think)
        thread.start()
        thread.join()

    think()
    in_thread()
    with one_core():
        in_thread()
        seen.append(cores())
    assert seen == [{1}] * 4


@pytest.mark.compiles
def test_bayes_begins_with_what_is_usual(digits: Dataset) -> None:
    study = tune(digits, **BAYES)
    assert study.trials[0].params == pytest.approx({"learning_rate": 1e-3, "dropout": 0.0})
    setup = set_up(study.settings, digits, StubExecutor())
    assert isinstance(setup.method, Bayes) and setup.searcher is not setup.method
    assert usual_point(Space({"units": [32, 512], "dropout": {"low": 0.1, "high": 0.5}}), DenseHyperparameters()) == {
        "units": 32,
        "dropout": pytest.approx(0.3),
    }


@pytest.mark.parametrize("method", ["bayes", "random", "tpe", "genetic"])
def test_programs_are_shared_until_training_has_paid_for_them(method: str, digits: Dataset) -> None:
    """Eight widths of the ladder. An epoch of digits costs a thousandth of a program, so it pays for nothing."""
    setup = eight_widths(digits, method=method)
    history = History(())
    points = setup.searcher.suggest(history, BATCH_PER_PROGRAM, rng_at(history))
    assert len({point["units"] for point in points}) == FIRST_PROGRAMS
    assert len({point["dropout"] for point in points}) == BATCH_PER_PROGRAM


@pytest.mark.parametrize(("method", "options"), [("sobol", {}), ("grid", {}), ("population", {"size": 12})])
def test_proposals_that_belong_together_are_not_moved(method: str, options: dict[str, int], digits: Dataset) -> None:
    setup = eight_widths(digits, method=method, method_options=options, stopper="none")
    history = History(())
    points = setup.searcher.suggest(history, 12, rng_at(history))
    assert setup.searcher is setup.method
    assert points == setup.method.suggest(history, 12, rng_at(history))


def eight_widths(data: Dataset, **settings: Any) -> Setup:
    space = {"units": {"choices": [8, 16, 32, 48, 64, 96, 128, 192]}, "dropout": {"low": 0.0, "high": 0.5}}
    return set_up(hyperband_settings(search=space, params={"layers": 1}, **settings), data, StubExecutor())


def test_what_a_program_is_paid_with(digits: Dataset) -> None:
    """The need that a study tells: the padded shape, and the seconds of an epoch's steps and multiply-adds."""
    space = {"units": {"choices": [8, 64]}, "dropout": {"low": 0.0, "high": 0.5}}
    for folds in (None, 3):
        setup = set_up(
            hyperband_settings(method="random", search=space, params={"layers": 1}, folds=folds), digits, StubExecutor()
        )
        assert isinstance(setup.searcher, FewPrograms)
        shape, epoch = setup.searcher._need({"units": 8, "dropout": 0.1})
        assert shape == setup.prepared({"units": 8, "dropout": 0.1}, 0, 0).shape
        rows, row = setup.folds[0].spec.train_rows, setup.folds[0].spec.sample[0] * 8 + 8 * 10
        assert epoch == share_of_compiling(rows, 64, row, folds or 1)
        seconds = -(-rows // 64) * STEP_SECONDS + rows * row / MULTIPLY_ADDS_A_SECOND
        assert epoch == pytest.approx((folds or 1) * seconds / COMPILING_SECONDS)
