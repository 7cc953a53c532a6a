"""Two versions of one table: rows, columns, missing values, drift, rows by key."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from fivefold.drift import Bins, jensen_shannon, kolmogorov_smirnov, psi, wasserstein
from fivefold.history.diff.arrays import differs, encoded, floats, plain, rows_of
from fivefold.history.diff.findings import MISSING_MARK, PSI_MARK, ColumnChange, TableChange
from fivefold.history.diff.pairs import Match, UnpairedError, match_keys
from fivefold.history.diff.rows import UnreadableError, read_table

__all__ = ["TableFile", "compare_versions", "moved"]

_BINS = 10
_SAMPLE = 20_000
_SEED = 0

# Matching keys holds a whole column of both tables at a time, and so is for tables of some size.
_MOST_ROWS = 2_000_000
_MOST_CELLS = 200_000_000

# The normal distribution's 99.9% point.
_Z = 3.09


@dataclass(frozen=True)
class TableFile:
    """A table whose columns are read one by one, so that no more than one is in memory.

    Attributes
    ----------
    schema : pyarrow.Schema
    rows : int
    """

    schema: pa.Schema
    rows: int
    _file: parquet.ParquetFile | pa.Table

    @classmethod
    def open(cls, source: Path | bytes, path: str) -> TableFile:
        """Open a Parquet file, or read a CSV file.

        Raises
        ------
        UnreadableError
            Where it is none.
        """
        if path.rpartition(".")[2].lower() not in ("parquet", "pq"):
            table = read_table(source, path)
            return cls(table.schema, table.num_rows, table)
        try:
            given = io.BytesIO(source) if isinstance(source, bytes) else source
            file = parquet.ParquetFile(given, memory_map=isinstance(source, Path))
        except (pa.ArrowException, OSError) as error:
            raise UnreadableError(f"{path} can't be read: {str(error).splitlines()[0]}") from error
        return cls(file.schema_arrow, file.metadata.num_rows, file)

    def column(self, name: str) -> pa.ChunkedArray:
        """Read one column, a dictionary's values in place of its codes."""
        if isinstance(self._file, pa.Table):
            return plain(self._file[name])
        return plain(self._file.read(columns=[name])[name])

    def kind(self, name: str) -> Literal["number", "string"] | None:
        """Tell how a column's values are compared; None for lists, structs and bytes."""
        found = self.schema.field(name).type
        found = found.value_type if pa.types.is_dictionary(found) else found
        if pa.types.is_string(found) or pa.types.is_large_string(found):
            return "string"
        numeric = pa.types.is_integer(found) or pa.types.is_floating(found)
        known = numeric or pa.types.is_boolean(found) or pa.types.is_decimal(found)
        return "number" if known or pa.types.is_temporal(found) else None


def compare_versions(
    path: str,
    base: tuple[Path | bytes, str],
    head: tuple[Path | bytes, str],
    key: Sequence[str] = (),
) -> TableChange:
    """Compare two versions of a table.

    Parameters
    ----------
    path : str
        Names the table in what is found.
    base, head : (Path or bytes, str)
        What to read, and the path whose suffix says how.
    key : sequence of str
        Columns that tell rows apart, used where both tables have them.

    Raises
    ------
    UnreadableError
        Where a side is neither Parquet nor CSV.
    """
    first, second = TableFile.open(*base), TableFile.open(*head)
    before, after = first.schema.names, second.schema.names
    both = [name for name in before if name in set(after)]
    retyped = tuple(
        (name, str(first.schema.field(name).type), str(second.schema.field(name).type))
        for name in both
        if plain_type(first.schema, name) != plain_type(second.schema, name)
    )
    samples = [_sample(table.rows) for table in (first, second)]
    drawn = any(sample is not None for sample in samples)
    columns = [
        _column(name, first, second, samples[0], samples[1])
        for name in both
        if first.rows and second.rows
    ]
    columns.sort(key=lambda column: (not column.moved, -(column.psi or 0.0), column.name))
    known = key if key and set(key) <= set(both) else ()
    added = removed = changed = None
    note = ""
    if known:
        try:
            match, changed = _by_key(first, second, known, [name for name, _, _ in retyped])
            added, removed = match.only_head, match.only_base
        except UnpairedError as error:
            known, note = (), f"rows not compared by key: {error}"
    return TableChange(
        path,
        "tables",
        first.rows,
        second.rows,
        tuple(name for name in after if name not in set(before)),
        tuple(name for name in before if name not in set(after)),
        retyped,
        tuple(columns),
        added,
        removed,
        changed,
        tuple(known),
        _SAMPLE if drawn else None,
        note,
    )


def plain_type(schema: pa.Schema, name: str) -> pa.DataType:
    """Give a column's type, a dictionary's being that of its values."""
    found = schema.field(name).type
    return found.value_type if pa.types.is_dictionary(found) else found


def moved(
    base_missing: float,
    head_missing: float,
    index: float | None,
    n_bins: int,
    rows: tuple[int, int],
) -> bool:
    """Tell whether a person should look at a column.

    By custom a population stability index of 0.1 is worth a look; but of few rows it reaches that
    by chance, so it has to be beyond what chance gives once in a thousand times.

    Notes
    -----
    Without drift the index is distributed as ``(1 / n_base + 1 / n_head)`` times chi squared with
    one degree of freedom less than there are bins: B. Yurdakul, *Statistical Properties of
    Population Stability Index* (2018). Its upper point is E. Wilson and M. Hilferty's, "The
    distribution of chi-square", *Proceedings of the National Academy of Sciences* 17 (1931).
    """
    if abs(head_missing - base_missing) > MISSING_MARK:
        return True
    if index is None or index < PSI_MARK or n_bins < 2 or not all(rows):
        return False
    free = n_bins - 1
    point = free * (1 - 2 / (9 * free) + _Z * (2 / (9 * free)) ** 0.5) ** 3
    return bool(index > (1 / rows[0] + 1 / rows[1]) * point)


def _sample(rows: int) -> NDArray[np.int64] | None:
    """Draw rows of a long table; None for all of a short one."""
    if rows <= _SAMPLE:
        return None
    drawn = np.random.default_rng(_SEED).choice(rows, _SAMPLE, replace=False)
    return np.sort(drawn).astype(np.int64)


def _column(
    name: str,
    first: TableFile,
    second: TableFile,
    first_sample: NDArray[np.int64] | None,
    second_sample: NDArray[np.int64] | None,
) -> ColumnChange:
    kinds = {first.kind(name), second.kind(name)}
    before, after = first.column(name), second.column(name)
    if kinds == {"number"} and pa.types.is_temporal(before.type) == pa.types.is_temporal(
        after.type
    ):
        values = floats(before), floats(after)
        missing = [float(np.isnan(side).mean()) for side in values]
        parts = [
            side if sample is None else side[sample]
            for side, sample in zip(values, (first_sample, second_sample), strict=True)
        ]
        return _numbers(name, parts[0], parts[1], missing)
    missing = [side.null_count / len(side) for side in (before, after)]
    if kinds != {"string"}:
        far = moved(missing[0], missing[1], None, 0, (0, 0))
        return ColumnChange(name, "other", missing[0], missing[1], moved=far)
    if first_sample is not None:
        before = rows_of(before, first_sample)
    if second_sample is not None:
        after = rows_of(after, second_sample)
    return _categories(name, _counted(before), _counted(after), missing)


def _numbers(
    name: str, before: NDArray[np.float64], after: NDArray[np.float64], missing: Sequence[float]
) -> ColumnChange:
    bins = Bins.of(before, "number", _BINS)
    counts = bins.count(after)
    index = psi(bins.reference, counts)
    first, second = (np.sort(part[~np.isnan(part)]) for part in (before, after))
    smirnov = distance = None
    if len(first) and len(second):
        smirnov, distance = kolmogorov_smirnov(first, second), wasserstein(first, second)
    return ColumnChange(
        name,
        "number",
        missing[0],
        missing[1],
        index,
        jensen_shannon(bins.reference, counts),
        smirnov,
        distance,
        moved(missing[0], missing[1], index, len(counts), (len(before), len(after))),
    )


def _categories(
    name: str, before: Mapping[str, int], after: Mapping[str, int], missing: Sequence[float]
) -> ColumnChange:
    bins = Bins.of_categories(before)
    counts = bins.count_categories(after)
    index = psi(bins.reference, counts)
    rows = int(bins.reference.sum()), int(counts.sum())
    return ColumnChange(
        name,
        "string",
        missing[0],
        missing[1],
        index,
        jensen_shannon(bins.reference, counts),
        moved=moved(missing[0], missing[1], index, len(counts), rows),
    )


def _counted(column: pa.ChunkedArray) -> dict[str, int]:
    """Count rows by category; the missing ones and the empty texts are one."""
    codes, values = encoded(column)
    counts = np.bincount(codes, minlength=len(values)).tolist()
    found: dict[str, int] = {}
    for value, count in zip(values, counts, strict=True):
        found[value or ""] = found.get(value or "", 0) + count
    return found


def _by_key(
    first: TableFile, second: TableFile, key: Sequence[str], retyped: Sequence[str]
) -> tuple[Match, int]:
    """Match rows by key, and count those of both that differ in a column that can be compared."""
    most = max(first.rows, second.rows)
    columns = [n for n in first.schema.names if n in set(second.schema.names)]
    if most > _MOST_ROWS or most * len(columns) > _MOST_CELLS:
        raise UnpairedError(f"{most:,} rows of {len(columns)} columns are too many")
    sides = [[table.column(name) for name in key] for table in (first, second)]
    match = match_keys(sides[0], sides[1])
    changed = np.zeros(len(match), dtype=bool)
    for name in columns:
        if name in key or name in retyped:
            continue
        before = rows_of(first.column(name), match.base)
        after = rows_of(second.column(name), match.head)
        try:
            changed |= differs(before, after)
        except pa.ArrowNotImplementedError:
            continue
    return match, int(changed.sum())
