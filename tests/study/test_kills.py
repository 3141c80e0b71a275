"""Law: a study that dies at any moment and is resumed ends as one that nothing disturbed. More: kill_study.py."""

import random
import signal
import time
from pathlib import Path

import pytest
from kill_study import SLOWER, harried_outcomes
from small_studies import hyperband_study, outcome

from paceline.study import Study

pytestmark = pytest.mark.compiles


@pytest.mark.slow
@pytest.mark.parametrize("sign, times", [(signal.SIGKILL, 3), (signal.SIGINT, 1)], ids=["kill", "ctrl-c"])
def test_a_study_that_is_killed_and_resumed_ends_as_an_undisturbed_one(
    sign: int, times: int, whole: Study, tmp_path: Path
) -> None:
    began = time.monotonic()
    hyperband_study(None)
    longest = SLOWER * (time.monotonic() - began)
    outcomes = harried_outcomes(tmp_path, times, longest, random.Random(sign), sign)
    assert outcomes == [outcome(whole)] * len(outcomes)
