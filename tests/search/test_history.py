"""A history that is shared reads like a list, and a searcher that is asked about it looks at each trial once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.records import History, Status, Trial
from paceline.search import HistoryView, make_searcher
from paceline.search.history import EncodedHistory
from paceline.space import Space
from paceline.testing import rng_at

SPACE = Space({"x": {"low": 0.0, "high": 1.0}, "kind": ["a", "b"]})


def trials(count: int, start: int = 0, shift: float = 0.0) -> list[Trial]:
    return [Trial(n, {"x": (n + shift) / 1000, "kind": "a"}, n) for n in range(start, start + count)]


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 4), st.data())
def test_it_reads_like_the_list_that_it_stands_for(size: int, first: int, own: int, data: st.DataObject) -> None:
    shared, tail = trials(size), trials(own, 100)
    first = min(first, size)
    growing, plain = HistoryView(shared, first, tail), shared[:first] + tail
    shared += trials(3, 50)  # what comes later isn't seen
    assert list(growing) == plain and len(growing) == len(plain)
    assert list(reversed(growing)) == plain[::-1]
    cut = data.draw(st.slices(len(plain) + 2))
    assert list(growing[cut]) == plain[cut]
    for at in range(-len(plain), len(plain)):
        assert growing[at] is plain[at]
    for at in (len(plain), -len(plain) - 1):
        with pytest.raises(IndexError):
            growing[at]


questions = st.lists(
    st.tuples(st.sampled_from([0, 1]), st.integers(0, 12), st.integers(0, 4), st.integers(0, 2), st.booleans()),
    max_size=8,
)


@given(questions)
def test_what_is_remembered_never_changes_an_answer(asked: list[tuple[int, int, int, int, bool]]) -> None:
    """Histories in any order: of two shared lists, longer and shorter, with tails that change, and plain ones."""
    lists = [trials(12), trials(12, shift=0.5)]
    tails = [trials(4, 100 * k) for k in (1, 2, 3)]
    past = EncodedHistory(SPACE)
    for which, first, own, tail, shared in asked:
        known = HistoryView(lists[which], first, tails[tail][:own])
        history = History(known if shared else list(known))
        keys = [SPACE.key(trial.params) for trial in history]
        assert past.known(history) == set(keys)
        assert past.keys(history) == keys


class Counting(list[Trial]):
    """Counts how often its items are looked at."""

    looks = 0

    def __getitem__(self, at: int) -> Trial:  # type: ignore[override]  # the test takes no slices
        self.looks += 1
        return super().__getitem__(at)

    def __iter__(self):  # type: ignore[no-untyped-def]
        for trial in super().__iter__():
            self.looks += 1
            yield trial


@pytest.mark.parametrize("method", ["random", "sobol"])
def test_a_long_search_looks_at_each_trial_once(method: str) -> None:
    """Else the cost of a study grows with the square of its trials."""
    searcher = make_searcher(method, SPACE, seed=0)
    shared = Counting()
    for number in range(400):
        history = History(HistoryView(shared, number))
        (params,) = searcher.suggest(history, 1, rng_at(history))
        shared.append(Trial(number, params, number, status=Status.FINISHED, score=0.5))
    assert shared.looks <= 2 * len(shared)
