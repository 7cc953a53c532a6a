"""All that is told of a table, put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from fivefold.data.keys import count_rows
from fivefold.data.profiling import gaps, pairs, sampling
from fivefold.data.profiling.alarms import alarms_of
from fivefold.data.profiling.arrays import missing_of
from fivefold.data.profiling.engine_columns import SLOT, VALUE, measure_in_engine
from fivefold.data.profiling.examples import examples_of
from fivefold.data.profiling.groups import Groups, as_float, groups_of
from fivefold.data.profiling.measured import Measured
from fivefold.data.profiling.memory import Rows, measure_numbers, measure_texts
from fivefold.data.profiling.parting import NAMES, PART, Parting
from fivefold.data.profiling.periods import over_time
from fivefold.data.profiling.report import column_report, shortened, target_report
from fivefold.data.profiling.shift import part_rows
from fivefold.objective import Objective
from fivefold.table import TableSchema, to_arrow
from fivefold.table.arrays import integer_array

if TYPE_CHECKING:
    from fivefold.data.explore import ExploreConfig

__all__ = ["summarise"]

# Of a longer table the engine gives aggregates only.
MOST_ROWS = 2_000_000
# Cells that are read at a time of a shorter one.
_CELLS_AT_ONCE = 500_000
# Of a table with more columns only those that are drawn are told of in full.
_WIDE, _MOST_CELLS = 500, 20_000_000
# A square of correlations of which one row is wanted is better small.
_AT_ONCE = 12
_MATRIX, _COMPARED, _DENSITIES, _TIMED = 30, 300, 3, 6


@dataclass(frozen=True)
class Pass:
    """What one look at every column leaves.

    Attributes
    ----------
    measured : dict of str to Measured
    sample : pyarrow.Table
        Rows in the order of their keys' hashes.
    gaps : dict or None
    """

    measured: dict[str, Measured]
    sample: pa.Table
    gaps: dict[str, Any] | None


def summarise(
    frame: nw.LazyFrame[Any], schema: TableSchema, objective: Objective, config: ExploreConfig
) -> dict[str, Any]:
    """Compute the summary; see :class:`fivefold.data.explore.Explored`.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        The schema's columns; every query gives their rows in the same order.
    schema : TableSchema
    objective : Objective
    config : ExploreConfig
    """
    rows = count_rows(frame)
    parting = Parting.of(config.split)
    if rows <= MOST_ROWS:
        groups, found, reason = _in_memory(frame, schema, objective, config, parting, rows)
    else:
        groups, found, reason = _in_engine(frame, schema, objective, config, parting, rows)
    parts = part_rows(found.measured)
    features = set(schema.features)
    # Sums of the largest floats are none, and told as missing.
    with np.errstate(over="ignore", invalid="ignore"):
        columns = {
            name: column_report(name, column, found.measured[name], groups, rows, parts)
            | {"feature": name in features}
            for name, column in schema.columns.items()
        }
    ranked = sorted(
        (n for n in schema.features if columns[n].get("association") is not None),
        key=lambda n: (-columns[n]["association"], n),
    )
    compared = _compared(found.sample, schema, objective, columns, ranked)
    times = schema.with_role("time")
    timed = over_time(frame, times[0], groups, schema, ranked[:_TIMED]) if times else None
    columns = shortened(columns, ranked[: config.pictures], objective.target, _WIDE)
    summary: dict[str, Any] = {
        "rows": rows,
        "columns_total": len(columns),
        "sample": {"rows": found.sample.num_rows, "of": rows}
        if found.sample.num_rows < rows
        else None,
        "target": target_report(columns[objective.target], groups, objective),
        "parts": {"rows": parts, "reason": reason} if not parts else {"rows": parts},
        "over_time": timed,
        "missing": found.gaps,
        **compared,
        "alarms": [],
        "columns": columns,
        "examples": examples_of(found.sample, schema, config.examples),
    }
    summary["alarms"] = alarms_of(summary, schema.features, config.alarm)
    return summary


def _in_memory(
    frame: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    config: ExploreConfig,
    parting: Parting,
    rows: int,
) -> tuple[Groups, Pass, str]:
    codes, reason = parting.codes(frame, objective) if rows else (None, "there is no row")
    groups = groups_of(frame, objective, () if codes is None else NAMES)
    target = to_arrow(frame.select(objective.target))[objective.target]
    by = Rows(
        groups,
        np.zeros(rows, dtype=np.int64) if codes is None else codes,
        groups.class_codes(target),
        None if groups.classes or objective.is_classification else groups.target_values(target),
    )
    key = sampling.name_columns(config.key, schema)
    most = sampling.most_rows(config.sample, len(schema.columns))
    chosen = integer_array(
        sampling.chosen_rows((to_arrow(frame.select(name))[name] for name in key), most)
    )
    measured: dict[str, Measured] = {}
    sample: dict[str, Any] = {}
    kept = gaps.Gaps()
    for table in _chunks(frame, list(schema.columns), rows):
        for name in table.column_names:
            column, dtype = table[name], schema.columns[name].dtype
            if dtype in ("string", "boolean"):
                measured[name] = measure_texts(column, config.top, by)
            else:
                measured[name] = measure_numbers(column, dtype, config.bins, by)
            if measured[name].missing:
                kept.add(name, missing_of(column))
            sample[name] = column.take(chosen)
    missing = {name: column.missing for name, column in measured.items()}
    told = gaps.summary_of(kept.columns, kept.patterns(rows), rows, missing) if rows else None
    return groups, Pass(measured, pa.table(sample), told), reason


def _chunks(frame: nw.LazyFrame[Any], names: Sequence[str], rows: int) -> Iterator[pa.Table]:
    step = max(1, min(500, _CELLS_AT_ONCE // max(rows, 1)))
    if len(names) > _WIDE and rows * len(names) <= _MOST_CELLS:
        # An engine looks for a column among all of them, as often as one is asked for.
        table = to_arrow(frame)
        for start in range(0, len(names), step):
            yield table.select(names[start : start + step])
        return
    for start in range(0, len(names), step):
        yield to_arrow(frame.select(*names[start : start + step]))
        # Arrow would keep what a column took, for the next one.
        pa.default_memory_pool().release_unused()


def _in_engine(
    frame: nw.LazyFrame[Any],
    schema: TableSchema,
    objective: Objective,
    config: ExploreConfig,
    parting: Parting,
    rows: int,
) -> tuple[Groups, Pass, str]:
    split, reason = parting.attached(frame, objective)
    groups = groups_of(split, objective, NAMES if not reason else ())
    classes = groups.shape[1]
    part = nw.col(PART).fill_null(len(NAMES) - 1) if not reason else nw.lit(0)
    extra = [(part * classes + groups.class_expression()).cast(nw.Int64).alias(SLOT)]
    if not groups.classes:
        extra.append(as_float(nw.col(objective.target)).alias(VALUE))
    slotted = split.with_columns(*extra)
    key = sampling.name_columns(config.key, schema)
    most = sampling.most_rows(config.sample, len(schema.columns))
    names = list(schema.columns)
    sample = sampling.semi_joined(frame, names, key, rows, most, config.engine).select(names)
    dtypes = {name: column.dtype for name, column in schema.columns.items()}
    frequent = {
        name: _frequent(sample[name], 5 * config.top)
        for name, dtype in dtypes.items()
        if dtype == "string"
    }
    measured = dict(
        measure_in_engine(slotted, dtypes, groups, rows, frequent, config.bins, config.top)
    )
    missing = {name: measured[name].missing for name in names}
    columns = sorted((n for n in names if missing[n]), key=lambda n: -missing[n])
    columns = columns[: gaps.MOST_COLUMNS]
    told = None
    if columns:
        patterns = gaps.patterns_in_engine(frame, columns)
        told = gaps.summary_of(columns, patterns, rows, missing)
    ordered = {name: measured[name] for name in names}
    return groups, Pass(ordered, sample, told), reason


def _frequent(column: pa.ChunkedArray, most: int) -> list[str]:
    from fivefold.data.profiling.arrays import texts_of
    from fivefold.data.profiling.memory import most_frequent

    codes, texts = texts_of(column)
    if not len(texts):
        return []
    sizes = np.bincount(codes[codes >= 0], minlength=len(texts))
    chosen = most_frequent(sizes, texts, most)
    names: list[str] = texts.take(integer_array(chosen)).to_pylist()
    return names


def _compared(
    sample: pa.Table,
    schema: TableSchema,
    objective: Objective,
    columns: Mapping[str, Any],
    ranked: Sequence[str],
) -> dict[str, Any]:
    """Compare columns with one another and numbers with the target, on the sample."""
    coded: dict[str, pairs.Coded] = {}
    target = objective.target
    first = set(ranked)
    names = [*ranked, *(n for n in schema.features if n not in first), target]
    for name in names:
        dtype = schema.columns[name].dtype
        if dtype in ("datetime", "date") or name in coded:
            continue
        known = pairs.coded(sample[name], dtype)
        if known is not None:
            coded[name] = known
    same = pairs.copies({name: c for name, c in coded.items() if name != target})
    listed = [n for n in names[:-1] if n in coded][: _MATRIX - 1]
    listed += [target] if target in coded else []
    matrix = pairs.matrices({name: coded[name] for name in listed})
    near = pairs.near_copies(
        pairs.ranked_only({n: coded[n] for n in [*coded][:_COMPARED] if n != target})
        if len(coded) > _MATRIX
        else _without(matrix, target),
        same,
    )
    _with_target(coded, target, columns)
    drawn = pairs.densities(coded, matrix, _DENSITIES, target)
    return {
        "associations": matrix,
        "copies": same[:50],
        "near_copies": near[:50],
        "densities": drawn,
    }


def _without(matrix: Mapping[str, Any], target: str) -> dict[str, Any]:
    """Leave the target out of what columns are compared by: its likeness is another alarm."""
    kept = [at for at, name in enumerate(matrix["columns"]) if name != target]
    return {
        key: [table[i] for i in kept]
        if key == "columns"
        else [[table[i][j] for j in kept] for i in kept]
        for key, table in matrix.items()
    }


def _with_target(coded: Mapping[str, pairs.Coded], target: str, columns: Mapping[str, Any]) -> None:
    """Add each number's correlations with a target that is one."""
    goal = coded.get(target)
    if goal is None or goal.values is None or goal.ranks is None:
        return
    names = [n for n, c in coded.items() if c.values is not None and n != target]
    for start in range(0, len(names), _AT_ONCE):
        part = names[start : start + _AT_ONCE]
        for measure, wanted in (("pearson", goal.values), ("spearman", goal.ranks)):
            given = [
                item
                for name in part
                if (item := getattr(coded[name], "values" if measure == "pearson" else "ranks"))
                is not None
            ]
            found = pairs.correlations([wanted, *given])[0, 1:].tolist()
            for name, value in zip(part, found, strict=True):
                columns[name][measure] = round(value, 4) + 0.0 if np.isfinite(value) else None
