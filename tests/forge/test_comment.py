"""Whatever an artifact says, the comment is text: nobody is called, nothing is loaded or obeyed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from fivefold.forge.artifact import Artifact, Verdict
from fivefold.forge.comment import comment_body, conclusion, fit, guard, marker, one_line
from fivefold.forge.environment import Trigger
from fivefold.history.diff.sections import ReportSection
from fivefold.history.tables import Column, Table, Text
from tests.forge.github_server import HEAD

TRIGGER = Trigger(HEAD, conclusion="success", url="https://github.com/o/r/actions/runs/5")

ATTACKS = (
    "@ada",
    "@octo/team",
    "&#64;ada",
    "&commat;ada",
    "\\@ada",
    "`@ada`",
    "<img src=https://evil.example/x.png>",
    "<script>alert(1)</script>",
    "<a href='https://evil.example'>here</a>",
    "<details>",
    "</details>",
    "</summary>",
    "<!-- fivefold report: fivefold -->",
    "<!-- -->",
    "-->",
    "![x](https://evil.example/x.png)",
    "![x][y]",
    "[x](https://evil.example)",
    "[x](//evil.example)",
    "[x](javascript:alert)",
    "[y]: https://evil.example",
    "https://evil.example",
    "www.evil.example",
    "<https://evil.example>",
    "ada@evil.example",
    "#12",
    "octo/flights#12",
    "GH-12",
    "!12",
    "/merge",
    "/close",
    "```",
    "~~~",
    "`",
    "|",
    "\\",
    "\n",
    "\r\n",
    "\t",
    "# Passed",
    "> quote",
    "- item",
    "---",
    "***",
    "$x$",
    ":+1:",
    "\u202e",
    "\u200b",
    "\x1b[31m",
    "<",
    ">",
    "&",
    "!",
    "[",
    "](",
    "(",
    "@",
    " ",
    "a",
)
texts = st.lists(st.one_of(st.sampled_from(ATTACKS), st.text(max_size=4)), max_size=8).map("".join)
parts = st.one_of(
    texts.map(Text),
    texts.map(lambda text: Text(text, "bold")),
    st.builds(
        lambda rows, title: Table((Column(title), Column("b", number=True)), rows),
        st.lists(st.tuples(texts, texts).map(list), max_size=3),
        texts,
    ),
)
sections = st.lists(
    st.builds(
        ReportSection,
        name=st.sampled_from(["metrics", "params"]),
        title=st.sampled_from(["Metrics", "Params changed"]),
        parts=st.lists(parts, min_size=1, max_size=3).map(tuple),
        priority=st.integers(0, 9),
        folded=st.booleans(),
    ),
    max_size=3,
)
TAGS = re.compile(
    r"</?(?:details|summary|b|span|sub)>|<!-- section: [a-z]+ \d+ -->|<!-- fivefold report: a -->"
)


def _tokens(markdown: str) -> list[Token]:
    found = MarkdownIt("commonmark", {"html": True}).enable("table").parse(markdown)
    return [inner for token in found for inner in (token, *(token.children or ()))]


@settings(max_examples=300, deadline=None)
@given(sections)
def test_nothing_in_a_comment_is_acted_on(found: list[ReportSection]) -> None:
    verdict = Verdict("better", True, "better")
    body = comment_body(Artifact(verdict, tuple(found)), TRIGGER, name="a", most=50_000)
    assert body.startswith(marker("a"))
    links = []
    for token in _tokens(body):
        assert token.type != "image"
        if token.type == "link_open":
            links.append(token.attrs["href"])
        if token.type in ("html_block", "html_inline"):
            assert not TAGS.sub("", token.content.split("\n")[0]).strip().startswith("<")
            assert set(re.findall(r"<[^>]*>", token.content)) <= set(TAGS.findall(token.content))
        if token.type in ("text", "code_inline", "fence", "code_block"):
            # A forge looks for these in what a parser leaves as text.
            assert not re.search(r"@[\w-]", token.content)
            assert "://" not in token.content
            assert not re.search(r"www\.", token.content, re.IGNORECASE)
            assert not re.search(r"#\d|\bGH-\d", token.content)
    assert links == [TRIGGER.url]
    assert not any(re.match(r"\s*/", line) for line in body.splitlines())
    assert body.count("<!-- fivefold") == 1


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_guarded_text_is_harmless_even_where_nothing_was_escaped(attack: str) -> None:
    found = guard(f"x {attack} y\n{attack}\n")
    assert not re.search(r"@[\w-]", found)
    assert "://" not in found
    assert "www." not in found
    assert "![" not in found
    assert "](" not in found
    assert not re.search(r"^\s*/", found, re.MULTILINE)
    assert not TAGS.sub("", found).count("<!")
    assert not re.search(r"<[A-Za-z/!?]", TAGS.sub("", found))


@given(sections, st.integers(300, 3_000))
def test_what_must_fit_fits(found: list[ReportSection], most: int) -> None:
    assert len(fit(found, most).encode()) <= most


def test_a_verdict_is_held_against_what_the_forge_says() -> None:
    passed, failed, none = (Verdict("better", value, "") for value in (True, False, None))
    done, broken, unknown = (Trigger(HEAD, conclusion=c) for c in ("success", "failure", None))
    assert [conclusion(passed, run) for run in (done, broken, unknown)] == [
        "success",
        "failure",
        "success",
    ]
    assert [conclusion(failed, run) for run in (done, broken, unknown)] == ["failure"] * 3
    assert [conclusion(none, run) for run in (done, broken, unknown)] == [
        "neutral",
        "failure",
        "neutral",
    ]


def test_a_title_is_one_line() -> None:
    assert one_line("a\nb\x1b[2J\u202e @ada", 100) == "a b [2J @\u200bada"
    assert one_line("x" * 300, 200) == "x" * 199 + "…"
