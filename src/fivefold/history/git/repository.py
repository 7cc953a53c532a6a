"""The Git repository: opening it, resolving revisions, the commit to compare with by default."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pygit2
from pygit2.enums import ReferenceFilter as References

from fivefold.errors import HistoryError, nearest
from fivefold.history.git.snapshots import (
    FOLDER,
    BlobId,
    CommitSnapshot,
    Objects,
    Snapshot,
    WorkspaceSnapshot,
)

__all__ = ["EXPERIMENT", "WORKSPACE", "Repository", "Revision"]

WORKSPACE = "workspace"
_DEFAULT_BRANCHES = ("main", "master")

EXPERIMENT = re.compile(r"refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/(?P<name>[^/]+)")
"""Where DVC keeps an experiment: under the commit it started from. What else lies in
``refs/exps`` (queue, stash, what runs now) is of no revision."""


@dataclass(frozen=True)
class Revision:
    """A commit, or the working tree.

    Attributes
    ----------
    name : str
        As the user wrote it, or ``workspace``.
    commit : pygit2.Commit or None
        None for the working tree.
    """

    name: str
    commit: pygit2.Commit | None

    @property
    def short(self) -> str:
        """The abbreviated commit id, or ``workspace``."""
        return str(self.commit.id)[:7] if self.commit else WORKSPACE

    @property
    def label(self) -> str:
        """The name with the commit id, where they differ."""
        return self.name if self.name.startswith(self.short) else f"{self.name} ({self.short})"


class Repository:
    """A Git repository whose files are DVC's.

    Parameters
    ----------
    path : path-like, optional
        Any folder inside; a bare repository's own folder.

    Raises
    ------
    HistoryError
        Outside a repository, or where Git's objects can't be read.
    """

    def __init__(self, path: str | os.PathLike[str] = ".") -> None:
        start = Path(path).resolve()
        try:
            found = pygit2.discover_repository(str(start))
            if found is None:
                raise KeyError(str(start))
            self.git = pygit2.Repository(found)
        except (pygit2.GitError, KeyError) as error:
            raise _unopened(start, error) from error
        self.objects = Objects(self.git)
        self.worktree = Path(self.git.workdir).resolve() if self.git.workdir else None
        self.root = self._dvc_root(start)
        self.prefix = (
            self.root.relative_to(self.worktree).as_posix() if self.root and self.worktree else "."
        )

    def _dvc_root(self, start: Path) -> Path | None:
        """Find DVC's root: the nearest folder upward with ``.dvc``, else the working tree's."""
        if self.worktree is None:
            return None
        if start.is_relative_to(self.worktree):
            for folder in (start, *start.parents):
                if (folder / ".dvc").is_dir():
                    return folder
                if folder == self.worktree:
                    break
        return self.worktree

    @property
    def is_shallow(self) -> bool:
        """Whether older commits were left out of the clone."""
        return self.git.is_shallow

    @property
    def branch(self) -> str | None:
        """The current branch, or None on a detached HEAD or before the first commit."""
        if self.git.head_is_unborn or self.git.head_is_detached:
            return None
        return str(self.git.head.shorthand)

    def resolve(self, revision: str) -> Revision:
        """Find the commit that a revision names; ``workspace`` is the working tree.

        Raises
        ------
        HistoryError
            Where the revision names no commit, with the nearest branch or tag.
        """
        if revision == WORKSPACE:
            return self.workspace()
        try:
            found = self.git.revparse_single(revision)
            return Revision(revision, found.peel(pygit2.Commit))
        except (KeyError, ValueError, pygit2.GitError) as error:
            for name in self.git.references:
                experiment = EXPERIMENT.fullmatch(name)
                if experiment and experiment["name"] == revision:
                    return Revision(revision, self.git.references[name].peel(pygit2.Commit))
            raise self._unresolved(revision) from error

    def workspace(self) -> Revision:
        """Give the working tree as a revision, or HEAD in a bare repository."""
        return self.head() if self.worktree is None else Revision(WORKSPACE, None)

    def head(self) -> Revision:
        """Give the commit that is checked out.

        Raises
        ------
        HistoryError
            Before the first commit.
        """
        if self.git.head_is_unborn:
            raise HistoryError(
                "the repository has no commit yet",
                where=str(self.root or self.git.path),
                hint="commit something first: git add -A && git commit",
            )
        return Revision("HEAD", self.git.head.peel(pygit2.Commit))

    def snapshot(self, revision: Revision) -> Snapshot:
        """Give the files of a revision, as seen from DVC's root."""
        if revision.commit is None:
            if self.root is None:
                raise HistoryError("a bare repository has no working tree", where=self.git.path)
            return WorkspaceSnapshot(self.objects, self.git, self.root)
        return self.commit_snapshot(revision.commit)

    def commit_snapshot(self, commit: pygit2.Commit) -> CommitSnapshot:
        """Give the files of a commit, as seen from DVC's root."""
        return CommitSnapshot(self.objects, self.tree_of(commit))

    def tree_of(self, commit: pygit2.Commit) -> BlobId | None:
        """Give the id of a commit's tree at DVC's root, or None where it has no such folder."""
        return self.folder_of(commit.tree_id.raw)

    def folder_of(self, tree: BlobId) -> BlobId | None:
        """Give the id of the tree at DVC's root below a whole tree, or None where there is none."""
        if self.prefix == ".":
            return tree
        found = self.objects.entry(self.objects.tree(tree), os.fsencode(self.prefix))
        return found[1] if found is not None and found[0] == FOLDER else None

    @cached_property
    def tags(self) -> dict[str, tuple[str, ...]]:
        """The tags of each commit that has any, by its whole id, sorted."""
        found: dict[str, list[str]] = {}
        for reference in self.git.references.iterator(References.TAGS):
            try:
                commit = str(reference.peel(pygit2.Commit).id)
            except (pygit2.GitError, KeyError, ValueError):
                # A tag may point to a file or a tree, and a reference to what was pruned.
                continue
            found.setdefault(commit, []).append(reference.shorthand)
        return {commit: tuple(sorted(names)) for commit, names in found.items()}

    def default_base(self) -> Revision:
        """Give the merge base of HEAD and the default branch, as a pull request compares.

        Raises
        ------
        HistoryError
            Where there is no default branch, or no common commit.
        """
        head = self.head()
        name, target = self._default_branch()
        assert head.commit is not None  # noqa: S101  head() never gives the working tree
        base = self.git.merge_base(target, head.commit.id)
        if base is None:
            raise HistoryError(
                f"HEAD and {name} have no common commit" + self._shallow_clause(),
                hint="name the base: fivefold diff BASE"
                + (", or fetch the rest: git fetch --unshallow" if self.is_shallow else ""),
            )
        commit = self.git[base].peel(pygit2.Commit)
        return Revision(name if base == target else f"merge base with {name}", commit)

    def default_branch(self) -> str | None:
        """Name the branch that others are compared with, or None where there is none."""
        try:
            return self._default_branch()[0]
        except HistoryError:
            return None

    def _default_branch(self) -> tuple[str, pygit2.Oid]:
        names = [f"refs/heads/{name}" for name in _DEFAULT_BRANCHES]
        names.append("refs/remotes/origin/HEAD")
        names.extend(f"refs/remotes/origin/{name}" for name in _DEFAULT_BRANCHES)
        for name in names:
            try:
                reference = self.git.lookup_reference(name).resolve()
            except (KeyError, pygit2.GitError, ValueError):
                continue
            return reference.shorthand, reference.peel(pygit2.Commit).id
        raise HistoryError(
            "there is no default branch to compare with",
            allowed="main, master, or the default branch of the remote 'origin'",
            hint="name the base: fivefold diff BASE",
        )

    def _unresolved(self, revision: str) -> HistoryError:
        names = [
            name.removeprefix(prefix)
            for name in self.git.references
            for prefix in ("refs/heads/", "refs/remotes/", "refs/tags/")
            if name.startswith(prefix)
        ]
        experiments = filter(None, map(EXPERIMENT.fullmatch, self.git.references))
        names.extend(experiment["name"] for experiment in experiments)
        suggestion = nearest(revision, names)
        return HistoryError(
            "no commit, branch or tag has this name" + self._shallow_clause(),
            got=revision,
            allowed="a branch, tag, experiment or commit id, HEAD~1 and the like, or 'workspace'",
            hint=suggestion
            or ("git fetch --unshallow" if self.is_shallow else "git log --oneline --all"),
        )

    def _shallow_clause(self) -> str:
        return ", and the clone is shallow: older commits are not here" if self.is_shallow else ""


def _unopened(start: Path, error: Exception) -> HistoryError:
    text = str(error)
    if "owned by" in text or "ownership" in text:
        return HistoryError(
            "Git refuses the repository, because another user owns it",
            where=str(start),
            hint=f"git config --global --add safe.directory {start}",
        )
    if isinstance(error, KeyError) and not start.exists():
        return HistoryError("there is no such folder", where=str(start))
    if "object" in text and "format" in text:
        return HistoryError(
            "this repository's object format can't be read",
            where=str(start),
            got=text,
            allowed="SHA-1 repositories: libgit2 doesn't read SHA-256 ones yet",
        )
    return HistoryError(
        "this is not inside a Git repository",
        where=str(start),
        hint="cd into the project, or start one: git init && dvc init",
    )
