"""Hyperparameters are data: changing any but the static ones never compiles."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_trials import random_params, tiny_fold, train, trial

from paceline.hyperparameters import ACTIVATIONS, INITS, NORMS, OPTIMIZERS, SCHEDULES
from paceline.net.dense.hyperparameters import KNOBS, STATIC
from paceline.pack.programs import Programs

NUMBERS = {"learning_rate": (1e-5, 1.0), "schedule_power": (0.51, 1.0), "activation_alpha": (0.01, 1.0)}


def some_value(name: str) -> st.SearchStrategy[Any]:
    """Values of a dynamic hyperparameter, by its rule."""
    knob = KNOBS[name]
    if knob.kind == "choice":
        allowed = [choice for choice in knob.choices if choice != "manual"]
        return st.sampled_from(["auto", "cross_entropy", "sigmoid"] if name == "loss" else allowed)
    if knob.kind == "bool":
        return st.booleans()
    if knob.kind == "points":
        return st.just([(0, 0.01), (2, 0.001)])
    if knob.kind == "weights":
        return st.sampled_from([None, "balanced", {0: 2.0, 3: 0.5}])
    if knob.kind == "int":
        return st.integers(int(knob.low), int(knob.low) + 9)
    low, high = NUMBERS.get(name, (0.01, 0.9))
    return st.floats(low, high)


configurations = st.fixed_dictionaries({}, optional={name: some_value(name) for name in KNOBS if name not in STATIC})


@settings(max_examples=60)
@given(params=configurations, seed=st.integers(0, 2**32 - 1), epochs=st.integers(1, 3))
def test_only_static_hyperparameters_make_a_program(
    programs: Programs, params: dict[str, Any], seed: int, epochs: int
) -> None:
    both = [trial({}), trial({"clip_norm": 1.0})]
    it = trial(params, seed=seed, epochs=epochs)
    assert it.shape in {item.shape for item in both}
    train(programs, both, epochs=1)
    before = programs.stats.compiled + programs.stats.loaded
    outcome = train(programs, [it], epochs=epochs)[0]
    assert programs.stats.compiled + programs.stats.loaded == before
    assert len(outcome.measurements) >= 1


def test_a_crowd_of_all_kinds_needs_two_programs(programs: Programs) -> None:
    crowd = [trial(random_params(number)) for number in range(300)]
    assert len({item.shape for item in crowd}) == 2
    kinds: dict[str, set[Any]] = {"optimizer": set(), "schedule": set(), "norm": set(), "activation": set()}
    for item in crowd:
        for name, seen in kinds.items():
            value = getattr(item.config, name)
            seen |= set(value) if isinstance(value, tuple) else {value}
    assert kinds["optimizer"] == set(OPTIMIZERS) and kinds["norm"] == set(NORMS)
    assert kinds["schedule"] == set(SCHEDULES) - {"manual"} and kinds["activation"] == set(ACTIVATIONS)


def test_other_data_of_about_the_size_need_no_other_program(programs: Programs) -> None:
    shapes = {
        trial({}, task=task, fold=tiny_fold(task, rows, features, dev_rows)).shape
        for task in ("classes", "binary", "multilabel", "regression")
        for rows, features, dev_rows in [(70, 11, 30), (16, 1, 1), (500, 16, 100), (99, 3, 7)]
    }
    assert len(shapes) == 4  # one a task


def test_every_first_weight_is_drawn_outside_the_program(programs: Programs) -> None:
    train(programs, [trial({})], epochs=1)
    before = programs.stats.compiled + programs.stats.loaded
    outcomes = train(programs, [trial({"init": init}) for init in INITS], epochs=1)
    assert programs.stats.compiled + programs.stats.loaded == before
    assert all(np.isfinite(outcome.measurements[:, 0]).all() for outcome in outcomes)
