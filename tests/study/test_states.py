"""Checkpoints of a study: each state is written when it has changed, and not again."""

from pathlib import Path
from typing import Any

import pytest
from small_studies import SMALL

from paceline.data import Dataset
from paceline.pack.checkpoint import load_state, save_state
from paceline.pack.executor import Job
from paceline.records import Trial
from paceline.settings import StudySettings
from paceline.space import Space
from paceline.study.setup import set_up
from paceline.study.states import States
from paceline.study.trial_table import TrialTable
from paceline.testing import StubExecutor


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are written, in order."""
    names: list[str] = []

    def noted(path: Path, *content: Any) -> None:
        names.append(path.stem)
        save_state(path, *content)

    monkeypatch.setattr("paceline.study.states.save_state", noted)
    return names


def test_only_states_that_changed_are_written_again(digits: Dataset, tmp_path: Path, written: list[str]) -> None:
    executor = StubExecutor()
    search = Space(SMALL["space"]).to_dict()
    setup = set_up(StudySettings(search=search, params=SMALL["params"], epochs=9), digits, executor)
    table = TrialTable(setup)
    prepared = {(number, 0): setup.prepared({"learning_rate": 0.01}, 0, number) for number in range(3)}
    states = States(table, lambda key: prepared[key], executor, tmp_path)

    def train(number: int, epoch: int) -> None:
        key = (number, 0)
        states.ready(key)
        executor.submit([Job(key, prepared[key], epoch)])
        [done] = executor.collect()
        table.add(number, 0, done.measurements, prepared[key], save=True)

    for number in range(3):
        table.put(Trial(number, {"learning_rate": 0.01}, number))
        train(number, 2)
    states.write()
    assert written == ["0-0", "1-0", "2-0"]
    states.write()
    assert len(written) == 3, "nothing has changed"
    train(1, 5)
    states.write()
    assert written[3:] == ["1-0"]
    assert load_state(tmp_path / "1-0.safetensors")[1] == {"epoch": "5"}
    states.drop((0, 0))
    states.write()
    assert len(written) == 4 and not (tmp_path / "0-0.safetensors").exists()
