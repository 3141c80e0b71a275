"""The benchmarks' peers learn, count their steps, and refuse what they can't do alike."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from paceline.net import default_space

torch = pytest.importorskip("torch")

from peers import keras_fit, sklearn_mlp, torch_trials  # noqa: E402 - only with torch
from peers.pool import WarmPool  # noqa: E402
from peers.trials import Arrays, complete  # noqa: E402


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As in the children."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def digits() -> Arrays:
    x, y = load_digits(return_X_y=True)
    x = ((x - x.mean(0)) / (x.std(0) + 1e-3)).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order].astype(np.int64)
    return Arrays(x[:1400], y[:1400], x[1400:], y[1400:], 10)


@pytest.mark.parametrize("optimizer", torch_trials.OPTIMIZERS)
def test_torch_learns_with_every_rule(digits: Arrays, optimizer: str) -> None:
    rate = 0.1 if optimizer == "sgd" else 1e-2
    config = {"units": 32, "optimizer": optimizer, "learning_rate": rate, "weight_decay": 1e-3}
    result = torch_trials.trainer(digits)(complete(config, epochs=6))
    assert result.error < 0.12
    assert result.steps == 6 * 22  # 1400 rows in batches of 64
    assert len(result.epoch_seconds) == 6


@pytest.mark.parametrize(
    "config",
    [
        {"norm": "batch", "dropout": 0.1, "schedule": "cosine"},
        {"norm": "layer", "dropout": (0.2, 0.0), "schedule": "linear"},
        {"activation": "tanh", "units": (48, 24)},
        {"layers": 0, "epochs": 12},
        {"norm": "batch", "batch_size": 1399},  # a last batch of one row
    ],
    ids=str,
)
def test_torch_learns_with_every_part(digits: Arrays, config: dict[str, Any]) -> None:
    result = torch_trials.trainer(digits)(complete({"learning_rate": 0.01, **config}, epochs=8))
    assert result.error < 0.15


@pytest.mark.parametrize("optimizer", torch_trials.OPTIMIZERS)
def test_decay_is_decoupled(digits: Arrays, optimizer: str) -> None:
    """One step on a gradient of zero: kernels shrink by rate * decay, whatever the rule; biases stay."""
    settings = complete({"optimizer": optimizer, "learning_rate": 0.1, "weight_decay": 0.5, "layers": 1}, epochs=1)
    layers = torch_trials.layers_of(settings, 4, 3, torch.Generator().manual_seed(0))
    before = [layer.kernel.detach().clone() for layer in layers]
    for layer in layers:
        for tensor in layer.learned():
            tensor.grad = torch.zeros_like(tensor)
    torch_trials.update(settings, torch_trials.optimizer_of(settings, layers), layers, rate=0.1)
    for layer, kernel in zip(layers, before, strict=True):
        torch.testing.assert_close(layer.kernel.detach(), 0.95 * kernel)
        assert not layer.bias.any()


def test_torch_trains_whatever_the_default_space_proposes(digits: Arrays) -> None:
    space = default_space("dense", rows=1400, features=64, task="classes")
    rng = np.random.default_rng(0)
    for _ in range(100):
        torch_trials.check(complete(space.sample(rng), epochs=1))


def test_torch_stops_a_diverged_trial(digits: Arrays) -> None:
    settings = complete({"optimizer": "sgd", "learning_rate": 1e6}, epochs=5)
    assert len(torch_trials.trainer(digits)(settings).epoch_seconds) == 1


def test_same_seed_same_errors_another_seed_others(digits: Arrays) -> None:
    train = torch_trials.trainer(digits)
    settings = [complete({"dropout": 0.2, "seed": seed}, epochs=2) for seed in (0, 0, 1)]
    first, second, third = (train(one).error for one in settings)
    assert first == second != third


def test_sklearn_learns_and_counts(digits: Arrays) -> None:
    result = sklearn_mlp.trainer(digits)(complete({"learning_rate": 0.01}, epochs=5))
    assert result.error < 0.1
    assert result.steps == 5 * 22


def test_processes_train_in_parallel_and_keep_the_order(digits: Arrays) -> None:
    configs = [{"learning_rate": 0.01, "layers": layers, "epochs": 3 - layers} for layers in (0, 1, 2)]
    result = sklearn_mlp.run_sklearn(configs, digits, epochs=1, processes=2)
    train = sklearn_mlp.trainer(digits)
    assert result.errors == tuple(train(complete(config, 1)).error for config in configs)
    assert result.steps == (3 + 2 + 1) * 22
    assert result.step_microseconds > 0


def test_a_failing_process_sends_its_traceback(digits: Arrays) -> None:
    unknown = complete({"activation": "maxout"}, epochs=1)
    with WarmPool(sklearn_mlp.start, digits, 1) as pool, pytest.raises(RuntimeError, match="KeyError: 'maxout'"):
        pool.run([unknown])


def test_a_dying_process_is_noticed() -> None:
    with pytest.raises(RuntimeError, match="exit code 3"):
        WarmPool(os._exit, 3, 1)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"unit": 3}, "but got unit"),
        ({"units": (3, 4, 5)}, "one value a hidden layer"),
        ({"schedule": "step"}, "constant, linear, cosine"),
        ({"optimizer": "lion"}, "of PyTorch must be one of"),
        ({"activation": "step"}, "'activation' of PyTorch"),
    ],
)
def test_torch_refuses_what_it_does_not_know(digits: Arrays, config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        torch_trials.run_torch([config], digits, epochs=1)


@pytest.mark.parametrize("config", [{"norm": "batch"}, {"dropout": 0.1}, {"weight_decay": 0.1}, {"schedule": "cosine"}])
def test_sklearn_refuses_what_it_lacks_and_plain_leaves_it_out(digits: Arrays, config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(config))!r} of scikit-learn"):
        sklearn_mlp.run_sklearn([config], digits, epochs=1)
    sklearn_mlp.check(complete(sklearn_mlp.plain(config), epochs=1))


@pytest.mark.slow
def test_keras_learns_or_says_that_it_is_missing(digits: Arrays) -> None:
    config = {"learning_rate": 0.01, "norm": "batch", "dropout": 0.1}
    if not keras_fit.available():
        with pytest.raises(ModuleNotFoundError, match="pip install keras"):
            keras_fit.run_keras([config], digits, epochs=1)
        pytest.skip(keras_fit.MISSING)
    result = keras_fit.run_keras([config], digits, epochs=4, processes=1)
    assert result.errors[0] < 0.12
    assert result.steps == 4 * 22
