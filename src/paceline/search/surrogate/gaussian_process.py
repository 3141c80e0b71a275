"""A Gaussian process: what is expected at places not yet tried, and how surely.

    y = f(x) + noise,    f ~ GP(0, k),    k(x, x′) = s² m(r) + c,    m(r) = (1 + √5 r + 5/3 r²) exp(-√5 r)

with r² = Σ (x_j - x′_j)² / ℓ_g(j)²: Matérn 5/2 with one length ℓ for each group of columns, so that a group of no
influence gets a long one (automatic relevance). c is the doubt about the mean of all targets.

    fit(...)                lengths, s² and noise with the highest posterior density: L-BFGS
    Posterior(...)          mean and sd anywhere, with slopes
    posterior.extended(x)   the same after a fantasy: a result at x that equals its mean (kriging believer)

The length that is expected grows with the square root of their number, because distances do: a model of many
parameters must not be more complex than one of few. All in float64 numpy; slopes are written out, not traced.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotri, dtrtrs
from scipy.optimize import minimize

Array: TypeAlias = NDArray[np.float64]
Groups: TypeAlias = NDArray[np.intp]

ROOT5 = np.sqrt(5.0)

LENGTH_PULL, USUAL_GROUPS = 0.1, 8
"""A length of about 1 is expected, or of √(groups / 8) where there are more than 8 groups."""

SIGNAL_SHAPE, SIGNAL_RATE = 2.0, 1.0
NOISE_SHAPE, NOISE_RATE = 1.1, 30.0
"""Of the gamma priors of the two variances; targets have variance 1."""

LEVEL = 1.0
"""c, the prior variance of the mean of all targets."""

BOUNDS = {"lengths": (0.02, 1e3), "signal": (0.05, 20.0), "noise": (1e-6, 2.0)}
"""The least noise is also what keeps the covariance positive definite."""

FIRST_NOISE = 0.01
"""That L-BFGS begins from, with the lengths that are expected. More starts found higher peaks, and no better places."""

MAX_FIT_ROWS = 80
"""With more rows than this, most steps of the fit are made with so many of them and only the last few with all."""


@dataclass(frozen=True)
class GPParameters:
    """What is fitted.

    Attributes:
        lengths: (groups,) length-scales ℓ.
        signal: s², variance of f about its mean.
        noise: variance of a single result about f.
    """

    lengths: Array
    signal: float
    noise: float

    @property
    def theta(self) -> Array:
        """(groups + 2,) logarithms, in the order of the attributes."""
        return np.asarray(np.log(np.concatenate([self.lengths, [self.signal, self.noise]])))

    @staticmethod
    def of(theta: Array) -> "GPParameters":
        values = np.exp(theta)
        return GPParameters(values[:-2], float(values[-2]), float(values[-1]))


def matern(squared: Array) -> tuple[Array, Array]:
    """m(r) and its slope in r², of r²; any shape.

    Source: Rasmussen and Williams (2006), "Gaussian processes for machine learning", equation 4.17.
    """
    r = np.sqrt(squared)
    fall = np.exp(-ROOT5 * r)
    slope = -(5.0 / 6.0) * (1.0 + ROOT5 * r) * fall
    return (1.0 + ROOT5 * r + (5.0 / 3.0) * squared) * fall, slope


def distances(a: Array, b: Array) -> Array:
    """(rows of a, rows of b) squared distances."""
    squared = -2.0 * (a @ b.T)
    squared += np.einsum("ij,ij->i", a, a)[:, None]
    squared += np.einsum("ij,ij->i", b, b)[None, :]
    return np.maximum(squared, 0.0)


def log_likelihood(theta: Array, features: Array, groups: Groups, targets: Array) -> tuple[float, Array]:
    """Logarithm of the marginal likelihood of the targets, and its slopes.

    Args:
        theta: (groups + 2,) see `GPParameters.theta`.
        features: (rows, columns).
        groups: (columns,) number of each column's length.
        targets: (rows,).
    """
    parameters = GPParameters.of(theta)
    scaled = features / parameters.lengths[groups]
    squared = distances(scaled, scaled)
    np.fill_diagonal(squared, 0.0)
    kernel, slope = matern(squared)
    covariance = parameters.signal * kernel + LEVEL
    covariance.flat[:: len(covariance) + 1] += parameters.noise
    lower = _cholesky(covariance)
    inverse = _inverse(lower)
    alpha = inverse @ targets
    value = -0.5 * targets @ alpha - np.log(np.diag(lower)).sum() - 0.5 * len(targets) * np.log(2.0 * np.pi)

    # dL = tr((α αᵀ - K⁻¹) dK) / 2;  dr²/d log ℓ = -2 (difference / ℓ)² for the columns of the group.
    weights = np.outer(alpha, alpha) - inverse
    pull = weights * slope * parameters.signal
    columns = 2.0 * (pull.sum(axis=1) @ scaled**2) - 2.0 * np.einsum("ij,ij->j", scaled, pull @ scaled)
    lengths = np.bincount(groups, weights=-columns, minlength=len(parameters.lengths))
    signal = 0.5 * parameters.signal * np.vdot(weights, kernel)
    noise = 0.5 * parameters.noise * np.trace(weights)
    return float(value), np.concatenate([lengths, [signal, noise]])


def log_prior(theta: Array) -> tuple[float, Array]:
    """Logarithm of the prior density of (lengths, signal, noise), without its constant, and slopes in theta.

    With u a length by the one expected, -0.1 (u² + u⁻²): nearly flat from 1/3 to 3, and steep beyond, because a few
    results say little about how long a long length is. Gamma for the variances. Densities are of the lengths'
    logarithms, and of the variances themselves.

    Source: the shape of the priors is that of Optuna's GPSampler; Hvarfner et al. (2024), "Vanilla Bayesian
    optimization performs great in high dimensions", for growth with √groups.
    """
    square = np.exp(2.0 * theta[:-2]) / expected_length(len(theta) - 2) ** 2
    signal, noise = np.exp(theta[-2:])
    value = -LENGTH_PULL * (square + 1.0 / square).sum()
    value += (SIGNAL_SHAPE - 1.0) * theta[-2] - SIGNAL_RATE * signal
    value += (NOISE_SHAPE - 1.0) * theta[-1] - NOISE_RATE * noise
    slopes = np.append(
        2.0 * LENGTH_PULL * (1.0 / square - square),
        [SIGNAL_SHAPE - 1.0 - SIGNAL_RATE * signal, NOISE_SHAPE - 1.0 - NOISE_RATE * noise],
    )
    return float(value), slopes


def expected_length(groups: int) -> float:
    """Grows with the root of the number of groups, as distances do, once there are many."""
    return float(np.sqrt(max(1.0, groups / USUAL_GROUPS)))


def fit(features: Array, groups: Groups, targets: Array) -> GPParameters:
    """Lengths, signal and noise of the highest posterior density.

    Args:
        features: (rows, columns) about in [0, 1].
        groups: (columns,) number of each column's length; numbers run from 0 without gaps.
        targets: (rows,) mean 0 and variance 1, or all 0; the order should not follow the features.
    """
    count = int(groups.max()) + 1 if len(groups) else 0
    low, high = np.log([BOUNDS["lengths"]] * count + [BOUNDS["signal"], BOUNDS["noise"]]).T
    start = GPParameters(np.full(count, expected_length(count)), 1.0, FIRST_NOISE).theta

    def climbed(start: Array, rows: slice, steps: int) -> Array:
        def loss(theta: Array) -> tuple[float, Array]:
            likely, slope = log_likelihood(theta, features[rows], groups, targets[rows])
            prior, pull = log_prior(theta)
            return -likely - prior, -slope - pull

        found = minimize(
            loss, start, jac=True, method="L-BFGS-B",
            bounds=list(zip(low, high, strict=True)), options={"maxiter": steps},
        )  # fmt: skip
        return np.asarray(found.x)

    some = slice(None, None, max(1, -(-len(targets) // MAX_FIT_ROWS)))
    best = climbed(start, some, 25)
    if len(targets) > MAX_FIT_ROWS:
        best = climbed(best, slice(None), 8)
    return GPParameters.of(best)


@dataclass(frozen=True)
class Posterior:
    """The process, given results.

    Attributes:
        parameters: see `GPParameters`.
        groups: (columns,) number of each column's length.
        features: (rows, columns) where results are known.
        targets: (rows,) the results.
        lower: (rows, rows) Cholesky factor of their covariance, noise on its diagonal.
    """

    parameters: GPParameters
    groups: Groups
    features: Array
    targets: Array
    lower: Array

    @staticmethod
    def given(parameters: GPParameters, groups: Groups, features: Array, targets: Array) -> "Posterior":
        """Of results and fitted quantities."""
        scaled = features / parameters.lengths[groups]
        covariance = parameters.signal * matern(distances(scaled, scaled))[0] + LEVEL
        np.fill_diagonal(covariance, parameters.signal + LEVEL + parameters.noise)
        return Posterior(parameters, groups, features, targets, _cholesky(covariance))

    @cached_property
    def alpha(self) -> Array:
        """(rows,) covariance⁻¹ targets."""
        return self._backward(self.forward(self.targets[:, None]))[:, 0]

    @cached_property
    def _scaled(self) -> Array:
        return self.features / self.parameters.lengths[self.groups]

    def covariances(self, places: Array, rows: slice = slice(None)) -> Array:
        """(rows, places) k between the known rows (or some of them) and other places."""
        squared = distances(self._scaled[rows], places / self.parameters.lengths[self.groups])
        return np.asarray(self.parameters.signal * matern(squared)[0] + LEVEL)

    def forward(self, right: Array) -> Array:
        """(rows, n) lower⁻¹ right."""
        return np.asarray(dtrtrs(self.lower, right, lower=1)[0])

    def _backward(self, right: Array) -> Array:
        return np.asarray(dtrtrs(self.lower, right, lower=1, trans=1)[0])

    def predict(self, places: Array) -> tuple[Array, Array]:
        """(places,) mean and sd of f, the noise of a single result not included."""
        cross = self.covariances(places)
        return cross.T @ self.alpha, self.sd(self.forward(cross))

    def sd(self, half: Array) -> Array:
        """(n,) of `forward(covariances(places))`: sd of f at the places."""
        variance = self.parameters.signal + LEVEL - np.einsum("ij,ij->j", half, half)
        return np.asarray(np.sqrt(np.maximum(variance, 1e-12 * (self.parameters.signal + LEVEL))))

    def predict_with_slopes(self, places: Array) -> tuple[Array, Array, Array, Array]:
        """Mean and sd as `predict`, both (places,), and their slopes in the features, both (places, columns)."""
        lengths = self.parameters.lengths[self.groups]
        scaled = places / lengths
        kernel, slope = matern(distances(self._scaled, scaled))
        cross = self.parameters.signal * kernel + LEVEL
        half = self.forward(cross)
        sd = self.sd(half)

        def along(weights: Array) -> Array:
            pull = 2.0 * self.parameters.signal * slope * weights
            return np.asarray((scaled * pull.sum(axis=0)[:, None] - pull.T @ self._scaled) / lengths)

        return cross.T @ self.alpha, sd, along(self.alpha[:, None]), -along(self._backward(half)) / sd[:, None]

    def extended(self, place: Array) -> "Posterior":
        """After one more result at a place (columns,) that equals the mean there: the factor gets one more row."""
        half = self.forward(self.covariances(place[None, :]))[:, 0]
        left = self.parameters.signal + LEVEL + self.parameters.noise - float(half @ half)
        corner = np.sqrt(max(left, self.parameters.noise))
        lower = np.zeros((len(half) + 1, len(half) + 1))
        lower[:-1, :-1], lower[-1, :-1], lower[-1, -1] = self.lower, half, corner
        mean = self.predict(place[None, :])[0]
        return Posterior(
            self.parameters, self.groups, np.vstack([self.features, place]), np.append(self.targets, mean), lower
        )

    def leave_one_out(self) -> tuple[Array, Array]:
        """(rows,) mean and sd of each result, noise included, predicted from all the others.

        Source: Rasmussen and Williams (2006), equation 5.12.
        """
        inverse = _inverse(self.lower)
        spread = 1.0 / np.diag(inverse)
        return self.targets - self.alpha * spread, np.sqrt(spread)


def _cholesky(covariance: Array) -> Array:
    lower, failed = dpotrf(covariance, lower=1, clean=1)
    if failed:  # rounding: rows that are all but equal, and little noise
        jitter = 1e-8 * np.trace(covariance)
        lower, failed = dpotrf(covariance + jitter * np.eye(len(covariance)), lower=1, clean=1)
    if failed:
        raise np.linalg.LinAlgError(f"A covariance must be positive definite, but row {failed} makes it otherwise.")
    return np.asarray(lower)


def _inverse(lower: Array) -> Array:
    half = np.tril(dpotri(lower, lower=1)[0])
    inverse = half + half.T
    inverse.flat[:: len(inverse) + 1] *= 0.5
    return np.asarray(inverse)
