"""Pages in a real browser: drawn, silent, without a request, and deaf to injected scripts."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fivefold.report import Page, Section, charts, render_html

if TYPE_CHECKING:
    from conftest import Opened

GALLERY = runpy.run_path(
    str(Path(__file__).parents[1] / "unit" / "report" / "gallery.py"), run_name="gallery"
)


@pytest.fixture(scope="module")
def html() -> str:
    return render_html(GALLERY["page"]())


@pytest.fixture(scope="module")
def opened(html: str, visit: Callable[..., Opened]) -> Opened:
    return visit(html)


def figures(dom: str) -> list[str]:
    return re.findall(r"<figure>.*?</figure>", dom, flags=re.DOTALL)


def elements(dom: str) -> set[str]:
    """The names of all elements; an attribute that holds a tag is none."""
    names: set[str] = set()

    class Names(HTMLParser):
        def handle_starttag(self, tag: str, _attrs: object) -> None:
            names.add(tag)

    Names().feed(dom)
    return names


def test_every_chart_is_drawn(html: str, opened: Opened) -> None:
    drawn = figures(opened.dom)
    assert len(drawn) == html.count("<figure>")
    assert 'data-charts="drawn"' in opened.dom
    for figure in drawn:
        assert figure.count("<svg") == 1
        marks = re.findall(
            r'<g class="mark-(?:rect|symbol|line|area|rule|text)[^"]*marks?"', figure
        )
        assert marks, figure[:300]
        assert re.search(r'<path [^>]*d="M', figure)


def test_the_charts_of_the_gallery_hold_marks_for_their_data(opened: Opened) -> None:
    """A histogram of three bins has three rectangles, a matrix of twelve classes 144."""
    by_title = {
        title: figure
        for figure in figures(opened.dom)
        if (title := (re.findall("<h3>(.*?)</h3>", figure) or [""])[0])
    }
    bins = re.search(r'<g class="mark-rect[^>]*marks"[^>]*>(.*?)</g>', by_title["numbers"])
    assert bins is not None
    assert bins[1].count("<path") == 3
    matrix = [f for f in figures(opened.dom) if "of 12 classes" in f]
    cells = re.search(r'<g class="mark-rect[^>]*marks"[^>]*>(.*?)</g>', matrix[0])
    assert cells is not None
    assert cells[1].count("<path") == 144


def test_every_picture_keeps_its_label(html: str, opened: Opened) -> None:
    label = re.compile(r'<div class="chart" role="img" aria-label="([^"]*)"')
    assert [unescape(text) for text in label.findall(opened.dom)] == [
        unescape(text) for text in label.findall(html)
    ]


def test_colours_follow_the_reader_s_scheme(opened: Opened) -> None:
    """All ink in the pictures is a variable of the page, which light, dark and paper set."""
    told = set(re.findall(r'(?:fill|stroke)="([^"]+)"', " ".join(figures(opened.dom)[:21])))
    assert {colour for colour in told if not colour.startswith("var(--")} <= {"none", "transparent"}
    assert {"var(--series-1)", "var(--muted)", "var(--rule)"} <= told


def test_the_console_is_silent(opened: Opened) -> None:
    assert opened.console == ()


def test_no_request_leaves(opened: Opened) -> None:
    assert opened.requests == ()


def test_hostile_names_do_nothing(opened: Opened) -> None:
    assert "data-pwned" not in opened.dom
    assert "<title>Gallery" in opened.dom
    assert not {"img", "b"} & elements(opened.dom)


def test_numbers_unfold_into_a_table(html: str, visit: Callable[..., Opened]) -> None:
    unfolded = visit(html.replace('<details class="numbers">', '<details class="numbers" open="">'))
    figure = next(f for f in figures(unfolded.dom) if "<h3>numbers</h3>" in f)
    table = re.search(r"<table>.*?</table>", figure)
    assert table is not None
    assert re.findall(r"<t[dh](?: [^>]*)?>(.*?)</t[dh]>", table[0]) == [
        "hours", "rows", "0 to 1", "3", "1 to 2", "5", "2 to 4", "1"
    ]  # fmt: skip
    assert "data-pwned" not in unfolded.dom


@pytest.mark.parametrize(
    "injected",
    [
        "<script>document.documentElement.dataset.pwned=1</script>",
        "<img src=x onerror='document.documentElement.dataset.pwned=1'>",
    ],
)
def test_even_an_escape_that_failed_would_run_nothing(
    injected: str, visit: Callable[..., Opened]
) -> None:
    page = render_html(Page("t", "l", [Section("s", [charts.bar(["a"], [1])])]))
    hurt = page.replace("</main>", f"{injected}</main>")
    opened = visit(hurt)
    assert "data-pwned" not in opened.dom
    assert 'data-charts="drawn"' in opened.dom
    # Without the policy it does run: the test above would see it.
    bare = re.sub(r"<meta http-equiv=.*?>", "", hurt)
    assert 'data-pwned="1"' in visit(bare).dom


def test_a_request_would_be_seen(visit: Callable[..., Opened]) -> None:
    """The other tests rest on this: a page that asks, and one that complains, are found out."""
    asking = (
        "<!doctype html><img src='http://127.0.0.1:9/a.png'><script>console.error('oh')</script>"
    )
    opened = visit(asking)
    assert opened.requests == ("http://127.0.0.1:9/a.png",)
    assert any("oh" in line for line in opened.console)


def test_a_chart_that_cannot_be_drawn_says_so(visit: Callable[..., Opened]) -> None:
    from fivefold.report import Chart

    broken = Chart({"mark": "no such mark", "data": {"values": [{"a": 1}]}}, title="broken")
    opened = visit(render_html(Page("t", "l", [Section("s", [broken, charts.bar(["a"], [1])])])))
    assert 'data-charts="failed"' in opened.dom
    assert "This chart could not be drawn" in opened.dom
    assert figures(opened.dom)[1].count("<svg") == 1
