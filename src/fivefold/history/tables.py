"""Tables as rows of text, drawn for the terminal or written as Markdown or CSV."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from fivefold.history.markup import escape

__all__ = ["Column", "Table", "Text", "draw", "to_csv", "to_markdown", "without_empty"]

_STYLES = {
    "better": "green",
    "worse": "red",
    "noise": "yellow",
    "unreadable": "red",
    "dim": "dim",
    "bold": "bold",
}

# How a formula begins, to one spreadsheet or another.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

# Control characters could move a terminal's cursor, a line's end would break a row, and marks of
# direction would show a text from back to front.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")

_GAP = 3
_SHORTEST = 18


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


def draw(parts: Sequence[Table | Text]) -> str:
    """Draw for the terminal that standard output is; without colours where it is none."""
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text as RichText

    terminal = sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))
    # A pipe has no width: whatever reads it should get the whole cells.
    width = shutil.get_terminal_size().columns if terminal or "COLUMNS" in os.environ else 240
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=terminal, no_color=None if terminal else True
    )
    for part in parts:
        if isinstance(part, Text):
            console.print(
                RichText(_printable(part.text), style=_STYLES.get(part.style, "")), soft_wrap=True
            )
            continue
        cells = [[_printable(cell) for cell in row] for row in part.rows]
        columns = tuple(replace(column, title=_printable(column.title)) for column in part.columns)
        part, left_out = _fit(replace(part, columns=columns, rows=cells), width)
        table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for column, room in zip(part.columns, _widths(part, width), strict=True):
            table.add_column(
                column.title,
                justify="right" if column.number else "left",
                no_wrap=True,
                overflow="ellipsis",
                width=room,
            )
        styles = part.styles or [""] * len(part.rows)
        for row, style in zip(part.rows, styles, strict=True):
            table.add_row(*map(RichText, row), style=_STYLES.get(style, ""))
        if part.title:
            console.print(RichText(f"\n{_printable(part.title)}", style="bold"))
        console.print(table)
        if left_out:
            names = ", ".join(left_out)
            console.print(RichText(f"too narrow for: {names}", style="dim"), soft_wrap=True)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().splitlines())


def _printable(text: str) -> str:
    return _CONTROL.sub(" ", text)


def _fit(table: Table, width: int) -> tuple[Table, list[str]]:
    """Leave out spare columns until the rest has room; rich would cut the rightmost to nothing."""
    keep = list(range(len(table.columns)))
    left_out = []
    while sum(_needed(table, table.columns[i]) for i in keep) > width:
        spare = max(keep, key=lambda i: table.columns[i].spare)
        if not table.columns[spare].spare:
            break
        keep.remove(spare)
        left_out.append(table.columns[spare].title)
    columns = tuple(table.columns[i] for i in keep)
    rows = [[row[i] for i in keep] for row in table.rows]
    return Table(columns, rows, table.styles, table.title), left_out


def _needed(table: Table, column: Column) -> int:
    width = _width(table, column)
    return (min(width, _SHORTEST) if column.shrinks else width) + _GAP


def _widths(table: Table, width: int) -> list[int]:
    """Give each column its width: the shrinking ones share what the others leave."""
    widths = [_width(table, column) for column in table.columns]
    shrinking = sorted(
        (i for i, column in enumerate(table.columns) if column.shrinks), key=widths.__getitem__
    )
    room = width - sum(_GAP + wide for wide in widths) + sum(widths[i] for i in shrinking)
    for place, i in enumerate(shrinking):
        # The narrowest is served first: what it leaves goes to the wider ones.
        share = max(room // (len(shrinking) - place), len(table.columns[i].title), 4)
        widths[i] = min(widths[i], share)
        room -= widths[i]
    return widths


def _width(table: Table, column: Column) -> int:
    place = table.columns.index(column)
    return max(len(text) for text in (column.title, *(row[place] for row in table.rows)))


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
