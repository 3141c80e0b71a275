"""Importance: planted effects are found, shares equal closed forms, chance is called chance."""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.records import History, Status, Trial
from paceline.search.experiments.importance import fanova, importances, pearson, shares
from paceline.space import Choice, Float, Space

SPACE = Space(
    {
        "rate": Float(1e-4, 1.0, scale="log"),
        "decay": Float(0.0, 1.0),
        "idle": Float(0.0, 1.0),
        "kind": Choice(["a", "b", "c"]),
        "extra": Float(0.0, 1.0, when={"kind": ["b"]}),
    }
)


def history(score: Any, count: int = 400, space: Space = SPACE) -> History:
    rng = np.random.default_rng(0)
    points = [space.sample(rng) for _ in range(count)]
    return History(
        [Trial(i, p, 0, status=Status.FINISHED, epoch=1, score=float(score(p))) for i, p in enumerate(points)]
    )


def test_what_matters_comes_first_and_what_doesnt_is_chance() -> None:
    found = importances(SPACE, history(lambda p: np.log10(p["rate"]) ** 2 + 0.5 * p["decay"] + (p["kind"] == "c")))
    assert found[0].name == "rate"
    by_name = {item.name: item for item in found}
    assert by_name["rate"].clear and by_name["kind"].clear
    assert not by_name["idle"].clear and by_name["idle"].ped_anova < 0.1 and by_name["idle"].fanova < 0.05
    assert sum(item.ped_anova for item in found) == pytest.approx(1.0)
    assert found == importances(
        SPACE, history(lambda p: np.log10(p["rate"]) ** 2 + 0.5 * p["decay"] + (p["kind"] == "c"))
    )


def test_a_conditional_hyperparameter_counts_where_it_is_active() -> None:
    found = {item.name: item for item in importances(SPACE, history(lambda p: p.get("extra", 2.0)))}
    assert found["extra"].clear and found["kind"].clear and not found["rate"].clear


def test_fanova_of_a_sum_is_the_share_of_variances() -> None:
    rng = np.random.default_rng(1)
    units = rng.random((1000, 3))
    shares = fanova(units, 3 * units[:, 0] + units[:, 1])
    np.testing.assert_allclose(shares, [0.9, 0.1, 0.0], atol=0.03)  # variances of 9/12 and 1/12; a forest is rough
    product = fanova(units, (units[:, 0] - 0.5) * (units[:, 1] - 0.5))
    assert product.max() < 0.1  # all of it is interaction


def test_ped_anova_ranks_like_optuna_s() -> None:
    optuna = pytest.importorskip("optuna")
    space = Space({"x": Float(0.0, 1.0), "y": Float(0.0, 1.0), "z": Float(0.0, 1.0)})
    past = history(lambda p: (p["x"] - 0.3) ** 2 + 0.1 * (p["y"] - 0.7) ** 2, 500, space)
    ours = {item.name: item.ped_anova for item in importances(space, past)}
    study = optuna.create_study()
    ranges = {name: optuna.distributions.FloatDistribution(0.0, 1.0) for name in "xyz"}
    for trial in past:
        study.add_trial(optuna.trial.create_trial(params=dict(trial.params), distributions=ranges, value=trial.score))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        theirs = optuna.importance.get_param_importances(study, evaluator=evaluator)
    assert sorted(ours, key=lambda name: -ours[name])[0] == sorted(theirs, key=lambda name: -theirs[name])[0] == "x"
    for name in "xyz":
        assert ours[name] == pytest.approx(theirs[name], abs=0.15)  # they cut the range into cells of another size


@given(st.lists(st.integers(0, 4), min_size=4, max_size=40))
def test_divergence_is_none_for_everyone_and_never_negative(cells: list[int]) -> None:
    everyone = np.array(cells)
    assert pearson(shares(everyone, 5), shares(everyone, 5)) == 0.0
    assert pearson(shares(everyone, 5), shares(everyone[:2], 5)) >= 0.0


def test_too_few_or_equal_trials_say_nothing() -> None:
    assert importances(SPACE, history(lambda p: p["rate"], 19)) == []
    assert importances(SPACE, History()) == []
    broken = [Trial(i, t.params, 0, status=Status.DIVERGED) for i, t in enumerate(history(lambda p: 0.0, 30))]
    assert importances(SPACE, History(broken)) == []


def test_stopped_and_diverged_trials_take_part() -> None:
    whole = history(lambda p: np.log10(p["rate"]) ** 2, 200)
    mixed = []
    for trial in whole:
        assert trial.score is not None
        bad = trial.score > 9
        mixed.append(
            Trial(
                trial.number, trial.params, 0, status=Status.DIVERGED if bad else Status.STOPPED, epoch=1,
                score=None if bad else trial.score, curve=() if bad else (trial.score,),
            )
        )  # fmt: skip
    assert importances(SPACE, History(mixed))[0].name == "rate"
