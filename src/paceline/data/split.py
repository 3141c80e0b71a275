"""Rows into parts: train, validation, test (and train_dev), or k folds.

Parts have exact sizes. With strata (classes, sources) the count of stratum c in part p must be a whole number
next to n_c·s_p/n, while rows sum to n_c and columns to s_p. Rounding cell by cell breaks the sums; but the
fractions left over form a bipartite graph of strata and parts in which every node has two or more edges, so
there is always a cycle along which +d, −d, +d, ... makes another cell whole (controlled rounding; L. H. Cox, 1987).
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paceline.errors import DataError
from paceline.seeds import generator, library_seed

Rows = NDArray[np.int64]
Codes = NDArray[np.int64]
Cell = tuple[int, int]

CAP = 10_000  # validation and test need no more rows than that, however large the table (default sizes)
SHARE = 0.2
PART_NAMES = ("train", "dev", "test", "train_dev")


def part_name(part: str) -> str:
    """The name of a part for people.

    >>> part_name("dev"), part_name("train")
    ('validation', 'train')
    """
    return "validation" if part == "dev" else part


@dataclass(frozen=True, slots=True)
class SplitSettings:
    """How rows are divided.

    Attributes:
        dev: share (0 < float < 1) or number (int) of validation rows; None: 20 %, at most 10 000.
        test: the same for test; 0: no test part.
        stratify: keep class shares equal in all parts; None: if the target is a class. In regression True
            divides tenths of the target's range of ranks alike.
        stratify_by: a column (a source, say) whose every value is divided over all parts.
        group: a column whose rows with one value stay together in one part; it is no feature.
        time: a column to order by: the newest rows are test, those before dev.
        train_dev: share or number of rows with train's distribution that aren't trained on.
        seed: of the shuffle.
    """

    dev: float | int | None = None
    test: float | int | None = None
    stratify: bool | None = None
    stratify_by: str | None = None
    group: str | None = None
    time: str | None = None
    train_dev: float | int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Row numbers of each part, int64, increasing (in order of time for a split by time); empty if absent."""

    train: Rows
    dev: Rows
    test: Rows
    train_dev: Rows


def part_size(wanted: float | int | None, rows: int, what: str) -> int:
    """Number of rows of a part.

    Raises:
        DataError: if the share isn't between 0 and 1, or the number is negative or not whole.
    """
    if wanted is None:
        return min(max(round(SHARE * rows), 1), CAP)
    if isinstance(wanted, bool) or not isinstance(wanted, int | float | np.integer | np.floating):
        raise DataError(f"`{what}` is a share between 0 and 1 or a number of rows, but got {wanted!r}.")
    if wanted == 0:
        return 0
    if isinstance(wanted, int | np.integer):
        if wanted < 0:
            raise DataError(f"`{what}` is a number of rows, 0 or more, but got {wanted}.")
        return int(wanted)
    if not 0 < wanted < 1:
        raise DataError(
            f"`{what}` as a share must lie between 0 and 1, but got {wanted} (write {wanted:.0f} for rows)."
        )
    return max(round(wanted * rows), 1)


def divide(
    sizes: Sequence[int], strata: Codes | None, rng: np.random.Generator, home: NDArray[np.bool_] | None = None
) -> list[Rows]:
    """Shuffled rows 0..n-1 in parts of the given sizes; each stratum's share in a part is within 1 row of exact.

    Args:
        sizes: rows of each part; their sum is n.
        strata: (n,) stratum of each row, or None.
        home: (n,) rows that must be in part 0, or None.
    """
    total = sum(sizes)
    order = rng.permutation(total)
    if strata is None:
        bounds = np.cumsum(sizes)[:-1]
        return [np.sort(part) for part in np.split(order, bounds)]
    fixed = np.zeros(total, dtype=np.bool_) if home is None else home
    kept = np.flatnonzero(fixed)
    order = order[~fixed[order]]
    # strata in the order of their first shuffled row, so that no stratum is favoured when fractions are rounded
    _, first, codes = np.unique(strata[order], return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    codes = rank[codes]
    free = [sizes[0] - len(kept), *sizes[1:]]
    if free[0] < 0:
        raise DataError(f"Train must hold the {len(kept)} classes with a single row, but it has only {sizes[0]} rows.")
    counts = allocate(np.bincount(codes, minlength=len(first)), free)
    parts: list[list[Rows]] = [[] for _ in sizes]
    by_stratum = order[np.argsort(codes, kind="stable")]
    start = 0
    for row_counts in counts:
        for part, count in zip(parts, row_counts, strict=True):
            part.append(by_stratum[start : start + count])
            start += int(count)
    parts[0].append(kept)
    return [np.sort(np.concatenate(part)) for part in parts]


def allocate(strata: NDArray[np.int64], sizes: Sequence[int]) -> NDArray[np.int64]:
    """(strata, parts) whole numbers, each within 1 of strata[c]·sizes[p]/n, with exact row and column sums.

    A stratum has no fraction or at least two. So strata whose fractions form no cycle are fewer than the
    parts, and taking strata one by one keeps the graph tiny.
    """
    total = int(sum(sizes))
    if total == 0:
        return np.zeros((len(strata), len(sizes)), dtype=np.int64)
    exact = strata[:, None].astype(np.int64) * np.asarray(sizes, dtype=np.int64)[None, :]
    whole, left = exact // total, exact % total  # left/total is the fraction still to be rounded
    unsettled: set[Cell] = set()
    for stratum in np.flatnonzero(left.any(axis=1)):
        unsettled |= {(int(stratum), int(part)) for part in np.flatnonzero(left[stratum])}
        while cycle := find_cycle(unsettled):
            rising, falling = cycle[0::2], cycle[1::2]
            step = min([total - left[cell] for cell in rising] + [left[cell] for cell in falling])
            for cell in rising:
                left[cell] += step
            for cell in falling:
                left[cell] -= step
            for cell in cycle:
                whole[cell] += left[cell] // total
                left[cell] %= total
            unsettled -= {cell for cell in cycle if left[cell] == 0}
    return whole


def find_cycle(edges: set[Cell]) -> list[Cell]:
    """A cycle in a bipartite graph as a list of its edges in order, or [] if it is a forest."""
    core = set(edges)
    while leaves := [
        edge for edge in core if any(sum(other[side] == edge[side] for other in core) == 1 for side in (0, 1))
    ]:
        core -= set(leaves)
    if not core:
        return []
    edge = min(core)  # not any: the result may not depend on the order of a set
    path, nodes = [edge], [(0, edge[0]), (1, edge[1])]
    while nodes[-1] not in nodes[:-1]:  # no node of the core is a dead end, so the walk must meet itself
        side, node = nodes[-1]
        edge = min(other for other in core if other[side] == node and other != path[-1])
        path.append(edge)
        nodes.append((1 - side, edge[1 - side]))
    return path[nodes.index(nodes[-1]) :]


def divide_groups(sizes: Sequence[int], groups: Codes, strata: Codes, rng: np.random.Generator) -> list[Rows]:
    """Parts near the given sizes that never divide a group; the largest groups are placed first, where they help most.

    Args:
        sizes: wished rows of each part; their sum is n.
        groups: (n,) group of each row.
        strata: (n,) stratum of each row (zeros for none); their shares are kept as well as the groups allow.

    Raises:
        DataError: if there are fewer groups than parts.
    """
    count, kinds = int(groups.max()) + 1, int(strata.max()) + 1
    wanted_parts = [part for part, size in enumerate(sizes) if size > 0]
    if count < len(wanted_parts):
        raise DataError(
            f"A group stays in one part, so {len(wanted_parts)} parts need as many groups, but got {count}."
        )
    holds = np.bincount(groups * kinds + strata, minlength=count * kinds).reshape(count, kinds).astype(np.float64)
    wanted = holds.sum(axis=0)[None, :] * (np.asarray(sizes)[:, None] / sum(sizes))
    have = np.zeros_like(wanted)
    shuffled = rng.permutation(count)
    order = shuffled[np.argsort(-holds.sum(axis=1)[shuffled], kind="stable")]
    place = np.empty(count, dtype=np.int64)
    members = np.zeros(len(sizes), dtype=np.int64)
    for position, group in enumerate(order):
        empty = [part for part in wanted_parts if members[part] == 0]
        open_parts = empty if len(empty) == count - position else wanted_parts
        gain = ((have + holds[group] - wanted) ** 2 - (have - wanted) ** 2) / np.maximum(wanted, 1)
        part = min(open_parts, key=lambda option: float(gain[option].sum()))
        place[group], have[part], members[part] = part, have[part] + holds[group], members[part] + 1
    return [np.flatnonzero(place[groups] == part) for part in range(len(sizes))]


def divide_in_time(sizes: Sequence[int], times: NDArray[Any], rng: np.random.Generator) -> list[Rows]:
    """train, validation, test in order of time; train_dev is drawn at random from the rows before dev.

    Args:
        sizes: rows of train, validation, test, train_dev.
        times: (n,) comparable values without gaps.
    """
    train, dev, _, train_dev = sizes
    order = np.argsort(times, kind="stable").astype(np.int64)
    early, middle, late = np.split(order, [train + train_dev, train + train_dev + dev])
    drawn = np.zeros(len(early), dtype=np.bool_)
    drawn[rng.permutation(len(early))[:train_dev]] = True
    return [early[~drawn], middle, late, early[drawn]]


def make_split(
    rows: int,
    settings: SplitSettings,
    *,
    strata: Codes | None = None,
    home: NDArray[np.bool_] | None = None,
    groups: Codes | None = None,
    times: NDArray[Any] | None = None,
) -> Split:
    """Divides rows 0..rows-1 as the settings say; a function of its arguments alone.

    Args:
        rows: number of rows.
        strata: (rows,) codes whose shares are kept, or None.
        home: (rows,) rows that must train (classes with a single row), or None.
        groups: (rows,) codes of groups that stay together, or None.
        times: (rows,) values to order by, or None.

    Raises:
        DataError: if the parts need more rows than there are.
    """
    dev, test = part_size(settings.dev, rows, "validation"), part_size(settings.test, rows, "test")
    train_dev = part_size(settings.train_dev, rows, "train_dev")
    train = rows - dev - test - train_dev
    if train < 2:
        asked = f"validation {dev}, test {test}" + (f", train_dev {train_dev}" if train_dev else "")
        raise DataError(f"At least 2 of {rows} rows must be left to train on, but {asked} leave {max(train, 0)}.")
    rng = generator(settings.seed, "split")
    sizes = [train, dev, test, train_dev]
    if groups is not None:
        parts = divide_groups(sizes, groups, np.zeros_like(groups) if strata is None else strata, rng)
    elif times is not None:
        parts = divide_in_time(sizes, times, rng)
    else:
        parts = divide(sizes, strata, rng, home)
    return Split(*(part.astype(np.int64) for part in parts))


def k_folds(
    count: int,
    folds: int,
    seed: int,
    *,
    strata: Codes | None = None,
    groups: Codes | None = None,
    times: NDArray[Any] | None = None,
) -> list[tuple[Rows, Rows]]:
    """(train, dev) positions 0..count-1 of each fold, as scikit-learn's splitters give them with shuffle and this seed.

    StratifiedKFold, KFold, StratifiedGroupKFold or GroupKFold; TimeSeriesSplit over the rows in order of time.

    Raises:
        DataError: if there are fewer than 2 folds, or too few rows, groups or class members for them.
    """
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, TimeSeriesSplit

    if isinstance(folds, bool) or not isinstance(folds, int) or folds < 2:
        raise DataError(f"`folds` must be a whole number of 2 or more, but got {folds!r}.")
    available = count if groups is None else len(np.unique(groups))
    if folds > available:
        raise DataError(
            f"{folds} folds need as many {'rows' if groups is None else 'groups'}, but there are {available}."
        )
    places = np.arange(count)
    if times is not None:
        order = np.argsort(times, kind="stable")
        return [(order[train], order[dev]) for train, dev in TimeSeriesSplit(folds).split(places)]
    if groups is not None and strata is not None:
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=library_seed(seed))
    elif groups is not None:
        splitter = GroupKFold(folds, shuffle=True, random_state=library_seed(seed))
    elif strata is not None:
        largest = int(np.bincount(strata).max())
        if folds > largest:
            raise DataError(f"{folds} stratified folds need a class with as many rows, but the largest has {largest}.")
        splitter = StratifiedKFold(folds, shuffle=True, random_state=library_seed(seed))
    else:
        splitter = KFold(folds, shuffle=True, random_state=library_seed(seed))
    with warnings.catch_warnings():  # a class with fewer rows than folds is missing from some dev parts: no harm
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        return [(train, dev) for train, dev in splitter.split(places, strata, groups)]
