"""A sheet of an Excel or OpenDocument file."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from fivefold.data.sources.content import Content
from fivefold.data.sources.declared import dtype_of
from fivefold.data.sources.options import FormatOptions
from fivefold.errors import ConfigError, SourceError, nearest
from fivefold.table.rows import Rows

__all__ = ["read_excel"]


def read_excel(content: Content, options: FormatOptions) -> Rows:
    """Read a sheet whose first row names the columns; the file is held in memory.

    Parameters
    ----------
    content : Content
        The file.
    options : FormatOptions
        With the sheet's name, which must be given where there are several.

    Raises
    ------
    SourceError
        Not such a file, or no such sheet.
    ConfigError
        The extra ``excel`` is not installed.
    """
    try:
        import fastexcel
    except ImportError:
        raise ConfigError(
            "reading Excel files needs a package that is not installed",
            where="format",
            got="excel",
            hint="pip install 'fivefold[excel]'",
        ) from None
    with content.opened() as stream:
        data = stream.read()
    try:
        book = fastexcel.read_excel(data)
        name = _sheet(book.sheet_names, options.sheet, content.shown)
        texts: Any = {
            name: "string"
            for name, declared in options.types.items()
            if dtype_of(declared) == "string"
        }
        # Of all rows, so that a type does not depend on what stands first.
        found: Any = book.load_sheet(name, schema_sample_rows=None, dtypes=texts)
        table = pa.Table.from_batches([found.to_arrow()])
    except fastexcel.FastExcelError as error:
        raise SourceError(
            f"not an Excel file that can be read: {str(error).splitlines()[0]}",
            where=content.shown,
        ) from None
    return Rows.of(table)


def _sheet(names: list[str], wanted: str | None, shown: str) -> str:
    if wanted is None:
        if len(names) == 1:
            return names[0]
        raise SourceError(
            "the file has more than one sheet", where=shown, allowed=names, hint="set sheet:"
        )
    if wanted not in names:
        raise SourceError(
            f"the file has no sheet {wanted!r}",
            where=f"{shown}, sheet",
            got=wanted,
            allowed=names,
            hint=nearest(wanted, names),
        )
    return wanted
