"""`pl.minimize`: the searchers, on any Python function.

    ask     searcher.suggest(history, batch)
    call    outcomes in the batch's order (see `calls`)
    tell    history + outcomes; a failed call is a failed trial, which no method proposes again

The whole batch is told before the next is asked for, so which worker finishes first decides nothing: a result is a
function of (func, space, method, seed, calls, batch).

This file isn't called `minimize`, because a module of that name would hide the function of that name.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paceline.calls import Caller, Function, Here, Outcome, Workers, failed, outcome_of
from paceline.errors import SettingsError
from paceline.pareto import front_of
from paceline.records import History, Params, Status, Trial
from paceline.search import HistoryView, Searcher, check_objectives, make_searcher
from paceline.search.experiments.effects import effects_of
from paceline.search.experiments.tie_break import select_best
from paceline.search.options import check_float, check_int
from paceline.seeds import generator, seed_for
from paceline.settings import auto_method
from paceline.space import Space

UNDER_WAY, DONE, STOPPED, OUT_OF_TIME, USED_UP, ALL_FAILED = -1, 0, 1, 2, 3, 4


@dataclass(frozen=True, eq=False)
class Minimum:
    """The best configuration found and all calls, named as in scipy's OptimizeResult and scikit-optimize's results.

    Attributes:
        x: the configuration with the least value (of several objectives, the first); None if no call succeeded.
            Ties are broken by the surrogate's leave-one-out mean (see `search.experiments.tie_break`), in a callback by
            order.
        fun: its value (of several objectives, the first); inf if no call succeeded.
        nfev: calls made (points with a given `y0` aren't called).
        nit: batches of calls.
        success: whether any call succeeded.
        status: 0 all calls made, 1 stopped by the callback, 2 out of time, 3 no point left, 4 no call succeeded,
            -1 under way (only in a callback).
        message: the status in words.
        x_iters: (points) all configurations in the order they were proposed, given ones first.
        func_vals: (points,) their values, (points, objectives) of several objectives; inf where the call failed, so
            that the least is the best.
        pareto: positions in x_iters of the points that no other dominates, the least first value first; of one
            objective that of x alone.
        failures: position in x_iters -> why the call failed.
        space: where was searched.
        experiments: of controlled experiments (method manual) what they found, see `search.effects`; else None.
        specs: {"function": ..., "args": the settings, `method` as it was chosen}.
    """

    x: Params | None
    fun: float
    nfev: int
    nit: int
    success: bool
    status: int
    message: str
    x_iters: list[Params] = field(repr=False)
    func_vals: NDArray[np.float64] = field(repr=False)
    pareto: list[int] = field(repr=False)
    failures: dict[int, str] = field(repr=False)
    space: Space = field(repr=False)
    specs: dict[str, Any] = field(repr=False)
    experiments: dict[str, Any] | None = field(default=None, repr=False)


def minimize(
    func: Function,
    space: Space | Mapping[str, Any],
    *,
    method: str = "auto",
    calls: int = 100,
    seed: int = 0,
    x0: Params | Sequence[Params] | None = None,
    y0: float | Sequence[float] | Sequence[Sequence[float]] | None = None,
    workers: int = 1,
    batch: int | None = None,
    timeout: float | None = None,
    minutes: float | None = None,
    callback: Callable[[Minimum], object] | None = None,
    method_options: Mapping[str, Any] | None = None,
) -> Minimum:
    """Minimise any function of a configuration: noisy, slow, failing now and then.

    Examples:
        >>> import paceline as pl
        >>> def loss(p):
        ...     return (p["x"] - 2) ** 2 + (0 if p["kind"] == "b" else 1)
        >>> found = pl.minimize(loss, {"x": {"low": -5.0, "high": 5.0}, "kind": ["a", "b"]}, method="tpe", calls=60)
        >>> found.success, found.nfev, found.x["kind"], abs(found.x["x"] - 2) < 0.5
        (True, 60, 'b', True)

    Args:
        func: takes a configuration (a dict of its own), returns a number, or several as a tuple or list (always as
            many), all of which are to be low: then the result's `pareto` is what was looked for. To maximise, return
            the negative. A call that raises, takes longer than `timeout` or returns no finite number has failed: it
            is noted with its reason, never proposed again, and counts as a call.
        space: a `Space`, or names with their parameters in short form.
        method: one of `paceline.search.METHODS`; "auto", as in `tune`: `bayes`, which thinks for about
            0.05 s a call, or `tpe` for more than 1000 calls.
        calls: most calls.
        seed: root of all random numbers.
        x0: a configuration, or several, to begin with. y0: their values, if known (a tuple each for several
            objectives): then they aren't called.
        workers: processes that call the function, which must then be defined at the top of a module.
        batch: configurations proposed together, `workers` by default. The result depends on it, and not on
            `workers`; larger batches keep more workers busy and learn less from each call.
        timeout: seconds a call may take; then its process is killed (so the function is sent to a process, as
            with `workers`).
        minutes: no new batch is begun after so long.
        callback: told of the result so far after each batch; ends the search by returning True or raising
            StopIteration.
        method_options: the method's own options.

    Returns:
        The best of all points; those with a given `y0` count.

    Raises:
        SettingsError: an argument that breaks a rule, a function that can't be sent to other processes, or one that
            returns several numbers to a method that can keep only one low.
        SpaceError: the space or a first point breaks a rule.
    """
    space = space if isinstance(space, Space) else Space(space)
    check_int("calls", calls, 1)
    check_int("seed", seed, 0)
    together = check_int("batch", check_int("workers", workers, 1) if batch is None else batch, 1)
    for name, value in (("timeout", timeout), ("minutes", minutes)):
        if value is not None:
            check_float(name, value, 0.0, open_low=True)
    if not callable(func):
        raise SettingsError(f"The first argument must be a function of a configuration, but got {func!r}.")
    points, values = _given(space, x0, y0)
    if not values and len(points) > calls:
        raise SettingsError(f"There must be a call for each first point, but got {calls=} for {len(points)} points.")
    if method == "auto":
        method = auto_method(calls)
    first = () if values else points
    searcher = make_searcher(method, space, seed=seed, first=first, **(method_options or {}))

    deadline = math.inf if minutes is None else time.monotonic() + 60.0 * minutes
    settings = {
        "method": method, "calls": calls, "seed": seed, "workers": workers, "batch": together, "timeout": timeout,
        "minutes": minutes, "method_options": dict(method_options or {}),
    }  # fmt: skip
    progress = _Progress(searcher, {"function": "paceline.minimize", "args": settings}, seed, method)
    if values:
        progress.tell(points, values)
    with _caller(func, workers, timeout) as caller:
        while (made := progress.calls) < calls:
            rng = generator(seed, "search", len(progress.trials))
            batch_now = searcher.suggest(progress.history, min(together, calls - made), rng)
            if not batch_now:
                return progress.result(USED_UP)
            progress.called(batch_now, caller.run(batch_now))
            if callback is not None and _ends(callback, progress.result(UNDER_WAY)):
                return progress.result(STOPPED)
            if progress.calls < calls and time.monotonic() >= deadline:
                return progress.result(OUT_OF_TIME)
    return progress.result(DONE)


class _Progress:
    """What has been called so far."""

    def __init__(self, searcher: Searcher, specs: dict[str, Any], seed: int, method: str) -> None:
        self._searcher = searcher
        self._specs = specs
        self._seed = seed
        self._method = method
        self._objectives: int | None = None  # as many as the first success has
        self.trials: list[Trial] = []
        self.calls = 0
        self.batches = 0

    @property
    def history(self) -> History:
        """All calls so far; calls to come don't change it."""
        return History(HistoryView(self.trials, len(self.trials)))

    def tell(self, points: Sequence[Params], outcomes: Sequence[Outcome]) -> None:
        """Add points whose outcomes are known."""
        seeds = self._searcher.seed_numbers(self.history, points)
        for params, outcome, seed_index in zip(points, outcomes, seeds, strict=True):
            trial = len(self.trials)
            seed = seed_for(self._seed, "trial", seed_index)
            outcome = self._alike(outcome)
            if outcome.reason:
                self.trials.append(Trial(trial, params, seed, status=Status.FAILED, reason=outcome.reason))
            else:
                self.trials.append(
                    Trial(trial, params, seed, status=Status.FINISHED, score=outcome.value, costs=outcome.costs)
                )

    def _alike(self, outcome: Outcome) -> Outcome:
        """The outcome, which has failed if it has another number of values than those before."""
        count = 1 + len(outcome.costs)
        if outcome.reason or count == self._objectives:
            return outcome
        if self._objectives is not None:
            return failed(
                f"returned {_numbers(count)}, where the first call that succeeded returned {self._objectives}"
            )
        check_objectives(self._method, count)
        self._objectives = count
        return outcome

    def called(self, points: Sequence[Params], outcomes: Sequence[Outcome]) -> None:
        """Add a batch of calls."""
        self.tell(points, outcomes)
        self.calls += len(points)
        self.batches += 1

    def result(self, status: int) -> Minimum:
        """All of it, ended for this reason."""
        best = self.history.best() if status == UNDER_WAY else select_best(self.history, self._searcher.space)
        if best is None and status != UNDER_WAY:
            status = ALL_FAILED
        return Minimum(
            x=None if best is None else dict(best.params),
            fun=math.inf if best is None or best.score is None else best.score,
            nfev=self.calls,
            nit=self.batches,
            success=best is not None,
            status=status,
            message=self._message(status),
            x_iters=[dict(trial.params) for trial in self.trials],
            func_vals=self._values(),
            pareto=[t.number for t in front_of(sorted(self.trials, key=lambda t: t is not best), "minimize")],
            failures={t.number: t.reason for t in self.trials if t.status is Status.FAILED},
            space=self._searcher.space,
            specs=self._specs,
            experiments=None if status == UNDER_WAY else effects_of(self._searcher, self.history),
        )

    def _values(self) -> NDArray[np.float64]:
        count = self._objectives or 1
        values = np.full((len(self.trials), count), np.inf)
        for row, trial in zip(values, self.trials, strict=True):
            if trial.score is not None:
                row[:] = (trial.score, *trial.costs)
        return values[:, 0] if count == 1 else values

    def _message(self, status: int) -> str:
        made = f"{self.calls} call{'' if self.calls == 1 else 's'}"
        if status == ALL_FAILED:
            last = f"; the last one: {self.trials[-1].reason}" if self.trials else ""
            return f"No call succeeded of {made}{last}."
        return {
            UNDER_WAY: f"Under way, after {made}.",
            DONE: f"All {made} are made.",
            STOPPED: f"The callback ended the search after {made}.",
            OUT_OF_TIME: f"The time was up after {made}.",
            USED_UP: f"No point was left to propose after {made}.",
        }[status]


def _numbers(count: int) -> str:
    return f"{count} number{'' if count == 1 else 's'}"


def _caller(func: Function, workers: int, timeout: float | None) -> Caller:
    """Other processes only where they are needed: a function that is called here may be any."""
    return Here(func) if workers == 1 and timeout is None else Workers(func, workers, timeout)


def _ends(callback: Callable[[Minimum], object], result: Minimum) -> bool:
    with suppress(StopIteration):
        answer = callback(result)
        return isinstance(answer, bool | np.bool_) and bool(answer)
    return True


def _given(space: Space, x0: Any, y0: Any) -> tuple[list[Params], list[Outcome]]:
    """The first points, and their outcomes if they are known."""
    points: list[Params] = [] if x0 is None else list(x0) if isinstance(x0, list | tuple) else [x0]
    for point in points:
        space.validate(point)
    if y0 is None:
        return points, []
    rows = _values_of(y0)
    if wrong := [v for row in rows for v in row if isinstance(v, bool) or not isinstance(v, int | float | np.number)]:
        raise SettingsError(f"The values of `y0` must be numbers, but got {wrong[0]!r}.")
    if len(rows) != len(points):
        raise SettingsError(f"`y0` must have one value for each point of `x0`, but got {len(rows)} for {len(points)}.")
    outcomes = [outcome_of(row if len(row) > 1 else row[0]) for row in rows]
    return points, [failed(o.reason.replace("returned", "y0 was")) if o.reason else o for o in outcomes]


def _values_of(y0: Any) -> list[list[Any]]:
    """The numbers of each value that was given; a bare number is the value of the only point."""
    if not np.iterable(y0) or isinstance(y0, str):
        return [[y0]]
    return [list(value) if np.iterable(value) and not isinstance(value, str) else [value] for value in y0]
