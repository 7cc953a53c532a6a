"""The rows of a table that are against its schema, found with pandera."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pyarrow as pa

from fivefold.data.quarantine import REASON
from fivefold.data.rules import Rule
from fivefold.data.values import plain, single
from fivefold.table import to_arrow
from fivefold.table.engine import batches

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Located", "Violation", "locate"]

_EXAMPLES = 3
# pandera takes some milliseconds a check whatever the rows, and holds a truth a cell.
_ROWS_AT_ONCE = 1_000_000
_PLACE = "__place"


@dataclass
class Violation:
    """A rule, and the rows that are against it.

    Attributes
    ----------
    rule : Rule
    rows : int
    examples : list of dict
        A few of them, in the table's order: ``row``, the key's columns, and ``cells``, those that
        are against the rule.
    """

    rule: Rule
    rows: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Give it for the report."""
        return {
            "where": self.rule.label,
            "rule": self.rule.words,
            "on_violation": self.rule.on_violation,
            "rows": self.rows,
            "examples": self.examples,
        }

    def __str__(self) -> str:
        rows = "1 row" if self.rows == 1 else f"{self.rows:,} rows"
        line = f"{self.rule.label}: {self.rule.words} is violated in {rows}"
        shown = "; ".join(self._example(example) for example in self.examples)
        return f"{line}, such as {shown}" if shown else line

    def _example(self, example: Mapping[str, Any]) -> str:
        cells = example["cells"]
        words = [
            ("" if list(cells) == [self.rule.label] else f"{name} ")
            + ("no value" if value is None else repr(value))
            for name, value in cells.items()
        ]
        by = ", ".join(f"{name}={value}" for name, value in example["row"].items())
        return f"{', '.join(words) or 'the row'} at {by}"


@dataclass
class Located:
    """What was found in the rows.

    Attributes
    ----------
    violations : list of Violation
        In the order of the rules.
    set_aside : pyarrow.Table or None
        The key of each row that is against a rule with ``quarantine``, and the reason; None without
        such a row, or where there are more than the limit.
    n_set_aside : int
        How many such rows there are.
    """

    violations: list[Violation]
    set_aside: pa.Table | None = None
    n_set_aside: int = 0


def locate(
    table: nw.LazyFrame[Any], rules: Sequence[Rule], key: Sequence[str], limit: int
) -> Located:
    """Find the rows that are against rules, in batches whatever the engine.

    pandera's polars backend does it whatever engine made the table, so that what matches a pattern
    does not depend on the engine.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    rules : sequence of Rule
        Those that may be violated; the columns they name have the declared type.
    key : sequence of str
        The columns that name a row.
    limit : int
        The most rows whose keys are kept.
    """
    found = [Violation(rule) for rule in rules]
    repeated = {at: _repeated(table, rule.shown) for at, rule in enumerate(rules) if rule.together}
    active = [at for at, rule in enumerate(rules) if not rule.together or repeated[at] is not None]
    if not active:
        return Located([])
    located = Located(found)
    kept: list[pl.DataFrame] = []
    search = _Search({at: rules[at] for at in active}, repeated)
    offset = 0
    for frame in _frames(table.select(*_needed(table, search.rules.values(), key))):
        aside = []
        for at, places in search.places(frame):
            found[at].rows += len(places)
            for place in places[: _EXAMPLES - len(found[at].examples)].to_list():
                found[at].examples.append(_example(frame, place, offset, rules[at], key))
            if rules[at].on_violation == "quarantine":
                aside.append((places, rules[at].reason))
        if aside:
            rows = _reasons(frame, aside, key)
            located.n_set_aside += rows.height
            if located.n_set_aside <= limit:
                kept.append(rows)
        offset += frame.height
    located.violations = [violation for violation in found if violation.rows]
    if 0 < located.n_set_aside <= limit:
        located.set_aside = pa.concat_tables([rows.to_arrow() for rows in kept])
    return located


class _Search:
    """Rules, held against one frame after another.

    Parameters
    ----------
    rules : mapping of int to Rule
    repeated : mapping of int to polars.DataFrame or None
        The values that stand in several rows, for the rules that forbid it.
    """

    def __init__(self, rules: Mapping[int, Rule], repeated: Mapping[int, Any]) -> None:
        self.rules, self._repeated = rules, repeated
        self._schema: Any = None

    def places(self, frame: pl.DataFrame) -> list[tuple[int, pl.Series]]:
        """Give the number of each rule that is violated, and the rows, ascending."""
        from pandera.errors import SchemaErrors

        marked = self._marked(frame)
        if self._schema is None:
            self._schema = self._pandera(marked)
        try:
            self._schema.validate(marked, lazy=True)
        except SchemaErrors as error:
            cases = error.failure_cases.group_by("column", "check", "check_number")
            return sorted(
                (self._number(*names), rows["index"].drop_nulls().sort()) for names, rows in cases
            )
        return []

    def _marked(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add a column of truths for each rule on rows."""
        import polars as pl

        wrapped = nw.from_native(frame, eager_only=True)
        for at, rule in self.rules.items():
            if rule.holds is not None:
                frame = frame.with_columns(
                    nw.to_native(wrapped.select(rule.holds.alias(_mark(at))))[_mark(at)]
                )
            elif rule.together:
                again = self._repeated[at].with_columns(pl.lit(False).alias(_mark(at)))
                frame = frame.join(again, on=rule.shown, how="left", maintain_order="left")
        return frame

    def _pandera(self, frame: pl.DataFrame) -> Any:
        """Build the pandera schema of the frames."""
        import pandera.polars as pandera

        self._checks: dict[str, list[int]] = {}
        required: dict[str, int] = {}
        for at, rule in self.rules.items():
            column = _mark(at) if rule.holds is not None or rule.together else rule.shown[0]
            self._checks.setdefault(column, [])
            if rule.check == "not_nullable":
                required[column] = at
            else:
                self._checks[column].append(at)
        self._required = required
        return pandera.DataFrameSchema(
            {
                name: pandera.Column(
                    frame.schema[name],
                    [_check(pandera.Check, self.rules[at]) for at in numbers],
                    nullable=name not in required,
                )
                for name, numbers in self._checks.items()
            }
        )

    def _number(self, column: str, check: str, number: int | None) -> int:
        if check == "not_nullable":
            return self._required[column]
        return self._checks[column][int(number or 0)]


def _mark(at: int) -> str:
    return f"__holds_{at}"


def _check(checks: Any, rule: Rule) -> Any:
    make = getattr(checks, rule.check)
    return make(**rule.argument) if isinstance(rule.argument, dict) else make(rule.argument)


def _needed(table: nw.LazyFrame[Any], rules: Iterable[Rule], key: Sequence[str]) -> list[str]:
    names = table.collect_schema().names()
    wanted = set(key)
    for rule in rules:
        wanted |= set(rule.shown) | set(names if rule.reads is None else rule.reads)
    return [name for name in names if name in wanted]


def _frames(table: nw.LazyFrame[Any]) -> Iterator[pl.DataFrame]:
    """Stream a table as polars frames of a size that suits pandera."""
    import polars as pl

    schema, stream = batches(table)
    held: list[pa.RecordBatch] = []
    for batch in stream:
        held.append(batch)
        if sum(each.num_rows for each in held) >= _ROWS_AT_ONCE:
            yield pl.DataFrame(pa.Table.from_batches(held, schema))
            held = []
    if held:
        yield pl.DataFrame(pa.Table.from_batches(held, schema))


def _repeated(table: nw.LazyFrame[Any], columns: Sequence[str]) -> pl.DataFrame | None:
    """Give the values that stand in several rows, or None; one with a missing value counts not."""
    import polars as pl

    one = len(columns) == 1 and not table.implementation.is_duckdb()
    if one and _all_different(table, columns[0]):
        return None
    known = table.select(*columns).filter(*(~nw.col(name).is_null() for name in columns))
    counts = known.group_by(*columns).agg(nw.len().alias(_PLACE))
    again = to_arrow(counts.filter(nw.col(_PLACE) > 1).select(*columns))
    return pl.DataFrame(again) if again.num_rows else None


def _all_different(table: nw.LazyFrame[Any], column: str) -> bool:
    """Count the values: quicker than to group by them, but on DuckDB, and mostly enough."""
    cells = nw.col(column)
    figures = single(
        table.select(
            cells.n_unique().alias("values"),
            cells.null_count().alias("missing"),
            nw.len().alias("rows"),
        )
    )
    missing = int(figures["missing"] or 0)
    return int(figures["values"] or 0) - (missing > 0) == int(figures["rows"]) - missing


def _example(
    frame: pl.DataFrame, place: int, offset: int, rule: Rule, key: Sequence[str]
) -> dict[str, Any]:
    row = frame.row(place, named=True)
    return {
        "row": {name: plain(row[name]) for name in key} or {"row": offset + place + 1},
        "cells": {name: plain(row[name]) for name in rule.shown},
    }


def _reasons(
    frame: pl.DataFrame, aside: Sequence[tuple[pl.Series, str]], key: Sequence[str]
) -> pl.DataFrame:
    """Give the key of each row set aside, and all its reasons in the order of the rules."""
    import polars as pl

    each = [
        pl.DataFrame({_PLACE: places.cast(pl.Int64)}).with_columns(pl.lit(reason).alias(REASON))
        for places, reason in aside
    ]
    joined = pl.concat(each).group_by(_PLACE).agg(pl.col(REASON).str.join("; ")).sort(_PLACE)
    return frame.select(key)[joined[_PLACE]].with_columns(joined[REASON])
