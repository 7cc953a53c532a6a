"""Prove that a commit gives its own results: a clean clone, ``dvc repro``, the same hashes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fivefold.errors import IntegrityError, PipelineError
from fivefold.pipeline.environment import differences as environment_differences
from fivefold.pipeline.integrity import LOCK, load_lock

__all__ = ["Verified", "lock_differences", "run_dvc", "run_git", "verify"]


@dataclass(frozen=True)
class Verified:
    """What a verification found.

    Attributes
    ----------
    revision : str
        The commit.
    same : bool
        Is ``dvc.lock`` the same, byte for byte?
    differences : tuple of str
        One line per output that differs, the first stage first.
    """

    revision: str
    same: bool
    differences: tuple[str, ...]


def verify(
    root: Path, revision: str = "HEAD", keep: Path | None = None, say: Callable[[str], None] = print
) -> Verified:
    """Clone a commit into an empty folder, run its whole pipeline there, and compare the hashes.

    Parameters
    ----------
    root : Path
        A project in a Git repository.
    revision : str
        The commit to verify.
    keep : Path, optional
        Where to clone to, and to leave the clone; a temporary folder otherwise.
    say : callable
        Takes one line of progress.

    Raises
    ------
    PipelineError
        The commit has no ``dvc.lock``, or its pipeline fails.
    """
    top = Path(run_git(root, "rev-parse", "--show-toplevel"))
    commit = run_git(root, "rev-parse", "--verify", f"{revision}^{{commit}}")
    inside = root.resolve().relative_to(top.resolve())
    folder = keep or Path(tempfile.mkdtemp(prefix="fivefold-verify-"))
    try:
        clone = folder / "clone"
        run_git(root, "clone", "--quiet", "--no-hardlinks", "--no-checkout", str(top), str(clone))
        run_git(clone, "checkout", "--quiet", "--detach", commit)
        project = clone / inside
        before = project / LOCK
        if not before.is_file():
            raise PipelineError(
                "the commit has no dvc.lock: it claims no results",
                where=f"{commit[:10]}:{LOCK}",
                hint="dvc repro, then git add dvc.lock and commit",
            )
        expected = before.read_bytes()
        claimed = load_lock(project)
        _pull_sources(root, project)
        for line in environment_differences(project):
            say(f"this environment differs from the commit's: {line}")
        say(f"running the pipeline of {commit[:10]} in {clone}")
        # Forced and without the run cache: every stage must give its outputs anew.
        run_dvc(project, "repro", "--force", "--no-run-cache", "--no-commit")
        found = load_lock(project)
        same = before.read_bytes() == expected
        return Verified(commit, same, tuple(lock_differences(claimed, found)))
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def run_dvc(root: Path, *arguments: str, on_stderr: bool = False) -> None:
    """Run a DVC command in a project, its output shown.

    Parameters
    ----------
    root : Path
    *arguments : str
    on_stderr : bool
        Show all of it there, where standard output is somebody's report.

    Raises
    ------
    PipelineError
        The command fails.
    """
    # The project's own `fivefold` must be the one that runs here, on the PATH or not.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=root,
        env={**os.environ, "PATH": path},
        stdout=sys.stderr.fileno() if on_stderr else None,
        check=False,
    )
    if done.returncode:
        raise PipelineError(
            f"dvc {arguments[0]} failed", where=str(root), hint="the message above names the stage"
        )


def _pull_sources(root: Path, project: Path) -> None:
    """Fetch what ``dvc add`` tracks (a source, say) from the cache of the repository at hand."""
    tracked = [str(path.relative_to(project)) for path in project.rglob("*.dvc") if path.is_file()]
    cache = root / ".dvc" / "cache"
    if tracked and cache.is_dir():
        run_dvc(project, "remote", "add", "--local", "fivefold-verify", str(cache.resolve()))
        run_dvc(project, "pull", "--quiet", "--remote", "fivefold-verify", *tracked)


def lock_differences(claimed: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Word what differs between two ``dvc.lock`` files, the first stage first."""
    lines = []
    there, here = claimed.get("stages") or {}, found.get("stages") or {}
    for stage in dict.fromkeys([*there, *here]):
        for part in ("deps", "params", "outs"):
            old, new = (side.get(stage, {}).get(part) or [] for side in (there, here))
            lines += [f"{stage}: {line}" for line in _entries(part, old, new)]
    return lines


def _entries(part: str, old: Any, new: Any) -> list[str]:
    if part == "params":
        return ["params differ"] if old != new else []
    olds, news = ({item["path"]: item.get("md5") for item in items} for items in (old, new))
    return [
        f"{part.removesuffix('s')} {path}: {olds.get(path)} claimed, {news.get(path)} found"
        for path in dict.fromkeys([*olds, *news])
        if olds.get(path) != news.get(path)
    ]


def run_git(folder: Path, *arguments: str) -> str:
    """Run a Git command in a folder and give what it prints.

    Raises
    ------
    IntegrityError
        The command fails.
    """
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise IntegrityError(
            f"git {arguments[0]} failed",
            where=str(folder),
            got=done.stderr.strip().removeprefix("fatal: "),
            hint="commit the project first: git add -A && git commit",
        )
    return done.stdout.strip()
