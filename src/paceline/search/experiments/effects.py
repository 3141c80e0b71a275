"""What controlled experiments found: each arm against the base, and the factor to change next.

    better, worse              the p-value, adjusted for the number of arms (Holm), is below 5 %
    perhaps better or worse    the arm's own interval excludes 0, but among so many arms one may do that by chance
    within noise               the interval holds 0
    no effect                  every repeat scored exactly as the base did: the factor does nothing in this base
    unreliable                 the arm diverged or failed in a repeat in which the base didn't
    unknown                    fewer than two pairs

Only runs that ended by themselves with a finite score are compared, each with the base's run of the same seed. The
intervals speak of the luck of seeds on *these* dev rows; other rows would move base and arms, too.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from paceline.records import History, Status, Trial
from paceline.search.base import Searcher
from paceline.search.experiments.controlled import Arm, Experiments
from paceline.search.experiments.paired import Difference, holm, paired, repeats_needed, unpaired

ALPHA = 0.05
NOTHING = Difference(math.nan, math.nan, math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Runs:
    """The trials of one arm.

    Attributes:
        trials: their numbers.
        scores: seed -> score, of those that ended by themselves with a finite one.
        lost: a phrase for each other one.
        broken: seeds with which training diverged, failed or gave no finite score.
    """

    trials: tuple[int, ...]
    scores: dict[int, float]
    lost: tuple[str, ...]
    broken: frozenset[int]

    @property
    def mean(self) -> float:
        return float(np.mean(list(self.scores.values()))) if self.scores else math.nan

    @property
    def sd(self) -> float:
        return float(np.std(list(self.scores.values()), ddof=1)) if len(self.scores) > 1 else math.nan


@dataclass(frozen=True, slots=True)
class Effect:
    """An arm against the base; differences are arm - base in the unit of the score.

    Attributes:
        arm: what differs.
        runs: its trials.
        pairs: repeats in which arm and base both have a score.
        paired, unpaired: the difference with its interval, of the same runs.
        sd: standard deviation of the differences within pairs.
        p_adjusted: `paired.p` for as many arms as there are.
        better: whether the mean difference points to better scores.
        verdict: see the head of this module.
    """

    arm: Arm
    runs: Runs
    pairs: int
    paired: Difference
    unpaired: Difference
    sd: float
    better: bool
    p_adjusted: float = math.nan
    verdict: str = "unknown"

    @property
    def ratio(self) -> float:
        """How many times as wide the unpaired interval is as the paired one; NaN where that has no width."""
        return self.unpaired.width / self.paired.width if self.paired.width > 0 else math.nan


@dataclass(frozen=True, slots=True)
class Next:
    """What to do now.

    Attributes:
        factor, value: the change that helped most; None for none.
        repeats: how many would probably show the greatest gain so far, where none is clear; None for no such number.
        sentence: all of that for people.
    """

    factor: str | None
    value: Any
    repeats: int | None
    sentence: str


def plan_of(searcher: Searcher) -> Experiments | None:
    """The experiments that a searcher goes through; None for any other method."""
    plan = searcher.unwrapped
    return plan if isinstance(plan, Experiments) else None


def effects_of(searcher: Searcher, history: History) -> dict[str, Any] | None:
    """The result of controlled experiments as JSON data; None for any other method.

    Returns:
        {"repeats": asked for; "base": {"params", "trials", "mean", "sd", "lost"}; "arms": [{"factor", "value",
        "trials", "mean", "sd", "lost", "pairs", "difference", "low", "high", "p", "p_adjusted", "unpaired_low",
        "unpaired_high", "ratio", "verdict"}]; "ratio": median of the arms'; "next": {"factor", "value", "repeats",
        "sentence"}}. Figures that don't exist are None.
    """
    plan = plan_of(searcher)
    if plan is None:
        return None
    base, effects = compared(plan, history)
    ratios = [effect.ratio for effect in effects if not math.isnan(effect.ratio)]
    return {
        "repeats": plan.repeats,
        "base": {"params": dict(plan.arms[0].params), **_figures_of(base)},
        "arms": [_document(effect) for effect in effects],
        "ratio": float(np.median(ratios)) if ratios else None,
        "next": asdict(next_change(plan, base, effects)),
    }


def _document(effect: Effect) -> dict[str, Any]:
    figures = {
        "difference": effect.paired.mean,
        "low": effect.paired.low,
        "high": effect.paired.high,
        "p": effect.paired.p,
        "p_adjusted": effect.p_adjusted,
        "unpaired_low": effect.unpaired.low,
        "unpaired_high": effect.unpaired.high,
        "ratio": effect.ratio,
    }
    return {
        "factor": effect.arm.factor, "value": effect.arm.value, **_figures_of(effect.runs), "pairs": effect.pairs,
        **{name: _finite(value) for name, value in figures.items()}, "verdict": effect.verdict,
    }  # fmt: skip


def _figures_of(runs: Runs) -> dict[str, Any]:
    return {
        "trials": list(runs.trials),
        "mean": _finite(runs.mean),
        "sd": _finite(runs.sd),
        "lost": list(runs.lost),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def compared(plan: Experiments, history: History) -> tuple[Runs, list[Effect]]:
    """The base's runs, and each arm against them in the order of the plan."""
    groups: list[list[Trial]] = [[] for _ in plan.arms]
    for trial in history:
        if plan.space.contains(trial.params) and (place := plan.arm_of(trial.params)) is not None:
            groups[place].append(trial)
    base, *others = map(_runs_of, groups)
    effects = [_effect(arm, runs, base, history.goal) for arm, runs in zip(plan.arms[1:], others, strict=True)]
    adjusted = holm([effect.paired.p for effect in effects])
    return base, [_judged(effect, p, base) for effect, p in zip(effects, adjusted, strict=True)]


def _runs_of(trials: Iterable[Trial]) -> Runs:
    numbers, scores, lost, broken = [], {}, [], set()
    for repeat, trial in enumerate(trials, start=1):
        numbers.append(trial.number)
        if trial.status is Status.FINISHED and trial.score is not None and math.isfinite(trial.score):
            scores[trial.seed] = trial.score
            continue
        lost.append(f"repeat {repeat}: {trial.reason or str(trial.status)}")
        if trial.status in (Status.FINISHED, Status.DIVERGED, Status.FAILED):
            broken.add(trial.seed)
    return Runs(tuple(numbers), scores, tuple(lost), frozenset(broken))


def _effect(arm: Arm, runs: Runs, base: Runs, goal: str) -> Effect:
    seeds = [seed for seed in base.scores if seed in runs.scores]
    if not seeds:
        return Effect(arm, runs, 0, NOTHING, NOTHING, math.nan, False)
    own = np.array([runs.scores[seed] for seed in seeds])
    its = np.array([base.scores[seed] for seed in seeds])
    within = paired(own, its)
    sd = float((own - its).std(ddof=1)) if len(seeds) > 1 else math.nan
    better = within.mean > 0 if goal == "maximize" else within.mean < 0
    return Effect(arm, runs, len(seeds), within, unpaired(own, its), sd, better)


def _judged(effect: Effect, adjusted: float, base: Runs) -> Effect:
    within, direction = effect.paired, "better" if effect.better else "worse"
    if effect.runs.broken - base.broken:
        verdict = "unreliable"
    elif effect.pairs < 2:
        verdict = "unknown"
    elif within.mean == 0.0 and within.width == 0.0:
        verdict = "no effect"
    elif within.low <= 0.0 <= within.high:
        verdict = "within noise"
    else:
        verdict = direction if adjusted < ALPHA else f"perhaps {direction}"
    return replace(effect, p_adjusted=adjusted, verdict=verdict)


def next_change(plan: Experiments, base: Runs, effects: Sequence[Effect]) -> Next:
    """The factor whose best arm helps most, clear arms before doubtful ones; or none, and what would show more."""
    if plan.repeats < 2:
        return _none("One repeat can't tell a difference from the luck of its seed; ask for `repeats` of at least 2.")
    if len(base.scores) < 2:
        return _none(_no_base(base, effects))
    if not effects:
        return _none(f"The base alone was run: over seeds its scores have a standard deviation of {base.sd:.3g}.")
    for verdict in ("better", "perhaps better"):
        found = [effect for effect in effects if effect.verdict == verdict]
        if found:
            best = max(found, key=lambda effect: abs(effect.paired.mean))
            return Next(best.arm.factor, best.arm.value, None, _advice(best, len(effects)))
    rising = [effect for effect in effects if effect.verdict == "within noise" and effect.better]
    if not rising:
        return _none("Change none of them: no arm was better than the base.")
    best = max(rising, key=lambda effect: abs(effect.paired.mean))
    needed = repeats_needed(best.paired.mean, best.sd)
    more = f"about {needed} repeats" if needed else "more than 1,000 repeats"
    sentence = (
        f"Change none of them: the differences are within seed noise; if the greatest gain ({_named(best.arm)}, "
        f"{best.paired.mean:+.3g}) is real, {more} would probably show it."
    )
    return Next(None, None, needed, sentence)


def _none(sentence: str) -> Next:
    return Next(None, None, None, sentence)


def _no_base(base: Runs, effects: Sequence[Effect]) -> str:
    sound = [effect.arm for effect in effects if effect.runs.scores and not effect.runs.lost]
    other = f", {_named(sound[0])} for example, which always ended with one" if sound else ""
    return (
        f"Choose another base{other}: of this one's {len(base.trials)} runs {len(base.scores)} ended with a score, "
        "so there is nothing to compare with."
    )


def _advice(best: Effect, arms: int) -> str:
    within = best.paired
    sentence = (
        f"{best.arm.factor} to {_shown(best.arm.value)} next: it moves the score by {within.mean:+.3g} "
        f"(95 % interval {within.low:+.3g} to {within.high:+.3g}, {best.pairs} pairs)"
    )
    if best.verdict == "better":
        return f"Change {sentence}."
    return (
        f"Perhaps change {sentence}; among {arms} arms that may be chance (adjusted p {best.p_adjusted:.2g}), "
        "so repeat it first."
    )


def _named(arm: Arm) -> str:
    return f"{arm.factor} {_shown(arm.value)}"


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
