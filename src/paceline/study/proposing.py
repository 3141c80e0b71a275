"""Asking the searcher for the next cohort, beside the lanes where it thinks for long.

A model-based method thinks for a tenth of a second or more. On the thread of the study loop nothing would be
collected and nothing dispatched meanwhile, and lanes would run dry. So a searcher that says `slow` is asked in a
thread. What it is asked about is fixed when it is asked: how long it thinks changes nothing of what it answers.
Before the first result there is nothing to think about, and a study has its first trials at once.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np

from paceline.records import History, Params
from paceline.search import Cohort, Searcher

Proposal = tuple[Params, int, str]
"""A configuration, the number that its seed is made of, and its origin as of `Searcher.origins`."""


class Proposer:
    """At most one question at a time. Use `close` at the end."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="search") if searcher.slow else None
        self._question: tuple[Cohort, Future[list[Proposal]]] | None = None

    @property
    def thinking(self) -> bool:
        """Whether a cohort was asked for and not yet taken."""
        return self._question is not None

    def ask(self, cohort: Cohort, history: History, rng: np.random.Generator) -> None:
        """Begin to propose a cohort."""
        if self._pool is not None and any(trial.ended for trial in history.trials):
            self._question = cohort, self._pool.submit(self._answer, history, cohort.size, rng)
            return
        answer: Future[list[Proposal]] = Future()
        answer.set_result(self._answer(history, cohort.size, rng))
        self._question = cohort, answer

    def _answer(self, history: History, count: int, rng: np.random.Generator) -> list[Proposal]:
        points = self._searcher.suggest(history, count, rng)
        numbers, origins = self._searcher.seed_numbers(history, points), self._searcher.origins(history, points)
        return list(zip(points, numbers, origins, strict=True))

    def take(self) -> tuple[Cohort, list[Proposal]] | None:
        """The cohort and its configurations, once; None as long as the searcher thinks."""
        if self._question is None or not self._question[1].done():
            return None
        cohort, answer = self._question
        self._question = None
        return cohort, answer.result()

    def wait(self, seconds: float) -> None:
        """Until there is an answer, at most so long."""
        if self._question is not None:
            wait([self._question[1]], timeout=seconds)

    def close(self) -> None:
        """Give up what is being thought of."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
