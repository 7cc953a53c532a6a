"""What was learnt of commits, kept on disk for the next call.

Only what follows from content ids is kept, so nothing in it can become wrong; deleting the file
costs the time of one call. It lies under ``.git/fivefold`` and is read and written as a whole,
once per call. Every failure (a read-only folder, a full disk, a broken file, another process
writing) means that the call does without.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pygit2

from fivefold import __version__
from fivefold.history.measures import Measure, is_number

__all__ = ["Memory"]

_TABLES = """
create table if not exists results (tree blob primary key, digest blob) without rowid;
create table if not exists scores
    (metric text, digest blob, file text, value, low, high, primary key (metric, digest))
    without rowid;
create table if not exists checks
    (question text, tree blob, trusted integer, data text, primary key (question, tree))
    without rowid;
"""

_Score = list[Any]
"""File, value, and the ends of the interval."""


class Memory:
    """The results of trees, and the scores of results.

    Parameters
    ----------
    path : Path
        The file, which needn't exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._results: dict[bytes, bytes] | None = None
        self._scores: dict[str, dict[bytes, _Score]] = {}
        self._checks: dict[str, dict[bytes, tuple[bool, str | None]]] = {}
        self._new_results: dict[bytes, bytes] = {}
        self._new_checks: dict[tuple[str, bytes], tuple[bool, str | None]] = {}
        self._new_scores: dict[tuple[str, bytes], _Score] = {}

    @classmethod
    def of(cls, git: pygit2.Repository) -> Memory:
        """Give the memory of a repository, which its linked worktrees share."""
        folder = Path(git.path)
        shared = folder / "commondir"
        if shared.is_file():
            folder = (folder / shared.read_text().strip()).resolve()
        # Another version may tell runs apart in another way.
        return cls(folder / "fivefold" / f"history-{__version__}.sqlite3")

    def digest(self, tree: bytes) -> bytes | None:
        """Give the digest of a tree's results, if it was ever made."""
        if self._results is None:
            self._results = {}
            with self._open() as database:
                if database is not None:
                    self._results = dict(database.execute("select tree, digest from results"))
        return self._results.get(tree)

    def keep_digest(self, tree: bytes, digest: bytes) -> None:
        """Remember the digest of a tree's results."""
        self._new_results[tree] = digest

    def score(self, metric: str, digest: bytes) -> Measure | None:
        """Give a metric of results, if it was ever read."""
        if metric not in self._scores:
            self._scores[metric] = {}
            with self._open() as database:
                if database is not None:
                    query = "select digest, file, value, low, high from scores where metric = ?"
                    rows = database.execute(query, (metric,))
                    self._scores[metric] = {key: score for key, *score in rows}
        found = self._scores[metric].get(digest)
        if found is None:
            return None
        file, value, low, high = found
        if not is_number(value) or not isinstance(file, str):
            return None
        return Measure(metric, file, value, None if low is None else (low, high))

    def keep_score(self, metric: str, digest: bytes, measure: Measure) -> None:
        """Remember a metric of results."""
        low, high = measure.interval or (None, None)
        self._new_scores[metric, digest] = [measure.file, measure.value, low, high]

    def check(self, question: str, tree: bytes) -> tuple[bool, str | None] | None:
        """Tell whether a tree's results were found sound, and the version of data they are of.

        Parameters
        ----------
        question : str
            What names the data.
        tree : bytes
        """
        if question not in self._checks:
            self._checks[question] = {}
            with self._open() as database:
                if database is not None:
                    query = "select tree, trusted, data from checks where question = ?"
                    rows = database.execute(query, (question,))
                    self._checks[question] = {tree: (bool(ok), data) for tree, ok, data in rows}
        return self._checks[question].get(tree)

    def keep_check(self, question: str, tree: bytes, trusted: bool, data: str | None) -> None:
        """Remember a check of a tree."""
        self._new_checks[question, tree] = (trusted, data)

    def save(self) -> None:
        """Write what is new."""
        if not (self._new_results or self._new_scores or self._new_checks):
            return
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(exist_ok=True)
        with self._open(create=True) as database:
            if database is not None:
                database.executescript(_TABLES)
                with database:
                    database.executemany(
                        "insert or ignore into results values (?, ?)", self._new_results.items()
                    )
                    database.executemany(
                        "insert or ignore into scores values (?, ?, ?, ?, ?, ?)",
                        ((*key, *score) for key, score in self._new_scores.items()),
                    )
                    database.executemany(
                        "insert or ignore into checks values (?, ?, ?, ?)",
                        ((*key, *found) for key, found in self._new_checks.items()),
                    )
        self._new_results, self._new_scores, self._new_checks = {}, {}, {}

    @contextlib.contextmanager
    def _open(self, *, create: bool = False) -> Iterator[sqlite3.Connection | None]:
        database = None
        if create or self.path.exists():
            with contextlib.suppress(sqlite3.Error):
                database = sqlite3.connect(self.path, timeout=1.0)
        try:
            yield database
        except sqlite3.OperationalError:
            # Locked, read-only, full, or of tables that aren't there yet: do without.
            pass
        except sqlite3.DatabaseError:
            # Not a database any more.
            with contextlib.suppress(OSError):
                self.path.unlink()
        finally:
            if database is not None:
                database.close()
