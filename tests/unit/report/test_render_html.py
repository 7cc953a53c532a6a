from __future__ import annotations

import base64
import hashlib
import itertools
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fivefold.report import Cell, Column, Facts, Page, Section, Table, Text, render_html
from fivefold.report.bundle import javascript

from .gallery import HOSTILE, page

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Outline(HTMLParser):
    """The elements of a document, by a parser that is not the browser's."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.scripts: list[str] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        else:
            self.text.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


@pytest.fixture(scope="module")
def html() -> str:
    return render_html(page())


@pytest.fixture(scope="module")
def outline(html: str) -> Outline:
    return Outline(html)


def test_every_element_that_opens_closes(outline: Outline) -> None:
    assert outline.open == []


def test_hostile_texts_make_no_element(outline: Outline) -> None:
    figures = outline.count("figure")
    unfolded = outline.count("details")
    # A specification per figure, the headings of its numbers, the theme, the bundle, our script.
    assert outline.count("script") == figures + unfolded + 3
    assert outline.count("img") == 0
    handlers = [a for _, attrs in outline.tags for a in attrs if a.startswith("on")]
    assert handlers == []
    links = [attrs["href"] for tag, attrs in outline.tags if tag == "a"]
    assert [x for x in links if x and not x.startswith(("#", "https://example.org"))] == []


def test_hostile_texts_are_shown_as_they_are(outline: Outline) -> None:
    shown = " ".join(" ".join(outline.text).split())
    for text in HOSTILE:
        assert " ".join(text.split()) in shown


def test_the_policy_names_each_script_and_nothing_else(outline: Outline) -> None:
    (policy,) = (
        attrs["content"] or ""
        for tag, attrs in outline.tags
        if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
    )
    kinds = [attrs.get("type") for tag, attrs in outline.tags if tag == "script"]
    modules = [text for text, kind in zip(outline.scripts, kinds, strict=True) if kind == "module"]
    digests = [base64.b64encode(hashlib.sha256(m.encode()).digest()).decode() for m in modules]
    assert re.findall(r"'sha256-([^']+)'", policy) == digests
    assert len(digests) == 2
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe-eval" not in policy


def test_nothing_is_fetched(outline: Outline) -> None:
    for tag, attrs in outline.tags:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
        assert "src" not in attrs
    assert "@import" not in (style := outline_style(outline))
    assert "url(" not in style


def outline_style(outline: Outline) -> str:
    return next(text for text in outline.text if ":root" in text)


def test_vega_is_inlined_once(html: str) -> None:
    assert html.count(javascript()) == 1
    assert len(html.encode()) < 2_000_000


def test_a_page_without_charts_has_no_script() -> None:
    html = render_html(Page("t", "l", [Section("s", [Text("x")])]))
    assert Outline(html).count("script") == 0
    assert "script-src &#39;none&#39;" in html
    assert len(html) < 15_000


def test_headings_are_in_order_and_sections_are_reached(outline: Outline) -> None:
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = [str(attrs["href"])[1:] for tag, attrs in outline.tags
               if tag == "a" and str(attrs["href"]).startswith("#")]  # fmt: skip
    assert set(targets) <= set(ids)
    assert len(targets) == outline.count("section") + 1


def test_every_chart_has_a_label_and_every_table_a_caption_and_column_heads(
    outline: Outline,
) -> None:
    labels = [attrs.get("aria-label") for _, attrs in outline.tags if attrs.get("role") == "img"]
    assert len(labels) == outline.count("figure")
    assert all(labels)
    assert outline.count("caption") == outline.count("table")
    assert {attrs.get("scope") for tag, attrs in outline.tags if tag == "th"} == {"col"}


def test_a_status_is_told_in_words_and_signs_not_by_colour_alone() -> None:
    table = Table(["a", Column("b", "number")], [(Cell("x", "bad"), Cell(0.5, "good"))])
    text = "".join(Outline(render_html(Page("t", "l", [Section("s", [table])]))).text)
    assert "✕bad: x" in text
    assert "✓good: 0.500" in text


def test_numbers_of_a_column_share_their_decimals_and_have_a_true_minus() -> None:
    table = Table(
        [Column("d", "change"), Column("n", "number"), Column("i", "interval")],
        [(-0.0123, 0.5, (0.1, 0.2)), (0.5, 1234.0, (-0.1, 0.25)), (None, float("nan"), "none")],
    )
    html = render_html(Page("t", "l", [Section("s", [table, Facts([("f", -1.5)])])]))
    cells = re.findall(r"<td[^>]*>(.*?)</td>", html)
    assert cells == [
        "\u22120.012", "0.500", "0.100 to 0.200",
        "+0.500", "1,234", "\u22120.100 to 0.250",
        "\N{EN DASH}", "\N{EN DASH}", "none",
    ]  # fmt: skip
    assert ">\u22121.50<" in html


def test_equal_titles_have_anchors_of_their_own() -> None:
    html = render_html(Page("t", "l", [Section("Über a"), Section("Über a"), Section("日本")]))
    assert re.findall(r'h2 id="([^"]+)"', html) == ["uber-a", "uber-a-2", "section"]


def test_any_process_writes_the_same_bytes(tmp_path: Path) -> None:
    script = Path(__file__).with_name("gallery.py")
    for seed, zone in (("1", "Asia/Tokyo"), ("2", "America/New_York")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone}
        out = tmp_path / f"{seed}.html"
        subprocess.run([sys.executable, script, out], env=environment, check=True)
    assert (tmp_path / "1.html").read_bytes() == (tmp_path / "2.html").read_bytes()
