"""Tuning by hand as Rafatirad teaches it, with honest comparisons: one factor at a time, in the order of importance.

    learning rate (log scale)  ->  mini-batch, hidden units, momentum  ->  layers, decay

Each step compares the values of one factor with the current base, all with the same seeds in pairs, and keeps the
best value if it is clearly better. The next step draws new seeds, so luck that a winner had isn't carried on.

Run it from the checkout: `python examples/manual_dry_bean.py`. It takes the dry bean table where that lies at
../shared/data, the handwritten digits otherwise. `docs/manual-experiments.md` goes through its output.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import paceline as pl
from paceline.summary import ExperimentResults

BEANS = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "tables" / "dry_bean.csv"
START = {"learning_rate": 0.001, "batch_size": 64, "units": 64, "momentum": 0.9, "layers": 2, "weight_decay": 0.0}
STEPS: dict[str, Sequence[Any]] = {
    "learning_rate": [0.0003, 0.003, 0.01, 0.03, 0.1],
    "batch_size": [32, 128],
    "units": [32, 128],
    "momentum": [0.5, 0.8, 0.95, 0.99],
    "layers": [1, 3],
    "weight_decay": [1e-5, 1e-4, 1e-3, 1e-2],
}
FIXED = {"optimizer": "momentum"}


def tune_by_hand(
    data: pl.Dataset, *, start: Mapping[str, Any] = START, steps: Mapping[str, Sequence[Any]] = STEPS,
    epochs: int = 20, repeats: int = 8,
) -> dict[str, Any]:  # fmt: skip
    """Go through the steps and return the configuration they end with."""
    base = dict(start)
    for seed, (factor, values) in enumerate(steps.items()):
        study = pl.tune(
            data, method="manual", params=FIXED, epochs=epochs, seed=seed, retrain=0, refit=False,
            method_options={"base": base, "factors": {factor: values}, "repeats": repeats},
        )  # fmt: skip
        found = study.summary.experiments
        show(factor, found)
        clear = [arm for arm in found.arms if arm.verdict == "better"]
        if clear:
            base[factor] = found.next.value
    return base


def show(factor: str, found: ExperimentResults) -> None:
    """Print a step: dev and train error of base and arms, paired differences, both intervals."""
    base = found.base
    print(f"\n{factor:<13}  dev error  train error   arm − base         95 % interval  unpaired wider by")
    print(f"{base.params[factor]!s:>13}  {base.mean:9.4f}  {base.train:11.4f}   (base)")
    for arm in found.arms:
        if arm.low is None or arm.verdict == "unreliable":
            print(f"{arm.value!s:>13}  {arm.verdict}: {', '.join(arm.lost)}")
            continue
        interval = f"{arm.low:+.4f} to {arm.high:+.4f}"
        ratio = "" if arm.ratio is None else f"{arm.ratio:.1f}x"
        print(
            f"{arm.value!s:>13}  {arm.mean:9.4f}  {arm.train:11.4f}   {arm.difference:+10.4f}"
            f"  {interval:>20}  {ratio:>5}  {arm.verdict}"
        )
    print(found.next.sentence)


def main() -> None:
    data = pl.load(BEANS) if BEANS.exists() else pl.load("digits")
    chosen = tune_by_hand(data)
    print("\nchosen:", chosen)
    study = pl.tune(data, method="manual", params=FIXED, epochs=20, seed=100, stopper="none",
                    space={name: {"value": value} for name, value in chosen.items()},
                    method_options={"configurations": [chosen]})  # fmt: skip
    again, test = study.summary.retrain, study.evaluate_test()
    print(f"five new seeds: dev error {again.mean:.4f} ± {again.sd:.4f}")
    low, high = test["interval"]
    print(f"test accuracy {test['metrics']['accuracy']:.4f} (95 %: {low:.4f} to {high:.4f}, {test['rows']} rows)")


if __name__ == "__main__":
    main()
