"""What ``dvc.yaml`` declares to be plotted, and the rows of the files that it names."""

from __future__ import annotations

import csv
import io
import math
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fivefold.history.dvc.values import MalformedError, parse

__all__ = ["IMAGES", "Drawing", "read_drawings", "rows_of"]

IMAGES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
"""The media type of pictures by suffix."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """One plot as declared.

    Attributes
    ----------
    name : str
        Its id, or the path of its only file.
    files : tuple of (str, tuple of str)
        Paths from DVC's root with the fields to draw; without one the last column.
    x : dict of str to str
        The field of the x axis by path; where there is none, the row's number.
    title, x_label, y_label, template : str
        Empty where nothing is said.
    """

    name: str
    files: tuple[tuple[str, tuple[str, ...]], ...]
    x: Mapping[str, str]
    title: str = ""
    x_label: str = ""
    y_label: str = ""
    template: str = ""


def read_drawings(
    sections: Iterable[tuple[str, Iterable[tuple[str, Mapping[str, Any]]]]],
) -> tuple[Drawing, ...]:
    """Read the plots of one resolved ``dvc.yaml``.

    A later one replaces an earlier one of the same file: the top level's options win, as in DVC.

    Parameters
    ----------
    sections : iterable of (str, iterable of (str, dict))
        The folder that paths start from, and the entries: an id or path, and its options.
    """
    found: dict[str, Drawing] = {}
    for folder, entries in sections:
        for name, options in entries:
            drawing = _drawing(name, options, folder)
            found[drawing.name] = drawing
    return tuple(found.values())


def _locate(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path).replace("\\", "/"))


def _drawing(name: str, options: Mapping[str, Any], folder: str) -> Drawing:
    y, x = options.get("y"), options.get("x")
    if isinstance(y, Mapping):
        files = tuple((_locate(folder, str(path)), _fields(names)) for path, names in y.items())
        shown = name
    else:
        files = ((_locate(folder, name), _fields(y)),)
        shown = files[0][0]
    paths = [path for path, _ in files]
    if isinstance(x, Mapping):
        across = {_locate(folder, str(path)): _first(field) for path, field in x.items()}
        if len(across) == 1:
            # One file may give the x axis of all.
            across = {**dict.fromkeys(paths, next(iter(across.values()))), **across}
    else:
        across = dict.fromkeys(paths, str(x)) if x is not None else {}
    texts = {
        key: str(options.get(key) or "") for key in ("title", "x_label", "y_label", "template")
    }
    return Drawing(shown, files, across, **texts)


def _fields(names: Any) -> tuple[str, ...]:
    if names is None:
        return ()
    return tuple(str(name) for name in names) if isinstance(names, list) else (str(names),)


def _first(field: Any) -> str:
    return next(iter(_fields(field)), "")


def rows_of(data: bytes, path: str) -> list[dict[str, Any]]:
    """Read a plot's file: a CSV or TSV with its header, or the first list of mappings of a JSON.

    Numbers are read as such; what isn't finite is None.

    Raises
    ------
    MalformedError
        Where the bytes aren't of the format that the suffix names.
    """
    suffix = posixpath.splitext(path)[1].lower()
    if suffix in (".csv", ".tsv"):
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise MalformedError(f"{path} is not UTF-8 (byte {error.start})") from error
        reader = csv.DictReader(io.StringIO(text), delimiter="\t" if suffix == ".tsv" else ",")
        return [{str(k): _number(v) for k, v in row.items() if k is not None} for row in reader]
    rows = _first_list(parse(data, path)) or []
    return [{str(key): _number(value) for key, value in row.items()} for row in rows]


def _first_list(value: Any) -> list[Mapping[str, Any]] | None:
    if isinstance(value, list):
        good = value and all(isinstance(row, Mapping) for row in value)
        return value if good else None
    if isinstance(value, Mapping):
        for inner in value.values():
            found = _first_list(inner)
            if found is not None:
                return found
    return None


def _number(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return value
        if value.is_integer() and abs(value) < 2**53:
            return int(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
