from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from fivefold.report import Alert, Cell, Column, Fact, Facts, Page, Section, Table, Text
from fivefold.report import render_markdown as render

from .gallery import HOSTILE, curves, page


def test_a_page_as_text() -> None:
    text = render(
        Page(
            "The plan",
            "Late flights.",
            [
                Section(
                    "In short",
                    [
                        Facts([("rows", 1234), Fact("AUC", 0.5, note="goal 0.65", status="bad")]),
                        Alert("warn", "Mind the *gap*."),
                        Table(
                            ["name", Column("n", "integer")],
                            [("arr_delay", 1000), (Cell("a|b", "good"), None)],
                            caption="Columns",
                        ),
                        Text("Plain.\n\n- list"),
                    ],
                    note="Quiet.",
                )
            ],
        )
    )
    assert text == (
        "# The plan\n\nLate flights.\n\n## In short\n\nQuiet.\n\n"
        "- **rows**: 1,234\n- **AUC**: ✕ 0.500 (goal 0.65)\n\n"
        "> **Warning:** Mind the *gap*.\n\n"
        "Columns\n\n| name | n |\n| --- | ---: |\n| arr_delay | 1,000 |"
        "\n| ✓ a\\|b | \N{EN DASH} |\n\n"
        "Plain.\n\n- list\n"
    )


def test_every_chart_is_told() -> None:
    text = render(page())
    for chart in curves():
        assert chart.alt.split(".")[0].replace("_", "") in text.replace("_", "").replace("\\", "")


@pytest.mark.parametrize(
    "name",
    [*HOSTILE, "# a", "1. a", "- a", "+ a", "*a*", "_a_", "a_b_c", "`a`", "[a](b)", "a\\", "~~a~~"],
)
def test_a_plain_text_stays_plain(name: str) -> None:
    """What a reader of CommonMark with tables sees is the text that was given."""
    text = render(Page("t", name, [Section("s", [Table([name], [[name]], caption=name)])]))
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    shown = []
    for token in parser.parse(text):
        assert token.type not in ("html_block", "bullet_list_open", "ordered_list_open", "fence")
        if token.type == "inline":
            assert {child.type for child in token.children or []} <= {"text", "text_special"}
            shown.append("".join(child.content for child in token.children or []))
    assert shown == ["t", " ".join(name.split()), "s", *[" ".join(name.split())] * 3]
