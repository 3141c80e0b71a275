"""Methods that go through a list: `manual` (the user's configurations; see also `experiments`) and `grid` (a Cartesian
product).

    suggest = the first points of the list that the history doesn't hold yet

With `repeats=3` each point is wanted three times (over seeds), and the history is asked how often it holds
it. Both methods know their size up front, and an empty answer means that the list is done.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from paceline.errors import SettingsError, SpaceError, did_you_mean
from paceline.records import History, Params
from paceline.search.base import Searcher
from paceline.search.history import EncodedHistory
from paceline.search.options import check_int
from paceline.space import Space


class Listing:
    """The next wanted points of a (perhaps very long) list; the list is walked once, as far as needed."""

    def __init__(self, space: Space, points: Iterable[Params], repeats: int) -> None:
        self._space = space
        self._source = iter(points)
        self._walked: dict[str, Params] = {}
        self._repeats = check_int("repeats", repeats, 1)
        self._encoded = EncodedHistory(space)

    def next(self, history: History, count: int) -> list[Params]:
        """Up to `count` points that the history holds fewer than `repeats` times, in the list's order."""
        held = Counter(self._encoded.keys(history))
        wanted: list[Params] = []
        for key, point in self._walk():
            missing = self._repeats - held[key]
            wanted.extend(dict(point) for _ in range(min(missing, count - len(wanted))))
            if len(wanted) >= count:
                break
        return wanted

    def _walk(self) -> Iterator[tuple[str, Params]]:
        yield from self._walked.items()
        for point in self._source:
            key = self._space.key(point)
            if key not in self._walked:
                self._walked[key] = point
                yield key, point


class Listed(Searcher):
    """A list of configurations, tried in order: the method `manual` (see there).

    Args:
        configurations: at least one; each a complete configuration of the space.
        repeats: how often each is tried.

    Raises:
        SpaceError: a configuration isn't in the space.
    """

    draws_freely = False
    only_fixed = True

    def __init__(self, space: Space, configurations: Sequence[Params], repeats: int) -> None:
        self.space = space
        for point in configurations:
            space.validate(point)
        self._configurations = configurations
        self._listing = Listing(space, configurations, repeats)

    def fixed_points(self) -> Sequence[Params]:
        return self._configurations

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        return self._listing.next(history, count)


class Grid(Searcher):
    """All combinations; conditions prune those that differ only in inactive parameters.

    Args:
        points: number of values that a continuous range is cut into, on its scale, ends included.
        grids: instead of the whole space, parts of it, one after the other. Each is a narrower `Space` or
            a mapping name -> values (scikit-learn's `param_grid`), parameters not named at their default.
        repeats: how often each point is tried.

    Raises:
        SettingsError: a grid is empty or of the wrong type, or names a parameter that isn't in the space.
        SpaceError: a point of a grid isn't in the space (raised when the point is reached).
    """

    draws_freely = False

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        points: int = 5,
        grids: Sequence[Space | Mapping[str, Sequence[Any]]] = (),
        repeats: int = 1,
    ) -> None:
        check_int("points", points, 1)
        self.space = space
        for grid in grids:
            _check(grid, space)
        self._listing = Listing(space, _all_points(space, grids, points), repeats)

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        return self._listing.next(history, count)


def _check(grid: Space | Mapping[str, Sequence[Any]], space: Space) -> None:
    if isinstance(grid, Space):
        return
    if not isinstance(grid, Mapping):
        raise SettingsError(f"Each of 'grids' must be a Space or a mapping name -> values, but got {grid!r}.")
    for name, values in grid.items():
        if name not in space.parameters:
            raise SettingsError(f"A grid names {name!r}, not a parameter{did_you_mean(name, space.parameters)}")
        if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray) or len(values) == 0:
            raise SettingsError(f"A grid must list at least one value for {name!r}, but got {values!r}.")


def _all_points(space: Space, grids: Sequence[Space | Mapping[str, Sequence[Any]]], points: int) -> Iterator[Params]:
    for grid in grids or (space,):
        candidates = grid.grid(points) if isinstance(grid, Space) else _product(space, grid)
        for point in candidates:
            try:
                space.validate(point)
            except SpaceError as error:
                raise SpaceError(f"A grid leaves the space at {point!r}: {error}") from error
            yield point


def _product(space: Space, grid: Mapping[str, Sequence[Any]]) -> Iterator[Params]:
    for values in product(*grid.values()):
        yield completed(space, dict(zip(grid, values, strict=True)))


def completed(space: Space, given: Params) -> Params:
    """What is given and active, and the default of all else that is active."""
    point: Params = {}
    for name, parameter in space.parameters.items():  # parents before children
        if name not in space.active(point):
            continue
        value = given.get(name, parameter.default)
        if parameter.per is not None and not isinstance(value, list):
            value = [value] * int(point[parameter.per])
        point[name] = value
    return point
