"""The files of a revision, by path: a commit's tree, or the working tree.

Git's objects never change, so whatever was learnt of one is kept by its id: a subtree or a file
that ten thousand commits share is looked into once.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import pygit2

__all__ = ["FOLDER", "BlobId", "CommitSnapshot", "Objects", "Snapshot", "WorkspaceSnapshot"]

BlobId = bytes
"""The 20 bytes by which Git knows a content; a tree's likewise."""

Entry = tuple[bytes, BlobId]
"""The mode of a tree's entry, as Git writes it, and what it holds."""

# A tree is a row of "mode name NUL id".
_ENTRIES = re.compile(rb"(\d+) ([^\0]+)\0(.{20})", re.DOTALL)
FOLDER = b"40000"
_FILES = (b"100644", b"100755", b"100664")
_LINK = b"120000"
_LINKS = 8
_OWN = b".dvc"
_KEPT = 50_000
_RECENT = 16
_CACHE = 32 * 2**20
_IGNORE_FILE = ".dvcignore"


class Snapshot(Protocol):
    """The files of one revision; paths are POSIX, relative to DVC's root."""

    def blob(self, path: str) -> BlobId | None:
        """Give the id of a file's content, or None where there is no such file."""

    def data(self, blob: BlobId) -> bytes:
        """Give the content behind an id that `blob` gave."""

    def files(self, folder: str) -> list[str]:
        """List every file below a folder, sorted; empty where there is no such folder."""

    def pipeline_files(self) -> tuple[str, ...]:
        """List the files that declare pipelines and data: ``dvc.yaml`` and ``*.dvc``, sorted."""


class Objects:
    """Git's objects, each looked into once.

    Trees are read as Git stores them: making an object of every entry would take most of the time
    that a long history takes.

    Parameters
    ----------
    git : pygit2.Repository
    """

    def __init__(self, git: pygit2.Repository) -> None:
        self._odb = git.odb
        # What matters of an object is kept here; libgit2 would keep 256 MB of whole ones.
        pygit2.option(pygit2.enums.Option.SET_CACHE_MAX_SIZE, _CACHE)
        self._recent: dict[BlobId, dict[bytes, Entry]] = {}
        self._below: dict[tuple[BlobId, bytes], Entry | None] = {}
        self._declaring: dict[BlobId, tuple[str, ...] | None] = {}

    def data(self, blob: BlobId) -> bytes:
        """Give a blob's bytes."""
        return self._odb.read(pygit2.Oid(raw=blob))[1]

    def tree(self, tree: BlobId) -> dict[bytes, Entry]:
        """Give a tree's entries by name."""
        found = self._recent.get(tree)
        if found is None:
            data = self._odb.read(pygit2.Oid(raw=tree))[1]
            found = {name: (mode, blob) for mode, name, blob in _ENTRIES.findall(data)}
            # Files of one folder are asked for one after the other.
            if len(self._recent) >= _RECENT:
                self._recent.clear()
            self._recent[tree] = found
        return found

    def entry(self, tree: dict[bytes, Entry], path: bytes) -> Entry | None:
        """Find what a path is below a tree; symbolic links are not followed."""
        first, _, rest = path.partition(b"/")
        # The topmost tree is new in almost every commit: only what is below is worth keeping.
        found = tree.get(first)
        if not rest or found is None:
            return found
        return self._entry_below(found[1], rest) if found[0] == FOLDER else None

    def follow(self, tree: BlobId, path: bytes) -> Entry | None:
        """Find a file or a folder below a tree, through symbolic links that stay inside.

        The working tree is read through them, so a commit is too.
        """
        top = self.tree(tree)
        for _ in range(_LINKS):
            found = self.entry(top, path)
            if found is not None and found[0] != _LINK:
                return found
            parts = path.split(b"/")
            for place in range(1, len(parts) + 1):
                here = self.entry(top, b"/".join(parts[:place]))
                if here is None:
                    return None
                if here[0] == _LINK:
                    target = posixpath.join(*parts[: place - 1], self.data(here[1]), *parts[place:])
                    path = posixpath.normpath(target)
                    break
            else:
                return None
            if path.startswith((b"/", b"..")):
                return None
        return None

    def _entry_below(self, tree: BlobId, path: bytes) -> Entry | None:
        key = (tree, path)
        if key not in self._below:
            if len(self._below) > _KEPT:
                self._below.clear()
            self._below[key] = self.entry(self.tree(tree), path)
        return self._below[key]

    def files(self, tree: BlobId) -> list[str]:
        """List every file below a tree, relative to it."""
        paths: list[str] = []
        for raw, (mode, blob) in self.tree(tree).items():
            name = os.fsdecode(raw)
            if mode == FOLDER:
                paths.extend(f"{name}/{path}" for path in self.files(blob))
            elif mode in _FILES:
                paths.append(name)
        return paths

    def pipeline_files(self, entries: dict[bytes, Entry]) -> tuple[str, ...]:
        """List the declaring files and the ignore files in a tree and below it."""
        paths: list[str] = []
        for raw, (mode, blob) in entries.items():
            if mode == FOLDER:
                if raw == _OWN:
                    continue
                if blob not in self._declaring:
                    below = self.tree(blob)
                    # A repository of DVC's own inside this one declares for itself.
                    own = below.get(_OWN, (b"", b""))[0] == FOLDER
                    self._declaring[blob] = None if own else self.pipeline_files(below)
                inner = self._declaring[blob]
                if inner:
                    name = os.fsdecode(raw)
                    paths.extend(f"{name}/{path}" for path in inner)
            elif raw.endswith((b".dvc", b"dvc.yaml", b".dvcignore")):
                name = os.fsdecode(raw)
                if _declares(name):
                    paths.append(name)
        return tuple(paths)


class CommitSnapshot:
    """The files of a commit.

    Parameters
    ----------
    objects : Objects
    tree : bytes or None
        The id of the tree at DVC's root; None where the commit has no such folder.
    """

    def __init__(self, objects: Objects, tree: BlobId | None) -> None:
        self._objects = objects
        self.tree = tree
        self._pipeline_files: tuple[str, ...] | None = None

    def _entry(self, path: str) -> Entry | None:
        if self.tree is None:
            return None
        return self._objects.follow(self.tree, os.fsencode(path))

    def blob(self, path: str) -> BlobId | None:
        """Give the id of a file's content, or None where there is no such file."""
        found = self._entry(path)
        return found[1] if found is not None and found[0] in _FILES else None

    def data(self, blob: BlobId) -> bytes:
        """Give the content behind an id that `blob` gave."""
        return self._objects.data(blob)

    def files(self, folder: str) -> list[str]:
        """List every file below a folder, sorted; empty where there is no such folder."""
        found = self._entry(folder)
        if found is None or found[0] != FOLDER:
            return []
        return sorted(f"{folder}/{path}" for path in self._objects.files(found[1]))

    def pipeline_files(self) -> tuple[str, ...]:
        """List the files that declare pipelines and data: ``dvc.yaml`` and ``*.dvc``, sorted."""
        if self._pipeline_files is None:
            entries = {} if self.tree is None else self._objects.tree(self.tree)
            self._pipeline_files = _not_ignored(self._objects.pipeline_files(entries), self)
        return self._pipeline_files


class WorkspaceSnapshot:
    """The files of the working tree, whether committed or not.

    Parameters
    ----------
    objects : Objects
    git : pygit2.Repository
    root : Path
        DVC's root.
    """

    def __init__(self, objects: Objects, git: pygit2.Repository, root: Path) -> None:
        self._objects = objects
        self._git = git
        self._root = root
        self._pipeline_files: tuple[str, ...] | None = None
        self._read: dict[str, BlobId | None] = {}
        self._data: dict[BlobId, bytes] = {}

    def blob(self, path: str) -> BlobId | None:
        """Give the id that a file's content would have in Git, or None where there is none."""
        if path not in self._read:
            try:
                data = (self._root / path).read_bytes()
            except (OSError, ValueError):
                self._read[path] = None
            else:
                blob = pygit2.hash(data).raw
                self._read[path] = blob
                self._data[blob] = data
        return self._read[path]

    def data(self, blob: BlobId) -> bytes:
        """Give the content behind an id that `blob` gave."""
        return self._data[blob]

    def files(self, folder: str) -> list[str]:
        """List every file below a folder, sorted; empty where there is no such folder."""
        top = self._root / folder
        return sorted(p.relative_to(self._root).as_posix() for p in top.rglob("*") if p.is_file())

    def pipeline_files(self) -> tuple[str, ...]:
        """List the files that declare pipelines and data, but for those that Git ignores."""
        if self._pipeline_files is not None:
            return self._pipeline_files
        found: list[str] = []
        worktree = Path(self._git.workdir).resolve()
        for folder, folders, files in os.walk(self._root):
            here = Path(folder)
            folders[:] = sorted(
                name
                for name in folders
                if name not in (".git", ".dvc")
                and not (here / name / ".dvc").is_dir()
                and not self._ignored(f"{_relative(here / name, worktree)}/")
            )
            found.extend(
                _relative(here / name, self._root)
                for name in files
                if _declares(name) and not self._ignored(_relative(here / name, worktree))
            )
        self._pipeline_files = _not_ignored(found, self)
        return self._pipeline_files

    def _ignored(self, path: str) -> bool:
        try:
            return self._git.path_is_ignored(path)
        except UnicodeEncodeError:
            # pygit2 can't ask for a path that isn't UTF-8; nobody writes ignore rules for those.
            return False


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _declares(name: str) -> bool:
    return name in ("dvc.yaml", _IGNORE_FILE) or (name.endswith(".dvc") and name != ".dvc")


def _not_ignored(paths: Iterable[str], snapshot: Snapshot) -> tuple[str, ...]:
    """Drop the ignore files from a listing, and what they name."""
    kept = [path for path in paths if posixpath.basename(path) != _IGNORE_FILE]
    for path in paths:
        folder, name = posixpath.split(path)
        blob = snapshot.blob(path) if name == _IGNORE_FILE else None
        if blob is None:
            continue
        lines = snapshot.data(blob).decode(errors="replace").splitlines()
        if all(not line.strip() or line.startswith("#") for line in lines):
            # What `dvc init` writes holds a comment only, so few repositories come to here.
            continue
        from pathspec import GitIgnoreSpec

        spec = GitIgnoreSpec.from_lines(lines)
        inside = f"{folder}/" if folder else ""
        kept = [p for p in kept if not (p.startswith(inside) and spec.match_file(p[len(inside) :]))]
    return tuple(sorted(kept))
