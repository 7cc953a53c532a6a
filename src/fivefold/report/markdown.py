"""A page as Markdown, for readers of text: charts are told by their titles and captions."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fivefold.report import format as form
from fivefold.report.cells import written
from fivefold.report.page import Alert, Block, Chart, Facts, Page, Picture, Status, Table, Text

__all__ = ["render_markdown"]

_LEVELS = {"info": "Note", "good": "Good", "warn": "Warning", "bad": "Bad"}
_STATUS: dict[Status | None, str] = {None: "", "good": "✓ ", "warn": "! ", "bad": "✕ "}
# An underscore inside a word is no emphasis, and most column names have one.
_SPECIAL = re.compile(r"([\\`*\[\]<>|~&]|(?<![^\W_])_|_(?![^\W_]))")


def render_markdown(page: Page) -> str:
    """Write a page as GitHub-flavoured Markdown.

    Parameters
    ----------
    page : Page
        What to show.

    Returns
    -------
    str
        It ends with a newline.
    """
    parts = [f"# {_escaped(page.title)}", _escaped(page.lead)]
    for section in page.sections:
        parts.append(f"## {_escaped(section.title)}")
        if section.note:
            parts.append(section.note.strip())
        parts.extend(_block(block) for block in section.blocks)
    return "\n\n".join(part for part in parts if part) + "\n"


def _escaped(text: object) -> str:
    """Write plain text so that no character of it is taken for markup."""
    line = " ".join(str(text).split())
    line = _SPECIAL.sub(r"\\\1", line)
    return re.sub(
        r"^([#+-]|\d+[.)])(?=\s|$)", lambda found: f"{found[1][:-1]}\\{found[1][-1]}", line
    )


def _block(block: Block) -> str:
    if isinstance(block, Text):
        return block.body.strip()
    if isinstance(block, Alert):
        text = f"**{_LEVELS[block.level]}:** {block.text.strip()}"
        return "\n".join(f"> {line}".rstrip() for line in text.splitlines())
    if isinstance(block, Facts):
        return "\n".join(_facts(block))
    if isinstance(block, Table):
        return "\n".join(_table(block))
    return _chart(block)


def _facts(block: Facts) -> Iterable[str]:
    for fact in block.facts:
        note = f" ({_escaped(fact.note)})" if fact.note else ""
        value = _escaped(form.value(fact.value))
        yield f"- **{_escaped(fact.label)}**: {_STATUS[fact.status]}{value}{note}"


def _table(block: Table) -> Iterable[str]:
    heads = block.heads
    if block.caption:
        yield f"{_escaped(block.caption)}\n"
    yield _row(_escaped(head.title) for head in heads)
    yield _row("---:" if head.numeric else "---" for head in heads)
    for row in written(block):
        cells = []
        for cell, head in zip(row, heads, strict=True):
            # A pipe ends a cell even inside a code span.
            code = form.verbatim(cell.text).replace("|", "\\|")
            cells.append(
                _STATUS[cell.status] + (code if head.kind == "code" else _escaped(cell.text))
            )
        yield _row(cells)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _chart(block: Chart | Picture) -> str:
    told = block.label
    if block.alt and block.title and not block.alt.startswith(block.title):
        told = f"{block.title}. {block.alt}"
    return f"*Figure:* {_escaped(told)}" if told else ""
