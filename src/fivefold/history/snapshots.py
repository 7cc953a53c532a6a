"""The files of a revision, by path: a commit's tree, or the working tree.

Git's objects never change, so whatever was learnt of one is kept by its id: a subtree or a file
that ten thousand commits share is looked into once.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import pygit2

__all__ = ["CommitSnapshot", "Objects", "Snapshot", "WorkspaceSnapshot"]

_TREE = 0o040000
_FILES = (0o100644, 0o100755, 0o100664)
_IGNORE_FILE = ".dvcignore"


class Snapshot(Protocol):
    """The files of one revision; paths are POSIX, relative to DVC's root."""

    def blob(self, path: str) -> pygit2.Oid | None:
        """Give the id of a file's content, or None where there is no such file."""

    def data(self, blob: pygit2.Oid) -> bytes:
        """Give the content behind an id that `blob` gave."""

    def files(self, folder: str) -> list[str]:
        """List every file below a folder, sorted; empty where there is no such folder."""

    def pipeline_files(self) -> tuple[str, ...]:
        """List the files that declare pipelines and data: ``dvc.yaml`` and ``*.dvc``, sorted."""


class Objects:
    """Git's objects, each looked into once.

    Parameters
    ----------
    git : pygit2.Repository
    """

    def __init__(self, git: pygit2.Repository) -> None:
        self._git = git
        self._entries: dict[tuple[pygit2.Oid, str], tuple[pygit2.Oid, int] | None] = {}
        self._declaring: dict[pygit2.Oid, tuple[str, ...] | None] = {}

    def data(self, blob: pygit2.Oid) -> bytes:
        """Give a blob's bytes."""
        return self._git.read(blob)[1]

    def entry(self, tree: pygit2.Oid, path: str, *, folder: bool = False) -> pygit2.Oid | None:
        """Find a file's blob, or a folder's tree, below a tree; symbolic links are not followed."""
        first, _, rest = path.partition("/")
        # The topmost tree is new in almost every commit: only what is below is worth keeping.
        found = self._child(tree, first)
        if rest:
            found = self._below(found[0], rest) if found and found[1] == _TREE else None
        if found is None or (found[1] == _TREE) is not folder:
            return None
        return found[0] if folder or found[1] in _FILES else None

    def _below(self, tree: pygit2.Oid, path: str) -> tuple[pygit2.Oid, int] | None:
        key = (tree, path)
        if key not in self._entries:
            first, _, rest = path.partition("/")
            found = self._child(tree, first)
            if rest:
                found = self._below(found[0], rest) if found and found[1] == _TREE else None
            self._entries[key] = found
        return self._entries[key]

    def _child(self, tree: pygit2.Oid, name: str) -> tuple[pygit2.Oid, int] | None:
        try:
            entry = self._git[tree][name]  # type: ignore[index]
        except KeyError:
            return None
        return entry.id, int(entry.filemode)

    def files(self, tree: pygit2.Oid) -> list[str]:
        """List every file below a tree, relative to it."""
        paths: list[str] = []
        for entry in self._git[tree]:  # type: ignore[attr-defined]
            name = os.fsdecode(entry.raw_name)
            if entry.filemode == _TREE:
                paths.extend(f"{name}/{path}" for path in self.files(entry.id))
            elif entry.filemode in _FILES:
                paths.append(name)
        return paths

    def pipeline_files(self, tree: pygit2.Oid) -> tuple[str, ...]:
        """List the declaring files and the ignore files below DVC's root."""
        return self._declaring_below(tree, root=True) or ()

    def _declaring_below(self, tree: pygit2.Oid, *, root: bool) -> tuple[str, ...] | None:
        if not root and tree in self._declaring:
            return self._declaring[tree]
        paths: list[str] | None = []
        for entry in self._git[tree]:  # type: ignore[attr-defined]
            raw = entry.raw_name
            if entry.filemode == _TREE:
                if raw == b".dvc":
                    if not root:
                        # A repository of DVC's own inside this one declares for itself.
                        paths = None
                        break
                    continue
                inner = self._declaring_below(entry.id, root=False)
                if inner and paths is not None:
                    name = os.fsdecode(raw)
                    paths.extend(f"{name}/{path}" for path in inner)
            elif paths is not None and _declares(os.fsdecode(raw)):
                paths.append(os.fsdecode(raw))
        result = None if paths is None else tuple(paths)
        if not root:
            self._declaring[tree] = result
        return result


class CommitSnapshot:
    """The files of a commit.

    Parameters
    ----------
    objects : Objects
    tree : pygit2.Oid or None
        The tree at DVC's root; None where the commit has no such folder.
    """

    def __init__(self, objects: Objects, tree: pygit2.Oid | None) -> None:
        self._objects = objects
        self._tree = tree

    def blob(self, path: str) -> pygit2.Oid | None:
        """Give the id of a file's content, or None where there is no such file."""
        if self._tree is None or path.startswith(("../", "/")):
            return None
        return self._objects.entry(self._tree, path)

    def data(self, blob: pygit2.Oid) -> bytes:
        """Give the content behind an id that `blob` gave."""
        return self._objects.data(blob)

    def files(self, folder: str) -> list[str]:
        """List every file below a folder, sorted; empty where there is no such folder."""
        if self._tree is None or folder.startswith(("../", "/")):
            return []
        tree = self._objects.entry(self._tree, folder, folder=True)
        return [] if tree is None else sorted(f"{folder}/{p}" for p in self._objects.files(tree))

    def pipeline_files(self) -> tuple[str, ...]:
        """List the files that declare pipelines and data: ``dvc.yaml`` and ``*.dvc``, sorted."""
        if self._tree is None:
            return ()
        return _not_ignored(self._objects.pipeline_files(self._tree), self)


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
        self._read: dict[str, pygit2.Oid | None] = {}
        self._data: dict[pygit2.Oid, bytes] = {}

    def blob(self, path: str) -> pygit2.Oid | None:
        """Give the id that a file's content would have in Git, or None where there is none."""
        if path not in self._read:
            try:
                data = (self._root / path).read_bytes()
            except (OSError, ValueError):
                self._read[path] = None
            else:
                blob = pygit2.hash(data)
                self._read[path] = blob
                self._data[blob] = data
        return self._read[path]

    def data(self, blob: pygit2.Oid) -> bytes:
        """Give the content behind an id that `blob` gave."""
        return self._data[blob]

    def files(self, folder: str) -> list[str]:
        """List every file below a folder, sorted; empty where there is no such folder."""
        top = self._root / folder
        return sorted(p.relative_to(self._root).as_posix() for p in top.rglob("*") if p.is_file())

    def pipeline_files(self) -> tuple[str, ...]:
        """List the files that declare pipelines and data, but for those that Git ignores."""
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
        return _not_ignored(found, self)

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
