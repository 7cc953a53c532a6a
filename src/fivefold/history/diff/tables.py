"""What changed inside the data: each tracked table of which both versions are at hand.

Where they aren't, the profiles of the exploration tell, which both revisions may have committed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fivefold.history.conventions import EXPLORATION_FILE
from fivefold.history.diff.changes import DataChange
from fivefold.history.diff.findings import TableChange
from fivefold.history.diff.rowspec import row_key, row_spec
from fivefold.history.diff.sliced_reports import read_report
from fivefold.history.dvc.contents import Contents, Found
from fivefold.history.dvc.lock import Hash
from fivefold.history.figures import bytes_text
from fivefold.history.git.repository import Revision
from fivefold.history.reader import Reader

__all__ = ["compare_tables"]

_COLUMNAR = ("parquet", "pq")
_TEXT = ("csv", "tsv")

# A columnar file is read column by column, a text as a whole; both are hashed from end to end.
_MOST_BYTES = 2_000_000_000
_MOST_TEXT = 300_000_000
_MOST_TABLES = 20


@dataclass(frozen=True)
class _Pair:
    """Two versions of a table to look for, with what is known of their sizes."""

    path: str
    base: Hash
    head: Hash

    @property
    def size(self) -> int | None:
        known = [side.size for side in (self.base, self.head) if side.size is not None]
        return max(known) if known else None


def compare_tables(
    reader: Reader,
    contents: Contents,
    base: Revision,
    head: Revision,
    data: Sequence[DataChange],
) -> tuple[tuple[TableChange, ...], tuple[str, ...]]:
    """Look into the tables among the data that changed.

    Parameters
    ----------
    reader : Reader
    contents : Contents
    base, head : Revision
    data : sequence of DataChange
        Folders are looked through for tables, one level of hashes deep.

    Returns
    -------
    tuple of TableChange
    tuple of str
        What couldn't be looked into, and why.
    """
    specs = [row_spec(reader, side) for side in (base, head)]
    # Predictions are a result: the metrics and slices speak of them.
    results = {spec.path for spec in specs if spec is not None}
    key = row_key(reader, head)
    found: list[TableChange] = []
    notes: list[str] = []
    absent: list[tuple[_Pair, Found, Found]] = []
    pairs = [pair for pair in _pairs(contents, data) if pair.path not in results]
    for pair in pairs[:_MOST_TABLES]:
        most = _MOST_TEXT if _suffix(pair.path) in _TEXT else _MOST_BYTES
        if pair.size is not None and pair.size > most:
            notes.append(
                f"{pair.path} is not looked into: {bytes_text(pair.size)}, "
                f"more than {bytes_text(most)}"
            )
            continue
        sides = contents.find(base, pair.path), contents.find(head, pair.path)
        if sides[0].source is None or sides[1].source is None:
            absent.append((pair, *sides))
            continue
        from fivefold.history.diff.rows import UnreadableError
        from fivefold.history.diff.versions import compare_versions

        try:
            found.append(
                compare_versions(
                    pair.path, (sides[0].source, pair.path), (sides[1].source, pair.path), key
                )
            )
        except UnreadableError as error:
            notes.append(f"{pair.path} is not looked into: {error}")
    if len(pairs) > _MOST_TABLES:
        notes.append(f"only {_MOST_TABLES} of {len(pairs)} changed tables are looked into")
    if absent:
        profiled = _profiled(reader, base, head, {pair.path for pair, _, _ in absent})
        found.extend(profiled)
        notes.extend(_absent_notes(absent))
    return tuple(found), tuple(notes)


def _suffix(path: str) -> str:
    return posixpath.splitext(path)[1].lower().removeprefix(".")


def _pairs(contents: Contents, data: Sequence[DataChange]) -> Iterator[_Pair]:
    """Give the tables among the data of both sides, those in folders too."""
    for change in data:
        if change.base is None or change.head is None:
            continue
        if _suffix(change.path) in (*_COLUMNAR, *_TEXT):
            yield _Pair(change.path, change.base, change.head)
        elif change.base.value.endswith(".dir") and change.head.value.endswith(".dir"):
            before, after = contents.listing(change.base), contents.listing(change.head)
            for path in sorted(before.keys() & after.keys()):
                if _suffix(path) in (*_COLUMNAR, *_TEXT) and (
                    before[path].value != after[path].value
                ):
                    yield _Pair(path, before[path], after[path])


def _absent_notes(absent: Sequence[tuple[_Pair, Found, Found]]) -> list[str]:
    """Name what isn't at hand, at most in two lines, and the command that brings it."""
    missing = [side for _, *sides in absent for side in sides if side.source is None]
    names = list(dict.fromkeys(side.path for side in missing))
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    note = f"only the hashes of {shown} are compared: not in DVC's cache in both versions"
    fetchable = [side for side in missing if side.fetchable]
    if fetchable:
        size = sum(side.size or 0 for side in fetchable)
        note += f"; fivefold diff --fetch downloads them ({bytes_text(size)})"
    odd = [s.problem for s in missing if not s.problem.endswith("is not in DVC's cache")]
    return [note, *dict.fromkeys(odd)]


def _profiled(
    reader: Reader, base: Revision, head: Revision, absent: set[str]
) -> list[TableChange]:
    """Compare the profiles of the explored table, where both revisions committed them."""
    path = _explored(reader, head)
    if path not in absent or _explored(reader, base) != path:
        return []
    reports = [read_report(reader, side, EXPLORATION_FILE) for side in (base, head)]
    if not all(reports):
        return []
    from fivefold.history.diff.profiles import compare_profiles

    found = compare_profiles(path, EXPLORATION_FILE, reports[0], reports[1])
    return [found] if found is not None else []


def _explored(reader: Reader, revision: Revision) -> str:
    """Name the table that the exploration is of; empty where nothing tells."""
    for file in reader.params(reader.repository.snapshot(revision)).values():
        section: Any = file.raw.get("explore") if isinstance(file.raw, Mapping) else None
        inputs = section.get("inputs") if isinstance(section, Mapping) else None
        if isinstance(inputs, Mapping) and isinstance(inputs.get("table"), str):
            return str(inputs["table"])
    return ""
