"""Columns that tell a model nothing: constants, identifiers; and numbers that are not finite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import narwhals as nw

from fivefold.data.values import single

if TYPE_CHECKING:
    from fivefold.data.sampling import Sample

__all__ = ["chunks", "constants", "identifiers", "infinite"]

# Engines slow down with the expressions of one query more than with the queries.
_COLUMNS = 500
# Fewer rows tell little: every column of a small table looks like an identifier.
_FEWEST_ROWS = 20

Found = dict[str, tuple[str, ...]]


def chunks(columns: Sequence[str]) -> Iterator[list[str]]:
    """Cut a list of columns into lists that one query can take."""
    for start in range(0, len(columns), _COLUMNS):
        yield list(columns[start : start + _COLUMNS])


def constants(frame: nw.LazyFrame[Any], dtypes: Mapping[str, str]) -> tuple[Found, dict[str, int]]:
    """Find columns of one value; a missing value counts as a value.

    Returns
    -------
    dict
        The findings.
    dict of str to int
        How many different values the texts and truths have that vary.
    """
    found: Found = {}
    several: dict[str, int] = {}
    for some in chunks(list(dtypes)):
        for name, count in _distinct(frame, {name: dtypes[name] for name in some}).items():
            if count <= 1:
                found[name] = ("constant", "the same value, or none, in every row")
            elif dtypes[name] in ("string", "boolean"):
                several[name] = count
    return found, several


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
    found: Found = {}
    for some in chunks(likely):
        wanted = [nw.col(name).n_unique().alias(f"distinct {at}") for at, name in enumerate(some)]
        for at, name in enumerate(some):
            if dtypes[name] == "integer":
                wanted += [nw.col(name).min().alias(f"min {at}")]
                wanted += [nw.col(name).max().alias(f"max {at}")]
        figures = single(frame.select(*wanted))
        for at, name in enumerate(some):
            counts = dtypes[name] == "string" or (
                int(figures[f"max {at}"]) - int(figures[f"min {at}"]) < 2 * rows
            )
            if counts and int(figures[f"distinct {at}"]) == rows:
                found[name] = ("identifier", "a different value in every row")
    return found


def infinite(frame: nw.LazyFrame[Any], columns: Sequence[str]) -> Found:
    """Find numbers that are not finite."""
    found: Found = {}
    for some in chunks(columns):
        counts = single(
            frame.select(
                (~nw.col(name).is_finite()).cast(nw.Int64).sum().alias(name) for name in some
            )
        )
        for name, count in counts.items():
            if count:
                found[name] = ("infinite", f"{int(count):,} rows have an infinite value")
    return found
