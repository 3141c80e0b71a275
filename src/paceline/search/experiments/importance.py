"""Which hyperparameters mattered, from the trials of a study, by two measures that look at different things.

    PED-ANOVA   how differently the best tenth of the trials is distributed from all of them, along one hyperparameter:
                Pearson divergence of two one-dimensional densities. Asks what it takes to be *good*.
    fANOVA      share of a random forest's variance over the whole space that one hyperparameter explains by itself.
                Asks what moves the score *anywhere*; what the singles leave is interactions.

Both take places by the score (see `ranking`) instead of scores, so trials that were stopped early take part and one
absurd score doesn't drown the rest. Few trials show differences by chance: `clear` says whether a hyperparameter's
divergence exceeds that of nearly all random choices of as many trials.

Source: Watanabe, Bansal & Hutter (2023), "PED-ANOVA"; Hutter, Hoos & Leyton-Brown (2014), "An efficient approach for
assessing hyperparameter importance".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paceline.records import History
from paceline.search.history import EncodedHistory
from paceline.search.ranking import ranking_by_score
from paceline.seeds import library_seed
from paceline.space import Slot, Space

Column = NDArray[np.float64]

GOOD = 0.1
MIN_TRIALS, MAX_TRIALS = 20, 3000
CELLS = 50
FEW_VALUES = 10
"""Numbers of at most so many values are counted value by value."""
SHUFFLES = 200
TREES, LEAF, MAX_ROWS = 32, 3, 1000


@dataclass(frozen=True, slots=True)
class Importance:
    """How much one hyperparameter (one layer of a per-layer one) mattered.

    Attributes:
        name: of the hyperparameter.
        ped_anova: its share of all hyperparameters' divergences, 0 to 1.
        fanova: its share of the forest's variance, 0 to 1.
        clear: the divergence is larger than 95 % of those of random trials.
    """

    name: str
    ped_anova: float
    fanova: float
    clear: bool


def importances(space: Space, history: History, seed: int = 0) -> list[Importance]:
    """Importance of each hyperparameter that can vary, the most important (PED-ANOVA) first.

    Empty where fewer than 20 trials have a place, or all are equal.
    """
    every = every_so_many(len(history))
    places = ranking_by_score(history)[::every]
    units = EncodedHistory(space).units(History(history.trials[::every], history.goal))
    known = np.isfinite(places) & ~np.isnan(units).all(axis=1)
    places, units = places[known], units[known]
    slots = [i for i, slot in enumerate(space.slots) if np.unique(units[:, i][~np.isnan(units[:, i])]).size > 1]
    if len(places) < MIN_TRIALS or np.ptp(places) == 0 or not slots:
        return []
    rng = np.random.default_rng(seed)
    found = [_divergence(space.slots[i], units[:, i], places, rng) for i in slots]
    total = sum(value for value, _ in found) or 1.0
    variance = fanova(units[:, slots], places, seed)
    listed = [
        Importance(_title(space.slots[i]), value / total, float(share), clear)
        for i, (value, clear), share in zip(slots, found, variance, strict=True)
    ]
    return sorted(listed, key=lambda item: (-item.ped_anova, item.name))


def every_so_many(trials: int) -> int:
    """Of how many trials one is looked at: of all of a small study, of a part of a large one.

    >>> every_so_many(500), every_so_many(50_000)
    (1, 16)
    """
    return max(1, trials // MAX_TRIALS)


def _title(slot: Slot) -> str:
    return slot.name if slot.index is None else f"{slot.name} of layer {slot.index + 1}"


def _divergence(slot: Slot, column: Column, places: Column, rng: np.random.Generator) -> tuple[float, bool]:
    """(divergence of the best from all, whether chance rarely gives as much), among trials where the slot is active."""
    active = ~np.isnan(column)
    column, order = column[active], np.argsort(places[active], kind="stable")
    count = max(2, round(GOOD * len(column)))
    values = np.unique(column)
    counted = not slot.is_numeric or len(values) <= FEW_VALUES

    def density(some: Column) -> Column:
        return shares(np.searchsorted(values, some), len(values)) if counted else smooth(some)

    p = density(column)
    value = pearson(p, density(column[order[:count]]))
    chance = [pearson(p, density(column[rng.permutation(len(column))[:count]])) for _ in range(SHUFFLES)]
    return value, bool(value > np.quantile(chance, 0.95))


def shares(cells: NDArray[np.int64], size: int) -> Column:
    """(size,) share of the trials in each cell."""
    return np.asarray(np.bincount(cells, minlength=size) / len(cells))


def smooth(column: Column) -> Column:
    """(CELLS,) density of numbers in [0, 1]: Gaussians of Scott's width on a grid."""
    width = max(1.0 / CELLS, 1.06 * float(column.std()) * len(column) ** -0.2)
    grid = (np.arange(CELLS) + 0.5) / CELLS
    kernel = np.exp(-0.5 * ((grid[:, None] - grid[None, :]) / width) ** 2)
    kernel /= kernel.sum(axis=0, keepdims=True)
    return np.asarray(kernel @ shares(np.minimum((column * CELLS).astype(np.int64), CELLS - 1), CELLS))


def pearson(p: Column, q: Column) -> float:
    """Pearson divergence of a density q from p, both (cells,).

    >>> pearson(np.array([0.5, 0.5]), np.array([1.0, 0.0]))  # all of the good ones are in half of the cells
    1.0
    """
    there = p > 0
    return float((p[there] * (q[there] / p[there] - 1) ** 2).sum())


def fanova(units: Column, target: Column, seed: int = 0) -> Column:
    """(columns,) share of a random forest's variance that each column explains alone.

    Args:
        units: (trials, columns) in [0, 1]; NaN (inactive) counts as the middle.
        target: (trials,).
    """
    from sklearn.ensemble import RandomForestRegressor

    kept = np.unique(np.linspace(0, len(units) - 1, min(len(units), MAX_ROWS)).astype(np.int64))
    rows = np.where(np.isnan(units), 0.5, units)[kept]
    forest = RandomForestRegressor(TREES, min_samples_leaf=LEAF, random_state=library_seed(seed), n_jobs=1)
    forest.fit(rows, target[kept])
    shares = [_tree_shares(tree.tree_, rows.shape[1]) for tree in forest.estimators_]
    return np.asarray(np.mean(shares, axis=0), dtype=np.float64)


def _tree_shares(tree: object, columns: int) -> Column:
    """Variance shares of one tree, exactly: its leaves are boxes in the unit cube."""
    low, high, value = _leaves(tree, columns)
    widths = high - low
    volume = widths.prod(axis=1)
    mean = float(volume @ value)
    total = float(volume @ (value - mean) ** 2)
    if total <= 0:
        return np.zeros(columns)
    shares = np.empty(columns)
    for column in range(columns):
        borders = np.unique(np.concatenate([low[:, column], high[:, column]]))
        middles = (borders[1:] + borders[:-1]) / 2
        inside = (low[:, column] <= middles[:, None]) & (middles[:, None] < high[:, column])
        marginal = inside @ (value * volume / widths[:, column])
        shares[column] = float(np.diff(borders) @ (marginal - mean) ** 2) / total
    return shares


def _leaves(tree: object, columns: int) -> tuple[Column, Column, Column]:
    """(low, high) corners (leaves, columns) and values (leaves,) of scikit-learn's tree."""
    left, right, feature, threshold, values = (
        np.asarray(getattr(tree, name)) for name in ("children_left", "children_right", "feature", "threshold", "value")
    )
    lows, highs, found = [], [], []
    stack = [(0, np.zeros(columns), np.ones(columns))]
    while stack:
        node, low, high = stack.pop()
        if left[node] < 0:
            lows.append(low)
            highs.append(high)
            found.append(float(values[node].ravel()[0]))
            continue
        below, above = high.copy(), low.copy()
        below[feature[node]] = above[feature[node]] = threshold[node]
        stack += [(int(left[node]), low, below), (int(right[node]), above, high)]
    return np.array(lows), np.array(highs), np.array(found)
