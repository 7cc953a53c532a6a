"""Git's own commands, for what is no reading of history: its settings, hooks and index."""

from __future__ import annotations

import subprocess
from pathlib import Path

from fivefold.errors import MergeError

__all__ = ["git", "git_bytes", "setting", "toplevel"]


def git_bytes(folder: Path, *arguments: str) -> bytes:
    """Run a Git command and give what it printed.

    Raises
    ------
    MergeError
        It failed.
    """
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise MergeError(f"git {arguments[0]} failed", where=str(folder), got=said)
    return done.stdout


def git(folder: Path, *arguments: str) -> str:
    """Run a Git command and give what it printed, as text; see :func:`git_bytes`."""
    return git_bytes(folder, *arguments).decode(errors="surrogateescape").strip()


def setting(folder: Path, name: str, *, own: bool = False) -> str | None:
    """Give one of Git's settings, of the repository's own if so asked; None where it is not set."""
    command = ["git", "config", *(["--local"] if own else []), "--get", name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return None if done.returncode else done.stdout.removesuffix("\n")


def toplevel(folder: Path) -> Path:
    """Give the top folder of the working tree.

    Raises
    ------
    MergeError
        There is none.
    """
    command = ["git", "rev-parse", "--show-toplevel"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout.strip():
        raise MergeError(
            "this is not inside a Git working tree",
            where=str(folder),
            hint="cd into the project, or start one: git init",
        )
    return Path(done.stdout.removesuffix("\n"))
