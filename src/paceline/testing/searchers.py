"""The contract that a new searcher must pass.

    class TestMySearcher(SearcherContract):
        make = staticmethod(lambda space: MySearcher(space))

Every law of `paceline.search.base` is one test. `imitate` is the smallest study: it asks, invents scores (with
diverged, failed, stopped and running trials among them) and tells, so that a searcher can be driven
without training anything.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any, ClassVar

import numpy as np

from paceline.records import History, Params, Status, Trial
from paceline.search.base import Searcher
from paceline.space import Space

SPACES: Mapping[str, Callable[[], Space]] = {
    "one number": lambda: Space({"x": {"low": 0.0, "high": 1.0}}),
    "numbers": lambda: Space({"x": {"low": -1.0, "high": 1.0}, "rate": {"low": 1e-5, "high": 0.1, "scale": "log"}}),
    "choices": lambda: Space({"a": ["p", "q", "r", "s"], "b": [True, False, None], "c": ["u", "v", "w", "x", "y"]}),
    "conditional": lambda: Space(
        {
            "rate": {"low": 1e-5, "high": 0.1, "scale": "log"},
            "layers": {"low": 0, "high": 3},
            "units": {"choices": [8, 16, 32], "per": "layers"},
            "optimizer": {"choices": ["sgd", "momentum", "adam"], "weights": [1, 1, 3]},
            "momentum": {"low": 0.5, "high": 0.99, "scale": "logit", "when": {"optimizer": ["momentum"]}},
            "nesterov": {"choices": [True, False], "when": {"optimizer": ["momentum"]}},
        }
    ),
    "sixty": lambda: Space(
        {f"x{i}": {"low": 0.0, "high": 1.0} for i in range(40)}
        | {f"n{i}": {"low": 1, "high": 9} for i in range(10)}
        | {f"c{i}": ["a", "b", "c"] for i in range(10)}
    ),
}
"""Spaces that every searcher must manage."""


def finite_space() -> Space:
    """Seven points, one of them behind a condition."""
    return Space({"kind": ["a", "b", "c"], "n": {"low": 1, "high": 5, "when": {"kind": ["b"]}}})


def rng_at(history: History, seed: int = 0) -> np.random.Generator:
    """The generator that a study hands to `suggest`: a function of its seed and the first new trial's number."""
    return np.random.default_rng([seed, len(history)])


def invented_score(params: Params) -> float:
    """A score in [0, 1) of any configuration: a function of its key, without any pattern."""
    text = Space.key(params)
    return int(text[:8], 16) / 2**32


def invented_costs(params: Params, count: int) -> tuple[float, ...]:
    """So many costs in [1, 1001) of any configuration, without any pattern; some are equal."""
    text = Space.key(params)
    return tuple(1.0 + 10.0 * (int(text[8 + 2 * i : 10 + 2 * i], 16) % 100) for i in range(count))


def outcome(trial: Trial, epochs: int, *, mishaps: bool = True, costs: int = 0) -> Trial:
    """The trial after its training: a falling curve, or (by its score) a divergence, a failure or an early stop."""
    trial = replace(trial, costs=invented_costs(trial.params, costs))
    level = invented_score(trial.params)
    curve = tuple(level + 1.0 / (epoch + 1) for epoch in range(epochs))
    fate = int(level * 997) % 8 if mishaps else 7
    if fate == 0:
        return replace(trial, status=Status.DIVERGED, epoch=1, score=curve[0], curve=curve[:1], reason="not finite")
    if fate == 1:
        return replace(trial, status=Status.FAILED, reason="could not be run")
    last = max(1, epochs // 3) if fate in (2, 3) else epochs
    status = Status.STOPPED if fate in (2, 3) else Status.FINISHED
    return replace(trial, status=status, epoch=last, score=curve[last - 1], best_epoch=last, curve=curve[:last])


def imitate(
    searcher: Searcher,
    batches: Iterator[int] | list[int],
    *,
    seed: int = 0,
    lag: int = 0,
    epochs: int = 9,
    history: History | None = None,
    mishaps: bool = True,
    costs: int = 0,
) -> History:
    """Ask and tell without training.

    Args:
        searcher: any method.
        batches: how many configurations to ask for, time after time; ends early when the space is used up.
        seed: the study's seed.
        lag: so many of the latest trials are still running whenever the searcher is asked.
        epochs: length of a whole training.
        history: what came before.
        mishaps: whether some trials diverge, fail or are stopped.
        costs: so many objectives beside the score.
    """

    def after(trial: Trial) -> Trial:
        return trial if trial.ended else outcome(trial, epochs, mishaps=mishaps, costs=costs)

    trials = list(history or ())
    for count in batches:
        cut = max(0, len(trials) - lag)
        trials[:cut] = map(after, trials[:cut])
        asked = History(tuple(trials))
        points = searcher.suggest(asked, count, rng_at(asked, seed))
        if not points:
            break
        seeds = searcher.seed_numbers(asked, points)
        trials += [Trial(number, *pair) for number, pair in enumerate(zip(points, seeds, strict=True), len(trials))]
    return History(tuple(map(after, trials)))


class SearcherContract:
    """The laws of `Searcher`. Override `make`.

    Attributes:
        make: space -> searcher, the same one each time.
        endless: whether the method always fills a batch while the space holds unseen points; False for
            methods that go through a list of their own.
    """

    make: ClassVar[Callable[[Space], Searcher]]
    endless: ClassVar[bool] = True

    def test_proposals_lie_in_the_space(self) -> None:
        for name, space in _spaces():
            history = imitate(type(self).make(space), [4, 1, 8, 8], lag=3)
            assert len(history) > 0, name
            for trial in history:
                space.validate(trial.params)

    def test_proposals_never_repeat(self) -> None:
        for name, space in _spaces():
            history = imitate(type(self).make(space), [16, 16, 1, 16], lag=5)
            keys = [space.key(trial.params) for trial in history]
            assert len(set(keys)) == len(keys), name

    def test_batches_of_one_and_of_many(self) -> None:
        for name, space in _spaces():
            for history in (History(), imitate(type(self).make(space), [12])):
                for count in (0, 1, 64):
                    points = type(self).make(space).suggest(history, count, rng_at(history))
                    assert len(points) <= count, name
                    if self.endless and space.size is None:
                        assert len(points) == count, name

    def test_equal_questions_have_equal_answers(self) -> None:
        for name, space in _spaces():
            searcher = type(self).make(space)
            history = imitate(searcher, [10, 10, 10], lag=4)
            first = searcher.suggest(history, 5, rng_at(history))
            searcher.suggest(History(history.trials[:7]), 3, np.random.default_rng(5))
            searcher.suggest(History(history.trials[7:]), 3, np.random.default_rng(5))
            assert searcher.suggest(history, 5, rng_at(history)) == first, name
            assert type(self).make(space).suggest(history, 5, rng_at(history)) == first, name

    def test_a_resumed_study_is_a_replay(self) -> None:
        for name, space in _spaces():
            batches = [6, 6, 6, 6]
            whole = imitate(type(self).make(space), batches)
            for done in range(1, len(batches)):
                start = History(whole.trials[: sum(batches[:done])])
                assert imitate(type(self).make(space), batches[done:], history=start) == whole, name

    def test_every_proposal_has_a_seed_and_no_configuration_has_one_twice(self) -> None:
        for name, space in _spaces():
            history = imitate(type(self).make(space), [6, 6], lag=3)
            points = type(self).make(space).suggest(history, 5, rng_at(history))
            seeds = type(self).make(space).seed_numbers(history, points)
            assert len(seeds) == len(points) and all(number >= 0 for number in seeds), name
            told = [(space.key(trial.params), trial.seed) for trial in history]
            told += [(space.key(point), number) for point, number in zip(points, seeds, strict=True)]
            assert len(set(told)) == len(told), name

    def test_a_history_of_mishaps_is_survived(self) -> None:
        nan = float("nan")
        for status, costs in product((Status.DIVERGED, Status.FAILED, Status.RUNNING), ((), (2.0,))):
            for name, space in _spaces():
                rng = np.random.default_rng(1)
                trials = [
                    Trial(i, space.sample(rng), i, status=status, epoch=1, score=nan, curve=(nan,), costs=costs)
                    for i in range(20)
                ]
                points = type(self).make(space).suggest(History(tuple(trials)), 4, rng)
                assert len(points) == 4 or not self.endless or space.size is not None, name

    def test_foreign_configurations_in_the_history_are_survived(self) -> None:
        for _, space in _spaces():
            foreign = Trial(number=0, params={"not in it": 1}, seed=0, status=Status.FINISHED, score=0.0, curve=(0.0,))
            history = imitate(type(self).make(space), [5, 5], history=History((foreign,)))
            for trial in history.trials[1:]:
                space.validate(trial.params)

    def test_scores_to_maximise_mirror_scores_to_minimise(self) -> None:
        for name, space in _spaces():
            history = imitate(type(self).make(space), [12, 12])
            turned = History(tuple(map(mirrored, history)), "maximize")
            expected = type(self).make(space).suggest(history, 6, rng_at(history))
            assert type(self).make(space).suggest(turned, 6, rng_at(history)) == expected, name

    def test_equal_scores_are_survived(self) -> None:
        for name, space in _spaces():
            history = imitate(type(self).make(space), [15])
            level = tuple(replace(t, status=Status.FINISHED, score=0.5, curve=(0.5,)) for t in history)
            points = type(self).make(space).suggest(History(level), 3, rng_at(history))
            assert len(points) == 3 or not self.endless or space.size is not None, name

    def test_costs_beside_the_score_change_none_of_this(self) -> None:
        for costs, (name, space) in enumerate(_spaces(), start=1):
            whole = imitate(type(self).make(space), [6, 9, 6], costs=costs)
            keys = [space.key(trial.params) for trial in whole]
            assert len(set(keys)) == len(keys), name
            assert len(whole) == 21 or not self.endless or space.size is not None, name
            for trial in whole:
                space.validate(trial.params)
            begun, last = whole.trials[:15], [trial.params for trial in whole.trials[15:]]
            turned = History(tuple(map(mirrored, begun)), "maximize")
            assert type(self).make(space).suggest(turned, 6, rng_at(turned)) == last, name

    def test_a_finite_space_is_used_up_and_ends(self) -> None:
        space = finite_space()
        for batch in (1, 3, 64):
            searcher = type(self).make(space)
            history = imitate(searcher, [batch] * 12)
            keys = {space.key(trial.params) for trial in history}
            assert len(keys) == len(history)
            if self.endless:
                assert len(keys) == space.size
            assert searcher.suggest(history, 4, rng_at(history)) == []

    def test_a_space_of_one_point(self) -> None:
        space = Space({"a": {"value": 3}})
        searcher = type(self).make(space)
        assert searcher.suggest(History(), 3, rng_at(History())) == [{"a": 3}]
        done = imitate(searcher, [1])
        assert searcher.suggest(done, 3, rng_at(done)) == []


def mirrored(trial: Trial) -> Trial:
    """The trial with its scores turned, as a study that maximises would have them."""
    score = None if trial.score is None else -trial.score
    return replace(trial, score=score, curve=tuple(-value for value in trial.curve))


def _spaces() -> Iterator[tuple[str, Any]]:
    for name, make in SPACES.items():
        yield name, make()
