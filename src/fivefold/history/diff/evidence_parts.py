"""The tables of what rows and tables show: slices, and columns that moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from fivefold.history.diff.findings import ColumnChange, SliceReport, TableChange
from fivefold.history.figures import arrow, change_text, ends_text, value_text
from fivefold.history.tables import Column, Table, Text, without_empty

__all__ = ["slice_parts", "table_parts"]

_SHOWN = 5
_WORDS = {"noise": "within noise"}
_COUNTED: dict[str, str] = {
    "worse": "worse",
    "better": "better",
    "noise": "within noise",
    "same": "the same",
    "too small": "too small to judge",
}


def slice_parts(report: SliceReport | None, *, everything: bool) -> list[Table | Text]:
    """Show the slices, the worst first; few of them unless everything is asked for."""
    if report is None:
        return []
    # Whoever got worse beyond noise is shown, however many they are.
    most = len(report.slices) if everything else max(_SHOWN, len(report.worse))
    shown = report.slices[:most]
    columns = (
        Column("slice", shrinks=True),
        Column("rows", number=True),
        Column("base", number=True),
        Column("head", number=True),
        Column("change", number=True),
        Column("95% interval of change", spare=1),
        Column("verdict"),
    )
    rows = [
        [
            item.name,
            f"{item.rows:,}",
            value_text(item.base),
            value_text(item.head),
            change_text(item.change),
            ends_text(item.interval),
            _WORDS.get(item.judgement, item.judgement),
        ]
        for item in shown
    ]
    styles = ["dim" if item.judgement == "too small" else item.judgement for item in shown]
    parts: list[Table | Text] = [without_empty(Table(columns, rows, styles))]
    parts.append(Text(_slices_text(report, len(shown)), "dim"))
    return parts


def _slices_text(report: SliceReport, shown: int) -> str:
    """Say what judged, and count what isn't shown."""
    tested = sum(item.adjusted is not None for item in report.slices)
    found: Counter[str] = Counter(item.judgement for item in report.slices)
    counts = [f"{found[word]} {text}" for word, text in _COUNTED.items() if found[word]]
    hidden = len(report.slices) - shown
    more = f"; {hidden} not shown" if hidden else ""
    beyond = f"; {report.left_out} small ones not compared" if report.left_out else ""
    return (
        f"{', '.join(counts)}{more}{beyond}: {report.method}, "
        f"{report.correction}'s correction for {tested} slices"
    )


def table_parts(tables: Sequence[TableChange], *, everything: bool) -> list[Table | Text]:
    """Show each table's size, and the columns that moved."""
    if not tables:
        return []
    columns = (
        Column("table", shrinks=True),
        Column("rows"),
        Column("added", number=True),
        Column("removed", number=True),
        Column("changed", number=True),
        Column("columns"),
        Column("moved", shrinks=True),
    )
    rows = [
        [
            table.path,
            _count(table.base_rows, table.head_rows),
            _number(table.rows_added),
            _number(table.rows_removed),
            _number(table.rows_changed),
            _columns_text(table),
            _moved_text(table),
        ]
        for table in tables
    ]
    parts: list[Table | Text] = [without_empty(Table(columns, rows))]
    moved = _column_table(tables, everything=everything)
    if moved is not None:
        parts.append(moved)
    parts += [Text(f"{table.path}: {note}", "dim") for table in tables for note in _notes(table)]
    sampled = {table.sampled for table in tables if table.sampled is not None}
    if sampled:
        drawn = ", ".join(f"{count:,}" for count in sorted(sampled))
        parts.append(Text(f"drift is measured on {drawn} rows of versions that have more", "dim"))
    return parts


def _count(base: int, head: int) -> str:
    return f"{head:,}" if base == head else arrow(f"{base:,}", f"{head:,}")


def _number(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _columns_text(table: TableChange) -> str:
    """Say how the columns changed: ``+2 -1``, with the retyped."""
    words = [
        f"{sign}{len(names)}" for sign, names in (("+", table.added), ("-", table.removed)) if names
    ]
    if table.retyped:
        words.append(f"{len(table.retyped)} retyped")
    return ", ".join(words)


def _moved_text(table: TableChange) -> str:
    known = [column for column in table.columns if column.psi is not None]
    if table.moved:
        return f"{len(table.moved)} of {len(table.columns)}"
    if known:
        return f"none (largest PSI {known[0].psi:.2g}, {known[0].name})"
    return ""


def _column_table(tables: Sequence[TableChange], *, everything: bool) -> Table | None:
    chosen: list[tuple[TableChange, ColumnChange]] = []
    for table in tables:
        shown = table.columns if everything else table.moved[:_SHOWN]
        chosen.extend((table, column) for column in shown)
    if not chosen:
        return None
    columns = (
        Column("table", shrinks=True),
        Column("column", shrinks=True),
        Column("missing"),
        Column("PSI", number=True),
        Column("Jensen-Shannon", number=True, spare=2),
        Column("Kolmogorov-Smirnov", number=True, spare=3),
        Column("Wasserstein", number=True, spare=4),
    )
    rows = [
        [
            table.path,
            column.name,
            _share(column.base_missing, column.head_missing),
            *(
                "" if value is None else f"{value:.3g}"
                for value in (
                    column.psi,
                    column.jensen_shannon,
                    column.kolmogorov_smirnov,
                    column.wasserstein,
                )
            ),
        ]
        for table, column in chosen
    ]
    return without_empty(Table(columns, rows, title="Columns that moved"))


def _share(base: float, head: float) -> str:
    first, second = f"{base:.1%}", f"{head:.1%}"
    if first == second:
        return "" if not head else first
    return arrow(first, second)


def _notes(table: TableChange) -> list[str]:
    notes = []
    for word, names in (("new columns", table.added), ("columns gone", table.removed)):
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            notes.append(f"{word}: {', '.join(names[:_SHOWN])}{more}")
    if table.retyped:
        shown = ", ".join(f"{name} {arrow(old, new)}" for name, old, new in table.retyped[:_SHOWN])
        notes.append(f"retyped: {shown}")
    hidden = len(table.moved) - _SHOWN
    if hidden > 0:
        notes.append(f"{hidden} more columns moved")
    if table.source != "tables":
        notes.append(f"not at hand, so by both revisions' {table.source}")
    if table.note:
        notes.append(table.note)
    return notes
