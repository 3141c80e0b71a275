"""A list of trials that only grows at its end, shared instead of copied.

    study     trials that have ended    [0 1 2 3 4 5 6 7 ...]      one list, never copied
    history   the first five of them, and a tail: [0 1 2 3 4] + [running ...]

A study asks its searcher thousands of times, each time about a slightly longer history. A copy for each question
would make the cost of a study grow with the square of its trials; a `Growing` costs its tail, and a reader who
remembers the list (see `past`) need not look at its beginning again.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import overload

from paceline.records import Trial


class Growing(Sequence[Trial]):
    """So many first trials of a shared list, then those of a tail.

    Attributes:
        shared: a list to which trials may be appended, while those that it has stay as they are.
        first: how many of its trials belong to this sequence.
        tail: the rest.
    """

    __slots__ = ("first", "shared", "tail")

    def __init__(self, shared: list[Trial], first: int, tail: Sequence[Trial] = ()) -> None:
        self.shared, self.first, self.tail = shared, first, tail

    def __len__(self) -> int:
        return self.first + len(self.tail)

    def __iter__(self) -> Iterator[Trial]:
        return chain(islice(self.shared, self.first), self.tail)

    @overload
    def __getitem__(self, at: int) -> Trial: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Trial]: ...
    def __getitem__(self, at: int | slice) -> Trial | Sequence[Trial]:
        if isinstance(at, slice):
            start, stop, step = at.indices(len(self))
            if start == 0 and step == 1 and stop <= self.first:
                return Growing(self.shared, max(stop, 0))
            return [self[i] for i in range(start, stop, step)]
        if not -len(self) <= at < len(self):
            raise IndexError(at)
        at %= len(self)
        return self.shared[at] if at < self.first else self.tail[at - self.first]
