"""The fair baseline: trials in PyTorch as a careful user would run them on CPUs.

One single-threaded process a core (threads inside a small net's operations cost more than they give); tensors in
memory, gathered once an epoch in a fresh order and cut into slices (no DataLoader); plain functions instead of
modules; fused optimisers where PyTorch has them. Each choice was the fastest of those tried: against modules and a
gather every step it saves about a tenth each.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from peers.pool import Train, WarmPool
from peers.trials import Arrays, PeerResult, Settings, TrialResult, complete, require

ACTIVATIONS = {
    "linear": lambda x: x,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": torch.selu,
    "swish": F.silu,
    "gelu": F.gelu,
    "softplus": F.softplus,
}
OPTIMIZERS = ("sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "nadam", "adamax", "adagrad")
DECOUPLED = ("sgd", "adam", "adamw", "nadam")  # PyTorch's decay of the others goes through their moments
NORMS = ("none", "batch", "layer")
HE = ("relu", "leaky_relu", "elu", "swish", "gelu", "softplus")


def run_torch(
    configs: Sequence[Mapping[str, Any]], arrays: Arrays, epochs: int, processes: int | None = None
) -> PeerResult:
    """Train all configurations, one single-threaded process a core.

    Args:
        configs: see `trials.Settings` for the names.
        epochs: of the configurations that name none.
        processes: one for each core by default.

    Raises:
        ValueError: a configuration that PyTorch's side has no equivalent of.
    """
    trials = [complete(config, epochs) for config in configs]
    for settings in trials:
        check(settings)
    with WarmPool(start, arrays, processes) as pool:
        return pool.run(trials)


def check(settings: Settings) -> None:
    """Refuse what has no equivalent here."""
    require("activation", settings.activation, tuple(ACTIVATIONS), "PyTorch")
    require("optimizer", settings.optimizer, OPTIMIZERS, "PyTorch")
    require("norm", settings.norm, NORMS, "PyTorch")


def start(arrays: Arrays) -> Train:
    """In a child: its settings, and one short warm-up."""
    one_thread()
    few = Arrays(arrays.x_train[:256], arrays.y_train[:256], arrays.x_dev[:256], arrays.y_dev[:256], arrays.classes)
    trainer(few)(complete({"norm": "batch", "dropout": 0.1}, epochs=2))
    return trainer(arrays)


def one_thread() -> None:
    """One thread, and no denormal numbers (they are slow, and XLA flushes them too)."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


@dataclass(frozen=True, slots=True)
class Layer:
    """Tensors of a dense layer: no `bias` before batch norm, which takes it out again; no `scale` without a norm."""

    kernel: Tensor
    bias: Tensor | None
    scale: Tensor | None = None
    offset: Tensor | None = None
    mean: Tensor | None = None
    variance: Tensor | None = None

    def learned(self) -> list[Tensor]:
        return [tensor for tensor in (self.kernel, self.bias, self.scale, self.offset) if tensor is not None]


def layers_of(settings: Settings, features: int, classes: int, generator: torch.Generator) -> list[Layer]:
    """Fresh layers: He's normal weights before the ReLU family, else Glorot's; zero biases."""
    widths = (features, *settings.units, classes)
    layers = []
    for index, (before, after) in enumerate(itertools.pairwise(widths)):
        hidden = index < settings.layers
        spread = 2 / before if hidden and settings.activation in HE else 2 / (before + after)
        kernel = torch.randn(after, before, generator=generator).mul_(spread**0.5).requires_grad_()
        norm = settings.norm if hidden else "none"
        bias = None if norm == "batch" else torch.zeros(after, requires_grad=True)
        if norm == "none":
            layers.append(Layer(kernel, bias))
            continue
        scale, offset = torch.ones(after, requires_grad=True), torch.zeros(after, requires_grad=True)
        mean, variance = (torch.zeros(after), torch.ones(after)) if norm == "batch" else (None, None)
        layers.append(Layer(kernel, bias, scale, offset, mean, variance))
    return layers


def forward(settings: Settings, layers: list[Layer], x: Tensor, training: bool) -> Tensor:
    """Outputs (rows, classes) of x (rows, features): dense, norm, activation, dropout."""
    activation = ACTIVATIONS[settings.activation]
    if settings.input_dropout > 0:
        x = F.dropout(x, settings.input_dropout, training)
    for layer, dropout in zip(layers[:-1], settings.dropout, strict=True):
        x = F.linear(x, layer.kernel, layer.bias)
        if layer.mean is not None:
            x = F.batch_norm(x, layer.mean, layer.variance, layer.scale, layer.offset, training, 0.1, 1e-5)
        elif layer.scale is not None:
            x = F.layer_norm(x, layer.scale.shape, layer.scale, layer.offset, 1e-5)
        x = activation(x)
        if dropout > 0:
            x = F.dropout(x, dropout, training)
    return F.linear(x, layers[-1].kernel, layers[-1].bias)


def optimizer_of(settings: Settings, layers: list[Layer]) -> torch.optim.Optimizer:
    """The update rule, fused where PyTorch has that on CPUs, with decay of the kernels where it is decoupled."""
    kernels = [layer.kernel for layer in layers]
    others = [tensor for layer in layers for tensor in layer.learned() if tensor is not layer.kernel]
    groups: list[dict[str, Any]] = [{"params": kernels + others}]
    if settings.weight_decay > 0 and settings.optimizer in DECOUPLED:
        groups = [{"params": kernels, "weight_decay": settings.weight_decay}, {"params": others}]
    rate, rule = settings.learning_rate, settings.optimizer
    match rule:
        case "sgd":
            return torch.optim.SGD(groups, rate, fused=True)
        case "momentum" | "nesterov":
            return torch.optim.SGD(groups, rate, momentum=settings.momentum, nesterov=rule == "nesterov", fused=True)
        case "rmsprop":
            return torch.optim.RMSprop(groups, rate, alpha=0.9)
        case "nadam":
            return torch.optim.NAdam(groups, rate, decoupled_weight_decay=True)
        case "adamax":
            return torch.optim.Adamax(groups, rate)
        case "adagrad":
            return torch.optim.Adagrad(groups, rate, fused=True)
        case _:
            return torch.optim.AdamW(groups, rate, weight_decay=0.0, fused=True)  # without decay this is Adam


def update(settings: Settings, optimizer: torch.optim.Optimizer, layers: list[Layer], rate: float) -> None:
    """One step of the rule; where its own decay isn't decoupled, the kernels shrink by hand."""
    if settings.weight_decay > 0 and settings.optimizer not in DECOUPLED:
        with torch.no_grad():
            for layer in layers:
                layer.kernel.mul_(1 - rate * settings.weight_decay)
    optimizer.step()


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch: dev error after it, whether all outputs were finite, and the updates made."""

    error: float
    finite: bool
    updates: int


def learner(arrays: Arrays) -> Callable[[Settings], Iterator[Epoch]]:
    """What trains one trial on the arrays, which become tensors once, and pauses after each epoch."""
    x_train, y_train = torch.from_numpy(arrays.x_train), torch.from_numpy(arrays.y_train)
    x_dev, y_dev = torch.from_numpy(arrays.x_dev), torch.from_numpy(arrays.y_dev)
    rows, features = x_train.shape

    def learn(settings: Settings) -> Iterator[Epoch]:
        torch.manual_seed(settings.seed)  # dropout's masks; the child does nothing else with it
        generator = torch.Generator().manual_seed(settings.seed)
        layers = layers_of(settings, features, arrays.classes, generator)
        optimizer = optimizer_of(settings, layers)
        for epoch in range(settings.epochs):
            rate = settings.rate(epoch)
            for group in optimizer.param_groups:
                group["lr"] = rate
            order = torch.randperm(rows, generator=generator)
            if settings.norm == "batch" and rows % settings.batch_size == 1:
                order = order[:-1]  # batch statistics of one row don't exist
            updates = 0
            parts = [torch.split(tensor[order], settings.batch_size) for tensor in (x_train, y_train)]
            for x, y in zip(*parts, strict=True):
                optimizer.zero_grad(set_to_none=True)
                F.cross_entropy(forward(settings, layers, x, True), y).backward()  # type: ignore[no-untyped-call]
                update(settings, optimizer, layers, rate)
                updates += 1
            with torch.inference_mode():
                outputs = forward(settings, layers, x_dev, False)
                error = float((outputs.argmax(1) != y_dev).float().mean())
                finite = bool(outputs.isfinite().all())
            yield Epoch(error, finite, updates)
            if not finite:  # as a careful user would: a diverged trial isn't trained on
                return

    return learn


def trainer(arrays: Arrays) -> Train:
    """What trains one trial on the arrays to its end."""
    learn = learner(arrays)

    def train(settings: Settings) -> TrialResult:
        errors: list[float] = []
        seconds: list[float] = []
        updates = 0
        began = time.perf_counter()
        for epoch in learn(settings):
            now = time.perf_counter()
            errors.append(epoch.error)
            seconds.append(now - began)
            updates, began = epoch.updates, now
        return TrialResult(min(errors), errors[-1], updates * len(errors), tuple(seconds), updates)

    return train
