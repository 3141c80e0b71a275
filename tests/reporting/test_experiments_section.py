"""Controlled experiments on the page: every arm in the table, those that can be compared in the drawing."""

import copy
import json
import re
from typing import Any

import pytest

from paceline.reporting.experiments import experiments
from paceline.reporting.page import plotly_source, report_html
from paceline.summary import ExperimentResults

ARM = {
    "factor": "learning_rate", "value": 0.01, "trials": [1, 4, 7], "mean": 0.07, "sd": 0.002, "lost": [], "pairs": 3,
    "difference": -0.012, "low": -0.015, "high": -0.009, "p": 0.003, "p_adjusted": 0.006, "unpaired_low": -0.02,
    "unpaired_high": -0.004, "ratio": 2.667, "verdict": "better", "train": 0.05,
}  # fmt: skip
LOST = {
    **ARM, "factor": "units", "value": [64, 32], "lost": ["repeat 2: diverged in epoch 1"], "verdict": "unreliable",
    "ratio": None,
}  # fmt: skip
FOUND: dict[str, Any] = {
    "repeats": 3,
    "base": {"params": {"learning_rate": 0.001}, "trials": [0, 3, 6], "mean": 0.082, "sd": 0.002, "lost": [],
             "train": 0.06},
    "arms": [ARM, LOST],
    "ratio": 2.667,
    "next": {"factor": "learning_rate", "value": 0.01, "repeats": None, "sentence": "Change <it> next."},
    "train_name": "train_error",
}  # fmt: skip


def page_of(fake: Any, found: Any) -> str:
    given = fake.arguments(record=fake.with_summary(experiments=found))
    html = report_html(given["record"], given["trials"], given["measurements"], given["space"])
    return html.replace(plotly_source(), "")


def test_the_section_has_table_drawing_and_advice(fake: Any) -> None:
    html = page_of(fake, FOUND)
    section = html[html.index("<h2>Controlled experiments") :].split("</section>")[0]
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", section))
    assert "Change &lt;it&gt; next." in section
    assert "Baseline: learning_rate 0.001." in text and "trained 3 times" in text and "2.7 times as wide" in text
    assert "learning_rate 0.01 0.07 0.05 −0.012 −0.015 to −0.009 −0.02 to −0.004 2.7 0.006 better" in text
    assert "64, 32" in text and "unreliable" in text and "repeat 2: diverged in epoch 1" in text
    figures = json.loads(re.findall(r'id="figures">(.*?)</script>', html, re.DOTALL)[0])
    unpaired, paired = figures["experiments"]["data"]
    assert paired["x"] == unpaired["x"] == [-0.012]  # the unreliable arm isn't drawn
    assert paired["error_x"]["array"] == [pytest.approx(0.003)] and unpaired["error_x"]["arrayminus"] == [0.008]
    assert "not active" not in section


def test_other_studies_have_no_section(fake: Any) -> None:
    assert "Controlled experiments" not in page_of(fake, None)


def test_without_an_arm_to_compare_there_is_no_drawing() -> None:
    found = copy.deepcopy(FOUND)
    nothing = dict.fromkeys(("difference", "low", "high", "p", "p_adjusted", "unpaired_low", "unpaired_high", "ratio"))
    found |= {"arms": [{**ARM, **nothing, "verdict": "unknown"}], "ratio": None}
    section = experiments(ExperimentResults.from_json(found), "error", "minimize")
    assert section is not None and section.figure is None and section.ratio == ""
    assert "not compared" not in section.head and section.rows[1][3:7] == ("–",) * 4


def test_an_arm_far_off_doesn_t_press_the_others_together() -> None:
    far = {**ARM, "value": 9.0, "difference": 0.5, "low": 0.4, "high": 0.6, "unpaired_low": 0.3, "unpaired_high": 0.7}
    section = experiments(ExperimentResults.from_json({**FOUND, "arms": [ARM, ARM, far]}), "error", "minimize")
    assert section is not None and section.figure is not None
    paired = section.figure["data"][1]
    assert paired["x"] == [0.0, -0.012, -0.012] and paired["error_x"]["array"][0] is None  # from bottom to top
    assert paired["marker"]["symbol"] == ["triangle-right", "circle", "circle"]
    low, high = section.figure["layout"]["xaxis"]["range"]
    assert -0.025 < low < -0.02 and 0 < high < 0.002


def test_the_arrow_points_to_better_scores() -> None:
    for goal, arrow in (("minimize", "← better"), ("maximize", "better →")):
        section = experiments(ExperimentResults.from_json(FOUND), "accuracy", goal)
        assert section is not None and section.figure is not None
        assert arrow in section.figure["layout"]["xaxis"]["title"]["text"]
