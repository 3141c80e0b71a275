"""One root seed, many streams: (study seed, purpose, number, ...) -> an independent seed, and nothing else.

No global generator exists in Paceline. `numpy.random.SeedSequence` mixes the path; equal paths give equal
streams on every machine, and neighbouring paths give unrelated ones.
"""

import numpy as np

PURPOSES = ("trial", "search", "split", "folds", "retrain", "bootstrap", "init", "births", "outlook", "outer")


def seed_for(root: int, purpose: str, *path: int) -> int:
    """A 32-bit seed for one purpose, e.g. `seed_for(0, "trial", 17)`.

    >>> seed_for(0, "trial", 17) == seed_for(0, "trial", 17)
    True
    >>> seed_for(0, "trial", 17) == seed_for(0, "trial", 18)
    False
    """
    sequence = np.random.SeedSequence([root, PURPOSES.index(purpose), *path])
    return int(sequence.generate_state(1, np.uint32)[0])


def library_seed(root: int) -> int:
    """A seed for a library that takes 32 bits, as scikit-learn does: the seed itself where it fits, else a mix of it.

    >>> library_seed(7), library_seed(2**40) < 2**32
    (7, True)
    """
    return root if root < 2**32 else int(np.random.SeedSequence(root).generate_state(1, np.uint32)[0])


def generator(root: int, purpose: str, *path: int) -> np.random.Generator:
    """A numpy generator for one purpose; see `seed_for`."""
    return np.random.default_rng(np.random.SeedSequence([root, PURPOSES.index(purpose), *path]))
