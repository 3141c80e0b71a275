"""Where the training of each trial stands: with the executor, in a checkpoint, or to be worked out once more.

A trial's state after an epoch is a function of its configuration, seed and data, so a state that a crash has lost is
trained again from the last one that is left, with the same bits. A copy (see `search.population`) begins with its
parent's state, so its line of parents is followed as far back as needed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from paceline.errors import StudyError
from paceline.pack.checkpoint import load_state, save_state, state_arrays, state_from
from paceline.pack.executor import Executor
from paceline.pack.trials import PreparedTrial
from paceline.study.trial_table import TrialTable
from paceline.training.program import State

Key = tuple[int, int]
"""(number of a trial, fold): the executor's handle of its state."""


class States:
    """The states of a study's trials.

    Args:
        table: knows the trials and how far each is measured.
        prepare: what a trial on a fold is trained with.
        executor: holds the states, and trains again what was lost.
        folder: of the checkpoints; None for none.
    """

    def __init__(
        self, table: TrialTable, prepare: Callable[[Key], PreparedTrial], executor: Executor, folder: Path | None
    ) -> None:
        self._table, self._prepare, self._executor, self._folder = table, prepare, executor, folder
        self._alive: set[Key] = set()
        self._written: dict[Key, int] = {}  # epoch of each checkpoint of this process

    def ready(self, key: Key) -> None:
        """See to it that the executor goes on from where the trial's measurements end."""
        self._alive.add(key)
        if self._executor.holds(key):
            return
        state = self._stored(key, self._table.epochs(*key)) or self._origin(key)
        if state is not None:
            self._executor.place(key, state)

    def copy(self, key: Key, parent: Key) -> None:
        """A copy begins with its parent's state, where the executor holds it."""
        self._alive.add(key)
        if self._executor.holds(parent):
            self._executor.copy(key, parent)

    def drop(self, key: Key) -> None:
        """Free what is kept of a trial that has ended."""
        self._executor.drop(key)
        self._alive.discard(key)
        self._written.pop(key, None)
        if self._folder is not None:
            self._file(key).unlink(missing_ok=True)

    def write(self) -> None:
        """Write checkpoints of the states that have changed since they were written last."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        for key in sorted(self._alive):
            epoch = self._table.epochs(*key)
            if self._written.get(key) == epoch or not self._executor.holds(key):
                continue
            state = self._executor.state(key)
            save_state(self._file(key), state_arrays(state), {"epoch": str(int(state.epoch))})
            self._written[key] = epoch

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

    def _origin(self, key: Key) -> State | None:
        """The state in which a trial began: its parent's at that epoch, or None for fresh weights."""
        trial = self._table.trials[key[0]]
        if trial.parent is None:
            return None
        parent = (trial.parent, key[1])
        prepared = self._prepare(parent)
        state = self._stored(parent, trial.cloned_at) or self._origin(parent) or prepared.first_state()
        return self._executor.advance(prepared, state, trial.cloned_at)
