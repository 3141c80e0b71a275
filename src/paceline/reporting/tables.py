"""Tables of trials: the best ones, their status, and how many survived each rung."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from paceline.records import EndReason, Status, Trial
from paceline.reporting.axes import axes_of
from paceline.reporting.ranking import ranked
from paceline.reporting.words import number_text, value_text

MOST_REASONS = 12
MOST_RUNGS = 9
MOST_BRACKETS = 8
STATUS_WORDS = {
    Status.RUNNING: "running",
    Status.FINISHED: "finished",
    Status.STOPPED: "stopped",
    Status.DIVERGED: "diverged",
    Status.FAILED: "failed",
}


def in_order(trials: Sequence[Trial], goal: str) -> list[Trial]:
    """All trials: those with a score from best to worst, then the others by number."""
    best = ranked(trials, goal)
    scored = {trial.number for trial in best}
    return best + sorted((t for t in trials if t.number not in scored), key=lambda t: t.number)


def table_of(trials: Sequence[Trial], goal: str, top: int = 10) -> list[dict[str, str]]:
    """The best trials as rows of text for a terminal.

    Args:
        trials: of one study; goal: "minimize" or "maximize"; top: most rows.

    Returns:
        Best first, all with the same keys in the same order: rank, trial, score, "best epoch", epochs, status, and
        each hyperparameter that isn't the same in all trials ("" where a trial doesn't have it).

    >>> table_of([Trial(0, {"units": 8}, seed=1, score=0.25, epoch=3), Trial(1, {"units": 9}, seed=2)], "minimize", 1)
    [{'rank': '1', 'trial': '0', 'score': '0.25', 'best epoch': '0', 'epochs': '3', 'status': 'running', 'units': '8'}]
    """
    varied = dict.fromkeys(axis.source for axis in axes_of(trials, None))
    scored = len(ranked(trials, goal))
    return [
        {
            "rank": str(rank) if rank <= scored else "",
            "trial": str(trial.number),
            "score": number_text(trial.score),
            "best epoch": str(trial.best_epoch),
            "epochs": str(trial.epoch),
            "status": STATUS_WORDS[trial.status],
            **{name: value_text(trial.params[name]) if name in trial.params else "" for name in varied},
        }
        for rank, trial in enumerate(in_order(trials, goal)[:top], start=1)
    ]


@dataclass(frozen=True, slots=True)
class Ending:
    """How some of the trials ended, and why."""

    status: Status
    reason: str
    count: int


def endings(trials: Sequence[Trial]) -> list[Ending]:
    """Trials counted by status and reason, in the order of Status and then by count; rare ones are put together."""
    order = list(Status)
    counts = Counter((trial.status, _kind(trial)) for trial in trials)
    rows = [
        Ending(status, reason, count)
        for (status, reason), count in sorted(
            counts.items(), key=lambda item: (order.index(item[0][0]), -item[1], item[0][1])
        )
    ]
    if len(rows) <= MOST_REASONS:
        return rows
    kept = sorted(rows, key=lambda row: -row.count)[: MOST_REASONS - len(order)]
    others = Counter(row.status for row in rows if row not in kept for _ in range(row.count))
    rows = [row for row in rows if row in kept]
    rows += [Ending(status, "other reasons", count) for status, count in others.items()]
    return sorted(rows, key=lambda row: order.index(row.status))


def _kind(trial: Trial) -> str:
    """The reason a trial ended, without its own numbers (its rank, the epoch at which it diverged)."""
    if trial.ended_by is EndReason.PRUNED:
        return f"pruned at epoch {trial.epoch}"
    if trial.ended_by in (EndReason.ALL_EPOCHS, EndReason.EARLY_STOPPING, EndReason.DIVERGED):
        return str(trial.ended_by)
    return trial.reason or STATUS_WORDS[trial.status]


@dataclass(frozen=True, slots=True)
class Survival:
    """How many trials survived each rung.

    Attributes:
        epochs: the rungs, and last the longest training.
        rows: (label, trials, how many trained beyond each of `epochs`; of the last: that far), the sum first.
    """

    epochs: tuple[int, ...]
    rows: tuple[tuple[str, int, tuple[int, ...]], ...]


def survival(trials: Sequence[Trial]) -> Survival | None:
    """Survivors by rung, in all and for cohorts with the same rungs; None where nothing was stopped.

    A rung shows itself by the trials that were stopped at it.
    """
    rungs: dict[int, set[int]] = defaultdict(set)
    members: dict[int, list[int]] = defaultdict(list)
    for trial in trials:
        members[trial.cohort].append(trial.epoch)
        if trial.status is Status.STOPPED and trial.epoch > 0:
            rungs[trial.cohort].add(trial.epoch)
    longest = max((trial.epoch for trial in trials), default=0)
    union = sorted({epoch for epochs in rungs.values() for epoch in epochs if epoch < longest})
    if not union:
        return None
    if len(union) > MOST_RUNGS:
        step = (len(union) - 1) / (MOST_RUNGS - 1)
        union = [union[round(index * step)] for index in range(MOST_RUNGS)]
    kinds: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for cohort in sorted(members):
        kinds[tuple(sorted(rungs[cohort]))].append(cohort)
    groups = [("all trials", sorted(members))]
    if 1 < len(kinds) <= MOST_BRACKETS:
        order = sorted(kinds, key=lambda kind: (-len(kind), kind))
        groups += [(_group_label(kind, kinds[kind]), kinds[kind]) for kind in order]
    rows = []
    for label, cohorts in groups:
        reached = sorted(epoch for cohort in cohorts for epoch in members[cohort])
        left = [len(reached) - bisect_left(reached, epoch + 1) for epoch in union]
        rows.append((label, len(reached), (*left, len(reached) - bisect_left(reached, longest))))
    return Survival((*union, longest), tuple(rows))


def _group_label(kind: tuple[int, ...], cohorts: Sequence[int]) -> str:
    shown = ", ".join(map(str, cohorts[:6])) + (", …" if len(cohorts) > 6 else "")
    name = f"bracket{'s' if len(cohorts) > 1 else ''} {shown}"
    return name if kind else f"{name} (no pruning)"
