"""An independent dense-net training in plain PyTorch: the oracle that Paceline's engine is compared with.

It reads downwards: activations, one layer, the net, the losses, the training loop. Gradients are autograd's;
what a step does with them is `torch_updates`. It is written from the definitions of the papers, not from
the engine, and takes three things from outside so that both sides train on the same ground: the initial
weights, the order of the rows, and the random masks and noises.

    z = x W + b;  before: a = g(norm(z)),  after: a = norm(g(z));  dropout;  skip
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch_updates import Parameter, Rates, step

from paceline.hyperparameters import ACTIVATION_ALPHA, loss_name
from paceline.net.dense.hyperparameters import DenseHyperparameters, per_layer

Weights = list[dict[str, NDArray[Any]]]


@dataclass(frozen=True)
class Randomness:
    """Where batches, masks and noises come from; the fields are functions like those of training.randomness.

    Attributes:
        batch_rows: (seed, epoch, rows, batch_size) -> the batches of an epoch, arrays of row numbers.
        dropout_keep: (seed, step, stream, rows, columns, rate) -> (rows, columns) bool, True = kept.
        normal_noise: (seed, step, stream, rows, columns) -> (rows, columns) standard normal.
    """

    batch_rows: Callable[[int, int, int, int], list[NDArray[Any]]]
    dropout_keep: Callable[[int, int, int, int, int, float], NDArray[np.bool_]]
    normal_noise: Callable[[int, int, int, int, int], NDArray[np.float32]]


@dataclass
class Draws:
    """The masks and noises of one step."""

    randomness: Randomness
    seed: int
    step: int

    def keep(self, stream: int, like: Tensor, rate: float) -> Tensor:
        """Inverted dropout's factors: 0 or 1 / (1 - rate)."""
        rows, columns = like.shape
        mask = self.randomness.dropout_keep(self.seed, self.step, stream, rows, columns, rate)
        return torch.from_numpy(np.array(mask)).to(like.dtype) / (1 - rate)

    def normal(self, stream: int, like: Tensor) -> Tensor:
        rows, columns = like.shape
        return torch.from_numpy(np.array(self.randomness.normal_noise(self.seed, self.step, stream, rows, columns))).to(
            like.dtype
        )


class BinaryStep(torch.autograd.Function):
    """1 where u > 0; the gradient goes straight through where |u| <= 1."""

    @staticmethod
    def forward(ctx: Any, u: Tensor) -> Tensor:
        ctx.save_for_backward(u)
        return (u > 0).to(u.dtype)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (u,) = ctx.saved_tensors
        return g * (u.abs() <= 1).to(g.dtype)


def activate(kind: str, alpha: float, slope: Tensor | None, u: Tensor) -> Tensor:
    match kind:
        case "linear":
            return u
        case "step":
            return BinaryStep.apply(u)  # type: ignore[no-any-return]  # torch's Function.apply is untyped
        case "sigmoid":
            return torch.sigmoid(u)
        case "tanh":
            return torch.tanh(u)
        case "relu":
            return F.relu(u)
        case "leaky_relu":
            return F.leaky_relu(u, alpha)
        case "prelu":
            assert slope is not None
            return F.prelu(u, slope.reshape(1))
        case "elu":
            return F.elu(u, alpha)
        case "selu":
            return F.selu(u)
        case "swish":
            return u * torch.sigmoid(alpha * u)
        case "gelu":
            return F.gelu(u, approximate="none")
        case "softplus":
            return F.softplus(u)
    raise ValueError(kind)


class Net:
    """The net: its trained arrays, its running statistics, and the forward pass."""

    def __init__(self, config: DenseHyperparameters, weights: Weights, dtype: torch.dtype) -> None:
        self.config = config
        self.layers = [
            {name: Parameter(name, torch.tensor(np.array(value), dtype=dtype)) for name, value in layer.items()}
            for layer in weights
        ]
        widths = per_layer(config, "units")
        self.mean = [torch.zeros(width, dtype=dtype) for width in widths]
        self.variance = [torch.ones(width, dtype=dtype) for width in widths]

    def parameters(self) -> list[Parameter]:
        return [parameter for layer in self.layers for parameter in layer.values()]

    def forward(self, x: Tensor, draws: Draws | None) -> tuple[Tensor, Tensor]:
        """(outputs (rows, outputs), activity penalty ()); training where there are draws, else evaluation."""
        config = self.config
        activity = torch.zeros((), dtype=x.dtype)
        if draws and config.input_noise > 0:
            x = x + config.input_noise * draws.normal(200, x)
        if draws and config.input_dropout > 0:
            x = x * draws.keep(0, x, config.input_dropout)
        for number in range(1, config.layers + 1):
            y, penalty = self._hidden(number, x, draws)
            activity = activity + penalty
            layer = self.layers[number - 1]
            if config.skip == "add" and number > 1:
                y = y + (x @ layer["projection"].value if "projection" in layer else x)
            if config.skip == "concat" and number > 1:
                y = torch.cat([y, x], dim=1)
            x = y
        output = self.layers[-1]
        return x @ self._kernel(config.layers + 1, draws) + output["bias"].value, activity

    def _kernel(self, number: int, draws: Draws | None) -> Tensor:
        """The kernel that the forward pass uses: with noise and dropped weights in training."""
        config = self.config
        kernel = self.layers[number - 1]["kernel"].value
        if draws and config.weight_noise > 0:
            kernel = kernel + config.weight_noise * draws.normal(300 + number, kernel)
        if draws and config.dropout_kind == "weights" and number <= config.layers:
            rate = per_layer(config, "dropout")[number - 1]
            if rate > 0:
                kernel = kernel * draws.keep(100 + number, kernel, rate)
        return kernel

    def _hidden(self, number: int, x: Tensor, draws: Draws | None) -> tuple[Tensor, Tensor]:
        config = self.config
        layer = self.layers[number - 1]
        kind = per_layer(config, "activation")[number - 1]
        alpha = config.activation_alpha if config.activation_alpha is not None else ACTIVATION_ALPHA.get(kind, 0.0)
        slope = layer["slope"].value if "slope" in layer else None
        z = x @ self._kernel(number, draws)
        if not (config.norm == "batch" and config.norm_position == "before"):
            z = z + layer["bias"].value
        if config.norm_position == "before":
            z = self._normalise(number, z, draws is not None)
        a = activate(kind, alpha, slope, z)
        penalty = (config.activity_l1 * a.abs().sum() + config.activity_l2 * (a**2).sum()) / len(x)
        if config.norm_position == "after":
            a = self._normalise(number, a, draws is not None)
        rate = per_layer(config, "dropout")[number - 1]
        if draws and config.dropout_kind == "activations" and rate > 0:
            a = a * draws.keep(number, a, rate)
        return a, penalty

    def _normalise(self, number: int, z: Tensor, training: bool) -> Tensor:
        config = self.config
        if config.norm == "none":
            return z
        layer = self.layers[number - 1]
        if config.norm == "layer":
            mean, variance = z.mean(1, keepdim=True), z.var(1, correction=0, keepdim=True)
        elif training:
            mean, variance = z.mean(0), z.var(0, correction=0)
            rows, old = len(z), config.norm_momentum
            unbiased = variance * rows / (rows - 1) if rows > 1 else variance
            self.mean[number - 1] = old * self.mean[number - 1] + (1 - old) * mean.detach()
            self.variance[number - 1] = old * self.variance[number - 1] + (1 - old) * unbiased.detach()
        else:
            mean, variance = self.mean[number - 1], self.variance[number - 1]
        return (z - mean) / torch.sqrt(variance + config.norm_epsilon) * layer["scale"].value + layer["offset"].value

    def weights(self) -> Weights:
        return [{name: p.value.detach().numpy().copy() for name, p in layer.items()} for layer in self.layers]

    def statistics(self) -> Weights:
        pairs = zip(self.mean, self.variance, strict=True)
        return [{"mean": mean.numpy().copy(), "variance": variance.numpy().copy()} for mean, variance in pairs]


def row_losses(config: DenseHyperparameters, task: str, z: Tensor, y: Tensor, smoothing: float) -> Tensor:
    """(rows,) data loss of each row. Smoothing spreads a share of the target: over all classes, or over yes and no."""
    y = y * (1 - smoothing) + smoothing / (y.shape[1] if task == "classes" else 2) if smoothing else y
    match loss_name(config, task):
        case "cross_entropy":
            return -(y * F.log_softmax(z, dim=1)).sum(1)
        case "sigmoid":
            return F.binary_cross_entropy_with_logits(z, y, reduction="none").sum(1)
        case "mse":
            return ((z - y) ** 2).mean(1)
        case "half_sse":
            return ((z - y) ** 2).sum(1) / 2
        case "mae":
            return (z - y).abs().mean(1)
        case "huber":
            return F.huber_loss(z, y, reduction="none", delta=config.huber_delta).mean(1)
    raise ValueError(config.loss)


def row_weights(task: str, y: Tensor, class_weights: NDArray[Any] | None) -> Tensor:
    """(rows,) class weight of each row."""
    if class_weights is None or task in ("multilabel", "regression"):
        return torch.ones(len(y), dtype=y.dtype)
    weights = torch.tensor(np.array(class_weights), dtype=y.dtype)
    if task == "binary":
        return torch.where(y[:, 0] > 0.5, weights[1], weights[0])
    return y @ weights


def wrong(task: str, z: Tensor, y: Tensor) -> float:
    """How many rows (multi-label: what share of a row's labels, summed) are wrong; NaN in regression."""
    if task == "regression":
        return float("nan")
    if task == "classes":
        return float((z.argmax(1) != y.argmax(1)).sum())
    return float(((z > 0) != (y > 0.5)).to(z.dtype).mean(1).sum())


@dataclass
class OracleRun:
    """What the oracle's training leaves; `rows` has one dict of measurements an epoch."""

    rows: list[dict[str, float]] = field(default_factory=list)
    weights: Weights = field(default_factory=list)
    statistics: Weights = field(default_factory=list)
    best_weights: Weights = field(default_factory=list)
    best_statistics: Weights = field(default_factory=list)
    best_epoch: int = 0
    status: str = "finished"

    def column(self, name: str) -> NDArray[np.float64]:
        return np.array([row[name] for row in self.rows])


def train(
    config: DenseHyperparameters, x_train: NDArray[Any], y_train: NDArray[Any], x_dev: NDArray[Any],
    y_dev: NDArray[Any],
    *, task: str, seed: int, epochs: int, weights: Weights, randomness: Randomness,
    class_weights: NDArray[Any] | None = None, target_scale: float = 1.0, dtype: torch.dtype = torch.float64,
) -> OracleRun:  # fmt: skip
    """Train from `weights`; arrays as in `paceline.runs.train_arrays`: (rows, inputs) and (rows, outputs)."""
    xs, ys = torch.tensor(np.array(x_train), dtype=dtype), torch.tensor(np.array(y_train), dtype=dtype)
    x_dev_t, y_dev_t = torch.tensor(np.array(x_dev), dtype=dtype), torch.tensor(np.array(y_dev), dtype=dtype)
    rows = len(xs)
    batch_size = rows if config.batch_size == "all" else min(int(config.batch_size), rows)
    net = Net(config, weights, dtype)
    rates = Rates(config, epochs, -(-rows // batch_size))
    run, steps, best_score, waited = OracleRun(), 0, float("inf"), 0
    for epoch in range(epochs):
        loss_sum = wrong_sum = 0.0
        for batch in randomness.batch_rows(seed, epoch, rows, batch_size):
            rate = rates.at(epoch, steps)
            picked = torch.from_numpy(np.array(batch)).long()
            data_loss, mistakes, gradients = batch_gradient(
                net, xs[picked], ys[picked], task, class_weights, Draws(randomness, seed, steps)
            )
            loss_sum, wrong_sum = loss_sum + data_loss * len(picked), wrong_sum + mistakes
            steps += 1
            step(config, net.parameters(), gradients, rate=rate, epoch=epoch, epochs=epochs, t=steps, rows=rows)
        row = {"train_loss": loss_sum / rows, "train_error": wrong_sum / rows, "learning_rate": rate}
        row |= evaluate(net, x_dev_t, y_dev_t, task, target_scale)
        run.rows.append(row)
        rates.after_epoch(row["loss"])
        # Errors are shares of a few rows: equal ones may differ in the last bit of their mean.
        score = row["rmse"] if task == "regression" else round(row["error"], 6)
        waited += 1
        if score < best_score - config.min_delta:
            best_score, waited, run.best_epoch = score, 0, epoch + 1
            run.best_weights, run.best_statistics = net.weights(), net.statistics()
        if config.patience is not None and waited >= config.patience:
            run.status = "early"
            break
    run.weights, run.statistics = net.weights(), net.statistics()
    return run


def batch_gradient(
    net: Net, x: Tensor, y: Tensor, task: str, class_weights: NDArray[Any] | None, draws: Draws
) -> tuple[float, float, list[Tensor]]:
    """(mean data loss of the batch, rows wrong, gradient of each parameter of data loss and activity penalty)."""
    parameters = net.parameters()
    for parameter in parameters:
        parameter.value = parameter.value.detach().requires_grad_()
    z, activity = net.forward(x, draws)
    losses = row_weights(task, y, class_weights) * row_losses(net.config, task, z, y, net.config.label_smoothing)
    data_loss = losses.mean() if net.config.reduction == "mean" else losses.sum()
    values = [parameter.value for parameter in parameters]
    gradients = torch.autograd.grad(data_loss + activity, values, allow_unused=True)
    for parameter in parameters:
        parameter.value = parameter.value.detach()
    # A parameter that the configuration doesn't use (a bias before batch norm) has no gradient.
    filled = [torch.zeros_like(v) if g is None else g for g, v in zip(gradients, values, strict=True)]
    return float(losses.detach().mean()), wrong(task, z.detach(), y), filled


def evaluate(net: Net, x: Tensor, y: Tensor, task: str, target_scale: float) -> dict[str, float]:
    """Dev figures: no dropout, no noise, no smoothing, no class weights; batch norm by its running statistics."""
    with torch.no_grad():
        z, _ = net.forward(x, None)
        loss = float(row_losses(net.config, task, z, y, 0.0).mean())
        if task != "regression":
            return {"loss": loss, "error": wrong(task, z, y) / len(y)}
        miss = (z - y) * target_scale
        return {"loss": loss, "rmse": float((miss**2).mean(0).sqrt().mean()), "mae": float(miss.abs().mean())}
