"""Attach each row's part to the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fivefold.data import parts
from fivefold.data.keys import count_rows
from fivefold.data.rowhash import row_hashes, uniform
from fivefold.data.values import plain, rows_of
from fivefold.errors import SplitError
from fivefold.objective import Objective
from fivefold.table import from_arrow, require_columns, to_arrow
from fivefold.table.arrays import integer_array, integers
from fivefold.table.engine import batches, engine_of
from fivefold.table.settle import MEMORY_CELLS, settle, spill

if TYPE_CHECKING:
    from fivefold.data.split import SplitConfig

__all__ = ["PART", "Drawn", "codes_of", "drawn", "parted"]

PART = "__part"

Codes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Drawn:
    """Every row's part and the hash of its key, in the order of the table.

    Attributes
    ----------
    frame : narwhals.LazyFrame
        The rows with the column ``PART``.
    codes : ndarray of int8, shape (n_rows,)
        The part's number.
    hashes : ndarray of uint64, shape (n_rows,)
        Of the key.
    """

    frame: nw.LazyFrame[Any]
    codes: Codes
    hashes: npt.NDArray[np.uint64]


def parted(
    table: nw.LazyFrame[Any], objective: Objective, config: SplitConfig
) -> tuple[nw.LazyFrame[Any], Drawn]:
    """Give the table with the number of each row's part.

    Only keys and what tells the part are looked at, a batch of rows at a time.

    Returns
    -------
    narwhals.LazyFrame
        The rows with the column ``PART``.
    Drawn
        What was found of every row.

    Raises
    ------
    SplitError
        A row has no key, time, group or known part.
    """
    schema = table.collect_schema()
    rows = count_rows(table)
    cells = rows * len(schema.names())
    told = parts.declared(schema, config)
    if told is None:
        # Computed once: what is attached to the rows must find them in the same order.
        table = settle(table, cells, cheap=True)
        codes, hashes = drawn(table, objective, config)
        frame = _attached(table, codes, cells)
    else:
        _require_told(table, config)
        frame = settle(table.with_columns(told.cast(nw.Int64).alias(PART)), cells, cheap=True)
        codes, hashes = _told(frame, config)
    return frame, Drawn(frame, codes, hashes)


def codes_of(table: nw.LazyFrame[Any], objective: Objective, config: SplitConfig) -> Codes:
    """Give the part of each row, shape (n_rows,), in the order of the table.

    For a stage before the split that looks at the parts; it needs no other column than those that
    the method does.

    Raises
    ------
    FivefoldError
        The part can't be told yet.
    """
    told_by = [name for name in (config.time, config.by) if name is not None]
    require_columns(table, [*config.key, *told_by], "split")
    told = parts.declared(table.collect_schema(), config)
    if told is None:
        return drawn(table, objective, config)[0]
    return _told(table.with_columns(told.cast(nw.Int64).alias(PART)), config)[0]


def drawn(
    table: nw.LazyFrame[Any], objective: Objective, config: SplitConfig
) -> tuple[Codes, npt.NDArray[np.uint64]]:
    """Draw the part of each row by one of the methods of chance.

    Returns
    -------
    codes : ndarray of int8, shape (n_rows,)
    hashes : ndarray of uint64, shape (n_rows,)
        Of the keys.
    """
    by = config.by or objective.target if config.method == "stratified" else config.by
    if config.method == "random":
        by = None
    elif by is not None:
        _require_class(table, str(by), config)
    keys, draws, labels = [], [], []
    seed = config.seed if config.method == "grouped" else 0
    for batch in _narrow(table, [*config.key, *([by] if by else [])]):
        _require_keyed(batch, config.key)
        keys.append(row_hashes(batch, config.key))
        draws.append(row_hashes(batch, config.key, config.seed))
        if by:
            labels.append(row_hashes(batch, [str(by)], seed))
    hashes, seeded = _joined(keys), _joined(draws)
    ranges = parts.Ranges.of(config)
    if config.method == "grouped":
        return parts.by_group(_joined(labels), ranges), hashes
    if config.method == "stratified":
        return parts.by_stratum(seeded, _joined(labels), ranges), hashes
    return parts.by_hash(uniform(seeded), ranges), hashes


def _told(frame: nw.LazyFrame[Any], config: SplitConfig) -> tuple[Codes, npt.NDArray[np.uint64]]:
    codes, keys = [], []
    for batch in _narrow(frame, [*config.key, PART]):
        _require_keyed(batch, config.key)
        keys.append(row_hashes(batch, config.key))
        codes.append(integers(batch[PART]).astype(np.int8))
    return (np.concatenate(codes) if codes else np.zeros(0, np.int8)), _joined(keys)


def _joined(pieces: Sequence[npt.NDArray[np.uint64]]) -> npt.NDArray[np.uint64]:
    return np.concatenate(pieces) if pieces else np.zeros(0, np.uint64)


def _narrow(table: nw.LazyFrame[Any], names: Sequence[str]) -> Any:
    """Give some columns in batches, in the order of the rows."""
    for batch in batches(table.select(*dict.fromkeys(names)))[1]:
        yield pa.Table.from_batches([batch])


def _attached(table: nw.LazyFrame[Any], codes: Codes, cells: int) -> nw.LazyFrame[Any]:
    """Put the parts beside the rows, in memory if the table is small and in a file if not."""
    engine = engine_of(table)
    if cells <= MEMORY_CELLS:
        return from_arrow(to_arrow(table).append_column(PART, integer_array(codes)), engine)
    schema, rows = batches(table)

    def with_parts() -> Any:
        at = 0
        for batch in rows:
            yield batch.append_column(PART, integer_array(codes[at : at + batch.num_rows]))
            at += batch.num_rows

    return spill(schema.append(pa.field(PART, pa.int64())), with_parts(), engine)


def _require_told(table: nw.LazyFrame[Any], config: SplitConfig) -> None:
    column = str(config.by if config.method == "column" else config.time)
    if config.method == "column":
        other = table.filter(~nw.col(column).is_null(), ~nw.col(column).is_in(parts.PARTS))
        _require_none(other.select(column), "rows name a part that is unknown", column)
    else:
        missing = table.filter(nw.col(column).is_null()).select(column)
        _require_none(missing, "rows have no time", column)


def _require_class(table: nw.LazyFrame[Any], by: str, config: SplitConfig) -> None:
    dtype = table.collect_schema()[by]
    if config.method == "stratified" and isinstance(dtype, nw.dtypes.FloatType):
        raise SplitError(
            "strata need classes, and the column holds quantities",
            where=f"the column {by!r}",
            hint="use method: random, or name a column with few values under split.by",
        )
    if config.method == "grouped":
        _require_none(table.filter(nw.col(by).is_null()).select(by), "rows have no group", by)


def _require_none(wrong: nw.LazyFrame[Any], what: str, column: str) -> None:
    counts = wrong.group_by(column).agg(nw.len().alias("__rows")).sort(column)
    rows = rows_of(to_arrow(counts))
    if rows:
        raise SplitError(
            f"{sum(row['__rows'] for row in rows):,} {what}",
            where=f"the column {column!r}",
            got=", ".join(str(plain(row[column])) for row in rows[:5]),
            allowed=parts.PARTS if "part" in what else None,
            hint="fill or drop them in clean.steps",
        )


def _require_keyed(columns: pa.Table, key: Sequence[str]) -> None:
    for name in key:
        if columns[name].null_count:
            raise SplitError(
                f"{columns[name].null_count:,} rows have no value in the key column {name!r}",
                where="split.key",
                hint="drop those rows in clean.steps",
            )
