"""Learning-rate and momentum schedules as one switch over scalars.

Time t counts epochs (or steps) from 0. A trial first warms up, then holds its first rate, then falls by the rule;
s = max(0, t - warmup - hold) is the time since the fall began and S the time it has. (Kayal, Rafatirad, Falcão; Smith
2018 for one-cycle.)
"""

import jax
import jax.numpy as jnp

from paceline.hyperparameters import SCHEDULES
from paceline.training.arguments import TrialArguments, read

Array = jax.Array

ONE_CYCLE_RISE, ONE_CYCLE_START, ONE_CYCLE_END = 0.3, 25.0, 1e4


def learning_rate(
    arguments: TrialArguments, epoch: Array, step: Array, steps_per_epoch: Array, plateau: Array
) -> Array:
    """The rate of one step.

    Args:
        epoch, step: () int32, both from 0; step counts over the whole run.
        steps_per_epoch: () int32.
        plateau: () float32, product of the cuts of reduce-on-plateau so far.
    """
    given = read(arguments)
    by_step = given.schedule_unit_step > 0
    unit = jnp.where(by_step, steps_per_epoch, 1).astype(jnp.float32)
    t = jnp.where(by_step, step, epoch).astype(jnp.float32)
    total = given.epochs.astype(jnp.float32) * unit
    warmup = given.warmup_epochs * unit
    since = jnp.maximum(t - warmup - given.hold_epochs * unit, 0.0)
    span = jnp.maximum(total - warmup - given.hold_epochs * unit, 1.0)
    share = jnp.minimum(since / span, 1.0)
    rate, k = given.learning_rate, given.schedule_rate

    # All rules are computed and one is picked: a dozen scalar operations cost less than a branch.
    rules = {
        "constant": rate,
        "step": rate * jnp.power(given.schedule_drop, jnp.floor(since / given.schedule_every)),
        "exponential": rate * jnp.power(k, since),
        "inverse_time": rate / (1 + k * since),
        "inverse_root": rate * k / jnp.sqrt(since + 1),
        "power": rate / jnp.power(since + 1, given.schedule_power),
        "linear": rate * (1 - (1 - given.schedule_end) * share),
        "cosine": rate * (given.schedule_end + (1 - given.schedule_end) * 0.5 * (1 + jnp.cos(jnp.pi * share))),
        "one_cycle": _one_cycle(rate, t, total),
        "manual": _last_point(arguments.points, epoch, rate),
        "plateau": rate * plateau,
    }
    result = _picked(given.schedule, [rules[name] for name in SCHEDULES])
    rising = (t < warmup) & (given.schedule != SCHEDULES.index("one_cycle"))
    return jnp.where(rising, rate * (t + 1) / (warmup + 1), result)


def _one_cycle(rate: Array, t: Array, total: Array) -> Array:
    """Cosine rise from rate/25 to rate, then cosine fall to rate/25/1e4, as torch's OneCycleLR."""
    start, end = rate / ONE_CYCLE_START, rate / ONE_CYCLE_START / ONE_CYCLE_END
    top = ONE_CYCLE_RISE * total - 1
    last = total - 1

    def between(a: Array, b: Array, share: Array) -> Array:
        return b + (a - b) * 0.5 * (1 + jnp.cos(jnp.pi * jnp.clip(share, 0.0, 1.0)))

    rise = between(start, rate, t / jnp.maximum(top, 1e-6))
    fall = between(rate, end, (t - top) / jnp.maximum(last - top, 1e-6))
    return jnp.where(t <= top, rise, fall)


def _last_point(points: Array, epoch: Array, before: Array) -> Array:
    """The level of the last (epoch, level) pair that has begun; `before` until the first has."""
    begun = points[:, 0] <= epoch.astype(jnp.float32)
    index = jnp.sum(begun.astype(jnp.int32)) - 1
    return jnp.where(index >= 0, points[jnp.maximum(index, 0), 1], before)


def momentum(arguments: TrialArguments, start: Array, epoch: Array) -> Array:
    """Momentum (or beta1) of one epoch, `start` being its first value."""
    given = read(arguments)
    share = epoch.astype(jnp.float32) / jnp.maximum(given.epochs - 1, 1).astype(jnp.float32)
    rules = [
        start,
        start + (given.momentum_end - start) * jnp.minimum(share, 1.0),
        _last_point(arguments.momentum_points, epoch, start),
    ]
    return _picked(given.momentum_schedule, rules)


def _picked(kind: Array, values: list[Array]) -> Array:
    result = values[0]
    for index, value in enumerate(values[1:], start=1):
        result = jnp.where(kind == index, value, result)
    return result
