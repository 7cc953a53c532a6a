"""Columns that tell a model nothing: constants, identifiers; and numbers that are not finite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import narwhals as nw

from fivefold.data.values import single
from fivefold.table import to_arrow

if TYPE_CHECKING:
    from fivefold.data.sampling import Sample

__all__ = ["chunks", "constants", "identifiers", "infinite"]

# Engines slow down with the expressions of one query more than with the queries.
_COLUMNS = 500
# Fewer rows tell little: every column of a small table looks like an identifier.
_FEWEST_ROWS = 20
_FIRST_ROWS = 1000

Found = dict[str, tuple[str, ...]]


def chunks(columns: Sequence[str]) -> Iterator[list[str]]:
    """Cut a list of columns into lists that one query can take."""
    for start in range(0, len(columns), _COLUMNS):
        yield list(columns[start : start + _COLUMNS])


def constants(frame: nw.LazyFrame[Any], dtypes: Mapping[str, str]) -> Found:
    """Find columns of one value; a missing value counts as a value."""
    import pyarrow.compute as pc

    # A column that varies in some rows, whichever, is no constant: few are looked at in all rows.
    some = to_arrow(frame.head(_FIRST_ROWS))
    likely = {
        name: dtypes[name]
        for name in dtypes
        if some[name].null_count == some.num_rows
        or pc.count_distinct(some[name], mode="all").as_py() <= 1
    }
    return {
        name: ("constant", "the same value, or none, in every row")
        for columns in chunks(list(likely))
        for name, count in _distinct(frame, {name: likely[name] for name in columns}).items()
        if count <= 1
    }


def _distinct(frame: nw.LazyFrame[Any], dtypes: Mapping[str, str]) -> dict[str, int]:
    """Count the different values of texts and truths; of others tell one from more, which is quick.

    A missing value counts as a value.
    """
    wanted: list[nw.Expr] = []
    for at, (name, dtype) in enumerate(dtypes.items()):
        column = nw.col(name)
        if dtype in ("string", "boolean"):
            wanted.append(column.n_unique().alias(f"distinct {at}"))
        else:
            wanted.append((column.max() > column.min()).alias(f"varies {at}"))
            wanted.append(column.null_count().alias(f"missing {at}"))
            wanted.append(column.count().alias(f"known {at}"))
    figures = single(frame.select(*wanted)) if wanted else {}
    counted: dict[str, int] = {}
    for at, name in enumerate(dtypes):
        if f"distinct {at}" in figures:
            counted[name] = int(figures[f"distinct {at}"])
        else:
            missing, known = int(figures[f"missing {at}"]), int(figures[f"known {at}"])
            counted[name] = 2 if figures[f"varies {at}"] else (missing > 0) + (known > 0)
    return counted


def identifiers(
    frame: nw.LazyFrame[Any], sample: Sample, dtypes: Mapping[str, str], rows: int
) -> Found:
    """Find texts and whole numbers that are different in every row.

    Whole numbers without gaps count the rows; with gaps they may measure something.
    """
    if rows < _FEWEST_ROWS:
        return {}
    import pyarrow.compute as pc

    held = sample.table
    likely = [
        name
        for name, dtype in dtypes.items()
        if dtype in ("string", "integer")
        and held[name].null_count == 0
        and pc.count_distinct(held[name]).as_py() == held.num_rows
    ]
    ends: dict[str, tuple[int, int]] = {}
    for name in likely if sample.share == 1 else ():
        low_high = pc.min_max(held[name]) if dtypes[name] == "integer" else None
        ends[name] = (low_high["min"].as_py(), low_high["max"].as_py()) if low_high else (0, 0)
    for some in chunks(likely) if sample.share < 1 else ():
        ends |= _ends_of_different(frame, some, dtypes, rows)
    return {
        name: ("identifier", "a different value in every row")
        for name, (low, high) in ends.items()
        if high - low < 2 * rows
    }


def _ends_of_different(
    frame: nw.LazyFrame[Any], columns: Sequence[str], dtypes: Mapping[str, str], rows: int
) -> dict[str, tuple[int, int]]:
    """Give the ends of the numbers that are different in every row, and no ends of such texts."""
    wanted = [nw.col(name).n_unique().alias(f"distinct {at}") for at, name in enumerate(columns)]
    for at, name in enumerate(columns):
        if dtypes[name] == "integer":
            wanted += [nw.col(name).min().alias(f"min {at}"), nw.col(name).max().alias(f"max {at}")]
    figures = single(frame.select(*wanted))
    return {
        name: (int(figures.get(f"min {at}") or 0), int(figures.get(f"max {at}") or 0))
        for at, name in enumerate(columns)
        if int(figures[f"distinct {at}"]) == rows
    }


def infinite(frame: nw.LazyFrame[Any], sample: Sample, columns: Sequence[str]) -> Found:
    """Find numbers that are not finite."""
    counts: dict[str, Any] = {}
    if sample.share == 1:
        import pyarrow.compute as pc

        held = sample.table
        counts = {name: pc.sum(pc.is_inf(held[name])).as_py() for name in columns}
    else:
        for some in chunks(columns):
            wanted = ((~nw.col(n).is_finite()).cast(nw.Int64).sum().alias(n) for n in some)
            counts |= single(frame.select(wanted))
    return {
        name: ("infinite", f"{int(count):,} rows have an infinite value")
        for name, count in counts.items()
        if count
    }
