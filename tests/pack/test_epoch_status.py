"""`epoch_status` reads off the measurements what the compiled program decided, to the epoch."""

from collections import Counter

import numpy as np
from tiny_trials import random_params, tiny_fold, train, trial

from paceline.pack.epoch_status import epoch_status
from paceline.pack.programs import Programs
from paceline.pack.trials import PreparedTrial
from paceline.records import COLUMNS
from paceline.training.program import DIVERGED, EARLY, RUNNING

EPOCHS = 12
METRICS = ("error", "loss", "accuracy", "balanced_accuracy", "f1", "log_loss")


def crowd() -> list[PreparedTrial]:
    trials = []
    for number in range(240):
        rng = np.random.default_rng(number)
        params = random_params(number) | {"patience": None}
        params["learning_rate"] = float(10 ** rng.uniform(-3, 0.5))
        if number % 4 == 3:
            params |= {"schedule": "manual", "schedule_points": [(int(rng.integers(1, 9)), 1e6)]}
        if number % 3:
            params |= {"patience": int(rng.integers(1, 5)), "min_delta": float(rng.choice([0.0, 0.01, 0.1]))}
        trials.append(trial(params, seed=number, epochs=EPOCHS, metric=METRICS[number % len(METRICS)]))
    return trials


def test_the_status_is_the_programs(programs: Programs) -> None:
    trials = crowd()
    outcomes = train(programs, trials, epochs=EPOCHS)
    seen: Counter[int] = Counter()
    for item, outcome in zip(trials, outcomes, strict=True):
        state = outcome.state
        found = epoch_status(outcome.measurements, item.arguments)
        assert (found.status, found.best_epoch) == (int(state.status), int(state.best_epoch)), item.config
        if int(state.status) == EARLY:
            earlier = epoch_status(outcome.measurements[:-1], item.arguments)
            assert (earlier.status, earlier.best_epoch) == (RUNNING, found.best_epoch)
        seen[found.status] += 1
    assert min(seen[RUNNING], seen[EARLY], seen[DIVERGED]) > 15, "all three must come up"


def test_a_metric_that_is_never_a_number_gives_no_best_epoch(programs: Programs) -> None:
    """The area under the curve needs both kinds of labels among the dev rows."""
    one_kind = tiny_fold("binary", 70, 11, 1)
    item = trial({"patience": 3}, task="binary", metric="f1", epochs=EPOCHS, fold=one_kind)
    rows = train(programs, [item], epochs=EPOCHS)[0].measurements.copy()
    rows[:, COLUMNS.index("f1")] = np.nan
    found = epoch_status(rows[:2], item.arguments)
    assert (found.status, found.best_epoch) == (RUNNING, 0)
    assert epoch_status(rows[:3], item.arguments).status == EARLY


def test_no_rows_no_end() -> None:
    found = epoch_status(np.zeros((0, len(COLUMNS)), np.float32), trial({}).arguments)
    assert (found.status, found.best_epoch) == (RUNNING, 0)


def test_judging_goes_on_from_any_epoch() -> None:
    rng = np.random.default_rng(0)
    for number in range(40):
        item = trial({"patience": 4, "min_delta": 0.02}, epochs=EPOCHS, metric=METRICS[number % len(METRICS)])
        rows = rng.random((EPOCHS, len(COLUMNS))).astype(np.float32)
        if number % 4 == 0:
            rows[number % EPOCHS, COLUMNS.index("train_loss")] = np.inf
        whole = epoch_status(rows, item.arguments)
        for cut in range(EPOCHS):
            before = epoch_status(rows[:cut], item.arguments)
            if before.status == RUNNING:
                assert epoch_status(rows[cut:], item.arguments, cut, before) == whole
