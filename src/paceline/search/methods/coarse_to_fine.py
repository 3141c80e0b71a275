"""Coarse to fine: rounds of draws, each in a smaller box around the best so far.

    round 0     draws in the whole space
    round k     box = hull of the best `keep` trials of all rounds before, on each parameter's scale, plus a margin;
                a choice is drawn as often as the best made it; a share of draws stays global

The trial with the best score, the incumbent, is always one of those, so it lies in every box, whatever a stopper did.
The round is a function of the history's length, and its box of the trials before it that were known, so `rounds`
tells what every box was. Draws within a round are a Sobol sequence stretched over the box.

A study proposes whole cohorts, and cohort k knows the trials of the cohorts up to k - lag as they ended. So the box of
a round isn't what all trials before it say, but what those say that its cohort knew:

    cohort   0 0 0 0 0 0 | 1 1 1 1 1 1 | 2 2 2 2 2 2       lag 2
    round    0 0 0 0|1 1   1 1|2 2 2 2   3 3 3 3|4 4       rounds 0 to 2 know nothing, 3 and 4 know cohort 0

A round that reaches into the next cohort may go on in a smaller box; `rounds` tells that of its first trial.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paceline.records import History, Params
from paceline.search.base import Round, Searcher
from paceline.search.history import EncodedHistory, HistoryView
from paceline.search.methods.sobol import sobol_points
from paceline.search.options import check_float, check_int
from paceline.search.ranking import observations
from paceline.search.unique_batch import UniqueBatch
from paceline.space import Slot, Space

MIN_MARGIN = 0.02
"""Margin of a box that the best trials have shrunk to a point, on [0, 1]."""


@dataclass(frozen=True, slots=True)
class _Box:
    """low, high: (slots,) ends in the unit cube; shares: slot of a choice -> probabilities of its values;
    incumbent: see `Round`."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    shares: dict[int, NDArray[np.float64]]
    incumbent: int | None


class CoarseToFine(Searcher):
    """Random search in shrinking boxes.

    Args:
        size: trials a round.
        keep: the best so many trials of all rounds span the next box.
        margin: share of the hull's length that is added on either side.
        explore: share of draws from the whole space, from round 1 on.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int = 0,
        size: int = 10,
        keep: int = 3,
        margin: float = 0.3,
        explore: float = 0.1,
    ) -> None:
        self.space = space
        self._seed = seed
        self.size = check_int("size", size, 2)
        self._keep = check_int("keep", keep, 1)
        self._margin = check_float("margin", margin, 0.0)
        self._explore = check_float("explore", explore, 0.0, 1.0)
        self._encoded = EncodedHistory(space)

    def suggest(self, history: History, count: int, rng: np.random.Generator) -> list[Params]:
        batch = UniqueBatch(self.space, self._encoded.known(history), count)
        at, until = len(history), len(history) + count
        while at < until:
            number, inside = divmod(at, self.size)
            wanted = min(self.size - inside, until - at)  # the batch may reach into the next round
            for row in self._draws(history, number, inside, wanted, rng):
                if len(batch.points) == at + wanted - len(history):
                    break
                batch.offer(self.space.from_unit(row))
            at += wanted
        return batch.fill(rng)

    def rounds(self, history: History, *, lag: int | None = None, most: int | None = None) -> list[Round]:
        begun = -(-len(history) // self.size)
        kept = begun if most is None else min(begun, most)
        numbers = np.unique(np.linspace(0, max(begun - 1, 0), kept).round().astype(int)).tolist()
        if lag is None:
            return [self.round(history, number) for number in numbers]
        trials = list(history)
        cohorts = [trial.cohort for trial in trials]
        known = [bisect_right(cohorts, cohorts[number * self.size] - lag) for number in numbers]
        return [
            self.round(History(HistoryView(trials, count), history.goal), number)
            for number, count in zip(numbers, known, strict=True)
        ]

    def round(self, history: History, number: int) -> Round:
        """The round of this number, as the trials before it that the history holds shape it."""
        box = self._box(history, number)
        names = [slot.name if slot.index is None else f"{slot.name}[{slot.index + 1}]" for slot in self.space.slots]
        ranges, shares = {}, {}
        for i, (name, slot) in enumerate(zip(names, self.space.slots, strict=True)):
            at = slot.parameter.from_unit
            if i in box.shares:
                shares[name] = {str(at((k + 0.5) / slot.size)): float(p) for k, p in enumerate(box.shares[i])}
            else:
                ranges[name] = (at(float(box.low[i])), at(float(box.high[i])))
        return Round(number, number * self.size, box.incumbent, ranges, shares)

    def _draws(
        self, history: History, number: int, start: int, wanted: int, rng: np.random.Generator
    ) -> Iterator[NDArray[np.float64]]:
        """Rows of a round from its draw `start` on, twice as many as wanted, as some may be known."""
        box = self._box(history, number)
        u = sobol_points(len(self.space.slots), start, 2 * wanted, self._seed + number)
        rows = box.low + u * (box.high - box.low)
        for i, shares in box.shares.items():
            picked = np.searchsorted(np.cumsum(shares), u[:, i], side="right")
            rows[:, i] = (np.minimum(picked, len(shares) - 1) + 0.5) / len(shares)
        for row in rows:
            everywhere = number > 0 and rng.random() < self._explore
            yield rng.random(len(row)) if everywhere else row

    def _box(self, history: History, number: int) -> _Box:
        slots = self.space.slots
        low, high = np.zeros(len(slots)), np.ones(len(slots))
        best, incumbent = self._best(History(history.trials[: number * self.size], history.goal))
        shares: dict[int, NDArray[np.float64]] = {}
        for i, slot in enumerate(slots):
            column = best[~np.isnan(best[:, i]), i]
            if not slot.is_numeric:
                votes = np.bincount((column * slot.size).astype(int), minlength=slot.size)
                shares[i] = (votes + 1.0 / slot.size) / (votes.sum() + 1.0)
            elif len(column):
                low[i], high[i] = self._range(column, slot)
        return _Box(low, high, shares, incumbent)

    def _best(self, history: History) -> tuple[NDArray[np.float64], int | None]:
        """(at most keep + 1, slots) rows of the best trials, the incumbent among them, and its number.

        Where trials were stopped, the one with the best score may stand behind others that were trained further.
        """
        known = observations(history, self._encoded)
        sound = known.numbers[: len(known) - known.broken]
        if not len(sound):
            return known.units[:0], None
        incumbent = int(np.lexsort((sound, history.losses()[sound]))[0])
        kept = sorted({*range(min(self._keep, len(sound))), incumbent})
        return known.units[kept], history.trials[sound[incumbent]].number

    def _range(self, column: NDArray[np.float64], slot: Slot) -> tuple[float, float]:
        bottom, top = float(column.min()), float(column.max())
        neighbour = 1.0 / (slot.parameter.count or np.inf)
        margin = max(self._margin * (top - bottom), MIN_MARGIN, neighbour)
        return max(0.0, bottom - margin), min(1.0, top + margin)
