"""Planted effects are recovered: a trainer whose score is a sum of factors, the luck of the seed and a rest."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from paceline.records import History, Params, Status, Trial
from paceline.search import make_searcher
from paceline.search.experiments.effects import compared, effects_of, plan_of
from paceline.space import Space

SPACE = Space({"rate": [0.1, 0.2, 0.3], "units": [1, 2, 3], "decay": [0, 1, 2]})
PLAN: dict[str, Any] = {
    "base": {"rate": 0.1, "units": 1, "decay": 0},
    "factors": {"rate": [0.2, 0.3], "units": [2, 3], "decay": [1, 2]},
}
EFFECTS = {"rate": {0.2: -0.010, 0.3: 0.008}, "units": {2: -0.003, 3: 0.0}, "decay": {1: 0.0, 2: 0.002}}
SHARED, OWN = 0.010, 0.002  # standard deviations of the luck of a seed and of the rest

Score = Callable[[Params, int], float]


def trainer(study: int, *, shared: float = SHARED, own: float = OWN) -> Score:
    """Scores of one study; its seeds mean something else than those of the next."""

    def score(params: Params, seed: int) -> float:
        luck = np.random.default_rng([study, seed]).normal(0.0, shared)
        places = [list(SPACE.parameters[name].cut(1)).index(value) for name, value in params.items()]
        rest = np.random.default_rng([study, seed, *places]).normal(0.0, own)
        return float(0.1 + sum(EFFECTS[name].get(value, 0.0) for name, value in params.items()) + luck + rest)

    return score


def conduct(score: Score, *, goal: str = "minimize", **changes: Any) -> tuple[Any, History]:
    """The searcher, and the history that it ends with: asked for eight at a time, as seeded as it says."""
    searcher = make_searcher("manual", SPACE, seed=0, **PLAN | changes)
    trials: list[Trial] = []
    while points := searcher.suggest(History(trials, goal), 8, np.random.default_rng(0)):
        for params, seed in zip(points, searcher.seed_numbers(History(trials, goal), points), strict=True):
            trials.append(Trial(len(trials), params, seed, status=Status.FINISHED, score=score(params, seed)))
    return searcher, History(tuple(trials), goal)


def found(score: Score, **changes: Any) -> dict[str, Any]:
    document = effects_of(*conduct(score, **changes))
    assert document is not None
    return document


def many(studies: int, **noise: float) -> tuple[list[bool], list[float], list[float]]:
    """Over many studies: whether each paired interval holds the planted effect, mean errors, and ratios of widths."""
    inside, errors, ratios = [], [], []
    for study in range(studies):
        searcher, history = conduct(trainer(study, **noise))
        for effect in compared(searcher, history)[1]:
            planted = EFFECTS[effect.arm.factor].get(effect.arm.value, 0.0)
            inside.append(effect.paired.low <= planted <= effect.paired.high)
            errors.append(effect.paired.mean - planted)
            ratios.append(effect.ratio)
    return inside, errors, ratios


def test_planted_effects_lie_in_their_intervals_and_pairing_narrows_these_fourfold() -> None:
    inside, errors, ratios = many(250)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)
    assert np.mean(errors) == pytest.approx(0.0, abs=4 * OWN * np.sqrt(2 / 5 / 250))
    # Five pairs: t(4) of the rest alone against t(8) of both, 0.83 * sqrt(1 + (shared / own)^2) = 4.2
    assert np.median(ratios) == pytest.approx(4.2, rel=0.1)
    assert np.mean(np.array(ratios) > 1) > 0.99


def test_where_seeds_share_nothing_pairing_gains_nothing() -> None:
    inside, _, ratios = many(120, shared=0.0, own=SHARED)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)
    assert 0.75 < np.median(ratios) < 1.0  # half the degrees of freedom: 2.31 / 2.78 = 0.83


def test_the_best_factor_is_named_next() -> None:
    document = found(trainer(0))
    assert document["next"]["factor"] == "rate" and document["next"]["value"] == 0.2
    assert document["next"]["sentence"].startswith("Change rate to 0.2 next: it moves the score by -0.01")
    verdicts = {(arm["factor"], arm["value"]): arm["verdict"] for arm in document["arms"]}
    assert verdicts["rate", 0.2] == "better" and verdicts["rate", 0.3] == "worse"
    assert document["ratio"] > 2 and document["base"]["trials"] == [0, 7, 14, 21, 28]


def test_scores_to_maximise_mirror_scores_to_minimise() -> None:
    score = trainer(3)
    lower, higher = found(score), found(lambda params, seed: -score(params, seed), goal="maximize")
    for one, other in zip(lower["arms"], higher["arms"], strict=True):
        assert other["difference"] == -one["difference"] and other["low"] == -one["high"]
        assert other["verdict"] == one["verdict"] and other["p_adjusted"] == one["p_adjusted"]
    assert lower["next"]["factor"] == higher["next"]["factor"]


def test_differences_within_noise_name_no_factor_but_a_number_of_repeats() -> None:
    """At the named number of repeats the effect is mostly seen, so it isn't far off."""
    factors = {"units": [2]}
    document = found(trainer(1, own=0.006), factors=factors)
    assert document["arms"][0]["verdict"] == "within noise"
    needed = document["next"]["repeats"]
    assert document["next"]["factor"] is None and 5 < needed < 200
    assert (
        "(units 2, -0.00" in document["next"]["sentence"] and f"about {needed} repeats" in document["next"]["sentence"]
    )
    seen = [found(trainer(s, own=0.006), factors=factors, repeats=64)["next"]["factor"] == "units" for s in range(12)]
    assert np.mean(seen) > 0.6


def test_one_doubtful_arm_among_many_is_named_with_a_caution() -> None:
    """Where noise drowns all effects, an interval excludes 0 now and then; Holm's p says what that is worth."""
    for study in range(60):
        document = found(trainer(study, shared=0.0, own=1.0))
        verdicts = [arm["verdict"] for arm in document["arms"]]
        if "perhaps better" in verdicts and "better" not in verdicts:
            assert "among 6 arms that may be chance (adjusted p 0." in document["next"]["sentence"]
            return
    raise AssertionError("no study had such an arm")


def test_a_factor_without_effect_and_one_without_gain() -> None:
    luck = np.random.default_rng(0).normal(size=5)
    document = found(lambda params, seed: float(luck[seed]))
    assert {arm["verdict"] for arm in document["arms"]} == {"no effect"}
    assert document["next"]["sentence"] == "Change none of them: no arm was better than the base."
    assert document["ratio"] is None


def test_a_base_alone_tells_the_spread_of_seeds() -> None:
    document = found(trainer(0), factors=None, repeats=4)
    assert document["arms"] == [] and document["base"]["trials"] == [0, 1, 2, 3]
    assert document["next"]["sentence"].endswith(f"a standard deviation of {document['base']['sd']:.3g}.")


def ended(history: History, number: int, status: Status, score: float | None, reason: str) -> History:
    """The history with one trial ended otherwise."""
    trials = list(history.trials)
    trials[number] = dataclasses.replace(trials[number], status=status, score=score, reason=reason)
    return History(tuple(trials), history.goal)


def test_runs_that_diverged_are_named_and_their_arm_isn_t_relied_on() -> None:
    searcher, history = conduct(trainer(0))
    history = ended(history, 8, Status.DIVERGED, 0.0, "diverged in epoch 3")  # second repeat of rate 0.2
    document = effects_of(searcher, history)
    assert document is not None
    arm = document["arms"][0]
    assert (arm["verdict"], arm["pairs"], arm["lost"]) == ("unreliable", 4, ["repeat 2: diverged in epoch 3"])
    assert document["next"]["factor"] == "units"  # the next best


def test_pairs_whose_base_is_lost_are_left_out_for_all_arms() -> None:
    searcher, history = conduct(trainer(0))
    history = ended(history, 7, Status.FAILED, None, "could not be run")
    history = ended(history, 15, Status.STOPPED, 0.0, "the time budget ended")  # of rate 0.2
    document = effects_of(searcher, history)
    assert document is not None
    assert document["base"]["lost"] == ["repeat 2: could not be run"]
    assert [arm["pairs"] for arm in document["arms"]] == [3, 4, 4, 4, 4, 4]
    kept = [history.trials[7 * r + 1].score - history.trials[7 * r].score for r in (0, 3, 4)]  # type: ignore[operator]
    assert document["arms"][0]["difference"] == pytest.approx(np.mean(kept))
    assert document["arms"][0]["verdict"] != "unreliable"  # nothing was wrong with it


def test_a_base_that_always_diverges_is_told() -> None:
    searcher, history = conduct(trainer(0))
    for number in (0, 7, 14, 21):
        history = ended(history, number, Status.DIVERGED, None, "diverged in epoch 1")
    document = effects_of(searcher, history)
    assert document is not None
    assert {arm["verdict"] for arm in document["arms"]} == {"unknown"}
    assert document["next"]["sentence"].startswith("Choose another base, rate 0.2 for example, which always ended")


def test_one_repeat_has_no_interval() -> None:
    document = found(trainer(0), repeats=1)
    assert all(arm["low"] is None and arm["verdict"] == "unknown" for arm in document["arms"])
    assert "ask for `repeats` of at least 2" in document["next"]["sentence"]


def test_other_methods_have_no_effects() -> None:
    searcher = make_searcher("random", SPACE, seed=0)
    assert plan_of(searcher) is None and effects_of(searcher, History()) is None
