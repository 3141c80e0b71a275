"""Single parts of the engine beside torch's and optax's own: optimisers, schedules, activations, norm, first weights.

`torch_dense` is a second writing of the definitions; here the other side is code that others wrote. All but the
activations and the first weights are reached through training, so what is tested is what trials get.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
import torch.nn.functional as F
from closeness import apart
from ground import compiled_batch_rows
from numpy.typing import NDArray

from paceline.hyperparameters import ACTIVATION_ALPHA, ACTIVATIONS, SCHEDULES
from paceline.net.dense.hyperparameters import resolve
from paceline.net.dense.initializers import initial_weights
from paceline.numerics.activations import activate, form_of
from paceline.records import COLUMNS
from paceline.runs import train_arrays

pytestmark = pytest.mark.compiles

ROWS, INPUTS, OUTPUTS, EPOCHS, RATE = 53, 5, 2, 12, 0.02
RNG = np.random.default_rng(8)
X = RNG.normal(size=(ROWS, INPUTS)).astype(np.float32)
Y = (X @ RNG.normal(size=(INPUTS, OUTPUTS)) + 0.3).astype(np.float32)
Optimizer = Callable[[Any], torch.optim.Optimizer]


def run_of(epochs: int = EPOCHS, **params: Any) -> Any:
    config = resolve({"learning_rate": RATE, **params}, task="regression")
    return train_arrays(config, X, Y, X, Y, task="regression", seed=3, epochs=epochs)


def linear_run(epochs: int = EPOCHS, **params: Any) -> Any:
    """A linear model on all rows at once: one step an epoch."""
    return run_of(epochs, layers=0, batch_size="all", **params)


def column(run: Any, name: str) -> NDArray[np.float32]:
    values: NDArray[np.float32] = run.measurements[:, COLUMNS.index(name)]
    return values


def first_weights(**params: Any) -> list[dict[str, NDArray[Any]]]:
    return initial_weights(resolve({"layers": 0, **params}), INPUTS, OUTPUTS, 3)


TORCH: list[tuple[dict[str, Any], Optimizer]] = [
    ({"optimizer": "sgd"}, lambda p: torch.optim.SGD(p, lr=RATE)),
    ({"optimizer": "momentum", "momentum": 0.8}, lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.8)),
    (  # the weighted mean is the heavy ball at a rate smaller by 1 - momentum
        {"optimizer": "momentum", "momentum": 0.8, "momentum_form": "ewa"},
        lambda p: torch.optim.SGD(p, lr=RATE * (1 - 0.8), momentum=0.8),
    ),
    ({"optimizer": "nesterov", "momentum": 0.8}, lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.8, nesterov=True)),
    ({"optimizer": "rmsprop", "rho": 0.85}, lambda p: torch.optim.RMSprop(p, lr=RATE, alpha=0.85, eps=1e-8)),
    ({"optimizer": "adam"}, lambda p: torch.optim.Adam(p, lr=RATE)),
    ({"optimizer": "adam", "beta1": 0.7, "beta2": 0.95}, lambda p: torch.optim.Adam(p, lr=RATE, betas=(0.7, 0.95))),
    ({"optimizer": "adamax"}, lambda p: torch.optim.Adamax(p, lr=RATE)),
    ({"optimizer": "adagrad"}, lambda p: torch.optim.Adagrad(p, lr=RATE)),
    (  # torch decays biases too, so they are a group of their own; adamw's decay is .01 where none is given
        {"optimizer": "adamw"},
        lambda p: torch.optim.AdamW([{"params": p[:1]}, {"params": p[1:], "weight_decay": 0.0}], lr=RATE),
    ),
]


@pytest.mark.parametrize(("params", "optimizer"), TORCH, ids=lambda item: str(item) if isinstance(item, dict) else "")
def test_optimizers_equal_torchs(params: dict[str, Any], optimizer: Optimizer) -> None:
    weights = first_weights()[0]
    kernel, bias = (torch.tensor(np.array(weights[name]), requires_grad=True) for name in ("kernel", "bias"))
    stepper = optimizer([kernel, bias])
    for _ in range(EPOCHS):
        stepper.zero_grad()
        F.mse_loss(torch.tensor(X) @ kernel + bias, torch.tensor(Y)).backward()
        stepper.step()
    ours = linear_run(**params).last.params[0]
    assert apart(ours["kernel"], kernel.detach().numpy()) < 1e-5
    assert apart(ours["bias"], bias.detach().numpy()) < 1e-5


OPTAX: list[tuple[dict[str, Any], Any]] = [
    ({"optimizer": "nadam"}, optax.nadam(RATE)),
    ({"optimizer": "lion", "beta2": 0.99}, optax.lion(RATE, b1=0.9, b2=0.99, weight_decay=0.0)),
    (
        {"optimizer": "rmsprop", "rho": 0.85, "epsilon": 1e-4, "epsilon_inside": True},
        optax.rmsprop(RATE, decay=0.85, eps=1e-4, eps_in_sqrt=True),
    ),
    ({"optimizer": "adam", "epsilon": 1e-4, "epsilon_inside": True}, optax.adam(RATE, eps=0.0, eps_root=1e-4)),
    ({"optimizer": "nadam", "epsilon": 1e-4, "epsilon_inside": True}, optax.nadam(RATE, eps=0.0, eps_root=1e-4)),
    ({"optimizer": "sgd", "clip_value": 0.05}, optax.chain(optax.clip(0.05), optax.sgd(RATE))),
    ({"optimizer": "sgd", "clip_norm": 0.3}, optax.chain(optax.clip_by_global_norm(0.3), optax.sgd(RATE))),
]


@pytest.mark.parametrize(("params", "rule"), OPTAX, ids=lambda item: str(item) if isinstance(item, dict) else "")
def test_optimizers_equal_optaxs(params: dict[str, Any], rule: Any) -> None:
    weights = {name: jnp.asarray(first_weights()[0][name]) for name in ("kernel", "bias")}
    state = rule.init(weights)
    slope = jax.grad(lambda w: jnp.mean((jnp.asarray(X) @ w["kernel"] + w["bias"] - jnp.asarray(Y)) ** 2))
    for _ in range(EPOCHS):
        updates, state = rule.update(slope(weights), state, weights)
        weights = optax.apply_updates(weights, updates)
    ours = linear_run(**params).last.params[0]
    for name, value in weights.items():
        assert apart(ours[name], value) < 1e-5


def by_torch(make: Callable[[torch.optim.Optimizer], Any]) -> list[float]:
    """The rates of EPOCHS epochs under a torch scheduler."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=RATE)
    schedule = make(optimizer)
    rates = []
    for number in range(EPOCHS):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        if number < EPOCHS - 1:
            schedule.step()
    return rates


lr = torch.optim.lr_scheduler
EPOCH_NUMBERS = range(EPOCHS)
SCHEDULED: list[tuple[dict[str, Any], list[float]]] = [
    ({"schedule": "constant"}, [RATE] * EPOCHS),
    ({"schedule": "step", "schedule_drop": 0.5, "schedule_every": 3}, by_torch(lambda o: lr.StepLR(o, 3, 0.5))),
    ({"schedule": "exponential", "schedule_rate": 0.8}, by_torch(lambda o: lr.ExponentialLR(o, 0.8))),
    ({"schedule": "exponential"}, by_torch(lambda o: lr.ExponentialLR(o, 0.95))),
    ({"schedule": "inverse_time", "schedule_rate": 0.5}, [RATE / (1 + 0.5 * t) for t in EPOCH_NUMBERS]),
    ({"schedule": "inverse_root", "schedule_rate": 0.5}, [0.5 * RATE / math.sqrt(t + 1) for t in EPOCH_NUMBERS]),
    ({"schedule": "power", "schedule_power": 0.6}, [RATE / (t + 1) ** 0.6 for t in EPOCH_NUMBERS]),
    ({"schedule": "linear", "schedule_end": 0.1}, by_torch(lambda o: lr.LinearLR(o, 1.0, 0.1, EPOCHS))),
    ({"schedule": "cosine", "schedule_end": 0.1}, by_torch(lambda o: lr.CosineAnnealingLR(o, EPOCHS, 0.1 * RATE))),
    (
        {"schedule": "one_cycle"},
        by_torch(lambda o: lr.OneCycleLR(o, RATE, total_steps=EPOCHS, cycle_momentum=False)),
    ),
    ({"schedule": "manual", "schedule_points": [(2, 0.01), (5, 0.03)]}, [RATE] * 2 + [0.01] * 3 + [0.03] * 7),
    (
        {"schedule": "step", "schedule_drop": 0.5, "schedule_every": 2, "warmup_epochs": 3, "hold_epochs": 2},
        [RATE * share for share in (1 / 4, 2 / 4, 3 / 4, 1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.125)],
    ),
]


@pytest.mark.parametrize(("params", "rates"), SCHEDULED, ids=lambda item: str(item) if isinstance(item, dict) else "")
def test_schedules(params: dict[str, Any], rates: list[float]) -> None:
    for unit in ("epoch", "step"):  # one step an epoch, so both units are the same
        assert apart(column(linear_run(schedule_unit=unit, **params), "learning_rate"), rates) < 1e-6


def test_no_schedule_is_forgotten() -> None:
    assert {params["schedule"] for params, _ in SCHEDULED} | {"plateau"} == set(SCHEDULES)


def test_plateau_equals_torchs_on_the_losses_of_the_run() -> None:
    run = linear_run(
        30, schedule="plateau", plateau_patience=1, plateau_factor=0.4, learning_rate=1.2, optimizer="adam"
    )
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.2)
    plateau = lr.ReduceLROnPlateau(optimizer, factor=0.4, patience=1)
    rates = []
    for loss in column(run, "loss"):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        plateau.step(float(loss))
    assert len(set(rates)) > 2
    assert apart(column(run, "learning_rate"), rates) < 1e-6


TORCH_ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "linear": lambda u: u * 1,
    "sigmoid": F.sigmoid,
    "tanh": F.tanh,
    "relu": F.relu,
    "leaky_relu": lambda u: F.leaky_relu(u, 0.01),
    "prelu": lambda u: F.prelu(u, torch.tensor([0.25], dtype=u.dtype)),
    "elu": F.elu,
    "selu": F.selu,
    "swish": F.silu,
    "gelu": F.gelu,
    "softplus": F.softplus,
}


@pytest.mark.parametrize("kind", TORCH_ACTIVATIONS)
def test_activations_equal_torchs(kind: str) -> None:
    points = [-50.0, -1.0, 0.0, 1.0, 50.0]
    u = torch.tensor(points, dtype=torch.float64, requires_grad=True)
    values = TORCH_ACTIVATIONS[kind](u)
    (slopes,) = torch.autograd.grad(values.sum(), u)
    none = jnp.float32(0)

    def ours(u: jax.Array) -> jax.Array:
        form, alpha, scale = form_of(kind, ACTIVATION_ALPHA.get(kind, 0.0))
        cells = u[:, None]
        ones = jnp.ones(len(points)), jnp.ones(1)
        return activate(jnp.int32(form), jnp.float32(alpha), jnp.float32(scale), (none, none), *ones, cells)[:, 0]

    at = jnp.asarray(points, jnp.float32)
    # float32's smallest normal number is 1e-38: beyond, sigmoid(-50) and the like are compared absolutely
    np.testing.assert_allclose(ours(at), values.detach().numpy(), rtol=2e-6, atol=1e-20)
    np.testing.assert_allclose(jax.grad(lambda u: ours(u).sum())(at), slopes.numpy(), rtol=2e-6, atol=1e-20)


def test_every_activation_but_the_step_has_a_torch_twin() -> None:
    assert set(TORCH_ACTIVATIONS) | {"step"} == set(ACTIVATIONS)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize("init", ["normal", "glorot", "glorot_in", "he", "lecun"])
def test_variance_over_a_million_draws_equals_torchs_rule(init: str, distribution: str) -> None:
    inputs, units = 800, 1250
    config = resolve({"layers": 1, "units": units, "init": init, "init_distribution": distribution, "init_gain": 1.3})
    kernel = initial_weights(config, inputs, 1, 11)[0]["kernel"]
    torchs = torch.empty(units, inputs)
    generator = torch.Generator().manual_seed(5)
    match init:
        case "normal":
            torch.nn.init.normal_(torchs, std=0.05, generator=generator)
        case "glorot":
            torch.nn.init.xavier_normal_(torchs, generator=generator)
        case "he":
            torch.nn.init.kaiming_uniform_(torchs, nonlinearity="relu", generator=generator)
        case _:
            torch.nn.init.kaiming_normal_(torchs, nonlinearity="linear", generator=generator)
    assert kernel.size == 10**6
    assert kernel.var() == pytest.approx(1.3**2 * float(torchs.var()), rel=0.01)
    assert abs(kernel.mean()) < 4 * kernel.std() / 1000
    if distribution == "uniform":
        assert np.abs(kernel).max() <= math.sqrt(3) * kernel.std() * 1.01


def test_orthogonal_first_weights() -> None:
    config = resolve({"layers": 2, "units": [40, 90], "init": "orthogonal"})
    tall, wide = (layer["kernel"] for layer in initial_weights(config, 60, 3, 2)[:2])
    np.testing.assert_allclose(tall.T @ tall, np.eye(40), atol=1e-5)
    np.testing.assert_allclose(wide @ wide.T, np.eye(40), atol=1e-5)


@pytest.mark.parametrize("momentum", [0.5, 0.9])
def test_batch_norm_equals_torchs_in_training_and_evaluation(momentum: float) -> None:
    """Linear (no bias), BatchNorm1d, relu, Linear under SGD; 53 rows in batches of 16, the last of 5."""
    params = {
        "layers": 1,
        "units": 13,
        "batch_size": 16,
        "norm": "batch",
        "norm_momentum": momentum,
        "optimizer": "sgd",
    }
    hidden, output = first_weights(**params)
    net = torch.nn.Sequential(
        torch.nn.Linear(INPUTS, 13, bias=False),
        torch.nn.BatchNorm1d(13, momentum=1 - momentum),
        torch.nn.ReLU(),
        torch.nn.Linear(13, OUTPUTS),
    )
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor(np.array(hidden["kernel"].T)))
        net[3].weight.copy_(torch.tensor(np.array(output["kernel"].T)))
        net[3].bias.zero_()
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE)
    losses = []
    for epoch in range(5):
        net.train()
        for rows in compiled_batch_rows(3, epoch, ROWS, 16):
            optimizer.zero_grad()
            F.mse_loss(net(torch.tensor(X[rows])), torch.tensor(Y[rows])).backward()
            optimizer.step()
        net.eval()
        losses.append(float(F.mse_loss(net(torch.tensor(X)), torch.tensor(Y)).detach()))
    run = run_of(5, **params)
    assert apart(run.last.statistics[0]["mean"], net[1].running_mean) < 1e-5
    assert apart(run.last.statistics[0]["variance"], net[1].running_var) < 1e-5
    assert apart(run.last.params[0]["scale"], net[1].weight.detach()) < 1e-5
    assert apart(run.last.params[0]["offset"], net[1].bias.detach()) < 1e-5
    assert apart(run.last.params[0]["kernel"], net[0].weight.detach().T) < 1e-5
    assert apart(column(run, "loss"), losses) < 1e-5


def test_max_norm_bounds_each_units_incoming_weights() -> None:
    free = linear_run(1, optimizer="sgd")
    bound = linear_run(1, optimizer="sgd", max_norm=0.8)
    kernel = free.last.params[0]["kernel"].astype(np.float64)
    norms = np.sqrt((kernel**2).sum(0))
    assert norms.max() > 0.8
    assert apart(bound.last.params[0]["kernel"], kernel * np.clip(norms, 0, 0.8) / (1e-7 + norms)) < 1e-6
    assert apart(bound.last.params[0]["bias"], free.last.params[0]["bias"]) == 0
