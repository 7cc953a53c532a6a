"""The plots that ``dvc.yaml`` declares, both revisions' in one picture."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from fivefold.history.diff.changes import Diff
from fivefold.history.diff.overlays import Overlay, Series
from fivefold.history.dvc.plots import IMAGES, Drawing, rows_of
from fivefold.history.dvc.values import MalformedError
from fivefold.history.git.repository import Revision
from fivefold.history.git.snapshots import Snapshot
from fivefold.history.measures import is_number
from fivefold.history.reader import Reader

__all__ = ["Images", "read_plots"]

_SIDES: tuple[Literal["base", "head"], ...] = ("base", "head")
_MOST_PLOTS = 24
_MOST_SERIES = 6
_MOST_ROWS = 20_000
_MOST_BYTES = 8 * 2**20

_MARKS: dict[str, Literal["line", "point", "bar"]] = {
    "scatter": "point",
    "scatter_jitter": "point",
    "bar_horizontal": "bar",
    "bar_horizontal_sorted": "bar",
}


@dataclass(frozen=True, slots=True)
class Images:
    """One picture's file on both sides: its bytes, None where that side has none."""

    path: str
    media_type: str
    base: bytes | None
    head: bytes | None


def read_plots(
    reader: Reader, diff: Diff
) -> tuple[tuple[Overlay, ...], tuple[Images, ...], tuple[str, ...]]:
    """Read the declared plots of both revisions; those that didn't change are left out.

    Returns
    -------
    overlays : tuple of Overlay
    images : tuple of Images
    notes : tuple of str
        What couldn't be read, or was too much.
    """
    revisions = {"base": diff.base, "head": diff.head}
    sides = {side: _SideFiles(reader, revisions[side]) for side in _SIDES}
    drawings: dict[str, Drawing] = {}
    for side in _SIDES:
        drawings.update({item.name: item for item in sides[side].drawings})
    overlays: list[Overlay] = []
    images: dict[str, Images] = {}
    for drawing in drawings.values():
        for path in dict.fromkeys(f for s in _SIDES for f in sides[s].paths(drawing)):
            media = IMAGES.get(posixpath.splitext(path)[1].lower())
            if media:
                images[path] = Images(path, media, *(sides[s].read(path) for s in _SIDES))
        overlay = _overlay(drawing, sides)
        if overlay is not None:
            overlays.append(overlay)
    changed = [item for item in images.values() if item.base != item.head]
    notes = [note for side in _SIDES for note in sides[side].notes]
    over = len(overlays) + len(changed) - _MOST_PLOTS
    if over > 0:
        notes.append(f"{over} more plots changed than are shown")
    room = max(0, _MOST_PLOTS - len(overlays))
    return tuple(overlays[:_MOST_PLOTS]), tuple(changed[:room]), tuple(dict.fromkeys(notes))


class _SideFiles:
    """The plots' files of one revision."""

    def __init__(self, reader: Reader, revision: Revision) -> None:
        self._reader = reader
        self._snapshot: Snapshot = reader.repository.snapshot(revision)
        self._outs = reader.lock(self._snapshot).outs()
        self._name = revision.label
        self.drawings = reader.declared(self._snapshot).drawings
        self.notes: list[str] = []

    def paths(self, drawing: Drawing) -> Iterator[str]:
        """Give a drawing's files; a folder is the files in it."""
        for path, _ in drawing.files:
            inside = self._snapshot.files(path)
            whole = self._outs.get(path)
            if not inside and whole is not None and whole.value.endswith(".dir"):
                inside = sorted(self._reader.cache.listing(whole))
            yield from inside or [path]

    def read(self, path: str) -> bytes | None:
        """Give a file from Git or DVC's cache; None where neither has it, or it is too large."""
        data = self._content(path)
        if data is not None and len(data) > _MOST_BYTES:
            self.notes.append(f"{path} of {self._name} is too large to show")
            return None
        return data

    def _content(self, path: str) -> bytes | None:
        blob = self._snapshot.blob(path)
        if blob is not None:
            return self._snapshot.data(blob)
        if path in self._outs:
            return self._reader.cache.read(self._outs[path])
        folder = posixpath.dirname(path)
        while folder:
            if folder in self._outs:
                inner = self._reader.cache.listing(self._outs[folder]).get(path)
                return self._reader.cache.read(inner) if inner else None
            folder = posixpath.dirname(folder)
        return None

    def rows(self, path: str) -> list[dict[str, Any]]:
        """Give the rows of a file of data."""
        data = self.read(path)
        if data is None or posixpath.splitext(path)[1].lower() in IMAGES:
            return []
        try:
            rows = rows_of(data, path)
        except MalformedError as error:
            self.notes.append(f"{self._name}: {error}")
            return []
        if len(rows) > _MOST_ROWS:
            self.notes.append(f"{path} of {self._name}: the first {_MOST_ROWS} rows are shown")
        return rows[:_MOST_ROWS]


def _overlay(drawing: Drawing, sides: dict[Literal["base", "head"], _SideFiles]) -> Overlay | None:
    """Lay both sides' series over one another; None where there are none, or they are the same."""
    mark = _MARKS.get(drawing.template, "line")
    found: dict[str, list[Series]] = {side: [] for side in _SIDES}
    labels: dict[str, str] = {}
    for side in _SIDES:
        for path, fields in drawing.files:
            rows = sides[side].rows(path)
            if not rows:
                continue
            x = drawing.x.get(path, "")
            # DVC takes the last column where none is named.
            for field in fields or tuple(rows[0])[-1:]:
                series = _series(rows, x, field, side, mark)
                if series is not None:
                    stem = posixpath.splitext(posixpath.basename(path))[0]
                    name = field if len(drawing.files) == 1 else f"{stem}: {field}"
                    found[side].append(
                        Series(side, series.x, series.y, name if _several(drawing, rows) else "")
                    )
                    labels.setdefault("y", drawing.y_label or field)
                    labels.setdefault("x", drawing.x_label or x or "step")
    values = [[(s.name, s.x, s.y) for s in found[side]] for side in _SIDES]
    if not any(values) and drawing.template.startswith("confusion"):
        sides["head"].notes.append(f"{drawing.name}: no confusion matrix is drawn here")
    if not any(values) or values[0] == values[1]:
        return None
    axes = (labels["x"], labels["y"])
    if mark == "bar":
        # Its numbers run along x.
        axes = axes[::-1]
    return Overlay(
        drawing.title or drawing.name,
        *axes,
        (*found["base"][:_MOST_SERIES], *found["head"][:_MOST_SERIES]),
        source=", ".join(path for path, _ in drawing.files),
        mark=mark,
    )


def _several(drawing: Drawing, rows: list[dict[str, Any]]) -> bool:
    return sum(len(fields or tuple(rows[0])[-1:]) for _, fields in drawing.files) > 1


def _series(
    rows: list[dict[str, Any]], x: str, y: str, side: Literal["base", "head"], mark: str
) -> Series | None:
    if mark == "bar" and not is_number(rows[0].get(y)):
        # DVC draws bars of numbers by the category that y names.
        x, y = y, x
    pairs = [
        (row.get(x) if x else place, row.get(y))
        for place, row in enumerate(rows)
        if is_number(row.get(y)) and (not x or row.get(x) is not None)
    ]
    if not pairs:
        return None
    across = [value for value, _ in pairs]
    if not all(map(is_number, across)):
        across = [str(value) for value in across]
    return Series(
        side, tuple(across), tuple(float(value) for _, value in pairs if value is not None)
    )
