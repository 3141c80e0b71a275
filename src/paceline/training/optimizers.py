"""Ten optimisers as rows of coefficients in one formula:

    m' = bm m + am g
    v' = bv v + av g^2                       (adamax: max(bv v, |g| + e))
    w -= (co m + cm m' + cg g) / (sqrt(sv v' + ei) + eo)         (adamax: / v'; lion: sign of the numerator)

Only a switch over scalars depends on which optimiser a trial uses; the arithmetic on weights is the same for all.
(N1, N2, N4; Kingma & Ba 2015; Dozat 2016; Loshchilov & Hutter 2019; Duchi et al. 2011; Chen et al. 2023.)
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from paceline.hyperparameters import OPTIMIZERS
from paceline.training.hyper import Hyper, Knobs

Array = jax.Array

BETA1_FAMILY = tuple(name in ("adam", "adamw", "nadam", "adamax", "lion") for name in OPTIMIZERS)
ADAMAX, LION = OPTIMIZERS.index("adamax"), OPTIMIZERS.index("lion")


class Rule(NamedTuple):
    """The coefficients of one step; all () float32. `lion` and `adamax` are () bool."""

    bm: Array
    am: Array
    bv: Array
    av: Array
    co: Array
    cm: Array
    cg: Array
    sv: Array
    ei: Array
    eo: Array
    rate: Array
    adamax: Array
    lion: Array


def rule_of(hyper: Hyper, rate: Array, mu: Array, log_mu: Array, t: Array) -> Rule:
    """Coefficients of step `t`.

    Args:
        rate: () the step's learning rate, from schedules.learning_rate.
        mu: () momentum or beta1 (whichever the optimiser has) now; `log_mu` its logarithm, precise near 1.
        t: () int32, counted from 1.
    """
    knobs = Knobs(hyper)
    time = t.astype(jnp.float32)
    zero, one = jnp.float32(0), jnp.float32(1)
    ei, eo = knobs.epsilon_in, knobs.epsilon_out
    rest1, rest2 = -jnp.expm1(log_mu), knobs.one_minus_beta2
    # 1 - beta^t: expm1 keeps its digits where beta is close to 1.
    correction1 = -jnp.expm1(time * log_mu)
    correction1_next = -jnp.expm1((time + 1) * log_mu)
    sv = 1 / -jnp.expm1(time * knobs.log_beta2)
    beta2 = knobs.beta2
    corrected = knobs.momentum_form == 2
    plain = {"bv": zero, "av": zero, "sv": zero, "ei": zero, "eo": one}
    adaptive = {"ei": ei, "eo": eo}

    def row(**given: Array) -> tuple[Array, ...]:
        names = ("bm", "am", "bv", "av", "co", "cm", "cg", "sv", "ei", "eo")
        return tuple(jnp.asarray(given.get(name, zero), jnp.float32) for name in names)

    def momentum() -> tuple[Array, ...]:
        heavy = row(bm=mu, am=rate, cm=one, **plain)
        mean = row(bm=mu, am=rest1, cm=jnp.where(corrected, rate / correction1, rate), **plain)
        return tuple(jnp.where(knobs.momentum_form == 0, a, b) for a, b in zip(heavy, mean, strict=True))

    moments = {"bm": mu, "am": rest1, "bv": beta2, "av": rest2, "sv": sv}
    rows = {
        "sgd": lambda: row(cg=rate, **plain),
        "momentum": momentum,
        "nesterov": lambda: row(bm=mu, am=rate, cm=mu, cg=rate, **plain),
        "rmsprop": lambda: row(bv=knobs.rho, av=knobs.one_minus_rho, cg=rate, sv=one, **adaptive),
        "adam": lambda: row(cm=rate / correction1, **moments, **adaptive),
        "nadam": lambda: row(cm=rate * mu / correction1_next, cg=rate * rest1 / correction1, **moments, **adaptive),
        "adamax": lambda: row(bm=mu, am=rest1, bv=beta2, cm=rate / correction1, ei=eo + ei),
        "adamw": lambda: row(cm=rate / correction1, **moments, **adaptive),
        "adagrad": lambda: row(bv=one, av=one, cg=rate, sv=one, **adaptive),
        "lion": lambda: row(bm=beta2, am=rest2, co=mu, cg=rest1, **plain),
    }
    chosen = jax.lax.switch(knobs.optimizer, [rows[name] for name in OPTIMIZERS])
    return Rule(*chosen, rate, knobs.optimizer == ADAMAX, knobs.optimizer == LION)


def start_of(hyper: Hyper) -> tuple[Array, Array]:
    """(start value, its logarithm) of what a momentum schedule moves: beta1 of the adam family, else momentum."""
    knobs = Knobs(hyper)
    family = jnp.array(BETA1_FAMILY)[knobs.optimizer]
    return (
        jnp.where(family, knobs.beta1, knobs.momentum),
        jnp.where(family, knobs.log_beta1, knobs.log_momentum),
    )


def update(rule: Rule, w: Array, g: Array, m: Array, v: Array, decay: Array) -> tuple[Array, Array, Array]:
    """One optimiser step of one weight array; returns (w, m, v).

    Args:
        g: gradient, penalties included, clipped.
        decay: () decoupled weight decay of this array; w shrinks by rate * decay first.
    """
    m_new = rule.bm * m + rule.am * g
    size = jnp.abs(g)
    v_new = jnp.where(rule.adamax, jnp.maximum(rule.bv * v, size + rule.ei), rule.bv * v + rule.av * (g * g))
    root = jnp.where(rule.adamax, v_new, jnp.sqrt(v_new * rule.sv + rule.ei) + rule.eo)
    numerator = rule.co * m + rule.cm * m_new + rule.cg * g
    change = jnp.where(rule.lion, rule.rate * jnp.sign(numerator), numerator / root)
    return w * (1 - rule.rate * decay) - change, m_new, v_new
