"""The search range per round of a coarse-to-fine search: a line a hyperparameter, a column for some of the rounds."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from paceline.cli.words import setting
from paceline.summary import SearchRound

COLUMNS = 4
"""So many rounds are shown: the first, the last, and some between them."""


def rounds_table(rounds: Sequence[SearchRound], console: Console) -> None:
    """Nothing of a study that had no rounds.

    Args:
        rounds: as in the summary of a study.
    """
    if not rounds:
        return
    last = len(rounds) - 1
    shown = [rounds[place] for place in sorted({round(last * k / (COLUMNS - 1)) for k in range(COLUMNS)})]
    rows = [["search range", *(f"round {one.number}" for one in shown)]]
    for name in (*rounds[0].ranges, *rounds[0].shares):
        rows.append([name, *(box_text(one, name) for one in shown)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    console.print()
    for row in rows:
        cells = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        line = Text(cells, style="dim" if row is rows[0] else "")
        console.print(
            line, no_wrap=True, overflow="ellipsis" if console.is_terminal else "ignore", crop=console.is_terminal
        )


def box_text(one: SearchRound, name: str) -> str:
    """The range of one hyperparameter in a round: its ends, or the most likely choice.

    >>> box_text(SearchRound(0, ranges={"rate": (0.001, 0.1)}), "rate")
    '0.001 to 0.1'
    >>> box_text(SearchRound(0, shares={"kind": {"adam": 0.75, "sgd": 0.25}}), "kind")
    'adam 75 %'
    """
    if name in one.ranges:
        low, high = one.ranges[name]
        return f"{short(low)} to {short(high)}"
    shares = one.shares[name]
    likeliest = max(shares, key=lambda choice: shares[choice])
    return f"any of {len(shares)}" if len(set(shares.values())) == 1 else f"{likeliest} {100 * shares[likeliest]:.0f} %"


def short(value: Any) -> str:
    """Three digits: the ends of a range aren't known any better."""
    return f"{value:.3g}" if isinstance(value, float) else setting(value)
