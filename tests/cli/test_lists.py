"""`--help` lists every method, stopper and metric, and `paceline knobs` every hyperparameter."""

from typing import get_args

import pytest

from paceline.cli import lists
from paceline.net import family
from paceline.records import METRICS
from paceline.settings.models import Method, StopperName


def test_every_method_stopper_and_metric_has_its_line() -> None:
    assert set(lists.METHODS) == set(get_args(Method))
    assert set(lists.STOPPERS) == set(get_args(StopperName))
    assert set(lists.METRICS) == set(METRICS)


def test_the_help_of_tune_keeps_the_lines(run) -> None:  # type: ignore[no-untyped-def]
    text = run("tune", "--help").stdout
    for rows in (lists.METHODS, lists.STOPPERS, lists.METRICS):
        for name, words in rows.items():
            assert any(line.split(maxsplit=1) == [name, words] for line in text.splitlines()), name


def test_knobs_are_listed_and_described(run) -> None:  # type: ignore[no-untyped-def]
    listed = run("knobs").stdout.splitlines()
    assert [line.split()[0] for line in listed] == list(family("dense").knobs)
    one = run("knobs", "momentum").stdout.splitlines()
    assert one[0] == "momentum" and one[2].split(maxsplit=1) == ["values", "number >= 0 and < 1"]
    assert one[3].split() == ["default", "0.9"]
    wrong = run("knobs", "momentun")
    assert wrong.exit_code == 2 and "did you mean 'momentum'?" in wrong.stderr


@pytest.mark.parametrize("name", sorted(family("dense").knobs))
def test_every_rule_can_be_read(name: str) -> None:
    rule = family("dense").knobs[name].rule
    assert rule and "inf" not in rule
