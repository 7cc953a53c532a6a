"""Labelling functions: from a row to a label, or to none.

A label function takes the table and gives a column: the label of each row, missing where it has
nothing to say. These are named by ``_target_`` under ``label.expression`` and
``label.rules.functions``; so is a user's own, which may give

- a Narwhals expression, if its first parameter is annotated ``narwhals.LazyFrame``;
- else a column (a Series, an Arrow or NumPy array, a list) with a value per row of the frame it
  was given: the pandas, polars or pyarrow frame that its first parameter is annotated with, or the
  engine's own. It is called for a batch of rows after another, because a label is a matter of its
  row alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from fivefold.data.cases import by_case
from fivefold.data.columns import require_dtype, require_listed
from fivefold.data.expressions import compiled
from fivefold.errors import ConfigError

__all__ = ["at_least", "binned", "contains", "when"]

Label = str | int | float


def at_least(table: nw.LazyFrame[Any], column: str, value: int | float) -> nw.Expr:
    """Give 1 where the column is at least the value, 0 elsewhere, missing where it is."""
    require_listed(table, [column], "column")
    require_dtype(table, column, ("integer", "number"), "column")
    return (nw.col(column) >= value).cast(nw.Int64)


def binned(
    table: nw.LazyFrame[Any],
    column: str,
    edges: Sequence[int | float],
    labels: Sequence[Label],
) -> nw.Expr:
    """Give a label by the half-open span ``[edge, next edge)`` that a number is in.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    column : str
        Of numbers.
    edges : sequence of float
        Ascending; the first span has no lower end and the last no upper one.
    labels : sequence
        One more than there are edges.
    """
    require_listed(table, [column], "column")
    require_dtype(table, column, ("integer", "number"), "column")
    if len(labels) != len(edges) + 1 or list(edges) != sorted(set(edges)):
        raise ConfigError(
            "the edges must ascend, and there must be a label more than edges",
            where="edges",
            got=f"{len(edges)} edges, {len(labels)} labels",
        )
    below = [(nw.col(column) < edge, label) for edge, label in zip(edges, labels, strict=False)]
    return by_case([*below, (~nw.col(column).is_null(), labels[-1])])


def when(table: nw.LazyFrame[Any], expression: str, label: Label) -> nw.Expr:
    """Give a label where a condition is true, and nothing elsewhere.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    expression : str
        A condition in the language of :mod:`fivefold.data.expressions`.
    label : str, int or float
        The label.
    """
    condition = compiled(expression, table.collect_schema(), "expression")
    if condition.kind != "boolean":
        raise ConfigError(
            "a rule needs a condition",
            where="expression",
            got=f"{expression} ({condition.kind})",
            allowed="a comparison, such as arr_delay >= 15",
        )
    return by_case([(condition.expr, label)])


def contains(table: nw.LazyFrame[Any], column: str, words: Sequence[str], label: Label) -> nw.Expr:
    """Give a label where a text contains any of the words, whatever their case; else nothing."""
    require_listed(table, [column], "column")
    require_dtype(table, column, ("string",), "column")
    require_listed_words(words)
    lower = nw.col(column).str.to_lowercase()
    return by_case([(lower.str.contains(word.lower(), literal=True), label) for word in words])


def require_listed_words(words: Sequence[str]) -> None:
    """Raise where there is no word, or a single one was given for a list."""
    if isinstance(words, str) or not words or not all(isinstance(w, str) and w for w in words):
        raise ConfigError("a list of words is needed", where="words", got=words)
