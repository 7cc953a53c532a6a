"""The report of a diff: its sections in Markdown within a forge's limits, and in the terminal."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from fivefold.history.diff import markdown
from fivefold.history.diff.changes import Diff
from fivefold.history.diff.compare import compare
from fivefold.history.diff.markdown import write_markdown
from fivefold.history.diff.mermaid import curves_chart, stages_flowchart
from fivefold.history.diff.render import render_terminal
from fivefold.history.diff.sections import ReportSection, report_sections
from fivefold.history.diff.sparklines import sparkline
from fivefold.history.markup import escape
from fivefold.history.tables import Column, Table, Text

from .conftest import Project

NAMES = re.compile(r"^<!-- section: ([a-z]+) \d+ -->$", re.MULTILINE)


def diff(project: Project, base: str = "main~1") -> Diff:
    reader = project.reader()
    return compare(reader, reader.repository.resolve(base), reader.repository.workspace())


def many_params(project: Project, count: int) -> None:
    values = "".join(f"  key_{i:05}: value {i}\n" for i in range(count))
    with (project.path / "params.yaml").open("a") as file:
        file.write(f"more:\n{values}")


def test_the_sections_stand_in_the_order_to_read_them(flights: Project) -> None:
    sections = report_sections(diff(flights))
    names = [section.name for section in sections]
    assert names[:3] == ["verdict", "gates", "metrics"]
    assert {"params", "stages", "cost"} <= set(names)
    assert sections[0].priority == 0
    text = write_markdown(sections)
    assert NAMES.findall(text) == names
    assert text.index("Better: roc_auc") < text.index("### Gates")


def test_a_long_table_is_folded_and_keeps_its_rows(flights: Project) -> None:
    many_params(flights, 30)
    text = write_markdown(report_sections(diff(flights)))
    assert "<details><summary><b>Params changed</b> (31)</summary>\n\n" in text
    assert text.count("| more.key") == 30
    assert text.count("<details>") == text.count("</details>") == 1


@pytest.mark.parametrize("most", [1_500, 4_000, 10_000, 30_000])
def test_a_report_fits_and_says_what_is_gone(flights: Project, most: int) -> None:
    many_params(flights, 2_000)
    sections = report_sections(diff(flights))
    assert len(write_markdown(sections).encode()) <= 65_000
    text = write_markdown(sections, max_bytes=most)
    assert len(text.encode()) <= most
    assert "Better: roc_auc" in text
    assert text.rstrip().splitlines()[-1].startswith("_Too long for one comment; left out: ")
    # The least important go first.
    order = {section.name: section.priority for section in sections}
    kept = [order[name] for name in NAMES.findall(text)]
    gone = [order[name] for name in order if name not in NAMES.findall(text)]
    assert not gone or max(kept) <= min(gone)


def test_rows_go_before_sections(flights: Project) -> None:
    many_params(flights, 2_000)
    text = write_markdown(report_sections(diff(flights)), max_bytes=20_000)
    assert "### Metrics" in text
    assert "| more.key" in text
    assert re.search(r"left out: \d+ rows of params changed", text)


def test_a_part_is_written_once_however_many_sections_have_to_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rendered: list[object] = []
    as_it_is = markdown._part
    monkeypatch.setattr(markdown, "_part", lambda part: (rendered.append(part), as_it_is(part))[1])
    sections = [
        ReportSection(f"s{i}", f"Part {i}", (Text(f"text {i} " + "x" * 1_000),), i)
        for i in range(100)
    ]
    text = write_markdown(sections, max_bytes=20_000)
    assert len(text.encode()) <= 20_000
    assert "left out: part 99, part 98" in text
    assert len(rendered) == len(sections)


def test_even_a_verdict_that_is_too_long_is_cut() -> None:
    section = ReportSection("verdict", "", (Text("ä" * 9_000, "bold"),), 0)
    assert len(write_markdown([section], max_bytes=1_000).encode()) <= 1_000


HOSTILE = [
    "@org/team",
    "#12 and GH-12 and a/b#3 and !4 and ~5 and %6 and &7",
    "<img src=x onerror=alert(1)>",
    "a|b `c` **d** _e_ [f](https://example.org) ~~g~~",
    "</details><script>alert(1)</script>",
    "```mermaid\nflowchart LR\n```",
    "https://example.org www.example.org :tada: $x$",
    "<!-- section: gates 0 -->",
    "- a\n# b\n> c",
    "\u202ereversed\u200b",
]


SOBER = """\
**a**

### b

| c | d |
|---|---|
| e | f |

```mermaid
g
```

_h_

<details><summary><b>i</b></summary>

</details>
"""


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_proposal_wrote_stays_text(flights: Project, text: str) -> None:
    name, value = json.dumps(text), json.dumps(f"v {text}")
    with (flights.path / "params.yaml").open("a") as file:
        file.write(f"more:\n  {name}: {value}\n")
    written = write_markdown(report_sections(diff(flights)))
    html = render(written)
    # Nothing but what the report itself is made of.
    tags = set(re.findall(r"<([a-z0-9]+)", html))
    assert tags <= set(re.findall(r"<([a-z0-9]+)", render(SOBER))) | {"span"}
    # A forge looks for these in what a reader would see, but not across a comment.
    seen = re.sub(r"(?s)<pre>.*?</pre>|<!--.*?-->", "\0", html)
    for link in (r"@\w", r"(?<![&\w;])#\d", r"GH-\d", r"://", r"www\.", r":tada:"):
        assert not re.search(link, seen), link
    assert len(NAMES.findall(written)) == len(report_sections(diff(flights)))
    row = next(line for line in written.splitlines() if line.startswith("| more."))
    assert len(re.findall(r"(?<!\\)\|", row)) == 4
    assert "\u202e" not in written


def render(text: str) -> str:
    import markdown_it

    return markdown_it.MarkdownIt("gfm-like", {"linkify": False}).render(text)


def test_escaping_shows_what_was_written() -> None:
    """A reader sees the text itself: the marks are gone once it is rendered."""
    text = "a_b __c__ 1. <x> & @me #3 $y$ \\n -1 5% 50%x"
    html = re.sub(r"<!--.*?-->|</?(?:p|span)>", "", render(escape(text)))
    assert html.strip() == text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@pytest.mark.parametrize("columns", ["80", "60"])
def test_the_terminal_is_as_wide_as_it_is(
    flights: Project, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    with (flights.path / "params.yaml").open("a") as file:
        file.write(f"long: {'x' * 200}\n")
    drawn = render_terminal(report_sections(diff(flights)))
    tables = [line for line in drawn.splitlines() if "   " in line or "──" in line]
    assert tables
    assert max(map(len, tables)) <= int(columns)


def test_a_section_of_texts_has_its_heading() -> None:
    parts: tuple[Any, ...] = (Text("2 of 14"),)
    drawn = render_terminal(
        [
            ReportSection("a", "Tables", (Table((Column("x"),), [["1"]]),), 1),
            ReportSection("b", "Place", parts, 2),
        ]
    )
    assert drawn.splitlines()[-3:] == ["", "Place", "2 of 14"]


def test_sparklines() -> None:
    assert sparkline([]) == ""
    assert sparkline([1, 1]) == "▅▅"
    assert sparkline(range(8)) == "▁▂▃▄▅▆▇█"
    assert sparkline(range(100), most=3) == "▁▅█"


def test_a_flowchart_has_no_shortcuts_and_no_way_out_of_a_label() -> None:
    hostile = 'x"] --> evil["</b>`;%%{init}%%'
    edges = [("a", "b"), ("b", hostile), ("a", hostile)]
    chart = stages_flowchart(edges, (), {hostile})
    assert chart is not None
    lines = chart.splitlines()
    assert [line.strip() for line in lines if "-->" in line] == ["s0 --> s1", "s1 --> s2"]
    (label,) = [line for line in lines if line.strip().startswith("s2[")]
    inside = label.strip()[len('s2["') : -len('"]')]
    assert inside.startswith("x·· --· evil")
    assert not set('"[]<>`{}%;#&') & set(inside)
    assert lines[-1].strip() == "class s2 ran"
    assert stages_flowchart([], ("a",), ()) is None
    assert stages_flowchart([(str(i), str(i + 1)) for i in range(99)], (), ()) is None


def test_curves_are_read_off_at_even_places() -> None:
    base = ((0.0, 1.0), (0.0, 1.0))
    head = ((0.0, 0.0, 1.0), (0.0, 1.0, 1.0))
    chart = curves_chart("ROC", ("x", "y"), [base, head])
    assert chart is not None
    drawn = [json.loads(line.split("line ")[1]) for line in chart.splitlines() if "line [" in line]
    assert drawn[0] == pytest.approx([i / 20 for i in range(21)])
    # At one x the curve goes up: what stands is where it gets to.
    assert drawn[1] == [1.0] * 21
    assert curves_chart("ROC", ("x", "y"), [((), ()), base]) is None
