"""Ten optimisers as one formula and a table of its coefficients:

    m' = bm m + am g
    v' = bv v + av g^2        adamax: max(bv v, |g| + ei);  lion: co m + cg g
    w -= (cm m' + cg g) / (sqrt(sv v' + ei) + eo)             adamax: / v';  lion: rate * sign(v')

A coefficient is a sum over a few terms that change from step to step, times constants of the trial: the table.
So no branch depends on which optimiser a trial uses. (Kayal, Rafatirad, Falcão; Kingma & Ba 2015; Dozat 2016;
Loshchilov & Hutter 2019; Duchi et al. 2011; Chen et al. 2023.)
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from paceline.hyperparameters import EPSILON, OPTIMIZERS, Hyperparameters

Array = jax.Array

COEFFICIENTS = ("bm", "am", "bv", "av", "co", "cm", "cg", "sv", "ei", "eo")
TERMS = (
    "one",
    "rate",  # the step's learning rate
    "mu",  # momentum or beta1 now
    "rest",  # 1 - mu
    "rate/c",  # c = 1 - mu^t, the bias correction of the first moment
    "rate*mu/c+",  # c+ = 1 - mu^(t+1)
    "rate*rest/c",
    "1/c2",  # c2 = 1 - beta2^t
)
MOMENT_FAMILY = ("adam", "adamw", "nadam", "adamax", "lion")
ADAMAX, LION = OPTIMIZERS.index("adamax"), OPTIMIZERS.index("lion")

Row = Mapping[str, Mapping[str, float]]


def first_moment(config: Hyperparameters) -> float:
    """What a momentum schedule moves: beta1 of the adam family, else momentum."""
    return config.beta1 if config.optimizer in MOMENT_FAMILY else config.momentum


def table_of(config: Hyperparameters) -> NDArray[np.float32]:
    """(len(COEFFICIENTS), len(TERMS)) float32: a configuration's row of the table of optimisers."""
    table = np.zeros((len(COEFFICIENTS), len(TERMS)), np.float32)
    for coefficient, terms in row_of(config).items():
        for term, value in terms.items():
            table[COEFFICIENTS.index(coefficient), TERMS.index(term)] = value
    return table


def row_of(config: Hyperparameters) -> Row:
    """The table of optimisers. Differences like 1 - beta2 are formed in double precision."""
    epsilon = config.epsilon if config.epsilon is not None else EPSILON.get(config.optimizer, 1e-8)
    inside = {"ei": {"one": epsilon}} if config.epsilon_inside else {"eo": {"one": epsilon}}
    plain: Row = {"eo": {"one": 1.0}}
    moments: Row = {
        "bm": {"mu": 1.0},
        "am": {"rest": 1.0},
        "bv": {"one": config.beta2},
        "av": {"one": 1 - config.beta2},
        "sv": {"1/c2": 1.0},
    }
    adam: Row = {**moments, **inside, "cm": {"rate/c": 1.0}}
    momentum: dict[str, Row] = {
        "heavy_ball": {"bm": {"mu": 1.0}, "am": {"rate": 1.0}, "cm": {"one": 1.0}},
        "ewa": {"bm": {"mu": 1.0}, "am": {"rest": 1.0}, "cm": {"rate": 1.0}},
        "ewa_corrected": {"bm": {"mu": 1.0}, "am": {"rest": 1.0}, "cm": {"rate/c": 1.0}},
    }
    rmsprop: Row = {"bv": {"one": config.rho}, "av": {"one": 1 - config.rho}, "cg": {"rate": 1.0}, "sv": {"one": 1.0}}
    rows: dict[str, Row] = {
        "sgd": {"cg": {"rate": 1.0}, **plain},
        "momentum": {**momentum[config.momentum_form], **plain},
        "nesterov": {"bm": {"mu": 1.0}, "am": {"rate": 1.0}, "cm": {"mu": 1.0}, "cg": {"rate": 1.0}, **plain},
        "rmsprop": {**rmsprop, **inside},
        "adam": adam,
        "adamw": adam,
        "nadam": {**moments, **inside, "cm": {"rate*mu/c+": 1.0}, "cg": {"rate*rest/c": 1.0}},
        "adamax": {
            "bm": {"mu": 1.0},
            "am": {"rest": 1.0},
            "bv": {"one": config.beta2},
            "cm": {"rate/c": 1.0},
            "ei": {"one": epsilon},
        },
        "adagrad": {"bv": {"one": 1.0}, "av": {"one": 1.0}, "cg": {"rate": 1.0}, "sv": {"one": 1.0}, **inside},
        "lion": {
            "bm": {"one": config.beta2},
            "am": {"one": 1 - config.beta2},
            "co": {"mu": 1.0},
            "cg": {"rest": 1.0},
        },
    }
    return rows[config.optimizer]


class Rule(NamedTuple):
    """One step's coefficients (len(COEFFICIENTS),) float32, its rate () float32, and two () bools."""

    coefficients: Array
    rate: Array
    adamax: Array
    lion: Array

    def of(self, name: str) -> Array:
        return self.coefficients[COEFFICIENTS.index(name)]


def rule_of(table: Array, optimizer: Array, rate: Array, mu: Array, log_mu: Array, log_beta2: Array, t: Array) -> Rule:
    """Coefficients of step `t`.

    Args:
        table: from `table_of`; optimizer: () int32, index into OPTIMIZERS.
        rate: () the step's learning rate, from schedules.learning_rate.
        mu: () momentum or beta1 now; log_mu, log_beta2: () logarithms, taken in double where they are constant.
        t: () int32, counted from 1.
    """
    time = t.astype(jnp.float32)
    # 1 - beta^t: expm1 keeps its digits where beta is close to 1.
    rest, c, c_next = (-jnp.expm1(power * log_mu) for power in (jnp.float32(1), time, time + 1))
    c2 = -jnp.expm1(time * log_beta2)
    terms = {
        "one": jnp.float32(1),
        "rate": rate,
        "mu": mu,
        "rest": rest,
        "rate/c": rate / c,
        "rate*mu/c+": rate * mu / c_next,
        "rate*rest/c": rate * rest / c,
        "1/c2": 1 / c2,
    }
    basis = jnp.stack([terms[name] for name in TERMS])
    # Each coefficient has at most one term, so the sum over terms is exact.
    coefficients = jnp.sum(table * basis[None, :], axis=1)
    return Rule(coefficients, rate, optimizer == ADAMAX, optimizer == LION)


def update(
    rule: Rule, w: Array, g: Array, m: Array, v: Array, decay: Array | float, *, extended: bool
) -> tuple[Array, Array, Array]:
    """One optimiser step of one weight array; returns (w, m, v).

    Args:
        g: gradient, penalties included, clipped.
        extended: adamax and lion are possible too; each operation here costs time on every weight.
        decay: () decoupled weight decay of this array; w shrinks by rate * decay first.
    """
    m_new = rule.of("bm") * m + rule.of("am") * g
    v_new = rule.of("bv") * v + rule.of("av") * (g * g)
    numerator = rule.of("cm") * m_new + rule.of("cg") * g
    kept = w * (1 - rule.rate * decay)
    if not extended:
        return kept - numerator / (jnp.sqrt(rule.of("sv") * v_new + rule.of("ei")) + rule.of("eo")), m_new, v_new
    largest = jnp.maximum(rule.of("bv") * v, jnp.abs(g) + rule.of("ei"))
    v_new = jnp.where(rule.adamax, largest, jnp.where(rule.lion, rule.of("co") * m + rule.of("cg") * g, v_new))
    root = jnp.where(rule.adamax, v_new, jnp.sqrt(rule.of("sv") * v_new + rule.of("ei")) + rule.of("eo"))
    change = jnp.where(rule.lion, rule.rate * jnp.sign(v_new), numerator / root)
    return kept - change, m_new, v_new
