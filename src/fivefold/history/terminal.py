"""Tables and lines drawn for the terminal.

Rich would draw them too, but its import and layout were a fifth of a command's time. Of it only the
hard part is used: how much room a text takes.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace

from rich.cells import cell_len, set_cell_size

from fivefold.history.tables import Column, Table, Text

__all__ = ["draw"]

# Select Graphic Rendition, ECMA-48.
_COLOURS = {"better": "32", "worse": "31", "noise": "33", "unreadable": "31"}
_WEIGHTS = {"dim": "2", "bold": "1"}

# Control characters could move a terminal's cursor, a line's end would break a row, and marks of
# direction would show a text from back to front.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")

_GAP = 3
_SHORTEST = 18
_NARROWEST = 4


def draw(parts: Sequence[Table | Text]) -> str:
    """Draw for the terminal that standard output is; without styles where it is none."""
    terminal = sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))
    # A pipe has no width: whatever reads it should get the whole cells.
    width = shutil.get_terminal_size().columns if terminal or "COLUMNS" in os.environ else 240
    styles = _styles() if terminal else {}
    lines: list[str] = []
    for part in parts:
        if isinstance(part, Text):
            lines.append(_styled(_printable(part.text), styles.get(part.style)))
        elif part.rows:
            lines.extend(_table(part, width, styles))
    return "\n".join(lines).rstrip()


def _styles() -> dict[str, str]:
    """Give the codes that the terminal takes; see https://no-color.org."""
    if os.environ.get("TERM", "").lower() in ("dumb", "unknown"):
        return {}
    return dict(_WEIGHTS) if os.environ.get("NO_COLOR") else {**_COLOURS, **_WEIGHTS}


def _styled(line: str, code: str | None) -> str:
    line = line.rstrip()
    return f"\x1b[{code}m{line}\x1b[0m" if code and line else line


def _table(table: Table, width: int, styles: dict[str, str]) -> list[str]:
    cells = [[_printable(cell) for cell in row] for row in table.rows]
    columns = tuple(replace(column, title=_printable(column.title)) for column in table.columns)
    table, left_out = _fit(replace(table, columns=columns, rows=cells), width)
    widths = _widths(table, width)
    lines = []
    if table.title:
        lines += ["", _styled(_printable(table.title), styles.get("bold"))]
    titles = [column.title for column in table.columns]
    lines.append(_styled(_row(table, titles, widths), styles.get("bold")))
    lines.append("─" * (sum(widths) + _GAP * (len(widths) - 1)))
    named = table.styles or [""] * len(table.rows)
    for row, style in zip(table.rows, named, strict=True):
        lines.append(_styled(_row(table, row, widths), styles.get(style)))
    if left_out:
        lines.append(_styled(f"too narrow for: {', '.join(left_out)}", styles.get("dim")))
    return lines


def _row(table: Table, row: Sequence[str], widths: Sequence[int]) -> str:
    columns = zip(table.columns, row, widths, strict=True)
    return (" " * _GAP).join(_cell(column, text, width) for column, text, width in columns)


def _cell(column: Column, text: str, width: int) -> str:
    """Give a text exactly so much room; what is cut off is told by an ellipsis."""
    room = width - cell_len(text)
    if room < 0:
        return set_cell_size(text, width - 1) + "…"
    return " " * room + text if column.number else text + " " * room


def _printable(text: str) -> str:
    return _CONTROL.sub(" ", text)


def _fit(table: Table, width: int) -> tuple[Table, list[str]]:
    """Leave out spare columns until the rest has room."""
    keep = list(range(len(table.columns)))
    left_out = []
    while sum(_needed(table, table.columns[i]) for i in keep) > width + _GAP:
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
    room = width + _GAP - sum(_GAP + wide for wide in widths) + sum(widths[i] for i in shrinking)
    for place, i in enumerate(shrinking):
        # The narrowest is served first: what it leaves goes to the wider ones.
        share = max(room // (len(shrinking) - place), cell_len(table.columns[i].title), _NARROWEST)
        widths[i] = min(widths[i], share)
        room -= widths[i]
    # Where even that is too much, the widest give way: a line that wraps can't be read as a row.
    while sum(_GAP + wide for wide in widths) - _GAP > width and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _width(table: Table, column: Column) -> int:
    place = table.columns.index(column)
    return max(cell_len(text) for text in (column.title, *(row[place] for row in table.rows)))
