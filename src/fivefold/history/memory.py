"""What was learnt of commits, kept on disk for the next call.

Only what follows from content ids is kept, so nothing in it can become wrong; deleting the file
costs the time of one call. It lies under ``.git/fivefold`` and is read and written as a whole,
once per call. Every failure (a read-only folder, a full disk, a broken file, another process
writing) means that the call does without.

The graph of commits is kept in pieces, each what one call added: which commit is whose parent is
told by their places, so a piece is only good after those before it: a process that finds that
another one added a piece in the meantime leaves its own away.
"""

from __future__ import annotations

import contextlib
import sqlite3
import struct
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pygit2

from fivefold import __version__
from fivefold.history.git.graph import Graph, Parents, common_folder
from fivefold.history.measures import Measure, is_number

__all__ = ["Memory"]

# What is remembered of a short history would cost more than it saves.
_LONG = 500
_FORMAT = 3
_TABLES = """
create table if not exists commits
    (scope text, number integer, length integer, data blob, sum integer,
    primary key (scope, number));
create table if not exists inputs (lock blob primary key, inputs blob) without rowid;
create table if not exists scores
    (metric text, digest blob, file text, value, low, high, primary key (metric, digest))
    without rowid;
"""
_HEAD = struct.Struct("<qq")

# SQLite has no larger integer.
_LARGE = 2**63


class Memory:
    """The commits of a repository, and the scores of their results.

    Parameters
    ----------
    path : Path
        The file, which needn't exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._scores: dict[str, dict[bytes, Measure]] = {}
        self._new_scores: dict[tuple[str, bytes], Measure] = {}
        self._inputs: dict[bytes, bytes] | None = None
        self._new_inputs: dict[bytes, bytes] = {}
        self._graph: Graph | None = None
        self._scope = ""
        self._stored = 0

    @classmethod
    def of(cls, git: pygit2.Repository) -> Memory:
        """Give the memory of a repository, which its linked worktrees share."""
        # Another version may tell runs apart in another way.
        name = f"history-{__version__}-{_FORMAT}.sqlite3"
        return cls(common_folder(git) / "fivefold" / name)

    def graph(self, prefix: str, parents: Parents) -> Graph:
        """Give the commits that are remembered, with the digests of their results.

        Parameters
        ----------
        prefix : str
            DVC's root in the repository, which the results depend on.
        parents : Parents
            What of the parents isn't in the commits.
        """
        scope = f"{parents.fingerprint.hex()}:{prefix}"
        if self._graph is None or self._scope != scope:
            self._scope = scope
            self._graph = graph = Graph(parents)
            with self._open() as database:
                if database is not None:
                    query = "select number, data, sum from commits where scope = ? order by number"
                    for number, data, checksum in database.execute(query, (scope,)):
                        if number != len(graph) or not _unpack(graph, data, checksum):
                            raise sqlite3.DatabaseError("a piece is not what was written")
            self._stored = len(graph)
        return self._graph

    def scores(self, metric: str) -> dict[bytes, Measure]:
        """Give what is known of a metric, by the digest of the results."""
        if metric not in self._scores:
            found: dict[bytes, Measure] = {}
            with self._open() as database:
                if database is not None:
                    query = "select digest, file, value, low, high from scores where metric = ?"
                    for digest, file, value, low, high in database.execute(query, (metric,)):
                        if not is_number(value) or not isinstance(file, str):
                            raise sqlite3.DatabaseError("a score is none")
                        interval = None if low is None else (low, high)
                        found[digest] = Measure(metric, file, value, interval)
            self._scores[metric] = found
        return self._scores[metric]

    def keep_score(self, metric: str, digest: bytes, measure: Measure) -> None:
        """Remember a metric of results."""
        if isinstance(measure.value, float) or abs(measure.value) < _LARGE:
            self.scores(metric)[digest] = measure
            self._new_scores[metric, digest] = measure

    def inputs(self, key: bytes) -> bytes | None:
        """Give the digest of what a lock's stages ran on, by a digest of the lock files."""
        if self._inputs is None:
            self._inputs = {}
            with self._open() as database:
                if database is not None:
                    self._inputs = dict(database.execute("select lock, inputs from inputs"))
        return self._inputs.get(key)

    def keep_inputs(self, key: bytes, inputs: bytes) -> None:
        """Remember what a lock's stages ran on."""
        assert self._inputs is not None  # noqa: S101  it was asked for before
        self._inputs[key] = self._new_inputs[key] = inputs

    def save(self) -> None:
        """Write what is new, if the history is long enough to be worth it."""
        graph = self._graph
        if graph is None or len(graph) < _LONG:
            return
        if len(graph) == self._stored and not (self._new_scores or self._new_inputs):
            return
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(exist_ok=True)
        with self._open(create=True) as database:
            if database is not None:
                database.executescript(_TABLES)
                with database:
                    database.execute("begin immediate")
                    self._add_piece(database, graph)
                    database.executemany(
                        "insert or ignore into inputs values (?, ?)", self._new_inputs.items()
                    )
                    database.executemany(
                        "insert or replace into scores values (?, ?, ?, ?, ?, ?)",
                        (
                            (*key, found.file, found.value, *(found.interval or (None, None)))
                            for key, found in self._new_scores.items()
                        ),
                    )
        self._stored = len(graph)
        self._new_scores, self._new_inputs = {}, {}

    def _add_piece(self, database: sqlite3.Connection, graph: Graph) -> None:
        if len(graph) == self._stored:
            return
        query = "select number, length from commits where scope = ? order by number desc limit 1"
        number, length = database.execute(query, (self._scope,)).fetchone() or (0, 0)
        if number + length != self._stored:
            return
        # What a clone was before it was deepened is asked for no more.
        prefix = self._scope.partition(":")[2]
        for (scope,) in database.execute("select distinct scope from commits").fetchall():
            if scope != self._scope and scope.partition(":")[2] == prefix:
                database.execute("delete from commits where scope = ?", (scope,))
        data = _pack(graph, self._stored)
        piece = (self._scope, self._stored, len(graph) - self._stored, data, zlib.crc32(data))
        database.execute("insert into commits values (?, ?, ?, ?, ?)", piece)

    @contextlib.contextmanager
    def _open(self, *, create: bool = False) -> Iterator[sqlite3.Connection | None]:
        database = None
        if create or self.path.exists():
            with contextlib.suppress(sqlite3.Error):
                database = sqlite3.connect(self.path, timeout=1.0, isolation_level=None)
        try:
            yield database
        except sqlite3.OperationalError:
            # Locked, read-only, full, or of tables that aren't there yet: do without.
            pass
        except (sqlite3.DatabaseError, UnicodeError):
            # Not a database any more, or not what was written.
            with contextlib.suppress(OSError):
                self.path.unlink()
        finally:
            if database is not None:
                database.close()


def _pack(graph: Graph, start: int) -> bytes:
    """Write the commits from a place on, in columns."""
    parents = graph.parents[start:]
    above = array("i", (parent for places in parents for parent in places))
    return b"".join(
        (
            _HEAD.pack(len(parents), len(above)),
            array("q", graph.times[start:]).tobytes(),
            array("H", map(len, parents)).tobytes(),
            above.tobytes(),
            b"".join(graph.ids[start:]),
            b"".join(tree or bytes(20) for tree in graph.trees[start:]),
            b"".join(digest or bytes(16) for digest in graph.digests[start:]),
        )
    )


def _unpack(graph: Graph, data: Any, checksum: Any) -> bool:
    """Add the commits of a piece; False where it isn't what was written."""
    if not isinstance(data, bytes) or zlib.crc32(data) != checksum:
        return False
    number, linked = _HEAD.unpack_from(data)
    columns = []
    start = _HEAD.size
    for kind, length in (("q", number), ("H", number), ("i", linked)):
        column = array(kind)
        end = start + column.itemsize * length
        column.frombytes(data[start:end])
        columns.append(column)
        start = end
    times, counts, above = columns
    ids = _cut(data, start, number, 20)
    trees = _cut(data, start + 20 * number, number, 20)
    digests = _cut(data, start + 40 * number, number, 16)
    graph.load(ids, list(times), counts, above, trees, digests)
    return True


def _cut(data: bytes, start: int, number: int, size: int) -> list[bytes]:
    """Give a column of values of one size; noughts are none."""
    none = bytes(size)
    end = start + size * number
    found = [data[at : at + size] for at in range(start, end, size)]
    return [b"" if value == none else value for value in found] if none in found else found
