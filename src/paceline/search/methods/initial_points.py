"""Some configurations first, then any method: the default one, a colleague's, an old study's best.

    InitialPoints(searcher, [default]).suggest = [default] + searcher.suggest

A wrapper, so every method has the option. The wrapped method is told of the first ones as running trials,
so it doesn't propose them too.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from paceline.records import History, Params, Trial
from paceline.search.base import Searcher, Wrapper
from paceline.search.history import EncodedHistory


class InitialPoints(Wrapper):
    """`searcher`, after these configurations.

    Args:
        searcher: any method.
        configurations: complete configurations of its space; those that the history holds are left out.
        sources: origins of those that don't come from the user, e.g. "default", by `space.key`.

    Raises:
        SpaceError: a configuration isn't in the space.
    """

    def __init__(
        self, searcher: Searcher, configurations: Sequence[Params], sources: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(searcher)
        for point in configurations:
            self.space.validate(point)
        self._first = {self.space.key(point): point for point in configurations}
        self._origins = dict.fromkeys(self._first, "first") | dict(sources or {})
        self._encoded = EncodedHistory(self.space)

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        held = self._encoded.known(history)
        first = [dict(point) for key, point in self._first.items() if key not in held][:count]
        if len(first) == count:
            return first
        start = len(history)
        pending = tuple(Trial(number=start + i, params=point, seed=0) for i, point in enumerate(first))
        told = History((*history.trials, *pending), history.goal) if pending else history
        return first + self.searcher.suggest(told, count - len(first), rng)

    def origins(self, history: History, proposals: Sequence[Params]) -> list[str]:
        others = self.searcher.origins(history, proposals)
        return [
            self._origins.get(self.space.key(params), other) for params, other in zip(proposals, others, strict=True)
        ]
