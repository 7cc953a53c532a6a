"""Register a version of the model, where it changed since the last one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pygit2

from fivefold.errors import HistoryError, IntegrityError
from fivefold.history.diff.changes import Diff
from fivefold.history.diff.compare import compare
from fivefold.history.git.repository import Repository, Revision
from fivefold.history.reader import Reader
from fivefold.registry.entry import write_entry
from fivefold.registry.model import (
    Model,
    artifact_name,
    bump_between,
    read_model,
    read_policy,
)
from fivefold.registry.versions import Bump, Version, next_version, read_versions, tag_of

__all__ = ["Release", "plan_release", "push_tag", "register", "unfetched", "withdraw"]


@dataclass(frozen=True)
class Release:
    """A version to register, or the reason why there is none.

    Attributes
    ----------
    commit : pygit2.Commit
    artifact : str
    previous : Version or None
        The last version that stands.
    tag : str or None
        The tag to write; None where the model is the last version's.
    reason : str
        Why this number, or why none.
    message : str
        The tag's message: the leaderboard's entry.
    """

    commit: pygit2.Commit
    artifact: str
    previous: Version | None
    tag: str | None
    reason: str
    message: str = ""


def plan_release(root: Path, bump: Bump | None = None) -> Release:
    """Decide whether HEAD's model is a new version, and write its entry; changes nothing.

    Parameters
    ----------
    root : Path
        A project in a Git repository.
    bump : {"major", "minor", "patch"}, optional
        Which part of the version to raise, instead of what follows from the change.

    Raises
    ------
    HistoryError
        The clone is shallow, the working tree has changes, HEAD isn't on the default branch, or a
        gate fails.
    IntegrityError
        HEAD's results aren't those of its own lock.
    """
    repository = Repository(root)
    head = repository.head()
    _require_whole(repository, head)
    reader = Reader(repository)
    snapshot = repository.snapshot(head)
    policy = read_policy(reader, snapshot)
    model = read_model(reader, snapshot, policy.model)
    artifact = artifact_name(reader, snapshot, policy.model)
    assert head.commit is not None  # noqa: S101  head() never gives the working tree
    versions = read_versions(repository.git, artifact)
    previous = next((item for item in reversed(versions) if item.active), None)
    before: Model | None = None
    if previous is not None:
        old = repository.commit_snapshot(previous.commit)
        before = read_model(reader, old, policy.model)
        if before.files == model.files:
            return Release(
                head.commit, artifact, previous, None, f"the model is that of {previous.tag}"
            )
    # Against itself the first version can't be worse than it was; its thresholds still judge it.
    base = Revision(previous.tag, previous.commit) if previous else head
    diff = compare(reader, base, head)
    _require_good(diff)
    found, reason = bump_between(before, model) if before else ("patch", "the first version")
    if bump is not None:
        found, reason = bump, "as asked"
    tag = tag_of(artifact, next_version(versions, found))
    message = write_entry(reader, head, tag, model, diff, previous)
    return Release(head.commit, artifact, previous, tag, reason, message)


def register(root: Path, release: Release) -> None:
    """Write the tag of a planned release.

    Raises
    ------
    HistoryError
        Git refuses, for want of a name or because the tag is there.
    """
    if release.tag is None:
        return
    # Git itself, so that the user's name, and the signature where one is asked for, are as ever.
    command = ("tag", "--annotate", "--cleanup=verbatim", "--file=-", release.tag)
    _git(root, *command, str(release.commit.id), stdin=release.message)


def push_tag(root: Path, tag: str, remote: str = "origin") -> bool:
    """Push one tag, unless the remote has it.

    Returns
    -------
    bool
        Whether it was pushed.

    Raises
    ------
    HistoryError
        The remote refuses, or has another tag of this name.
    """
    ours = _git(root, "rev-parse", f"refs/tags/{tag}")
    listed = _git(root, "ls-remote", "--refs", remote, f"refs/tags/{tag}").split()
    if listed and listed[0] == ours:
        return False
    _git(root, "push", "--quiet", remote, f"refs/tags/{tag}")
    return True


def unfetched(root: Path, artifact: str, remote: str = "origin") -> list[str]:
    """Name the remote's versions of an artifact that are not here."""
    prefix = artifact.replace(":", "=")
    lines = _git(root, "ls-remote", "--refs", remote, f"refs/tags/{prefix}@*").splitlines()
    there = [line.split("\trefs/tags/", 1)[1] for line in lines if "\trefs/tags/" in line]
    here = set(_git(root, "tag", "--list").splitlines())
    return [tag for tag in there if tag not in here]


def withdraw(root: Path, tag: str) -> None:
    """Take back a tag that was written here and could not be pushed."""
    _git(root, "tag", "--delete", tag)


def _require_whole(repository: Repository, head: Revision) -> None:
    if repository.is_shallow:
        raise HistoryError(
            "the clone is shallow: the versions before, and the runs to rank among, are not here",
            where=str(repository.root),
            hint="git fetch --unshallow --tags",
        )
    changed = [
        path
        for path, flags in repository.git.status(untracked_files="no").items()
        if flags not in (pygit2.enums.FileStatus.CURRENT, pygit2.enums.FileStatus.IGNORED)
    ]
    if changed:
        raise HistoryError(
            "the working tree has changes that no commit holds",
            got=_some(changed),
            hint="commit them and have them merged, or git stash",
        )
    name = repository.default_branch()
    if name is None or head.commit is None:
        return
    target = repository.resolve(name).commit
    assert target is not None  # noqa: S101  a branch is a commit
    if target.id != head.commit.id and not repository.git.descendant_of(target.id, head.commit.id):
        raise HistoryError(
            f"versions are registered on {name}, where what was reviewed is",
            where=repository.branch or head.short,
            got="commits that are not merged",
            hint=f"git switch {name.removeprefix('origin/')}",
        )


def _require_good(diff: Diff) -> None:
    """Refuse a run that isn't its own, or that a gate stops."""
    failed = [gate for gate in diff.gates if gate.failed]
    if any(gate.kind == "integrity" for gate in failed):
        found = diff.integrity["head"]
        raise IntegrityError(
            f"HEAD's results are {found.status}: they are not those of its dvc.lock",
            where=diff.head.label,
            got="\n".join(found.reasons[:5]),
            hint="dvc repro, and commit the results",
        )
    if failed:
        raise HistoryError(
            "a gate fails, so there is nothing to release",
            where=diff.head.label,
            got=diff.verdict,
            hint=f"fivefold gate {diff.base.name} says more; a reasoned exception is recorded "
            "by --allow, reviewed and merged",
        )


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if names[5:] else "")


def _git(root: Path, *arguments: str, stdin: str | None = None) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise HistoryError(
            f"git {arguments[0]} failed",
            where=str(root),
            got=_last_words(done.stderr),
        )
    return done.stdout.strip()


def _last_words(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if not line.startswith("hint:")]
    return "\n".join(lines[-4:]).removeprefix("fatal: ")
