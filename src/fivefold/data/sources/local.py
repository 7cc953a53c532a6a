"""Files in the project's own folder."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

from fivefold.data.sources.content import Reading, read_content
from fivefold.data.sources.formats import read_table
from fivefold.errors import SourceError, nearest

__all__ = ["local_file"]


def local_file(
    path: str,
    format: str | None = None,  # noqa: A002 - the word a user would write
    encoding: str = "utf-8",
    types: Mapping[str, str] | None = None,
    delimiter: str | None = None,
    null_values: Sequence[str] | None = None,
) -> Reading:
    """Read a file of the project: CSV, TSV, JSON lines or Parquet, compressed or not.

    Parameters
    ----------
    path : str
        Relative to the project's folder, and inside it: ``dvc.yaml`` lists ``data/source`` under
        the deps of ``collect``, so a file there is versioned and a change of it is seen.
    format : {"csv", "tsv", "jsonl", "parquet"}, optional
        By the file's suffix if not given.
    encoding : str, default "utf-8"
        Of a text file; any codec that Python knows.
    types : mapping of str to str, optional
        The type of a column where it should not be inferred: integer, number, string, boolean,
        datetime or date.
    delimiter : str, optional
        One character; ``,`` for CSV and a tab for TSV if not given.
    null_values : sequence of str, optional
        The texts that mean "missing" in CSV and TSV; the empty one, ``NA``, ``N/A``, ``NaN``,
        ``nan``, ``NULL``, ``null`` and ``None`` if not given.

    Raises
    ------
    SourceError
        The file is missing, empty, outside the project or not what its format says.
    """
    given = PurePath(path)
    inside = os.path.normpath(given)
    if given.is_absolute() or PurePath(inside).parts[:1] == ("..",):
        raise SourceError(
            "the file is outside the project, so DVC could not see it change",
            where="path",
            got=path,
            allowed="a path in the project's folder",
            hint="copy it to data/source/, which dvc.yaml lists under the deps of collect",
        )
    shown = PurePath(inside).as_posix()
    file = Path(inside)
    if not file.is_file():
        siblings = sorted(p.name for p in file.parent.glob("*") if p.is_file())
        raise SourceError(
            "there is no such file",
            where="path",
            got=f"{shown} (a folder)" if file.is_dir() else shown,
            hint=nearest(file.name, siblings)
            or "put it there, or mend the path in conf/; paths start at the project's folder",
        )
    content = read_content(file, shown)
    table = read_table(content, format, encoding, types, delimiter, null_values)
    return Reading(table, shown, content.sha256)
