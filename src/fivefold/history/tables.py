"""Tables as rows of text, and how they are written as Markdown and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from fivefold.history.markup import escape

__all__ = ["Column", "Table", "Text", "to_csv", "to_markdown", "without_empty"]

# How a formula begins, to one spreadsheet or another.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


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
    spare : int
        Above 0, the column is left out where the terminal is too narrow; the highest goes first.
    """

    title: str
    number: bool = False
    shrinks: bool = False
    spare: int = 0


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


def to_markdown(parts: Sequence[Table | Text]) -> str:
    """Write as GitHub's and GitLab's Markdown."""
    blocks = []
    for part in parts:
        if isinstance(part, Text):
            text = escape(part.text)
            blocks.append(f"**{text}**" if part.style == "bold" else text)
            continue
        lines = [f"#### {escape(part.title)}", ""] if part.title else []
        lines.append("| " + " | ".join(escape(column.title) for column in part.columns) + " |")
        lines.append("|" + "|".join("--:" if c.number else "---" for c in part.columns) + "|")
        lines.extend("| " + " | ".join(map(escape, row)) + " |" for row in part.rows)
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def without_empty(table: Table) -> Table:
    """Drop the columns that no row fills: a plain DVC repository has no intervals, say."""
    keep = [i for i, _ in enumerate(table.columns) if any(row[i] for row in table.rows)]
    return Table(
        tuple(table.columns[i] for i in keep),
        [[row[i] for i in keep] for row in table.rows],
        table.styles,
        table.title,
    )


def to_csv(table: Table) -> str:
    """Write as CSV with a header line; no text is a formula to a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_no_formula(column.title) for column in table.columns])
    writer.writerows([_no_formula(cell) for cell in row] for row in table.rows)
    return out.getvalue().rstrip("\n")


def _no_formula(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would run: subjects and params are anybody's.

    Numbers stay as they are, so that a program reads them back to the last digit.
    """
    if not text.startswith(_FORMULA):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text
