"""Attach each row's part to the table, and describe the parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from fivefold.data import parts
from fivefold.data.rowhash import fingerprint, integers, row_hashes
from fivefold.data.values import dtype_name, plain, rounded, rows_of
from fivefold.errors import DataError, SplitError
from fivefold.objective import Objective
from fivefold.table import TableSchema, checkpoint, from_arrow, to_arrow

if TYPE_CHECKING:
    from fivefold.data.split import SplitConfig

__all__ = ["PART", "described", "parted"]

PART = "__part"
_TIME = "__time"
_TARGET = "__target"


def parted(
    table: nw.LazyFrame[Any], objective: Objective, config: SplitConfig
) -> tuple[nw.LazyFrame[Any], pa.Table]:
    """Give the table with the number of each row's part.

    Returns
    -------
    narwhals.LazyFrame
        The rows with the column ``PART``, computed.
    pyarrow.Table
        Of each row, the key, the part, and what describes it.
    """
    extra = {config.time, config.by} - {None, *config.key}
    wanted = [*config.key, *sorted(str(name) for name in extra - {objective.target})]
    if objective.target not in wanted:
        wanted.append(objective.target)
    if config.method in ("time", "column"):
        frame = checkpoint(table.with_columns(_declared(table, config).cast(nw.Int64).alias(PART)))
        return frame, to_arrow(frame.select(*wanted, PART))
    frame = checkpoint(table)
    columns = to_arrow(frame.select(*wanted))
    drawn = _drawn(columns, objective, config)
    columns = columns.append_column(PART, _column(drawn))
    # The part travels back to the engine with its key, whatever order the engine keeps rows in.
    joined = frame.join(
        from_arrow(columns.select([*config.key, PART]), config.engine),
        on=list(config.key),
        how="left",
    )
    return checkpoint(joined), columns


def _declared(table: nw.LazyFrame[Any], config: SplitConfig) -> nw.Expr:
    column = str(config.time if config.method == "time" else config.by)
    dtype = table.collect_schema()[column]
    if config.method == "column":
        if dtype_name(dtype) != "string":
            raise DataError(
                "the column that names the parts is not of texts",
                where="split.by",
                got=f"{column}: {dtype_name(dtype)}",
            )
        other = table.filter(~nw.col(column).is_null(), ~nw.col(column).is_in(parts.PARTS))
        _require_none(other.select(column), "rows name a part that is unknown", column)
        return parts.by_column(column)
    if dtype_name(dtype) not in ("date", "datetime", "integer", "number"):
        raise DataError(
            "the column to split by time is neither a time nor a number",
            where="split.time",
            got=f"{column}: {dtype_name(dtype)}",
        )
    _require_none(
        table.filter(nw.col(column).is_null()).select(column), "rows have no time", column
    )
    names = ("train_until", "test_until", "production_until")
    ends = [(name, str(getattr(config, name))) for name in names if getattr(config, name)]
    return parts.by_time(dtype, column, ends)


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


def _drawn(columns: pa.Table, objective: Objective, config: SplitConfig) -> parts.Codes:
    shares = config.test, config.production
    if config.method == "grouped":
        return parts.by_group(columns.select([config.by]), config.seed, *shares)
    _require_keyed(columns, config.key)
    hashes = row_hashes(columns, config.key, config.seed)
    if config.method == "stratified":
        by = config.by or objective.target
        if columns[by].type in (pa.float64(), pa.float32()):
            raise SplitError(
                "strata need classes, and the column holds quantities",
                where=f"the column {by!r}",
                hint="use method: random, or name a column with few values under split.by",
            )
        return parts.by_stratum(hashes, columns[by], *shares)
    return parts.by_hash(hashes, *shares)


def _column(codes: parts.Codes) -> pa.Array:
    numbers = np.ascontiguousarray(codes, dtype=np.int64)
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])


def _require_keyed(columns: pa.Table, key: list[str]) -> None:
    for name in key:
        if columns[name].null_count:
            raise SplitError(
                f"{columns[name].null_count:,} rows have no value in the key column {name!r}",
                where="split.key",
                hint="drop those rows in clean.steps",
            )


def described(
    columns: pa.Table, schema: TableSchema, objective: Objective, config: SplitConfig
) -> dict[str, Any]:
    """Describe each part, and make sure that no key is in two of them.

    Raises
    ------
    SplitError
        A key stands in more than one row.
    """
    _require_keyed(columns, config.key)
    hashes = row_hashes(columns, config.key)
    _require_apart(hashes, columns, config.key)
    codes = integers(columns[PART])
    times = [name for name in schema.with_role("time") if name in columns.column_names]
    time = config.time or (times[0] if times else None)
    known = {}
    for number, part in enumerate(parts.PARTS):
        chosen = codes == number
        known[part] = {
            "rows": int(chosen.sum()),
            "share": round(float(chosen.mean()), 6) if len(chosen) else None,
            "keys": fingerprint(hashes[chosen]),
            **_summary(columns, number, objective, time),
        }
    report: dict[str, Any] = {
        "method": config.method,
        "rows": len(codes),
        "unused_rows": int((codes == parts.UNUSED).sum()),
        "parts": known,
    }
    return report


def _summary(
    columns: pa.Table, number: int, objective: Objective, time: str | None
) -> dict[str, Any]:
    """Count a part's classes or average its target, and give the range of its times."""
    import pyarrow.compute as pc

    rows = columns.take(_column(np.flatnonzero(integers(columns[PART]) == number)))
    target = rows[objective.target]
    summary: dict[str, Any] = {}
    if objective.is_classification:
        counts = pc.value_counts(target.drop_null())
        classes = {
            plain(value): count
            for value, count in zip(
                counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True
            )
        }
        ordered = sorted(classes)
        summary["classes"] = {str(value): classes[value] for value in ordered}
        if objective.task == "binary" and len(ordered) == 2:
            summary["target_rate"] = round(classes[ordered[1]] / sum(classes.values()), 6)
    else:
        summary["target_mean"] = rounded(pc.mean(target).as_py(), 9)
    if time is not None and rows.num_rows:
        times, ends = rows[time], pc.min_max(rows[time])
        first, last = (
            rows_of(rows.select([time]).slice(times.index(ends[end]).as_py(), 1))[0][time]
            for end in ("min", "max")
        )
        summary["time"] = {"column": time, "first": plain(first), "last": plain(last)}
    return summary


def _require_apart(hashes: Any, columns: pa.Table, key: list[str]) -> None:
    if len(np.unique(hashes)) == len(hashes):
        return
    counts = columns.group_by(key).aggregate([([], "count_all")])
    twice = counts.filter(pa.compute.field("count_all") > 1).sort_by(
        [(k, "ascending") for k in key]
    )
    if twice.num_rows:
        row = rows_of(twice.slice(0, 1))[0]
        raise SplitError(
            f"{twice.num_rows:,} keys stand in more than one row, so the parts could overlap",
            where="split.key",
            got=", ".join(f"{name}={plain(row[name])}" for name in key),
            hint="add fivefold.data.cleaning.drop_duplicates to clean.steps",
        )
