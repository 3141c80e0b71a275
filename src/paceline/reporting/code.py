"""The best configuration as a Python program."""

import math
from typing import Any

from paceline.records import StudyRecord, Trial
from paceline.settings import StudySettings, with_usual_names

LINE = 62  # so that the code fits beside a table
USUAL_NET = StudySettings.model_fields["net"].default  # what `train` assumes anyway


def recipe_code(record: StudyRecord, trial: Trial) -> str:
    """A program that trains the configuration of a trial again, with its own seed and all digits.

    Args:
        record: says which data, how many epochs and which hyperparameters all trials share.
        trial: of this study.

    Returns:
        Python source of a few lines. Where the study was given its data in Python, it says so and leaves a name
        of a file to fill in.
    """
    settings = record.settings
    params = {**(settings.get("params") or {}), **trial.params}
    seed = f"seed={trial.seed}"
    common = [f"epochs={literal(settings.get('epochs') or max(trial.epoch, 1))}"]
    net = settings.get("net") or USUAL_NET
    kind = [] if net == USUAL_NET else [f"net={literal(net)}"]
    if settings.get("metric"):
        common.append(f"metric={literal(settings['metric'])}")
    standardize = settings.get("standardize") or "standard"
    if standardize == "standard":
        train = call("run = pl.train", ["data", *kind, common[0], seed, *common[1:], "**params"])
    else:  # only `train_many` takes it
        options = [*kind, common[0], f"seeds=[{trial.seed}]", *common[1:], f"standardize={literal(standardize)}"]
        train = call("(run,) = pl.train_many", ["data", "[params]", *options])
    return "\n".join(
        [
            "import paceline as pl",
            "",
            *_load_lines(record),
            "params = {",
            *(f"    {literal(name)}: {literal(value)}," for name, value in params.items()),
            "}",
            train,
            "print(run.metric, run.score)",
            "model = run.model",
            "",
        ]
    )


def _load_lines(record: StudyRecord) -> list[str]:
    settings = with_usual_names(record.settings)
    split = {key: value for key, value in (settings.get("split") or {}).items() if value is not None}
    if settings.get("folds") and split.get("validation") == 0:
        del split["validation"]  # a single training needs validation rows, which the folds of the study had
    given: dict[str, Any] = {"target": settings.get("target"), "task": settings.get("task")}
    given["columns"] = settings.get("columns") or None
    source = settings.get("data")
    if source is not None:
        for part in ("validation", "test"):
            if isinstance(split.get(part), str):  # a file of rows, not a size
                given[part] = split.pop(part)
        given["split"] = {key: value for key, value in split.items() if (key, value) not in UNSAID} or None
        return [_load(source, given)]
    name = (record.summary.data.name if record.summary.data else "") or record.name
    note = f"# The study got its data set {name!r} from Python: name its file here, or load it as then."
    return [note, _load("data.csv", given)]


UNSAID = (("seed", 0), ("train_dev", 0))  # what `load` assumes anyway


def _load(source: Any, given: dict[str, Any]) -> str:
    named = [f"{name}={literal(value)}" for name, value in given.items() if value is not None]
    return call("data = pl.load", [literal(source), *named])


def call(function: str, arguments: list[str]) -> str:
    """A call on one line, or with a line for each argument where that gets long."""
    line = f"{function}({', '.join(arguments)})"
    if len(line) <= LINE:
        return line
    return "\n".join([f"{function}(", *(f"    {argument}," for argument in arguments), ")"])


def literal(value: Any) -> str:
    """JSON data as Python source that evaluates to it, not-a-number and infinities included.

    >>> literal({"units": [64, 32], "weight_decay": None, "clip_norm": float("inf")})
    "{'units': [64, 32], 'weight_decay': None, 'clip_norm': float('inf')}"
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value!r}')"
    return repr(value)
