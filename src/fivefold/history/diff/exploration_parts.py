"""The tables of what two explorations say of the data."""

from __future__ import annotations

from fivefold.history.diff.findings import CategoryChange, ExplorationChange, FigureChange
from fivefold.history.figures import arrow
from fivefold.history.tables import Column, Table, Text, without_empty

__all__ = ["exploration_parts"]

_SHOWN, _NAMED = 12, 6
_SHARES = ("missing", "share of ")


def exploration_parts(change: ExplorationChange | None, *, everything: bool) -> list[Table | Text]:
    """Show rows, figures that moved, categories and alarms; few unless everything is asked for."""
    if change is None:
        return []
    parts: list[Table | Text] = []
    most = None if everything else _SHOWN
    shown = change.figures[:most]
    if change.base_rows != change.head_rows:
        grown = change.head_rows - change.base_rows
        share = f" ({grown / change.base_rows:+.1%})" if change.base_rows else ""
        parts.append(Text(f"rows {arrow(f'{change.base_rows:,}', f'{change.head_rows:,}')}{share}"))
    if shown:
        columns = (
            Column("column", shrinks=True),
            Column("figure", shrinks=True),
            Column("base", number=True),
            Column("head", number=True),
            Column("change", number=True),
        )
        parts.append(without_empty(Table(columns, [_row(figure) for figure in shown])))
    hidden = len(change.figures) - len(shown)
    if hidden > 0:
        parts.append(Text(f"{hidden} smaller changes of figures not shown", "dim"))
    parts += [Text(_category_text(item)) for item in change.categories[:most]]
    for word, alarms, style in (("new", change.raised, "noise"), ("gone", change.gone, "dim")):
        parts += [Text(f"alarm {word}: {text}", style) for text in alarms[:most]]
        if most is not None and len(alarms) > most:
            parts.append(Text(f"{len(alarms) - most} more alarms {word}", "dim"))
    return parts


def _row(figure: FigureChange) -> list[str]:
    share = figure.figure.startswith(_SHARES)
    sides = [_written(value, share) for value in (figure.base, figure.head)]
    change = ""
    if figure.base is not None and figure.head is not None:
        by = figure.head - figure.base
        change = f"{by * 100:+.1f} points" if share else f"{by:+.3g}"
    return [figure.column, figure.figure, *sides, change]


def _written(value: float | None, share: bool) -> str:
    if value is None:
        return ""
    return f"{value:.1%}" if share else f"{value:.4g}"


def _category_text(change: CategoryChange) -> str:
    """Say ``carrier: 14 -> 16 categories; new: OO, HA``."""
    told = []
    if change.base != change.head and change.base is not None and change.head is not None:
        told.append(f"{arrow(f'{change.base:,}', f'{change.head:,}')} categories")
    for word, names in (("new", change.added), ("gone", change.removed)):
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            told.append(f"{word}: {', '.join(name[:40] for name in names[:_NAMED])}{more}")
    return f"{change.column}: {'; '.join(told)}"
