"""The race to a target: spaces drawn alike for everyone, events read whole, processes ended, times looked up right."""

import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import time_to_target
from peers.race import Events, Job, configuration, read_arrays, read_job, write_arrays
from peers.ray_search import Drawn
from peers.trials import Arrays, complete
from race_runs import Contestant, Found, Reader, race
from race_table import seconds_to, summaries, target_of

from paceline.net import default_space

TINY = Arrays(
    np.zeros((4, 2), np.float32), np.array([0, 1, 0, 1]), np.ones((2, 2), np.float32), np.array([1, 0]), classes=2
)


class AskSpace:
    """Answers with given shares of each range; notes what it was asked."""

    def __init__(self, share: float) -> None:
        self.share = share
        self.asked: dict[str, Any] = {}

    def number(self, name: str, low: float, high: float, log: bool) -> float:
        self.asked[name] = (low, high, log)
        return low * (high / low) ** self.share if log else low + self.share * (high - low)

    def choice(self, name: str, values: list[Any]) -> Any:
        self.asked[name] = values
        return values[min(int(self.share * len(values)), len(values) - 1)]


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_drawn_configuration_lies_in_the_space_and_is_one_of_the_peers(share: float) -> None:
    space = default_space("dense", rows=5000, features=40, task="classes")
    ask = AskSpace(share)
    config = configuration(space.to_dict(), ask)
    space.validate(config)
    complete(config, epochs=3)
    assert ("momentum" in config) == (config["optimizer"] == "momentum") == ("momentum" in ask.asked)


def test_a_logit_scale_is_asked_for_as_odds() -> None:
    space = {"m": {"low": 0.5, "high": 0.99, "scale": "logit"}}
    ask = AskSpace(1.0)
    assert configuration(space, ask)["m"] == pytest.approx(0.99)
    assert ask.asked["m"] == pytest.approx((0.0, math.log(99), False))
    middle = configuration(space, AskSpace(0.5))["m"]
    assert math.log(middle / (1 - middle)) == pytest.approx(math.log(99) / 2)


def test_what_a_race_cannot_draw_is_refused() -> None:
    with pytest.raises(ValueError, match="'n'"):
        configuration({"n": {"low": 1, "high": 9, "scale": "linear", "type": "int"}}, AskSpace(0.0))


def test_values_that_are_not_active_are_left_out() -> None:
    space = {"o": {"choices": ["a", "b"]}, "x": {"low": 0.0, "high": 1.0, "scale": "linear", "when": {"o": ["b"]}}}
    assert configuration(space, Drawn({"o": "a", "x": 0.5})) == {"o": "a"}
    assert configuration(space, Drawn({"o": "b", "x": 0.5})) == {"o": "b", "x": 0.5}


def test_job_arrays_and_events_come_back(tmp_path: Path) -> None:
    write_arrays(tmp_path, TINY)
    back = read_arrays(tmp_path)
    np.testing.assert_array_equal(back.x_train, TINY.x_train)
    assert (back.classes, back.y_dev.tolist()) == (2, [1, 0])
    job = Job({}, 3, began=time.time() - 5.0, ends=0.0, seed=1)
    events = Events(tmp_path, job, "a")
    found = Found()
    reader = Reader(tmp_path, found)
    events.tell(0, 0.5)
    reader.read()
    Events(tmp_path, job, "b").tell(0, 0.4)
    events.tell(1, 0.6)
    with (tmp_path / "events-a.jsonl").open("a") as file:
        file.write('{"seconds": 7.0, "tri')  # not yet written to its end
    reader.read()
    with (tmp_path / "events-a.jsonl").open("a") as file:
        file.write('al": 2, "error": 0.1}\n')
    reader.read()
    assert [error for _, error in found.path] == [0.5, 0.4, 0.1]
    assert found.path[0][0] == pytest.approx(5.0, abs=1.0)
    assert found.to_dict()["trials"] == 4
    assert found.epochs_trained == 4


# A contestant of three lines: says errors, has a child, and stays.
SAYS = """
import subprocess, sys, time
from pathlib import Path
from peers.race import Events, read_job
folder = Path(sys.argv[1])
events = Events(folder, read_job(folder), "fake")
child = subprocess.Popen(["sleep", "60"])
(folder.parent / "child").write_text(str(child.pid))
for error in (0.5, 0.3, 0.2):
    events.tell(0, error)
time.sleep(float(sys.argv[2]))
sys.exit(int(sys.argv[3]))
"""


def fake(folder: Path, stay: float, code: int = 0, *, ends_itself: bool = False) -> Contestant:
    script = folder / "fake.py"
    script.write_text(SAYS, encoding="utf-8")
    return Contestant(((str(script), "{folder}", str(stay), str(code)),), ends_itself=ends_itself)


def is_alive(pid: int) -> bool:
    """A zombie isn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").split()[2] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_contestant_is_ended_at_the_target_with_all_it_started(tmp_path: Path) -> None:
    folder = tmp_path / "race"
    folder.mkdir()
    found = race(fake(tmp_path, 60.0), folder, Job({}, 3, 0.0, 60.0, 1), TINY, target=0.3)
    assert (found.ended, found.reached(0.3)) == ("target", True)
    assert found.seconds < 30.0
    child = int((tmp_path / "child").read_text(encoding="utf-8"))
    for _ in range(100):
        if not is_alive(child):
            break
        time.sleep(0.1)
    assert not is_alive(child)


@pytest.mark.slow
def test_time_ends_a_contestant_and_its_own_end_is_awaited(tmp_path: Path) -> None:
    folder = tmp_path / "race"
    folder.mkdir()
    found = race(fake(tmp_path, 60.0), folder, Job({}, 3, 0.0, 6.0, 1), TINY, target=0.1)
    assert (found.ended, found.best) == ("time", 0.2)
    again = tmp_path / "again"
    again.mkdir()
    found = race(fake(tmp_path, 0.0, ends_itself=True), again, Job({}, 3, 0.0, 60.0, 1), TINY, target=0.3)
    assert (found.ended, found.best) == ("target", 0.2)


def test_a_failing_contestant_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "race"
    folder.mkdir()
    broken = Contestant((("-c", "raise SystemExit('no such thing')"),))
    with pytest.raises(RuntimeError, match="no such thing"):
        race(broken, folder, Job({}, 3, 0.0, 60.0, 1), TINY, target=None)


# What the runs say


def run_of(contestant: str, repeat: int, path: list[list[float]], *, ended: str = "time") -> dict[str, Any]:
    return {
        "table": "t", "repeat": repeat, "contestant": contestant, "minutes": 10.0, "epochs": 30, "path": path,
        "best": path[-1][1] if path else None, "trials": 9, "epochs_trained": 99, "ended": ended,
    }  # fmt: skip


def test_times_are_looked_up_in_the_path() -> None:
    run = run_of("ray", 0, [[10.0, 0.5], [70.0, 0.2], [400.0, 0.1]])
    assert seconds_to(run, 0.2) == 70.0
    assert seconds_to(run, 0.2 - 1e-8) == 70.0  # float32 on one side
    assert seconds_to(run, 0.05) == math.inf
    assert seconds_to(run | {"ended": "target"}, 0.05) is None
    assert (target_of(run), target_of(None), target_of(run_of("optuna", 0, []))) == (0.1, None, None)


def test_medians_count_misses_and_shares_are_of_the_budget_and_of_optunas_own_time() -> None:
    runs = [run_of("optuna", repeat, [[5.0, 0.4], [300.0, 0.1]]) for repeat in range(3)]
    runs += [run_of("paceline_auto", repeat, [[seconds, 0.09]]) for repeat, seconds in enumerate((30.0, 60.0, 90.0))]
    runs += [run_of("ray", 0, [[30.0, 0.1]]), run_of("ray", 1, [[30.0, 0.2]]), run_of("ray", 2, [[30.0, 0.2]])]
    runs += [run_of("kerastuner", 7, [[30.0, 0.1]])]  # a repeat without Optuna
    rows = {row["contestant"]: row for row in summaries(runs)}
    ours = rows["paceline_auto"]
    assert (ours["median_seconds"], ours["share_of_budget"], ours["share_of_optuna"]) == (60.0, 0.1, 0.2)
    assert (rows["optuna"]["share_of_budget"], rows["optuna"]["share_of_optuna"]) == (0.5, 1.0)
    assert (rows["ray"]["missed"], rows["ray"]["median_seconds"]) == (2, None)
    assert rows["kerastuner"]["seconds"] == {}


def test_the_order_turns_and_everyone_has_a_turn_at_each_place() -> None:
    names = ["optuna", "ray", "paceline_auto"]
    orders = [time_to_target.order(names, repeat) for repeat in range(3)]
    assert [set(place) for place in zip(*orders, strict=True)] == [set(names)] * 3


def test_every_contestant_is_a_command_that_exists() -> None:
    here = Path(time_to_target.__file__).parent
    for name in ("optuna", "ray", "kerastuner", "paceline_bayes"):
        for command in time_to_target.contestant(name, "dry_bean", 0.1).commands:
            first = command[1] if command[0] == "-m" else command[0].removesuffix(".py")
            assert (here / (first.replace(".", os.sep) + ".py")).exists()
    paceline = time_to_target.contestant("paceline_bayes", "dry_bean", 0.1)
    assert paceline.commands[0][-2] == "bayes"
    assert float(paceline.commands[0][-1]) == pytest.approx(0.1, abs=2e-6)


def test_a_job_is_counted_from_the_start_of_the_race(tmp_path: Path) -> None:
    before = time.time()
    silent = Contestant((("-c", "pass"),), ends_itself=True)
    found = race(silent, tmp_path, Job({"x": {"value": 1}}, 3, 0.0, 60.0, 4), TINY, target=None)
    job = read_job(tmp_path)
    assert before <= job.began <= time.time()
    assert job.ends - job.began == pytest.approx(60.0)
    assert (found.ended, found.best, job.seed) == ("itself", None, 4)
