"""Ladders of sizes: a program's arrays are a step of a ladder, so that few programs serve many sizes.

A size is rounded up as a pure function of the trial and its data, never of what is compiled already or who else is
training: a padded reduction changes the last bits, and a trial's curve must not depend on company.

    13, 37 units -> 48        10 features -> 16        7 classes -> 8        20 000 rows -> 20 480
"""

from bisect import bisect_left

WIDTHS = (8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096)
# A study has one number of inputs, so fine steps cost it no program; the first layer of pictures is most of a step.
INPUTS = (*range(16, 1024, 16), *(step << power for power in range(11) for step in range(1024, 2048, 128)))
OUTPUTS = tuple(8 << (2 * power) for power in range(8))
# Up to 16 384 rows all tables share programs. Beyond, padding costs at most an eighth of the memory.
ROWS = tuple(step << power for power in range(17) for step in range(16_384, 32_768, 2_048))


def step_up(ladder: tuple[int, ...], value: int) -> int:
    """The first step of the ladder that holds `value`.

    >>> step_up(WIDTHS, 49)
    64
    """
    return ladder[bisect_left(ladder, value)]
