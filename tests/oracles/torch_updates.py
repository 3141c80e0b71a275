"""What a step does with a gradient, written plainly for the oracle: clip, decay, update, constrain; and when, how fast.

`step` applies one update in this order, on float64 tensors (or float32, to learn what rounding alone does):

    g = gradient of data loss + activity penalty (the caller's), + penalties, clipped by value, clipped by norm
    w -= rate * decay * w               kernels only, with the old w
    w -= what the optimiser makes of g
    w *= weight_rescale                 kernels only
    w = max-norm of w                   kernels only, each unit's incoming column

Written from the definitions, one branch a rule, without a look at Paceline's engine. Nothing here is fast.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from paceline.hyperparameters import EPSILON
from paceline.net.dense.hyperparameters import DenseHyperparameters

KERNELS = ("kernel", "projection")
BIASES = ("bias",)
BETA1_OPTIMIZERS = ("adam", "adamw", "nadam", "adamax", "lion")


@dataclass
class Parameter:
    """One trained array: its name ("kernel", "bias", ...), its value, and what the optimiser remembers of it."""

    name: str
    value: Tensor
    memory: dict[str, Tensor] = field(default_factory=dict)

    def remember(self, key: str) -> Tensor:
        """The remembered tensor of that name; zeros the first time."""
        return self.memory.setdefault(key, torch.zeros_like(self.value))


def penalty_gradient(config: DenseHyperparameters, parameter: Parameter, rows: int) -> Tensor:
    """Gradient of the L1 and L2 penalties; `rows` is the number of training rows."""
    w = parameter.value
    if parameter.name in KERNELS:
        l1, l2 = config.l1, config.l2
    elif parameter.name in BIASES:
        l1, l2 = config.bias_l1, config.bias_l2
    else:
        return torch.zeros_like(w)
    if config.penalty_scale == "per_row":  # lambda/(2m) sum w^2 and lambda/(2m) sum |w|
        return l2 / rows * w + l1 / (2 * rows) * torch.sign(w)
    return 2 * l2 * w + l1 * torch.sign(w)


def max_norm(kernel: Tensor, limit: float) -> Tensor:
    """Keras's MaxNorm(limit, axis=0) on a (inputs, units) kernel."""
    norms = torch.sqrt((kernel**2).sum(0, keepdim=True))
    return kernel * (torch.clamp(norms, 0, limit) / (1e-7 + norms))


def optimizer_change(
    config: DenseHyperparameters, parameter: Parameter, g: Tensor, *, rate: float, momentum: float, beta1: float, t: int
) -> Tensor:
    """What the optimiser subtracts from the weight at step t (counted from 1); `momentum`, `beta1`: of this epoch."""
    kind = config.optimizer
    if kind == "sgd":
        return rate * g
    if kind in ("momentum", "nesterov"):
        return _momentum_change(config, parameter, g, rate=rate, mu=momentum, t=t)
    epsilon = config.epsilon if config.epsilon is not None else EPSILON.get(kind, 0.0)

    def root(v: Tensor) -> Tensor:
        return torch.sqrt(v + epsilon) if config.epsilon_inside else torch.sqrt(v) + epsilon

    if kind == "rmsprop":
        s = parameter.remember("s")
        s.copy_(config.rho * s + (1 - config.rho) * g**2)
        return rate * g / root(s)
    if kind == "adagrad":
        s = parameter.remember("s")
        s.copy_(s + g**2)
        return rate * g / root(s)
    m = parameter.remember("m")
    if kind == "lion":
        direction = torch.sign(beta1 * m + (1 - beta1) * g)
        m.copy_(config.beta2 * m + (1 - config.beta2) * g)
        return rate * direction
    m.copy_(beta1 * m + (1 - beta1) * g)
    if kind == "adamax":
        s = parameter.remember("s")
        s.copy_(torch.maximum(config.beta2 * s, g.abs() + epsilon))
        return rate / (1 - beta1**t) * m / s
    v = parameter.remember("v")
    v.copy_(config.beta2 * v + (1 - config.beta2) * g**2)
    v_hat = v / (1 - config.beta2**t)
    if kind in ("adam", "adamw"):
        return rate * (m / (1 - beta1**t)) / root(v_hat)
    if kind == "nadam":  # optax's: the Nesterov step taken on the corrected moment
        m_hat = beta1 * m / (1 - beta1 ** (t + 1)) + (1 - beta1) * g / (1 - beta1**t)
        return rate * m_hat / root(v_hat)
    raise ValueError(kind)


def _momentum_change(
    config: DenseHyperparameters, parameter: Parameter, g: Tensor, *, rate: float, mu: float, t: int
) -> Tensor:
    m = parameter.remember("m")
    if config.optimizer == "nesterov":
        m.copy_(mu * m + rate * g)
        return rate * g + mu * m
    if config.momentum_form == "heavy_ball":  # the rate is inside what is remembered
        m.copy_(mu * m + rate * g)
        return m.clone()
    m.copy_(mu * m + (1 - mu) * g)
    return rate * m / (1 - mu**t) if config.momentum_form == "ewa_corrected" else rate * m


def step(
    config: DenseHyperparameters, parameters: list[Parameter], gradients: list[Tensor], *, rate: float, epoch: int,
    epochs: int, t: int, rows: int,
) -> None:  # fmt: skip
    """One update in place.

    Args:
        parameters: all trained arrays of the net.
        gradients: of data loss and activity penalty, one a parameter.
        rate: learning rate of this step.
        epoch, epochs: epoch counted from 0, and how many there will be (momentum schedules).
        t: steps so far, counted from 1.
        rows: number of training rows (penalties).
    """
    holders = [torch.zeros_like(p.value).requires_grad_() for p in parameters]  # so that torch's own clipping serves
    for holder, parameter, gradient in zip(holders, parameters, gradients, strict=True):
        holder.grad = gradient + penalty_gradient(config, parameter, rows)
    if config.clip_value is not None:
        torch.nn.utils.clip_grad_value_(holders, config.clip_value)
    if config.clip_norm is not None:
        torch.nn.utils.clip_grad_norm_(holders, config.clip_norm)
    decay = config.weight_decay if config.weight_decay is not None else 0.01 if config.optimizer == "adamw" else 0.0
    momentum, beta1 = momentum_at(config, epoch, epochs)
    for holder, parameter in zip(holders, parameters, strict=True):
        g = holder.grad
        assert g is not None
        w = parameter.value
        change = optimizer_change(config, parameter, g, rate=rate, momentum=momentum, beta1=beta1, t=t)
        if parameter.name in KERNELS:
            w = w - rate * decay * w
        w = w - change
        if parameter.name in KERNELS:
            w = w * config.weight_rescale
            if config.max_norm is not None:
                w = max_norm(w, config.max_norm)
        parameter.value = w


def momentum_at(config: DenseHyperparameters, epoch: int, epochs: int) -> tuple[float, float]:
    """(momentum, beta1) of an epoch: the one that the optimiser uses follows `momentum_schedule`."""
    start = config.beta1 if config.optimizer in BETA1_OPTIMIZERS else config.momentum
    now = start
    if config.momentum_schedule == "linear" and epochs > 1:
        now = start + (config.momentum_end - start) * epoch / (epochs - 1)
    if config.momentum_schedule == "manual":
        now = point_at(config.momentum_points, epoch, start)
    if config.optimizer in BETA1_OPTIMIZERS:
        return config.momentum, now
    return now, config.beta1


def point_at(points: tuple[tuple[float, float], ...], epoch: int, start: float) -> float:
    """The value of the last point whose epoch has come; `start` before the first."""
    value = start
    for begins, level in points:
        if begins <= epoch:
            value = level
    return value


class Rates:
    """The learning rate of every step. `after_epoch` tells it the dev loss, which only plateau heeds."""

    def __init__(self, config: DenseHyperparameters, epochs: int, steps: int) -> None:
        """`steps`: steps an epoch."""
        self.config = config
        self.steps = steps
        by_step = config.schedule_unit == "step"
        self.total = epochs * steps if by_step else epochs
        self.warmup = config.warmup_epochs * (steps if by_step else 1)
        self.hold = config.hold_epochs * (steps if by_step else 1)
        self._dummy = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=config.learning_rate)
        self._plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            self._dummy, mode="min", factor=config.plateau_factor, patience=config.plateau_patience, threshold=1e-4
        )
        self._one_cycle = one_cycle(config.learning_rate, self.total) if config.schedule == "one_cycle" else []

    def at(self, epoch: int, step: int) -> float:
        """Rate of a step, both counted from 0, `step` over all epochs."""
        config, lr = self.config, self.config.learning_rate
        t = step if config.schedule_unit == "step" else epoch
        if config.schedule == "one_cycle":
            return self._one_cycle[t]
        if t < self.warmup:
            return lr * (t + 1) / (self.warmup + 1)
        s = max(0.0, t - self.warmup - self.hold)
        k = config.schedule_rate
        match config.schedule:
            case "constant":
                return lr
            case "step":
                return lr * config.schedule_drop ** math.floor(s / config.schedule_every)
            case "exponential":
                return lr * (0.95 if k is None else k) ** s
            case "inverse_time":
                return lr / (1 + (1.0 if k is None else k) * s)
            case "inverse_root":
                return (1.0 if k is None else k) * lr / math.sqrt(s + 1)
            case "power":
                return lr / (s + 1) ** config.schedule_power
            case "linear":
                return lr * (1 - (1 - config.schedule_end) * self._share(s))
            case "cosine":
                end = config.schedule_end
                return lr * (end + (1 - end) * (1 + math.cos(math.pi * self._share(s))) / 2)
            case "manual":
                return point_at(config.schedule_points, epoch, lr)
            case "plateau":
                return float(self._dummy.param_groups[0]["lr"])
        raise ValueError(config.schedule)

    def _share(self, s: float) -> float:
        return min(1.0, s / max(1.0, self.total - self.warmup - self.hold))

    def after_epoch(self, dev_loss: float) -> None:
        self._plateau.step(dev_loss)


def one_cycle(greatest: float, total: int) -> list[float]:
    """Torch's one-cycle rates, one a step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=greatest)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=greatest, total_steps=total, pct_start=0.3, anneal_strategy="cos", div_factor=25.0,
        final_div_factor=1e4, cycle_momentum=False,
    )  # fmt: skip
    rates = []
    for number in range(total):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if number < total - 1:
            cycle.step()
    return rates
