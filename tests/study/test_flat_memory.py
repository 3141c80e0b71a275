"""What a study keeps of a trial that has ended: its record, with a packed curve, and nothing of its training.

The bound is that of a record: a configuration of three numbers takes some 600 bytes with its key, a curve 8 bytes an
epoch. A curve of Python floats would take 32 bytes an epoch more, measurements 44.
"""

import tracemalloc
from pathlib import Path

import pytest
from small_studies import ONE_SHAPE, SPACE

from paceline.data import Dataset
from paceline.records import StudyRecord
from paceline.settings import StudySettings
from paceline.store import open_store
from paceline.study.loop import StudyLoop
from paceline.study.setup import set_up
from paceline.testing import StubExecutor

EPOCHS = 120
RECORD, AN_EPOCH = 1200, 8
TRIALS, FROM = 500, 150


@pytest.mark.slow
@pytest.mark.parametrize("resumed", [False, True])
def test_memory_grows_by_a_small_record_a_trial(digits: Dataset, tmp_path: Path, resumed: bool) -> None:
    settings = StudySettings(
        name="flat", method="random", stopper="none", trials=TRIALS, epochs=EPOCHS, params=ONE_SHAPE, search=SPACE
    )
    executor = StubExecutor()
    setup = set_up(settings, digits, executor)
    looks: list[tuple[int, int]] = []

    class Watched(StudyLoop):
        def _save(self) -> None:
            super()._save()
            known = len(self.table.trials)
            if known >= (FROM if not looks else TRIALS) and len(looks) < 2:
                looks.append((known, tracemalloc.get_traced_memory()[0]))

    with open_store(str(tmp_path / "study.db"), create=True) as store:
        store.begin(StudyRecord("flat", {}, {}, setup.goal))
        if resumed:
            StudyLoop(setup, store, executor, folder=None, progress=None).run()
        tracemalloc.start()
        try:
            Watched(setup, store, executor, folder=None, progress=None).run()
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert len(store.trials()) == TRIALS
    (few, before), (many, after) = looks
    assert (after - before) / (many - few) < RECORD + AN_EPOCH * EPOCHS
    if resumed:  # what the store holds is read a cohort at a time
        assert peak < TRIALS * (RECORD + AN_EPOCH * EPOCHS) + 1_000_000
