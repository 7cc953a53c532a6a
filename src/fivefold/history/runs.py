"""Runs: the commits whose metrics or params differ from their parents'."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import cast

import pygit2

from fivefold.errors import HistoryError, nearest
from fivefold.history.equal import merge_equal, results_of
from fivefold.history.git.graph import Parents
from fivefold.history.git.repository import EXPERIMENT, WORKSPACE, Repository
from fivefold.history.git.snapshots import BlobId, CommitSnapshot, Snapshot
from fivefold.history.names import Names, Tip
from fivefold.history.reader import Reader

__all__ = ["Run", "Tip", "collect_runs", "default_tips", "find_tips"]

_PREFIXES = ("refs/heads/", "refs/remotes/", "refs/tags/")


class Run:
    """One run.

    Attributes
    ----------
    snapshot : Snapshot
        Its files.
    also : tuple of str
        Other commits that hold the same params, code, data and metrics.
    results : bytes
        A digest of what tells its metrics and params from another run's.
    blobs : dict of str to object
        Its metrics files by path, unless the digest was remembered.
    """

    __slots__ = (
        "_branch",
        "_commit",
        "_repository",
        "_snapshot",
        "_tree",
        "also",
        "blobs",
        "results",
    )

    # A history may have a hundred thousand: each is but an id until it is looked into.
    def __init__(
        self,
        repository: Repository,
        commit: bytes | None,
        branch: Names | str | None = None,
        *,
        snapshot: Snapshot | None = None,
        tree: BlobId | None = None,
        results: bytes = b"",
        blobs: Mapping[str, BlobId] | None = None,
    ) -> None:
        self._repository = repository
        self._commit = commit
        self._branch = branch
        self._snapshot = snapshot
        self._tree = tree
        self.also: tuple[str, ...] = ()
        self.results = results
        self.blobs: Mapping[str, BlobId] = blobs or {}

    @property
    def commit(self) -> pygit2.Commit | None:
        """None for what stands in the working tree, uncommitted."""
        if self._commit is None:
            return None
        return cast("pygit2.Commit", self._repository.git[pygit2.Oid(raw=self._commit)])

    @property
    def tree(self) -> BlobId | None:
        """The id of the tree at DVC's root; None for what isn't committed."""
        return self._tree

    @property
    def snapshot(self) -> Snapshot:
        """Its files."""
        if self._snapshot is not None:
            return self._snapshot
        return CommitSnapshot(self._repository.objects, self._tree)

    @property
    def branch(self) -> str | None:
        """The branch, tag or experiment that it was first reached from."""
        if self._commit is None or not isinstance(self._branch, Names):
            return cast("str | None", self._branch)
        return self._branch.of(self._commit)

    @property
    def id(self) -> str:
        """The whole commit id, or ``workspace``."""
        return self._commit.hex() if self._commit else WORKSPACE

    @property
    def short(self) -> str:
        """The abbreviated commit id, or ``workspace``."""
        return self.id[:7] if self._commit else WORKSPACE

    @property
    def subject(self) -> str:
        """The first line of the commit's message."""
        commit = self.commit
        if commit is None:
            return "(not committed)"
        return next(iter(_decoded(commit, commit.raw_message).strip().splitlines()), "")

    @property
    def author(self) -> str:
        """Who wrote the commit."""
        commit = self.commit
        return "" if commit is None else _decoded(commit, bytes(commit.author.raw_name))

    @property
    def time(self) -> datetime | None:
        """When the commit was made, in the committer's time zone."""
        commit = self.commit
        if commit is None:
            return None
        zone = timezone(timedelta(minutes=commit.commit_time_offset))
        return datetime.fromtimestamp(commit.commit_time, UTC).astimezone(zone)


def _decoded(commit: pygit2.Commit, text: bytes) -> str:
    try:
        return text.decode(commit.message_encoding or "utf-8", "replace")
    except LookupError:
        # A commit may name any encoding, known or not.
        return text.decode(errors="replace")


def default_tips(repository: Repository) -> list[Tip]:
    """Give the current branch, and the default branch's part of it under its own name."""
    head = repository.head().commit
    assert head is not None  # noqa: S101  head() never gives the working tree
    name = repository.branch or "HEAD"
    tips = [Tip(name, head.id)]
    default = repository.default_branch()
    if default and default.rpartition("/")[2] != name:
        base = repository.git.merge_base(repository.resolve(default).commit.id, head.id)  # type: ignore[union-attr]
        if base is not None:
            tips.insert(0, Tip(default, base))
    return tips


def find_tips(repository: Repository, patterns: Iterable[str], *, everything: bool) -> list[Tip]:
    """Give the branches and tags that the patterns name.

    Parameters
    ----------
    repository : Repository
    patterns : iterable of str
        Revisions, or shell patterns of branch, tag and experiment names such as ``feature/*``.
    everything : bool
        Take every branch, remote branch, tag and DVC experiment.

    Raises
    ------
    HistoryError
        Where a pattern matches nothing.
    """
    found: dict[str, pygit2.Oid] = {}
    named: dict[str, pygit2.Oid] | None = None
    for pattern in ["*"] if everything else patterns:
        if not any(sign in pattern for sign in "*?["):
            commit = repository.resolve(pattern).commit
            if commit is not None:
                found[pattern] = commit.id
            continue
        if named is None:
            named = _references(repository)
        matching = {n: oid for n, oid in named.items() if fnmatch.fnmatchcase(n, pattern)}
        if not matching and not everything:
            raise HistoryError(
                "no branch or tag matches the pattern",
                where="--refs",
                got=pattern,
                hint=nearest(pattern, named) or "git branch --all",
            )
        found.update(matching)
    head = repository.head().commit
    if everything and repository.branch is None and head is not None:
        # A detached HEAD may be on no branch at all.
        found.setdefault("HEAD", head.id)
    first = [repository.default_branch(), repository.branch]
    order = sorted(found, key=lambda name: first.index(name) if name in first else len(first))
    return [Tip(name, found[name]) for name in order]


def _references(repository: Repository) -> dict[str, pygit2.Oid]:
    """Give the commit of every branch, remote branch, tag and experiment, in that order."""
    groups: list[dict[str, pygit2.Oid]] = [{} for _ in (*_PREFIXES, EXPERIMENT)]
    for reference in repository.git.references.iterator():
        name = reference.name
        place = next((i for i, p in enumerate(_PREFIXES) if name.startswith(p)), len(_PREFIXES))
        experiment = EXPERIMENT.fullmatch(name)
        if place < len(_PREFIXES):
            short = name.removeprefix(_PREFIXES[place])
        elif experiment:
            short = experiment["name"]
        else:
            continue
        if name.endswith("/HEAD"):
            continue
        try:
            groups[place][short] = reference.peel(pygit2.Commit).id
        except (pygit2.GitError, KeyError):
            # A tag may point to a file or a tree, and a reference to what was pruned.
            continue
    found: dict[str, pygit2.Oid] = {}
    for group in groups:
        for short, commit in group.items():
            found.setdefault(short, commit)
    return found


def collect_runs(reader: Reader, tips: list[Tip], *, workspace: bool = True) -> list[Run]:
    """Walk the history and give its runs, newest first.

    Parameters
    ----------
    reader : Reader
    tips : list of Tip
        Where to start; an earlier tip's name wins where several reach a commit.
    workspace : bool
        Whether to put the working tree first, if its results differ from those of HEAD.
    """
    repository = reader.repository
    graph = reader.memory.graph(repository.prefix, Parents.of(repository.git))
    blobs: dict[bytes, dict[str, BlobId]] = {}

    def look(tree: bytes) -> tuple[bytes, bytes]:
        folder = repository.folder_of(tree)
        digest, found = results_of(reader, CommitSnapshot(repository.objects, folder))
        blobs.setdefault(digest, found)
        return folder or b"", digest

    starts = [tip.commit.raw for tip in tips]
    graph.extend(repository.git, starts, look)
    reached = graph.reach(starts)
    names = Names(graph, reached, tips)
    parents, digests = graph.parents, graph.digests
    chosen = [
        place
        for place in reached
        if (digest := digests[place])
        and all(digests[parent] != digest for parent in parents[place])
    ]
    candidates = [
        Run(
            repository,
            graph.ids[place],
            names,
            tree=graph.trees[place] or None,
            results=digests[place],
            blobs=blobs.get(digests[place]),
        )
        for place in graph.newest_first(chosen)
    ]
    runs = merge_equal(reader, candidates)
    if workspace and repository.worktree is not None:
        current = repository.snapshot(repository.workspace())
        head = repository.snapshot(repository.head())
        digest, found = results_of(reader, current)
        same = digest == results_of(reader, head)[0]
        if digest and not (same and reader.lock_key(current) == reader.lock_key(head)):
            found_here = Run(
                repository, None, repository.branch, snapshot=current, results=digest, blobs=found
            )
            runs.insert(0, found_here)
    return runs
