"""The project speaks the field's words: no invented names in code, no phrase that needs explaining, no text it cites
without holding it.

NAMES are looked for as whole words in Python files, PHRASES in any text, CITATIONS likewise. A name that is also an
ordinary English word is looked for only where it is a name: as a class, a function or an argument.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("src", "tests", "benchmarks", "docs", "examples")
ENDINGS = (".py", ".md", ".html", ".toml", ".js")
SELF = Path(__file__).resolve()

NAMES = {
    "Conductor": "StudyLoop",
    "Flight": "ActiveCohort",
    "_take_off": "_propose",
    "_land": "_drain",
    "_climb": "_advance_rung",
    "_bear": "_clone",
    "_tell": "_report_progress",
    "Birth": "Clone",
    "Ledger": "TrialTable",
    "Horizon": "VisibleHistory",
    "Endings": "StoppingCriteria",
    "Growing": "HistoryView",
    "Past": "EncodedHistory",
    "Evidence": "Observations",
    "Hunt": "AcquisitionOptimizer",
    "Moving": "OptimizerState",
    "Hyper": "TrialArguments or GPParameters",
    "Tally": "CompileStats",
    "foretold": "rank_correlates or loo_means",
    "made_of": "seed_index",
    "imagine": "fantasize",
}
"""Names that aren't used -> what is used instead."""

CONSTANTS = {"LEAST": "MIN_", "MOST": "MAX_", "FEW": "MAX_", "FIRST": "FIRST_"}
"""Names in the package that don't say of what -> how they begin instead."""

NOT_YET: set[str] = set()
"""Names of the table that are still to be renamed."""

DEFINED = {
    "Never": "NoStopping",
    "Fresh": "UniqueBatch",
    "First": "InitialPoints",
    "told": "a name that says what is told",
    "joined": "apply_skip or concatenate",
    "nothing": "empty_result",
    "lost": "what is left out, and why",
    "gone": "what is left out, and why",
    "carried": "translated_results",
    "whole": "check_int or train_dev_fold",
    "fine": "is_finite",
    "Weights": "Params",
    "Padded": "PaddedParams",
    "verdict": "epoch_status or result",
}
"""Ordinary words that no function or class of the package may be called by -> better names."""

PHRASES = [
    "the one whose neighbours did best",
    "no more than chance",
    "train and dev rows together",
    "opened for this, the first time",
    "came as far as a score",
    "ended without a word",
    "making the first programs",
    "what is under way is finished",
    "trial-steps/s",
    "training the best configuration again",
    "Root of all random numbers",
    "Most trials;",
    "Most minutes that",
    "End when a trial",
    "Keep this good beside",
    "give it again for several",
    "An older study to start from",
    "Family of the net; default",
    "How configurations are proposed",
    "How bad trials are ended early",
    "Trials side by side",
    "Open the test set; how often",
    "carried data set",
    "overrules it",
    "only counts the rows",
    "as an identifier does",
    "What mattered:",
    "How sure that is",
    "sets the best tenth of the",
    "told apart by this evidence",
    "came to the very same score",
    "no dev score can judge it",
    "All trials at once",
    "the stronger its colour",
    "Triangles lie beyond",
    "What ended, and why",
    "trained beyond each rung",
    "stopped none",
    "Predictions on the dev rows",
    "What was noticed when they were read",
    "At the edge of a range",
    "is in nothing better than one of these",
    "How the search narrowed",
    "What that says",
    "The model that is delivered",
    "can't be had with",
    "must be one of its choices",
    "which the rows lack",
    "Paceline has a fault",
    "holds a study already",
    "could not be worked out",
    "set for all trials",
    "rides in the work of the rest",
    "Parzen estimators; by list",
    "is luck",
    "can be kept good",
]

CITATIONS = re.compile(r"\bN[0-4]\b|\b(ARCHITECTURE|ENGINE|SEARCH|TECHNIQUES|DIAGNOSIS|LANGUAGE)\b(?!\s*=)")

ELSEWHERE: tuple[str, ...] = ()
"""Files whose words are still to be changed; see NOT_YET."""


@cache
def texts() -> dict[str, str]:
    """Path from the root -> text of every file that people read."""
    files = [ROOT / "README.md", ROOT / "pyproject.toml"]
    files += [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*")) if file.suffix in ENDINGS]
    return {
        file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files if file.resolve() != SELF
    }


def places(pattern: str | re.Pattern[str], *, code: bool = False) -> list[str]:
    """file:line of every hit."""
    return [
        f"{name}:{text.count(chr(10), 0, hit.start()) + 1}: {hit.group().strip()}"
        for name, text in texts().items()
        if name.endswith(".py") or not code
        for hit in re.finditer(pattern, text)
    ]


def settled(found: list[str]) -> list[str]:
    return [place for place in found if not place.startswith(ELSEWHERE)]


def in_package(found: list[str]) -> list[str]:
    return [place for place in found if place.startswith("src/")]


def defined(word: str) -> Iterator[str]:
    """Places where a function or a class has a name."""
    yield from places(rf"(?:def|class) _?{word}\b", code=True)


@pytest.mark.parametrize("name", sorted(NAMES.keys() - NOT_YET))
def test_names_say_what_a_thing_is(name: str) -> None:
    assert settled(places(rf"\b{name}\b", code=True)) == [], f"the name is {NAMES[name]}"


@pytest.mark.parametrize("name", sorted(CONSTANTS.keys() - NOT_YET))
def test_constants_say_of_what(name: str) -> None:
    found = in_package(settled(places(rf"\b{name}\b", code=True)))
    assert found == [], f"better: {CONSTANTS[name]} and of what"


@pytest.mark.parametrize("word", sorted(DEFINED))
def test_no_definition_is_called_by_an_ordinary_word(word: str) -> None:
    assert in_package(settled(list(defined(word)))) == [], f"better: {DEFINED[word]}"


@pytest.mark.parametrize("phrase", PHRASES)
def test_phrases_are_the_usual_ones(phrase: str) -> None:
    pattern = r"\s+".join(map(re.escape, phrase.split()))
    assert settled(places(pattern)) == []


def test_only_texts_that_the_project_holds_are_cited() -> None:
    assert settled(places(CITATIONS)) == []


def test_what_is_still_to_be_renamed_is_in_the_table() -> None:
    assert NAMES.keys() | CONSTANTS.keys() >= NOT_YET
