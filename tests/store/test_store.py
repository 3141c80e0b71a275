"""What is saved comes back, bit for bit, from a file, from memory and from a server alike."""

import math
import struct
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paceline.errors import StudyError
from paceline.records import COLUMNS, EndReason, History, Measurements, Status, StudyRecord, Trial
from paceline.store import Store
from paceline.summary import Summary, TestResult

shared_store = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # the examples of one test write into one store, so each saves over what the last left there
small = st.integers(0, 2**31 - 1)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
odd = st.sampled_from([math.nan, -math.nan, math.inf, -math.inf, -0.0, 0.0, 5e-324])  # what SQL would bend
scores = st.none() | odd | st.floats()
json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | odd | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
trials = st.builds(
    Trial,
    number=st.integers(0, 20),
    params=st.dictionaries(texts, json_data, max_size=5),
    seed=st.integers(0, 2**32 - 1),
    cohort=small,
    status=st.sampled_from(Status),
    epoch=small,
    score=scores,
    score_sd=scores,
    best_epoch=small,
    curve=st.lists(odd | st.floats(), max_size=8).map(tuple),
    reason=texts,
    origin=texts,
    ended_by=st.none() | st.sampled_from(EndReason),
)


def exact(trial: Trial) -> tuple[object, ...]:
    """All that a trial holds, floats as their bytes: NaN equals itself, and 0.0 isn't -0.0."""

    def octets(number: float | None) -> bytes | None:
        return None if number is None else struct.pack("<d", number)

    curve = [octets(number) for number in trial.curve]
    rest = replace(trial, score=None, score_sd=None, curve=())
    return repr(rest), octets(trial.score), octets(trial.score_sd), curve


def block(trial: int, fold: int = 0, first: int = 1, epochs: int = 2, fill: float = 0.5) -> Measurements:
    return Measurements(trial, fold, first, np.full((epochs, len(COLUMNS)), fill, dtype=np.float32))


def trial(number: int, score: float | None = None, status: Status = Status.FINISHED) -> Trial:
    return Trial(number, {"learning_rate": 0.1}, number, status=status, score=score)


@shared_store
@given(st.lists(trials, max_size=6))
def test_a_stored_trial_returns_equal(store: Store, batch: list[Trial]) -> None:
    store.save(batch, [])
    last = {trial.number: trial for trial in batch}  # of equal numbers the last holds
    kept = {trial.number: trial for trial in store.trials()}
    assert list(kept) == sorted(kept)
    for number, saved in last.items():
        assert exact(kept[number]) == exact(saved)
        assert exact(store.trial(number)) == exact(saved)
        if "nan" not in repr((saved, saved.curve)):
            assert kept[number] == saved
    brief = store.trials(curves=False)
    assert [exact(trial) for trial in brief] == [exact(replace(trial, curve=())) for trial in kept.values()]


@shared_store
@given(st.lists(odd | st.floats(), max_size=4))
def test_stored_costs_return_equal(store: Store, costs: list[float]) -> None:
    store.save([replace(trial(3), costs=tuple(costs))], [])
    for kept in (store.trial(3), store.trials()[-1], store.trials(curves=False)[-1]):
        assert struct.pack(f"<{len(costs)}d", *kept.costs) == struct.pack(f"<{len(costs)}d", *costs)


@shared_store
@given(st.lists(trials, max_size=12), st.sampled_from(["minimize", "maximize"]))
def test_best_is_the_best_of_the_history(store: Store, batch: list[Trial], goal: str) -> None:
    store.save([replace(trial, score=None) for trial in store.trials()] + batch, [])
    expected, best = History(store.trials(), goal).best(), store.best(goal)
    assert (best and best.number) == (expected and expected.number)


@shared_store
@given(st.data())
def test_stored_epochs_return_equal_in_one_block(store: Store, data: st.DataObject) -> None:
    """A curve cut anywhere, the pieces saved in any number of batches, comes back whole, NaN payloads included."""
    epochs, fold = data.draw(st.integers(1, 9)), data.draw(st.integers(0, 3))
    draw = np.random.default_rng(data.draw(small))
    values = draw.integers(0, 2**32, (epochs, len(COLUMNS)), dtype=np.uint32).view(np.float32)
    cuts = sorted(data.draw(st.sets(st.integers(1, epochs))) | {0, epochs})
    blocks = [Measurements(0, fold, a + 1, values[a:b]) for a, b in pairwise(cuts)]
    store.save([trial(0)], [Measurements(0, fold, 1, np.zeros((9, len(COLUMNS)), np.float32))])  # all replaced
    for piece in blocks:
        store.save([], [piece])
    (merged,) = store.measurements(0, fold)
    assert (merged.trial, merged.fold, merged.first_epoch, merged.last_epoch) == (0, fold, 1, epochs)
    assert merged.values.dtype == np.float32
    assert merged.values.tobytes() == values.tobytes()
    assert not merged.values.flags.writeable
    assert store.last_epochs()[0, fold] == epochs


def test_a_trial_is_replaced_and_keeps_its_measurements(store: Store) -> None:
    store.save([trial(0, status=Status.RUNNING)], [block(0)])
    store.save([trial(0, 0.25)], [])
    assert store.trials() == [trial(0, 0.25)]
    assert len(store.measurements()) == 1


def test_a_block_replaces_what_begins_within_it(store: Store) -> None:
    store.save([trial(0)], [block(0, 0, 1, 2, 1.0), block(0, 0, 3, 2, 2.0), block(0, 0, 5, 2, 3.0), block(0, 1)])
    store.save([], [block(0, 0, 3, 1, 9.0)])
    one, other = store.measurements()
    assert one.values[:, 0].tolist()[:3] == [1, 1, 9]
    assert math.isnan(one.values[3, 0])  # epoch 4 belonged to the block that was replaced
    assert one.values[4:, 0].tolist() == [3, 3]
    assert other.values.tolist() == block(0, 1).values.tolist()


def test_measurements_come_in_order_and_by_choice(store: Store) -> None:
    store.save(
        [trial(n) for n in (2, 0, 1)], [block(2, 1), block(2, 0), block(0, 0, 4, 2), block(0, 0, 1, 3), block(1)]
    )
    keys = [(0, 0), (1, 0), (2, 0), (2, 1)]
    assert [(part.trial, part.fold) for part in store.measurements()] == keys
    assert [(part.trial, part.fold) for part in store.measurements(2)] == keys[2:]
    assert [(part.trial, part.fold) for part in store.measurements(fold=1)] == keys[3:]
    assert [(part.trial, part.fold) for part in store.measurements(2, 0)] == [(2, 0)]
    assert store.measurements(7) == []
    assert store.last_epochs() == {(0, 0): 5, (1, 0): 2, (2, 0): 2, (2, 1): 2}


def test_a_batch_is_saved_whole_or_not_at_all(store: Store) -> None:
    store.save([trial(0, 0.5)], [block(0)])
    with pytest.raises(StudyError, match="can't be written"):
        store.save([trial(0, 0.1), trial(1)], [block(0, fill=7), block(99)])  # there is no trial 99
    assert store.trials() == [trial(0, 0.5)]
    assert store.measurements(0)[0].values[0, 0] == 0.5
    store.save([trial(1)], [])  # and the store goes on
    assert store.count()[Status.FINISHED] == 2


def test_count_knows_every_status(store: Store) -> None:
    assert store.count() == dict.fromkeys(Status, 0)
    store.save([trial(0), trial(1), trial(2, status=Status.DIVERGED)], [])
    assert store.count() == dict.fromkeys(Status, 0) | {Status.FINISHED: 2, Status.DIVERGED: 1}


def test_the_study_itself(store: Store) -> None:
    assert store.study() == StudyRecord("beans", {"trials": 3, "net": "dense"}, {"python": "3.11"}, "minimize")
    found = Summary(seconds=1.5, test=TestResult(rows=9, metrics={"error": 0.07}, interval=(0.01, math.inf)))
    store.update_study(summary=found)
    store.update_study(state="finished")
    assert (store.study().summary, store.study().state) == (found, "finished")
    with pytest.raises(StudyError, match="'done'"):
        store.update_study(state="done")


def test_a_second_study_is_refused(store: Store) -> None:
    with pytest.raises(StudyError, match="already holds a study"):
        store.begin(StudyRecord("other", {}, {}, "minimize"))
    assert store.study().name == "beans"


def test_text_that_no_database_holds_is_kept_legible(store: Store) -> None:
    store.save([replace(trial(0), reason="file \udcff\0 is odd")], [])
    assert store.trial(0).reason == "file \\udcff\\x00 is odd"


def test_what_is_not_json_is_refused(store: Store) -> None:
    with pytest.raises(StudyError, match="params of trial 3 must be plain JSON data") as caught:
        store.save([trial(1), replace(trial(3), params={"width": np.int64(3)})], [])
    assert str(caught.value).count(". ") == 0
    assert store.trials() == []


def test_a_trial_that_is_not_there(store: Store) -> None:
    store.save([trial(0)], [])
    with pytest.raises(StudyError, match="no trial 5; it has 1"):
        store.trial(5)


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    store.close()
    with pytest.raises(StudyError, match="is closed"):
        store.trials()
    with pytest.raises(StudyError, match="is closed"):
        store.save([trial(0)], [])


def test_many_trials_keep_their_order(store: Store) -> None:
    numbers = np.random.default_rng(0).permutation(1500).tolist()
    store.save([trial(number) for number in numbers], [])
    assert [trial.number for trial in store.trials()] == list(range(1500))
