"""First weights of a kernel: drawn with numpy for its *real* size, so padding, packing and compiling can't touch them.

    variance = gain^2 * { He 2/fan_in | Glorot 2/(fan_in+fan_out) | Glorot's 1/fan_in form and LeCun 1/fan_in }

(He et al. 2015; Glorot & Bengio 2010; LeCun et al. 1998; Saxe et al. 2014 for orthogonal; Horzyk, Kayal, Falcão.)
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

HE_FAMILY = ("relu", "leaky_relu", "prelu", "elu", "swish", "gelu", "softplus")


class Init(NamedTuple):
    """How kernels are drawn.

    Attributes:
        kind: one of `hyperparameters.INITS`; "auto" goes by the activation that follows.
        distribution: "normal" or "uniform".
        gain: multiplies the standard deviation.
        value: the constant of kind "constant", the standard deviation of kind "normal".
    """

    kind: str = "auto"
    distribution: str = "normal"
    gain: float = 1.0
    value: float = 0.05


def draw(rng: np.random.Generator, fan_in: int, fan_out: int, init: Init, activation: str) -> NDArray[np.float32]:
    """One kernel (fan_in, fan_out). `activation`: what follows it; "linear" for an output layer."""
    kind = init.kind
    if kind == "auto":
        kind = "he" if activation in HE_FAMILY else "lecun" if activation == "selu" else "glorot"
    if kind == "zero":
        return np.zeros((fan_in, fan_out), np.float32)
    if kind == "constant":
        return np.full((fan_in, fan_out), init.value, np.float32)
    if kind == "orthogonal":
        return orthogonal(rng, fan_in, fan_out, init.gain)
    sigma = init.gain * standard_deviation(kind, fan_in, fan_out, init.value)
    if init.distribution == "uniform":
        bound = math.sqrt(3.0) * sigma
        return rng.uniform(-bound, bound, (fan_in, fan_out)).astype(np.float32)
    return (sigma * rng.standard_normal((fan_in, fan_out))).astype(np.float32)


def standard_deviation(kind: str, fan_in: int, fan_out: int, value: float) -> float:
    """Of a kernel's entries, with a gain of 1.

    >>> standard_deviation("he", 8, 100, 0.05)
    0.5
    """
    return {
        "normal": abs(value),
        "glorot": math.sqrt(2.0 / (fan_in + fan_out)),
        "glorot_in": math.sqrt(1.0 / fan_in),
        "he": math.sqrt(2.0 / fan_in),
        "lecun": math.sqrt(1.0 / fan_in),
    }[kind]


def orthogonal(rng: np.random.Generator, inputs: int, units: int, gain: float) -> NDArray[np.float32]:
    """A kernel whose rows or columns (the fewer) are orthonormal times `gain`, uniform over all such."""
    tall = rng.standard_normal((max(inputs, units), min(inputs, units)))
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diag(r))
    return (gain * (q if inputs >= units else q.T)).astype(np.float32)
