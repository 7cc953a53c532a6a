"""Runs: the commits whose metrics or params differ from their parents'."""

from __future__ import annotations

import fnmatch
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

import pygit2
from pygit2.enums import SortMode

from fivefold.errors import HistoryError, nearest
from fivefold.history.conventions import COST_FILE
from fivefold.history.dvc.lock import Lock
from fivefold.history.git.repository import EXPERIMENT, WORKSPACE, Repository
from fivefold.history.git.snapshots import BlobId, Snapshot
from fivefold.history.reader import Reader

__all__ = ["Run", "Tip", "collect_runs", "default_tips", "find_tips", "results_of"]

_NOT_RESULTS = frozenset({COST_FILE})
_PREFIXES = ("refs/heads/", "refs/remotes/", "refs/tags/")
# A shorter history is read as fast as what is remembered of it.
_LONG = 500


@dataclass(frozen=True, slots=True)
class Tip:
    """Where a walk through the history starts, and the name that it gives what it reaches."""

    name: str
    commit: pygit2.Oid


@dataclass(slots=True, eq=False)
class Run:
    """One run.

    Attributes
    ----------
    commit : pygit2.Commit or None
        None for what stands in the working tree, uncommitted.
    branch : str or None
        The branch, tag or experiment that it was first reached from.
    snapshot : Snapshot
        Its files.
    also : tuple of str
        Other commits that hold the same params, code, data and metrics.
    results : bytes
        A digest of what tells its metrics and params from another run's.
    blobs : dict of str to object
        Its metrics files by path, unless the digest was remembered.
    """

    commit: pygit2.Commit | None
    branch: str | None
    snapshot: Snapshot
    also: tuple[str, ...] = ()
    results: bytes = b""
    blobs: Mapping[str, BlobId] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The whole commit id, or ``workspace``."""
        return str(self.commit.id) if self.commit else WORKSPACE

    @property
    def short(self) -> str:
        """The abbreviated commit id, or ``workspace``."""
        return self.id[:7] if self.commit else WORKSPACE

    @property
    def subject(self) -> str:
        """The first line of the commit's message."""
        if self.commit is None:
            return "(not committed)"
        text = self.commit.raw_message.decode(self.commit.message_encoding or "utf-8", "replace")
        return next(iter(text.strip().splitlines()), "")

    @property
    def author(self) -> str:
        """Who wrote the commit."""
        if self.commit is None:
            return ""
        return bytes(self.commit.author.raw_name).decode(errors="replace")

    @property
    def time(self) -> datetime | None:
        """When the commit was made, in the committer's time zone."""
        if self.commit is None:
            return None
        zone = timezone(timedelta(minutes=self.commit.commit_time_offset))
        return datetime.fromtimestamp(self.commit.commit_time, UTC).astimezone(zone)


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
    commits = _walk(repository, tips)
    # pygit2 makes new objects whenever a commit is asked for its parents.
    parents = {commit.id: commit.parent_ids for commit in commits}
    names = _name(parents, tips)
    memory = reader.memory if len(commits) >= _LONG else None
    digests: dict[pygit2.Oid, bytes] = {}
    blobs: dict[bytes, dict[str, BlobId]] = {}
    for commit in commits:
        tree = repository.tree_of(commit) if memory else None
        digest = memory.digest(tree) if memory and tree else None
        if digest is None:
            digest, found = results_of(reader, repository.commit_snapshot(commit))
            blobs.setdefault(digest, found)
            if memory and tree:
                memory.keep_digest(tree, digest)
        digests[commit.id] = digest
    candidates = [
        Run(
            commit,
            names.get(commit.id),
            repository.commit_snapshot(commit),
            results=digest,
            blobs=blobs.get(digest, {}),
        )
        for commit in commits
        if (digest := digests[commit.id])
        and all(digests.get(parent) != digest for parent in parents[commit.id])
    ]
    runs = _merge_equal(reader, candidates)
    if workspace and repository.worktree is not None:
        current = repository.snapshot(repository.workspace())
        head = repository.snapshot(repository.head())
        digest, found = results_of(reader, current)
        same = digest == results_of(reader, head)[0]
        if digest and not (same and reader.lock_key(current) == reader.lock_key(head)):
            runs.insert(0, Run(None, repository.branch, current, results=digest, blobs=found))
    return runs


def results_of(reader: Reader, snapshot: Snapshot) -> tuple[bytes, dict[str, BlobId]]:
    """Give a digest of a revision's results, empty where there are none, and the metrics' blobs."""
    key = reader.results_key(snapshot, without=_NOT_RESULTS)
    if not any(blob for _, blob in key):
        return b"", {}
    metrics = reader.declared(snapshot).metrics
    blobs = {path: blob for path, blob in key if isinstance(blob, bytes) and path in metrics}
    return hashlib.blake2b(repr(key).encode(), digest_size=16).digest(), blobs


def _walk(repository: Repository, tips: list[Tip]) -> list[pygit2.Commit]:
    if not tips:
        return []
    walker = repository.git.walk(tips[0].commit, SortMode.TOPOLOGICAL | SortMode.TIME)
    for tip in tips[1:]:
        walker.push(tip.commit)
    return list(walker)


def _name(parents: Mapping[pygit2.Oid, list[pygit2.Oid]], tips: list[Tip]) -> dict[pygit2.Oid, str]:
    """Name each commit after the tip that reaches it by first parents, or else by any.

    The commits come children first, so each is named before its parents ask.
    """
    best: dict[pygit2.Oid, tuple[int, int]] = {}
    for number, tip in reversed(list(enumerate(tips))):
        best[tip.commit] = (0, number)
    for commit, above in parents.items():
        if commit not in best:
            continue
        merges, number = best[commit]
        for place, parent in enumerate(above):
            reached = (merges + (place > 0), number)
            best[parent] = min(reached, best.get(parent, reached))
    return {commit: tips[number].name for commit, (_, number) in best.items()}


def _merge_equal(reader: Reader, runs: list[Run]) -> list[Run]:
    """Make one run of those with the same results, code and data; the oldest commit stands."""
    often = {digest for digest, count in Counter(run.results for run in runs).items() if count > 1}
    known: dict[tuple[bytes, object], Run] = {}
    kept: list[Run] = []
    for run in reversed(runs):
        # Only results that occur twice are worth the reading of a lock.
        if run.results in often:
            identity = (run.results, _inputs(reader.lock(run.snapshot)))
            first = known.setdefault(identity, run)
            if first is not run:
                first.also = (*first.also, run.id)
                continue
        kept.append(run)
    return kept[::-1]


def _inputs(lock: Lock) -> object:
    """Give what the stages ran on: a value to compare, from hashes and params."""
    return (
        frozenset(
            (name, path, item.value)
            for name, s in lock.stages.items()
            for path, item in s.deps.items()
        ),
        frozenset((path, item.value) for path, item in lock.data.items()),
        repr(sorted((name, str(s.command), s.params) for name, s in lock.stages.items())),
    )
