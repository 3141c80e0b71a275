"""As long as little has been trained, the proposals of `bayes` share compiled programs."""

from collections.abc import Hashable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.records import History, Params, Status, Trial
from paceline.search import Searcher, make_searcher
from paceline.search.bayes import Bayes
from paceline.search.few_programs import FIRST, FewPrograms
from paceline.search.past import Past
from paceline.space import Space
from paceline.testing import SearcherContract, imitate, rng_at

NETS = Space(
    {
        "rate": {"low": 1e-5, "high": 0.1, "scale": "log"},
        "layers": {"low": 1, "high": 4},
        "units": {"choices": [8, 16, 32], "per": "layers"},
        "dropout": {"low": 0.0, "high": 0.5, "per": "layers"},
    }
)
DECIDING = ("layers", "units")


def program_of(params: Params) -> Hashable:
    return params["layers"], max(params["units"])


def few(epoch: float) -> FewPrograms:
    return FewPrograms(NETS, lambda params: (program_of(params), epoch), DECIDING)


def drawn(count: int, seed: int) -> list[Params]:
    rng = np.random.default_rng(seed)
    return [NETS.sample(rng) for _ in range(count)]


def trials(points: list[Params], epochs: int) -> History:
    curve = tuple(1.0 / (1 + i) for i in range(epochs))
    ended = [
        Trial(i, params, 0, status=Status.FINISHED, score=curve[-1], curve=curve) for i, params in enumerate(points)
    ]
    return History(tuple(ended))


def programs(points: list[Params]) -> int:
    return len({program_of(point) for point in points})


def test_what_is_left_out_and_what_is_kept() -> None:
    """Dropout has a value a layer: it keeps those that it had, and a new layer gets the middle."""
    asked = [
        {"rate": 0.01, "layers": 1, "units": [8], "dropout": [0.1]},
        {"rate": 0.02, "layers": 2, "units": [16, 8], "dropout": [0.2, 0.3]},
        {"rate": 0.03, "layers": 4, "units": [8, 8, 8, 32], "dropout": [0.4, 0.0, 0.1, 0.2]},
    ]
    past, rng = Past(NETS), np.random.default_rng(0)
    result = few(0.0).shared(asked, History(()), past, rng)
    assert result[:2] == asked[:2]
    third = result[2]
    assert third["rate"] == pytest.approx(0.03)
    assert (third["layers"], third["units"]) in [(1, [8]), (2, [16, 8])]
    assert third["dropout"] == pytest.approx([0.4, 0.0][: third["layers"]])
    onward = few(0.0).shared(asked[:1], trials(asked[1:], 1), past, rng)
    assert program_of(onward[0]) in [program_of(point) for point in asked[1:]]


@given(st.integers(0, 30), st.integers(1, 20), st.integers(0, 99), st.sampled_from([0.0, 0.01, 0.11, 0.5, 1.0, 5.0]))
def test_programs_are_paid_for_by_epochs(before: int, count: int, seed: int, epoch: float) -> None:
    """Each beyond the first ones by training that costs as much, of known trials by all that they had, of new ones by
    an epoch; nothing is proposed twice, and everything lies in the space."""
    asked = drawn(before + count, seed)
    known, asked = few(epoch).shared(asked[:before], History(()), Past(NETS), np.random.default_rng(1)), asked[before:]
    history = trials(known, 3)
    result = few(epoch).shared(asked, history, Past(NETS), np.random.default_rng(seed))
    limit = max(FIRST + int(epoch * (3 * before + count - 1)), programs(known))
    assert programs(known + result) <= limit
    assert len({NETS.key(point) for point in known + result}) == len(known) + len(result)
    assert all(NETS.contains(point) for point in result)
    assert [point["rate"] for point in result] == pytest.approx([point["rate"] for point in asked])
    if epoch >= 1.0:
        assert result == asked


def test_epochs_trained_pay_for_the_next_program() -> None:
    """Eight epochs at an eighth of a program's cost are one program more; what is proposed adds an eighth."""
    asked = drawn(40, 3)
    known = few(0.0).shared(asked[:2], History(()), Past(NETS), np.random.default_rng(1))
    assert programs(known) == FIRST
    for epochs, more in [(1, 0), (3, 0), (4, 1), (12, 1)]:  # two trials, so twice as many epochs
        one = few(0.125).shared(asked[2:3], trials(known, epochs), Past(NETS), np.random.default_rng(1))
        assert programs(known + one) == FIRST + more
    nine = few(0.125).shared(asked[2:10], trials(known, 1), Past(NETS), np.random.default_rng(1))
    assert programs(known + nine[:6]) == FIRST  # two epochs known, and one of each that came before it
    assert programs(known + nine[:7]) == FIRST + 1


def test_a_running_trial_pays_for_one_epoch() -> None:
    """How far it has come depends on the clock, and proposals don't."""
    asked = drawn(40, 3)
    known = few(0.0).shared(asked[:20], History(()), Past(NETS), np.random.default_rng(1))
    told = [Trial(i, point, 0, curve=(0.5,) * (i % 9)) for i, point in enumerate(known)]
    untold = [Trial(i, point, 0) for i, point in enumerate(known)]
    results = [
        few(0.06).shared(asked[20:], History(tuple(which)), Past(NETS), np.random.default_rng(1))
        for which in (told, untold)
    ]
    assert results[0] == results[1]
    assert programs(known + results[0]) == FIRST + int(0.06 * 39)


def test_a_point_that_stays_out_of_every_program_in_use_is_left_alone() -> None:
    """The optimiser decides too, but isn't one of those that are taken over."""
    space = Space({"layers": [1, 2, 3], "optimizer": ["adam", "lion"], "rate": {"low": 0.0, "high": 1.0}})
    limit = FewPrograms(space, lambda params: ((params["layers"], params["optimizer"]), 0.0), ("layers",))
    known = [{"layers": 1, "optimizer": "adam", "rate": 0.1}, {"layers": 2, "optimizer": "adam", "rate": 0.2}]
    asked = [{"layers": 3, "optimizer": "lion", "rate": 0.3}]
    assert limit.shared(asked, trials(known, 1), Past(space), np.random.default_rng(0)) == asked


def test_a_space_that_leaves_no_choice_is_left_alone() -> None:
    """All points of one program are known: the next one has another, limit or not."""
    space = Space({"layers": [1, 2, 3], "norm": ["none", "batch"]})
    limit = FewPrograms(space, lambda params: (params["layers"], 0.0), ("layers",))
    known = [{"layers": a, "norm": b} for a in (1, 2) for b in ("none", "batch")]
    asked = [{"layers": 3, "norm": "none"}, {"layers": 3, "norm": "batch"}]
    assert limit.shared(asked, trials(known, 1), Past(space), np.random.default_rng(0)) == asked


def limited(space: Space) -> Searcher:
    """`bayes` under the limit; the first half of the parameters decide."""
    deciding = space.names[: max(1, len(space.names) // 2)]
    programs = FewPrograms(space, lambda params: (repr([params.get(name) for name in deciding]), 0.02), deciding)
    return make_searcher("bayes", space, seed=0, startup=6, candidates=16, programs=programs)


class TestBayesOfFewPrograms(SearcherContract):
    make = staticmethod(limited)


def test_bayes_keeps_to_it() -> None:
    searcher = Bayes(NETS, startup=6, candidates=16, programs=few(0.0))
    free = Bayes(NETS, startup=6, candidates=16)
    assert programs([trial.params for trial in imitate(searcher, [10, 10, 10]).trials]) == FIRST
    assert programs([trial.params for trial in imitate(free, [10, 10, 10]).trials]) > FIRST


def test_proposals_are_a_function_of_the_history() -> None:
    history = trials(drawn(12, 5), 2)
    once, again = (Bayes(NETS, startup=6, candidates=16, programs=few(0.05)) for _ in range(2))
    for _ in range(2):
        first = once.suggest(history, 5, rng_at(history))
    assert first == again.suggest(history, 5, rng_at(history))
