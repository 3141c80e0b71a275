"""When a search ends before its plan: no hope of gaining more than a seed changes."""

from typing import Any

import numpy as np
import pytest
from small_studies import SMALL, interrupt_after, outcome

from paceline.data import Dataset
from paceline.records import History, Params, Status, Trial
from paceline.search.methods.bayes import Bayes
from paceline.seeds import generator
from paceline.settings import StudySettings
from paceline.space import Space
from paceline.study import StudyInterrupted, resume, tune
from paceline.study.setup import Setup, set_up
from paceline.study.stopping_criteria import LOOKS, MIN_TRIALS, TRIALS_BETWEEN, StoppingCriteria
from paceline.testing import StubExecutor

SPACE = {name: {"low": 0.0, "high": 0.9} for name in ("dropout", "input_dropout")}
ENDS: dict[str, Any] = SMALL | {"stopper": "none", "epochs": 2, "retrain": 1, "stop_at_noise": True}


def setup_for(digits: Dataset, **changes: Any) -> Setup:
    return set_up(StudySettings(search=SPACE, stopper="none", stop_at_noise=True, **changes), digits, StubExecutor())


def drawn(loss: Any, count: int, seed: int = 0) -> list[Trial]:
    """Finished trials at random places."""
    rng, space = np.random.default_rng(seed), Space(SPACE)
    points: list[Params] = [space.sample(rng) for _ in range(count)]
    return [Trial(i, p, 0, status=Status.FINISHED, score=float(loss(p, rng))) for i, p in enumerate(points)]


def noise(_: Params, rng: np.random.Generator) -> float:
    return float(rng.normal())


def bowl(p: Params, _: np.random.Generator) -> float:
    return (p["dropout"] - 0.31) ** 2 + (p["input_dropout"] - 0.77) ** 2


def asked(endings: StoppingCriteria, trials: list[Trial], by: int) -> int | None:
    """With how many trials it says to end; None if it never does."""
    for count in range(by, len(trials) + 1, by):
        if endings.reason(History(tuple(trials[:count]))):
            return count
    return None


def test_pure_noise_is_given_up_at_the_third_look(digits: Dataset) -> None:
    assert asked(StoppingCriteria(setup_for(digits)), drawn(noise, 120), 1) == MIN_TRIALS + (LOOKS - 1) * TRIALS_BETWEEN


def test_the_looks_must_lie_apart(digits: Dataset) -> None:
    assert asked(StoppingCriteria(setup_for(digits)), drawn(noise, 120), 25) == 50 + (LOOKS - 1) * 25


def test_hope_begins_the_count_anew(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([False, False, True, False, False, False])
    outlook = Bayes.outlook

    def sometimes(self: Bayes, history: History, rng: np.random.Generator) -> Any:
        found = outlook(self, history, rng)
        assert found is not None
        return type(found)(gain=2.0 * found.noise, noise=found.noise) if next(looks) else found

    monkeypatch.setattr(Bayes, "outlook", sometimes)
    assert asked(StoppingCriteria(setup_for(digits)), drawn(noise, 120), 1) == MIN_TRIALS + 5 * TRIALS_BETWEEN


def test_it_isn_t_asked_unless_wanted(digits: Dataset) -> None:
    quiet = set_up(StudySettings(search=SPACE, stopper="none"), digits, StubExecutor())
    assert asked(StoppingCriteria(quiet), drawn(noise, 120), 10) is None


def test_the_outlook_falls_with_what_is_known() -> None:
    """Few points of a bowl promise more than their noise, many don't; and units are those of the targets."""
    bayes = Bayes(Space(SPACE))
    few = bayes.outlook(History(tuple(drawn(bowl, 8))), generator(0, "outlook", 8))
    many = bayes.outlook(History(tuple(drawn(bowl, 150))), generator(0, "outlook", 150))
    assert few is not None and many is not None
    assert few.gain > few.noise and many.gain < 0.3 * few.gain
    scaled = [Trial(t.number, t.params, 0, status=t.status, score=1e3 * (t.score or 0.0) - 5.0) for t in drawn(bowl, 8)]
    same = bayes.outlook(History(tuple(scaled)), generator(0, "outlook", 8))
    assert same is not None and same.gain == pytest.approx(few.gain, rel=1e-3)
    assert bayes.outlook(History(tuple(drawn(bowl, 2))), generator(0, "outlook", 2)) is None


@pytest.mark.compiles
def test_a_study_ends_and_says_why_and_a_resumed_one_ends_there_too(
    digits: Dataset, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.study.loop.WAIT_SECONDS", 0.001)
    params = SMALL["params"] | {"learning_rate": 1e-5}
    settings = ENDS | {"params": params, "space": {"dropout": {"low": 0.0, "high": 0.01}}, "trials": 200}
    study = tune(digits, **settings)
    assert "of the seed noise" in study.summary.ended and len(study.trials) < 200
    with pytest.raises(StudyInterrupted):
        tune(digits, **settings, out=tmp_path / "study", progress=interrupt_after(20))
    assert outcome(resume(tmp_path / "study", data=digits)) == outcome(study)
