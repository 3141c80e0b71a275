"""A wrapper keeps compiled programs few at first, pays for more by time, and shows every architecture in the end."""

from collections.abc import Callable, Hashable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.records import History, Params, Status, Trial
from paceline.search import Searcher, make_searcher
from paceline.search.methods.few_programs import (
    BATCH_PER_PROGRAM,
    FIRST_PROGRAMS,
    MAX_TRIALS,
    TRIALS_PER_PROGRAM,
    FewPrograms,
)
from paceline.search.methods.initial_points import InitialPoints
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
SIXTEEN = Space(
    {
        "rate": {"low": 1e-5, "high": 0.1, "scale": "log"},
        "layers": [1, 2, 3, 4],
        "units": [8, 16, 32, 64],
        "dropout": {"low": 0.0, "high": 0.5},
    }
)
DECIDING = ("layers", "units")
FREE = ("random", "tpe", "bayes", "genetic", "evolution", "cmaes", "differential", "coarse_to_fine")


class Asking(Searcher):
    """Proposes what it was given."""

    def __init__(self, space: Space, points: Sequence[Params]) -> None:
        self.space, self.points = space, points

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        return list(self.points[:count])


def program_of(params: Params) -> Hashable:
    units = params["units"]
    return params["layers"], max(units) if isinstance(units, list) else units


def wrapped(searcher: Searcher, epoch: float) -> FewPrograms:
    return FewPrograms(searcher, lambda params: (program_of(params), epoch), DECIDING)


def shared(
    asked: Sequence[Params], history: History, epoch: float, *, space: Space = NETS, seed: int = 1
) -> list[Params]:
    """What becomes of proposals."""
    return wrapped(Asking(space, asked), epoch).suggest(history, len(asked), np.random.default_rng(seed))


def drawn(count: int, seed: int, space: Space = NETS) -> list[Params]:
    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(count)]


def trials(points: Sequence[Params], epochs: int, costs: tuple[float, ...] = ()) -> History:
    curve = tuple(1.0 / (1 + i) for i in range(epochs))
    ended = [
        Trial(i, params, 0, status=Status.FINISHED, score=curve[-1], curve=curve, costs=costs)
        for i, params in enumerate(points)
    ]
    return History(tuple(ended))


def programs(points: Sequence[Params]) -> int:
    return len({program_of(point) for point in points})


def test_what_is_left_out_and_what_is_kept() -> None:
    """Dropout has a value a layer: it keeps those that it had, and a new layer gets the middle."""
    asked = [
        {"rate": 0.01, "layers": 1, "units": [8], "dropout": [0.1]},
        {"rate": 0.02, "layers": 2, "units": [16, 8], "dropout": [0.2, 0.3]},
        {"rate": 0.03, "layers": 4, "units": [8, 8, 8, 32], "dropout": [0.4, 0.0, 0.1, 0.2]},
    ]
    result = shared(asked, History(()), 0.0)
    assert result[:2] == asked[:2]
    third = result[2]
    assert third["rate"] == pytest.approx(0.03)
    assert (third["layers"], third["units"]) in [(1, [8]), (2, [16, 8])]
    assert third["dropout"] == pytest.approx([0.4, 0.0][: third["layers"]])
    onward = shared(asked[:1], trials(asked[1:], 1), 0.0)
    assert program_of(onward[0]) in [program_of(point) for point in asked[1:]]


@given(st.integers(0, 30), st.integers(1, 20), st.integers(0, 99), st.sampled_from([0.0, 0.01, 0.11, 0.5, 1.0, 5.0]))
def test_programs_are_paid_for_by_trials_and_epochs(before: int, count: int, seed: int, epoch: float) -> None:
    """Each beyond the first ones by training that costs as much, of known trials by all that they had, of new ones by
    an epoch, or by the number of trials; nothing is proposed twice, and everything lies in the space."""
    asked = drawn(before + count, seed)
    known, asked = shared(asked[:before], History(()), epoch), asked[before:]
    result = shared(asked, trials(known, 3), epoch, seed=seed)
    floor = FIRST_PROGRAMS + before // TRIALS_PER_PROGRAM + (count - 1) // BATCH_PER_PROGRAM
    limit = max(floor + int(epoch * (3 * before + count - 1)), programs(known))
    assert programs(known + result) <= limit
    assert len({NETS.key(point) for point in known + result}) == len(known) + len(result)
    assert all(NETS.contains(point) for point in result)
    assert [point["rate"] for point in result] == pytest.approx([point["rate"] for point in asked])
    if epoch >= 1.0:
        assert result == asked


def test_epochs_trained_pay_for_the_next_program() -> None:
    """Eight epochs at an eighth of a program's cost are one program more; what is proposed adds an eighth."""
    asked = drawn(40, 3)
    known = shared(asked[:2], History(()), 0.0)
    assert programs(known) == FIRST_PROGRAMS
    for epochs, more in [(1, 0), (3, 0), (4, 1), (12, 1)]:  # two trials, so twice as many epochs
        one = shared(asked[2:3], trials(known, epochs), 0.125)
        assert programs(known + one) == FIRST_PROGRAMS + more
    nine = shared(asked[2:10], trials(known, 1), 0.125)
    assert programs(known + nine[:6]) == FIRST_PROGRAMS  # two epochs known, and one of each that came before it
    assert programs(known + nine[:7]) == FIRST_PROGRAMS + 1


def test_epochs_pay_where_there_are_objectives_beside_the_score() -> None:
    """A method that mixes them into one number must not hide how long trials were trained."""
    points = [point for point in drawn(9, 3) if point["layers"] > 1]
    known = [{"rate": 0.01, "layers": 1, "units": [width], "dropout": [0.1]} for width in (8, 16)]
    for method in ("bayes", "genetic"):
        searcher = InitialPoints(wrapped(make_searcher(method, NETS, seed=0), 0.125), [])
        counts = [
            programs([*known, *searcher.suggest(history, 8, np.random.default_rng(0))])
            for history in (trials(known, 1, (5.0,)), trials(known, 40, (5.0,)))
        ]
        assert counts[0] == FIRST_PROGRAMS + 1 < counts[1], method
    assert programs([*known, *shared(points[:1], trials(known, 4, (5.0,)), 0.125)]) == FIRST_PROGRAMS + 1


def test_a_running_trial_pays_for_one_epoch() -> None:
    """How far it has come depends on the clock, and proposals don't."""
    asked = drawn(12, 3)
    known = shared(asked[:3], History(()), 0.0)
    told = [Trial(i, point, 0, curve=(0.5,) * (3 * i)) for i, point in enumerate(known)]
    untold = [Trial(i, point, 0) for i, point in enumerate(known)]
    results = [shared(asked[3:], History(tuple(which)), 0.25) for which in (told, untold)]
    assert results[0] == results[1]
    assert programs(known + results[0]) == FIRST_PROGRAMS + int(0.25 * 11)


def test_a_point_that_stays_out_of_every_program_in_use_is_left_alone() -> None:
    """The optimiser decides too, but isn't one of those that are taken over."""
    space = Space({"layers": [1, 2, 3], "optimizer": ["adam", "lion"], "rate": {"low": 0.0, "high": 1.0}})
    known = [{"layers": 1, "optimizer": "adam", "rate": 0.1}, {"layers": 2, "optimizer": "adam", "rate": 0.2}]
    asked = [{"layers": 3, "optimizer": "lion", "rate": 0.3}]
    limit = FewPrograms(Asking(space, asked), lambda p: ((p["layers"], p["optimizer"]), 0.0), ("layers",))
    assert limit.suggest(trials(known, 1), 1, np.random.default_rng(0)) == asked


def test_a_space_that_leaves_no_choice_is_left_alone() -> None:
    """All other points of the programs in use are known: the next one has another, limit or not."""
    space = Space({"layers": [1, 2, 3], "norm": ["none", "batch"]})
    known = [{"layers": 1, "norm": "none"}, {"layers": 1, "norm": "batch"}, {"layers": 2, "norm": "none"}]
    asked = [{"layers": 3, "norm": "none"}, {"layers": 3, "norm": "batch"}]
    limit = FewPrograms(Asking(space, asked), lambda p: (p["layers"], 0.0), ("layers",))
    assert limit.suggest(trials(known, 1), 2, np.random.default_rng(0)) == asked


# Every architecture is seen


@pytest.mark.parametrize("batches", [[1] * 96, [8] * 12, [32] * 3], ids=["one by one", "eights", "three"])
@pytest.mark.parametrize("method", FREE)
def test_all_of_sixteen_architectures_are_seen_on_a_table_that_costs_nothing(method: str, batches: list[int]) -> None:
    history = imitate(wrapped(make_searcher(method, SIXTEEN, seed=0), 0.0), batches)
    points = [trial.params for trial in history]
    assert len(points) == 96 and programs(points) == 16
    assert programs(points[:6]) <= FIRST_PROGRAMS + 1  # few at first
    assert programs(points[:24]) <= FIRST_PROGRAMS + 24 // TRIALS_PER_PROGRAM


def test_a_method_that_asks_for_one_architecture_alone_is_given_the_others() -> None:
    one = [point | {"layers": 2, "units": 64} for point in drawn(96, 0, SIXTEEN)]
    known: list[Params] = []
    while len(known) < 96:
        known += shared(one[len(known) :][:8], trials(known, 1), 0.0, space=SIXTEEN, seed=len(known))
    assert programs(known) == 16
    assert sum(point["layers"] == 2 and point["units"] == 64 for point in known) > 70


def test_of_many_architectures_the_method_chooses() -> None:
    """120 of them: nobody is sent to one that the method doesn't ask for."""
    same = [point | {"layers": 1, "units": [8], "dropout": [0.1]} for point in drawn(20, 0)]
    assert shared(same, trials(drawn(60, 1), 1), 0.0) == same


def test_in_a_long_study_nothing_is_moved() -> None:
    asked = drawn(9, 3)
    known = [point | {"layers": 1, "units": [8], "dropout": [0.1]} for point in drawn(MAX_TRIALS, 5)]
    assert shared(asked, trials(known, 1), 0.0) == asked


# Any method


def limited(method: str) -> Callable[[Space], Searcher]:
    """The method with few programs; the first half of the parameters decide."""
    options = {"bayes": {"startup": 6, "candidates": 16}, "tpe": {"startup": 6, "candidates": 16}}

    def make(space: Space) -> Searcher:
        deciding = space.names[: max(1, len(space.names) // 2)]
        searcher = make_searcher(method, space, seed=0, **options.get(method, {}))
        return FewPrograms(searcher, lambda p: (repr([p.get(name) for name in deciding]), 0.02), deciding)

    return make


class TestRandomOfFewPrograms(SearcherContract):
    make = staticmethod(limited("random"))


class TestTpeOfFewPrograms(SearcherContract):
    make = staticmethod(limited("tpe"))


@pytest.mark.compiles
class TestBayesOfFewPrograms(SearcherContract):
    make = staticmethod(limited("bayes"))


class TestGeneticOfFewPrograms(SearcherContract):
    make = staticmethod(limited("genetic"))


class TestEvolutionOfFewPrograms(SearcherContract):
    make = staticmethod(limited("evolution"))


class TestCmaEsOfFewPrograms(SearcherContract):
    make = staticmethod(limited("cmaes"))


class TestDifferentialOfFewPrograms(SearcherContract):
    make = staticmethod(limited("differential"))


class TestCoarseToFineOfFewPrograms(SearcherContract):
    make = staticmethod(limited("coarse_to_fine"))


def test_proposals_are_a_function_of_the_history() -> None:
    history = trials(drawn(12, 5), 2)
    once, again = (wrapped(make_searcher("bayes", NETS, seed=0, startup=6, candidates=16), 0.05) for _ in range(2))
    for _ in range(2):
        first = once.suggest(history, 5, rng_at(history))
    assert first == again.suggest(history, 5, rng_at(history))


def test_what_is_asked_of_the_method_the_method_answers() -> None:
    bayes = make_searcher("bayes", NETS, seed=0)
    both = InitialPoints(wrapped(bayes, 0.0), [NETS.default_point()])
    assert both.unwrapped is bayes and both.slow and both.space is NETS
    assert both.seed_numbers(trials(drawn(3, 0), 1), drawn(2, 1)) == [3, 4]
