"""The maximum of an acquisition function with many local ones, over a space of numbers and choices.

    candidates   Sobol points over all the space, and neighbours of the best known places
    starts       the best few of them go uphill: continuous slots along their slopes (L-BFGS, all starts at once), the
                 others by trying their values with the rest held (coordinate exchange), until neither helps

Known places are worth nothing, so a space that is nearly used up is searched for what is left. A batch is found one
by one: after each pick the model gets a fantasy of its result, and the candidates are judged anew by one row more of
the factor.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from paceline.search.methods.sobol import sobol_points
from paceline.search.surrogate.acquisition import Acquisition, log_expected_improvement
from paceline.search.surrogate.encoding import Encoding
from paceline.search.surrogate.gaussian_process import Posterior
from paceline.space import Space

Rows = NDArray[np.float64]

STEPS = 20
"""Of L-BFGS in each round."""

TRIED = 16
"""Values that an exchange tries in one slot at most: the nearest of a longer list."""

NEAR = 40
"""Neighbours of each leader among the candidates."""


def initial_candidates(space: Space, leaders: Rows, wide: int, rng: np.random.Generator) -> Rows:
    """(places, slots) that the starts are chosen from.

    Args:
        leaders: (leaders, slots) complete rows of the best known places.
        wide: so many Sobol points; the other places are neighbours of the leaders.
    """
    slots = len(space.slots)
    everywhere = sobol_points(slots, 0, wide, int(rng.integers(2**31)))
    near = np.repeat(leaders, NEAR, axis=0)
    changed = rng.random(near.shape) < max(0.3, 1.0 / slots)
    changed[np.arange(len(near)), rng.integers(slots, size=len(near))] = True
    spread = np.exp(rng.uniform(np.log(0.01), np.log(0.3), (len(near), 1)))
    step = rng.normal(size=near.shape) * spread
    cell = np.array([1.0 / (slot.parameter.count or np.inf) for slot in space.slots])
    step = np.copysign(np.maximum(np.abs(step), cell), step)
    numeric = np.array([slot.is_numeric for slot in space.slots])
    moved = np.where(numeric, near + step, rng.random(near.shape))
    return np.vstack([everywhere, np.clip(np.where(changed, moved, near), 0.0, 1.0)])


class AcquisitionOptimizer:
    """The search for a batch.

    Args:
        encoding: how places become features.
        posterior: the model; running trials are in it as fantasies.
        acquisition: what a place is worth.
        best: what is to be improved on: the lowest mean at a known place, not the lowest result.
        known: (known, slots) snapped rows that must not be found.
        places: (candidates, slots) that the starts are chosen from.
    """

    def __init__(
        self, encoding: Encoding, posterior: Posterior, acquisition: Acquisition, best: float, known: Rows,
        places: Rows,
    ) -> None:  # fmt: skip
        self._encoding = encoding
        self._posterior = posterior
        self._acquisition = acquisition
        self._known = {row.tobytes() for row in known}
        self._best = best
        self._candidates, self._snapped = places, encoding.snapped(places)
        self._open = self._unknown(self._snapped)
        self._features = encoding.features(self._snapped)
        cross = posterior.covariances(self._features)
        self._half = posterior.forward(cross)
        self._mean = cross.T @ posterior.alpha

    def maximize(self, starts: int, rounds: int) -> Rows:
        """(places, slots) what so many starts find in so many rounds, best first."""
        worth = self._acquisition(self._mean, self._posterior.sd(self._half), self._best)[0]
        worth = np.where(self._open, worth, -np.inf)
        start = np.argsort(-worth, kind="stable")[:starts]
        rows, worth = self._candidates[start], worth[start]
        for _ in range(rounds if len(rows) else 0):
            before = worth
            rows, worth = self._exchanged(*self._slid(rows, worth))
            if not (worth > before).any():
                break
        order = np.argsort(-worth, kind="stable")
        return rows[order[np.isfinite(worth[order])]]

    @property
    def noise(self) -> float:
        """Variance of a single result about its mean."""
        return self._posterior.parameters.noise

    def expected_improvement(self, row: Rows) -> float:
        """Expected improvement at a place (slots,)."""
        mean, sd = self._posterior.predict(self._encoding.features(self._encoding.snapped(row[None, :])))
        return float(np.exp(log_expected_improvement(mean, sd, self._best)[0][0]))

    def fantasize(self, row: Rows) -> None:
        """Go on as if a place (slots,) had been tried."""
        snapped = self._encoding.snapped(row[None, :])
        self._known.add(snapped[0].tobytes())
        self._open = self._unknown(self._snapped)
        self._posterior = self._posterior.extended(self._encoding.features(snapped)[0])
        self._best = min(self._best, float(self._posterior.targets[-1]))
        new = self._posterior.lower[-1]
        cross = self._posterior.covariances(self._features, slice(-1, None))[0]
        self._half = np.vstack([self._half, (cross - new[:-1] @ self._half) / new[-1]])

    def _unknown(self, snapped: Rows) -> NDArray[np.bool_]:
        return np.array([row.tobytes() not in self._known for row in snapped], dtype=bool)

    def _worth(self, rows: Rows) -> Rows:
        """(rows,) what the places are worth; -inf for known ones."""
        snapped = self._encoding.snapped(rows)
        features = self._encoding.features(snapped)
        worth = self._acquisition(*self._posterior.predict(features), self._best)[0]
        return np.where(self._unknown(snapped), worth, -np.inf)

    def _slid(self, rows: Rows, worth: Rows) -> tuple[Rows, Rows]:
        """Continuous slots moved along their slopes; a place that this doesn't help stays."""
        smooth = self._encoding.smooth
        if len(smooth) == 0:
            return rows, worth
        snapped = self._encoding.snapped(rows)
        features = self._encoding.features(snapped)
        still = np.isnan(snapped[:, smooth])

        def loss(flat: Rows) -> tuple[float, Rows]:
            here = self._encoding.moved(features, flat.reshape(still.shape), still)
            mean, sd, mean_slope, sd_slope = self._posterior.predict_with_slopes(here)
            value, in_mean, in_sd = self._acquisition(mean, sd, self._best)
            slopes = self._encoding.slopes(in_mean[:, None] * mean_slope + in_sd[:, None] * sd_slope)
            return -float(value.sum()), -np.where(still, 0.0, slopes).ravel()

        start = rows[:, smooth].ravel()
        box = np.tile([0.0, 1.0], (start.size, 1))
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=box, options={"maxiter": STEPS})
        moved = rows.copy()
        moved[:, smooth] = np.asarray(found.x).reshape(still.shape)
        return _better(rows, worth, moved, self._worth(moved))

    def _exchanged(self, rows: Rows, worth: Rows) -> tuple[Rows, Rows]:
        """Each place with the one change of a listed slot that helps it most."""
        tries, owners = [], []
        for slot, cells in self._encoding.cells.items():
            for number, row in enumerate(rows):
                values = cells[np.argsort(np.abs(cells - row[slot]), kind="stable")[: TRIED + 1]]
                others = np.tile(row, (len(values), 1))
                others[:, slot] = values
                tries.append(others)
                owners += [number] * len(values)
        if not owners:
            return rows, worth
        places, owner = np.vstack(tries), np.array(owners)
        values = self._worth(places)
        mine = np.where(owner[None, :] == np.arange(len(rows))[:, None], values, -np.inf)
        best = mine.argmax(axis=1)
        return _better(rows, worth, places[best], mine.max(axis=1))


def _better(rows: Rows, worth: Rows, others: Rows, values: Rows) -> tuple[Rows, Rows]:
    gain = values > worth
    return np.where(gain[:, None], others, rows), np.where(gain, values, worth)
