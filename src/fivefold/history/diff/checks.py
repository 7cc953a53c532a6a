"""What was found of runs' integrity, kept on disk for the next call.

Whether a tree's results are those of its lock follows from the tree alone, so nothing in the file
can become wrong; it lies beside what else is remembered, and any failure to read or write it means
that the call does without.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from fivefold import __version__

__all__ = ["Checks"]

_TABLE = """
create table if not exists checks
    (question text, tree blob, trusted integer, data text, primary key (question, tree))
    without rowid
"""

Found = tuple[bool, str | None]
"""Whether nothing speaks against the results, and the version of the data that they are of."""


class Checks:
    """The checks of trees, read as a whole and written once.

    Parameters
    ----------
    folder : Path
        Where the file is kept; it needn't exist.
    """

    def __init__(self, folder: Path) -> None:
        # Another version may check in another way.
        self.path = folder / f"checks-{__version__}.sqlite3"
        self._known: dict[tuple[str, bytes], Found] | None = None
        self._new: dict[tuple[str, bytes], Found] = {}

    def find(self, question: str, tree: bytes) -> Found | None:
        """Give what was found of a tree, if it ever was.

        Parameters
        ----------
        question : str
            What names the data.
        tree : bytes
        """
        if self._known is None:
            self._known = self._read() if self.path.exists() else {}
        return self._known.get((question, tree))

    def keep(self, question: str, tree: bytes, found: Found) -> None:
        """Remember what was found of a tree."""
        self._new[question, tree] = found

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
                        "insert or ignore into checks values (?, ?, ?, ?)",
                        ((*key, *found) for key, found in self._new.items()),
                    )
        self._new = {}

    def _read(self) -> dict[tuple[str, bytes], Found]:
        try:
            with contextlib.closing(sqlite3.connect(self.path, timeout=1.0)) as database:
                rows = database.execute("select question, tree, trusted, data from checks")
                return {(q, tree): (bool(trusted), data) for q, tree, trusted, data in rows}
        except sqlite3.OperationalError:
            # Locked, or of a table that isn't there yet.
            return {}
        except (sqlite3.DatabaseError, ValueError):
            # Not a database any more, or not what was written.
            with contextlib.suppress(OSError):
                self.path.unlink()
            return {}
