"""Files in the project's own folder."""

from __future__ import annotations

import os
from pathlib import Path, PurePath
from typing import Any

from fivefold.data.sources.content import Reading
from fivefold.data.sources.formats import read_file
from fivefold.data.sources.options import FormatOptions
from fivefold.errors import SourceError, nearest

__all__ = ["local_file"]


def local_file(
    path: str,
    **options: Any,
) -> Reading:
    """Read a file of the project: CSV, TSV, JSON lines or Parquet, compressed or not.

    Parameters
    ----------
    path : str
        Relative to the project's folder, and inside it: ``dvc.yaml`` lists ``data/source`` under
        the deps of ``collect``, so a file there is versioned and a change of it is seen.
    **options
        How to read it: see :class:`fivefold.data.sources.options.FormatOptions`.

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
    return read_file(file, shown, FormatOptions.of(options))
