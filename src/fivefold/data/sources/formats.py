"""From files to rows, by format; several files are parts of one table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import pyarrow as pa

from fivefold.data.sources.columnar import read_arrow, read_parquet, same_types, survey_parquet
from fivefold.data.sources.content import Content, Reading, open_content
from fivefold.data.sources.declared import with_types
from fivefold.data.sources.delimited import read_delimited
from fivefold.data.sources.excel import read_excel
from fivefold.data.sources.jsonrows import read_json, read_json_lines
from fivefold.data.sources.options import FORMATS, FormatOptions
from fivefold.data.sources.survey import Survey
from fivefold.errors import SourceError
from fivefold.table.progress import watched
from fivefold.table.rows import Rows

__all__ = ["Part", "read_file", "read_files"]

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".feather": "arrow",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".ipc": "arrow",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".xls": "excel",
    ".ods": "excel",
}


@dataclass(frozen=True)
class Part:
    """A file that holds some of a table's rows.

    Attributes
    ----------
    path : Path
        Where it is.
    shown : str
        How messages and reports call it.
    columns : mapping of str to pyarrow.Scalar
        Columns that its place says, the same in all its rows.
    """

    path: Path
    shown: str
    columns: Mapping[str, pa.Scalar] = field(default_factory=dict)


def read_file(path: Path, shown: str, options: FormatOptions) -> Reading:
    """Read one file as its format says, or its name.

    Parameters
    ----------
    path : Path
        Where it is; it must stay there until the rows have been written.
    shown : str
        How messages and reports call it.
    options : FormatOptions
        How to read it.

    Raises
    ------
    SourceError
        The file is missing, empty, or not of the format, or holds no row.
    ConfigError
        An option does not fit.
    """
    return read_files([Part(path, shown)], shown, options)


def read_files(parts: Sequence[Part], shown: str, options: FormatOptions) -> Reading:
    """Read files that together are one table, in their order.

    Parameters
    ----------
    parts : sequence of Part
        At least one, all of one format.
    shown : str
        How messages and reports call all of them.
    options : FormatOptions
        How to read them.

    Raises
    ------
    SourceError
        A file can't be read, or the files have not the same columns.
    ConfigError
        An option does not fit.
    """
    contents = [open_content(part.path, part.shown) for part in parts]
    format_ = _format(contents, options.format)
    rows, survey = _read(contents, format_, options)
    rows = [_placed(one, part) for one, part in zip(rows, parts, strict=True)]
    joined = with_types(_chained(rows), _after(format_, options), shown)
    if survey is None:
        survey = Survey().over(watched(joined.batches(), f"read {shown}"))
    if survey.count == 0:
        raise SourceError(
            "the source has no rows",
            where=shown,
            got=f"a header of {len(joined.schema)} columns",
        )
    details = {}
    if len(parts) > 1:
        details["files"] = {content.shown: content.sha256 for content in contents}
    return Reading(
        Rows(joined.schema, joined.open, survey.count),
        shown,
        _digest(contents),
        details=details,
        warnings=survey.warnings,
        surveyed=True,
    )


def _read(
    contents: Sequence[Content], format_: str, options: FormatOptions
) -> tuple[list[Rows], Survey | None]:
    """Read files of one format; a survey where their values were looked at already."""
    if format_ in ("csv", "tsv"):
        return read_delimited(
            contents, options, options.delimiter or ("," if format_ == "csv" else "\t")
        )
    survey: Survey | None
    if format_ == "jsonl":
        rows, survey = read_json_lines(contents, options)
    elif format_ == "json":
        rows, survey = read_json(contents, options)
    else:
        if format_ == "parquet":
            rows, survey = read_parquet(contents), survey_parquet(contents)
        elif format_ == "arrow":
            rows, survey = read_arrow(contents), None
        else:
            rows, survey = [read_excel(content, options) for content in contents], None
        rows = same_types(rows, [content.shown for content in contents])
    # A declared type may not fit a value: then all are looked at again.
    return rows, None if _after(format_, options) else survey


def _after(format_: str, options: FormatOptions) -> Mapping[str, object]:
    """Give the declared types that are still to be given; delimited text has them as it is read."""
    return {} if format_ in ("csv", "tsv") else options.types


def _format(contents: Sequence[Content], given: str | None) -> str:
    if given is not None:
        return given
    found = {}
    for content in contents:
        suffix = PurePath(content.name).suffix.lower()
        if suffix not in _SUFFIXES:
            raise SourceError(
                "the format can't be told from the file's name",
                where=content.shown,
                got=suffix or "no suffix",
                allowed=_SUFFIXES,
                hint=f"set format: to one of {', '.join(FORMATS)}",
            )
        found[_SUFFIXES[suffix]] = content.shown
    if len(found) > 1:
        raise SourceError(
            "the files are of different formats",
            where="path",
            got=", ".join(f"{shown} ({format_})" for format_, shown in found.items()),
            hint="declare a source for each format",
        )
    return next(iter(found))


def _placed(rows: Rows, part: Part) -> Rows:
    """Add the columns that a file's place says."""
    if not part.columns:
        return rows
    for name in part.columns:
        if name in rows.schema.names:
            raise SourceError(
                f"the folder and the file both have a column {name!r}",
                where=part.shown,
                got=name,
                hint="set partitions: false to keep the file's",
            )
    fields = [pa.field(name, value.type) for name, value in part.columns.items()]
    schema = pa.schema([*rows.schema, *fields])

    def change(batch: pa.RecordBatch) -> pa.RecordBatch:
        more = [pa.repeat(value, batch.num_rows) for value in part.columns.values()]
        return pa.RecordBatch.from_arrays([*batch.columns, *more], schema=schema)

    return rows.mapped(change, schema)


def _chained(parts: Sequence[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]

    def batches() -> Iterator[pa.RecordBatch]:
        for part in parts:
            yield from part.batches()

    return Rows(parts[0].schema, batches)


def _digest(contents: Sequence[Content]) -> str:
    """Give a file's digest, or that of the list of several: as ``sha256sum`` would print it."""
    if len(contents) == 1:
        return contents[0].sha256
    lines = "".join(f"{content.sha256}  {content.shown}\n" for content in contents)
    return hashlib.sha256(lines.encode()).hexdigest()
