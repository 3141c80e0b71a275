"""The reference pages, written from the code: nothing on them is typed by hand, so nothing on them can be outdated.

    hyperparameters    fields of the classes of hyperparameters, and their rules
    methods, stoppers  the classes behind the names: what they are, their options, their papers
    metrics            records.METRICS and the tasks that each suits
    settings           fields of StudySettings
    command-line       the commands and their options, as `--help` has them
    api                the public names; mkdocstrings fills in signatures and docstrings

`pages()` returns them as Markdown; `hooks.py` gives them to MkDocs, and a test checks that no name is missing.
"""

import inspect
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import typer

import paceline
from paceline import search
from paceline.cli.commands import app
from paceline.errors import PacelineError, SettingsError
from paceline.hyperparameters import Hyperparameters
from paceline.knobs import Knob
from paceline.net import family
from paceline.net.registry import TASKS, family_names
from paceline.records import METRICS
from paceline.runs import chosen_metric
from paceline.settings import json_schema
from paceline.training.metrics import EXTRAS

LECTURERS = ("Horzyk", "Kayal", "Rafatirad", "Zhang", "Falcão")
SOURCES = (*LECTURERS, "Keras", "torch")
EXAMPLE_TABLE = {"rows": 5_000, "features": 16, "task": "classes"}
"""The table whose default search space is shown."""


def pages() -> dict[str, str]:
    """Path below docs/ -> Markdown of each reference page."""
    written = {
        "hyperparameters": hyperparameters_page,
        "methods": methods_page,
        "stoppers": stoppers_page,
        "metrics": metrics_page,
        "settings": settings_page,
        "command-line": command_line_page,
        "api": api_page,
    }
    return {f"reference/{name}.md": page() for name, page in written.items()}


def table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table; a bar within a cell is written so that it doesn't end the cell."""

    def line(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(columns), line(("---",) * len(columns)), *map(line, rows)]) + "\n"


def text_of(words: str) -> str:
    """A text of the code as Markdown: what would be markup outside of `code` is escaped."""
    parts = re.split(r"(`[^`]*`)", words)
    return "".join(part if part.startswith("`") else re.sub(r"([*<])", r"\\\1", part) for part in parts)


def code(value: Any) -> str:
    """A value as it is written in Python and, but for None and True, in YAML."""
    return f"`{value}`" if isinstance(value, str) else f"`{value!r}`"


# -- hyperparameters


def hyperparameters_page() -> str:
    parts = [
        "# Hyperparameters",
        "Every hyperparameter of a trial: what it means, which values are allowed, its default and where it comes "
        "from. Give them as `params={...}` (the same value in all trials), as `space={...}` (values to search), in a "
        "[study file](../guide/spaces.md) under `params` and `search`, or to `pl.train`. A name marked **shape** is "
        "part of the compiled program: each of its values costs a compilation. All others are data of the program and "
        "never compile.",
        f"*Searched by default* is the default space of a table of {EXAMPLE_TABLE['rows']:,} training rows with "
        f"{EXAMPLE_TABLE['features']} features; `pl.default_space` returns that of yours. The names under *Source* are "
        "explained in [Sources](../sources.md).",
    ]
    inherited = set(sections_of(Hyperparameters))
    for name in family_names():
        net = family(name)
        searched = paceline.default_space(name, **EXAMPLE_TABLE).to_dict()  # type: ignore[arg-type]
        defaults = net.resolve({})
        sections = sections_of(net.hyperparameters)
        for shared in (True, False):
            wanted = {knob: head for knob, head in sections.items() if (knob in inherited) is shared}
            if shared and name != family_names()[0]:
                continue  # the same for every family
            parts.append("## Of every net" if shared else f"## Of `{name}` nets")
            for head in dict.fromkeys(wanted.values()):
                title = head.capitalize() or "Net"
                parts.append(f"### {title}{'' if shared else f' ({name})'}")
                rows = [
                    hyperparameter_row(knob, net.knobs[knob], getattr(defaults, knob), searched.get(knob))
                    for knob, section in wanted.items()
                    if section == head
                ]
                parts.append(table(("Name", "Meaning", "Values", "Default", "Searched by default", "Source"), rows))
    return "\n\n".join(parts)


def sections_of(kind: type[Any]) -> dict[str, str]:
    """Name of each hyperparameter of a class -> the comment that heads its group of fields in the source."""
    found: dict[str, str] = {}
    for part in reversed(kind.__mro__):
        head = ""
        for line in inspect.getsource(part).splitlines() if part is not object else ():
            if comment := re.fullmatch(r"    # ([\w ]+)", line):
                head = comment[1]
            elif field := re.match(r"    (\w+): .*= knob\(", line):
                found[field[1]] = head
    return found


def hyperparameter_row(name: str, rule: Knob, default: Any, searched: Any) -> tuple[str, ...]:
    meaning, sources = meaning_and_sources(rule.meaning)
    if rule.static:
        meaning += " **shape**"
    shown = "none" if default is None else "empty" if default == () else code(default)
    links = ", ".join(f"[{source}](../sources.md)" if source in LECTURERS else source for source in sources)
    return f"`{name}`", meaning, values_of(rule), shown, searched_words(searched), links


def meaning_and_sources(text: str) -> tuple[str, list[str]]:
    """The meaning without a bracket that only names sources, and all sources that it named."""
    lectures = r"\bN([0-4])\b"
    ranges = re.compile(r"\bN([0-4])-N([0-4])\b")
    text = ranges.sub(lambda m: ", ".join(LECTURERS[int(m[1]) : int(m[2]) + 1]), text)
    text = re.sub(lectures, lambda m: LECTURERS[int(m[1])], text)
    named = [source for source in SOURCES if re.search(rf"\b{source}\b", text)]
    only = "|".join(SOURCES)
    return text_of(re.sub(rf" \((?:(?:{only})(?:, )?)+\)$", "", text)), named


def values_of(rule: Knob) -> str:
    if rule.kind == "choice":
        words = ", ".join(map(code, rule.choices))
    elif rule.kind == "bool":
        words = "`true`, `false`"
    elif rule.kind == "points":
        words = "list of (epoch, value) pairs"
    elif rule.kind == "weights":
        words = '`"balanced"` or {label: weight}'
    else:
        whole = "whole, " if rule.kind == "int" else ""
        words = f"{whole}{bounds(rule)}"
    extras = [code(f'"{word}"') for word in rule.words]
    extras += ["a list, one a hidden layer"] if rule.per_layer else []
    extras += ["none"] if rule.optional else []
    return " or ".join([words, *extras])


def bounds(rule: Knob) -> str:
    """The interval, closed or open at either end."""
    low = f"[{rule.low:.4g}" if rule.low > float("-inf") else f"({rule.above:.4g}"
    high = f"{rule.high:.7g}]" if rule.high < float("inf") else f"{rule.below:.4g})"
    if "inf" in low and "inf" in high:
        return "any number"
    if "inf" in high:
        return f"{'≥' if low[0] == '[' else '>'} {low[1:]}"
    return f"{low}, {high}"


def searched_words(item: Any) -> str:
    if item is None:
        return ""
    if "choices" in item:
        return ", ".join(map(code, item["choices"]))
    if "value" in item:
        return f"always {code(item['value'])}"
    scale = item.get("scale", "linear")
    words = f"{item['low']:g} to {item['high']:g}{'' if scale == 'linear' else f', {scale} scale'}"
    for parent, value in item.get("when", {}).items():
        words += f", where {parent} is {' or '.join(map(str, value))}"
    return words


# -- methods and stoppers


def methods_page() -> str:
    head = (
        "# Search methods\n\n"
        "What may stand as `method` of `pl.tune`, `pl.minimize`, `paceline tune --method` and a study file; the "
        "options are given as `method_options`. [Methods and stoppers](../guide/methods.md) says when to take which. "
        "`auto` takes `bayes`, or `tpe` where more than 1000 trials are asked for."
    )
    return "\n\n".join([head, *(part_of(search._SEARCHERS, name, ("space", "seed")) for name in search.METHODS)])


def stoppers_page() -> str:
    head = (
        "# Stoppers\n\n"
        "What may stand as `stopper`: the rule that ends trials early (pruning). The options are given as "
        "`stopper_options`. [Methods and stoppers](../guide/methods.md) says when to take which."
    )
    return "\n\n".join([head, *(part_of(search._STOPPERS, name, ("epochs",)) for name in search.STOPPERS)])


def part_of(homes: Mapping[str, str], name: str, given: tuple[str, ...]) -> str:
    """A method or stopper: the first lines of its module and its class, its options, its papers."""
    made = search._attribute("", name, dict(homes))
    doc = inspect.getdoc(made) or ""
    module = first_paragraph(sys.modules[made.__module__].__doc__ or "")
    lines = [f"## {name}", re.split(r"(?<=\.) ", module)[0], first_paragraph(doc)]
    options = [
        (
            f"`{option.name}`",
            "" if option.default in (option.empty, None, ()) else code(option.default),
            described(doc, option.name),
        )
        for option in inspect.signature(made).parameters.values()
        if option.name not in given and option.kind is not option.VAR_KEYWORD
    ]
    if options:
        lines.append(table(("Option", "Default", "Meaning"), options))
    if source := re.search(r"^Source: (.+?)(?:\n\n|\Z)", doc, re.MULTILINE | re.DOTALL):
        lines.append(f"Source: {' '.join(source[1].split())}")
    return "\n\n".join(lines)


def first_paragraph(doc: str) -> str:
    return text_of(" ".join(doc.split("\n\n")[0].split()))


def described(doc: str, name: str) -> str:
    """What a docstring's "Args" say of an argument."""
    found = re.search(rf"^    {name}: (.+?)(?=\n    \w[\w, ]*: |\n\n|\Z)", doc, re.MULTILINE | re.DOTALL)
    return text_of(" ".join(found[1].split())) if found else ""


# -- metrics and settings


def metrics_page() -> str:
    head = (
        "# Metrics\n\n"
        "What may stand as `metric`, always measured on the validation set; and, with `parameters` and `operations`, "
        "as one of the `objectives`. [Metrics](../guide/metrics.md) explains them."
    )
    rows = []
    for name, goal in METRICS.items():
        suits = [task for task in TASKS if suited(name, task)]
        default = [task for task in suits if chosen_metric(None, task) == name]
        more = "a program that measures it is compiled" if name in EXTRAS else ""
        rows.append((f"`{name}`", f"{goal[:-1]}ed", ", ".join(suits), ", ".join(default), more))
    return head + "\n\n" + table(("Name", "It is", "Tasks", "Default of", "Costs"), rows)


def suited(metric: str, task: str) -> bool:
    try:
        return chosen_metric(metric, task) == metric
    except SettingsError:
        return False


def settings_page() -> str:
    parts = [
        "# Settings of a study",
        "Every name that a [study file](../guide/spaces.md) may hold. `pl.tune` takes the same names as arguments, "
        "except for `search`, which is its argument `space`, and for those about the data, which belong to `pl.load`. "
        "`paceline schema` prints the same as a JSON Schema, with which an editor completes and checks a study file.",
    ]
    schema = json_schema()
    parts.append(settings_table(schema["properties"]))
    parts += ["## Below `split`", settings_table(schema["$defs"]["SplitPart"]["properties"])]
    return "\n\n".join(parts)


def settings_table(properties: Mapping[str, Any]) -> str:
    rows = []
    for name, rule in properties.items():
        default = rule.get("default")
        shown = "" if default is None or default in ({}, []) or isinstance(default, dict) else code(default)
        values = ", ".join(map(code, choices_in(rule)))
        rows.append((f"`{name}`", text_of(rule.get("description", "")), values, shown))
    return table(("Name", "Meaning", "Values", "Default"), rows)


def choices_in(rule: Mapping[str, Any]) -> list[str]:
    """The words that a setting may be, in whichever branch of its schema they stand."""
    found = list(rule.get("enum", []))
    branches = [*rule.get("anyOf", []), *([rule["items"]] if "items" in rule else [])]
    for branch in branches:
        found += choices_in(branch)
    return list(dict.fromkeys(found))


# -- command line and API


def command_line_page() -> str:
    group = typer.main.get_command(app)
    context = typer.Context(group, info_name="paceline")
    parts = ["# Command line", group.help or "", "```console\n$ paceline COMMAND ...\n```", options_of(group, context)]
    names = group.list_commands(context)  # type: ignore[attr-defined]
    for name in names:
        command = group.get_command(context, name)  # type: ignore[attr-defined]
        inner = typer.Context(command, info_name=name, parent=context)
        pieces = [re.sub(r"\{(.+)\}", lambda m: m[1].upper(), piece) for piece in command.collect_usage_pieces(inner)]
        usage = " ".join(["paceline", name, *pieces])
        parts += [f"## {name}", command.help or "", f"```console\n$ {usage}\n```", options_of(command, inner)]
    return "\n\n".join(parts)


def options_of(command: Any, context: typer.Context) -> str:
    records = [record for item in command.get_params(context) if (record := item.get_help_record(context))]
    return table(("Argument or option", "Meaning"), [(f"`{name}`", text_of(text)) for name, text in records])


def api_page() -> str:
    groups: dict[str, list[str]] = {"Functions": [], "Classes": [], "Errors": []}
    for name in paceline.__all__:
        value = getattr(paceline, name)
        is_error = isinstance(value, type) and issubclass(value, PacelineError)
        groups["Errors" if is_error else "Classes" if isinstance(value, type) else "Functions"].append(name)
    parts = [
        "# Python API",
        "All public names. Everything else may change without notice. `import paceline as pl` takes less than 0.3 s; "
        "JAX and pandas are loaded when they are needed.",
    ]
    for head, names in groups.items():
        parts.append(f"## {head}")
        parts += [f"::: paceline.{name}" for name in names]
    return "\n\n".join(parts)
