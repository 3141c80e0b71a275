"""What a study says at its end, as typed records: the winner, its retraining, ties, warnings, the test result.

    study ends -> Summary -> to_json -> store -> from_json -> Summary -> screens, report

A database keeps the summary as JSON. Every field that a study may lack has a default, so summaries that earlier
versions wrote can be read, and a study under way has an almost empty one: only `seconds` is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from paceline.summary.base import Record


@dataclass(frozen=True, slots=True)
class Stage(Record):
    """Settings of a training, and the epoch up to which they hold; from the trial of that number."""

    trial: int
    until: int
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BestResult(Record):
    """The trial that the study chose.

    Attributes:
        trial: its number; params: as proposed; config: all its hyperparameters, defaults included.
        score, epoch: the best validation score and the epoch it was measured at.
        equals: how many other trials have the same score.
        schedule: the settings by which it was trained, where they changed on the way (method population); else ().
    """

    trial: int
    params: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    score: float | None = None
    epoch: int = 0
    equals: int = 0
    schedule: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True)
class Retrain(Record):
    """The winner trained again with other seeds: a score (None: not finite) each, their mean and sample deviation."""

    seeds: tuple[int, ...] = ()
    scores: tuple[float | None, ...] = ()
    mean: float | None = None
    sd: float | None = None


@dataclass(frozen=True, slots=True)
class Refit(Record):
    """The last training, on train + validation: its rows and epochs; 0 epochs where `reason` forbade it."""

    rows: int = 0
    epochs: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tied(Record):
    """Trials that are not distinguishable from the best, which is one of them.

    Attributes:
        count: how many; trials: the numbers of the first hundred.
        rule: in words; limit: the worst score that counts as equal.
    """

    count: int = 0
    trials: tuple[int, ...] = ()
    rule: str = ""
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Architectures(Record):
    """How many architectures were compared.

    Attributes:
        names: hyperparameters that make the difference.
        compared: how many; possible: how many the space has, None where there is no end of them.
        why: one sentence.
    """

    names: tuple[str, ...] = ()
    compared: int = 0
    possible: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class ImportanceShare(Record):
    """How much a hyperparameter mattered; see `search.importance.Importance`."""

    name: str
    ped_anova: float = 0.0
    fanova: float = 0.0
    clear: bool = False


@dataclass(frozen=True, slots=True)
class WarmStart(Record):
    """What an older study gave: its name, configurations that ran first, results that the method knew."""

    study: str = field(metadata={"key": "from"})
    first: int = 0
    results: int = 0


@dataclass(frozen=True, slots=True)
class FrontMember(Record):
    """A trial of the Pareto front, with its objectives in their own units."""

    trial: int
    score: float | None = None
    costs: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ParetoFront(Record):
    """The trials that no other dominates, best score first."""

    objectives: tuple[str, ...] = ()
    front: tuple[FrontMember, ...] = ()


@dataclass(frozen=True, slots=True)
class Inference(Record):
    """Measured time of prediction: number of trial (as text) -> microseconds a row, one for each size of batch."""

    batches: tuple[int, ...] = ()
    microseconds: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def of(self, trial: int) -> tuple[float | None, ...]:
        """The times of a trial; None for each batch where it wasn't measured."""
        return self.microseconds.get(str(trial)) or (None,) * len(self.batches)


@dataclass(frozen=True, slots=True)
class CalibrationResult(Record):
    """How well a model-based method predicted: share of results within its 50 % and 90 % intervals."""

    trials: int = 0
    within_50: float = 0.0
    within_90: float = 0.0


@dataclass(frozen=True, slots=True)
class ProgramStats(Record):
    """Programs that were compiled or loaded, and the wall time of that, added up over threads."""

    compiled: int = 0
    loaded: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SplitSizes(Record):
    """Rows of the parts."""

    train: int = 0
    dev: int = 0
    test: int = 0


@dataclass(frozen=True, slots=True)
class DataSummary(Record):
    """What a data set is: its size, target and classes, and what was noticed when it was read."""

    name: str = ""
    rows: int | None = None
    features: int | None = None
    target: str = ""
    task: str = ""
    classes: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchRound(Record):
    """A round of a coarse-to-fine search; see `search.coarse_to_fine.Round`."""

    number: int
    first: int = 0
    incumbent: int | None = None
    ranges: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    shares: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DevPredictions(Record):
    """A model that never learnt from the validation rows, on them.

    Attributes:
        labels, confusion: of classes; a row for each actual class, a column for each predicted one.
        target: name of the target that is shown, of regression.
        actual, predicted: its values, of at most some thousand rows.
    """

    labels: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    target: str = ""
    actual: tuple[float, ...] = ()
    predicted: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class TestResult(Record):
    """The delivered model on the test rows.

    Attributes:
        rows: how many; metrics: name -> value.
        interval: of the metric `of`; interval_kind: how it was made, in words.
        opened: how often the test set was used.
    """

    __test__ = False  # for pytest, which takes the name for a test's

    rows: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    interval: tuple[float, float] | None = None
    of: str = ""
    interval_kind: str = "interval"
    opened: int = 1


@dataclass(frozen=True, slots=True)
class BaseRuns(Record):
    """The base of controlled experiments: its trials, their mean score, and a phrase for each that isn't compared."""

    params: dict[str, Any] = field(default_factory=dict)
    trials: tuple[int, ...] = ()
    mean: float | None = None
    sd: float | None = None
    lost: tuple[str, ...] = ()
    train: float | None = None


@dataclass(frozen=True, slots=True)
class ArmResult(Record):
    """An arm of controlled experiments against the base; see `search.effects.Effect`."""

    factor: str
    value: Any = None
    trials: tuple[int, ...] = ()
    mean: float | None = None
    sd: float | None = None
    lost: tuple[str, ...] = ()
    train: float | None = None
    pairs: int = 0
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    unpaired_low: float | None = None
    unpaired_high: float | None = None
    ratio: float | None = None
    verdict: str = "unknown"


@dataclass(frozen=True, slots=True)
class NextChange(Record):
    """What controlled experiments advise; see `search.effects.Next`."""

    factor: str | None = None
    value: Any = None
    repeats: int | None = None
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class ExperimentResults(Record):
    """What controlled experiments found.

    Attributes:
        repeats: of each arm; ratio: median of the arms'.
        train_name: the column that `train` of base and arms is the mean of.
    """

    repeats: int = 0
    base: BaseRuns = field(default_factory=BaseRuns)
    arms: tuple[ArmResult, ...] = ()
    ratio: float | None = None
    next: NextChange = field(default_factory=NextChange)
    train_name: str = "train_error"


@dataclass(frozen=True, slots=True)
class Summary(Record):
    """What is known of a study as a whole.

    Attributes:
        seconds: of search, over all processes.
        ended: why the search ended; "" while it runs.
        best, retrain, refit: the winner and what came of training it again; None where that wasn't done.
        tied, edges, importance, calibration: how far the result can be trusted. Of `importance_every` trials one was
            looked at.
        pareto, inference: of studies with objectives. rounds: of coarse-to-fine ones. experiments: of controlled ones.
        architectures: how many were compared; None where the space has one only.
        warm_start: what an older study gave.
        programs, steps: what the engine did. stopped: how trials ended -> how many.
        split, data: what it was run on; dev, test: predictions there.
        problems: what could not be computed, a sentence each.
        pending: whether the model is there but not all else; `resume` works it out.
    """

    seconds: float = 0.0
    ended: str = ""
    best: BestResult | None = None
    retrain: Retrain | None = None
    refit: Refit | None = None
    tied: Tied | None = None
    edges: tuple[str, ...] = ()
    importance: tuple[ImportanceShare, ...] = ()
    importance_every: int = 1
    calibration: CalibrationResult | None = None
    warm_start: WarmStart | None = None
    pareto: ParetoFront | None = None
    inference: Inference | None = None
    rounds: tuple[SearchRound, ...] = ()
    architectures: Architectures | None = None
    experiments: ExperimentResults | None = None
    programs: ProgramStats | None = None
    steps: int = 0
    stopped: dict[str, int] = field(default_factory=dict)
    split: SplitSizes | None = None
    data: DataSummary | None = None
    dev: DevPredictions | None = None
    test: TestResult | None = None
    problems: tuple[str, ...] = ()
    pending: bool = False
