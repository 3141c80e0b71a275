"""A Gaussian process: what is expected at places not yet tried, and how surely.

    y = f(x) + noise,    f ~ GP(0, k),    k(x, x′) = s² m(r) + c,    m(r) = (1 + √5 r + 5/3 r²) exp(-√5 r)

with r² = Σ (x_j - x′_j)² / ℓ_g(j)²: Matérn 5/2 with one length ℓ for each group of columns, so that a group of no
influence gets a long one (automatic relevance). c is the doubt about the mean of all targets.

    fit(...)                lengths, s² and noise with the highest posterior density: multi-start L-BFGS
    Posterior(...)          mean and sd anywhere, with slopes
    posterior.extended(x)   the same after an imagined result at x that equals its mean (kriging believer)

The prior of a length grows with the square root of their number, because distances do: a model of many
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

LENGTH_MEAN, LENGTH_SD = np.sqrt(2.0), np.sqrt(3.0)
"""Of the logarithm of a length, less half the logarithm of their number (Hvarfner et al. 2024)."""

NOISE_MEAN, NOISE_SD = -4.0, 1.0
SIGNAL_MEAN, SIGNAL_SD = 0.0, 1.0
"""Of the logarithms of the two variances; targets have variance 1."""

LEVEL = 1.0
"""c, the prior variance of the mean of all targets."""

BOUNDS = {"lengths": (0.02, 1e3), "signal": (0.05, 20.0), "noise": (1e-6, 2.0)}
"""The least noise is also what keeps the covariance positive definite."""

STARTS = ((1.0, 0.02), (0.25, 0.02), (1.0, 0.3))
"""(length as a multiple of its prior's median at one group, noise) that L-BFGS begins from."""

FEW = 80
"""With more rows than this, starts are tried on so many of them and only the best is carried on with all."""


@dataclass(frozen=True)
class Hyper:
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
    def of(theta: Array) -> "Hyper":
        values = np.exp(theta)
        return Hyper(values[:-2], float(values[-2]), float(values[-1]))


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
        theta: (groups + 2,) see `Hyper.theta`.
        features: (rows, columns).
        groups: (columns,) number of each column's length.
        targets: (rows,).
    """
    hyper = Hyper.of(theta)
    scaled = features / hyper.lengths[groups]
    squared = distances(scaled, scaled)
    np.fill_diagonal(squared, 0.0)
    kernel, slope = matern(squared)
    covariance = hyper.signal * kernel + LEVEL
    covariance.flat[:: len(covariance) + 1] += hyper.noise
    lower = _cholesky(covariance)
    inverse = _inverse(lower)
    alpha = inverse @ targets
    value = -0.5 * targets @ alpha - np.log(np.diag(lower)).sum() - 0.5 * len(targets) * np.log(2.0 * np.pi)

    # dL = tr((α αᵀ - K⁻¹) dK) / 2;  dr²/d log ℓ = -2 (difference / ℓ)² for the columns of the group.
    weights = np.outer(alpha, alpha) - inverse
    pull = weights * slope * hyper.signal
    columns = 2.0 * (pull.sum(axis=1) @ scaled**2) - 2.0 * np.einsum("ij,ij->j", scaled, pull @ scaled)
    lengths = np.bincount(groups, weights=-columns, minlength=len(hyper.lengths))
    signal = 0.5 * hyper.signal * np.vdot(weights, kernel)
    noise = 0.5 * hyper.noise * np.trace(weights)
    return float(value), np.concatenate([lengths, [signal, noise]])


def log_prior(theta: Array) -> tuple[float, Array]:
    """Logarithm of the prior density of (lengths, signal, noise), without its constant, and slopes in theta.

    All three are log-normal; densities are of the quantities, not of their logarithms, so modes lie low.
    """
    groups = len(theta) - 2
    mean = np.full(len(theta), LENGTH_MEAN + 0.5 * np.log(max(groups, 1)))
    sd = np.full(len(theta), LENGTH_SD)
    mean[-2:], sd[-2:] = (SIGNAL_MEAN, NOISE_MEAN), (SIGNAL_SD, NOISE_SD)
    off = (theta - mean) / sd
    return float(-0.5 * off @ off - theta.sum()), -off / sd - 1.0


def fit(features: Array, groups: Groups, targets: Array) -> Hyper:
    """Lengths, signal and noise of the highest posterior density.

    Args:
        features: (rows, columns) about in [0, 1].
        groups: (columns,) number of each column's length; numbers run from 0 without gaps.
        targets: (rows,) mean 0 and variance 1, or all 0; the order should not follow the features.
    """
    count = int(groups.max()) + 1 if len(groups) else 0
    low, high = np.log([BOUNDS["lengths"]] * count + [BOUNDS["signal"], BOUNDS["noise"]]).T
    median = np.exp(LENGTH_MEAN - 1.5) * np.sqrt(max(count, 1))
    starts = [Hyper(np.full(count, median * times), 1.0, noise).theta for times, noise in STARTS]

    def climbed(start: Array, rows: slice, steps: int) -> tuple[float, Array]:
        def loss(theta: Array) -> tuple[float, Array]:
            likely, slope = log_likelihood(theta, features[rows], groups, targets[rows])
            prior, pull = log_prior(theta)
            return -likely - prior, -slope - pull

        found = minimize(
            loss, np.clip(start, low, high), jac=True, method="L-BFGS-B",
            bounds=list(zip(low, high, strict=True)), options={"maxiter": steps},
        )  # fmt: skip
        return float(found.fun), np.asarray(found.x)

    some = slice(None, None, max(1, -(-len(targets) // FEW)))
    best = min((climbed(start, some, 25) for start in starts), key=lambda pair: pair[0])[1]
    if len(targets) > FEW:
        best = climbed(best, slice(None), 8)[1]
    return Hyper.of(best)


@dataclass(frozen=True)
class Posterior:
    """The process, given results.

    Attributes:
        hyper: see `Hyper`.
        groups: (columns,) number of each column's length.
        features: (rows, columns) where results are known.
        targets: (rows,) the results.
        lower: (rows, rows) Cholesky factor of their covariance, noise on its diagonal.
    """

    hyper: Hyper
    groups: Groups
    features: Array
    targets: Array
    lower: Array

    @staticmethod
    def given(hyper: Hyper, groups: Groups, features: Array, targets: Array) -> "Posterior":
        """Of results and fitted quantities."""
        scaled = features / hyper.lengths[groups]
        covariance = hyper.signal * matern(distances(scaled, scaled))[0] + LEVEL
        np.fill_diagonal(covariance, hyper.signal + LEVEL + hyper.noise)
        return Posterior(hyper, groups, features, targets, _cholesky(covariance))

    @cached_property
    def alpha(self) -> Array:
        """(rows,) covariance⁻¹ targets."""
        return self._backward(self.forward(self.targets[:, None]))[:, 0]

    @cached_property
    def _scaled(self) -> Array:
        return self.features / self.hyper.lengths[self.groups]

    def covariances(self, places: Array, rows: slice = slice(None)) -> Array:
        """(rows, places) k between the known rows (or some of them) and other places."""
        squared = distances(self._scaled[rows], places / self.hyper.lengths[self.groups])
        return np.asarray(self.hyper.signal * matern(squared)[0] + LEVEL)

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
        variance = self.hyper.signal + LEVEL - np.einsum("ij,ij->j", half, half)
        return np.asarray(np.sqrt(np.maximum(variance, 1e-12 * (self.hyper.signal + LEVEL))))

    def predict_with_slopes(self, places: Array) -> tuple[Array, Array, Array, Array]:
        """Mean and sd as `predict`, both (places,), and their slopes in the features, both (places, columns)."""
        lengths = self.hyper.lengths[self.groups]
        scaled = places / lengths
        kernel, slope = matern(distances(self._scaled, scaled))
        cross = self.hyper.signal * kernel + LEVEL
        half = self.forward(cross)
        sd = self.sd(half)

        def along(weights: Array) -> Array:
            pull = 2.0 * self.hyper.signal * slope * weights
            return np.asarray((scaled * pull.sum(axis=0)[:, None] - pull.T @ self._scaled) / lengths)

        return cross.T @ self.alpha, sd, along(self.alpha[:, None]), -along(self._backward(half)) / sd[:, None]

    def extended(self, place: Array) -> "Posterior":
        """After one more result at a place (columns,) that equals the mean there: the factor gets one more row."""
        half = self.forward(self.covariances(place[None, :]))[:, 0]
        left = self.hyper.signal + LEVEL + self.hyper.noise - float(half @ half)
        corner = np.sqrt(max(left, self.hyper.noise))
        lower = np.zeros((len(half) + 1, len(half) + 1))
        lower[:-1, :-1], lower[-1, :-1], lower[-1, -1] = self.lower, half, corner
        mean = self.predict(place[None, :])[0]
        return Posterior(
            self.hyper, self.groups, np.vstack([self.features, place]), np.append(self.targets, mean), lower
        )

    def left_out(self) -> tuple[Array, Array]:
        """(rows,) mean and sd of each result, noise included, foretold from all the others.

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
