"""Tables as rows of text, drawn for the terminal or written as Markdown or CSV."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Column", "Table", "Text", "draw", "to_csv", "to_markdown"]

_STYLES = {
    "better": "green",
    "worse": "red",
    "noise": "yellow",
    "unreadable": "red",
    "dim": "dim",
    "bold": "bold",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column's title, and how it behaves where there is little room.

    Attributes
    ----------
    title : str
    number : bool
        Set flush right.
    shrinks : bool
        May be cut short; the others keep their width.
    """

    title: str
    number: bool = False
    shrinks: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under columns.

    Attributes
    ----------
    columns : tuple of Column
    rows : list of list of str
    styles : list of str
        A style's name per row, or empty.
    title : str
    """

    columns: tuple[Column, ...]
    rows: list[list[str]]
    styles: list[str] = field(default_factory=list)
    title: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text between tables, with a style's name."""

    text: str
    style: str = ""


def draw(parts: Sequence[Table | Text]) -> str:
    """Draw for the terminal that standard output is; without colours where it is none."""
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text as RichText

    terminal = sys.stdout.isatty()
    # A pipe has no width: whatever reads it should get the whole cells.
    width = shutil.get_terminal_size().columns if terminal or "COLUMNS" in os.environ else 240
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=terminal, no_color=None if terminal else True
    )
    for part in parts:
        if isinstance(part, Text):
            console.print(RichText(part.text, style=_STYLES.get(part.style, "")), soft_wrap=True)
            continue
        table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for column in part.columns:
            table.add_column(
                column.title,
                justify="right" if column.number else "left",
                no_wrap=True,
                overflow="ellipsis",
                min_width=None if column.shrinks else _width(part, column),
            )
        styles = part.styles or [""] * len(part.rows)
        for row, style in zip(part.rows, styles, strict=True):
            table.add_row(*map(RichText, row), style=_STYLES.get(style, ""))
        if part.title:
            console.print(RichText(f"\n{part.title}", style="bold"))
        console.print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().splitlines())


def _width(table: Table, column: Column) -> int:
    place = table.columns.index(column)
    return max(len(text) for text in (column.title, *(row[place] for row in table.rows)))


def to_markdown(parts: Sequence[Table | Text]) -> str:
    """Write as GitHub's and GitLab's Markdown."""
    blocks = []
    for part in parts:
        if isinstance(part, Text):
            text = _escape(part.text)
            blocks.append(f"**{text}**" if part.style == "bold" else text)
            continue
        lines = [f"#### {_escape(part.title)}", ""] if part.title else []
        lines.append("| " + " | ".join(_escape(column.title) for column in part.columns) + " |")
        lines.append("|" + "|".join("--:" if c.number else "---" for c in part.columns) + "|")
        lines.extend("| " + " | ".join(map(_escape, row)) + " |" for row in part.rows)
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _escape(text: str) -> str:
    """Keep a text from being read as markup: values come from files that anybody may propose."""
    text = re.sub(r"([\\`*_{}\[\]<>|~#@&])", r"\\\1", text)
    return " ".join(text.split())


def to_csv(table: Table) -> str:
    """Write as CSV with a header line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.title for column in table.columns])
    writer.writerows(table.rows)
    return out.getvalue().rstrip("\n")
