"""What was found of runs' integrity, kept on disk for the next call.

Whether a tree's results are those of its lock follows from the tree alone, so nothing in the file
can become wrong; it lies beside what else is remembered, and any failure to read or write it means
that the call does without.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import NamedTuple

from fivefold import __version__
from fivefold.history.git.snapshots import CommitSnapshot, Snapshot
from fivefold.history.integrity import STATUSES, Integrity

__all__ = ["Checks", "Found"]

_TABLE = """
create table if not exists checks
    (question text, tree blob, found text, primary key (question, tree)) without rowid
"""
_FORMAT = 3


class Found(NamedTuple):
    """What was found of a run.

    Attributes
    ----------
    integrity : Integrity
    data : str or None
        The version of the data that its results are of.
    planned : str or None
        The primary metric of the plan that it was made under.
    """

    integrity: Integrity
    data: str | None
    planned: str | None


class Checks:
    """The checks of trees, read as a whole and written once.

    Parameters
    ----------
    folder : Path
        Where the file is kept; it needn't exist.
    """

    def __init__(self, folder: Path) -> None:
        # Another version may check in another way.
        self.path = folder / f"checks-{__version__}-{_FORMAT}.sqlite3"
        self._known: dict[tuple[str, bytes], str] | None = None
        self._new: dict[tuple[str, bytes], str] = {}

    def find(self, question: str, snapshot: Snapshot) -> Found | None:
        """Give what was found of a revision, if it ever was.

        Parameters
        ----------
        question : str
            What names the data.
        snapshot : Snapshot
        """
        tree = _tree(snapshot)
        if tree is None:
            return None
        text = self._stored().get((question, tree))
        return None if text is None else _decoded(text)

    def trees(self) -> frozenset[bytes]:
        """Give the trees of which anything is remembered: most of a long history aren't."""
        return frozenset(tree for _, tree in self._stored())

    def _stored(self) -> dict[tuple[str, bytes], str]:
        if self._known is None:
            self._known = self._read() if self.path.exists() else {}
        return self._known

    def keep(self, question: str, snapshot: Snapshot, found: Found) -> None:
        """Remember what was found of a revision; of the working tree nothing is."""
        tree = _tree(snapshot)
        if tree is not None:
            integrity, data, planned = found
            # In ASCII: a path that isn't UTF-8 is no text to SQLite.
            text = json.dumps([integrity.status, integrity.reasons, data, planned])
            self._new[question, tree] = text

    def save(self) -> None:
        """Write what is new."""
        if not self._new:
            return
        with contextlib.suppress(OSError, sqlite3.Error):
            self.path.parent.mkdir(exist_ok=True)
            with contextlib.closing(sqlite3.connect(self.path, timeout=1.0)) as database:
                database.execute(_TABLE)
                with database:
                    database.executemany(
                        "insert or replace into checks values (?, ?, ?)",
                        ((*key, text) for key, text in self._new.items()),
                    )
        self._new = {}

    def _read(self) -> dict[tuple[str, bytes], str]:
        try:
            with contextlib.closing(sqlite3.connect(self.path, timeout=1.0)) as database:
                rows = database.execute("select question, tree, found from checks")
                return {(question, tree): text for question, tree, text in rows}
        except sqlite3.OperationalError:
            # Locked, or of a table that isn't there yet.
            return {}
        except (sqlite3.DatabaseError, ValueError):
            # Not a database any more, or not what was written.
            with contextlib.suppress(OSError):
                self.path.unlink()
            return {}


def _tree(snapshot: Snapshot) -> bytes | None:
    return snapshot.tree if isinstance(snapshot, CommitSnapshot) else None


def _decoded(text: str) -> Found | None:
    """Read an entry; None where it isn't what was written, so that the run is looked into anew."""
    try:
        status, reasons, data, planned = json.loads(text)
    except (ValueError, TypeError):
        return None
    if status not in STATUSES or not isinstance(reasons, list):
        return None
    return Found(Integrity(status, tuple(map(str, reasons))), data, planned)
