"""The page of a diff in a real browser: drawn, switched by its legends, silent."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fivefold.history.diff.compare import compare
from fivefold.history.diff.page import render_page
from fivefold.history.git.repository import Repository
from fivefold.history.reader import Reader

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from conftest import Opened

HOSTILE = "<img src=x onerror=window.broken=1>"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
PIPELINE = """\
stages:
  train:
    cmd: python train.py
    params: [train]
    metrics:
      - metrics/evaluate.json: {cache: false}
    plots:
      - plots/loss.csv: {cache: false, x: step, title: "%s"}
      - plots/map.png: {cache: false}
metrics:
  - metrics/profile.json
"""
PARAMS = """\
plan:
  primary_metric: roc_auc
  thresholds: {acceptable: 0.6}
  guardrails: {log_loss: {max: 0.9}}
train: {depth: %d, note: "</script><script>window.broken=1</script>"}
"""


def evaluation(gain: float) -> dict[str, Any]:
    steps = [i / 20 for i in range(21)]
    rates = [min(1.0, x**gain) for x in steps]
    bins = [
        {"predicted": x / 2, "observed": x * gain / 2, "low": x * gain / 3, "high": x * gain}
        for x in steps[1:12:3]
    ]
    return {
        "curves": [
            {
                "class": 1,
                "prevalence": 0.2,
                "roc": {"false_positive_rate": steps, "true_positive_rate": rates},
                "precision_recall": {"recall": steps, "precision": [1 - x * gain for x in steps]},
            }
        ],
        "calibration": bins,
    }


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("diff") / "demo"
    root.mkdir()

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=root, check=True, env=dict(os.environ))

    def put(path: str, content: str | bytes) -> None:
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())

    git("init", "--quiet", "--initial-branch=main")
    put(".dvc/config", "")
    put("dvc.yaml", PIPELINE % HOSTILE)
    for number, (auc, gain) in enumerate([(0.65, 0.8), (0.7, 0.5), (0.72, 0.6)]):
        put("params.yaml", PARAMS % number)
        ends = {"roc_auc": {"low": auc - 0.01, "high": auc + 0.01}}
        values: dict[str, Any] = {
            "roc_auc": auc,
            "log_loss": 1 - auc,
            "interval": ends,
            HOSTILE: number,
        }
        put("metrics/evaluate.json", json.dumps(values))
        put("metrics/profile.json", json.dumps({n: {"seconds": 3.0 + number} for n in ("a", "b")}))
        put("plots/loss.csv", f"step,loss\n0,1\n1,{auc}\n2,{auc / 2}\n")
        put("plots/map.png", PIXEL + bytes(number))
        put("reports/evaluate.json", json.dumps(evaluation(gain)))
        git("add", "--all")
        git("commit", "--quiet", "--message", f"Run {number}")
    reader = Reader(Repository(root))
    from dataclasses import replace

    from fivefold.history.diff.place import find_place

    base, head = (reader.repository.resolve(name) for name in ("HEAD~1", "HEAD"))
    found = compare(reader, base, head)
    return render_page(reader, replace(found, place=find_place(reader, base, head)))


@pytest.fixture
def diff(page: Page, html: str, tmp_path: Path) -> Page:
    path = tmp_path / "diff.html"
    path.write_text(html, encoding="utf-8")
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-charts=drawn]")
    return page


def figure(page: Page, title: str) -> Any:
    return page.locator("figure").filter(has=page.get_by_role("heading", name=title, exact=True))


def opacities(page: Page, title: str) -> list[float]:
    """How opaque each curve of a chart is, the base's first."""
    lines = figure(page, title).locator("g.mark-line.role-mark path")
    found = [line.get_attribute("opacity") for line in lines.all()]
    return [1.0 if value is None else float(value) for value in found]


def test_every_section_is_there_and_every_chart_is_drawn(diff: Page) -> None:
    headings = diff.locator("h2").all_text_contents()
    assert headings[:5] == ["In short", "Gates", "Metrics", "Curves", "Plots"]
    assert {"Pictures", "Place on the leaderboard", "Params changed", "Cost and time"} <= set(
        headings
    )
    assert diff.locator("figure:has(.chart)").count() == diff.locator("figure .chart svg").count()
    assert diff.locator("figure .chart svg").count() >= 7


@pytest.mark.parametrize("title", ["ROC curve", "Precision and recall", "Calibration", HOSTILE])
def test_both_revisions_are_laid_over_one_another(diff: Page, title: str) -> None:
    chart = figure(diff, title)
    assert chart.locator(".role-legend-label text").all_text_contents() == ["base", "head"]
    curves = chart.locator("g.mark-line.role-mark g.mark-line path, g.mark-line.role-mark path")
    shapes = {curve.get_attribute("d") for curve in curves.all()}
    # The guide, where there is one, and one curve each.
    assert len(shapes - {None}) >= 2


@pytest.mark.parametrize("title", ["ROC curve", "Calibration", HOSTILE])
def test_the_legend_switches_between_them(diff: Page, title: str) -> None:
    guides = [1.0] * (title != HOSTILE)
    assert opacities(diff, title) == [*guides, 1.0, 1.0]
    names = figure(diff, title).locator(".role-legend-label text")
    names.filter(has_text="head").click()
    assert opacities(diff, title)[-2:] == [0.08, 1.0]
    # A second click takes the choice back.
    names.filter(has_text="head").click()
    assert opacities(diff, title)[-2:] == [1.0, 1.0]
    names.filter(has_text="base").click()
    assert opacities(diff, title)[-2:] == [1.0, 0.08]
    names.filter(has_text="head").click()
    assert opacities(diff, title)[-2:] == [1.0, 1.0]


def test_a_point_tells_its_values(diff: Page) -> None:
    points = figure(diff, "ROC curve").locator("g.mark-symbol.role-mark path")
    points.nth(8).hover()
    tooltip = diff.locator("#tooltip.visible")
    tooltip.wait_for()
    told = dict(row.split("\t") for row in tooltip.inner_text().strip().splitlines())
    assert told["revision"].strip() in ("base", "head")
    assert {"false positive rate", "true positive rate"} <= set(map(str.strip, told))


def test_pictures_stand_side_by_side_and_load(diff: Page) -> None:
    pictures = diff.locator("figure img")
    assert pictures.count() == 2
    tops = {round((box or {"y": -1})["y"]) for box in (p.bounding_box() for p in pictures.all())}
    assert len(tops) == 1
    for picture in pictures.all():
        assert picture.evaluate("image => image.complete && image.naturalWidth") == 1


def test_changes_are_told_by_shape_and_not_by_colour_alone(diff: Page) -> None:
    marks = diff.locator("figure", has_text="better to the right").locator(
        ".role-mark.mark-symbol path"
    )
    shapes = {mark.get_attribute("d") for mark in marks.all()}
    assert shapes


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_reader_s_scheme(diff: Page, scheme: Any) -> None:
    diff.emulate_media(color_scheme=scheme)
    paper = diff.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 31)"}[scheme]
    ink = figure(diff, "ROC curve").locator("g.mark-line.role-mark path").last
    assert (ink.get_attribute("stroke") or "").startswith("var(--series-")


def test_hostile_names_are_words(diff: Page) -> None:
    assert diff.locator("h3", has_text=HOSTILE).count() == 1
    assert HOSTILE in (diff.locator("table", has_text="roc_auc").nth(1).text_content() or "")


def test_nothing_is_asked_for_and_nothing_is_said(html: str, visit: Callable[..., Opened]) -> None:
    opened = visit(html)
    assert opened.requests == ()
    assert opened.console == ()
