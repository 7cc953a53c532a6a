"""Columns of a long table, measured by aggregates of the engine that holds it.

The figures are those of `memory`, but for sums, which engines add in different orders: they are
rounded to where they agree. Few expressions run at a time, since an exact median and an exact count
of different values each hold a column.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fivefold.data.profiling.arrays import numbers_of
from fivefold.data.profiling.groups import Groups, as_float
from fivefold.data.profiling.measured import (
    FEW_VALUES,
    QUANTILES,
    Cells,
    Measured,
    cuts_of,
    edges_of,
    fine_edges,
    moments,
)
from fivefold.data.profiling.memory import fences
from fivefold.data.values import rounded, rows_of, single
from fivefold.table import to_arrow
from fivefold.table.engine import quoted

__all__ = ["SLOT", "VALUE", "measure_in_engine"]

SLOT, VALUE = "__slot", "__value"
_BIN, _ROWS, _SUM, _KNOWN = "__bin", "__rows", "__sum", "__known"
_NUMBERS = ("integer", "number")
# Cells that the expressions of one query may look at.
_CELLS_AT_ONCE = 100_000_000
# A text of more different values is counted by those that a sample of it names.
_MOST_TEXTS = 20_000

Figures = dict[str, dict[str, Any]]


def measure_in_engine(
    frame: nw.LazyFrame[Any],
    dtypes: Mapping[str, str],
    groups: Groups,
    rows: int,
    frequent: Mapping[str, Sequence[str]],
    bins: int,
    top: int,
) -> Iterator[tuple[str, Measured]]:
    """Measure columns.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        As :func:`prepared` gives it, with the columns `SLOT` and, of a quantity, `VALUE`.
    dtypes : mapping of str to str
        What is measured, and the schema's types.
    groups : Groups
    rows : int
    frequent : mapping of str to sequence of str
        Texts that a sample holds most often, by column.
    bins, top : int
    """
    clean = prepared(frame, dtypes)
    basics = _basics(frame, clean, dtypes, rows)
    numbers = [n for n, t in dtypes.items() if t not in ("string", "boolean")]
    numbers = [n for n in numbers if basics[n]["distinct"]]
    _quantiles(clean, numbers, basics, rows)
    _moments(clean, [n for n in numbers if dtypes[n] in _NUMBERS], basics, rows)
    for name, dtype in dtypes.items():
        known = basics[name]
        missing, distinct = known.pop("missing"), known.pop("distinct")
        if not distinct:
            yield name, Measured(missing, 0, known)
        elif name in numbers:
            yield name, _binned(clean, name, dtype, (missing, distinct), known, groups, bins)
        else:
            listed = frequent.get(name, ()) if distinct > _MOST_TEXTS else None
            yield name, _named(clean, name, (missing, distinct), known, groups, top, listed)


def prepared(frame: nw.LazyFrame[Any], dtypes: Mapping[str, str]) -> nw.LazyFrame[Any]:
    """Leave finite numbers only, and write times as microseconds and truths as texts."""
    changed = []
    frame = _timed(frame, [name for name in dtypes if dtypes[name] in ("date", "datetime")])
    schema = frame.collect_schema()
    for name, dtype in dtypes.items():
        column = nw.col(name)
        if dtype == "number" and isinstance(schema[name], nw.dtypes.FloatType):
            # Adding zero takes the sign of the negative one.
            changed.append(nw.when(column.is_finite()).then(column + 0.0).alias(name))
        elif schema[name] == nw.Boolean:
            text = nw.when(column).then(nw.lit("true")).otherwise(nw.lit("false"))
            changed.append(nw.when(~column.is_null()).then(text).alias(name))
    return frame.with_columns(*changed) if changed else frame


def _timed(frame: nw.LazyFrame[Any], columns: Sequence[str]) -> nw.LazyFrame[Any]:
    """Write dates and times as microseconds since 1970."""
    if not columns:
        return frame
    if frame.implementation.is_duckdb():
        # Narwhals has no name for it there.
        changed = ", ".join(f"epoch_us({name}) AS {name}" for name in map(quoted, columns))
        replaced: nw.LazyFrame[Any] = nw.from_native(
            nw.to_native(frame).project(f"* REPLACE ({changed})")
        )
        return replaced
    times = (nw.col(name).cast(nw.Datetime("us")) for name in columns)
    return frame.with_columns(time.dt.timestamp("us") for time in times)


def _chunks(columns: Sequence[str], rows: int, expressions: int) -> Iterator[Sequence[str]]:
    step = max(1, min(200, _CELLS_AT_ONCE // max(rows * expressions, 1)))
    for start in range(0, len(columns), step):
        yield columns[start : start + step]


def _basics(
    frame: nw.LazyFrame[Any], clean: nw.LazyFrame[Any], dtypes: Mapping[str, str], rows: int
) -> Figures:
    found: Figures = {}
    infinity = float("inf")
    for chunk in _chunks(list(dtypes), rows, 2):
        wanted, odd = [], []
        for at, name in enumerate(chunk):
            column = nw.col(name)
            wanted += [
                column.null_count().alias(f"missing {at}"),
                column.n_unique().alias(f"distinct {at}"),
            ]
            if dtypes[name] not in ("string", "boolean"):
                wanted += [column.min().alias(f"min {at}"), column.max().alias(f"max {at}")]
            if dtypes[name] in _NUMBERS:
                wanted += [
                    (column == 0).cast(nw.Int64).sum().alias(f"zeros {at}"),
                    (column < 0).cast(nw.Int64).sum().alias(f"negative {at}"),
                    as_float(column).mean().alias(f"mean {at}"),
                ]
            if dtypes[name] == "number":
                beyond = (column == infinity) | (column == -infinity)
                odd.append(beyond.cast(nw.Int64).sum().alias(f"infinite {at}"))
            if dtypes[name] == "string":
                wanted += _text_figures(column, at)
        figures = single(clean.select(*wanted)) | (single(frame.select(*odd)) if odd else {})
        for at, name in enumerate(chunk):
            suffix = f" {at}"
            known = {k.removesuffix(suffix): v for k, v in figures.items() if k.endswith(suffix)}
            gone = int(known["missing"])
            infinite = int(known.pop("infinite", 0) or 0)
            known |= {"missing": gone - infinite, "distinct": int(known["distinct"]) - (gone > 0)}
            for key in ("zeros", "negative", "blank", "padded"):
                if key in known:
                    known[key] = int(known[key] or 0)
            if dtypes[name] in _NUMBERS:
                known = {"infinite": infinite, **known}
            if dtypes[name] == "string" and known["distinct"]:
                mean = rounded(float(known.pop("mean_length")), 6)
                ends = int(known.pop("shortest")), int(known.pop("longest"))
                known["length"] = {"min": ends[0], "mean": mean, "max": ends[1]}
            found[name] = known
    return found


def _text_figures(column: nw.Expr, at: int) -> list[nw.Expr]:
    long, trimmed = column.str.len_chars(), column.str.strip_chars().str.len_chars()
    return [
        long.min().alias(f"shortest {at}"),
        long.max().alias(f"longest {at}"),
        long.cast(nw.Float64).mean().alias(f"mean_length {at}"),
        (trimmed == 0).cast(nw.Int64).sum().alias(f"blank {at}"),
        ((trimmed != long) & (trimmed > 0)).cast(nw.Int64).sum().alias(f"padded {at}"),
    ]


def _quantiles(
    frame: nw.LazyFrame[Any], columns: Sequence[str], basics: Figures, rows: int
) -> None:
    wanted = [(name, share) for name in columns for share in QUANTILES]
    step = max(1, min(500, _CELLS_AT_ONCE // max(rows, 1)))
    for start in range(0, len(wanted), step):
        part = wanted[start : start + step]
        figures = single(
            frame.select(
                as_float(nw.col(name)).quantile(share, "linear").alias(str(at))
                for at, (name, share) in enumerate(part)
            )
        )
        for at, (name, share) in enumerate(part):
            basics[name].setdefault("quantiles", {})[share] = rounded(figures[str(at)]) or 0.0


def _moments(frame: nw.LazyFrame[Any], columns: Sequence[str], basics: Figures, rows: int) -> None:
    for chunk in _chunks(columns, rows, 4):
        wanted = []
        for at, name in enumerate(chunk):
            known = basics[name]
            column = as_float(nw.col(name))
            # Rounded, so that every engine takes the powers of the same numbers.
            # Where the sum of large values is none that a float holds, nothing is told.
            given = float("nan") if known["mean"] is None else float(known["mean"])
            middle = rounded(given, 12) or 0.0
            known["mean"] = given if given != given else middle
            apart = column - middle
            first, last = fences(known["quantiles"][0.25], known["quantiles"][0.75])
            wanted += [
                (apart * apart).sum().alias(f"two {at}"),
                (apart * apart * apart).sum().alias(f"three {at}"),
                (apart * apart * apart * apart).sum().alias(f"four {at}"),
                (column < first).cast(nw.Int64).sum().alias(f"low {at}"),
                (column > last).cast(nw.Int64).sum().alias(f"high {at}"),
                column.count().alias(f"count {at}"),
            ]
        figures = single(frame.select(*wanted))
        for at, name in enumerate(chunk):
            known = basics[name]
            powers = [
                float("nan") if (value := figures[f"{word} {at}"]) is None else float(value)
                for word in ("two", "three", "four")
            ]
            scale = float(max(abs(known["min"]), abs(known["max"])))
            count = int(figures[f"count {at}"])
            known |= moments(float(known["mean"]), powers, count, scale)
            known["outliers"] = {e: int(figures[f"{e} {at}"] or 0) for e in ("low", "high")}


def _binned(
    frame: nw.LazyFrame[Any],
    name: str,
    dtype: str,
    counts: tuple[int, int],
    known: dict[str, Any],
    groups: Groups,
    bins: int,
) -> Measured:
    """Count rows per bin; bins are found by comparison alone, which every engine does alike."""
    quantiles = known.pop("quantiles")
    low, high = known["min"], known["max"]
    for share in (0.05, 0.25, 0.5, 0.75, 0.95):
        known[f"q{round(share * 100):02}"] = quantiles[share]
    few: list[Any] = []
    if counts[1] <= FEW_VALUES:
        column = nw.col(name)
        values = to_arrow(frame.filter(~column.is_null()).select(name).unique().sort(name))
        few = numbers_of(values[name])[0].tolist()
    whole = dtype != "number"
    edges = edges_of(low, high, dtype, bins)
    cuts = cuts_of(few, list(quantiles.values()), low, whole)
    inner = fine_edges(edges, cuts)
    column = nw.col(name)
    gone = nw.lit(len(inner) + 1, nw.Int64)
    place = _place(column, inner, 0).cast(nw.Int64)
    binned = frame.select(
        nw.when(column.is_null()).then(gone).otherwise(place).alias(_BIN),
        *(nw.col(extra) for extra in _counted_by(groups)),
    )
    cells = _cells(binned, len(inner) + 1, groups)
    return Measured(*counts, known, tuple(edges), tuple(inner), tuple(cuts), cells=cells)


def _place(column: nw.Expr, edges: Sequence[Any], first: int) -> nw.Expr:
    """Find a value's bin by halving: few columns of one byte are held at a time."""
    if not edges:
        return nw.lit(first, nw.Int16)
    middle = len(edges) // 2
    below = _place(column, edges[:middle], first)
    above = _place(column, edges[middle + 1 :], first + middle + 1)
    return nw.when(column < edges[middle]).then(below).otherwise(above)


def _counted_by(groups: Groups) -> list[str]:
    return [SLOT] if groups.classes else [SLOT, VALUE]


def _cells(frame: nw.LazyFrame[Any], count: int, groups: Groups) -> Cells:
    """Group by bin and slot."""
    wanted = [nw.len().alias(_ROWS)]
    if not groups.classes:
        wanted += [nw.col(VALUE).sum().alias(_SUM), nw.col(VALUE).count().alias(_KNOWN)]
    table = to_arrow(frame.group_by(_BIN, SLOT).agg(*wanted).sort(_BIN, SLOT))
    return _filled(table, numbers_of(table[_BIN])[0].astype(np.int64), count, groups)


def _filled(table: pa.Table, bins: NDArray[np.int64], count: int, groups: Groups) -> Cells:
    """Put counted groups, each in its bin, where they belong."""
    parts, classes = groups.shape
    slots = numbers_of(table[SLOT])[0].astype(np.int64)
    at = bins, slots // classes, slots % classes
    rows = np.zeros((count + 1, parts, classes), dtype=np.int64)
    np.add.at(rows, at, numbers_of(table[_ROWS])[0].astype(np.int64))
    if groups.classes:
        return Cells(rows)
    sums, known = np.zeros((count + 1, parts)), np.zeros((count + 1, parts), dtype=np.int64)
    added, there, _ = numbers_of(table[_SUM])
    rounds = [rounded(value) or 0.0 for value in np.where(there, added, 0.0).tolist()]
    np.add.at(sums, at[:2], np.array(rounds, dtype=np.float64))
    np.add.at(known, at[:2], numbers_of(table[_KNOWN])[0].astype(np.int64))
    return Cells(rows, sums, known)


def _named(
    frame: nw.LazyFrame[Any],
    name: str,
    counts: tuple[int, int],
    known: dict[str, Any],
    groups: Groups,
    top: int,
    listed: Iterable[str] | None,
) -> Measured:
    """Count the categories: all of them, or those that are listed and all others together."""
    column = nw.col(name)
    counted = frame.group_by(name).agg(nw.len().alias(_ROWS))
    if listed is not None:
        counted = frame.filter(column.is_in(list(listed))).group_by(name).agg(nw.len().alias(_ROWS))
    table = rows_of(to_arrow(counted.filter(~column.is_null()).sort(name)))
    table.sort(key=lambda row: (-int(row[_ROWS]), row[name]))
    names = [str(row[name]) for row in table]
    chosen = names[:top]
    cells = _by_name(frame, name, chosen, groups)
    everything = None
    if listed is None and len(names) > top:
        everything = _by_name(frame, name, names, groups)
    return Measured(*counts, known, names=tuple(chosen), cells=cells, whole=everything)


def _by_name(frame: nw.LazyFrame[Any], name: str, names: Sequence[str], groups: Groups) -> Cells:
    """Count by the categories listed; all others share the last bin but one."""
    wanted = [nw.len().alias(_ROWS)]
    if not groups.classes:
        wanted += [nw.col(VALUE).sum().alias(_SUM), nw.col(VALUE).count().alias(_KNOWN)]
    column = nw.col(name)
    kept = frame.select(name, *_counted_by(groups))
    few = len(names) <= 100
    text = nw.when(column.is_in(list(names))).then(column) if few else column
    missing = column.is_null().cast(nw.Int64)
    grouped = (
        kept.with_columns(text.alias(_BIN), missing.alias("__gone"))
        .group_by(_BIN, "__gone", SLOT)
        .agg(*wanted)
        .sort(_BIN, "__gone", SLOT)
    )
    table = to_arrow(grouped)
    place = {text: at for at, text in enumerate(names)}
    gone = numbers_of(table["__gone"])[0] == 1
    keys = table[_BIN].to_pylist()
    bins = np.array([place.get(key, len(names)) for key in keys], dtype=np.int64)
    bins[gone] = len(names) + 1
    return _filled(table, bins, len(names) + 1, groups)
