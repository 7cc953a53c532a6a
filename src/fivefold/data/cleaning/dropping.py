"""Columns dropped: declared by name, or by what is found in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from fivefold.data.columns import require_listed
from fivefold.data.effects import effect
from fivefold.data.fitting import told_training
from fivefold.data.irrelevant import constants
from fivefold.data.keys import count_rows
from fivefold.data.values import dtype_name, single
from fivefold.errors import ConfigError, nearest
from fivefold.table import require_columns
from fivefold.table.engine import names_of

__all__ = ["drop_columns", "drop_constant", "drop_found", "drop_sparse_columns"]


@effect()
def drop_constant(table: nw.LazyFrame[Any], keep: Sequence[str] = ()) -> nw.LazyFrame[Any]:
    """Drop the columns that have the same value, or none, in every row, but those to keep."""
    require_listed(table, keep, "keep")
    names = names_of(table)
    schema = table.collect_schema()
    same = constants(table, {name: dtype_name(schema[name]) for name in names})
    return _without(table, [name for name in same if name not in keep])


@effect()
def drop_columns(
    table: nw.LazyFrame[Any],
    columns: Sequence[str],
    reason: str = "",  # noqa: ARG001 - it stands in the audit
) -> nw.LazyFrame[Any]:
    """Drop columns; the reason stands in the audit."""
    require_listed(table, columns)
    return table.drop(*columns)


@effect()
def drop_sparse_columns(
    table: nw.LazyFrame[Any],
    share: float,
    keep: Sequence[str] = (),
    key: Sequence[str] = (),
    target: str = "",
) -> nw.LazyFrame[Any]:
    """Drop the columns in which more than a share of the rows has no value.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    share : float
        In [0, 1).
    keep : sequence of str
        Columns that stay, however sparse; the key and the target do in any case.
    key : sequence of str
        The table's key, which clean gives.
    target : str
        What is predicted, which clean gives.
    """
    require_listed(table, keep, "keep")
    if not 0 <= share < 1:
        raise ConfigError("not a share", where="share", got=share, allowed="in [0, 1)")
    names = names_of(table)
    figures = single(
        table.select(
            nw.len().alias("rows"), *(nw.col(n).null_count().alias(f"_{n}") for n in names)
        )
    )
    held = {*keep, *key, target}
    most = share * int(figures["rows"])
    return table.select(name for name in names if name in held or figures[f"_{name}"] <= most)


def _by_target(kinds: Sequence[str] = (), **_: Any) -> bool:
    return any(kind in ("leak", "near_leak") for kind in kinds)


@effect()
@told_training(_by_target)
def drop_found(
    table: nw.LazyFrame[Any],
    kinds: Sequence[str],
    keep: Sequence[str] = (),
    key: Sequence[str] = (),
    target: str = "",
    training: str | None = None,
) -> nw.LazyFrame[Any]:
    """Drop the columns in which something of the given kinds is found.

    What is found stands in the audit's findings with every run, and nothing is dropped for it
    unless this step says so. Of two columns that say the same the first stays. What gives the
    target away is looked for in the training rows only.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    kinds : sequence of {"constant", "identifier", "duplicate", "leak", "near_leak"}
        Which.
    keep : sequence of str
        Columns that stay, whatever is found; the key and the target do in any case.
    key : sequence of str
        The table's key, which clean gives.
    target : str
        What is predicted, which clean gives.
    training : str, optional
        The column that tells which rows are for training, which clean gives.
    """
    from fivefold.data.findings import DROPPABLE, find, require_target_varies

    require_listed(table, keep, "keep")
    require_columns(table, [target], "clean.target", "at this step the table")
    if isinstance(kinds, str):
        raise ConfigError("a list is needed", where="kinds", got=kinds, hint=f"kinds: [{kinds}]")
    for kind in kinds:
        if kind not in DROPPABLE:
            raise ConfigError(
                "nothing of this kind is found", where="kinds", got=kind, allowed=DROPPABLE,
                hint=nearest(kind, DROPPABLE),
            )  # fmt: skip
    looked = table if training is None else table.filter(nw.col(training)).drop(training)
    varied = require_target_varies(looked, target)
    found = find(looked, target, count_rows(looked), varied["values"], key)
    gone = {item["column"] for item in found if item["kind"] in kinds} - {*keep, *key, target}
    return _without(table, [name for name in names_of(table) if name in gone])


def _without(table: nw.LazyFrame[Any], gone: Sequence[str]) -> nw.LazyFrame[Any]:
    return table.drop(*gone) if gone else table
