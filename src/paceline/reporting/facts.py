"""The texts of the page: its headline, the best configuration and its uncertainty, data and environment.

A summary is complete at the end of a study; until then any part of it may be missing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paceline.records import Status, StudyRecord, Trial, task_name
from paceline.reporting.tables import STATUS_WORDS
from paceline.reporting.words import NOTHING, count_text, finite, number_text, plural, value_text
from paceline.settings import with_usual_names
from paceline.summary import DataSummary

SHOWN_TIES = 24
HIDDEN_SETTINGS = ("search", "name")  # have a table or a heading of their own
ENVIRONMENT_WORDS = {"fingerprint": "data hash"}
PART_WORDS = {"dev": "validation"}
HIDDEN_ENVIRONMENT = ("space", "split", "metric", "warm_start")


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure of the headline: its name, the figure, a line below it."""

    name: str
    figure: str
    note: str


def part(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A part of settings or environment; {} where it is missing."""
    found = document.get(name)
    return dict(found) if isinstance(found, Mapping) else {}


def tiles(record: StudyRecord, trials: Sequence[Trial], best: Trial | None, metric: str) -> list[Tile]:
    """The headline's figures."""
    name = metric.replace("_", " ")
    found = []
    if best is not None:
        found.append(
            Tile(f"best validation {name}", number_text(best.score), f"trial {best.number}, epoch {best.best_epoch}")
        )
    else:
        found.append(Tile(f"best validation {name}", NOTHING, "no trial has a score"))
    retrain = record.summary.retrain
    if retrain is not None and finite(retrain.mean) is not None:
        spread = f"± {number_text(retrain.sd, 2)}, " if finite(retrain.sd) is not None else ""
        seeds = plural(len(retrain.seeds), "seed")
        found.append(Tile(f"mean over {seeds}", number_text(retrain.mean), f"{spread}validation {name}"))
    found.append(_test_tile(record))
    found.append(Tile("trials", count_text(len(trials)), statuses(trials)))
    epochs = sum(trial.epoch for trial in trials)
    full = record.settings.get("epochs")
    share = (
        f", {100 * epochs / (full * len(trials)):.0f}\N{NO-BREAK SPACE}% of full training" if full and trials else ""
    )
    found.append(Tile("epochs trained", count_text(epochs), f"at most {full or NOTHING} a trial{share}"))
    data = record.summary.data
    if data is not None:
        what = plural(len(data.classes), "class") if data.classes else task_name(data.task)
        note = f"{count_text(data.features)} features, {what}"
        found.append(Tile("rows of data", count_text(data.rows), note))
    return found


def _test_tile(record: StudyRecord) -> Tile:
    test = record.summary.test
    if test is None:
        return Tile("test", "not evaluated", "run paceline evaluate")
    name = test.of or next(iter(test.metrics), "score")
    low, high = test.interval or (None, None)
    return Tile(
        f"test {name}", number_text(finite(test.metrics.get(name))), f"{number_text(low)} to {number_text(high)}"
    )


def statuses(trials: Sequence[Trial]) -> str:
    """E.g. "17 finished, 41 stopped, 2 diverged"."""
    counts = Counter(trial.status for trial in trials)
    return ", ".join(f"{count_text(counts[s])} {STATUS_WORDS[s]}" for s in Status if counts[s]) or "none yet"


def banner(record: StudyRecord, trials: Sequence[Trial], best: Trial | None) -> str:
    """A sentence about a study that isn't what one expects of a finished one; "" otherwise."""
    if best is None and trials:
        if all(trial.status is Status.DIVERGED for trial in trials):
            return "All trials diverged: their losses were no longer finite. Lower the learning rates of the space."
        if all(trial.ended for trial in trials):
            return "No trial has a score; the table below shows the reasons."
        return "No trial has a score yet."
    if not trials:
        return "No trial has started yet."
    if record.state == "running":
        return "This study was running when this report was written: the numbers are preliminary."
    if record.state == "interrupted":
        return "This study was interrupted: the numbers are those of the trials until then."
    ended = record.summary.ended
    return "" if ended in ("", "all trials were run") else f"The search stopped early: {ended}."


@dataclass(frozen=True, slots=True)
class Chosen:
    """A hyperparameter of the best configuration: its value, its search range, whether it lies at the boundary."""

    name: str
    value: str
    source: str
    edge: bool


def configuration(
    record: StudyRecord, best: Trial, space: Mapping[str, Any] | None
) -> tuple[list[Chosen], list[Chosen]]:
    """(searched and set hyperparameters, defaults of the others) of a trial."""
    edges = {sentence.split(" ", 1)[0] for sentence in record.summary.edges}
    given = record.settings.get("params") or {}
    rules = space or {}
    searched = [
        Chosen(name, value_text(value), rule_text(rules.get(name)), name in edges)
        for name, value in best.params.items()
    ]
    searched += [
        Chosen(str(name), value_text(value), "fixed", False) for name, value in given.items() if name not in best.params
    ]
    known = {*best.params, *given}
    settled = record.summary.best
    config = settled.config if settled is not None and settled.trial == best.number else {}
    return searched, [Chosen(name, value_text(value), "", False) for name, value in config.items() if name not in known]


def rule_text(rule: Any) -> str:
    """A parameter of a space in words.

    >>> rule_text({"low": 1e-4, "high": 0.1, "scale": "log"})
    '0.0001 to 0.1, log scale'
    >>> rule_text({"choices": [1, 2], "when": {"norm": ["batch"]}})
    '1, 2; when norm is batch'
    """
    if not isinstance(rule, Mapping):
        return ""
    if "choices" in rule:
        text = ", ".join(f"[{value_text(c)}]" if isinstance(c, list) else value_text(c) for c in rule["choices"])
    elif "low" in rule:
        scale = rule.get("scale", "linear")
        text = f"{value_text(rule['low'])} to {value_text(rule.get('high'))}"
        text += f", step {value_text(rule['step'])}" if "step" in rule else ""
        text += "" if scale == "linear" else f", {scale} scale"
    else:
        text = f"fixed: {value_text(rule.get('value'))}"
    for parent, values in (rule.get("when") or {}).items():
        text += f"; when {parent} is {' or '.join(map(value_text, values))}"
    return text + (f"; one for each of {rule['per']}" if rule.get("per") else "")


def uncertainty(record: StudyRecord, best: Trial, trials: int, metric: str) -> list[str]:
    """Sentences on the uncertainty of the best score."""
    found = []
    name = metric.replace("_", " ")
    retrain = record.summary.retrain
    if retrain is not None and retrain.scores:
        scores = [finite(score) for score in retrain.scores]
        shown = ", ".join(number_text(score) for score in scores)
        spread = f" ± {number_text(retrain.sd, 2)}" if finite(retrain.sd) is not None else ""
        found.append(
            f"Repeated with {plural(len(scores), 'seed')}: mean validation {name} {number_text(finite(retrain.mean))}"
            f"{spread} ({shown})."
        )
    if (refit := record.summary.refit) is not None:
        found.append(
            f"Final model: retrained on train + validation ({count_text(refit.rows)} rows, "
            f"{plural(refit.epochs, 'epoch')}); it has no validation score, see the test score."
            if refit.epochs
            else f"Final model: trained on the training set only: {refit.reason}."
        )
    if best.score_sd is not None:
        found.append(f"Mean score over folds: {number_text(best.score)}, "
                     f"standard deviation {number_text(best.score_sd, 2)}.")  # fmt: skip
    if (warm := record.summary.warm_start) is not None:
        found.append(
            f"Warm start: the {plural(warm.first, 'best configuration')} of the study {warm.study} ran first"
            + (f"; the surrogate model used {plural(warm.results, 'result')} of it." if warm.results else ".")
        )
    if (nets := record.summary.architectures) is not None:
        of = "" if nets.possible is None else f" of {count_text(nets.possible)}"
        names = ", ".join(nets.names)
        found.append(f"{count_text(nets.compared)}{of} architectures ({names}) were compared. {nets.why}")
    importance = record.summary.importance
    clear = [
        f"{item.name} ({item.ped_anova:.0%} / {item.fanova:.0%})".replace("%", " %")
        for item in importance
        if item.clear
    ]
    if clear:
        found.append(
            f"Hyperparameter importance among the top 10 % of the trials (PED-ANOVA) / overall (fANOVA): "
            f"{', '.join(clear)}; the others are not distinguishable from noise."
            + (f" Every {every}th trial was used." if (every := record.summary.importance_every) > 1 else "")
        )
    if (calibration := record.summary.calibration) is not None:
        found.append(
            f"Calibration of the surrogate model, leave-one-out over {plural(calibration.trials, 'trial')}: "
            + f"{calibration.within_50:.0%} of the results lie in its 50 % intervals, ".replace("%", " %", 1)
            + f"{calibration.within_90:.0%} in its 90 % intervals.".replace("%", " %", 1)
        )
    if record.summary.best is not None and (equals := record.summary.best.equals):
        found.append(
            f"{plural(equals, 'other trial')} {'has' if equals == 1 else 'have'} the same score. Ties are broken by "
            f"the surrogate model's leave-one-out prediction: trial {best.number} was selected."
        )
    tied = record.summary.tied
    if tied is not None and tied.count:
        numbers = [number for number in tied.trials if number != best.number]
        listed = ", ".join(map(str, numbers[:SHOWN_TIES]))
        listed += " and others" if len(numbers) > SHOWN_TIES else ""
        if numbers:
            found.append(
                f"{count_text(len(numbers))} of {plural(trials, 'trial')} {'is' if len(numbers) == 1 else 'are'} "
                f"not significantly different from trial {best.number} ({tied.rule or 'statistically tied'}): {listed}."
            )
        else:
            found.append(
                "All other trials are significantly worse "
                f"(no other trial is {tied.rule or 'tied by the rule of the study'})."
            )
    if record.settings.get("select", "best") == "best":
        found.append(
            "The validation score is that of the best epoch of the best of many trials, so it is slightly optimistic."
        )
    test = record.summary.test
    if test is not None:
        metrics = ", ".join(f"{key} {number_text(finite(value))}" for key, value in test.metrics.items())
        low, high = test.interval or (None, None)
        found.append(
            f"Test set ({count_text(test.rows)} rows): {metrics}; {test.interval_kind} "
            f"{number_text(low)} to {number_text(high)} ({test.of or 'of the metric'}). "
            f"Test set used {plural(test.opened, 'time')}."
        )
    return found


def data_rows(record: StudyRecord, data: DataSummary | None) -> list[tuple[str, str]]:
    """The data and their parts. `data`: what they are, where it is known."""
    known = {} if data is None else data.to_json()
    known |= {"task": task_name(str(known["task"]))} if known.get("task") else {}
    rows = [
        (key, count_text(known[key]) if key in ("rows", "features") else value_text(known[key]))
        for key in ("name", "task", "target", "rows", "features", "classes")
        if known.get(key) not in (None, [], "")
    ]
    split = {} if record.summary.split is None else record.summary.split.to_json()
    total = sum(split.values())
    rows += [
        (f"{PART_WORDS.get(name, name)} rows", f"{count_text(size)} ({100 * size / total:.0f} %)")
        for name, size in split.items()
        if total
    ]
    rows += [
        (f"split: {PART_WORDS.get(key, key).replace('_', ' ')}", value_text(value))
        for key, value in part(record.environment, "split").items()
        if value is not None and (key, value) != ("train_dev", 0)
    ]
    return rows


def seed_rows(record: StudyRecord, best: Trial | None) -> list[tuple[str, str]]:
    """All random seeds, with every digit."""
    rows = [("study", str(record.settings.get("seed", NOTHING)))]
    split = part(record.settings, "split") or part(record.environment, "split")
    if "seed" in split:
        rows.append(("split", str(split["seed"])))
    if best is not None:
        rows.append((f"trial {best.number}", str(best.seed)))
    if record.summary.retrain is not None and record.summary.retrain.seeds:
        rows.append(("repetitions", ", ".join(map(str, record.summary.retrain.seeds))))
    return rows


def setting_rows(record: StudyRecord) -> list[tuple[str, str]]:
    """The study's settings, as far as they say something."""
    return [
        (key, value_text(_set_values(value)))
        for key, value in with_usual_names(record.settings).items()
        if key not in HIDDEN_SETTINGS and value not in (None, {}, [])
    ]


def _set_values(value: Any) -> Any:
    """A setting without those of its parts that aren't set."""
    return {name: item for name, item in value.items() if item is not None} if isinstance(value, Mapping) else value


def environment_rows(record: StudyRecord) -> list[tuple[str, str]]:
    """Versions, machine and the work of the engine."""
    rows = [
        (ENVIRONMENT_WORDS.get(key, key), value_text(value))
        for key, value in record.environment.items()
        if key not in HIDDEN_ENVIRONMENT
    ]
    programs = record.summary.programs
    if programs is not None:
        took = f"{value_text(programs.seconds)} s (sum over threads)"
        rows.append(("compilation", f"{programs.compiled} compiled, {programs.loaded} from the cache, {took}"))
    if record.summary.steps:
        rows.append(("updates (all trials)", count_text(record.summary.steps)))
    return rows
