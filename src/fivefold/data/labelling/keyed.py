"""Rows of a collected table that speak of rows of the table: found, and matched by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fivefold.data.labelling.votes import Ints
from fivefold.data.values import dtype_name, plain, rows_of
from fivefold.errors import ConfigError, DataError, nearest
from fivefold.table import from_arrow, require_columns, to_arrow
from fivefold.table.arrays import integers

__all__ = ["column_of", "known", "numbered", "read", "shown"]


def read(
    tables: Mapping[str, nw.LazyFrame[Any]],
    name: str,
    where: str,
) -> nw.LazyFrame[Any]:
    """Give a collected table.

    Raises
    ------
    ConfigError
        There is none of the name.
    """
    if name not in tables:
        raise ConfigError(
            f"no table {name!r} was collected",
            where=f"{where}.table",
            got=name,
            allowed=list(tables) or "none",
            hint=nearest(name, list(tables)) or "declare it under collect.sources",
        )
    return tables[name]


def column_of(
    frame: nw.LazyFrame[Any],
    table: nw.LazyFrame[Any],
    key: Sequence[str],
    item: Sequence[str] | None,
    columns: Sequence[str],
    where: str,
) -> pa.Table:
    """Read the key, by the table's names and types, and some columns, in the order they have.

    Raises
    ------
    DataError
        A column is absent, or a key is not of the table's type.
    """
    names = list(item or key)
    if len(names) != len(key):
        raise ConfigError(
            "as many columns are needed as the key has",
            where=f"{where}.item",
            got=names,
            allowed=", ".join(key),
        )
    require_columns(frame, [*names, *columns], where, "the collected table")
    rest = [name for name in dict.fromkeys(columns) if name not in names]
    found = to_arrow(frame.select(*names, *rest))
    schema = table.collect_schema()
    arrays, fields = [], []
    for mine, theirs in zip(key, names, strict=True):
        arrays.append(_as_key(found[theirs], schema[mine], f"{where}, column {theirs!r}"))
        fields.append(mine)
    for name in columns:
        arrays.append(found[name])
        fields.append(f"__{name}")
    return pa.table(dict(zip(fields, arrays, strict=True)))


def _as_key(column: pa.ChunkedArray, dtype: Any, where: str) -> pa.ChunkedArray:
    kind = dtype_name(dtype)
    types = {
        "integer": pa.int64(),
        "number": pa.float64(),
        "string": pa.string(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
    }
    zone = getattr(dtype, "time_zone", None)
    wanted = types.get(kind, pa.timestamp("us", "UTC" if zone else None))
    if column.type == wanted:
        return column
    try:
        if kind == "datetime" and zone:
            return _in_utc(column, wanted)
        return column.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            "the key can't be read as the table's",
            where=where,
            got=str(error).splitlines()[0],
            allowed=kind,
            hint="set types: in the source's read:",
        ) from None


def _in_utc(column: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    try:
        return column.cast(wanted)
    except pa.ArrowInvalid:  # a text without a zone
        return pc.assume_timezone(column.cast(pa.timestamp("us")), "UTC").cast(wanted)


def numbered(rows: pa.Table, key: Sequence[str]) -> tuple[pa.Table, Ints, pa.Table]:
    """Sort rows by key, keeping the order within one, and number the keys.

    Rows without a whole key are left out.

    Returns
    -------
    pyarrow.Table
        The rows, sorted.
    ndarray of int64, shape (n_rows,)
        The number of each row's key.
    pyarrow.Table
        The keys, one a row, in the order of their numbers.
    """
    whole = None
    for name in key:
        valid = pc.is_valid(rows[name])
        whole = valid if whole is None else pc.and_(whole, valid)
    rows = rows.filter(whole)
    place = pa.array(np.arange(rows.num_rows, dtype=np.int64))
    rows = rows.append_column("__place", place)
    rows = rows.sort_by([*((name, "ascending") for name in key), ("__place", "ascending")])
    rows = rows.drop_columns(["__place"]).combine_chunks()
    changes = np.zeros(rows.num_rows, dtype=bool)
    for name in key:
        column = rows[name]
        differs = pc.not_equal(column.slice(1), column.slice(0, max(len(column) - 1, 0)))
        changes[1:] |= np.asarray(differs.to_numpy(), dtype=bool)
    changes[:1] = True
    numbers = np.cumsum(changes) - 1
    keys = rows.select(list(key)).take(pa.array(np.flatnonzero(changes)))
    return rows, numbers.astype(np.int64), keys


def known(keys: pa.Table, table: nw.LazyFrame[Any], key: Sequence[str], engine: str) -> Any:
    """Tell which keys the table has.

    Returns
    -------
    ndarray of bool, shape (n_keys,)
    """
    place = pa.array(np.arange(keys.num_rows, dtype=np.int64))
    frame = from_arrow(keys.append_column("__place", place), engine)
    found = to_arrow(frame.join(table.select(*key), on=list(key), how="semi").select("__place"))
    here = np.zeros(keys.num_rows, dtype=bool)
    here[integers(found["__place"])] = True
    return here


def shown(keys: pa.Table, places: Sequence[int]) -> str:
    """Write a few keys for a message."""
    rows = rows_of(keys.take(pa.array(list(places), pa.int64())))
    return "; ".join(", ".join(f"{n}={plain(v)}" for n, v in row.items()) for row in rows)
