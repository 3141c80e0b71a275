"""What ends a search before its plan does, seen from the trials that a cohort may know of.

    target     a trial's score is as good as `target_score`
    noise      the largest improvement that can be expected of one more trial is smaller than the noise of a single
               result, at three looks in a row, each after ten trials more (`stop_at_noise`)

The second asks a Gaussian process, whatever the method: its own noise is what another seed would change. It looks only
at what has ended for certain when a cohort is proposed, so a resumed study ends at the same place.
"""

from __future__ import annotations

from paceline.records import History, loss_of
from paceline.search.methods.bayes import Bayes
from paceline.seeds import generator
from paceline.study.setup import Setup

LOOKS, TRIALS_BETWEEN, MIN_TRIALS = 3, 10, 30
"""Looks in a row without hope, trials between two looks, and trials before the first."""


class StoppingCriteria:
    """Asked before each cohort, in their order."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._judge = Bayes(setup.space, seed=setup.settings.seed) if setup.settings.stop_at_noise else None
        self._looked_at = MIN_TRIALS - TRIALS_BETWEEN
        self._hopeless = 0

    def reason(self, settled: History) -> str:
        """Why the search ends here; "" if it goes on."""
        return self._target_reached(settled) or self._no_hope(settled)

    def _target_reached(self, settled: History) -> str:
        target = self._setup.settings.target_score
        best = None if target is None else settled.best()
        if target is None or best is None:
            return ""
        sign = -1.0 if settled.goal == "maximize" else 1.0
        reached = loss_of(best, sign) <= sign * target
        return f"trial {best.number} reached the target score {target:g}" if reached else ""

    def _no_hope(self, settled: History) -> str:
        if self._judge is None or len(settled) < self._looked_at + TRIALS_BETWEEN:
            return ""
        self._looked_at = len(settled)
        outlook = self._judge.outlook(settled, generator(self._setup.settings.seed, "outlook", len(settled)))
        if outlook is None:
            return ""
        self._hopeless = self._hopeless + 1 if outlook.gain < outlook.noise else 0
        if self._hopeless < LOOKS:
            return ""
        share = outlook.gain / outlook.noise
        return f"the expected improvement of one more trial is {100 * share:.0f} % of the seed noise"
