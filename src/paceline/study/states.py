"""Where the training of each trial of a study stands: in memory, in a checkpoint, or to be worked out once more.

A trial's state after an epoch is a function of its configuration, seed and data, so a state that a crash has lost is
trained again from the last one that is left, with the same bits. A copy (see `search.population`) begins with its
parent's state, so its line of parents is followed as far back as needed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from paceline.errors import StudyError
from paceline.pack.checkpoint import load_state, save_state
from paceline.pack.programs import Programs
from paceline.pack.states import state_arrays, state_from
from paceline.pack.trials import Prepared
from paceline.study.ledger import Ledger
from paceline.training.program import BLOCK, RUNNING, State

Key = tuple[int, int]
"""(number of a trial, fold)."""


class States:
    """The states of a study's trials.

    Args:
        ledger: knows the trials and how far each is measured.
        prepare: what a trial on a fold is trained with.
        programs: for training again what was lost.
        folder: of the checkpoints; None for none.
    """

    def __init__(
        self, ledger: Ledger, prepare: Callable[[Key], Prepared], programs: Programs, folder: Path | None
    ) -> None:
        self._ledger, self._prepare, self._programs, self._folder = ledger, prepare, programs, folder
        self._held: dict[Key, State] = {}

    def keep(self, key: Key, state: State) -> None:
        self._held[key] = state

    def copy(self, key: Key, parent: Key) -> None:
        """A copy begins with its parent's state, where that is in memory."""
        if parent in self._held:
            self._held[key] = self._held[parent]  # arrays are never written to, so they can be shared

    def take(self, key: Key) -> State:
        """Hand over the state from which training goes on."""
        held = self._held.pop(key, None)
        return held if held is not None else self._stored(key, self._ledger.epochs(*key)) or self._origin(key)

    def drop(self, key: Key) -> None:
        """Free what is kept of a trial that has ended."""
        self._held.pop(key, None)
        if self._folder is not None:
            self._file(key).unlink(missing_ok=True)

    def write(self) -> None:
        """Write checkpoints of what is in memory."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        for key, state in self._held.items():
            save_state(self._file(key), state_arrays(jax.device_get(state)), {"epoch": str(int(state.epoch))})

    def _file(self, key: Key) -> Path:
        assert self._folder is not None
        return self._folder / f"{key[0]}-{key[1]}.safetensors"

    def _stored(self, key: Key, most: int) -> State | None:
        """The state of a checkpoint that isn't beyond an epoch, if there is one."""
        if not most or self._folder is None or not self._file(key).exists():
            return None
        try:
            arrays, _ = load_state(self._file(key))
            state = state_from(arrays, self._prepare(key).first_state())
        except (StudyError, KeyError, ValueError):
            return None  # cut off while it was written
        return state if int(state.epoch) <= most else None

    def _origin(self, key: Key) -> State:
        """The state in which a trial began: fresh weights, or its parent's at that epoch."""
        trial = self._ledger.trials[key[0]]
        if trial.parent is None:
            return self._prepare(key).first_state()
        parent = (trial.parent, key[1])
        state = self._stored(parent, trial.born) or self._origin(parent)
        prepared = self._prepare(parent)
        program = self._programs.get(prepared.shape)
        while int(state.epoch) < trial.born and int(state.status) == RUNNING:
            goal = min(int(state.epoch) + BLOCK, trial.born)
            state, _ = program(state, prepared.arrays.data, prepared.hyper, np.int32(goal))
        return state
