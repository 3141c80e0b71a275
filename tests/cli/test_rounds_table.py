"""The table of coarse_to_fine's rounds: the first and the last are in it, and every hyperparameter has its line."""

import io

from rich.console import Console

from paceline.cli.rounds import rounds_table
from paceline.summary import SearchRound


def printed(rounds: list[dict[str, object]]) -> list[str]:
    console = Console(file=io.StringIO(), width=60)
    rounds_table([SearchRound.from_json(one) for one in rounds], console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_rounds_are_shown_from_the_first_to_the_last() -> None:
    rounds = [
        {
            "number": number, "first": 10 * number, "incumbent": None,
            "ranges": {"rate": [10.0**-5, 10.0 ** -(number % 5 + 1) / 3], "layers": [1, 4]},
            "shares": {"optimizer": {"adam": 0.5 + 0.1 * (number > 0), "None": 0.5 - 0.1 * (number > 0)}},
        }
        for number in range(8)
    ]  # fmt: skip
    blank, head, rate, layers, optimizer = printed(rounds)
    assert blank == ""
    assert head.split("  ")[0] == "search range" and head.split()[2:] == [
        word for at in "0257" for word in ("round", at)
    ]
    assert rate.split()[:4] == ["rate", "1e-05", "to", "0.0333"] and layers.split()[:4] == ["layers", "1", "to", "4"]
    assert optimizer.split() == ["optimizer", "any", "of", "2", *["adam", "60", "%"] * 3]


def test_a_single_round_is_one_column_and_none_is_nothing() -> None:
    assert printed([]) == []
    one = {"number": 0, "first": 0, "incumbent": None, "ranges": {"rate": [0.1, 1.0]}, "shares": {}}
    assert [line.split() for line in printed([one])[1:]] == [
        ["search", "range", "round", "0"],
        ["rate", "0.1", "to", "1"],
    ]
