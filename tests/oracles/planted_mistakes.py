"""Shows that the oracle's test can fail: `python tests/oracles/planted_mistakes.py [names]`.

Each mistake is one fragment of the engine's source, replaced in a temporary copy of the package. The oracle's own
tests then run against that copy, on the few random configurations that use the piece. A mistake that leaves them green
is a hole in the oracle, a fragment that is no longer there is a hole in this list, and tests that are red without any
mistake prove nothing: each makes the exit status 1.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from random_configs import COUNT, Problem, problem

ROOT = Path(__file__).resolve().parents[2]
TESTS = "tests/oracles/test_dense_oracle.py"
ADAM = ("adam", "adamw", "nadam")
MOMENTUM = (*ADAM, "momentum", "nesterov")


@dataclass(frozen=True)
class Mistake:
    """A fragment `right` of a file (once in it), what takes its place, and which configurations use the piece."""

    name: str
    file: str
    right: str
    wrong: str
    used_by: Callable[[Problem], bool]
    tests: int = 2


def _has(name: str, kind: str) -> Callable[[Problem], bool]:
    """The configuration's choice, or one of its layers' choices, is this; choices of layers need a layer."""

    def used(case: Problem) -> bool:
        value = case.params[name]
        if name in ("activation", "norm") and case.params["layers"] == 0:
            return False
        return kind in value if isinstance(value, list) else bool(value == kind)

    return used


MISTAKES = [
    Mistake(
        "adam: second moment without bias correction", "training/optimizers.py",
        '"sv": {"1/c2": 1.0},', '"sv": {"one": 1.0},', lambda c: c.params["optimizer"] in ADAM,
    ),
    Mistake(
        "nesterov: no look ahead", "training/optimizers.py",
        '"cm": {"mu": 1.0}, "cg": {"rate": 1.0}, **plain', '"cm": {"one": 1.0}, **plain', _has("optimizer", "nesterov"),
    ),
    Mistake(
        "lion: direction with beta2 for beta1", "training/optimizers.py",
        '"co": {"mu": 1.0},', '"co": {"one": config.beta2},', _has("optimizer", "lion"), 3,
    ),
    Mistake(
        "adamax: sum instead of maximum", "training/optimizers.py",
        'jnp.maximum(rule.of("bv") * v, jnp.abs(g) + rule.of("ei"))', 'rule.of("bv") * v + jnp.abs(g) + rule.of("ei")',
        _has("optimizer", "adamax"),
    ),
    Mistake(
        "decay: biases decay too", "training/step.py",
        "update(rule, w, g, m, v, jnp.float32(0), ", "update(rule, w, g, m, v, given.weight_decay, ",
        lambda c: c.params.get("weight_decay", 0.0) > 0.05 and c.params["norm"] != "batch",
    ),
    Mistake(
        "batch: a padded row is counted", "training/step.py",
        "(places < data.n_train).astype", "(places < data.n_train + 1).astype",
        lambda c: c.params["batch_size"] != "all",
    ),
    Mistake(
        "gradient norm: not rooted", "training/step.py",
        "jnp.sqrt(total) + TORCH_EPSILON", "total + TORCH_EPSILON",
        lambda c: c.params.get("clip_norm") is not None and c.params["optimizer"] in ("sgd", "momentum", "nesterov"),
    ),
    Mistake(
        "max-norm: of outgoing weights", "training/step.py",
        "jnp.sqrt(jnp.ones((1, flat.shape[0]), w.dtype) @ (flat * flat))",
        "jnp.sqrt((flat * flat) @ jnp.ones((flat.shape[1], 1)))",
        lambda c: c.params.get("max_norm") is not None,
    ),
    Mistake(
        "L2: twice too strong", "training/step.py",
        "pull(w, given.l2, given.l1)", "pull(w, 2 * given.l2, given.l1)", lambda c: "l2" in c.params, 3,
    ),
    Mistake(
        "running variance: biased", "numerics/norms.py",
        " * (count / jnp.maximum(count - 1, 1))", "", _has("norm", "batch"),
    ),
    Mistake(
        "batch norm: variance taken for constant in the gradient", "numerics/norms.py",
        "inner = g - (d_offset + z_hat * d_scale) / count", "inner = g - d_offset / count", _has("norm", "batch"),
    ),
    Mistake(
        "layer norm: wrong sign in the gradient", "numerics/norms.py",
        "(scaled - mean - z_hat * projected)", "(scaled - mean + z_hat * projected)", _has("norm", "layer"),
    ),
    Mistake(
        "gelu: wrong sign in the slope", "numerics/activations.py",
        "cdf + u * jnp.exp", "cdf - u * jnp.exp", _has("activation", "gelu"),
    ),
    Mistake(
        "activity penalty: half", "numerics/activations.py",
        "2 * l2 * a)", "l2 * a)", lambda c: "activity_l2" in c.params and c.params["layers"] > 0, 3,
    ),
    Mistake(
        "dropout: kept values not divided", "net/dense/apply.py",
        "jnp.where(keep, 1 / (1 - rate), 0.0)", "jnp.where(keep, 1.0, 0.0)",
        lambda c: isinstance(c.params.get("dropout"), float) and c.params["layers"] > 0,
    ),
    Mistake(
        "skip: projection transposed", "net/dense/apply.py",
        "x @ weights.projections[index - 1])", "x @ weights.projections[index - 1].T)",
        lambda c: c.params["skip"] == "add" and isinstance(c.params["units"], list),
    ),
    Mistake(
        "schedule: linear and cosine one epoch ahead", "training/schedules.py",
        "jnp.minimum(since / span, 1.0)", "jnp.minimum((since + 1) / span, 1.0)",
        lambda c: c.params["schedule"] in ("linear", "cosine"),
    ),
    Mistake(
        "momentum schedule: ends an epoch late", "training/schedules.py",
        "jnp.maximum(given.epochs - 1, 1)", "jnp.maximum(given.epochs, 1)",
        lambda c: c.params["momentum_schedule"] == "linear" and c.params["optimizer"] in MOMENTUM,
    ),
    Mistake(
        "plateau: one epoch too early", "training/program.py",
        "plateau_wait > given.plateau_patience", "plateau_wait >= given.plateau_patience",
        _has("schedule", "plateau"),
    ),
    Mistake(
        "train loss: divided by padded rows", "training/program.py",
        "count = data.n_train.astype(jnp.float32)", "count = (steps * shape.batch).astype(jnp.float32)",
        lambda c: c.params["batch_size"] != "all",
    ),
    Mistake(
        "class weights: swapped for two classes", "training/step.py",
        "arguments.class_weights[1], arguments.class_weights[0])",
        "arguments.class_weights[0], arguments.class_weights[1])",
        lambda c: c.task == "binary" and c.class_weights is not None,
    ),
]  # fmt: skip


def tests_of(mistake: Mistake) -> list[str]:
    """The test items that use the piece, over fifty steps."""
    numbers = [number for number in range(COUNT) if mistake.used_by(problem(number))]
    return [f"{TESTS}::test_fifty_steps_equal_the_oracle[{number}]" for number in numbers[: mistake.tests]]


def run(items: list[str], source: Path) -> subprocess.CompletedProcess[str]:
    """Run test items against the package in `source`; its compiled programs are kept apart."""
    environment = os.environ | {"PYTHONPATH": str(source), "PACELINE_CACHE": str(source / "cache")}
    place = "import paceline, sys; sys.exit(not paceline.__file__.startswith(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", place, str(source)], env=environment, check=True)
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *items]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)


def copy_of_package(folder: Path) -> Path:
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src" / "paceline", folder / "paceline", ignore=ignore)
    return folder


def outcome_of(mistake: Mistake, items: list[str]) -> tuple[bool, str]:
    """(whether the tests turned red, what they said)."""
    with tempfile.TemporaryDirectory() as folder:
        source = copy_of_package(Path(folder))
        path = source / "paceline" / mistake.file
        text = path.read_text()
        if not items or text.count(mistake.right) != 1:
            return (
                False,
                f"cannot be planted: {len(items)} tests, fragment {text.count(mistake.right)} times in the file",
            )
        path.write_text(text.replace(mistake.right, mistake.wrong))
        result = run(items, source)
    said = re.search(r"assert not (\{.*?[,}])|AssertionError: (assert .*)", result.stdout)
    if result.returncode == 1 and said:
        return True, (said[1] or said[2])[:60]
    return False, "stayed green" if result.returncode == 0 else result.stdout.strip().splitlines()[-1][:90]


def main(names: list[str]) -> int:
    chosen = [mistake for mistake in MISTAKES if not names or any(name in mistake.name for name in names)]
    items = {mistake.name: tests_of(mistake) for mistake in chosen}
    with tempfile.TemporaryDirectory() as folder:
        clean = run(sorted({item for found in items.values() for item in found}), copy_of_package(Path(folder)))
    print("without a mistake:", clean.stdout.strip().splitlines()[-1], flush=True)
    holes = clean.returncode != 0
    for mistake in chosen:
        red, said = outcome_of(mistake, items[mistake.name])
        holes |= not red
        print(f"{'red  ' if red else 'GREEN'}  {mistake.name:<58} {said}", flush=True)
    return int(holes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
