"""What float32 can do: `python tests/oracles/rounding.py [numbers]` holds the oracle beside itself.

Each random configuration is trained by the oracle in float64 and then again in float32, and in float64 with the
initial weights and inputs shaken in the seventh digit. How far those lie apart is what no float32 engine can be asked
to beat. `--choose` looks, for each configuration where that exceeds a quarter of a bound, for the first redraw where it
doesn't, and prints the dictionary for `random_configs.REDRAWS`.
"""

import sys
from dataclasses import replace

import numpy as np
import torch
from closeness import columns, distances, worst
from ground import BOUND, BOUND_ONE_STEP, one_step, oracle, starting_weights
from random_configs import COUNT, Problem, problem
from torch_dense import OracleRun

SHARE = 0.25
SHAKES = 2


def rounding(case: Problem) -> tuple[str, float]:
    """The greatest distance between the float64 oracle and its float32 or shaken self."""
    weights = starting_weights(case)
    reference = oracle(case, weights)
    if not np.isfinite(reference.column("loss")).all():
        return "diverged", float("inf")
    runs = [oracle(case, weights, torch.float32)]
    for number in range(SHAKES):
        rng = np.random.default_rng(number)
        shaken = replace(case, x_train=_shaken(case.x_train, rng))
        runs.append(oracle(shaken, [{k: _shaken(v, rng) for k, v in w.items()} for w in weights]))
    if any((run.status, run.best_epoch) != (reference.status, reference.best_epoch) for run in runs):
        return "another best epoch", float("inf")
    return max((_between(case, run, reference) for run in runs), key=lambda item: item[1])


def _shaken(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(values, np.float64) * (1 + 1e-7 * rng.normal(size=np.shape(values)))


def _between(case: Problem, run: OracleRun, reference: OracleRun) -> tuple[str, float]:
    measured = {name: run.column(name) for name in columns(case.task)}
    return worst(distances(run, measured, reference))


def bearable(case: Problem) -> tuple[bool, str]:
    """Whether rounding stays under a quarter of both bounds, and a line that says by how much."""
    name, long = rounding(case)
    first_name, short = rounding(one_step(case))
    line = f"1 step {short:.1e} ({first_name})   50 steps {long:.1e} ({name})"
    return short < SHARE * BOUND_ONE_STEP and long < SHARE * BOUND, line


def main() -> None:
    chosen = {}
    numbers = [int(text) for text in sys.argv[1:] if text.isdigit()] or range(COUNT)
    for number in numbers:
        good, line = bearable(problem(number))
        print(number, "good" if good else "BAD ", line, flush=True)
        redraw = 0
        while not good and "--choose" in sys.argv and redraw < 40:
            redraw += 1
            good, line = bearable(problem(number, redraw))
            print(f"   redraw {redraw}", "good" if good else "BAD ", line, flush=True)
            chosen[number] = redraw
    if "--choose" in sys.argv:
        print("REDRAWS =", chosen)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
