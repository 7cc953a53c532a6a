"""The commits of a repository and their parents, each read once and then remembered.

A commit never changes, and neither does what it descends from: what was learnt of a history stays
true when branches move, are rewritten or vanish. Only what stands beside the commits can change
their parents: the edge of a shallow clone, grafts, and replacements.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pygit2

from fivefold.errors import HistoryError

__all__ = ["Graph", "Parents", "common_folder"]

_REPLACED = b" refs/replace/"
_COMMITTER = re.compile(rb"^committer .*? (-?\d+) [-+]\d+$", re.MULTILINE)


def common_folder(git: pygit2.Repository) -> Path:
    """Give the folder that holds the objects and references: linked worktrees share it."""
    folder = Path(git.path)
    shared = folder / "commondir"
    if shared.is_file():
        folder = (folder / shared.read_text().strip()).resolve()
    return folder


@dataclass(frozen=True)
class Parents:
    """Which commits have other parents than they name, as ``git log`` sees it.

    Attributes
    ----------
    instead : dict of bytes to tuple of bytes
        The parents that count, by commit id.
    fingerprint : bytes
        Equal where nothing of this changed.
    """

    instead: Mapping[bytes, tuple[bytes, ...]] = field(default_factory=dict)
    fingerprint: bytes = b""

    @classmethod
    def of(cls, git: pygit2.Repository) -> Parents:
        """Read the edge of a shallow clone, grafts, and replacements of commits."""
        folder = common_folder(git)
        instead: dict[bytes, tuple[bytes, ...]] = {}
        for old, new in _replacements(folder).items():
            try:
                instead[old] = _parse(git.odb.read(pygit2.Oid(raw=new))[1])[1]
            except (KeyError, ValueError, pygit2.GitError):
                # What replaces it isn't a commit, or isn't here.
                continue
        for file in ("info/grafts", "shallow"):
            for line in _lines(folder / file):
                ids = [_raw(word) for word in line.split() if not line.startswith(b"#")]
                if ids and all(ids):
                    instead[ids[0]] = tuple(ids[1:])
        if not instead:
            return cls()
        return cls(instead, hashlib.blake2b(repr(sorted(instead.items())).encode()).digest()[:16])


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except OSError:
        return []


def _raw(text: bytes) -> bytes:
    try:
        return bytes.fromhex(text.decode())
    except ValueError:
        return b""


def _replacements(folder: Path) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    try:
        packed = (folder / "packed-refs").read_bytes()
    except OSError:
        packed = b""
    # A hundred thousand branches may be in there, and none of these.
    if _REPLACED in packed:
        for line in packed.splitlines():
            new, separator, old = line.partition(_REPLACED)
            if separator:
                found[_raw(old)] = _raw(new)
    loose = folder / "refs" / "replace"
    if loose.is_dir():
        for file in loose.iterdir():
            found[_raw(file.name.encode())] = _raw(b"".join(_lines(file)))
    return {old: new for old, new in found.items() if old and new}


def _parse(data: bytes) -> tuple[bytes, tuple[bytes, ...], int]:
    """Read a commit as Git stores it: its tree, its parents, and when it was committed."""
    head = data.partition(b"\n\n")[0]
    if not head.startswith(b"tree "):
        raise ValueError("not a commit")
    start, parents = 46, []
    while head.startswith(b"parent ", start):
        parents.append(bytes.fromhex(head[start + 7 : start + 47].decode()))
        start += 48
    when = _COMMITTER.search(head, start - 1)
    return bytes.fromhex(head[5:45].decode()), tuple(parents), int(when[1]) if when else 0


class Graph:
    """Commits in columns, parents before their children.

    Attributes
    ----------
    ids : list of bytes
    parents : list of tuple of int
        Their places.
    times : list of int
        When each was committed, in seconds since 1970.
    dates : list of int
        The same, but later than any parent's: clocks go wrong, and the newest shall be first.
    trees, digests : list of bytes
        What `extend` was told of each commit's tree: the part of it that matters, and what for.
    places : dict of bytes to int
        Where a commit stands, by id.
    """

    def __init__(self, parents: Parents | None = None) -> None:
        self.special = parents or Parents()
        self.ids: list[bytes] = []
        self.parents: list[tuple[int, ...]] = []
        self.times: list[int] = []
        self.dates: list[int] = []
        self.trees: list[bytes] = []
        self.digests: list[bytes] = []
        self.places: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self.ids)

    def append(
        self, commit: bytes, parents: tuple[int, ...], time: int, tree: bytes, digest: bytes
    ) -> None:
        """Add a commit whose parents are there."""
        dates = self.dates
        date = time
        for parent in parents:
            if dates[parent] >= date:
                date = dates[parent] + 1
        self.places[commit] = len(self.ids)
        self.ids.append(commit)
        self.parents.append(parents)
        self.times.append(time)
        dates.append(date)
        self.trees.append(tree)
        self.digests.append(digest)

    def load(
        self,
        ids: list[bytes],
        times: list[int],
        counts: Sequence[int],
        above: Sequence[int],
        trees: list[bytes],
        digests: list[bytes],
    ) -> None:
        """Add many commits at once, as they were kept: the parents of all in one row."""
        start = len(self.ids)
        self.places.update(zip(ids, range(start, start + len(ids)), strict=True))
        self.ids += ids
        self.times += times
        self.trees += trees
        self.digests += digests
        parents, dates = self.parents, self.dates
        at = 0
        for count, time in zip(counts, times, strict=True):
            if count == 1:
                parent = above[at]
                parents.append((parent,))
                date = dates[parent]
                dates.append(time if time > date else date + 1)
            else:
                row = tuple(above[at : at + count])
                parents.append(row)
                dates.append(max(time, *(dates[parent] + 1 for parent in row)) if row else time)
            at += count

    def extend(
        self,
        git: pygit2.Repository,
        tips: Iterable[bytes],
        look: Callable[[bytes], tuple[bytes, bytes]],
    ) -> None:
        """Read what the tips reach and isn't there yet.

        Parameters
        ----------
        git : pygit2.Repository
        tips : iterable of bytes
            Commit ids.
        look : callable
            What to remember of a commit, by the id of its whole tree: a tree and a digest.

        Raises
        ------
        HistoryError
            Where a commit isn't in the repository.
        """
        places, read, instead = self.places, git.odb.read, self.special.instead
        pending: dict[bytes, tuple[bytes, tuple[bytes, ...], int]] = {}
        for tip in tips:
            if tip in places:
                continue
            stack = [tip]
            while stack:
                commit = stack[-1]
                if commit in places:
                    stack.pop()
                    continue
                record = pending.get(commit)
                if record is None:
                    try:
                        tree, above, time = _parse(read(pygit2.Oid(raw=commit))[1])
                    except (KeyError, ValueError, pygit2.GitError) as error:
                        raise _missing(commit) from error
                    above = instead.get(commit, above)
                    pending[commit] = tree, above, time
                    unknown = [parent for parent in above if parent not in places]
                    if unknown:
                        stack.extend(unknown)
                        continue
                    record = tree, above, time
                tree, above, time = record
                stack.pop()
                del pending[commit]
                self.append(commit, tuple(map(places.__getitem__, above)), time, *look(tree))

    def reach(self, tips: Iterable[bytes]) -> list[int]:
        """Give the places of the tips and all that they descend from, children first."""
        parents = self.parents
        reached = bytearray(len(parents))
        top = -1
        for tip in tips:
            place = self.places[tip]
            reached[place] = 1
            top = max(top, place)
        found = []
        for place in range(top, -1, -1):
            if reached[place]:
                found.append(place)
                for parent in parents[place]:
                    reached[parent] = 1
        return found

    def newest_first(self, places: list[int]) -> list[int]:
        """Sort commits so that the newest is first; it is the same whatever was read when."""
        dates, ids = self.dates, self.ids
        found = sorted(places, key=dates.__getitem__, reverse=True)
        start = 0
        # Commits of one second are rare, so comparing their ids is no part of the sorting.
        for place in range(1, len(found) + 1):
            if place == len(found) or dates[found[place]] != dates[found[start]]:
                if place - start > 1:
                    found[start:place] = sorted(found[start:place], key=ids.__getitem__)
                start = place
        return found


def _missing(commit: bytes) -> HistoryError:
    return HistoryError(
        "a commit of the history is not in the repository",
        got=commit.hex(),
        hint="see what is missing: git fsck --connectivity-only",
    )
