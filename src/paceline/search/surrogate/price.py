"""What a configuration costs, foretold: a Gaussian process of the logarithm of what known ones cost.

    worth = log expected improvement - log price        "expected improvement per second"

Prices of known configurations are exact (a function says them), so the model only has to carry them over to thousands
of places without calling the function there. Where all known ones cost the same, so does every other.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from paceline.errors import SettingsError
from paceline.records import Params
from paceline.search.surrogate.gaussian_process import Groups, Posterior, fit
from paceline.search.surrogate.targets import standardised

Array = NDArray[np.float64]


class Price:
    """The model of prices, of places as features.

    Args:
        features: (places, columns) of known configurations.
        groups: (columns,) number of each column's length-scale.
        logs: (places,) logarithms of their prices.

    Source: Snoek et al. (2012), "Practical Bayesian optimization of machine learning algorithms", section 3.2.
    """

    def __init__(self, features: Array, groups: Groups, logs: Array) -> None:
        self._scale = float(logs.std())
        goals = standardised(logs)
        self._posterior = Posterior.given(fit(features, groups, goals), groups, features, goals)

    def log(self, features: Array) -> Array:
        """(places,) logarithm of the price, but for a constant."""
        return self._scale * self._posterior.predict(features)[0]

    def log_with_slopes(self, features: Array) -> tuple[Array, Array]:
        """(places,) as `log`, and (places, columns) its slopes in the features."""
        mean, _, slopes, _ = self._posterior.predict_with_slopes(features)
        return self._scale * mean, self._scale * slopes


def log_prices(cost: Callable[[Params], float], configurations: Sequence[Params]) -> Array:
    """(configurations,) logarithms of what each costs. Raises SettingsError for a cost that isn't above 0."""
    costs = np.array([cost(dict(params)) for params in configurations], dtype=np.float64)
    if wrong := [value for value in costs.tolist() if not 0.0 < value < np.inf]:
        raise SettingsError(f"The cost of a configuration must be a finite number above 0, but got {wrong[0]!r}.")
    return np.log(costs)
