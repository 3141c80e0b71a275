"""The boxes in a study's summary are those that its trials were drawn from, not those that hindsight gives."""

from dataclasses import asdict, replace

import pytest

from paceline.records import Trial
from paceline.search import make_searcher, make_stopper
from paceline.search.methods.coarse_to_fine import CoarseToFine
from paceline.search.methods.initial_points import InitialPoints
from paceline.space import Space
from paceline.study.rounds import KEPT, rounds_of
from paceline.study.visible_history import VisibleHistory
from paceline.testing import outcome, rng_at

SPACE = Space({"rate": {"low": 1e-4, "high": 1.0, "scale": "log"}, "kind": ["a", "b", "c"]})
GIVEN = {"rate": 0.1, "kind": "a"}


@pytest.mark.parametrize(("stopper", "first"), [("none", []), ("hyperband", []), ("hyperband", [GIVEN])])
def test_boxes_are_those_that_were_drawn_from(stopper: str, first: list[dict[str, object]]) -> None:
    searcher = make_searcher("coarse_to_fine", SPACE, seed=3, size=8, first=first)
    method = searcher.searcher if isinstance(searcher, InitialPoints) else searcher
    assert isinstance(method, CoarseToFine)
    rule = make_stopper(stopper, epochs=9)
    trials: dict[int, Trial] = {}
    visible = VisibleHistory(trials, "minimize", rule.in_flight)
    drawn_from = {}
    for cohort in rule.cohorts(70, 9):
        visible.settle(cohort.number)
        known = visible.for_proposing(cohort.number)
        begins = len(trials)
        proposals = searcher.suggest(known, cohort.size, rng_at(known))
        for number in range(-(-begins // 8), -(-(begins + cohort.size) // 8)):
            drawn_from[number] = asdict(method.round(known, number))
        for number, params in enumerate(proposals, start=begins):
            trials[number] = Trial(number, params, 0, cohort=cohort.number)
        for number in range(begins):  # the cohort before has ended meanwhile
            if not trials[number].ended:
                trials[number] = outcome(trials[number], 9)
    ended = [trial if trial.ended else outcome(trial, 9) for trial in trials.values()]
    found = rounds_of(method, ended, "minimize", rule.in_flight)
    assert [asdict(one) for one in found] == list(drawn_from.values()) and len(found) == 9
    assert found[0].ranges == {"rate": (1e-4, 1.0)} and found[-1].ranges != found[0].ranges
    hindsight = rounds_of(method, ended, "minimize", 1)
    assert hindsight != found


def test_of_many_rounds_some_are_kept() -> None:
    searcher = make_searcher("coarse_to_fine", SPACE, seed=0, size=2)
    trials = [replace(outcome(Trial(n, {"rate": 0.5, "kind": "a"}, 0), 3), cohort=n // 4) for n in range(200)]
    numbers = [one.number for one in rounds_of(searcher, trials, "minimize", 2)]
    assert len(numbers) == KEPT and numbers[0] == 0 and numbers[-1] == 99


def test_other_methods_have_no_rounds() -> None:
    trials = [Trial(0, {"rate": 0.5, "kind": "a"}, 0)]
    assert rounds_of(make_searcher("random", SPACE, seed=0), trials, "minimize", 2) == ()
    assert rounds_of(make_searcher("coarse_to_fine", SPACE, seed=0), [], "minimize", 2) == ()
