"""The page says what the records say, escapes what people wrote, loads nothing, and is the same each time."""

import dataclasses
import json
import math
import re
import time
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paceline.errors import StudyError
from paceline.records import COLUMNS, METRICS, Measurements, Status, StudyRecord, Trial
from paceline.reporting import recipe_code, write_report
from paceline.reporting.page import plotly_source, report_html
from paceline.reporting.ranking import ranked
from paceline.reporting.words import number_text
from paceline.summary import Summary


def page_of(fake: Any, **changes: Any) -> str:
    """The page without plotly.js, which is the same in all and long to search."""
    given = fake.arguments(**changes)
    html = report_html(given["record"], given["trials"], given["measurements"], given["space"])
    return html.replace(plotly_source(), "")


def text_of(html: str) -> str:
    """What a person reads: no scripts, no style, no tags."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", bare)))


def figures_of(html: str) -> dict[str, Any]:
    """The figures' JSON, read as strictly as a browser reads it."""
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', html, re.DOTALL)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(found.group(1), parse_constant=refuse) if found else {}


def test_the_headline_is_that_of_the_records(fake: Any) -> None:
    best = ranked(fake.trials, "minimize")[0]
    text = text_of(page_of(fake))
    retrain = fake.record.summary.retrain
    assert f"best validation error {number_text(best.score)} trial {best.number}, epoch {best.best_epoch}" in text
    assert f"mean over 5 seeds {number_text(retrain.mean)} ± {number_text(retrain.sd, 2)}, validation error" in text
    assert "trials 60 " in text and "49 stopped" in text and "2 diverged" in text
    assert f"epochs trained {sum(trial.epoch for trial in fake.trials)} at most 27 a trial" in text
    assert "test not evaluated" in text


def test_the_best_is_the_least_or_the_greatest(make: Callable[..., Any]) -> None:
    for metric, choose in (("error", min), ("accuracy", max)):
        fake = make(metric=metric)
        alive = [t.score for t in fake.trials if t.status is not Status.DIVERGED]
        assert f"best validation {metric} {number_text(choose(alive))} " in text_of(page_of(fake))


def test_configuration_splits_seeds_and_notes_are_on_the_page(fake: Any) -> None:
    best = ranked(fake.trials, "minimize")[0]
    text = text_of(page_of(fake))
    assert f"learning_rate {number_text(best.params['learning_rate'])} 0.0001 to 0.03, log scale" in text
    assert "patience 9 fixed" in text
    assert "at the lower boundary of its search range" in text
    assert "train rows 8 711 (64 %)" in text.replace("\u202f", " ")
    assert str(best.seed) in text and "68 rows are there twice." in text and "6f2a90c1d4" in text


def test_an_opened_test_set_is_reported_with_its_interval(fake: Any) -> None:
    test = {
        "rows": 2723, "metrics": {"accuracy": 0.9317, "error": 0.0683}, "interval": [0.9216, 0.9406], "of": "accuracy",
        "interval_kind": "Wilson 95 %", "opened": 2,
    }  # fmt: skip
    text = text_of(page_of(fake, record=fake.with_summary(test=test)))
    assert "test accuracy 0.9317 0.9216 to 0.9406" in text
    assert "Test set used 2 times." in text


def test_curves_end_where_their_trials_ended(fake: Any) -> None:
    order = ranked(fake.trials, "minimize")
    loss = figures_of(page_of(fake))["loss"]["data"]
    dev = next(trace for trace in loss if trace["name"] == "validation")
    block = next(block for block in fake.measurements if block.trial == order[0].number)
    assert dev["x"] == list(range(1, 28))
    assert dev["y"] == pytest.approx(block.values[:, COLUMNS.index("loss")].tolist(), rel=1e-5)
    stopped = [trial for trial in order[1:21] if trial.status is Status.STOPPED]
    ends = next(trace for trace in loss if trace["name"] == "stopped")
    assert ends["x"] == [trial.epoch for trial in stopped] and len(stopped) > 0


def test_scatter_has_a_point_for_each_trial_that_has_the_hyperparameter(fake: Any) -> None:
    html = page_of(fake)
    names = re.findall(r"<figcaption>(.*?)</figcaption>", html)
    figures = figures_of(html)
    momentum = figures[f"knob-{names.index('momentum')}"]["data"]
    alive = [t for t in fake.trials if t.status is not Status.DIVERGED and "momentum" in t.params]
    assert len(momentum[0]["x"]) == len(alive) < 60
    rate = figures[f"knob-{names.index('learning_rate')}"]
    assert rate["layout"]["xaxis"]["type"] == "log" and len(rate["data"][1]["x"]) == 2  # the diverged ones
    assert "batch_size" not in names  # the same in all trials


def test_parallel_lines_leave_out_inactive_hyperparameters(fake: Any) -> None:
    html = page_of(fake)
    assert html.count("<polyline") == 58 and html.count(">not used</text>") == 1


def test_predictions_are_those_of_the_summary(fake: Any, make: Callable[..., Any]) -> None:
    matrix = np.array(fake.record.summary.dev.confusion)
    html = page_of(fake)
    assert figures_of(html)["confusion"]["data"][0]["customdata"] == matrix.tolist()
    assert f"BARBUNYA {matrix[0].sum()} {number_text(matrix[0, 0] / matrix[0].sum(), 3)}" in text_of(html)
    numbers = make(metric="rmse", regression=True)
    dev = numbers.record.summary.dev
    rmse = math.sqrt(np.mean((np.array(dev.actual) - np.array(dev.predicted)) ** 2))
    assert f"root mean square error {number_text(rmse)}" in text_of(page_of(numbers))


def test_the_code_of_the_page_is_the_recipe_and_compiles(fake: Any) -> None:
    best = ranked(fake.trials, "minimize")[0]
    shown = re.search(r'<pre id="recipe"[^>]*>(.*?)</pre>', page_of(fake), re.DOTALL)
    assert shown is not None
    code = unescape(shown.group(1))
    assert code == recipe_code(fake.record, best)
    compile(code, "recipe", "exec")


def test_what_people_wrote_is_escaped(fake: Any) -> None:
    evil = "</script><img src=x onerror=alert(1)>&\u2028"
    trials = [
        dataclasses.replace(t, params={**t.params, "activation": evil if t.number % 2 else "relu"}, reason=evil)
        for t in fake.trials
    ]
    dev = {"labels": [evil, "b"], "confusion": [[3, 1], [0, 4]]}
    data = {**fake.record.summary.data.to_json(), "name": evil, "notes": [evil], "classes": [evil, "b"]}
    record = dataclasses.replace(fake.with_summary(data=data, dev=dev, edges=[evil], problems=[evil]), name=evil)
    html = page_of(fake, record=record, trials=trials, space=None)
    assert "<img" not in html
    assert html.count("</script>") == len(re.findall(r"<script\b", html))
    texts = json.dumps(figures_of(html), ensure_ascii=False)
    assert "<img" not in texts and "&lt;img" in texts  # Plotly reads a kind of HTML in its texts


class Loads(HTMLParser):
    """Collects all that makes a browser fetch something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [(tag, value) for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        self.found += [(tag, None)] if tag in ("link", "iframe", "img", "object", "embed", "base") else []


def test_the_page_loads_nothing_and_forbids_it(fake: Any, tmp_path: Path) -> None:
    path = write_report(tmp_path / "report.html", **fake.arguments())
    html = path.read_text(encoding="utf-8")
    parser = Loads()
    parser.feed(html)
    assert parser.found == []
    assert "default-src 'none'" in html
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None and "url(" not in style.group(1) and "@import" not in style.group(1)
    assert html.count("plotly.js v") == 1


def test_the_same_records_give_the_same_bytes(fake: Any, tmp_path: Path) -> None:
    first = write_report(tmp_path / "a.html", **fake.arguments()).read_bytes()
    turned = fake.arguments(trials=fake.trials[::-1], measurements=fake.measurements[::-1])
    assert write_report(tmp_path / "b.html", **turned).read_bytes() == first
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_a_report_that_cannot_be_written_leaves_the_old_one(fake: Any, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="nowhere"):
        write_report(tmp_path / "nowhere" / "report.html", **fake.arguments())
    (tmp_path / "report.html").mkdir()
    with pytest.raises(StudyError, match="can't be written"):
        write_report(tmp_path / "report.html", **fake.arguments())
    assert [item.name for item in tmp_path.iterdir()] == ["report.html"]


def odd_studies(fake: Any) -> dict[str, dict[str, Any]]:
    bare = StudyRecord("bare", {}, {}, "minimize")
    ruined = [
        dataclasses.replace(t, status=Status.DIVERGED, score=float("nan"), curve=(float("nan"),) * t.epoch)
        for t in fake.trials
    ]
    running = [Trial(number, {"units": [64, 32]}, seed=number) for number in range(4)]
    wild = [
        dataclasses.replace(t, score=(t.score or 0.0) * 10.0 ** (t.number % 300), score_sd=float("inf"))
        for t in fake.trials
    ]
    block = fake.measurements[0]
    blank = [Measurements(t.number, 0, 1, np.full((t.epoch, len(COLUMNS)), np.nan, np.float32)) for t in fake.trials]
    lists = [
        dataclasses.replace(t, params={"units": [8 * (t.number + k) for k in range(1 + t.number % 3)], "l": None})
        for t in fake.trials
    ]
    hollow = {name: None for name in fake.record.summary.to_json()}
    return {
        "no trial": {"trials": [], "measurements": [], "record": bare, "space": None},
        "no finished trial": {"trials": running, "measurements": [], "record": bare, "space": None},
        "all diverged": {"trials": ruined},
        "one trial": {"trials": fake.trials[3:4], "measurements": [block]},
        "two equal trials": {"trials": [dataclasses.replace(t, score=0.5) for t in fake.trials[:2]]},
        "no measurements": {"measurements": []},
        "measurements without a number": {"measurements": blank},
        "no summary": {"record": dataclasses.replace(fake.record, summary=Summary(), state="interrupted")},
        "a summary of nothing": {"record": fake.with_summary(**hollow)},
        "scores over 300 decades": {"trials": wild},
        "lists without a space": {"trials": lists, "space": None},
        "infinite hyperparameters": {
            "trials": [dataclasses.replace(t, params={"clip_norm": math.inf, "l1": math.nan}) for t in fake.trials],
            "space": None,
        },
        "failed": {"trials": [dataclasses.replace(t, status=Status.FAILED, score=None) for t in fake.trials]},
        "score zero": {"trials": [dataclasses.replace(t, score=0.0) for t in fake.trials]},
    }


ODD = (
    "no trial", "no finished trial", "all diverged", "one trial", "two equal trials", "no measurements",
    "measurements without a number", "no summary", "a summary of nothing", "scores over 300 decades",
    "lists without a space", "infinite hyperparameters", "failed", "score zero",
)  # fmt: skip


@pytest.mark.parametrize("which", ODD)
def test_odd_studies_have_a_page(fake: Any, which: str) -> None:
    html = page_of(fake, **odd_studies(fake)[which])
    figures_of(html)  # strict JSON
    text = text_of(html)
    assert "Seeds, settings and environment" in text and "nan" not in text.replace("float('nan')", "")
    shown = re.search(r'<pre id="recipe"[^>]*>(.*?)</pre>', html, re.DOTALL)
    if shown is not None:
        compile(unescape(shown.group(1)), "recipe", "exec")


def test_pages_of_studies_without_a_best_say_so(fake: Any) -> None:
    odd = odd_studies(fake)
    assert "No trial has started yet." in text_of(page_of(fake, **odd["no trial"]))
    assert "No trial has a score yet." in text_of(page_of(fake, **odd["no finished trial"]))
    assert "All trials diverged" in text_of(page_of(fake, **odd["all diverged"]))
    assert "This study was interrupted" in text_of(page_of(fake, **odd["no summary"]))


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_every_metric_has_a_page(fake: Any, metric: str) -> None:
    settings = {**fake.record.settings, "metric": metric}
    record = dataclasses.replace(fake.record, settings=settings, goal=METRICS[metric])
    assert f"best validation {metric.replace('_', ' ')}" in text_of(page_of(fake, record=record))


def test_ten_thousand_trials_stay_small_and_quick(make: Callable[..., Any], tmp_path: Path) -> None:
    fake = make((27, 12, 6, 4) * 205)
    assert len(fake.trials) > 10_000
    start = time.process_time()
    path = write_report(tmp_path / "big.html", **fake.arguments())
    assert time.process_time() - start < 5
    assert path.stat().st_size < 8_000_000
    html = path.read_text(encoding="utf-8")
    best = ranked(fake.trials, "minimize")[0]
    assert html.count("<polyline") == 300 and f"trial {best.number}: error {number_text(best.score)}" in html
    assert "of 10\u202f" in html  # says that not all are drawn
