"""Every method and every stopper keeps its contract; one line each."""

import numpy as np

from paceline.search import METHODS, STOPPERS, Searcher, make_searcher, make_stopper
from paceline.space import Space
from paceline.testing import SearcherContract, StopperContract


def manual(space: Space) -> Searcher:
    rng = np.random.default_rng(9)
    return make_searcher("manual", space, seed=0, configurations=[space.sample(rng) for _ in range(80)])


class TestManual(SearcherContract):
    make = staticmethod(manual)
    endless = False


def experiments(space: Space) -> Searcher:
    """The default point, and each of its first parameters in turn at the values that some draws have."""
    rng = np.random.default_rng(9)
    base = space.default_point()
    drawn = [space.sample(rng) for _ in range(6)]
    factors = {}
    for name in list(base)[:4]:
        values = [point[name] for point in drawn if space.contains(base | {name: point.get(name)})]
        if any(value != base[name] for value in values):
            factors[name] = values
    return make_searcher("manual", space, seed=0, base=base, factors=factors, repeats=1)


class TestManualExperiments(SearcherContract):
    make = staticmethod(experiments)
    endless = False


class TestGrid(SearcherContract):
    make = staticmethod(lambda space: make_searcher("grid", space, seed=0, points=3))
    endless = False


class TestRandom(SearcherContract):
    make = staticmethod(lambda space: make_searcher("random", space, seed=0))


class TestSobol(SearcherContract):
    make = staticmethod(lambda space: make_searcher("sobol", space, seed=3))


class TestCoarseToFine(SearcherContract):
    make = staticmethod(lambda space: make_searcher("coarse_to_fine", space, seed=0, size=8))


class TestTpe(SearcherContract):
    make = staticmethod(lambda space: make_searcher("tpe", space, seed=0, startup=6, candidates=16))


class TestGenetic(SearcherContract):
    make = staticmethod(lambda space: make_searcher("genetic", space, seed=0))


class TestEvolution(SearcherContract):
    make = staticmethod(lambda space: make_searcher("evolution", space, seed=0, population=8))


class TestCmaEs(SearcherContract):
    make = staticmethod(lambda space: make_searcher("cmaes", space, seed=0))


class TestDifferential(SearcherContract):
    make = staticmethod(lambda space: make_searcher("differential", space, seed=0, population=6))


class TestPopulation(SearcherContract):
    make = staticmethod(lambda space: make_searcher("population", space, seed=0, size=6))


class TestFirst(SearcherContract):
    make = staticmethod(lambda space: make_searcher("random", space, seed=0, first=[space.default_point()]))


class TestNone(StopperContract):
    make = staticmethod(lambda epochs: make_stopper("none", epochs=epochs))


class TestMedian(StopperContract):
    make = staticmethod(lambda epochs: make_stopper("median", epochs=epochs))


class TestHalving(StopperContract):
    make = staticmethod(lambda epochs: make_stopper("halving", epochs=epochs))


class TestHyperband(StopperContract):
    make = staticmethod(lambda epochs: make_stopper("hyperband", epochs=epochs))


class TestPatience(StopperContract):
    make = staticmethod(lambda epochs: make_stopper("patience", epochs=epochs, patience=2))


class TestAsha(StopperContract):
    make = staticmethod(lambda epochs: make_stopper("asha", epochs=epochs))


class TestCurve(StopperContract):
    make = staticmethod(lambda epochs: make_stopper("curve", epochs=epochs))


def test_every_name_is_tested_here() -> None:
    tested = {name.removeprefix("Test").lower() for name in globals() if name.startswith("Test")}
    missing = {name.replace("_", "") for name in (*METHODS, *STOPPERS)} - tested
    assert missing <= {"bayes", "population"}  # these have files of their own
