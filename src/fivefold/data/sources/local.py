"""Files in the project's own folder: one, a list, or all that a pattern names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from fivefold.data.sources.content import Reading
from fivefold.data.sources.formats import Part, read_files
from fivefold.data.sources.ladder import Ladder
from fivefold.data.sources.options import FormatOptions
from fivefold.errors import SourceError, nearest

__all__ = ["local_file", "project_files"]

# What Hive and its heirs call the folder of a missing value.
_MISSING = "__HIVE_DEFAULT_PARTITION__"


def local_file(path: str | Sequence[str], partitions: bool = True, **options: Any) -> Reading:
    """Read files of the project: CSV, TSV, JSON, JSON lines, Parquet, Arrow or Excel.

    A compressed file (gz, bz2, zst, lz4, xz, zip) is decompressed as it is read. Several files are
    parts of one table, in the order of their paths: they have the same columns, in any order.

    Parameters
    ----------
    path : str or list of str
        Relative to the project's folder, and inside it: ``dvc.yaml`` lists ``data/source`` under
        the deps of ``collect``, so a file there is versioned and a change of it is seen. ``*``,
        ``?`` and ``**`` make it a pattern.
    partitions : bool, default True
        Make a column of each folder named ``column=value`` on the way to the files.
    **options
        How to read it: see :class:`fivefold.data.sources.options.FormatOptions`.

    Raises
    ------
    SourceError
        The file is missing, empty, outside the project or not what its format says.
    """
    given = [path] if isinstance(path, str) else list(path)
    if not given:
        raise SourceError("no file is named", where="path", got="an empty list")
    files = [file for one in given for file in project_files(one)]
    paths = list(dict.fromkeys(files))
    columns = _partitions(paths) if partitions else [{} for _ in paths]
    parts = [
        Part(file, file.as_posix(), placed) for file, placed in zip(paths, columns, strict=True)
    ]
    shown = parts[0].shown if len(parts) == 1 else ", ".join(given)
    return read_files(parts, shown, FormatOptions.of(options))


def project_files(path: str) -> list[Path]:
    """Give the files that a path or a pattern names, sorted."""
    inside = os.path.normpath(path)
    if PurePath(path).is_absolute() or PurePath(inside).parts[:1] == ("..",):
        raise SourceError(
            "the file is outside the project, so DVC could not see it change",
            where="path",
            got=path,
            allowed="a path in the project's folder",
            hint="copy it to data/source/, which dvc.yaml lists under the deps of collect",
        )
    file = Path(inside)
    if file.is_file():
        return [file]
    if any(mark in inside for mark in "*?["):
        # DVC's own note of what a folder must hold stands beside the files it ignores.
        found = [item for item in Path().glob(inside) if item.is_file() and _is_data(item)]
        if not found:
            raise SourceError("no file is named so", where="path", got=path, hint=_nearby(inside))
        return sorted(found, key=lambda item: item.as_posix())
    siblings = sorted(p.name for p in file.parent.glob("*") if p.is_file())
    shown = PurePath(inside).as_posix()
    raise SourceError(
        "there is no such file",
        where="path",
        got=f"{shown} (a folder)" if file.is_dir() else shown,
        hint=f"name the files in it: {shown}/*.csv, say"
        if file.is_dir()
        else nearest(file.name, siblings)
        or "put it there, or mend the path in conf/; paths start at the project's folder",
    )


def _nearby(pattern: str) -> str:
    """Say what there is where the pattern, taken part by part, still names something."""
    folder = Path()
    for part in PurePath(pattern).parts:
        if not (folder / part).is_dir():
            there = sorted(item.name for item in folder.glob("*"))
            near = nearest(part, there)
            holds = ", ".join(there[:5]) + (", ..." if there[5:] else "")
            return near or f"{folder.as_posix()} holds {holds or 'nothing'}"
        folder /= part
    return f"{folder.as_posix()} is a folder"


def _is_data(file: Path) -> bool:
    return not file.name.startswith((".", "_")) and file.suffix != ".dvc"


def _partitions(files: Sequence[Path]) -> list[dict[str, pa.Scalar]]:
    """Give each file the columns that its folders name, in types that all their values have."""
    texts = [
        dict(part.split("=", 1) for part in file.parts[:-1] if "=" in part.strip("="))
        for file in files
    ]
    names = list(texts[0])
    for file, known in zip(files, texts, strict=True):
        if list(known) != names:
            raise SourceError(
                "the folders of the files have not the same names",
                where=file.as_posix(),
                got=list(known) or "no folder named column=value",
                allowed=names or "no folder named column=value",
                hint="set partitions: false to make no columns of them",
            )
    columns = {}
    for name in names:
        values = [unquote(known[name]) for known in texts]
        column = _texts([None if value == _MISSING else value for value in values])
        ladder = Ladder()
        ladder.see(column)
        type_ = pa.string() if pa.types.is_null(ladder.type) else ladder.type
        columns[name] = column.cast(type_)
    return [{name: columns[name][at] for name in names} for at in range(len(files))]


def _texts(values: Sequence[str | None]) -> pa.Array:
    return pa.array(values, pa.string())
