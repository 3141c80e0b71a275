"""A study's folder: who may write, what is read back, changed data, the test set, the model."""

import json
from pathlib import Path

import numpy as np
import pytest
from small_studies import EPOCHS, SMALL, outcome

from paceline.data import Dataset, load
from paceline.errors import DataError, StudyError
from paceline.model import load_model
from paceline.store import open_store
from paceline.study import Progress, Study, load_study, resume, tune
from paceline.summary import Summary

pytestmark = pytest.mark.compiles


@pytest.fixture(scope="module")
def digits_file(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("data") / "digits.csv"
    digits.features.assign(target=digits.target).to_csv(file, index=False)
    return file


def kept(folder: Path, data: Dataset) -> Study:
    return tune(data, **SMALL, trials=4, out=folder)


def test_a_study_is_read_back_as_it_was_returned(digits: Dataset, tmp_path: Path) -> None:
    study = kept(tmp_path / "study", digits)
    read = load_study(tmp_path / "study")
    assert outcome(read) == outcome(study)
    assert read.settings == study.settings
    assert read.summary == study.summary
    assert {item.name for item in (tmp_path / "study").iterdir()} >= {"study.db", "study.yaml", "report.html", "best"}
    assert not list((tmp_path / "study").glob("checkpoints/*"))


def test_the_saved_model_is_the_study_s_model(digits: Dataset, tmp_path: Path) -> None:
    study = kept(tmp_path / "study", digits)
    rows = digits.test.features
    ours, saved = study.model(), load_model(tmp_path / "study")
    np.testing.assert_array_equal(ours.outputs(rows), saved.outputs(rows))
    np.testing.assert_array_equal(load_study(tmp_path / "study").model().predict(rows), ours.predict(rows))
    best = study.best
    assert best is not None
    confusion = np.array(study.summary.dev.confusion)
    error = 1 - np.trace(confusion) / confusion.sum()
    assert error == pytest.approx(min(study.summary.retrain.scores), abs=1e-6)
    assert study.summary.retrain.scores[0] == pytest.approx(best.score)  # the first seed is the trial's own


def test_a_second_study_in_the_same_folder_is_refused(digits: Dataset, tmp_path: Path) -> None:
    kept(tmp_path / "study", digits)
    with pytest.raises(StudyError, match="already contains a study; resume it"):
        kept(tmp_path / "study", digits)


def test_a_folder_whose_study_was_killed_before_its_first_row_can_be_used(digits: Dataset, tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    open_store(str(tmp_path / "study" / "study.db"), create=True).close()
    assert kept(tmp_path / "study", digits).state == "finished"


def test_resume_writes_a_report_that_a_kill_has_left_out(digits: Dataset, tmp_path: Path) -> None:
    kept(tmp_path / "study", digits)
    report = tmp_path / "study" / "report.html"
    text = report.read_text(encoding="utf-8")
    report.unlink()
    resume(tmp_path / "study")
    assert len(report.read_text(encoding="utf-8")) == pytest.approx(len(text), rel=0.01)


def test_there_is_nothing_to_resume_in_an_empty_folder(tmp_path: Path) -> None:
    for act in (resume, load_study):
        with pytest.raises(StudyError, match="holds no study"):
            act(tmp_path)


def test_a_running_study_can_be_read_but_not_written_by_others(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paceline.study.loop.WAIT_SECONDS", 0.001)
    folder = tmp_path / "study"
    seen: list[tuple[str, int]] = []

    def look(progress: Progress) -> None:
        if seen or progress.done < 3:
            return
        read = load_study(folder)
        seen.append((read.state, len(read.trials)))
        assert read.summary == Summary()
        with pytest.raises(StudyError, match="no model yet; it is running"):
            read.model()
        with pytest.raises(StudyError):
            resume(folder, data=digits)
        with pytest.raises(StudyError):
            open_store(str(folder / "study.db"), create=False)

    study = tune(digits, **SMALL, trials=20, out=folder, progress=look)
    assert len(seen) == 1
    assert seen[0][0] == "running" and 3 <= seen[0][1] <= 20
    assert study.state == "finished"


def test_progress_counts_to_the_end(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paceline.study.loop.WAIT_SECONDS", 0.001)
    told: list[Progress] = []
    study = tune(digits, **SMALL, trials=20, progress=told.append)
    assert [item.phase for item in told][-1] == "retrain"
    done = [item.done for item in told]
    assert done == sorted(done) and done[-1] == 20
    scores = [item.best_score for item in told if item.best_score is not None]
    assert scores == sorted(scores, reverse=True)
    assert study.best is not None and scores[-1] == study.best.score and told[-1].best_params == study.best.params
    assert all(item.done + item.running <= 20 and item.total == 20 and item.metric == "error" for item in told)
    steps = [item.steps for item in told]
    assert steps == sorted(steps)


def test_a_finished_study_is_returned_at_once(digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = kept(tmp_path / "study", digits)

    def never(*given: object, **more: object) -> None:
        raise AssertionError("nothing is to be trained")

    monkeypatch.setattr("paceline.study.single.run_loop", never)
    assert outcome(resume(tmp_path / "study")) == outcome(study)


def test_changed_data_are_refused(digits_file: Path, tmp_path: Path) -> None:
    from paceline.settings import StudySettings
    from paceline.study import StudyInterrupted, run_settings

    file = tmp_path / "mine.csv"
    file.write_bytes(digits_file.read_bytes())
    given = {name: value for name, value in SMALL.items() if name != "space"} | {"search": SMALL["space"]}
    settings = StudySettings(**given, trials=20, data=str(file), out=str(tmp_path / "study"))

    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(StudyInterrupted):
        run_settings(settings, progress=stop)
    lines = file.read_text().splitlines()
    first = lines[1].split(",")
    first[10] = str(float(first[10]) + 1)
    file.write_text("\n".join([lines[0], ",".join(first), *lines[2:]]) + "\n")
    with pytest.raises(StudyError, match="have changed since the study began"):
        resume(tmp_path / "study")
    file.write_bytes(digits_file.read_bytes())
    assert resume(tmp_path / "study").state == "finished"


def test_opening_the_test_set_is_counted(digits: Dataset, tmp_path: Path) -> None:
    study = kept(tmp_path / "study", digits)
    assert study.summary.test is None
    first = study.evaluate_test()
    assert first["opened"] == 1 and first["rows"] == len(digits.split.test)
    low, high = first["interval"]
    assert low < first["metrics"]["accuracy"] < high and first["interval_kind"] == "Wilson 95 %"
    again = load_study(tmp_path / "study")
    assert again.summary.test.to_json() == json.loads(json.dumps(first))
    again._data = digits  # the study was begun from Python, so its folder names no file
    second = again.evaluate_test()
    assert second == first | {"opened": 2}
    assert load_study(tmp_path / "study").summary.test.opened == 2


def test_a_study_without_test_rows_has_no_test_score() -> None:
    study = tune(load("digits", test=0), **SMALL | {"epochs": 1}, trials=2)
    with pytest.raises(DataError):
        study.evaluate_test()


def test_the_frame_has_a_row_a_trial(digits: Dataset) -> None:
    study = tune(digits, **SMALL, trials=4)
    frame = study.frame()
    assert list(frame["trial"]) == [0, 1, 2, 3]
    assert frame["epoch"].max() == EPOCHS
    assert {"learning_rate", "dropout", "status", "score", "reason"} <= set(frame.columns)
    assert frame["score"].min() == study.summary.best.score
