from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from fivefold import report
from fivefold.report import Chart, Column, Fact, Facts, Page, Picture, Section, Table


def test_the_public_names_are_a_decision() -> None:
    assert report.__all__ == [
        "Alert",
        "Block",
        "Cell",
        "Chart",
        "Column",
        "Fact",
        "Facts",
        "Page",
        "Picture",
        "Section",
        "Table",
        "Text",
        "charts",
        "format",
        "render_html",
        "render_markdown",
    ]
    assert all(hasattr(report, name) for name in report.__all__)


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, fivefold.report; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"altair", "jinja2", "markdown_it", "numpy", "pandas", "pyarrow", "vl_convert"}
    assert not heavy & set(out.stdout.split())


def test_the_package_imports_nothing_of_ours_but_errors() -> None:
    code = "import sys, fivefold.report; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = {name for name in out.stdout.split() if name.startswith("fivefold.")}
    assert {name for name in ours if not name.startswith("fivefold.report")} <= {"fivefold.errors"}


def test_a_page_is_a_value() -> None:
    def page() -> Page:
        chart = Chart({"mark": "bar", "data": {"values": [{"a": 1}]}}, title="c")
        return Page("t", "l", [Section("s", [chart, Table(["a"], [[1]])])])

    assert page() == page()
    assert isinstance(page().sections, tuple)
    with pytest.raises(dataclasses.FrozenInstanceError):
        page().title = "other"  # type: ignore[misc]


def test_pairs_and_texts_are_shorthands() -> None:
    assert Facts([("rows", 3)]) == Facts([Fact("rows", 3)])
    assert Table(["a"], [["x"]]).columns == (Column("a"),)


def test_a_row_of_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="row 1 has 3 cells for 2 columns"):
        Table(["a", "b"], [(1, 2), (1, 2, 3)])


def test_a_picture_is_in_the_page_and_its_words_stay_words() -> None:
    picture = Picture(b"\x89PNG", "image/png", title="<b>t</b>", caption="<i>c</i>", alt='"><b>')
    html = report.render_html(Page("t", "l", [Section("s", [picture])]))
    assert 'src="data:image/png;base64,iVBORw=="' in html
    assert "&lt;b&gt;t&lt;/b&gt;" in html
    assert not {"<b>", "<i>"} & {html[i : i + 3] for i in range(len(html))}
    assert "*Figure:*" in report.render_markdown(Page("t", "l", [Section("s", [picture])]))
    with pytest.raises(ValueError, match="text/html"):
        Picture(b"", "text/html")
