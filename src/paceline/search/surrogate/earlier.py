"""Results of an earlier study, which a Gaussian process may learn from.

They are results at a distance, which the model learns like its other length-scales. If the two studies agree, the
distance is short and much is known from the start; if they don't, it grows, and the earlier results fade. Scores of
both are standardized each by themselves, because their data may differ.

Source: Swersky et al. (2013), "Multi-task Bayesian optimization".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from paceline.errors import SettingsError
from paceline.records import Params
from paceline.search.surrogate.targets import compress_tail, standardize
from paceline.space import Space

Rows = NDArray[np.float64]

MAX_EARLIER = 100
"""Results of an earlier study that the model knows at most."""


@dataclass(frozen=True)
class EarlierResults:
    """Results of an earlier search.

    Attributes:
        units: (results, slots) rows of the unit cube, best first; NaN where inactive.
        targets: (results,) of mean 0 and variance 1.
    """

    units: Rows
    targets: Rows

    def __len__(self) -> int:
        return len(self.units)


def earlier_results(pairs: Sequence[tuple[Params, float]], space: Space) -> EarlierResults:
    """What of an earlier search lies in the space; losses that aren't finite count as its worst.

    Args:
        pairs: (configuration, loss), the option `earlier` as the user gave it.

    Raises:
        SettingsError: the option isn't a list of such pairs.
    """
    if not isinstance(pairs, Sequence) or not all(map(_is_result, pairs)):
        raise SettingsError(f"Option 'earlier' must be a list of pairs (configuration, loss), but got {pairs!r:.80}.")
    inside = [(params, float(loss)) for params, loss in pairs if space.contains(params)]
    losses = np.array([loss for _, loss in inside])
    finite = np.isfinite(losses)
    if not finite.any():
        return EarlierResults(np.zeros((0, len(space.slots))), np.zeros(0))
    losses = np.where(finite, losses, losses[finite].max())
    order = np.argsort(losses, kind="stable")
    order = order[thinned(len(order), MAX_EARLIER)]
    units = np.array([space.to_unit(inside[i][0]) for i in order])
    return EarlierResults(units, standardize(compress_tail(losses[order])))


def _is_result(pair: object) -> bool:
    return isinstance(pair, Sequence) and len(pair) == 2 and isinstance(pair[0], Mapping) and isinstance(pair[1], Real)


def thinned(count: int, most: int) -> NDArray[np.intp]:
    """Positions in a list of results, best first: all, or the best part and an even share of the rest."""
    if count <= most:
        return np.arange(count)
    half = most // 2
    return np.append(np.arange(half), np.linspace(half, count - 1, most - half).astype(np.intp))
